"""Which calls are taken on: decided when they come, by what they are expected to cost, on a clock that is given.

The cost of a call is the seconds that the slots will work for it. What calls of its kind took, by their size, tells it
beforehand; what the slots have done for it already is taken off while it runs. What is left of all calls that were
taken on is the work that waits, and from it follows how long another call would wait::

    work that waits:   caller A  ████████████████████
                       caller B  ██████
                       caller C  ▒▒▒▒ ← the next call of C waits for as much of each other call of C as it takes itself,
                                 and for as much of each other caller's as C gets until then, since the scheduler
                                 serves callers in turn, and the calls of each caller too

So who asks for more than a share of a queue that is full is refused, and who asks for little is not: neither another
caller, nor a short call beside long ones of the same caller. A call is refused where it would be answered too late,
where too much work waits before it, or where the texts of all calls would take too much memory; never because of how
many there are. Where nothing waits, whatever comes first is tried now and then, so that an estimate that was wrong is
learnt anew. Before anything was measured, only memory refuses.

Lives on the event loop; only `Usage` is written by other threads.
"""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import frexp
from typing import NamedTuple, TypeAlias

from polygist_service.context import Usage
from polygist_service.errors import ServerOverloaded

# What a call is, the general first: its method, then what makes the same text cost more or less.
Kind: TypeAlias = tuple[str | int, ...]

# What one text costs beside its characters, in characters.
TEXT_CHARACTERS = 20
# Calls of a kind of which its rate is the average, the latest the most.
REMEMBERED_CALLS = 50
# Kinds of which a rate is kept; those used longest ago go first. Callers choose languages and options.
MOST_KINDS = 1000
# How old the count of what was done may be: it looks at all calls, 6 ms for 10,000.
RECOUNT_SECONDS = 0.2
# What is done in a second is an average over so many of them...
CAPACITY_SECONDS = 30.0
# ... in which for each slot so many seconds of work waited: less need not keep all of them busy.
BUSY_SECONDS = 0.25
# A slot is not less busy than this, however the measurement came about: a batch counts only once it is done.
LEAST_BUSY = 0.25
# Estimates are amiss by so much.
SPARE_SHARE = 0.1
# Where nothing waits, a call is taken on so often although its estimate says that it comes too late: that may be wrong,
# and calls alone teach better.
TRIAL_SECONDS = 10.0
# Memory that a call takes until it is answered, and each character or byte of it, measured: bench/speed/NOTES.md.
CALL_BYTES = 20_000
CHARACTER_BYTES = 120
# The same of each byte that a packed file says it unpacks to, of which much is no text.
UNPACKED_BYTES = 45
LEAST_RETRY_SECONDS = 0.1
# What calls take beside their work, in seconds; it is learnt from those that were to be answered soon. Nine steps down
# make up for one up.
LEAST_DELAY = 0.01
MOST_DELAY = 5.0
SOON_SECONDS = 2.0
DELAY_GROWTH = 1.2
DELAY_DECAY = DELAY_GROWTH ** (-1 / 9)


class Work(NamedTuple):
    """What a call asks for, as far as its request tells at once.

    Attributes:
        kind: what it is; a call without one runs no model, and takes memory only.
        characters: how long its texts are together, or how many bytes a file has.
        texts: how many there are.
        unpacked: bytes that a packed file says it unpacks to.
    """

    kind: Kind
    characters: int
    texts: int = 1
    unpacked: int = 0

    @property
    def size(self) -> int:
        """What the cost of calls of a kind grows with."""
        return self.characters + TEXT_CHARACTERS * self.texts

    @property
    def memory(self) -> int:
        """Bytes that it takes until it is answered."""
        return CALL_BYTES + max(CHARACTER_BYTES * self.characters, UNPACKED_BYTES * self.unpacked)


@dataclass(slots=True, eq=False)
class Admitted:
    """A call that was taken on.

    Attributes:
        estimate: seconds of slots that it was expected to take.
        began: when it was taken on.
        soon: in how many seconds it was expected to be answered, what is beside the work not counted.
        left: what of the estimate is not done, as last counted.
        weight: of its caller, beside others.
        is_whole: to be set once all of it is done: its rate is learnt from it.
    """

    work: Work
    caller: str
    usage: Usage
    estimate: float
    began: float
    soon: float
    left: float
    weight: float = 1.0
    is_whole: bool = False


@dataclass(slots=True)
class Rate:
    """Seconds for a unit of size, of the calls seen lately."""

    seconds: float = 0.0
    size: float = 0.0

    def add(self, size: float, seconds: float) -> None:
        """Learn from a call."""
        kept = 1 - 1 / REMEMBERED_CALLS
        self.seconds = self.seconds * kept + seconds
        self.size = self.size * kept + size


