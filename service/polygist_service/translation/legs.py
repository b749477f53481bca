"""One text on its way through one model or several: its segments, what became of them, what was noticed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from polygist_service.engine.interface import Hypothesis, Result, Span
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.documents.plain import PlainDocument, Segment


@dataclass(frozen=True, slots=True)
class Leg:
    """A text and its translation so far.

    Attributes:
        document: the text and its segments.
        hypotheses: for each segment, the best first.
        notices: with spans in the text.
        input_token_count, output_token_count: of all models on the way.
    """

    document: PlainDocument
    hypotheses: tuple[tuple[Hypothesis, ...], ...]
    notices: tuple[Notice, ...]
    input_token_count: int
    output_token_count: int

    @classmethod
    def of(cls, document: PlainDocument, results: Sequence[Result], unknown: Iterable[Span]) -> "Leg":
        """What one model made of `document`: a result for each segment; `unknown` are spans that it cannot read."""
        hypotheses = tuple(result.hypotheses for result in results)
        best = [each[0] for each in hypotheses]
        return cls(
            document,
            hypotheses,
            (*_segment_notices(document.segments, best), *_unknown_notices(document.text, unknown)),
            sum(result.input_token_count for result in results),
            sum(hypothesis.token_count for hypothesis in best),
        )

    @property
    def rank_count(self) -> int:
        """How many hypotheses the segment with the most of them has."""
        return max(map(len, self.hypotheses), default=1)

    def ranked(self, rank: int) -> list[Hypothesis]:
        """One hypothesis for each segment; the last one repeated where a segment has fewer."""
        return [each[min(rank, len(each) - 1)] for each in self.hypotheses]

    def outputs(self) -> list[str]:
        """The best text of each segment; empty where the model wrote none."""
        return [hypothesis.text for hypothesis in self.ranked(0)]

    def joined(self) -> tuple[Hypothesis, ...]:
        """The whole text as one segment of another; without text where one of its own has none: whole or not at all."""
        return tuple(_join(self.document, self.ranked(rank)) for rank in range(self.rank_count))

    def continued(self, onward: Sequence["Leg"], *, language: str) -> "Leg":
        """The way from this text through those of `onward`, one for each segment's output, which is in `language`.

        What was noticed further on is told of the segment that it comes from.
        """
        moved = (
            replace(notice, message=f"in its {language} text: {notice.message}", span=(segment.start, segment.end))
            for segment, leg in zip(self.document.segments, onward, strict=True)
            for notice in leg.notices
        )
        return Leg(
            self.document,
            tuple(leg.joined() for leg in onward),
            (*self.notices, *moved),
            self.input_token_count + sum(leg.input_token_count for leg in onward),
            self.output_token_count + sum(leg.output_token_count for leg in onward),
        )


def mean_score(hypotheses: Iterable[Hypothesis]) -> float | None:
    """Mean log-probability per target token over all of them; None where no scores were asked for."""
    scored = [(h.score, h.token_count) for h in hypotheses if h.score is not None]
    if not scored:
        return None
    weight = sum(max(count, 1) for _, count in scored)
    return min(0.0, sum(score * max(count, 1) for score, count in scored) / weight)


def _join(document: PlainDocument, chosen: Sequence[Hypothesis]) -> Hypothesis:
    is_whole = all(hypothesis.text for hypothesis in chosen)
    return Hypothesis(
        document.rebuild([hypothesis.text for hypothesis in chosen]).text if is_whole else "",
        sum(hypothesis.token_count for hypothesis in chosen),
        mean_score(chosen),
        limited=any(hypothesis.limited for hypothesis in chosen),
    )


def _segment_notices(segments: Iterable[Segment], best: Iterable[Hypothesis]) -> Iterator[Notice]:
    for segment, hypothesis in zip(segments, best, strict=True):
        span = (segment.start, segment.end)
        if segment.hard_split:
            yield Notice(
                NoticeKind.SEGMENT_HARD_SPLIT, "a sentence longer than the model's window was split here", span
            )
        if hypothesis.limited:
            yield Notice(
                NoticeKind.OUTPUT_LIMIT_REACHED,
                f"the translation of this segment ended at {hypothesis.token_count} tokens, its limit",
                span,
            )


def _unknown_notices(text: str, spans: Iterable[Span]) -> Iterator[Notice]:
    for start, end in spans:
        yield Notice(
            NoticeKind.UNKNOWN_CHARACTERS,
            f"the model has no piece for {text[start:end][:40]!r}, it may be missing in the translation",
            (start, end),
        )
