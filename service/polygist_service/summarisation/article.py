"""The article that a summary is about and has to be true to."""

from dataclasses import dataclass

from polygist_service.text.documents import parse
from polygist_service.text.documents.base import PLAIN, Document, Segment, Splitting


@dataclass(frozen=True, slots=True)
class Article:
    """A parsed text.

    Attributes:
        language: that it is in.
        sentences: those of its prose that have letters, with their places; what is longer than any sentence is cut.
    """

    document: Document
    language: str
    sentences: tuple[Segment, ...]

    @classmethod
    def parse(
        cls,
        text: str,
        language: str,
        *,
        mime_type: str = PLAIN,
        splitting: Splitting = Splitting.PUNCTUATION_AND_NEWLINES,
    ) -> "Article":
        """Parse `text`, whose sentences end where `splitting` says."""
        document = parse(text, language=language, splitting=splitting, mime_type=mime_type)
        pieces = (document.cut(sentence, lambda _: True) for sentence in document.prose())
        return cls(document, language, tuple(segment for each in pieces for segment in each))

    @property
    def text(self) -> str:
        """The whole of it."""
        return self.document.text