class Rates:
    """What calls cost, by their kind; one that was not seen yet costs what the nearest more general kind does."""

    def __init__(self) -> None:
        self._rates: OrderedDict[Kind, Rate] = OrderedDict()

    def add(self, work: Work, seconds: float) -> None:
        """Learn what a call has taken, for its kind and all more general ones, the most general of which is all."""
        if not work.size:
            return
        for length in range(len(work.kind) + 1):
            kind = work.kind[:length]
            self._rates.setdefault(kind, Rate()).add(work.size, seconds)
            self._rates.move_to_end(kind)
        while len(self._rates) > MOST_KINDS:
            self._rates.popitem(last=False)

    def predict(self, work: Work) -> float:
        """Return the seconds that a call is expected to take; 0 where nothing is known."""
        for length in range(len(work.kind), -1, -1):
            if rate := self._rates.get(work.kind[:length]):
                return work.size * rate.seconds / rate.size
        return 0.0


class Capacity:
    """Seconds of slots that are done in a second while all have work: fewer than slots where others use the cores.

    Args:
        slots: how many batches run at the same time.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._done, self._elapsed = slots * CAPACITY_SECONDS, CAPACITY_SECONDS
        self._last: tuple[float, float] | None = None

    @property
    def per_second(self) -> float:
        """What is done in a second."""
        return self._slots * min(1.0, max(LEAST_BUSY, self._done / self._elapsed / self._slots))

    def observe(self, now: float, done: float, waiting: float) -> None:
        """Learn from how much has been done up to now, if enough was waiting all the time."""
        last, self._last = self._last, (now, done) if waiting >= BUSY_SECONDS * self._slots else None
        if last and self._last:
            elapsed = now - last[0]
            kept = CAPACITY_SECONDS / (CAPACITY_SECONDS + elapsed)
            self._done = (self._done + done - last[1]) * kept
            self._elapsed = (self._elapsed + elapsed) * kept


class Delay:
    """What the answer to a call takes beside the work: splitting and joining, the event loop, a batch that has begun.

    It is the time that nine of ten calls need no more than, as far as these were to be answered soon: it grows a lot
    with each call that needs more, and shrinks a little with each that does not.
    """

    def __init__(self) -> None:
        self.seconds = LEAST_DELAY

    def observe(self, taken: float, predicted: float, *, is_whole: bool) -> None:
        """Learn from a call that took so long; one that was given up might have taken longer."""
        if predicted > SOON_SECONDS:
            return
        if taken - predicted > self.seconds:
            self.seconds = min(MOST_DELAY, self.seconds * DELAY_GROWTH)
        elif is_whole:
            self.seconds = max(LEAST_DELAY, self.seconds * DELAY_DECAY)


@dataclass(slots=True)
class Backlog:
    """Calls, and the seconds of slots that are left to do for them."""

    calls: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a call of which so much is left."""
        self.calls += 1
        self.seconds += seconds

    def remove(self, seconds: float) -> None:
        """Count a call no more that was added with so much."""
        self.calls -= 1
        self.seconds = max(0.0, self.seconds - seconds) if self.calls else 0.0

    def before(self, seconds: float) -> float:
        """Return what is done until a call that takes so much is done, which is no more of each other one."""
        return min(self.seconds, self.calls * seconds)


class CallerBacklog(Backlog):
    """The calls of one caller, in classes of those that have between as much and twice as much left.

    So what is done before a call is told without looking at all others, of which there may be ten thousand: exactly
    where others have at most half or at least twice as much left, and at most twice too much of those between.

    Attributes:
        weight: the caller's share beside others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = 1.0
        self._classes: defaultdict[int, Backlog] = defaultdict(Backlog)

    def add(self, seconds: float) -> None:
        """Count a call of which so much is left."""
        super().add(seconds)
        if seconds:
            self._classes[frexp(seconds)[1]].add(seconds)

    def remove(self, seconds: float) -> None:
        """Count a call no more that was added with so much."""
        super().remove(seconds)
        if seconds:
            self._classes[frexp(seconds)[1]].remove(seconds)

    def before(self, seconds: float) -> float:
        """Return what is done until a call that takes so much is done, which is no more of each other one."""
        return sum(each.before(seconds) for each in self._classes.values())


class AdmissionState(NamedTuple):
    """What may be seen of an `Admission`.

    Attributes:
        waiting: seconds until all that was taken on is done.
        memory: bytes that it is expected to take.
        refused: how many calls were refused, by the cause: ``deadline``, ``queue`` or ``memory``.
    """

    waiting: float
    memory: int
    refused: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is refused.

    Attributes:
        queue_seconds: work that may wait before a call.
        memory: bytes that all calls may take.
    """

    queue_seconds: float
    memory: int


