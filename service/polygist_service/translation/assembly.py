"""From the results of a document's segments to one translation with its spans, scores and notices."""

from collections.abc import Iterable, Iterator, Sequence

from polygist_service.engine.api import Hypothesis, Result, Span
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.document import PlainDocument, Segment
from polygist_service.translation.routes import Route
from polygist_service.translation.sources import Source
from polygist_service.translation.values import Alternative, TranslatedSegment, Translation


def assemble(
    route: Route, source: Source, document: PlainDocument, results: Sequence[Result], unknown: Iterable[Span]
) -> Translation:
    """Join `results`, one for each segment of `document`; `unknown` are the spans that the vocabulary lacks."""
    best = [result.hypotheses[0] for result in results]
    pairs = list(zip(document.segments, best, strict=True))
    rebuilt = document.rebuild([hypothesis.text or segment.text for segment, hypothesis in pairs])
    rank_count = max((len(result.hypotheses) for result in results), default=1)
    return Translation(
        text=rebuilt.text,
        source=source.language,
        target=route.target,
        confidence=source.confidence,
        model=route.model.name,
        score=_mean_score(best),
        segments=tuple(
            TranslatedSegment((segment.start, segment.end), span, hypothesis.score)
            for (segment, hypothesis), span in zip(pairs, rebuilt.spans, strict=True)
        ),
        alternatives=tuple(_alternative(document, results, rank) for rank in range(1, rank_count)),
        notices=(*source.notices(), *_notices(pairs), *_unknown_notices(document.text, unknown)),
        input_token_count=sum(result.input_token_count for result in results),
        output_token_count=sum(hypothesis.token_count for hypothesis in best),
    )


def _alternative(document: PlainDocument, results: Sequence[Result], rank: int) -> Alternative:
    """The join of the hypotheses of one rank, the last one repeated where a segment has fewer."""
    chosen = [result.hypotheses[min(rank, len(result.hypotheses) - 1)] for result in results]
    texts = [hypothesis.text or segment.text for segment, hypothesis in zip(document.segments, chosen, strict=True)]
    return Alternative(document.rebuild(texts).text, _mean_score(chosen))


def _mean_score(hypotheses: Sequence[Hypothesis]) -> float | None:
    """Mean log-probability per target token over all segments; None where no scores were asked for."""
    scored = [(h.score, h.token_count) for h in hypotheses if h.score is not None]
    if not scored:
        return None
    weight = sum(max(count, 1) for _, count in scored)
    return min(0.0, sum(score * max(count, 1) for score, count in scored) / weight)


def _notices(pairs: Iterable[tuple[Segment, Hypothesis]]) -> Iterator[Notice]:
    for segment, hypothesis in pairs:
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
        if not hypothesis.text:
            yield Notice(NoticeKind.UNTRANSLATED, "the model wrote nothing here, the source was kept", span)


def _unknown_notices(text: str, spans: Iterable[Span]) -> Iterator[Notice]:
    for start, end in spans:
        yield Notice(
            NoticeKind.UNKNOWN_CHARACTERS,
            f"the model has no piece for {text[start:end][:40]!r}, it may be missing in the translation",
            (start, end),
        )
