"""Which segments share the next batch. Pure logic: no threads, no clock, no model."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from polygist_service.engine.api import Options
from polygist_service.engine.model import Tokens

# How many batches' worth of waiting segments are looked at for neighbours of equal length.
WINDOW_BATCHES = 4
# A lone request is spread over the idle slots in shares of at least this many segments.
MIN_SHARE = 4

Key = tuple[str, Options]
Limits = Callable[[Key], tuple[int, int]]


class Ticket(Protocol):
    """The request that a job belongs to."""

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for it any more."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One tokenised segment of one request, waiting for its batch."""

    key: Key
    ticket: Ticket
    index: int
    tokens: Tokens
    arrival: int


class Scheduler:
    """First come, first served between requests; neighbours of equal length inside a batch.

    Args:
        limits: from a key to the most segments and the most padded tokens of one batch. The token rule is
            CTranslate2's own for ``batch_type="tokens"``: segments times longest.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._queues: dict[Key, deque[Job]] = {}
        self._arrivals = 0

    def add(self, key: Key, ticket: Ticket, segments: Iterable[tuple[int, Tokens]]) -> None:
        """Queue tokenised segments, each with its index in the request."""
        queue = self._queues.setdefault(key, deque())
        for index, tokens in segments:
            queue.append(Job(key, ticket, index, tokens, self._arrivals))
            self._arrivals += 1

    def next_batch(self, idle_slots: int = 1) -> list[Job]:
        """Take the batch that starts with the job that has waited longest; empty where nothing waits.

        Args:
            idle_slots: slots that have no work, the asking one included: they share what waits.
        """
        self._drop_cancelled()
        if not self._queues:
            return []
        key = min(self._queues, key=lambda candidate: self._queues[candidate][0].arrival)
        queue = self._queues[key]
        most_segments, most_tokens = self._limits(key)
        share = max(MIN_SHARE, -(-len(queue) // idle_slots))
        first = queue.popleft()
        nearby = [queue.popleft() for _ in range(min(len(queue), WINDOW_BATCHES * most_segments - 1))]
        window = [first, *(job for job in nearby if not job.ticket.cancelled)]
        batch = _take_run(window, min(most_segments, share), most_tokens)
        taken = set(map(id, batch))
        queue.extendleft(job for job in reversed(window) if id(job) not in taken)
        if not queue:
            del self._queues[key]
        return batch

    def _drop_cancelled(self) -> None:
        """Forget cancelled jobs at the heads of the queues; those behind are dropped as they come up."""
        for key, queue in list(self._queues.items()):
            while queue and queue[0].ticket.cancelled:
                queue.popleft()
            if not queue:
                del self._queues[key]

    def __len__(self) -> int:
        """Number of waiting segments."""
        return sum(map(len, self._queues.values()))

    def count_requests(self) -> int:
        """Number of requests that have a segment waiting."""
        return len({id(job.ticket) for queue in self._queues.values() for job in queue})


def _take_run(window: Sequence[Job], most_segments: int, most_tokens: int) -> list[Job]:
    """The run of similar lengths around the first job of `window`, longest first, within both limits."""
    first = window[0]
    ordered = sorted(window, key=lambda job: -len(job.tokens))
    low = high = next(at for at, job in enumerate(ordered) if job is first)
    while high - low + 1 < min(most_segments, len(ordered)):
        longer = ordered[low - 1] if low else None
        shorter = ordered[high + 1] if high + 1 < len(ordered) else None
        fits = longer is not None and (high - low + 2) * len(longer.tokens) <= most_tokens
        if shorter is not None and (high - low + 2) * len(ordered[low].tokens) > most_tokens:
            shorter = None
        if shorter is not None and (not fits or _is_nearer(shorter, longer, first)):
            high += 1
        elif fits:
            low -= 1
        else:
            break
    return ordered[low : high + 1]


def _is_nearer(shorter: Job, longer: Job | None, first: Job) -> bool:
    if longer is None:
        return True
    return len(first.tokens) - len(shorter.tokens) <= len(longer.tokens) - len(first.tokens)
