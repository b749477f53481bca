"""The engine: tokenises in the executor, batches over all callers, runs in the slots."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np

from polygist_service.engine.interface import (
    Decoding,
    Encoding,
    ModelInfo,
    Observer,
    Options,
    QueueState,
    Result,
    Span,
    Unobserved,
    Vector,
)
from polygist_service.engine.models.decoding import BatchLimits
from polygist_service.engine.models.seq2seq import Tokens
from polygist_service.engine.residency.loaded_model import LoadedModel
from polygist_service.engine.residency.registry import Registry
from polygist_service.engine.scheduler import Job, Key, Scheduler
from polygist_service.engine.slots import Outcome, Slots
from polygist_service.errors import InferenceFailed

# Segments tokenised in one go: the first batch starts before a long article is through, but has others of its length.
TOKENISE_CHUNK = 512


class Request:
    """One caller's submission: where its outcomes arrive, and whether anybody still waits."""

    def __init__(self) -> None:
        self.cancelled = False
        self.loop = asyncio.get_running_loop()
        self.outcomes: asyncio.Queue[tuple[int, Outcome]] = asyncio.Queue()


class BatchingEngine:
    """Implements `engine.api.Engine` on the models of a registry.

    Args:
        registry: the models.
        slots: how many batches run at the same time.
        executor: where tokenising happens.
        observer: is told of batches and refused segments.
    """

    def __init__(self, registry: Registry, *, slots: int, executor: Executor, observer: Observer | None = None) -> None:
        self._registry = registry
        self._executor = executor
        self._observer = observer or Unobserved()
        self._slots = Slots(
            Scheduler(self._limits), count=slots, run=self._run, deliver=_deliver, observer=self._observer
        )

    async def submit(
        self, model: str, segments: Sequence[str], *, options: Options, caller: str, deadline: float | None = None
    ) -> AsyncGenerator[tuple[int, Result], None]:
        """See `Engine.submit`."""
        async with self._registry.hold(model, deadline=deadline) as build:
            request = Request()
            try:
                for start in range(0, len(segments), TOKENISE_CHUNK):
                    chunk = segments[start : start + TOKENISE_CHUNK]
                    tokens = await request.loop.run_in_executor(self._executor, self._tokenise, build, chunk, options)
                    self._slots.add((build, _shared(options)), request, enumerate(tokens, start))
                for _ in range(len(segments)):
                    index, outcome = await request.outcomes.get()
                    if isinstance(outcome, Exception):
                        raise outcome
                    yield index, outcome
            finally:
                self._slots.cancel(request)

    async def encode(
        self, model: str, sentences: Sequence[str], *, caller: str, deadline: float | None = None
    ) -> Vector:
        """See `Engine.encode`."""
        vectors: list[Vector | None] = [None] * len(sentences)
        async for index, result in self.submit(model, sentences, options=Encoding(), caller=caller, deadline=deadline):
            vectors[index] = result.vector
        return (
            np.stack([vector for vector in vectors if vector is not None])
            if sentences
            else np.zeros((0, 0), np.float32)
        )

    @asynccontextmanager
    async def hold(self, model: str, *, deadline: float | None = None) -> AsyncIterator[str]:
        """See `Engine.hold`."""
        async with self._registry.hold(model, deadline=deadline) as build:
            yield build.pin

    def models(self) -> tuple[ModelInfo, ...]:
        """See `Engine.models`."""
        return tuple(map(self._registry.info, self._registry.names()))

    def model(self, name: str) -> ModelInfo:
        """See `Engine.model`."""
        return self._registry.info(name)

    def counter(self, model: str) -> Callable[[str], int]:
        """See `Engine.counter`."""
        build = self._registry.get(model)

        def count(text: str) -> int:
            with build.use() as loaded:
                return loaded.count(text)

        return count

    def unknown_spans(self, model: str, text: str) -> list[Span]:
        """See `Engine.unknown_spans`."""
        with self._registry.get(model).use() as loaded:
            return loaded.unknown_spans(text)

    def queued_requests(self) -> int:
        """Number of requests that have a segment in the queue."""
        return self._slots.queued_requests()

    def queue_state(self) -> QueueState:
        """What waits for a slot now."""
        return self._slots.state()

    def close(self, timeout: float = 2.0) -> None:
        """Stop the slots after their running batches, waiting at most `timeout` seconds for each."""
        self._slots.close(timeout)

    def _limits(self, key: Key) -> BatchLimits:
        build, options = key
        with build.use() as model:
            return model.batch_limits(options)

    def _tokenise(self, build: LoadedModel, segments: Sequence[str], options: Options) -> list[Tokens]:
        try:
            with build.use() as model:
                return [model.tokenise(segment, options) for segment in segments]
        except InferenceFailed:
            self._observer.segment_refused()
            raise

    def _run(self, key: Key, batch: Sequence[Tokens]) -> list[Result]:
        build, options = key
        with build.use() as model:
            return model.run(batch, options)


def _shared(options: Options) -> Options:
    """What segments of one batch have in common: their languages are in their tokens already."""
    return replace(options, source="", target="") if isinstance(options, Decoding) else options


def _deliver(outcomes: Sequence[tuple[Job, Outcome]]) -> None:
    """Hand a batch's outcomes to their requests' loop, in one call: each one wakes the loop."""

    def put() -> None:
        for job, outcome in outcomes:
            assert isinstance(job.ticket, Request)
            job.ticket.outcomes.put_nowait((job.index, outcome))

    ticket = outcomes[0][0].ticket
    assert isinstance(ticket, Request)
    if not ticket.loop.is_closed():
        ticket.loop.call_soon_threadsafe(put)