class Admission:
    """The calls that were taken on.

    Args:
        bounds: what is refused.
        slots: how many batches run at the same time.
        clock: tells the time.
    """

    def __init__(self, bounds: Bounds, *, slots: int, clock: Callable[[], float]) -> None:
        self._bounds = bounds
        self._clock = clock
        self._rates = Rates()
        self._capacity = Capacity(slots)
        self._delay = Delay()
        self._calls: set[Admitted] = set()
        self._callers: defaultdict[str, CallerBacklog] = defaultdict(CallerBacklog)
        self._memory = 0
        self._ended = 0.0  # seconds of slots of the calls that have ended
        self._counted = clock()
        self._tried = self._counted - TRIAL_SECONDS
        self._refused: Counter[str] = Counter(deadline=0, queue=0, memory=0)

    def expect_room(self, work: Work, caller: str, *, seconds_left: float, weight: float = 1.0) -> None:
        """Raise ServerOverloaded where a call has to be refused, and count it.

        Args:
            work: what it asks for.
            caller: whose call it is.
            seconds_left: until its deadline.
            weight: the caller's share beside others.
        """
        if refusal := self.find_refusal(work, caller, seconds_left=seconds_left, weight=weight):
            self._refused[refusal.cause] += 1
            raise refusal

    @contextmanager
    def call(self, work: Work, caller: str, usage: Usage, *, weight: float = 1.0) -> Iterator[None]:
        """Take a call on while the block runs; `usage` is where the slots write what they do for it."""
        admitted = self.admit(work, caller, usage, weight=weight)
        try:
            yield
            admitted.is_whole = True
        finally:
            self.release(admitted)

    @contextmanager
    def keep(self, size: int) -> Iterator[None]:
        """Count what is kept of a message of so many bytes, and runs nothing, while the block runs.

        Raises:
            ServerOverloaded: there is no memory for it.
        """
        memory = Work((), 0, unpacked=size).memory
        excess = self._memory + memory - self._bounds.memory
        if excess > 0 and self._memory:
            self._refused["memory"] += 1
            raise self._refuse_for_memory(excess)
        self._memory += memory
        try:
            yield
        finally:
            self._memory -= memory

    def predict(self, work: Work) -> float:
        """Return the seconds of slots that a call is expected to take; 0 where that is not known."""
        return self._rates.predict(work) if work.kind else 0.0

    def find_refusal(
        self, work: Work, caller: str, *, seconds_left: float | None = None, weight: float = 1.0
    ) -> ServerOverloaded | None:
        """Return why a call has to be refused now; None where it is not. One without a deadline is never too late."""
        self._recount()
        excess = self._memory + work.memory - self._bounds.memory
        if excess > 0 and self._calls:
            return self._refuse_for_memory(excess)
        estimate = self.predict(work)
        if not estimate or (not self._calls and seconds_left is None):
            return None
        before = self._seconds_before(caller, estimate)
        wait = self._seconds_until(caller, before, weight)
        done = self._seconds_until(caller, before + estimate, weight) * (1 + SPARE_SHARE)
        answered = done + self._delay.seconds
        if seconds_left is not None and answered > seconds_left and not self._is_trial(done, seconds_left):
            alone = estimate / self._capacity.per_second * (1 + SPARE_SHARE) + self._delay.seconds
            return refuse_for_deadline(answered, wait=wait, alone=alone, seconds_left=seconds_left)
        if wait > self._bounds.queue_seconds:
            later = max(LEAST_RETRY_SECONDS, wait - self._bounds.queue_seconds)
            return ServerOverloaded(
                f"about {format_seconds(wait)} s of work wait before this call, and"
                f" {self._bounds.queue_seconds:g} s are the most; try again in {format_seconds(later)} s, or at another"
                " replica",
                cause="queue",
                retry_after=later,
                is_in_time=seconds_left is None or later < seconds_left,
            )
        return None

    def _is_trial(self, done: float, seconds_left: float) -> bool:
        """Return whether a call is taken on against its estimate, where nothing waits: only calls teach better.

        That is each one whose work would be done in time: what calls took beside it while others waited too, or while
        the machine was slow, does not keep a server idle. Where the work alone is too much, it is one now and then.
        """
        if self._calls:
            return False
        if done <= seconds_left:
            return True
        now = self._clock()
        if now - self._tried < TRIAL_SECONDS:
            return False
        self._tried = now
        return True

    def admit(self, work: Work, caller: str, usage: Usage, *, weight: float = 1.0) -> Admitted:
        """Take a call on; `release` has to follow."""
        estimate = self.predict(work)
        before = self._seconds_before(caller, estimate)
        soon = self._seconds_until(caller, before + estimate, weight) * (1 + SPARE_SHARE)
        admitted = Admitted(work, caller, usage, estimate, self._clock(), soon, left=estimate, weight=weight)
        self._calls.add(admitted)
        self._memory += work.memory
        self._callers[caller].add(estimate)
        self._callers[caller].weight = weight
        return admitted

    def release(self, admitted: Admitted) -> None:
        """Forget a call that has ended, and learn what it cost."""
        self._recount()
        self._calls.remove(admitted)
        self._memory -= admitted.work.memory
        of_caller = self._callers[admitted.caller]
        of_caller.remove(admitted.left)
        if not of_caller.calls:
            del self._callers[admitted.caller]
        taken = admitted.usage.engine_seconds
        self._ended += taken
        # Of one that was given up it is known that it costs no less than it has taken.
        if admitted.work.kind and (admitted.is_whole or taken > admitted.estimate):
            self._rates.add(admitted.work, taken)
        if admitted.estimate:
            self._delay.observe(self._clock() - admitted.began, admitted.soon, is_whole=admitted.is_whole)

    def state(self) -> AdmissionState:
        """What waits now, as last counted; may be asked by any thread."""
        seconds = sum(each.seconds for each in list(self._callers.values()))
        return AdmissionState(seconds / self._capacity.per_second, self._memory, dict(self._refused))

    def _seconds_before(self, caller: str, estimate: float) -> float:
        """Return what is done of the other calls of a caller before one that takes `estimate`, in seconds of slots."""
        return self._callers[caller].before(estimate) if caller in self._callers else 0.0

    def _seconds_until(self, caller: str, own: float, weight: float) -> float:
        """Return how long it takes until so many seconds of a caller's work are done, all callers served by weight."""
        others = sum(
            min(each.seconds, own * each.weight / weight) for name, each in self._callers.items() if name != caller
        )
        return (own + others) / self._capacity.per_second

    def _recount(self) -> None:
        """Count what is left of all calls, unless that was done just now."""
        now = self._clock()
        if now - self._counted < RECOUNT_SECONDS:
            return
        self._counted = now
        callers: defaultdict[str, CallerBacklog] = defaultdict(CallerBacklog)
        done = self._ended
        for call in self._calls:
            taken = call.usage.engine_seconds
            call.left = max(0.0, call.estimate - taken)
            callers[call.caller].add(call.left)
            callers[call.caller].weight = call.weight
            done += taken
        self._callers = callers
        self._capacity.observe(now, done, sum(each.seconds for each in self._callers.values()))

    def _refuse_for_memory(self, excess: int) -> ServerOverloaded:
        later = max(1.0, self.state().waiting * min(1.0, excess / self._memory))
        return ServerOverloaded(
            f"the calls that are being answered take about {self._memory / 1e6:.0f} MB of memory, and"
            f" {self._bounds.memory / 1e6:.0f} MB are the most; try again in {format_seconds(later)} s, send less"
            " at once, or try another replica",
            cause="memory",
            retry_after=later,
        )


