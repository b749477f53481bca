"""What a summary is about and has to be true to."""

from dataclasses import dataclass

from polygist_service.text.documents.plain import PlainDocument, Segment, Splitting


@dataclass(frozen=True, slots=True)
class Article:
    """A text, its language, and its sentences that have letters, with their places."""

    text: str
    language: str
    sentences: tuple[Segment, ...]

    @classmethod
    def read(cls, text: str, language: str) -> "Article":
        """Split `text`; see `split_article`."""
        return cls(text, language, split_article(text, language))


def split_article(text: str, language: str) -> tuple[Segment, ...]:
    """The sentences of a text that have letters; a line break ends one."""
    splitting = Splitting.PUNCTUATION_AND_NEWLINES
    return PlainDocument.parse(text, language=language, splitting=splitting, fits=lambda _: True).segments
