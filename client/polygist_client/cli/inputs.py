"""Where texts come from: files, standard input, ``--text``. A file is never guessed to be text."""

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from polygist_client.cli.failures import InputFailure

STDIN = "-"


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
        if self.text is not None:
            return self.text
        with self._open() as stream:
            return decode(stream.read(), self.name, bom=True)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Each line and its end, read as they are taken: only a line feed ends a line, as for wc and sed."""
        if self.text is not None:
            yield from map(_split_end, io.StringIO(self.text, newline="\n"))
            return
        with self._open() as stream:
            for number, line in enumerate(stream, start=1):
                yield _split_end(decode(line, f"{self.name}:{number}", bom=number == 1))

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


def decode(raw: bytes, name: str, *, bom: bool) -> str:
    """`raw` as UTF-8, without a byte order mark where `bom` says that one may be there."""
    try:
        return raw.decode("utf-8-sig" if bom else "utf-8")
    except UnicodeDecodeError as error:
        raise InputFailure(
            f"{name}: byte {error.start} (0x{raw[error.start]:02x}) is no UTF-8; convert it first, with iconv for one"
        ) from None


def _split_end(line: str) -> tuple[str, str]:
    for end in ("\r\n", "\n"):
        if line.endswith(end):
            return line.removesuffix(end), end
    return line, ""