def refuse_for_deadline(answered: float, *, wait: float, alone: float, seconds_left: float) -> ServerOverloaded:
    """Return the refusal of a call that would be answered too late.

    Args:
        answered: in how many seconds it would be.
        wait: seconds of that in which other calls are answered.
        alone: in how many seconds it would be answered if nothing waited.
        seconds_left: until its deadline.
    """
    left = format_seconds(seconds_left)
    if alone > seconds_left:
        message = f"the call alone takes about {format_seconds(alone)} s, and its deadline is in {left} s; give it"
        message += f" {format_seconds(answered)} s at least, or send less"
        return ServerOverloaded(message, cause="deadline", retry_after=0.0, is_in_time=False)
    later = max(LEAST_RETRY_SECONDS, min(wait, answered - seconds_left))
    message = f"the answer would take about {format_seconds(answered)} s, of which {format_seconds(wait)} s are work"
    message += f" that waits before this call, and its deadline is in {left} s; give more time, or try again with as"
    message += f" much in {format_seconds(later)} s, or at another replica"
    return ServerOverloaded(message, cause="deadline", retry_after=later, is_in_time=False)


def format_seconds(seconds: float) -> str:
    """Return seconds as a message has them."""
    return f"{seconds:.0f}" if seconds >= 10 else f"{max(0.0, seconds):.2g}"
