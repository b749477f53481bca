"""Summaries of the article's own sentences."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from polygist_service.engine.interface import Encoding, Engine, ModelInfo, Vector
from polygist_service.summarisation.lengths import SENTENCES, is_by_length, sentence_limit, word_limit
from polygist_service.summarisation.selection import Preset, count_words, find_candidates, select
from polygist_service.summarisation.types import (
    Citation,
    Draft,
    Form,
    Length,
    Method,
    Order,
    Passage,
    SummaryRequest,
    split_article,
)
from polygist_service.text.documents.plain import Segment

# Tokens of a sentence that its vector is made of: more change no selection and cost time.
ENCODING = Encoding(max_tokens=128)
# No sentence of so many tokens is longer; what is longer is no sentence, and need not be tokenised.
MOST_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Candidates:
    """The sentences of an article that may be picked, and how many words it has in all."""

    sentences: tuple[Segment, ...]
    word_count: int

    @classmethod
    def read(cls, request: SummaryRequest) -> "Candidates":
        """Split the text and keep what may stand in a summary."""
        segments = split_article(request.text, request.source)
        enough = SENTENCES[Form.PARAGRAPH][Length.MEDIUM]
        wanted = min(sentence_limit(request, Method.EXTRACTIVE) or enough, enough)
        kept = find_candidates([segment.text for segment in segments], count=wanted, query=request.query)
        return cls(tuple(segments[at] for at in kept), count_words(request.text))


class Extractive:
    """Picks sentences with a sentence encoder.

    Args:
        engine: runs the encoder.
        executor: where splitting and selection happen.
    """

    def __init__(self, engine: Engine, executor: Executor) -> None:
        self._engine = engine
        self._executor = executor

    async def draft(
        self, request: SummaryRequest, model: ModelInfo, *, caller: str, deadline: float | None = None
    ) -> Draft:
        """The sentences of a summary of a text with letters, in the order asked for."""
        loop = asyncio.get_running_loop()
        candidates = await loop.run_in_executor(self._executor, Candidates.read, request)
        texts = [segment.text for segment in candidates.sentences]
        if request.query:
            texts.append(request.query)
        vectors, token_count = await self._encode(model, texts, caller=caller, deadline=deadline)
        passages = await loop.run_in_executor(self._executor, _pick, candidates, vectors, request)
        return Draft(passages, input_token_count=token_count)

    async def _encode(
        self, model: ModelInfo, texts: Sequence[str], *, caller: str, deadline: float | None
    ) -> tuple[Vector, int]:
        """The vectors of `texts`, and the number of tokens they cost."""
        # Texts of like length share a batch, which then has little padding.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        vectors: list[Vector] = [np.zeros(0, np.float32)] * len(texts)
        token_count = 0
        segments = [texts[at][:MOST_CHARACTERS] for at in order]
        stream = self._engine.submit(model.name, segments, options=ENCODING, caller=caller, deadline=deadline)
        async with aclosing(stream):
            async for index, result in stream:
                assert result.vector is not None
                vectors[order[index]] = result.vector
                token_count += result.input_token_count
        return np.stack(vectors), token_count


def _pick(candidates: Candidates, vectors: Vector, request: SummaryRequest) -> tuple[Passage, ...]:
    sentences = candidates.sentences
    count = sentence_limit(request, Method.EXTRACTIVE)
    if is_by_length(request):
        # A summary that repeats most of an article is none; whoever gives a number knows what they want.
        count = min(count, max(1, len(sentences) // 2))
    selection = select(
        [segment.text for segment in sentences],
        vectors[: len(sentences)],
        # Who asks a question does not want the lead.
        preset=Preset.COVERAGE if request.query else Preset.for_words(candidates.word_count),
        count=count,
        max_words=word_limit(request),
        query_embedding=vectors[-1] if request.query else None,
    )
    ranked = list(zip(selection.indices, selection.gains, strict=True))
    if request.order is Order.OFFSET:
        ranked.sort()
    return tuple(_passage(sentences[at], gain / selection.gains[0]) for at, gain in ranked)


def _passage(segment: Segment, rank_score: float) -> Passage:
    citation = Citation((segment.start, segment.end), 1.0)
    return Passage(segment.text, (citation,), min(1.0, rank_score), is_quoted=True)
