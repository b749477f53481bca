"""Where results go: standard output, one file, or a folder; a file is there whole or not at all."""

import errno
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import click

from polygist_client.atomic_files import replace_in_place
from polygist_client.cli.formats import FileFormat, Format, named_file_format
from polygist_client.cli.inputs import STDIN, Input, identify

SUFFIXES: Mapping[Format | FileFormat, str] = {
    "text": ".txt", "html": ".html", "markdown": ".md", "docx": ".docx", "srt": ".srt", "vtt": ".vtt", "po": ".po",
}  # fmt: skip
# What a file comes back as: a template of a catalogue becomes a catalogue.
BECOMES: Mapping[str, str] = {".pot": ".po"}
# Where a process has its open files: what is named there is written to as it is open, wherever its link leads.
DESCRIPTORS = re.compile(r"/proc/.+/fd|/dev/fd")
OWN_DESCRIPTORS = Path("/dev/fd")
STANDARD_OUTPUT = OWN_DESCRIPTORS / "1"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
MOST_LINKS = 40  # as for Linux


@dataclass(frozen=True, slots=True)
class Output:
    """What ``-o`` says: nothing is standard output; and what results are where they are not what their source is."""

    file: Path | None = None
    folder: Path | None = None
    makes: Format | None = field(default=None, compare=False)

    def path_for(self, source: Input, label: str) -> Path:
        """Name the file in the folder for a result: ``article.txt`` and ``pt`` make ``article.pt.txt``.

        A summary of ``page.html`` is ``page.summary.txt``, one in Markdown ``page.summary.md``. What lies in a
        folder of the one that is read lies in the same here.
        """
        assert self.folder is not None
        format = source.file or source.format or "text"
        origin = source.path or Path(source.name + SUFFIXES[format])
        if self.makes in (None, format):
            suffix = BECOMES.get(origin.suffix.lower(), origin.suffix)
            is_misnamed = named_file_format(origin) not in (None, source.file)
            if source.file and (is_misnamed or not suffix):
                suffix = SUFFIXES[source.file]
        else:
            suffix = SUFFIXES[self.makes]
        return self.folder / source.inside / f"{origin.stem}.{label}{suffix}"

    @property
    def is_stream(self) -> bool:
        """Whether the file is written to as it goes on, as a device, a pipe or ``/dev/stdout`` is."""
        return self.file is not None and is_stream(self.file)

    @property
    def feeds_another(self) -> bool:
        """Whether results go to another program at once, which may write to the terminal itself."""
        if self.folder is not None or (self.file is not None and not self.is_stream):
            return False
        try:
            mode = os.stat(self.file).st_mode if self.file else os.fstat(standard_output().fileno()).st_mode
        except (OSError, ValueError):
            return False
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

    @contextmanager
    def open_shared(self) -> Iterator[BinaryIO | None]:
        """Open the one stream for all results; None where each has a file of its own."""
        if self.folder is not None:
            yield None
        else:
            with open_output(self.file) as stream:
                yield stream

    @contextmanager
    def open_own(self, source: Input, label: str, shared: BinaryIO | None = None) -> Iterator[BinaryIO]:
        """Open the stream for one result: `shared` where there is one."""
        if shared is not None:
            yield shared
        else:
            with open_output(self.path_for(source, label) if self.folder else self.file) as stream:
                yield stream


def parse_output(given: str | None, *, makes: Format | None = None) -> Output:
    """Parse ``-o``: ``-`` is standard output, a folder is one or ends in a slash; `makes` is as for `Output`."""
    if given is None or given == STDIN:
        return Output(makes=makes)
    if given.endswith(("/", os.sep)) or Path(given).is_dir():
        return Output(folder=Path(given), makes=makes)
    return Output(file=Path(given), makes=makes)


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


def check_overlap(output: Output, sources: Sequence[Input], labels: Sequence[str], *, is_of_records: bool) -> None:
    """Raise UsageError where a file is both read and written: what is done would be read as what is to do.

    One whole text may be replaced by its result: it is read before anything is written.

    Args:
        output: where results go.
        sources: what is read.
        labels: languages and the like that tell the results of one source apart.
        is_of_records: whether the sources are read while results are written.
    """
    if output.folder is None and not is_of_records and len(sources) == 1:
        return
    read = {identity: source for source in sources if (identity := source.identity()) is not None}
    written: Iterable[Path] = [output.file or STANDARD_OUTPUT]
    if output.folder is not None:
        written = (output.path_for(source, label) for source in sources for label in labels)
    for path in written:
        if (identity := identify(path)) and (found := read.get(identity)):
            raise click.UsageError(f"{found.name} would be read and written; give -o another name")


def is_finished(path: Path, source: Input) -> bool:
    """Tell whether a result is there, as it only is when it is whole, and newer than the file it was made from."""
    try:
        return source.path is not None and path.stat().st_mtime_ns > source.path.stat().st_mtime_ns
    except FileNotFoundError:
        return False


def find_descriptor(path: Path) -> Path | None:
    """Find the open file that a name such as ``/dev/stdout`` stands for, by itself or by its links; None for others."""
    for _ in range(MOST_LINKS):
        place = Path(os.path.realpath(path.parent), path.name)
        if DESCRIPTORS.fullmatch(str(place.parent)):
            return place
        if not place.is_symlink():
            return None
        path = place.parent / os.readlink(place)
    return None


def is_stream(path: Path) -> bool:
    """Whether what has this name is written to as it goes on, and cannot be replaced by another file."""
    return find_descriptor(path) is not None or (path.exists() and not path.is_file())


def standard_output() -> BinaryIO:
    """Return standard output; raises OSError where the command was started without."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "is closed; give -o FILE", "standard output")
    return sys.stdout.buffer


@contextmanager
def naming_file(name: str) -> Iterator[None]:
    """Say in an error of the block which file has no room, where it does not say so itself."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in NO_ROOM:
            raise OSError(error.errno, error.strerror, name) from error
        raise


@contextmanager
def open_output(path: Path | None) -> Iterator[BinaryIO]:
    """Open a stream to write to; a file gets its name when the block has ended well, and nothing is left otherwise."""
    if path is None:
        with naming_file("standard output"):
            stream = standard_output()
            yield stream
            stream.flush()
    elif is_stream(path):
        with naming_file(str(path)), open_stream(path) as stream:
            yield stream
    else:
        with naming_file(str(path)), replace_file(Path(os.path.realpath(path))) as stream:
            yield stream


def open_stream(path: Path) -> BinaryIO:
    """Open a device, a pipe or what a process has open; of the last, what is there stays. Raises OSError."""
    descriptor = find_descriptor(path)
    if descriptor is None:
        return path.open("wb")
    if descriptor.parent != OWN_DESCRIPTORS.resolve() or not descriptor.name.isdecimal():
        return path.open("ab")
    try:
        return os.fdopen(os.dup(int(descriptor.name)), "wb")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


@contextmanager
def making_folder(folder: Path) -> Iterator[None]:
    """Make a folder, and those above it, for what the block puts there; where that is nothing, none of them stays."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for each in made:
            with suppress(OSError):  # there is something in it
                each.rmdir()


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Open a stream for the new content of a file, which takes place and mode of the old one when the block ends."""
    with making_folder(path.parent), replace_in_place(path) as stream:
        yield stream
