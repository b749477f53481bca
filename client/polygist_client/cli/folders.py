"""What the command line names: files, the files of folders, standard input, and texts themselves."""

import io
import os
import sys
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from polygist_client.cli.formats import (
    FileFormat,
    Format,
    find_file_format,
    named_file_format,
    named_format,
)
from polygist_client.cli.inputs import STDIN, Input, InputError
from polygist_client.cli.journal import journal_path
from polygist_client.cli.kinds import Expected, look_at


def gather_inputs(
    files: Sequence[str],
    texts: Sequence[str],
    *,
    expected: Expected = "words",
    format: Format | None = None,
    file: FileFormat | None = None,
    takes_files: bool = False,
    output: Path | None = None,
    is_read_again: bool = False,
    no_document: str = "",
    charset: str = "",
) -> list[Input]:
    """Gather the inputs that the command line names: files, then texts; standard input where it names none.

    Args:
        files: paths, of folders too; ``-`` is standard input.
        texts: texts themselves.
        expected: what files are read as.
        format: what whole texts are, where that is said.
        file: what all are where they are files, not texts, and that is said.
        takes_files: whether what shows to be such a file is taken for one.
        output: a folder or a file for results, which is no input where it lies in a folder that is read.
        is_read_again: whether inputs are read several times, which standard input cannot be: its bytes are kept.
        no_document: why documents are not taken; empty where they are.
        charset: what files are said to be encoded in; empty where nothing is said.

    Raises:
        UsageError: there is nothing to read.
        InputError: a folder has no files.
    """
    if not files and not texts:
        if sys.stdin is None or sys.stdin.isatty():
            raise click.UsageError(
                "nothing to read: give FILE, --text TEXT, or pipe text in", click.get_current_context(silent=True)
            )
        files = (STDIN,)
    if STDIN in files and sys.stdin is None:
        raise click.UsageError("standard input, which - stands for, is closed")
    if files.count(STDIN) > 1:
        raise click.UsageError("- stands for standard input, which can be read once only")
    found: list[Input] = []
    for name in files:
        if name == STDIN:
            found.append(Input("stdin", raw=sys.stdin.buffer.read() if is_read_again else None))
        elif Path(name).is_dir():
            found += read_folder(Path(name), output)
        else:
            found.append(Input(name, path=Path(name)))
    if file and texts:
        raise click.UsageError(f"--text is no {file} file; give FILE, or pipe it in")
    if takes_files or file:
        found = [replace(each, file=file) if file else tell_file(each) for each in found]
    look = partial(look_at, expected=expected)
    found = [replace(each, look=look, format=format or named_format(each.path), charset=charset) for each in found]
    found += [Input(f"text-{number}", text=text, format=format) for number, text in enumerate(texts, start=1)]
    return [replace(each, no_document=no_document) for each in found]


def tell_file(source: Input) -> Input:
    """Tell whether an input is a file that is sent as it is: by what is in it, where its name says no other text."""
    named = named_file_format(source.path)
    if named_format(source.path):
        return source
    try:
        if source.path is not None and source.identity():
            with source.path.open("rb") as stream:
                return replace(source, file=find_file_format(stream) or named)
        if named:
            return replace(source, file=named)
        raw = source.read_bytes()  # a pipe is read once only
    except (OSError, InputError):
        return replace(source, file=named)  # it is told of when it is read
    return replace(source, raw=raw, file=find_file_format(io.BytesIO(raw)))


def read_folder(folder: Path, output: Path | None) -> list[Input]:
    """Return the files of a folder and those below it, but not `output` nor what is in it.

    Raises:
        UsageError: `output` is the folder itself, where results would be the inputs of the next run.
        InputError: there are none, or a folder cannot be read.
    """
    if output is not None and output.resolve() == folder.resolve():
        raise click.UsageError(f"{folder} would hold inputs and results; give -o another folder, in it or elsewhere")
    left_out = set() if output is None else {each.resolve() for each in (output, journal_path(output))}
    paths = walk_files(folder, left_out)
    found = [Input(str(path), path=path, inside=path.parent.relative_to(folder)) for path in paths]
    if not found:
        raise InputError(f"{folder}: has no files; those whose name begins with a dot are left out")
    return found


def walk_files(folder: Path, left_out: Set[Path]) -> Iterator[Path]:
    """Yield the files below `folder` in the order of their names, hidden ones not.

    A link to a file is one, a link to a folder is not gone into: it may lead back.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from None
    names_left_out = {path.name for path in left_out}
    for path in (folder / name for name in names):
        if path.name in names_left_out and path.resolve() in left_out:
            continue
        if path.is_dir():
            if not path.is_symlink():
                yield from walk_files(path, left_out)
        elif path.is_file():
            yield path
