"""What is read: files, standard input and ``--text``, in any encoding, whole or line by line.

A file is never guessed to be text.
"""

import io
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol

import click
from polygist.charsets import UNICODE, find_charset, lacks_letter
from polygist.charsets import find_encoding as find_codec

from polygist_client.cli.errors import USAGE
from polygist_client.cli.formats import DOCUMENTS, FileFormat, Format, is_page

Identity = tuple[int, int]  # device and number there

STDIN = "-"
HEAD_BYTES = 8192
NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32"}


class InputError(click.ClickException):
    """A file that cannot be read as what it should be."""

    exit_code = USAGE


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding of Unicode, or what a page declares or is said to be in.

    Attributes:
        codec: Python's name for it.
        mark: the byte order mark at the start of the file; empty where there is none.
        declared: its name where a page declares it, or where that is said. A page has to be written in it then: a
            character that it has not is written as "&#1103;".
        own: letters that browsers would not write in that, and that a page has all the same: they stay as they are.
    """

    codec: str = "utf-8"
    mark: bytes = b""
    declared: str = ""
    own: frozenset[str] = frozenset()

    def encode(self, text: str, *, at_start: bool) -> bytes:
        """Encode `text`, the mark before it where it starts the file; what `decode_anyway` kept comes back."""
        text = text.translate({ord(letter): f"&#{ord(letter)};" for letter in self.lacking(text)})
        return (self.mark if at_start else b"") + text.encode(self.codec, self._keeping)

    @property
    def _keeping(self) -> str:
        """How Python keeps bytes that are no text, in UTF-8 one by one, elsewhere not at all; or characters."""
        if self.declared:
            return "xmlcharrefreplace"
        return "surrogateescape" if self.codec == "utf-8" else "replace"

    def lacking(self, text: str) -> frozenset[str]:
        """Return the letters of `text` that are not written in what a page declares."""
        letters = set(text) - self.own if self.declared and not text.isascii() else ()
        return frozenset(
            each for each in letters if not each.isascii() and lacks_letter(self.declared, self.codec, each)
        )

    def decode_anyway(self, raw: bytes, *, at_start: bool) -> str:
        """Decode `raw`, without the mark, be it text or not."""
        return raw[len(self.mark) if at_start else 0 :].decode(self.codec, self._keeping)

    def decode(self, raw: bytes, *, at_start: bool) -> str:
        """Decode `raw`, without the mark; raises InputError, naming the byte, where it is no text."""
        skipped = len(self.mark) if at_start else 0
        try:
            text = raw[skipped:].decode(self.codec)
        except UnicodeDecodeError as error:
            place = skipped + error.start
            name = f"{self.declared}, which it should be" if self.declared else NAMES[self.codec]
            found = f"byte {place} (0x{raw[place]:02x}) is no {name}"
            raise InputError(f"{found}; convert it first, with iconv for one") from None
        if "\0" in text:
            place = skipped + len(text[: text.index("\0")].encode(self.codec))
            cure = "where it is UTF-16 without a byte order mark, convert it first: iconv -f UTF-16LE -t UTF-8"
            raise InputError(f"byte {place} (0x00) is no text; {cure}")
        return text

    def can_decode(self, line: bytes) -> bool:
        """Tell whether the first line of a file is text; of some encodings its last character is not whole yet."""
        skipped = len(self.mark)
        try:
            return "\0" not in line[skipped : len(line) - (len(line) - skipped) % len("\n".encode(self.codec))].decode(
                self.codec
            )
        except UnicodeDecodeError:
            return False

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


def find_page_encoding(raw: bytes) -> Encoding:
    """Find the encoding of a page: that of its byte order mark, else UTF-8 where it is, else what it declares.

    What is ASCII so far is whatever it declares, once there are other letters.
    """
    encoding = find_encoding(raw)
    label, codec = find_charset(raw)
    if encoding.mark or not codec:
        return encoding
    is_settled = not raw.isascii() and is_unicode(raw)
    return encoding if is_settled else Encoding(codec, declared=label)


def is_unicode(raw: bytes) -> bool:
    """Tell whether bytes are UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def decode_anyway(raw: bytes) -> str:
    """Decode an input, be it text or not."""
    return find_encoding(raw).decode_anyway(raw, at_start=True)


def match_line_ends(text: str, source: str) -> str:
    """Give `text` the line ends of `source`, where those are CRLF throughout."""
    ends = source.count("\n")
    return re.sub(r"\r?\n", "\r\n", text) if ends and source.count("\r\n") == ends else text


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an input.

    Attributes:
        number: counted from 1.
        text: without its end.
        end: CR LF, LF, or nothing.
        raw: its bytes.
        encoding: of the whole input.
        error: why it is no text; None where it is.
    """

    number: int
    text: str
    end: str
    raw: bytes
    encoding: Encoding
    error: InputError | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a whole input has.

    Attributes:
        text: its text.
        encoding: how that is written.
        format: what it is.
        is_guessed: whether the text alone told so.
    """

    text: str
    encoding: Encoding
    format: Format
    is_guessed: bool = False

    def encoding_of_result(self, *, keeps_format: bool) -> Encoding:
        """Return how a result is written: as its source, but a text declares nothing, and is UTF-8 then."""
        is_page = keeps_format and self.format == "html"
        return UTF8 if self.encoding.declared and not is_page else self.encoding


class Look(Protocol):
    """Looks at the beginning of an input."""

    def __call__(self, source: "Input", raw: bytes, *, is_decodable: bool) -> str:
        """Say why it is not to be read as it would be, and what to do; empty where nothing speaks against it."""


