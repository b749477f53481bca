"""What text files are encoded in, and how they are written in that again."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass

from polygist.charsets import UNICODE, find_charset, find_encoding, lacks_letter

from polygist_service.errors import InvalidDocument
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.documents.base import HTML, PLAIN

UTF8 = "utf-8"
MOST_LETTERS_SHOWN = 10
NARROW_CURE = (
    "say what the file is encoded in, as in mime_type '{}; charset=windows-1252', or convert it:"
    " iconv -f WINDOWS-1252 -t UTF-8"
)
WIDE_CURE = "where the file is UTF-16, say so: mime_type '{}; charset=utf-16le'"
# How a file begins that says so itself, the longest marks first: that of UTF-16 begins that of UTF-32.
MARKS: Mapping[bytes, str] = {
    codecs.BOM_UTF8: UTF8,
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a text file is written.

    Attributes:
        codec: Python's name for it.
        mark: the byte order mark that the file begins with; empty where it has none.
        label: what the file or its sender calls it; empty where nobody says.
        mime_type: of the file, with which its sender may say another encoding.
    """

    codec: str = UTF8
    mark: bytes = b""
    label: str = ""
    mime_type: str = PLAIN

    def decode(self, document: bytes) -> str:
        """Return the text of a file, without its mark.

        Raises:
            InvalidDocument: it is in another encoding, or no text.
        """
        try:
            text = document[len(self.mark) :].decode(self.codec)
        except UnicodeDecodeError as error:
            place = len(self.mark) + error.start
            wrong = f"byte {place} ({document[place]:#04x}) is no {self.label or self.codec.upper()}"
            cure = WIDE_CURE if 0 in document[:place] else NARROW_CURE
            raise InvalidDocument(f"{wrong}; {cure.format(self.mime_type)}") from None
        if "\0" in text:
            place = len(self.mark) + len(text[: text.index("\0")].encode(self.codec))
            raise InvalidDocument(f"byte {place} (0x00) is no text; {WIDE_CURE.format(self.mime_type)}")
        return text

    def lacking(self, text: str) -> frozenset[str]:
        """Return the letters of a text that there are no bytes for in this encoding, or none that browsers write."""
        if self.codec in UNICODE or text.isascii():
            return frozenset()
        letters = (each for each in set(text) if not each.isascii())
        return frozenset(each for each in letters if lacks_letter(self.label, self.codec, each))

    def encode(self, text: str) -> tuple[bytes, Notice | None]:
        """Return the file of a text, in UTF-8 where this encoding lacks letters of it, and the notice that says so."""
        try:
            return self.mark + text.encode(self.codec), None
        except UnicodeEncodeError:
            lacking = " ".join(sorted(self.lacking(text))[:MOST_LETTERS_SHOWN])
            message = f"the file is UTF-8 now, as {self.label} has no: {lacking}"
            return text.encode(), Notice(NoticeKind.DOCUMENT_ALTERED, message)


def tell_encoding(document: bytes, *, mime_type: str, charset: str = "") -> Encoding:
    """Tell what a text file is encoded in.

    Its mark says so, else the sender, else a page of HTML itself, unless it is surely UTF-8: so many pages of today
    still declare what the program that made them was set to.

    Args:
        document: the file.
        mime_type: what it is.
        charset: the sender's word for it; one that `find_encoding` knows, or empty.
    """
    for mark, codec in MARKS.items():
        if document.startswith(mark):
            return Encoding(codec, mark=mark, mime_type=mime_type)
    if charset:
        return Encoding(find_encoding(charset), label=charset, mime_type=mime_type)
    label, codec = find_charset(document) if mime_type == HTML else ("", "")
    if not codec or (not document.isascii() and is_utf8(document)):
        return Encoding(mime_type=mime_type)
    return Encoding(codec, label=label, mime_type=mime_type)


def is_utf8(document: bytes) -> bool:
    """Whether bytes are UTF-8."""
    try:
        document.decode()
    except UnicodeDecodeError:
        return False
    return True
