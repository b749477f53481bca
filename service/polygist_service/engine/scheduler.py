"""Which segments share the next batch. Pure logic on a given clock: no threads, no model."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from polygist_service.context import CallContext
from polygist_service.engine.interface import Options, QueueState, Tokens
from polygist_service.engine.models.base import BatchLimits
from polygist_service.engine.residency.loaded_model import LoadedModel

# A lone request is spread over the idle slots in shares of at least this many segments.
MIN_SHARE = 4


@dataclass(frozen=True, slots=True)
class BatchKey:
    """What shares batches.

    Attributes:
        model: the loaded model, not its name, so that a reload leaves what is queued where it was tokenised.
        options: how it decodes or encodes.
    """

    model: LoadedModel
    options: Options


Limits = Callable[[BatchKey], BatchLimits]


class Submission(Protocol):
    """What one caller handed in together.

    Attributes:
        context: whose it is, and until when it is wanted.
        cancelled: whether nobody waits for it any more.
    """

    context: CallContext
    cancelled: bool


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One tokenised segment of one submission, waiting for its batch.

    Attributes:
        index: of the segment in its submission.
        arrival: its place in the order of arrival of all jobs.
        since: when it was queued, on the scheduler's clock.
    """

    key: BatchKey
    submission: Submission
    index: int
    tokens: Tokens
    arrival: int
    since: float

    @property
    def cost(self) -> int:
        """What it costs: the tokens that are read. Those that are written grow with them."""
        return len(self.tokens)


class Queue:
    """Waiting jobs of one key, by their length in tokens; within a length in the order of arrival."""

    def __init__(self) -> None:
        self._lengths: dict[int, deque[Job]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._lengths.values()))

    def __iter__(self) -> Iterator[Job]:
        return (job for jobs in self._lengths.values() for job in jobs)

    def add(self, job: Job) -> None:
        """Queue a job behind those of its length."""
        self._lengths.setdefault(len(job.tokens), deque()).append(job)

    def first(self) -> Job | None:
        """The job that has waited longest; cancelled ones that have come up to the front are forgotten."""
        for length, jobs in list(self._lengths.items()):
            while jobs and jobs[0].submission.cancelled:
                jobs.popleft()
            if not jobs:
                del self._lengths[length]
        return min((jobs[0] for jobs in self._lengths.values()), key=lambda job: job.arrival, default=None)

    def take(self, length: int, limits: BatchLimits, most: int) -> list[Job]:
        """Remove and return a batch of jobs of this length, with the nearest others where these are not enough.

        Args:
            length: of the job that has waited longest, which is taken first.
            limits: of the batch.
            most: at most so many segments, whatever the limits say.
        """
        batch: list[Job] = []
        longest = length
        for near in sorted(self._lengths, key=lambda other: (abs(other - length), other)):
            enough = most if near == length else min(most, limits.mixed_segments)
            padded = max(longest, near)
            room = min(enough, max(1, limits.tokens // max(1, padded))) - len(batch)
            taken = self._pop(near, room)
            longest = padded if taken else longest
            batch += taken
        return batch

    def _pop(self, length: int, count: int) -> list[Job]:
        jobs, taken = self._lengths[length], list[Job]()
        while jobs and len(taken) < count:
            job = jobs.popleft()
            if not job.submission.cancelled:
                taken.append(job)
        if not jobs:
            del self._lengths[length]
        return taken


class Scheduler:
    """First come, first served between requests; segments of equal length inside a batch.

    Padding changes the last digits of a model's floating-point sums, and now and then an output. So a batch mixes
    lengths only up to what the model's limits call enough: beyond that, it grows by equals alone.

    Args:
        limits: from a key to the limits of one batch.
        clock: seconds, for how long a segment has waited.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._queues: dict[BatchKey, Queue] = {}
        self._arrivals = 0

    def add(self, key: BatchKey, submission: Submission, segments: Iterable[tuple[int, Tokens]]) -> None:
        """Queue tokenised segments, each with its index in the request."""
        queue, now = self._queues.setdefault(key, Queue()), self._clock()
        for index, tokens in segments:
            queue.add(Job(key, submission, index, tokens, self._arrivals, now))
            self._arrivals += 1

    def next_batch(self, idle_slots: int = 1) -> list[Job]:
        """Take the batch with the job that has waited longest; empty where nothing waits.

        Args:
            idle_slots: slots that have no work, the asking one included: they share what waits.
        """
        firsts = [first for queue in self._queues.values() if (first := queue.first())]
        self._queues = {key: queue for key, queue in self._queues.items() if len(queue)}
        if not firsts:
            return []
        first = min(firsts, key=lambda job: job.arrival)
        queue, limits = self._queues[first.key], self._limits(first.key)
        share = max(MIN_SHARE, -(-len(queue) // idle_slots))
        if idle_slots > 1 and first.index == 0 and all(job.submission is first.submission for job in queue):
            share = MIN_SHARE  # a lone request: its first segment need not wait for a full batch
        return queue.take(len(first.tokens), limits, min(limits.segments, share))

    def __len__(self) -> int:
        """Number of waiting segments."""
        return sum(map(len, self._queues.values()))

    def count_requests(self) -> int:
        """Number of requests that have a segment waiting."""
        return len({id(job.submission) for queue in self._queues.values() for job in queue})

    def state(self) -> QueueState:
        """What waits now, without what was cancelled."""
        waiting = [job for queue in self._queues.values() for job in queue if not job.submission.cancelled]
        if not waiting:
            return QueueState()
        oldest = self._clock() - min(job.since for job in waiting)
        return QueueState(len(waiting), len({id(job.submission) for job in waiting}), oldest)
