"""Texts on their way along a route, through one model after the other."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TypeVar

from polygist_service.engine.interface import Decoding, Engine, Result
from polygist_service.text.cuts import Fits
from polygist_service.text.documents.plain import PlainDocument, Splitting
from polygist_service.translation.legs import Leg
from polygist_service.translation.presets import DecodingWish
from polygist_service.translation.routing import Hop, Route

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
        wish: DecodingWish,
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
