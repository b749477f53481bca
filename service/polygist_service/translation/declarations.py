"""The passages of a document as one text, what they are said to be in, and where in the source languages stand."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from polygist_service.text.documents.base import Passage, Readable, is_read_whole, span_of_passages
from polygist_service.text.language_runs import LanguageRun
from polygist_service.text.languages import is_same_language

BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True)
class JoinedText:
    """What there is to be translated of a document: its passages with blank lines in between.

    Attributes:
        document: that they are of.
        text: all of them.
        passages: of the document, in order.
        starts: where each of them begins in `text`.
        language: what the document says that it is in, as a whole or else of most of its text, a canonical tag; None
            where it says nothing.
    """

    document: Readable
    text: str
    passages: Sequence[Passage]
    starts: Sequence[int]
    language: str | None

    @classmethod
    def of(cls, document: Readable) -> "JoinedText":
        """Join the passages of a document, but for those that are never translated."""
        passages = [passage for passage in document.passages if not passage.is_kept]
        text = BETWEEN.join(passage.text for passage in passages)
        starts, at = [], 0
        for passage in passages:
            starts.append(at)
            at += len(passage.text) + len(BETWEEN)
        language = document.language or find_main_language(passages)
        return cls(document, text, passages, starts, language)

    def find_declared(self, whole: str | None) -> dict[int, str]:
        """Return by their indices the passages that say what they are in, where it is not what is said of the whole."""
        return {
            at: passage.language
            for at, passage in enumerate(self.passages)
            if passage.language and not (whole and is_same_language(passage.language, whole))
        }

    def find_runs(
        self, whole: str, detected: Sequence[LanguageRun], declared: Mapping[int, str]
    ) -> tuple[LanguageRun, ...]:
        """Return where in the source other languages than that of the whole stand, in order.

        Args:
            whole: the language of the text.
            detected: the runs of `text` in other ones; a passage is in the one that has most of it.
            declared: the languages of passages, by their indices, which are not detected.
        """
        if not declared and is_read_whole(self.document):
            return tuple(detected)
        labels = [declared.get(at, label) for at, label in enumerate(self._label(detected))]
        foreign = [None if label is None or is_same_language(label, whole) else label for label in labels]
        runs = []
        for language, group in groupby(zip(self.passages, foreign, strict=True), key=lambda pair: pair[1]):
            members = [passage for passage, _ in group]
            if language:
                runs.append(LanguageRun(*span_of_passages(self.document, members), language))
        return tuple(runs)

    def _label(self, runs: Sequence[LanguageRun]) -> Iterator[str | None]:
        """Yield the language of the run that most of each passage is in; None where that is none."""
        for start, passage in zip(self.starts, self.passages, strict=True):
            end = start + len(passage.text)
            first = max(0, bisect_right(runs, start, key=lambda run: run.start) - 1)
            best, most = None, len(passage.text) / 2
            for at in range(first, len(runs)):
                run = runs[at]
                if run.start >= end:
                    break
                shared = min(end, run.end) - max(start, run.start)
                if shared > most:
                    best, most = run.language, shared
            yield best


def find_main_language(passages: Sequence[Passage]) -> str | None:
    """Return the language that most of the text of some passages is said to be in; None where there is none."""
    lengths: Counter[str | None] = Counter()
    for passage in passages:
        lengths[passage.language] += len(passage.text)
    language, most = max(lengths.items(), key=lambda pair: pair[1], default=(None, 0))
    return language if 2 * most > sum(lengths.values()) else None
