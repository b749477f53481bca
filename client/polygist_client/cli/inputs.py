"""Where texts come from: files, standard input, ``--text``. A file is never guessed to be text."""

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from polygist_client.cli.encodings import UTF8, Encoding, find_encoding
from polygist_client.cli.errors import InputFailure

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an input, its end, and the encoding of the whole."""

    text: str
    end: str
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class Input:
    """One text to work on.

    Attributes:
        name: for messages and as the id in JSON.
        path: the file; None for standard input and for `text`.
        text: what ``--text`` gave.
    """

    name: str
    path: Path | None = None
    text: str | None = None

    def read(self) -> str:
        """The whole text, its line ends as they are; raises InputFailure and OSError."""
        return self.read_encoded()[0]

    def read_encoded(self) -> tuple[str, Encoding]:
        """The same with its encoding, so that a result can be written alike."""
        if self.text is not None:
            return self.text, UTF8
        with self._open() as stream:
            raw = stream.read()
        encoding = find_encoding(raw)
        return encoding.decode(raw, self.name, at_start=True), encoding

    def lines(self) -> Iterator[Line]:
        """Each line, read as it is taken: only a line feed ends one, as for wc and sed."""
        if self.text is not None:
            yield from (_split_end(line, UTF8) for line in io.StringIO(self.text, newline="\n"))
            return
        with self._open() as stream:
            start = stream.readline()
            encoding = find_encoding(start)
            for number, raw in enumerate(encoding.split_lines(stream, start), start=1):
                line = encoding.decode(raw, f"{self.name}:{number}", at_start=number == 1)
                yield _split_end(line, encoding)

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if self.path is None:
            yield sys.stdin.buffer
        else:
            try:
                stream = self.path.open("rb")
            except OSError as error:
                cure = "; text itself goes with --text" if isinstance(error, FileNotFoundError) else ""
                raise InputFailure(f"{self.name}: {error.strerror}{cure}") from None
            with stream:
                yield stream


def gather_inputs(files: Sequence[str], texts: Sequence[str]) -> list[Input]:
    """The inputs that the command line names: files, then texts; standard input where it names none."""
    if not files and not texts:
        if sys.stdin is None or sys.stdin.isatty():
            raise click.UsageError(
                "nothing to read: give FILE, --text TEXT, or pipe text in", click.get_current_context(silent=True)
            )
        files = (STDIN,)
    if files.count(STDIN) > 1:
        raise click.UsageError("- stands for standard input, which can be read once only")
    return [
        *(Input("stdin") if name == STDIN else Input(name, path=Path(name)) for name in files),
        *(Input(f"text-{number}", text=text) for number, text in enumerate(texts, start=1)),
    ]


def _split_end(line: str, encoding: Encoding) -> Line:
    for end in ("\r\n", "\n"):
        if line.endswith(end):
            return Line(line.removesuffix(end), end, encoding)
    return Line(line, "", encoding)
