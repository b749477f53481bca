"""How a text stands in a file: its encoding, byte order mark and line ends, kept so that a result can stand alike."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from polygist_client.cli.errors import InputFailure

NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32", "utf-32-be": "UTF-32"}


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
        """`text` in bytes, the mark before it where it starts the file."""
        return (self.mark if at_start else b"") + text.encode(self.codec)

    def decode(self, raw: bytes, name: str, *, at_start: bool) -> str:
        """The text of `raw`, without the mark; raises InputFailure, naming the byte, where it is no text."""
        skipped = len(self.mark) if at_start else 0
        try:
            text = raw[skipped:].decode(self.codec)
        except UnicodeDecodeError as error:
            place = skipped + error.start
            found = f"byte {place} (0x{raw[place]:02x}) is no {NAMES[self.codec]}"
            raise InputFailure(f"{name}: {found}; convert it first, with iconv for one") from None
        if "\0" in text:
            place = skipped + len(text[: text.index("\0")].encode(self.codec))
            cure = "where it is UTF-16 without a byte order mark, convert it first: iconv -f UTF-16LE -t UTF-8"
            raise InputFailure(f"{name}: byte {place} (0x00) is no text; {cure}")
        return text

    def split_lines(self, stream: BinaryIO, line: bytes) -> Iterator[bytes]:
        """The lines of `stream` in bytes; only a line feed ends one. `line` is what was read of it already."""
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
    """What the byte order mark at the start of a file says; UTF-8 where there is none."""
    return next((each for each in MARKED if start.startswith(each.mark)), UTF8)


def end_lines_alike(text: str, source: str) -> str:
    """`text` with the line ends of `source`, where those are CRLF throughout."""
    ends = source.count("\n")
    return re.sub(r"\r?\n", "\r\n", text) if ends and source.count("\r\n") == ends else text
