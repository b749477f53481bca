"""Texts on their way along a route, through one model after the other."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from polygist_service.engine.interface import Decoding, Engine, Hypothesis, Result, Span
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.documents.plain import PlainDocument, Segment, Splitting
from polygist_service.text.segmentation import Fits
from polygist_service.translation.detection import DetectedLanguage
from polygist_service.translation.routing import Hop, Route
from polygist_service.translation.types import Alternative, DecodingPreset, TranslatedSegment, Translation


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


def assemble(route: Route, source: DetectedLanguage, leg: Leg) -> Translation:
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


ValueT = TypeVar("ValueT")


class Journeys:
    """Takes the texts of one request along their routes.

    Args:
        engine: runs the models.
        executor: where texts are split and joined.
        splitting: where segments of the texts begin.
        wish: how to decode.
        caller: whose work this is.
        deadline: when the answer is no longer wanted, on the event loop's clock.
    """

    def __init__(
        self,
        engine: Engine,
        executor: Executor,
        *,
        splitting: Splitting,
        wish: DecodingPreset,
        caller: str,
        deadline: float | None,
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._splitting = splitting
        self._wish = wish
        self._caller = caller
        self._deadline = deadline

    async def make(self, route: Route, texts: Sequence[str]) -> list[Leg]:
        """What becomes of each text; one model at a time is held, so two need not be loaded at once."""
        first, *onward = route.hops
        batches = await self._translate(first, [[text] for text in texts], self._splitting, is_last=not onward)
        legs = [leg for (leg,) in batches]
        for hop in onward:
            outputs = [leg.outputs() for leg in legs]
            batches = await self._translate(hop, outputs, Splitting.NONE, is_last=hop is onward[-1])
            legs = await self._do(_continue, legs, batches, hop.source)
        return legs

    async def _translate(
        self, hop: Hop, batches: Sequence[Sequence[str]], splitting: Splitting, *, is_last: bool
    ) -> list[list[Leg]]:
        """Each text of each batch through one model."""
        # A text that goes on needs no alternatives and no score of its own.
        wish = self._wish if is_last else replace(self._wish, alternative_count=0, scores=False)
        options = hop.decoding(wish)
        async with self._engine.hold(hop.model.name, deadline=self._deadline) as held:
            window, count = self._engine.model(held).max_input_tokens, self._engine.counter(held)
            parse = partial(_parse, language=hop.source, splitting=splitting, fits=lambda text: count(text) < window)
            documents = [await self._do(parse, batch) for batch in batches]
            results = iter(await self._decode(held, [each for batch in documents for each in batch], options))
            return [await self._do(self._legs, held, batch, [next(results) for _ in batch]) for batch in documents]

    async def _decode(self, held: str, documents: Sequence[PlainDocument], options: Decoding) -> list[list[Result]]:
        """The results of every segment of every document, in order."""
        segments = [segment.text for document in documents for segment in document.segments]
        results: dict[int, Result] = {}
        stream = self._engine.submit(held, segments, options=options, caller=self._caller, deadline=self._deadline)
        async with aclosing(stream):
            async for index, result in stream:
                results[index] = result
        indices = iter(range(len(segments)))
        return [[results[next(indices)] for _ in document.segments] for document in documents]

    def _legs(self, held: str, documents: Sequence[PlainDocument], results: Sequence[Sequence[Result]]) -> list[Leg]:
        return [
            Leg.of(
                document,
                found,
                [
                    (segment.start + start, segment.start + end)
                    for segment in document.segments
                    for start, end in self._engine.unknown_spans(held, document.text[segment.start : segment.end])
                ],
            )
            for document, found in zip(documents, results, strict=True)
        ]

    async def _do(self, work: Callable[..., ValueT], *arguments: object) -> ValueT:
        """Run `work` off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)


def _parse(texts: Sequence[str], *, language: str, splitting: Splitting, fits: Fits) -> list[PlainDocument]:
    return [PlainDocument.parse(text, language=language, splitting=splitting, fits=fits) for text in texts]


def _continue(legs: Sequence[Leg], onward: Sequence[Sequence[Leg]], language: str) -> list[Leg]:
    return [leg.continued(following, language=language) for leg, following in zip(legs, onward, strict=True)]
