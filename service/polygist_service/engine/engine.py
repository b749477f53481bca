"""The engine: tokenises on the text threads, batches over all callers, runs in the slots."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Protocol, cast

from polygist_service.concurrency import Pauses, TextPool, let_go, run_in_turns
from polygist_service.context import CallContext
from polygist_service.engine.cache import Lookup, SentenceCache, key_maker
from polygist_service.engine.cost import CostModel
from polygist_service.engine.interface import (
    BatchTracer,
    Decoding,
    ModelInfo,
    Observer,
    Offers,
    Options,
    Partial,
    QueueState,
    Result,
    Tokens,
    Unobserved,
)
from polygist_service.engine.jobs import BatchKey, Job
from polygist_service.engine.models.base import BatchLimits
from polygist_service.engine.models.prompt_format import Prompt
from polygist_service.engine.residency.loaded_model import LoadedModel
from polygist_service.engine.scheduler import Scheduler
from polygist_service.engine.slots import Outcome, Slots, SlotState
from polygist_service.errors import InferenceFailed
from polygist_service.text.segmentation import Span

# A batch that may be expected to take longer asks after each token who still wants it; others end as a whole.
LONG_SECONDS = 0.25
# So many of the options that calls have are remembered: nearly all calls have the same.
MOST_OPTIONS = 256


class Models(Protocol):
    """Hands out loaded models; see `residency.registry.Registry`."""

    def names(self) -> Sequence[str]:
        """Return the installed models, sorted."""
        ...

    @property
    def offers(self) -> Offers:
        """What could be installed beside them."""
        ...

    def info(self, name: str) -> ModelInfo:
        """Return what may be known of an installed model; raises NotFound."""
        ...

    def hold(self, name: str, context: CallContext) -> AbstractAsyncContextManager[LoadedModel]:
        """Load a model if need be, and keep it while the block runs; see `Engine.hold`."""
        ...


class Submission:
    """What one caller handed in: where its outcomes arrive, and whether anybody still waits for them.

    Args:
        context: whose it is.
        is_followed: whether what is written of it arrives too, while it is written.

    Attributes:
        is_aligned: whether its outputs have to tell where they come from.
    """

    def __init__(self, context: CallContext, *, is_followed: bool = False) -> None:
        self.context = context
        self.is_aligned = False
        self.is_followed = is_followed
        self.cancelled = False
        self.loop = asyncio.get_running_loop()
        self.outcomes: asyncio.Queue[list[tuple[int, Outcome | Partial]]] = asyncio.Queue()


class BatchingEngine:
    """Implements `engine.interface.Engine` on the models of a registry.

    Args:
        registry: the models.
        slots: how many batches run at the same time.
        pool: where tokenising happens.
        observer: is told of batches and refused segments.
        tracer: is told of batches with segments of traced calls.
        cache: keeps results; by default there is none.
    """

    def __init__(
        self,
        registry: Models,
        *,
        slots: int,
        pool: TextPool,
        observer: Observer | None = None,
        tracer: BatchTracer | None = None,
        cache: SentenceCache | None = None,
    ) -> None:
        self._registry = registry
        self._pool = pool
        self._cache = cache or SentenceCache(0)
        self._observer = observer or Unobserved()
        self._slots = Slots(
            Scheduler(batch_limits, find_cost, alone=max(1, slots - 1)),
            count=slots,
            run=run_batch,
            deliver=hand_over,
            predict=bound_seconds,
            observer=self._observer,
            tracer=tracer,
        )

    @asynccontextmanager
    async def hold(self, model: str, context: CallContext) -> AsyncIterator["Hold"]:
        """See `Engine.hold`."""
        began = time.monotonic()
        async with self._registry.hold(model, context) as loaded:
            if context.trace:
                context.trace.record("load", began)
            yield Hold(loaded, slots=self._slots, pool=self._pool, observer=self._observer, cache=self._cache)

    @property
    def offers(self) -> Offers:
        """See `Engine.offers`."""
        return self._registry.offers

    def models(self) -> tuple[ModelInfo, ...]:
        """See `Engine.models`."""
        return tuple(map(self._registry.info, self._registry.names()))

    def model(self, name: str) -> ModelInfo:
        """See `Engine.model`."""
        return self._registry.info(name)

    def queued_requests(self) -> int:
        """Return the number of submissions that have a segment in the queue."""
        return self._slots.queued_requests()

    def queue_state(self) -> QueueState:
        """Return what waits for a slot now."""
        return self._slots.state()

    def slot_states(self) -> tuple[SlotState, ...]:
        """Return what each slot does now; waits for nothing."""
        return self._slots.states()

    def close(self, timeout: float = 2.0) -> None:
        """Stop the slots after their running batches, waiting at most `timeout` seconds for them."""
        self._slots.close(timeout)


class Hold:
    """Implements `engine.interface.HeldModel`.

    Args:
        loaded: the model, which somebody keeps while this object is in use.
        slots, pool, observer, cache: of the engine.
    """

    def __init__(
        self, loaded: LoadedModel, *, slots: Slots, pool: TextPool, observer: Observer, cache: SentenceCache
    ) -> None:
        self._loaded = loaded
        self._cache = cache
        self._slots = slots
        self._pool = pool
        self._observer = observer

    @property
    def info(self) -> ModelInfo:
        """See `HeldModel.info`."""
        return self._loaded.info

    def count(self, text: str) -> int:
        """See `HeldModel.count`."""
        with self._loaded.use() as model:
            return model.count(text)

    def tokenise(self, text: str, options: Options) -> Tokens | None:
        """See `HeldModel.tokenise`."""
        with self._loaded.use() as model:
            return model.tokenise(text, options)

    def unknown_spans(self, text: str) -> list[Span]:
        """See `HeldModel.unknown_spans`."""
        with self._loaded.use() as model:
            return model.unknown_spans(text)

    def likelihood(self, text: str) -> float:
        """See `HeldModel.likelihood`."""
        with self._loaded.use() as model:
            return model.likelihood(text)

    async def submit(
        self, segments: Sequence[str | Tokens], *, options: Options, context: CallContext
    ) -> AsyncGenerator[tuple[int, Result], None]:
        """See `HeldModel.submit`."""
        async with aclosing(self._run(segments, Submission(context), options=options)) as outcomes:
            async for index, outcome in outcomes:
                assert isinstance(outcome, Result)
                yield index, outcome

    async def write(
        self, segment: str, *, options: Decoding, context: CallContext
    ) -> AsyncGenerator[Partial | Result, None]:
        """See `HeldModel.write`."""
        submission = Submission(context, is_followed=True)
        async with aclosing(self._run([segment], submission, options=options)) as outcomes:
            async for _, outcome in outcomes:
                yield outcome

    async def _run(
        self, segments: Sequence[str | Tokens], submission: Submission, *, options: Options
    ) -> AsyncGenerator[tuple[int, Partial | Result], None]:
        """Hand in a submission; yield what comes of its segments, and what is written of them where that is wanted."""

        def expect_tokens(segment: str | Tokens) -> Tokens:
            tokens = self.tokenise(segment, options) if isinstance(segment, str) else segment
            if tokens is None:
                assert isinstance(segment, str)
                self._observer.segment_refused()
                window = self.info.max_input_tokens
                raise InferenceFailed(f"a segment has {self.count(segment)} tokens, the model's window is {window}")
            return tokens

        usage = submission.context.usage
        tokens: list[Tokens] = [each for each in segments if not isinstance(each, str)]
        if len(tokens) < len(segments):
            tokens = await self._pool.run(submission.context, expect_tokens, segments)
        options = without_languages(options, aligns=self.info.aligns)
        submission.is_aligned = isinstance(options, Decoding) and options.alignment
        lookup = await self._look_up(tokens, options, submission.context)
        waiting = await group_equals(lookup.missing, options)
        pauses = Pauses()
        try:
            firsts = [(equals[0], tokens[equals[0]]) for equals in waiting.values()]
            self._slots.add(BatchKey(self._loaded, without_alignment(options)), submission, firsts)
            for found in lookup.found:
                await pauses.pause()
                usage.cached_segments += 1
                yield found
            while waiting:
                for index, outcome in await submission.outcomes.get():
                    await pauses.pause()
                    if isinstance(outcome, Exception):
                        raise outcome
                    if isinstance(outcome, Partial):
                        yield index, outcome
                        continue
                    if not submission.cancelled:  # else it may have ended early
                        lookup.keep(index, outcome)
                    equals = waiting.pop(index)
                    usage.count_tokens(outcome.input_token_count, outcome.output_token_count)
                    usage.cached_segments += len(equals) - 1
                    for equal in equals:
                        await pauses.pause()
                        yield equal, outcome
        finally:
            self._slots.cancel(submission)
            let_go(tokens)

    async def _look_up(self, tokens: Sequence[Tokens], options: Options, context: CallContext) -> Lookup:
        """Find what the cache has of segments."""
        if not self._cache.is_kept:
            return self._cache.look_up((), tokens)
        make_key = key_maker(self.info, options)
        keys = await self._pool.run(context, make_key, tokens, characters=sum(map(len, tokens)))
        return self._cache.look_up(keys, tokens)


@lru_cache(MOST_OPTIONS)
def without_languages(options: Options, *, aligns: bool) -> Options:
    """Return what an output depends on beside its tokens, which the languages are in already.

    A model that cannot align is not asked to.
    """
    if not isinstance(options, Decoding):
        return options
    return replace(options, source="", target="", alignment=options.alignment and aligns)


def without_alignment(options: Options) -> Options:
    """Return what the segments of a batch have in common.

    A greedy output is the same whether or not the model tells where it comes from, and the batch takes as long. In a
    beam that is another matter.
    """
    if isinstance(options, Decoding) and options.alignment and max(options.beam_size, options.hypothesis_count) == 1:
        return replace(options, alignment=False)
    return options


async def group_equals(segments: Sequence[tuple[int, Tokens]], options: Options) -> dict[int, list[int]]:
    """Return the indices of segments that are the same to a model, by the first of them: one answer serves them all.

    An alignment has places in the text, and two texts may have the same tokens.
    """
    if len(segments) == 1:
        return {segments[0][0]: [segments[0][0]]}
    is_aligned = isinstance(options, Decoding) and options.alignment
    groups: dict[Hashable, list[int]] = {}

    def add(segment: tuple[int, Tokens]) -> None:
        index, tokens = segment
        if isinstance(tokens, Prompt):
            equal: Hashable = (tuple(tokens.tokens), tuple(tokens.prefix), tokens.text if is_aligned else "")
        else:
            equal = tuple(cast(Sequence[int], tokens))
        groups.setdefault(equal, []).append(index)

    await run_in_turns(add, segments)
    return {indices[0]: indices for indices in groups.values()}


def batch_limits(key: BatchKey) -> BatchLimits:
    """Return how large a batch of `key` may be."""
    with key.model.use() as model:
        return model.batch_limits(key.options)


class Callers:
    """The callers of one batch, as its model knows them: a `models.base.Listener`.

    Args:
        batch: their jobs.
        is_long: whether the batch takes so long that what nobody wants any more has to end before it.
    """

    def __init__(self, batch: Sequence[Job], *, is_long: bool) -> None:
        self._batch = batch
        self.stops_early = is_long

    def is_wanted(self, at: int) -> bool:
        """See `Listener.is_wanted`."""
        return not self._batch[at].submission.cancelled

    def is_followed(self, at: int) -> bool:
        """See `Listener.is_followed`."""
        submission = self._batch[at].submission
        return isinstance(submission, Submission) and submission.is_followed

    def tell(self, at: int, text: str) -> None:
        """See `Listener.tell`."""
        hand_over([(self._batch[at], Partial(text))])

    def is_aligned(self, at: int) -> bool:
        """See `Listener.is_aligned`."""
        submission = self._batch[at].submission
        return isinstance(submission, Submission) and submission.is_aligned


def find_cost(key: BatchKey) -> CostModel:
    """Return what tells how long batches of `key` take."""
    return key.model.find_cost(shortlist=isinstance(key.options, Decoding) and key.options.shortlist)


def run_batch(key: BatchKey, batch: Sequence[Job]) -> list[Result]:
    """Run one batch on the model of `key`; blocks."""
    tokens, beam_size, cost = [job.tokens for job in batch], key.beam_size, find_cost(key)
    longest = max(map(len, tokens))
    is_long = cost.expect(segments=len(batch), longest=longest, beam_size=beam_size) > LONG_SECONDS
    began = time.monotonic()
    with key.model.use() as model:
        results = model.run(tokens, key.options, Callers(batch, is_long=is_long))
    # A batch that was left may have ended early, and tells nothing of how long others take.
    if not any(job.submission.cancelled for job in batch):
        written = max((hypothesis.token_count for result in results for hypothesis in result.hypotheses), default=0)
        cost.add(
            time.monotonic() - began,
            padded=len(batch) * longest,
            steps=written,
            segments=len(batch),
            beam_size=beam_size,
        )
    return results


def bound_seconds(key: BatchKey, batch: Sequence[Tokens]) -> float:
    """Return how long a batch takes at most."""
    with key.model.use() as model:
        written = model.most_output_tokens(batch, key.options)
    return find_cost(key).bound(padded=len(batch) * max(map(len, batch)), steps=written)


def hand_over(outcomes: Sequence[tuple[Job, Outcome | Partial]]) -> None:
    """Hand a batch's outcomes to the loop of their submissions, in one call: each one wakes the loop."""
    told: dict[Submission, list[tuple[int, Outcome | Partial]]] = {}
    for job, outcome in outcomes:
        assert isinstance(job.submission, Submission)
        told.setdefault(job.submission, []).append((job.index, outcome))

    def put() -> None:
        for submission, own in told.items():
            submission.outcomes.put_nowait(own)

    loop = next(iter(told)).loop
    if not loop.is_closed():
        loop.call_soon_threadsafe(put)
