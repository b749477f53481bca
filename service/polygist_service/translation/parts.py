"""Contents in more than one language, as parts that each go their own way, and put together again from them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.alignment import shift
from polygist_service.text.documents.base import Layout, is_read_whole, span_of_passages
from polygist_service.text.segmentation import Span, has_letters
from polygist_service.translation.detection import DetectedLanguage
from polygist_service.translation.types import Alternative, TranslatedSegment, Translation


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a content in one language: all of it, unless it is in several.

    Attributes:
        index: of the content.
        start: where the part begins in it, in code points.
        layout: of the part.
        language: of the part; without a confidence where it is not the whole.
        is_foreign: whether it is in another language than most of the content.
        is_last: whether it ends the content.
    """

    index: int
    start: int
    layout: Layout
    language: DetectedLanguage
    is_foreign: bool = False
    is_last: bool = True

    @property
    def text(self) -> str:
        """The source."""
        return self.layout.text

    @property
    def words(self) -> Span:
        """Where what is read of it stands in it; all of it where that is nothing."""
        passages = self.layout.passages
        return span_of_passages(self.layout, passages) if passages else (0, len(self.text))

    @property
    def has_letters(self) -> bool:
        """Whether there is anything to be read of it."""
        return any(has_letters(passage.text) for passage in self.layout.passages)


def cut_parts(index: int, layout: Layout, language: DetectedLanguage) -> list[Part]:
    """Cut a content into its parts, in order: joined, they are the content."""
    if not language.foreign:
        return [Part(index, 0, layout, language)]
    length = len(layout.text)
    places = None if is_read_whole(layout) else [*(passage.start for passage in layout.passages), length]
    cuts: list[tuple[int, int, str | None]] = []
    end = 0
    for run in language.foreign:
        start, stop = run.start, run.end
        if places:
            # A passage begins with the marks in front of its words; those behind them go with it too.
            start, stop = places[bisect_right(places, start) - 1], places[bisect_left(places, stop)]
        cuts += [(end, start, None), (start, stop, run.language)]
        end = stop
    cuts.append((end, length, None))
    parts = [
        Part(
            index,
            start,
            layout.part(start, end),
            DetectedLanguage(foreign or language.language),
            is_foreign=foreign is not None,
            is_last=end == length,
        )
        for start, end, foreign in cuts
        if start < end
    ]
    has_own = any(part.has_letters and not part.is_foreign for part in parts)
    # What says what the whole is in, and has no letters itself, goes the way of the whole.
    return [
        part
        if part.has_letters or (has_own and part.layout.language and not part.is_foreign)
        else replace(part, language=DetectedLanguage("und"))
        for part in parts
    ]


def join_translations(
    parts: Sequence[Part], translations: Sequence[Translation], language: DetectedLanguage
) -> Translation:
    """Return the translation of a content from those of its parts, two or more; spans move to where they now stand.

    The model is that of the language of most of the content, or of the first part that one was needed for.

    Args:
        parts: all of one content, in order.
        translations: theirs.
        language: of the content.
    """
    pairs = list(zip(parts, translations, strict=True))
    written = [each for part, each in sorted(pairs, key=lambda pair: pair[0].is_foreign) if each.model]
    leading = written[0] if written else translations[0]
    rank_count = max(len(each.alternatives) for each in translations)
    return Translation(
        text="".join(each.text for each in translations),
        source=language.language,
        target=leading.target,
        confidence=language.confidence,
        model=leading.model,
        pivots=leading.pivots,
        score=mean_score((each.score, each.token_count) for each in translations),
        segments=tuple(move_segments(pairs)),
        alternatives=tuple(join_alternatives(translations, rank) for rank in range(rank_count)),
        notices=(*language.notices(), *dict.fromkeys(move_notices(pairs))),
        token_count=sum(each.token_count for each in translations),
    )


def move_segments(pairs: Iterable[tuple[Part, Translation]]) -> Iterator[TranslatedSegment]:
    """Yield the segments of all parts, in order."""
    written = 0
    for part, translation in pairs:
        for segment in translation.segments:
            (start, end), (low, high) = segment.source_span, segment.target_span
            yield replace(
                segment,
                source_span=(start + part.start, end + part.start),
                target_span=(low + written, high + written),
                alignment=tuple(shift(segment.alignment, part.start, written)),
            )
        written += len(translation.text)


def move_notices(pairs: Iterable[tuple[Part, Translation]]) -> Iterator[Notice]:
    """Yield the notices about all parts, in order; what is said of a whole foreign part points at it.

    That a part is in the target language already is no news where the languages of all parts are told.
    """
    for part, translation in pairs:
        for notice in translation.notices:
            if notice.kind is NoticeKind.SAME_LANGUAGE:
                continue
            start, end = notice.span or part.words
            has_span = notice.span is not None or part.is_foreign
            yield replace(notice, span=(start + part.start, end + part.start) if has_span else None)


def join_alternatives(translations: Iterable[Translation], rank: int) -> Alternative:
    """Return one alternative of the whole; a part that has fewer gives its last one, or its only text."""
    chosen = []
    for each in translations:
        alternative = each.alternatives[min(rank, len(each.alternatives) - 1)] if each.alternatives else each
        chosen.append((alternative.text, alternative.score, each.token_count))
    return Alternative("".join(text for text, _, _ in chosen), mean_score((score, count) for _, score, count in chosen))


def mean_score(scores: Iterable[tuple[float | None, int]]) -> float | None:
    """Return the mean of scores by the number of tokens that each is of; None where there are none."""
    scored = [(score, max(count, 1)) for score, count in scores if score is not None]
    if not scored:
        return None
    return min(0.0, sum(score * count for score, count in scored) / sum(count for _, count in scored))
