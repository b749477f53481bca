"""Who is next, of flows that share something by weight: start-time fair queueing (Goyal, Vin and Cheng, 1996)."""

from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import Generic, TypeVar

# The flows share the window, but it is cut into no more parts than that: with 32 articles a 32nd of it left too few
# segments of equal length to choose from.
MOST_SHARES = 8
# A heap with fewer entries is not rid of those who have left.
LEAST_HEAP = 64


@dataclass(slots=True, eq=False, repr=False)
class Flow:
    """What takes part: a caller, or a request of one.

    Attributes:
        start: what it has had so far, in virtual seconds: those of slots over its weight.
        weight: its share beside others.
    """

    start: float = 0.0
    weight: float = 1.0


FlowT = TypeVar("FlowT", bound=Flow)


@dataclass(slots=True)
class VirtualClock:
    """What a flow that always had its share has had by now, in virtual seconds: whatever it weighs."""

    now: float = 0.0


class FairQueue(Generic[FlowT]):
    """The flows that have something to do; first the one that has had least of its share.

    A flow that comes, or comes back, is a whole window of slots' time ahead of those that are here: short work is done
    before long work is gone on with, and still what comes without end shuts out nobody. Time that it did not use is
    lost to it.

    All but `first` take as long however many flows there are; that one repairs a heap, which takes the logarithm.

    Args:
        clock: of all queues in which the same flows wait.
        window: how far all flows together may be ahead of their share, in seconds of slots.
    """

    def __init__(self, clock: VirtualClock, window: float) -> None:
        self._clock = clock
        self._seconds = window
        self._numbers = count()
        self._waiting: dict[FlowT, int] = {}
        self._weights: dict[FlowT, float] = {}
        self._weight = 0.0
        self._heap: list[tuple[float, int, FlowT]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, flow: FlowT) -> None:
        """Let a flow take part that has something to do now; one that does may weigh something else by now."""
        self._weight += flow.weight - self._weights.get(flow, 0.0)
        self._weights[flow] = flow.weight
        if flow not in self._waiting:
            self._waiting[flow] = next(self._numbers)
            flow.start = max(flow.start, self._clock.now - self._seconds / flow.weight)
            heappush(self._heap, (flow.start, self._waiting[flow], flow))

    def leave(self, flow: FlowT) -> None:
        """Let a flow take part no more."""
        self._waiting.pop(flow, None)
        self._weight -= self._weights.pop(flow, 0.0)
        if not self._waiting:
            self._weight = 0.0  # without the rounding of all that came and went
        if len(self._heap) > 2 * len(self._waiting) + LEAST_HEAP:
            self._heap = [(each.start, number, each) for each, number in self._waiting.items()]
            heapify(self._heap)

    def first(self) -> FlowT | None:
        """Return the flow that has had least; of equals the one that is here for longest."""
        while self._heap:
            start, number, flow = self._heap[0]
            if self._waiting.get(flow) != number:
                heappop(self._heap)
            elif start < flow.start:
                heapreplace(self._heap, (flow.start, number, flow))
            else:
                return flow
        return None

    def charge(self, flow: FlowT, seconds: float) -> None:
        """Count what a flow takes; all that wait have a right to as much for each part of their weight."""
        flow.start += seconds / flow.weight
        self._clock.now += seconds / max(self._weight, flow.weight)

    def is_ahead(self, flow: FlowT) -> bool:
        """Whether a flow has had so much more than its share that it should not take more than its turns."""
        window = self._seconds / min(MOST_SHARES, max(1, len(self._waiting))) / flow.weight
        return len(self._waiting) > 1 and flow.start > self._clock.now + window
