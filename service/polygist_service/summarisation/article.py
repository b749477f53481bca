"""The article that a summary is about and has to be true to."""

from collections.abc import Sequence
from dataclasses import dataclass

from polygist_service.text.documents import parse
from polygist_service.text.documents.base import PLAIN, Document, Segment
from polygist_service.text.language_runs import LanguageRun, is_within


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
        cls, text: str, language: str, mime_type: str = PLAIN, *, foreign: Sequence[LanguageRun] = ()
    ) -> "Article":
        """Parse `text` but for the runs of it in foreign languages; in plain text a line break ends a sentence."""
        document = parse(text, language=language, mime_type=mime_type)
        if foreign:
            own = [each for each in document.segments if not is_within(each.start, foreign)]
            document = document.with_segments(own)
        pieces = (document.cut(sentence, lambda _: True) for sentence in document.prose())
        return cls(document, language, tuple(segment for each in pieces for segment in each))

    @property
    def text(self) -> str:
        """The whole of it."""
        return self.document.text
