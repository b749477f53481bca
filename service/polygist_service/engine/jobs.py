"""What waits for a slot: jobs of submissions, of requests, of callers, and how they are found by turn and by length."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from polygist_service.context import CallContext, Usage
from polygist_service.engine.fair_queue import FairQueue, Flow, VirtualClock
from polygist_service.engine.interface import Decoding, Options, Tokens
from polygist_service.engine.residency.loaded_model import LoadedModel


@dataclass(frozen=True, slots=True)
class BatchKey:
    """What shares batches.

    Attributes:
        model: the loaded model, not its name, so that a reload leaves what is queued where it was tokenised.
        options: how it decodes or encodes.
    """

    model: LoadedModel
    options: Options

    @property
    def beam_size(self) -> int:
        """How many hypotheses of a segment are written at the same time."""
        return max(self.options.beam_size, self.options.hypothesis_count) if isinstance(self.options, Decoding) else 1


class Submission(Protocol):
    """What one caller handed in together.

    Attributes:
        context: whose it is, and until when it is wanted.
        cancelled: whether nobody waits for it any more.
    """

    context: CallContext
    cancelled: bool


@dataclass(slots=True, eq=False, repr=False)
class Caller(Flow):
    """Whoever has requests, which share what the caller gets.

    Attributes:
        clock: of its requests.
        requests: those that wait, by lane.
    """

    clock: VirtualClock = field(default_factory=VirtualClock)
    requests: "dict[Lane, FairQueue[Request]]" = field(default_factory=dict)


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class Request(Flow):
    """What waits of one call in one lane.

    Attributes:
        call: tells calls apart.
        submissions: in the order in which they were handed in.
        behind: those that have segments which do not show yet.
        shown: how many segments show.
    """

    call: Usage
    caller: Caller
    lane: "Lane"
    submissions: "dict[Waiting, None]" = field(default_factory=dict)
    behind: "deque[Waiting]" = field(default_factory=deque)
    shown: int = 0

    @property
    def may_go_first(self) -> bool:
        """Whether it may begin a batch out of its turn."""
        return self.lane.is_open and not self.lane.is_ahead(self)

    @property
    def first(self) -> "Job":
        """The segment that it waits for most."""
        return next(iter(next(iter(self.submissions)).shown))


@dataclass(slots=True, eq=False, repr=False)
class Waiting:
    """What waits of one submission, in its order.

    Attributes:
        since: when it was queued, on the scheduler's clock.
        key: what its segments share batches by.
        costs: the seconds that a segment may be expected to take of a slot, by its number of tokens.
        shown: what may fill batches.
        hidden: the segments that come after that, with their indices in the submission.
        seconds: what it may be expected to take of a slot.
    """

    submission: Submission
    request: Request
    since: float
    key: BatchKey
    costs: Mapping[int, float]
    shown: "dict[Job, None]" = field(default_factory=dict)
    hidden: deque[tuple[int, Tokens]] = field(default_factory=deque)
    seconds: float = 0.0

    @property
    def deadline(self) -> float | None:
        """When it is no longer wanted."""
        return self.submission.context.deadline

    @property
    def begin_by(self) -> float:
        """When it has to begin to be ready before its deadline."""
        return float("inf") if self.deadline is None else self.deadline - self.seconds

    def is_wanted(self, now: float) -> bool:
        """Whether somebody still wants it."""
        return not self.submission.cancelled and (self.deadline is None or now < self.deadline)


@dataclass(slots=True, eq=False, repr=False)
class Job:
    """One tokenised segment of one submission, waiting for its batch.

    Attributes:
        index: of the segment in its submission.
        cost: the seconds that it may be expected to take of a slot.
    """

    key: BatchKey
    waiting: Waiting
    index: int
    tokens: Tokens
    cost: float

    @property
    def submission(self) -> Submission:
        """What it is part of."""
        return self.waiting.submission


class Shelf:
    """The jobs of one key that show, by length in tokens; of a length by request, and of a request in order."""

    def __init__(self) -> None:
        self._lengths: dict[int, OrderedDict[Request, deque[Job]]] = {}

    def __bool__(self) -> bool:
        return bool(self._lengths)

    def put(self, job: Job) -> None:
        """Show a job."""
        requests = self._lengths.setdefault(len(job.tokens), OrderedDict())
        requests.setdefault(job.waiting.request, deque()).append(job)

    def remove(self, job: Job) -> None:
        """Show a job no more."""
        length, request = len(job.tokens), job.waiting.request
        requests = self._lengths[length]
        requests[request].remove(job)  # nearly always the first one
        if not requests[request]:
            del requests[request]
        if not requests:
            del self._lengths[length]

    def near(self, length: int) -> list[int]:
        """Return the lengths that there are, the nearest first."""
        return sorted(self._lengths, key=lambda other: (abs(other - length), other))

    def requests(self, length: int, most: int) -> list[Request]:
        """Return at most so many requests that have jobs of a length."""
        return list(islice(self._lengths.get(length, ()), most))

    def first(self, length: int, request: Request) -> Job | None:
        """Return the first job of a request at a length."""
        requests = self._lengths.get(length)
        return requests[request][0] if requests and request in requests else None


class Lane:
    """The work of models that batch, or that of models which run each segment alone.

    Args:
        clock: of the callers, in all lanes.
        window: how far all callers together, or all requests of one, may be ahead of their share, in seconds.
        most: at most so many of its batches run at the same time; 0 for no end.
    """

    def __init__(self, clock: VirtualClock, window: float, most: int = 0) -> None:
        self._callers: FairQueue[Caller] = FairQueue(clock, window)
        self._window = window
        self._most = most
        self.running = 0

    @property
    def is_open(self) -> bool:
        """Whether another of its batches may begin."""
        return not self._most or self.running < self._most

    def first(self) -> Request | None:
        """Return the request whose turn it is, where another batch may begin."""
        caller = self._callers.first() if self.is_open else None
        return caller.requests[self].first() if caller else None

    def enter(self, request: Request) -> None:
        """Let a request take part."""
        caller = request.caller
        if self not in caller.requests:
            caller.requests[self] = FairQueue(caller.clock, self._window)
        caller.requests[self].enter(request)
        self._callers.enter(caller)

    def leave(self, request: Request) -> None:
        """Let a request take part no more, nor its caller if that has no other."""
        requests = request.caller.requests[self]
        requests.leave(request)
        if not requests:
            del request.caller.requests[self]
            self._callers.leave(request.caller)

    def charge(self, request: Request, seconds: float) -> None:
        """Count what a request takes."""
        request.caller.requests[self].charge(request, seconds)
        self._callers.charge(request.caller, seconds)

    def is_ahead(self, request: Request) -> bool:
        """Whether a request, or its caller, has had much more than its share."""
        return self._callers.is_ahead(request.caller) or request.caller.requests[self].is_ahead(request)
