"""Which segments share the next batch. Pure logic on a given clock: no threads, no model.

Callers share the slots by weight, and the requests of one caller equally: of all that wait, the one that has had least
is first, and its first segment begins the next batch. What fills the batch is of the nearest lengths, out of a window
of the first segments of each request; whoever has had much more than the others already adds none. So batches are
nearly full of equals, and nobody is far ahead for long.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count

from polygist_service.context import CallContext, Usage
from polygist_service.engine.cost import CostModel
from polygist_service.engine.fair_queue import VirtualClock
from polygist_service.engine.interface import QueueState, Tokens
from polygist_service.engine.jobs import BatchKey, Caller, Job, Lane, Request, Shelf, Submission, Waiting
from polygist_service.engine.models.base import BatchLimits

# A lone request is spread over the idle slots in shares of at least this many segments.
MIN_SHARE = 4
# The longest batch, in seconds: where others wait too, and where a request is alone.
SHARED_SECONDS, LONE_SECONDS = 0.2, 0.25
# Of a model so slow that one segment takes that, a batch may take so many times as long as its longest one would.
SLOW_FACTOR = 2
# A request is alone once no other was queued or run for so many seconds.
ALONE_AFTER = 5.0
# All flows together may be ahead by so many seconds, and a request shows so many segments to those that fill batches:
# what two batches take, and what four of the largest take up.
WINDOW_SECONDS, WINDOW_SEGMENTS = 2 * SHARED_SECONDS, 128
# At a length, so many requests that are ahead are passed over for one that is not.
MOST_PASSED_OVER = 32
# Of fewer callers none is forgotten.
LEAST_CALLERS = 64
# What has to begin within so many seconds to be ready before its deadline goes first.
LITTLE_SLACK = 2 * SHARED_SECONDS

Limits = Callable[[BatchKey], BatchLimits]
Costs = Callable[[BatchKey], CostModel]


class Scheduler:
    """Queues segments and takes batches of them.

    Padding may change the last digits of a model's floating-point sums, and now and then an output. So a batch mixes
    lengths that are not known to answer alike only up to what the model's limits call enough.

    Args:
        limits: from a key to the limits of one batch.
        costs: from a key to what its batches take.
        alone: of models that run each segment alone, at most so many batches run at the same time, so that these do
            not keep short work waiting in every slot.
        clock: seconds; of the deadlines too.
    """

    def __init__(
        self, limits: Limits, costs: Costs, *, alone: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._costs = costs
        self._clock = clock
        self._virtual = VirtualClock()
        self._together, self._alone = Lane(self._virtual, WINDOW_SECONDS), Lane(self._virtual, WINDOW_SECONDS, alone)
        self._callers: dict[str, Caller] = {}
        self._most_callers = LEAST_CALLERS
        self._requests: dict[tuple[Usage, Lane], Request] = {}
        self._submissions: OrderedDict[Submission, Waiting] = OrderedDict()
        self._shelves: dict[BatchKey, Shelf] = {}
        self._begin_by: list[tuple[float, int, Waiting]] = []
        self._numbers = count()
        self._latest: Usage | None = None
        self._shared_until = 0.0
        self._segments = 0
        self._seconds = 0.0

    def add(self, key: BatchKey, submission: Submission, segments: Sequence[tuple[int, Tokens]]) -> None:
        """Queue the tokenised segments of a submission, each with its index there; once for each submission.

        There may be thousands, and the event loop waits: each becomes a job once it shows.
        """
        lengths = Counter([len(tokens) for _, tokens in segments])
        if not lengths:
            return
        now, cost, limits = self._clock(), self._costs(key), self._limits(key)
        request = self._find_request(submission.context, self._lane(limits))
        seconds_of = partial(cost.segment_seconds, most=limits.segments, beam_size=key.beam_size)
        waiting = Waiting(submission, request, now, key, {length: seconds_of(length) for length in lengths})
        waiting.hidden.extend(segments)
        waiting.seconds = sum(count * waiting.costs[length] for length, count in lengths.items())
        self._seconds += waiting.seconds
        self._segments += len(segments)
        self._submissions[submission] = waiting
        self._requests[request.call, request.lane] = request
        request.submissions[waiting] = None
        request.behind.append(waiting)
        request.lane.enter(request)
        self._show(request)
        self._see(request.call, now)
        if waiting.deadline is not None:
            heappush(self._begin_by, (waiting.begin_by, next(self._numbers), waiting))

    def cancel(self, submission: Submission) -> None:
        """Forget what waits of a submission."""
        submission.cancelled = True
        if waiting := self._submissions.get(submission):
            self._forget(waiting)

    def next_batch(self, idle_slots: int = 1) -> list[Job]:
        """Take the next batch; empty where nothing waits that may begin now.

        Args:
            idle_slots: slots that have no work, the asking one included: they share what waits.
        """
        now = self._clock()
        while request := self._urgent(now) or self._first():
            job = request.first
            if job.waiting.is_wanted(now):
                return self._take_batch(job, idle_slots, now)
            self._forget(job.waiting)
        return []

    def done(self, batch: Sequence[Job]) -> None:
        """Let another batch of models that run alone begin, where this was one."""
        batch[0].waiting.request.lane.running -= 1

    def __len__(self) -> int:
        """Number of waiting segments."""
        return self._segments

    def count_requests(self) -> int:
        """Number of submissions that have a segment waiting."""
        return len(self._submissions)

    def state(self) -> QueueState:
        """What waits now."""
        if not self._submissions:
            return QueueState()
        oldest = self._clock() - next(iter(self._submissions.values())).since
        return QueueState(self._segments, len(self._submissions), oldest, max(0.0, self._seconds))

    def _lane(self, limits: BatchLimits) -> Lane:
        return self._alone if limits.segments == 1 else self._together

    def _find_request(self, context: CallContext, lane: Lane) -> Request:
        """Return what waits of a call already, or an empty request of its caller."""
        if request := self._requests.get((context.usage, lane)):
            return request
        if len(self._callers) >= self._most_callers:
            # Who has nothing waiting, and has had no more than others, is known anew when they come back.
            now, known = self._virtual.now, self._callers.items()
            self._callers = {name: caller for name, caller in known if caller.requests or caller.start > now}
            self._most_callers = max(LEAST_CALLERS, 2 * len(self._callers))
        caller = self._callers.setdefault(context.caller, Caller())
        caller.weight = context.weight
        return Request(call=context.usage, caller=caller, lane=lane)

    def _first(self) -> Request | None:
        """Return the request whose turn it is."""
        firsts = [request for lane in (self._together, self._alone) if (request := lane.first())]
        return min(firsts, key=lambda request: (request.caller.start, request.start), default=None)

    def _urgent(self, now: float) -> Request | None:
        """Return a request that has to begin soon, unless it has had much more than its share."""
        while self._begin_by and self._begin_by[0][0] < now + LITTLE_SLACK:
            _, number, waiting = self._begin_by[0]
            if self._submissions.get(waiting.submission) is not waiting:
                heappop(self._begin_by)
            elif not waiting.is_wanted(now):
                self._forget(waiting)
            elif waiting.begin_by < now + LITTLE_SLACK and waiting.request.may_go_first:
                return waiting.request
            else:  # it has less to do by now, or has to be looked at again a batch later
                again = max(waiting.begin_by, now + LITTLE_SLACK + SHARED_SECONDS)
                heapreplace(self._begin_by, (again, number, waiting))
        return None

    def _take_batch(self, first: Job, idle_slots: int, now: float) -> list[Job]:
        """Take a batch that begins with a job: of its length, with the nearest others where these are not enough."""
        key, length, limits = first.key, len(first.tokens), self._limits(first.key)
        cost, beam_size = self._costs(key), key.beam_size
        seconds = SHARED_SECONDS if now < self._shared_until else LONE_SECONDS
        most = min(limits.segments, self._share(first, idle_slots))
        shelf = self._shelves[key]
        first.waiting.request.lane.running += 1
        batch, longest = [first], length
        self._take(first)
        for near in sorted(shelf.near(length), key=lambda near: not limits.answer_alike(near, length)):
            enough = most if limits.answer_alike(near, length) else min(most, limits.mixed_segments)
            if len(batch) >= enough:
                break
            padded = max(1, longest, near)
            least = SLOW_FACTOR * cost.expect(segments=1, longest=padded, beam_size=beam_size)
            fitting = cost.most_segments(padded, max(seconds, least), beam_size=beam_size)
            room = min(enough, limits.tokens // padded, fitting)
            taken = self._take_near(shelf, near, room - len(batch), now)
            longest = max(longest, near) if taken else longest
            batch += taken
        for call in {job.waiting.request.call for job in batch}:
            self._see(call, now)
        return batch

    def _share(self, first: Job, idle_slots: int) -> int:
        """Return how many of the waiting segments a slot may take, so that others that are idle get some."""
        if idle_slots > 1 and first.index == 0 and len(self._submissions) == 1:
            return MIN_SHARE  # a lone request: its first segment need not wait for a full batch
        return max(MIN_SHARE, -(-self._segments // idle_slots))

    def _take_near(self, shelf: Shelf, length: int, room: int, now: float) -> list[Job]:
        """Take at most so many jobs of a length, of those who are not ahead."""
        taken: list[Job] = []
        for request in shelf.requests(length, room + MOST_PASSED_OVER) if room > 0 else ():
            while (job := shelf.first(length, request)) and not request.lane.is_ahead(request):
                if not job.waiting.is_wanted(now):
                    self._forget(job.waiting)
                    continue
                self._take(job)
                taken.append(job)
                if len(taken) == room:
                    return taken
        return taken

    def _take(self, job: Job) -> None:
        """Let a job wait no more, and its request and caller have had it."""
        waiting, request = job.waiting, job.waiting.request
        request.lane.charge(request, job.cost)
        self._hide(job)
        waiting.seconds -= job.cost
        self._seconds -= job.cost
        self._segments -= 1
        self._tidy(waiting)

    def _forget(self, waiting: Waiting) -> None:
        """Drop what waits of a submission."""
        self._segments -= len(waiting.shown) + len(waiting.hidden)
        self._seconds -= waiting.seconds
        waiting.hidden.clear()
        for job in list(waiting.shown):
            self._hide(job)
        self._tidy(waiting)

    def _tidy(self, waiting: Waiting) -> None:
        """Show what comes next of a request; forget a submission, and a request, of which nothing waits any more."""
        request = waiting.request
        self._show(request)
        if waiting.shown or waiting.hidden:
            return
        del self._submissions[waiting.submission], request.submissions[waiting]
        if not request.submissions:
            request.lane.leave(request)
            del self._requests[request.call, request.lane]
        if not self._submissions:
            self._seconds = 0.0
        if len(self._begin_by) > 2 * len(self._submissions) + LEAST_CALLERS:
            # What is done may have been due in hours.
            self._begin_by = [each for each in self._begin_by if each[2].submission in self._submissions]
            heapify(self._begin_by)

    def _hide(self, job: Job) -> None:
        """Let a job fill no batch any more."""
        shelf = self._shelves[job.key]
        shelf.remove(job)
        if not shelf:
            del self._shelves[job.key]
        del job.waiting.shown[job]
        job.waiting.request.shown -= 1

    def _show(self, request: Request) -> None:
        """Let the next segments of a request show, up to the window."""
        while request.behind and request.shown < WINDOW_SEGMENTS:
            waiting = request.behind[0]
            if not waiting.hidden:
                request.behind.popleft()
                continue
            index, tokens = waiting.hidden.popleft()
            job = Job(waiting.key, waiting, index, tokens, waiting.costs[len(tokens)])
            waiting.shown[job] = None
            request.shown += 1
            self._shelves.setdefault(job.key, Shelf()).put(job)

    def _see(self, call: Usage, now: float) -> None:
        """Note that a call is at work; it is no longer alone where that was another one before."""
        if call is not self._latest:
            if self._latest is not None:
                self._shared_until = now + ALONE_AFTER
            self._latest = call
