"""Summaries that a sequence-to-sequence model writes."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from polygist_service.engine.api import Decoding, Engine, ModelInfo, Result, Span
from polygist_service.errors import InferenceFailed
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.citations import Citer
from polygist_service.summarisation.extractive import split_article
from polygist_service.summarisation.lengths import keep_within, sentence_limit, word_limit
from polygist_service.summarisation.terms import TermVectors
from polygist_service.summarisation.values import Draft, Method, Passage, SummaryRequest
from polygist_service.text.document import PlainDocument, Segment, Splitting

# With a query, parts of the article that are less than this share as near to it as the nearest one are left out.
QUERY_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sentences that fit the model's window together; `hard_splits` are where one alone did not."""

    text: str
    hard_splits: tuple[Span, ...]


class Abstractive:
    """Has a model write: about the whole article where it fits the window, else about each part, then about that.

    Args:
        engine: runs the model.
        executor: where splitting, counting and citing happen.
    """

    def __init__(self, engine: Engine, executor: Executor) -> None:
        self._engine = engine
        self._executor = executor

    async def draft(
        self, request: SummaryRequest, model: ModelInfo, *, caller: str, deadline: float | None = None
    ) -> Draft:
        """The sentences that the model writes about a text with letters.

        Raises:
            InferenceFailed: it writes none.
        """
        async with self._engine.hold(model.name, deadline=deadline) as held:
            return await self._write(request, held, caller=caller, deadline=deadline)

    async def _write(self, request: SummaryRequest, held: str, *, caller: str, deadline: float | None) -> Draft:
        loop, model = asyncio.get_running_loop(), self._engine.model(held)
        options = request.decoding.for_model(model)
        count = self._engine.counter(held)
        first = chunks = await loop.run_in_executor(self._executor, _read, request, model.max_input_tokens, count)
        outputs = results = await self._decode(held, chunks, options, caller=caller, deadline=deadline)
        while len(chunks) > 1:
            shorter = await loop.run_in_executor(
                self._executor, _cut, _join(outputs), request.source, model.max_input_tokens, count
            )
            if not 0 < len(shorter) < len(chunks):
                break  # The model does not shorten: another round would end no better.
            chunks = shorter
            outputs = await self._decode(held, chunks, options, caller=caller, deadline=deadline)
            results = [*results, *outputs]
        passages = await loop.run_in_executor(self._executor, _cite, request, _join(outputs))
        if not passages:
            raise InferenceFailed(f"model {model.name} wrote nothing about this article")
        return Draft(
            passages,
            notices=_notices(first, results),
            chunk_count=len(first),
            input_token_count=sum(result.input_token_count for result in results),
            output_token_count=sum(result.hypotheses[0].token_count for result in results),
        )

    async def _decode(
        self, held: str, chunks: Sequence[Chunk], options: Decoding, *, caller: str, deadline: float | None
    ) -> list[Result]:
        """The model's outputs for `chunks`, in order."""
        results: dict[int, Result] = {}
        texts = [chunk.text for chunk in chunks]
        stream = self._engine.submit(held, texts, options=options, caller=caller, deadline=deadline)
        async with aclosing(stream):
            async for index, result in stream:
                results[index] = result
        return [results[at] for at in range(len(chunks))]


def _read(request: SummaryRequest, window: int, count: Callable[[str], int]) -> list[Chunk]:
    """The parts of the article that the model reads: all, or with a query those near to it."""
    chunks = _cut(request.text, request.source, window, count)
    if not request.query or len(chunks) == 1:
        return chunks
    vectors = TermVectors.of([chunk.text for chunk in chunks])
    nearness = vectors.project(vectors.direction(request.query))
    return [chunks[at] for at in np.flatnonzero(nearness >= QUERY_SHARE * nearness.max())]


def _cut(text: str, language: str, window: int, count: Callable[[str], int]) -> list[Chunk]:
    """Sentences packed into as few chunks as they fit, in order."""
    splitting = Splitting.PUNCTUATION_AND_NEWLINES
    document = PlainDocument.parse(text, language=language, splitting=splitting, fits=lambda part: count(part) < window)
    chunks: list[list[Segment]] = []
    used = 0
    for segment in document.segments:
        # One more for the space between two: some vocabularies spend a token on it.
        cost = count(segment.text) + 1
        if not chunks or used + cost > window:
            chunks.append([])
            used = 0
        chunks[-1].append(segment)
        used += cost
    return [
        Chunk(
            " ".join(segment.text for segment in chunk),
            tuple((segment.start, segment.end) for segment in chunk if segment.hard_split),
        )
        for chunk in chunks
    ]


def _join(outputs: Sequence[Result]) -> str:
    return "\n".join(result.hypotheses[0].text for result in outputs)


def _cite(request: SummaryRequest, text: str) -> tuple[Passage, ...]:
    """The sentences of what the model wrote, as many as were asked for, with their sources."""
    article = split_article(request.text, request.source)
    citer = Citer([segment.text for segment in article], [(segment.start, segment.end) for segment in article])
    written = keep_within(
        (segment.text for segment in split_article(text, request.source)),
        count=sentence_limit(request, Method.ABSTRACTIVE),
        max_words=word_limit(request),
    )
    return tuple(Passage(sentence, citer.cite(sentence)) for sentence in written)


def _notices(chunks: Sequence[Chunk], results: Sequence[Result]) -> tuple[Notice, ...]:
    hard = "a sentence longer than the model's window was split here"
    splits = [Notice(NoticeKind.SEGMENT_HARD_SPLIT, hard, span) for chunk in chunks for span in chunk.hard_splits]
    if any(result.hypotheses[0].limited for result in results):
        message = "the model was stopped at its output limit; raise decoding_config.max_output_tokens"
        return (*splits, Notice(NoticeKind.OUTPUT_LIMIT_REACHED, message))
    return tuple(splits)
