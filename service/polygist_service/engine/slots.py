"""The threads that run batches: one blocking CTranslate2 call each, pulled the moment a slot is free."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from polygist_service.engine.interface import (
    BatchReport,
    BatchTracer,
    Observer,
    QueueState,
    Result,
    Tokens,
    TracedBatch,
    TracedPart,
    TracedRun,
    Unobserved,
)
from polygist_service.engine.jobs import BatchKey, Job, Submission
from polygist_service.engine.scheduler import MIN_SHARE, Scheduler
from polygist_service.errors import InferenceFailed

log = structlog.get_logger(__name__)

Outcome = Result | InferenceFailed
Run = Callable[[BatchKey, Sequence[Job]], Sequence[Result]]
Predict = Callable[[BatchKey, Sequence[Tokens]], float]
Deliver = Callable[[Sequence[tuple[Job, Outcome]]], None]


@dataclass(frozen=True, slots=True, eq=False)
class RunningBatch:
    """A batch that runs now; each one is an object of its own.

    Attributes:
        predicted: seconds that it takes at most.
    """

    model: str
    segments: int
    predicted: float


class ModelRun(NamedTuple):
    """One run of a model: for a batch, or a half of one that failed.

    Attributes:
        report: what it took; None where it failed.
    """

    jobs: Sequence[Job]
    began: float
    ended: float
    report: BatchReport | None


@dataclass(frozen=True, slots=True)
class SlotState:
    """What may be seen of a slot.

    Attributes:
        is_dead: whether its thread has ended without being told to.
        batch: what it runs now.
    """

    name: str
    is_dead: bool
    batch: RunningBatch | None

    @property
    def activity(self) -> str:
        """What it does, in one word: ``busy``, ``idle`` or ``dead``."""
        return "dead" if self.is_dead else "busy" if self.batch else "idle"


class Slots:
    """A fixed number of threads over one scheduler.

    Args:
        scheduler: what waits; guarded by this object's lock.
        count: how many batches run at the same time.
        run: runs one batch of one key; blocks.
        deliver: takes the outcomes of a batch; called on the slot's thread, must not block.
        predict: tells how long a batch takes at most.
        observer: is told of every batch.
        tracer: is told of batches with segments of traced calls; None where no call is.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        count: int,
        run: Run,
        deliver: Deliver,
        predict: Predict = lambda key, batch: 0.0,
        observer: Observer | None = None,
        tracer: BatchTracer | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._run = run
        self._deliver = deliver
        self._predict = predict
        self._observer = observer or Unobserved()
        self._tracer = tracer
        self._idle = 0
        self._closed = False
        self._changed = threading.Condition()
        self._running: list[RunningBatch | None] = [None] * count
        self._threads = [
            threading.Thread(target=self._serve, args=(n,), name=f"slot-{n}", daemon=True) for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def add(self, key: BatchKey, submission: Submission, segments: Sequence[tuple[int, Tokens]]) -> None:
        """Queue segments and wake the idle slots."""
        with self._changed:
            self._scheduler.add(key, submission, segments)
            # A slot that is woken for nothing takes time from one that works.
            self._changed.notify(-(-len(segments) // MIN_SHARE))

    def cancel(self, submission: Submission) -> None:
        """Let no batch begin with a segment of this request any more, and forget those."""
        with self._changed:  # a slot takes a batch, and keeps its model, under the same lock
            self._scheduler.cancel(submission)

    def queued_requests(self) -> int:
        """Number of requests that have a segment in the queue."""
        with self._changed:
            return self._scheduler.count_requests()

    def state(self) -> QueueState:
        """What waits now."""
        with self._changed:
            return self._scheduler.state()

    def states(self) -> tuple[SlotState, ...]:
        """What each slot does now. Takes no lock: who asks wants to know although something may hang."""
        return tuple(
            SlotState(thread.name, not self._closed and not thread.is_alive(), batch)
            for thread, batch in zip(self._threads, self._running, strict=True)
        )

    def close(self, timeout: float) -> None:
        """Let running batches end, drop what waits, and join the threads for at most `timeout` seconds together."""
        end = time.monotonic() + timeout
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _serve(self, slot: int) -> None:
        try:
            while batch := self._next_batch():
                try:
                    self._finish_batch(batch, slot)
                except Exception:  # the callers of this batch run into their deadlines; those of the next need not
                    log.exception("batch_lost", slot=slot, segments=len(batch))
                self._running[slot] = None
                del batch  # else a thread that waits keeps what its last callers sent
        except BaseException:  # nothing that a batch should raise: `states` tells of it
            log.critical("slot_died", slot=slot, exc_info=True)

    def _finish_batch(self, batch: Sequence[Job], slot: int) -> None:
        """Run a batch, let its calls have taken their parts of its time, and deliver what came of it."""
        began, runs = time.monotonic(), list[ModelRun]()
        try:
            outcomes = self._run_batch(batch, slot, runs)
        finally:
            ended = time.monotonic()
            self._account(batch, ended - began)
            batch[0].key.model.release()
        # failpoint: engine.deliver
        self._deliver(outcomes)
        if self._tracer and (traced := describe_traced(batch, runs, began=began, ended=ended)):
            self._tracer.batch_ended(traced)

    def _next_batch(self) -> list[Job]:
        """Wait for work, and keep the model that it is for; empty once closed."""
        with self._changed:
            self._idle += 1
            try:
                while not self._closed:
                    if batch := self._scheduler.next_batch(self._idle):
                        batch[0].key.model.keep()
                        return batch
                    self._changed.wait()
                return []
            finally:
                self._idle -= 1

    def _account(self, batch: Sequence[Job], seconds: float) -> None:
        """Let the calls of a batch have taken their parts of its time, each as it was expected."""
        share = seconds / (sum(job.cost for job in batch) or 1.0)
        with self._changed:
            self._scheduler.done(batch)
            for job in batch:
                job.submission.context.usage.engine_seconds += share * job.cost

    def _run_batch(self, batch: Sequence[Job], slot: int, runs: list[ModelRun]) -> list[tuple[Job, Outcome]]:
        """Run a batch, and add to `runs`; one that fails is halved until the segments that fail stand alone."""
        key, tokens, began = batch[0].key, [job.tokens for job in batch], time.monotonic()
        try:
            self._running[slot] = RunningBatch(key.model.name, len(batch), self._predict(key, tokens))
            # failpoint: engine.batch
            results = self._run(key, batch)
            report = describe_batch(batch, results, (ended := time.monotonic()) - began)
            self._observer.batch_ran(report)
            runs.append(ModelRun(batch, began, ended, report))
            return list(zip(batch, results, strict=True))
        except Exception:
            log.exception("batch_failed", model=key.model.name, segments=len(batch))
        self._observer.batch_failed(len(batch))
        runs.append(ModelRun(batch, began, time.monotonic(), None))
        if len(batch) == 1:
            return [(batch[0], InferenceFailed("the model failed on a segment of this request"))]
        half = len(batch) // 2
        return self._run_batch(batch[:half], slot, runs) + self._run_batch(batch[half:], slot, runs)


def describe_traced(
    batch: Sequence[Job], runs: Sequence[ModelRun], *, began: float, ended: float
) -> TracedBatch | None:
    """Return what became of a batch that a slot had from `began` to `ended`; None where no call in it is traced."""
    if not (parts := find_traced(batch)):
        return None
    return TracedBatch(
        batch[0].key.model.name,
        began,
        ended,
        parts,
        [TracedRun(run.began, run.ended, find_traced(run.jobs), run.report) for run in runs],
        segments=len(batch),
        calls=len({job.waiting.request.call for job in batch}),
    )


def find_traced(batch: Sequence[Job]) -> list[TracedPart]:
    """Return what of a batch belongs to calls that are traced."""
    counts = Counter(job.waiting for job in batch if job.submission.context.trace)
    return [
        TracedPart(trace, waiting.since, segments)
        for waiting, segments in counts.items()
        if (trace := waiting.submission.context.trace)
    ]


def describe_batch(batch: Sequence[Job], results: Sequence[Result], seconds: float) -> BatchReport:
    """Return what one batch was, and what it took."""
    lengths = [len(job.tokens) for job in batch]
    written = [result.output_token_count for result in results]
    return BatchReport(
        model=batch[0].key.model.name,
        segments=len(batch),
        padded_tokens=len(batch) * max(lengths),
        source_tokens=sum(lengths),
        target_tokens=sum(written),
        unclaimed_tokens=sum(count for job, count in zip(batch, written, strict=True) if job.submission.cancelled),
        seconds=seconds,
    )
