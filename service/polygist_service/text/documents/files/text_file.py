"""Files that are one text: plain, HTML, Markdown."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

from polygist_service.errors import InvalidDocument
from polygist_service.text.documents.files.base import FileText, TranslatedText, WrittenFile

# How a text file begins that says what it is encoded in, the longest marks first.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(document: bytes) -> tuple[str, bytes, str]:
    """Return the text of a file, the mark that it begins with, and its encoding: UTF-8, or what the mark says.

    Raises:
        InvalidDocument: it is not in that encoding.
    """
    mark, encoding = next((each for each in MARKS if document.startswith(each[0])), (b"", "utf-8"))
    try:
        return document[len(mark) :].decode(encoding), mark, encoding
    except UnicodeDecodeError as error:
        place = f"byte {error.object[error.start]:#04x} at {len(mark) + error.start}"
        raise InvalidDocument(
            f"is no {encoding.upper()} ({place}); convert it to UTF-8 first: iconv -t UTF-8"
        ) from None


@dataclass(frozen=True, slots=True)
class TextFile:
    """See `base.DocumentFile`."""

    text: str
    mime_type: str
    mark: bytes
    encoding: str

    @classmethod
    def read(cls, document: bytes, mime_type: str) -> "TextFile":
        """Read a text of one of `LAYOUTS`; raises InvalidDocument, see `decode`."""
        text, mark, encoding = decode(document)
        return cls(text, mime_type, mark, encoding)

    @property
    def texts(self) -> Sequence[FileText]:
        """See `base.DocumentFile.texts`."""
        return [FileText(self.text, self.mime_type)]

    def write(self, translated: Sequence[TranslatedText], language: str) -> WrittenFile:
        """See `base.DocumentFile.write`."""
        return WrittenFile(self.mark + translated[0].text.encode(self.encoding))
