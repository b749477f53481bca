"""Fetches what a model is made of, and makes the folder that the engine loads: converted where it has to be."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.catalogue import CatalogueEntry, Files
from polygist_service.store.catalogue.families import Family, recognise
from polygist_service.store.catalogue.pull_options import expect_accepted
from polygist_service.store.convert import CONVERTERS
from polygist_service.store.convert.inspect import (
    CONVERTED,
    FACTS,
    VOCABULARY_MAP,
    Contents,
    describe,
    read_contents,
    read_vocabulary,
)
from polygist_service.store.description import Description
from polygist_service.store.isolation import Isolated, choose_bounds, run_here
from polygist_service.store.manifest import compute_sha256
from polygist_service.store.sources.repositories import Repository
from polygist_service.store.sources.wheels import Progress, Source, fetch_files

USUAL_COMPUTE_TYPE = "int8"
# What a converted model was made with is its own affair.
AS_STORED = "default"
# What converts published weights, in a process of its own.
NEEDED = ("torch", "transformers")

# Weights of 4 bits become float32, and are copied and quantised.
COPIES = 24

Installed = tuple[Description, dict[str, str]]
"""The description, and the SHA-256 of the source files by their names."""


def convert_files(
    entry: CatalogueEntry, source: Source, *, build: Path, workspace: Path, report: Progress, is_isolated: bool = False
) -> Installed:
    """Fetch the pinned files of a model and convert them to `build`, which is empty.

    Args:
        is_isolated: whether that runs in a process of its own, which a file may crash.

    Raises:
        StoreError: what reads the files is not installed; a file cannot be had, has another checksum, or is not what
            the converter reads.
    """
    origin, family = entry.origin, entry.family
    assert isinstance(origin, Files)
    assert family is not None
    converter = CONVERTERS[origin.converter]
    converter.expect_package(entry.name)
    files = fetch_files(source, origin.files, workspace, report)
    report(f"convert {entry.name}", 0, None)
    int8_limit = converter.int8_limit
    run = isolate(entry.name, files).run if is_isolated else run_here
    with naming_strange_files(entry.name, f"converter {origin.converter}"):
        run(converter.convert, files, build, compute_type=entry.compute_type, int8_limit=int8_limit)
    settings = {**entry.settings, "compute_type": entry.compute_type}
    description = describe(entry.name, family, settings, Contents(frozenset(), {}), build)
    description = replace(description, aligns=family.aligns, int8_limit=int8_limit)
    return description, {file.key: file.sha256 for file in origin.files}


@contextmanager
def naming_strange_files(name: str, reader: str) -> Iterator[None]:
    """Turn whatever strange files bring about, in numpy, safetensors, sentencepiece or here, into a StoreError."""
    try:
        yield
    except (StoreError, OSError):
        raise
    except Exception as error:
        raise StoreError(f"{name}: its files are not what {reader} reads ({error!r}); get others") from error


def isolate(name: str, files: Mapping[str, Path]) -> Isolated:
    """Return what converts a model in another process."""
    size = sum(path.stat().st_size for path in files.values())
    return Isolated(
        f"{name} cannot be converted: its files are damaged, or made to do harm",
        cure="get others",
        bounds=choose_bounds(size, copies=COPIES),
    )


def install_repository(
    entry: CatalogueEntry,
    repository: Repository,
    *,
    families: Mapping[str, Family],
    accepted: Collection[str],
    build: Path,
    workspace: Path,
    report: Progress,
) -> Installed:
    """Fetch what a published model is made of, convert it unless it is converted already, and describe it.

    Licence and converter are looked at before the weights are fetched.

    Args:
        accepted: licences that were accepted by name.
        build: an empty folder, which becomes the model's.
        workspace: a folder for what is in between.

    Raises:
        StoreError: the family cannot be told, the licence is not accepted, the converter is missing or fails, or a
            file cannot be had.
    """
    fetched = repository.fetch([name for name in FACTS if name in repository.files], report)
    with naming_strange_files(entry.name, "polygist"):
        contents = read_contents(repository.files, fetched)
        license = str(entry.settings.get("license") or repository.license or "unknown")
        for each in (license, repository.license):
            expect_accepted(entry.name, each, accepted)
        installation = Installation(entry, repository, contents, families, build, workspace, report)
        contents.expect_model(entry.name)
        if contents.is_converted:
            family, compute_type = installation.copy(), entry.compute_type or AS_STORED
        else:
            expect_converter(entry.name)
            compute_type = entry.compute_type or USUAL_COMPUTE_TYPE
            family = installation.convert(compute_type)
        settings = {**entry.settings, "license": license, "compute_type": compute_type}
        return describe(entry.name, family, settings, contents, build), installation.source_files


@dataclass(frozen=True)
class Installation:
    """An installation from a repository under way; `source_files` has the SHA-256 of what was fetched so far."""

    entry: CatalogueEntry
    repository: Repository
    contents: Contents
    families: Mapping[str, Family]
    build: Path
    workspace: Path
    report: Progress
    source_files: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Family:
        """Copy a converted model; the vocabulary comes first, as the family may depend on it."""
        self.copy_files(self.contents.vocabularies)
        family = self.recognise(read_vocabulary(self.build))
        self.expect_tokenizer(family, self.contents.files)
        self.copy_files([*family.tokenizer_files, "config.json", CONVERTED])
        self.copy_files([name for name in (VOCABULARY_MAP, *family.optional_files) if name in self.contents.files])
        return family

    def convert(self, compute_type: str) -> Family:
        """Convert published weights in a process of its own."""
        contents, family = self.contents, self.recognise(())
        index = contents.weights_index()
        listed = self.fetch([index] if index else [])
        weights = contents.weights(listed.get(index) if index else None)
        facts = [name for name in FACTS if name in contents.files]
        work = self.workspace / self.entry.name
        staged, converted = work / self.entry.name, work / "converted"
        for path, place in {**listed, **self.fetch([*weights, *contents.tokenizer_files, *facts])}.items():
            (staged / path).parent.mkdir(parents=True, exist_ok=True)
            (staged / path).symlink_to(place.resolve())
        self.report(f"convert {self.entry.name}", 0, None)
        convert_published(staged, converted, compute_type=compute_type, family=family)
        for each in converted.iterdir():
            shutil.move(each, self.build / each.name)
        for name in (*family.tokenizer_files, *family.optional_files):
            if (staged / name).exists() and not (self.build / name).exists():
                shutil.copyfile(staged / name, self.build / name)
        family = self.recognise(read_vocabulary(self.build))
        self.expect_tokenizer(family, {path.name for path in self.build.iterdir()})
        return family

    def recognise(self, vocabulary: Collection[str]) -> Family:
        """The family of the model: the one that is named, or the one that its files fit."""
        contents = self.contents
        return self.entry.family or recognise(
            self.families, contents.config, contents.tokenizer_class, vocabulary, contents.files
        )

    def fetch(self, paths: Sequence[str]) -> dict[str, Path]:
        """Fetch files and note their checksums."""
        fetched = self.repository.fetch(paths, self.report) if paths else {}
        self.source_files.update({path: compute_sha256(place) for path, place in fetched.items()})
        return fetched

    def copy_files(self, paths: Sequence[str]) -> None:
        """Fetch files and copy them to the model's folder."""
        for path, place in self.fetch(paths).items():
            shutil.copyfile(place, self.build / Path(path).name)

    def expect_tokenizer(self, family: Family, present: Collection[str]) -> None:
        """Raise StoreError where files are missing that the family's tokenizer reads."""
        if missing := [name for name in family.tokenizer_files if name not in present]:
            raise StoreError(
                f"{self.entry.name} has no {', '.join(missing)}, which the family {family.name} reads; take a "
                "repository that has, or give another --family"
            )


def expect_converter(model: str) -> None:
    """Raise StoreError, with the command that helps, where what converts published weights is not installed."""
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise StoreError(
            f"{model} has to be converted, and {' and '.join(missing)} are not installed; run: pip install "
            "'polygist[service,convert]', or pull a repository that holds a converted model (model.bin)"
        )


def convert_published(folder: Path, target: Path, *, compute_type: str, family: Family) -> None:
    """Convert a published model to `target`, which must not exist; only files of `folder` are read, never code.

    A process of its own gives back the memory, and keeps a crash and an import of torch away from this one.

    Raises:
        StoreError: the converter fails; holds its own last words.
    """
    order = {"folder": str(folder), "target": str(target), "compute_type": compute_type, "class": family.converts_as}
    run = subprocess.run(
        [sys.executable, "-P", "-m", "polygist_service.store.convert.transformers_process", json.dumps(order)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
    )  # fmt: skip
    if run.returncode:
        lines = [line.strip() for line in run.stderr.splitlines() if line.strip()]
        said = lines[-1] if lines else f"it ended with code {run.returncode}; is there enough memory?"
        raise StoreError(f"the model in {folder.name} cannot be converted: {said}")
