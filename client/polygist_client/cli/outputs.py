"""Where results go: standard output, one file, or a folder; a file is there whole or not at all."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from polygist_client.cli.inputs import Input

DEFAULT_SUFFIX = ".txt"


@dataclass(frozen=True, slots=True)
class Output:
    """What ``-o`` says: nothing is standard output."""

    file: Path | None = None
    folder: Path | None = None

    def path_for(self, source: Input, label: str) -> Path:
        """Name the file in the folder for a result: ``article.txt`` and ``pt`` make ``article.pt.txt``.

        What lies in a folder of the one that is read lies in the same here.
        """
        assert self.folder is not None
        origin = source.path or Path(source.name + DEFAULT_SUFFIX)
        return self.folder / source.inside / f"{origin.stem}.{label}{origin.suffix}"

    @property
    def is_device(self) -> bool:
        """Whether the file is a device or a pipe, and no regular one."""
        return self.file is not None and self.file.exists() and not self.file.is_file()

    @contextmanager
    def open_shared(self) -> Iterator[BinaryIO | None]:
        """Open the one stream for all results; None where each has a file of its own."""
        if self.folder is not None:
            yield None
        else:
            with open_output(self.file) as stream:
                yield stream

    @contextmanager
    def open_own(self, source: Input, label: str, shared: BinaryIO | None) -> Iterator[BinaryIO]:
        """Open the stream for one result: `shared` where there is one."""
        if shared is not None:
            yield shared
        else:
            with open_output(self.path_for(source, label)) as stream:
                yield stream


def parse_output(given: str | None) -> Output:
    """Parse ``-o``: a folder where it is one or ends in a slash, else a file."""
    if given is None:
        return Output()
    if given.endswith(("/", os.sep)) or Path(given).is_dir():
        return Output(folder=Path(given))
    return Output(file=Path(given))


def check_output(output: Output, sources: Sequence[Input], labels: Sequence[str], *, shares_stream: bool) -> None:
    """Raise UsageError where results would be mixed up or overwrite each other.

    Args:
        output: where they go.
        sources: what is read.
        labels: languages and the like that tell the results of one source apart.
        shares_stream: whether several results may stand in one stream.
    """
    if output.folder is None:
        if len(sources) * len(labels) > 1 and not shares_stream:
            raise click.UsageError("several results: give -o DIR/ for one file each, or --jsonl")
        return
    for label in labels:
        if not re.fullmatch(r"[\w.-]+", label):
            raise click.UsageError(f"{label!r} cannot be part of a file name")
    paths: dict[Path, str] = {}
    for source in sources:
        for label in labels:
            path = output.path_for(source, label)
            if path in paths:
                raise click.UsageError(f"{paths[path]} and {source.name} would both be written to {path}")
            paths[path] = source.name


def is_finished(path: Path, source: Input) -> bool:
    """Tell whether a result is there, as it only is when it is whole, and newer than the file it was made from."""
    try:
        return source.path is not None and path.stat().st_mtime_ns > source.path.stat().st_mtime_ns
    except FileNotFoundError:
        return False


@contextmanager
def open_output(path: Path | None) -> Iterator[BinaryIO]:
    """Open a stream to write to; a file gets its name when the block has ended well, and nothing is left otherwise."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield stream
    else:
        with replace_file(Path(os.path.realpath(path))) as stream:
            yield stream


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Open a stream for the new content of a file, which takes place and mode of the old one when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        if path.exists():
            mode = path.stat().st_mode & 0o7777
        else:
            mask = os.umask(0)
            os.umask(mask)
            mode = 0o666 & ~mask
        Path(temporary).chmod(mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
