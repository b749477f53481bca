"""What is read: files, standard input and ``--text``, in any encoding, as one text or as many small ones.

A file is never guessed to be text.
"""

import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import click

from polygist_client.cli.errors import USAGE

STDIN = "-"
NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32"}


class InputError(click.ClickException):
    """A file that cannot be read as what it should be."""

    exit_code = USAGE


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding of Unicode.

    Attributes:
        codec: Python's name for it.
        mark: the byte order mark at the start of the file; empty where there is none.
    """

    codec: str = "utf-8"
    mark: bytes = b""

    def encode(self, text: str, *, at_start: bool) -> bytes:
        """Encode `text`, the mark before it where it starts the file."""
        return (self.mark if at_start else b"") + text.encode(self.codec)

    def decode(self, raw: bytes, name: str, *, at_start: bool) -> str:
        """Decode `raw`, without the mark; raises InputError, naming the byte, where it is no text."""
        skipped = len(self.mark) if at_start else 0
        try:
            text = raw[skipped:].decode(self.codec)
        except UnicodeDecodeError as error:
            place = skipped + error.start
            found = f"byte {place} (0x{raw[place]:02x}) is no {NAMES[self.codec]}"
            raise InputError(f"{name}: {found}; convert it first, with iconv for one") from None
        if "\0" in text:
            place = skipped + len(text[: text.index("\0")].encode(self.codec))
            cure = "where it is UTF-16 without a byte order mark, convert it first: iconv -f UTF-16LE -t UTF-8"
            raise InputError(f"{name}: byte {place} (0x00) is no text; {cure}")
        return text

    def split_lines(self, stream: BinaryIO, line: bytes) -> Iterator[bytes]:
        """Yield the lines of `stream` in bytes; only a line feed ends one. `line` is what was read of it already."""
        feed = "\n".encode(self.codec)
        grown = bytearray(line)
        while line:
            # A byte 0x0a may be part of another character: only a whole unit of this value is a line feed.
            grown += stream.read(-len(grown) % len(feed))
            if grown.endswith(feed):
                yield bytes(grown)
                grown.clear()
            line = stream.readline()
            grown += line
        if grown:
            yield bytes(grown)


UTF8 = Encoding()
# The longer marks first: that of UTF-16 begins that of UTF-32.
MARKED = (
    Encoding("utf-8", b"\xef\xbb\xbf"),
    Encoding("utf-32-le", b"\xff\xfe\0\0"),
    Encoding("utf-32-be", b"\0\0\xfe\xff"),
    Encoding("utf-16-le", b"\xff\xfe"),
    Encoding("utf-16-be", b"\xfe\xff"),
)


def find_encoding(start: bytes) -> Encoding:
    """Find the encoding by the byte order mark at the start of a file; UTF-8 where there is none."""
    return next((each for each in MARKED if start.startswith(each.mark)), UTF8)


def match_line_ends(text: str, source: str) -> str:
    """Give `text` the line ends of `source`, where those are CRLF throughout."""
    ends = source.count("\n")
    return re.sub(r"\r?\n", "\r\n", text) if ends and source.count("\r\n") == ends else text


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
        """Read the whole text, its line ends as they are; raises InputError and OSError."""
        return self.read_encoded()[0]

    def read_encoded(self) -> tuple[str, Encoding]:
        """Read the whole text and its encoding, so that a result can be written alike."""
        if self.text is not None:
            return self.text, UTF8
        with self._open() as stream:
            raw = stream.read()
        encoding = find_encoding(raw)
        return encoding.decode(raw, self.name, at_start=True), encoding

    def lines(self) -> Iterator[Line]:
        """Read each line as it is taken: only a line feed ends one, as for wc and sed."""
        if self.text is not None:
            yield from (split_end(line, UTF8) for line in io.StringIO(self.text, newline="\n"))
            return
        with self._open() as stream:
            start = stream.readline()
            encoding = find_encoding(start)
            for number, raw in enumerate(encoding.split_lines(stream, start), start=1):
                line = encoding.decode(raw, f"{self.name}:{number}", at_start=number == 1)
                yield split_end(line, encoding)

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if self.path is None:
            yield sys.stdin.buffer
        else:
            try:
                stream = self.path.open("rb")
            except OSError as error:
                cure = "; text itself goes with --text" if isinstance(error, FileNotFoundError) else ""
                raise InputError(f"{self.name}: {error.strerror}{cure}") from None
            with stream:
                yield stream


def gather_inputs(files: Sequence[str], texts: Sequence[str]) -> list[Input]:
    """Gather the inputs that the command line names: files, then texts; standard input where it names none."""
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


def split_end(line: str, encoding: Encoding) -> Line:
    """Split a line from its end."""
    for end in ("\r\n", "\n"):
        if line.endswith(end):
            return Line(line.removesuffix(end), end, encoding)
    return Line(line, "", encoding)


@dataclass(frozen=True, slots=True)
class Record:
    """One text of many.

    Attributes:
        number: its line, counted from 1.
        text: what to work on.
        finish: makes the line of the output, with its end, out of the result.
        encoding: of the input.
    """

    number: int
    text: str
    finish: Callable[[str], str]
    encoding: Encoding = UTF8

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to work on: such a line is kept as it is."""
        return not self.text.strip()


Read = Callable[[Input], Iterator[Record]]


def read_lines(source: Input) -> Iterator[Record]:
    """Read every line as a text."""
    for number, line in enumerate(source.lines(), start=1):

        def finish(result: str, end: str = line.end) -> str:
            return result.replace("\n", " ") + end  # a line stays one line, whatever a model writes

        yield Record(number, line.text, finish, line.encoding)


def read_json_lines(source: Input, *, field: str, into: str | None = None) -> Iterator[Record]:
    """Read a field of every JSON object as a text; the others stay as they are.

    Args:
        source: what to read.
        field: name of the field with the text.
        into: name of the field to add for the result; None puts it where the text was.

    Raises:
        InputError: a line is no object, has no text in the field, or has the field that should be added.
    """
    for number, line in enumerate(source.lines(), start=1):
        if not line.text.strip():
            yield Record(number, line.text, lambda result, kept=line.text + line.end: kept, line.encoding)  # type: ignore[misc]
            continue
        entry = parse_entry(line.text, field, into, f"{source.name}:{number}")

        def finish(result: str, entry: dict[str, Any] = entry, end: str = line.end) -> str:
            return write_json({**entry, into or field: result}) + end

        yield Record(number, entry[field], finish, line.encoding)


def write_json(entry: dict[str, Any]) -> str:
    """Write `entry` in one line, readable where it is Unicode text."""
    line = json.dumps(entry, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # a lone surrogate in a field that we do not touch
        return json.dumps(entry)
    return line


def parse_entry(line: str, field: str, into: str | None, name: str) -> dict[str, Any]:
    """Parse a JSON object that has a text in `field`; raises InputError, where `name` says which line it is."""
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise InputError(f"{name}: is no JSON: {error}") from None
    if not isinstance(entry, dict):
        raise InputError(f"{name}: is no JSON object but {type(entry).__name__}")
    if not isinstance(entry.get(field), str):
        names = ", ".join(key for key, value in entry.items() if isinstance(value, str)) or "none"
        raise InputError(f"{name}: has no text in field {field!r}; fields with text: {names}")
    if into in entry:
        raise InputError(f"{name}: has a field {into!r} already; rename it first")
    return entry
