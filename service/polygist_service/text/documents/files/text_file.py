"""Files that are one text: plain, HTML, Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from polygist_service.text.documents.base import HTML
from polygist_service.text.documents.files.base import (
    FileNotice,
    FileText,
    ReadOptions,
    TranslatedText,
    WrittenFile,
)
from polygist_service.text.documents.files.encodings import Encoding, tell_encoding


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text of one of `LAYOUTS`; see `base.DocumentFile`."""

    text: str
    mime_type: str
    encoding: Encoding

    @classmethod
    def read(cls, document: bytes, options: ReadOptions, *, mime_type: str) -> "TextFile":
        """Read a file; raises InvalidDocument, see `Encoding.decode`."""
        encoding = tell_encoding(document, mime_type=mime_type, charset=options.charset)
        return cls(encoding.decode(document), mime_type, encoding)

    @property
    def texts(self) -> Sequence[FileText]:
        """See `base.DocumentFile.texts`."""
        return [FileText(self.text, self.mime_type)]

    def write(self, translated: Sequence[TranslatedText], language: str) -> WrittenFile:
        """Return the file with its text in another language; a page has references to letters that its encoding lacks.

        See `base.DocumentFile.write`.
        """
        (text,) = (each.text for each in translated)
        if self.mime_type == HTML:
            # What a page is full of, though browsers do not write it, stays as it is.
            lacking = self.encoding.lacking(text) - set(self.text)
            text = text.translate({ord(letter): f"&#{ord(letter)};" for letter in lacking})
        document, notice = self.encoding.encode(text)
        return WrittenFile(document, [FileNotice(0, notice)] if notice else ())
