"""Which items of a bulk translation are sent, answered and yielded: decisions on a clock that is given, without I/O.

Both clients drive one `Bulk`: they read items while it wants some, send what it says on a stream of BatchTranslate,
tell it every reply and every end of a stream, and yield what it gives.

    read ──> to send ──> in flight ──> ready ──> yielded
                ^            │
                └── refused, or its stream broke

An item is unanswered until it is ready. A stream that ends, for whatever reason, leaves its items unanswered, and the
next stream is sent these and no others.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from polygist_client.errors import CallFailed, Cancelled, DeadlineExceeded, InternalError, Unavailable
from polygist_client.items import Answer, NumberedItem, concern
from polygist_client.retries import BUSY, FIRST_DELAY, LONGEST_DELAY

# Read and unanswered. The server works on 64 of a stream; the others are there when it has room.
WINDOW = 192
# Read and not yielded: in order, one slow item holds up all behind it that are answered already.
MOST_HELD = 1024
# The same in characters, as multiples of what the server takes in one request.
WINDOW_REQUESTS = 2
HELD_REQUESTS = 8
# How many items are in flight, by how many streams have broken with the same item in flight: the one that ends the
# server, as nothing else here is likely to do that often, is alone on its last stream and fails alone.
IN_FLIGHT_AFTER_BREAKS = (WINDOW, 64, 16, 4, 1)
MOST_BREAKS = len(IN_FLIGHT_AFTER_BREAKS)
# A server ends connections that are old, by default after 600 s and another 630 s: a stream ends before, with its items
# answered, and the next one may go to another server.
STREAM_SECONDS = 300.0
# A deadline is looked at in time, unless the process was stopped or its thread busy; then answers may lie unread.
LATE_SECONDS = 0.5
SPARED_SECONDS = 2.0
IDLE = "STREAM_IDLE"
# Where it is not clear how a stream ended, the next one is sent one item, and that only after a moment: gRPC's awaited
# calls lose the status of one that ends while something is written to it.
PROBE_SECONDS = 0.2


@dataclass(slots=True)
class Unanswered:
    """An item that was read and has no answer yet.

    Attributes:
        item: what to send.
        give_up: when a server that is busy is asked no more; None before it was sent.
        backoff: seconds to wait after the next time that the server is busy.
        breaks: how many streams broke with it in flight.
    """

    item: NumberedItem
    give_up: float | None = None
    backoff: float = FIRST_DELAY
    breaks: int = 0


class Bulk:
    """The items of one call.

    Args:
        characters: how many a server takes in one request.
        ordered: whether answers are yielded in the order of the items.
        seconds: tells how long the answer to so many characters may take.
        reconnect_timeout: seconds to wait for a server that is gone.
        read_error: makes the error of a reply; None where it has none.
        jitter: gives numbers from 0 to 1.
    """

    def __init__(
        self,
        *,
        characters: int,
        ordered: bool,
        seconds: Callable[[int], float],
        reconnect_timeout: float,
        read_error: Callable[[Any], CallFailed | None],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._characters = characters
        self._ordered = ordered
        self._seconds = seconds
        self._reconnect_timeout = reconnect_timeout
        self._read_error = read_error
        self._jitter = jitter
        self._is_read = False
        self._ending: BaseException | None = None
        self._failure: BaseException | None = None
        # Items, by index.
        self._unanswered: dict[int, Unanswered] = {}
        self._unanswered_characters = 0
        self._to_send: list[int] = []
        self._delayed: list[tuple[float, int]] = []
        self._in_flight: set[int] = set()
        self._suspects: dict[int, int] = {}
        self._ready: dict[int, Answer] = {}
        self._unordered: deque[Answer] = deque()
        self._next_index = 0
        self._held = 0
        self._held_characters = 0
        # Streams.
        self._stream_began: float | None = None
        self._stream_answers = 0
        self._quiet_since: float | None = None
        self._spared_until: float | None = None
        self._outage_began: float | None = None
        self._backoff = FIRST_DELAY
        self._resume_at = 0.0
        self._is_probing = False

    # Items

    @property
    def wants_item(self) -> bool:
        """Whether another item is to be read."""
        if self._is_read or self._failure is not None:
            return False
        return (
            len(self._unanswered) < WINDOW
            and self._held < MOST_HELD
            and self._unanswered_characters < WINDOW_REQUESTS * self._characters
            and self._held_characters < HELD_REQUESTS * self._characters
        )

    @property
    def is_done(self) -> bool:
        """Whether all items were read and yielded."""
        return self._is_read and not self._held

    def add(self, item: NumberedItem, now: float) -> None:
        """Take the next item."""
        if not self._unanswered:
            self._quiet_since = now
        self._unanswered[item.index] = Unanswered(item)
        self._unanswered_characters += len(item.text)
        self._hold(item)
        heapq.heappush(self._to_send, item.index)

    def add_failed(self, answer: Answer) -> None:
        """Take the next item, which cannot be sent."""
        self._hold(answer.item)
        self._keep(answer)

    def end_items(self, error: BaseException | None = None) -> None:
        """Note that there are no more; `error` is what kept them from coming, raised when all is yielded."""
        self._is_read, self._ending = True, error

    def take(self) -> list[Answer]:
        """Return what may be yielded now; empty where nothing may."""
        found = list(self._unordered)
        self._unordered.clear()
        while answer := self._ready.pop(self._next_index, None):
            found.append(answer)
            self._next_index += 1
        self._held -= len(found)
        for answer in found:
            self._held_characters -= len(answer.item.text)
        return found

    def fail(self, error: BaseException) -> None:
        """Note what ends all; what is ready is still yielded."""
        self._failure = self._failure or error

    def check(self, now: float) -> None:
        """Raise what ended all, and DeadlineExceeded where the server has answered nothing for too long.

        Who looks much later than that was stopped or busy, and has yet to see what was answered meanwhile.
        """
        due = self._quiet_until(now)
        if now - due > LATE_SECONDS and self._spared_until is None:
            self._spared_until = now + SPARED_SECONDS
        elif self._failure is None and now >= due:
            seconds = self._longest_seconds()
            self._failure = DeadlineExceeded(
                f"no answer within {seconds:g} s; give more time (timeout), or send shorter texts",
                code="DEADLINE_EXCEEDED",
            )
        if self._failure is None and self.is_done:
            self._failure = self._ending
        if self._failure is not None:
            raise self._failure

    # Streams

    def should_open(self, now: float) -> bool:
        """Whether there is something to send, and it is time for another stream."""
        self._release(now)
        return bool(self._to_send) and now >= self._resume_at and self._failure is None

    def begin_stream(self, now: float) -> None:
        """Note that a stream was opened."""
        self._stream_began = self._quiet_since = now
        self._spared_until = None
        self._stream_answers = 0

    def next_to_send(self, now: float) -> NumberedItem | None:
        """Return the next item for the stream, which is in flight then; None where there is none now."""
        self._release(now)
        if not self._to_send or self.is_stream_complete(now) or len(self._in_flight) >= self._most_in_flight(now):
            return None
        index = heapq.heappop(self._to_send)
        entry = self._unanswered[index]
        if entry.give_up is None:
            entry.give_up = now + self._seconds(len(entry.item.text))
        self._in_flight.add(index)
        return entry.item

    def is_stream_complete(self, now: float) -> bool:
        """Whether nothing more is to be sent on this stream: all is answered, or it has become old."""
        if self._stream_began is not None and now - self._stream_began >= STREAM_SECONDS:
            return True
        # Not as soon as all is sent: a server that is busy is sent it again, on the same stream.
        return self._failure is not None or (self._is_read and not self._unanswered)

    @property
    def may_send(self) -> bool:
        """Whether who sends has something to do: there is an item, now or in a moment, or the stream is complete."""
        return (
            bool(self._to_send or self._delayed)
            or (self._is_read and not self._unanswered)
            or self._failure is not None
        )

    def receive(self, reply: Any, now: float) -> None:
        """Take a reply of the server."""
        index = int(reply.item_id) if reply.item_id.isdecimal() else -1
        if index not in self._in_flight:
            self.fail(InternalError(f"the server answered item {reply.item_id!r}, which was not sent", code="INTERNAL"))
            return
        entry = self._unanswered[index]
        self._in_flight.discard(index)
        self._note_answer(now)
        error = self._read_error(reply)
        if error is None:
            self._answer(entry, Answer(entry.item, reply))
        elif isinstance(error, Unavailable) and entry.give_up is not None and now + entry.backoff < entry.give_up:
            heapq.heappush(self._delayed, (now + self._shorten(entry.backoff), index))
            entry.backoff = min(2 * entry.backoff, LONGEST_DELAY)
        else:
            self._answer(entry, Answer(entry.item, reply, concern(error, entry.item)))

    def end_stream(self, error: CallFailed | None, now: float) -> None:
        """Note that a stream ended; what it leaves unanswered is sent again, or all fails.

        Args:
            error: how it ended; None where it ended as streams do that have answered all.
            now: the time.
        """
        left = sorted(self._in_flight)
        self._in_flight.clear()
        for index in left:
            heapq.heappush(self._to_send, index)
        is_idle = error is not None and error.reason == IDLE
        if error is None:
            is_as_ever = not left and (bool(self._stream_answers) or self.is_stream_complete(now))
        else:
            is_as_ever = is_outage(error) and (not self._unanswered or (is_idle and bool(self._stream_answers)))
        self._stream_began = None
        if is_as_ever:
            self._resume_at = now
            return
        error = error or Unavailable(
            f"the server ended the stream before {len(left) or 'any'} of its items were answered",
            code="UNAVAILABLE",
            is_told=True,
        )
        self._break(error, left, now)

    def seconds_to_wait(self, now: float) -> float | None:
        """Return after how many seconds something is due without anything happening; None is never."""
        due = [self._delayed[0][0]] if self._delayed else []
        if self._to_send and self._stream_began is None:
            due.append(self._resume_at)
        if self._stream_began is not None:
            due.append(self._stream_began + STREAM_SECONDS)
            due.append(self._quiet_until(now))
            due.append(self._probe_at())
        later = [time - now for time in due if time > now]
        soonest = min(later, default=float("inf"))
        return None if soonest == float("inf") else soonest

    def _break(self, error: CallFailed, left: list[int], now: float) -> None:
        if not is_outage(error):
            self.fail(error)
            return
        was_probing, self._is_probing = self._is_probing, is_unclear(error)
        if self._is_probing and not was_probing:
            self._resume_at = now
            return
        # A server that says why it ends a stream has not been ended by an item.
        if left and not error.is_told and not self._is_probing:
            self._outage_began = now
            for index in left:
                self._suspect(index, error)
        began = self._outage_began = self._outage_began if self._outage_began is not None else now
        patience = self._longest_seconds() if error.reason in BUSY else self._reconnect_timeout
        time_left = began + patience - now
        if time_left <= 0:
            self.fail(error)
            return
        self._resume_at = now + min(self._shorten(self._backoff), time_left)
        self._backoff = min(2 * self._backoff, LONGEST_DELAY)

    def _suspect(self, index: int, error: CallFailed) -> None:
        """Note that a stream broke with an item in flight; the last of several makes it fail."""
        entry = self._unanswered[index]
        entry.breaks += 1
        self._suspects[index] = entry.breaks
        if entry.breaks >= MOST_BREAKS:
            self._to_send.remove(index)
            heapq.heapify(self._to_send)
            self._answer(entry, Answer(entry.item, error=concern(copy_of(error), entry.item)))

    def _most_in_flight(self, now: float) -> int:
        if self._is_probing:
            return int(now >= self._probe_at())
        return IN_FLIGHT_AFTER_BREAKS[max(self._suspects.values())] if self._suspects else WINDOW

    def _probe_at(self) -> float:
        """Return when a stream that is to show how it ends is sent its item."""
        if not self._is_probing or self._stream_began is None:
            return 0.0
        return self._stream_began + PROBE_SECONDS

    def _release(self, now: float) -> None:
        """Let what waited for a busy server be sent again."""
        while self._delayed and self._delayed[0][0] <= now:
            heapq.heappush(self._to_send, heapq.heappop(self._delayed)[1])

    def _note_answer(self, now: float) -> None:
        self._stream_answers += 1
        self._quiet_since, self._spared_until = now, None
        self._outage_began, self._backoff, self._is_probing = None, FIRST_DELAY, False

    def _answer(self, entry: Unanswered, answer: Answer) -> None:
        del self._unanswered[entry.item.index]
        self._suspects.pop(entry.item.index, None)
        self._unanswered_characters -= len(entry.item.text)
        self._keep(answer)

    def _hold(self, item: NumberedItem) -> None:
        self._held += 1
        self._held_characters += len(item.text)

    def _keep(self, answer: Answer) -> None:
        if self._ordered:
            self._ready[answer.item.index] = answer
        else:
            self._unordered.append(answer)

    def _longest_seconds(self) -> float:
        return self._seconds(max((len(entry.item.text) for entry in self._unanswered.values()), default=0))

    def _quiet_until(self, now: float) -> float:
        """Return when the server may have answered nothing for too long; never while there is no stream."""
        if self._stream_began is None or self._quiet_since is None or not self._unanswered:
            return float("inf")
        soonest = self._quiet_since + self._seconds(0)
        # The rest is looked at when it matters: this is asked for every answer.
        latest = soonest if now < soonest else self._quiet_since + self._longest_seconds()
        return latest if self._spared_until is None else max(latest, self._spared_until)

    def _shorten(self, seconds: float) -> float:
        return seconds * (1 + self._jitter()) / 2


def is_outage(error: CallFailed) -> bool:
    """Whether a stream that ended so may be followed by another: the server or the way to it is gone for a moment."""
    if isinstance(error, Unavailable | Cancelled) or error.reason == IDLE:
        return True
    return is_unclear(error)


def is_unclear(error: CallFailed) -> bool:
    """Whether gRPC itself calls this an internal error; the server's own have a reason."""
    return isinstance(error, InternalError) and not error.reason


def copy_of(error: CallFailed) -> CallFailed:
    """Return an equal error that may be about another item."""
    found = type(error)(error.message)
    found.__dict__.update(error.__dict__)
    return found
