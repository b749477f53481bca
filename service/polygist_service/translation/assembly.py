"""From the way that a text went to one translation with its spans, scores and notices."""

from collections.abc import Iterator

from polygist_service.notices import Notice, NoticeKind
from polygist_service.translation.detection import Source
from polygist_service.translation.legs import Leg, mean_score
from polygist_service.translation.routing import Route
from polygist_service.translation.types import Alternative, TranslatedSegment, Translation


def assemble(route: Route, source: Source, leg: Leg) -> Translation:
    """The translation that `leg` ends with; a segment for which nothing was written keeps its source."""
    best = leg.ranked(0)
    rebuilt = leg.document.rebuild(_texts(leg, 0))
    return Translation(
        text=rebuilt.text,
        source=source.language,
        target=route.target,
        confidence=source.confidence,
        model=route.model.name,
        pivots=route.pivots,
        score=mean_score(best),
        segments=tuple(
            TranslatedSegment((segment.start, segment.end), span, hypothesis.score)
            for segment, hypothesis, span in zip(leg.document.segments, best, rebuilt.spans, strict=True)
        ),
        alternatives=tuple(
            Alternative(leg.document.rebuild(_texts(leg, rank)).text, mean_score(leg.ranked(rank)))
            for rank in range(1, leg.rank_count)
        ),
        notices=(*source.notices(), *_pivot_notices(route), *leg.notices, *_untranslated_notices(leg)),
        input_token_count=leg.input_token_count,
        output_token_count=leg.output_token_count,
    )


def _texts(leg: Leg, rank: int) -> list[str]:
    return [
        hypothesis.text or segment.text
        for segment, hypothesis in zip(leg.document.segments, leg.ranked(rank), strict=True)
    ]


def _pivot_notices(route: Route) -> Iterator[Notice]:
    if route.pivots:
        models = " and ".join(hop.model.name for hop in route.hops)
        yield Notice(NoticeKind.PIVOTED, f"translated through {', '.join(route.pivots)}, by {models}")


def _untranslated_notices(leg: Leg) -> Iterator[Notice]:
    for segment, text in zip(leg.document.segments, leg.outputs(), strict=True):
        if not text:
            yield Notice(
                NoticeKind.UNTRANSLATED,
                "the model wrote nothing here, the source was kept",
                (segment.start, segment.end),
            )
