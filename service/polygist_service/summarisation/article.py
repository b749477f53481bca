"""The article that a summary is about and has to be true to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from polygist_service.text.documents import parse
from polygist_service.text.documents.base import Document, Segment, Splitting
from polygist_service.text.language_runs import LanguageRun, is_within


@dataclass(frozen=True, slots=True)
class Article:
    """A parsed text.

    Attributes:
        language: that it is in.
        sentences: those of its prose that have letters, with their places; what is longer than any sentence is cut.
        text: the whole of it.
    """

    document: Document
    language: str
    sentences: tuple[Segment, ...]
    text: str

    @classmethod
    def parse(
        cls,
        text: str,
        language: str,
        *,
        splitting: Splitting = Splitting.PUNCTUATION_AND_NEWLINES,
        foreign: Sequence[LanguageRun] = (),
    ) -> "Article":
        """Parse `text`, whose sentences end where `splitting` says, but for the runs of it in foreign languages."""
        document = parse(text, language=language, splitting=splitting)
        if foreign:
            own = [each for each in document.segments if not is_within(each.start, foreign)]
            document = document.with_segments(own)
        pieces = (document.cut(sentence, lambda _: True) for sentence in document.prose())
        return cls(document, language, tuple(segment for each in pieces for segment in each), document.text)

    def without(self, indices: Collection[int]) -> "Article":
        """Return it without some of its sentences; white space stands in their places in `text`."""
        pieces, start = [], 0
        for at in sorted(indices):
            sentence = self.sentences[at]
            pieces += [self.text[start : sentence.start], " " * (sentence.end - sentence.start)]
            start = sentence.end
        kept = tuple(sentence for at, sentence in enumerate(self.sentences) if at not in indices)
        return replace(self, sentences=kept, text="".join([*pieces, self.text[start:]]))