def look_away(source: "Input", raw: bytes, *, is_decodable: bool) -> str:
    """Find nothing wrong with any input."""
    return ""


@dataclass(frozen=True, slots=True)
class Input:
    """One text to work on.

    Attributes:
        name: for messages and as the id in JSON.
        path: the file; None for standard input and for `text`.
        text: what ``--text`` gave.
        inside: the folder that it lies in, below the one that the command line names.
        raw: what standard input had, where it is read several times.
        format: what it is by what is said of it, or by its name; None where it shows.
        file: what it is where it is sent as the file that it is, and not as a text; None where it is a text.
        charset: what it is said to be encoded in; empty where nothing is said.
        no_document: why a document is not taken; empty where it is.
        look: see `Look`.
    """

    name: str
    path: Path | None = None
    text: str | None = None
    inside: Path = Path()
    raw: bytes | None = None
    format: Format | None = None
    file: FileFormat | None = None
    charset: str = ""
    no_document: str = ""
    look: Look = look_away

    def read(self) -> Content:
        """Read the whole text, its line ends as they are; raises InputError and OSError."""
        content = self._read() if self.text is None else Content(self.text, UTF8, self.format or "text")
        if self.no_document and content.format in DOCUMENTS:
            raise InputError(f"{self.name}: {self.no_document}")
        return content

    def _read(self) -> Content:
        """Do as `read`, of a file or standard input."""
        with self._open() as stream:
            raw = stream.read()
        format: Format = self.format or ("html" if is_page(decode_anyway(raw)) else "text")
        encoding = find_page_encoding(raw) if format == "html" else find_encoding(raw)
        if self.charset and not encoding.mark:
            codec = find_codec(self.charset)
            encoding = Encoding(codec, declared="" if codec in UNICODE else self.charset)
        try:
            text = encoding.decode(raw, at_start=True)
        except InputError as error:
            problem = "" if encoding.declared else self.look(self, raw, is_decodable=False)
            problem = problem or error.message
        else:
            problem = self.look(self, raw, is_decodable=True)
        if problem:
            raise InputError(f"{self.name}: {problem}")
        encoding = replace(encoding, own=encoding.lacking(text))
        return Content(text, encoding, format, is_guessed=self.format is None and format != "text")

    def read_bytes(self) -> bytes:
        """Read the whole file; raises InputError and OSError."""
        with self._open() as stream:
            return stream.read()

    def lines(self) -> Iterator[Line]:
        """Read each line as it is taken: only a line feed ends one, as for wc and sed.

        Raises:
            InputError: it is something else, by its first line.
            OSError: it cannot be read.
        """
        if self.text is not None:
            stream: BinaryIO = io.BytesIO(self.text.encode(errors="surrogateescape"))
            yield from read_lines_of(stream, UTF8, stream.readline())
            return
        with self._open() as stream:
            # Only of a file: of what is still being written, a line is all that there may be.
            head = stream.peek(HEAD_BYTES) if isinstance(stream, io.BufferedReader) and self.identity() else b""
            start = stream.readline()
            encoding = find_encoding(start)
            if problem := self.look(self, max(head, start, key=len), is_decodable=encoding.can_decode(start)):
                raise InputError(f"{self.name}: {problem}")
            yield from read_lines_of(stream, encoding, start)

    def size(self) -> int | None:
        """Return how many bytes there are to read; None where nobody knows."""
        if self.text is not None:
            return len(self.text.encode(errors="surrogateescape"))
        if self.raw is not None:
            return len(self.raw)
        found = stat_regular(self._place())
        return found.st_size if found else None

    def identity(self) -> Identity | None:
        """Return what tells a regular file from all others, whatever its name; None for what is none."""
        return identify(self._place()) if self.text is None else None

    @property
    def is_typed(self) -> bool:
        """Whether somebody types it at a terminal."""
        if self.text is not None:
            return False
        if self.path is None:
            return sys.stdin is not None and sys.stdin.isatty()
        try:
            return self.path.is_char_device()
        except OSError:
            return False

    def _place(self) -> Path | int:
        """Return the file, or the number of the open one; there is none of that number where input is no file."""
        if self.path is not None:
            return self.path
        try:
            return sys.stdin.buffer.fileno()
        except (OSError, ValueError):
            return -1

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if self.raw is not None:
            yield io.BytesIO(self.raw)
        elif self.path is None:
            yield sys.stdin.buffer
        else:
            try:
                stream = self.path.open("rb")
            except OSError as error:
                cure = "; text itself goes with --text" if isinstance(error, FileNotFoundError) else ""
                raise InputError(f"{self.name}: {error.strerror}{cure}") from None
            with stream:
                yield stream


def stat_regular(place: Path | int) -> os.stat_result | None:
    """Look at a file, by name or number; None where it is no regular one or not there."""
    try:
        found = os.stat(place)
    except (OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def identify(place: Path | int) -> Identity | None:
    """Return what tells a regular file from all others, whatever its name; None for what is none."""
    found = stat_regular(place)
    return (found.st_dev, found.st_ino) if found else None


def read_lines_of(stream: BinaryIO, encoding: Encoding, start: bytes) -> Iterator[Line]:
    """Read each line of `stream` as it is taken, `start` being what was read of it already."""
    for number, raw in enumerate(encoding.split_lines(stream, start), start=1):
        error = None
        try:
            line = encoding.decode(raw, at_start=number == 1)
        except InputError as found:
            error, line = found, encoding.decode_anyway(raw, at_start=number == 1)
        end = next((each for each in ("\r\n", "\n") if line.endswith(each)), "")
        yield Line(number, line.removesuffix(end), end, raw, encoding, error)
