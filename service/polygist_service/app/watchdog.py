"""Ends a process whose batches, slots or event loop stand still, so that a supervisor starts another."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from polygist_service.engine.slots import SlotState

log = structlog.get_logger(__name__)

# Exit code of a process that stood still, whatever else ended it.
STALLED = 70
# What may stand still.
CAUSES = EVENT_LOOP, DEAD_SLOT, ALL_SLOTS, LOST_SLOT = "event_loop", "dead_slot", "all_slots", "lost_slot"
# A batch is overdue after so many times what it was predicted to take at most.
OVERDUE = 3
# A slot is lost, and no longer only overdue, after so many times that.
LOST = 10
# Looks within the time after which something stands still.
LOOKS = 20
LONGEST_INTERVAL = 0.25


@dataclass
class Sign:
    """A sign of life, and for how many seconds it has been the same."""

    seen: object = None
    seconds: float = 0.0

    def look(self, seen: object, elapsed: float) -> float:
        """Take another look after `elapsed` seconds; returns for how long there has been no change."""
        self.seconds = self.seconds + elapsed if seen is self.seen else 0.0
        self.seen = seen
        return self.seconds


@dataclass
class StallDetector:
    """Tell what stands still. Pure logic: no threads, no clock, no lock.

    A batch is overdue once it takes longer than `least`, and `OVERDUE` times longer than predicted. Where all slots are
    overdue, nothing moves any more. One of them may be an odd batch: that slot is given up `LOST` times later.

    Args:
        slots: tells what each slot does now.
        beat: returns another object whenever the event loop has turned.
        least: seconds that anything may always take.
        longest: seconds after which nobody waits for a batch any more.
    """

    slots: Callable[[], Sequence[SlotState]]
    beat: Callable[[], object]
    least: float
    longest: float
    _beat: Sign = field(default_factory=Sign)
    _batches: dict[str, Sign] = field(default_factory=dict)

    def look(self, elapsed: float) -> str:
        """Take another look after `elapsed` seconds; returns which of `CAUSES` there is, or nothing."""
        if self._beat.look(self.beat(), elapsed) > self.least:
            return EVENT_LOOP
        slots = self.slots()
        if any(slot.is_dead for slot in slots):
            return DEAD_SLOT
        overdue, has_lost = 0, False
        for slot in slots:
            seconds = self._batches.setdefault(slot.name, Sign()).look(slot.batch, elapsed)
            if slot.batch is None:
                continue
            limit = max(self.least, min(self.longest, OVERDUE * slot.batch.predicted))
            overdue += seconds > limit
            has_lost |= seconds > max(limit, min(self.longest, LOST * limit))
        if slots and overdue == len(slots):
            return ALL_SLOTS
        return LOST_SLOT if has_lost else ""


class Health(Protocol):
    """Reports NOT_SERVING; see `health.Health`."""

    def stall(self, is_stalled: bool) -> None:
        """Report that everything stands still, or moves again; called on the watchdog's thread."""
        ...


class Watchdog:
    """A thread that reports a process that stands still as NOT_SERVING, and ends it where that lasts.

    It takes no lock that anything else holds for long, and asks nothing of the event loop. Its time is that of its own
    looks, so that a process that was stopped itself, or starved, is not taken for one that hangs. What holds Python's
    interpreter lock holds this thread too; then no health check is answered either.

    Args:
        detector: tells what stands still.
        interval: seconds between two looks.
        grace: seconds between NOT_SERVING and the end.
        health: is told at once.
        count: is told of the cause of each stall, to be counted.
        leave: ends the process with an exit code.
    """

    def __init__(
        self,
        detector: StallDetector,
        *,
        interval: float,
        grace: float,
        health: Health,
        count: Callable[[str], None],
        leave: Callable[[int], None],
    ) -> None:
        self._detector = detector
        self._interval = interval
        self._grace = grace
        self._health = health
        self._count = count
        self._leave = leave
        self._stalled = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self.cause = ""

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def look(self, elapsed: float) -> None:
        """Take another look after `elapsed` seconds, and act on what there is to see."""
        before, self.cause = self.cause, self._detector.look(elapsed)
        if self.cause and not before:
            self._stalled = 0.0
            self._count(self.cause)
            self._health.stall(True)
            log.critical("stalled", cause=self.cause, exit_in=self._grace)
        elif self.cause:
            self._stalled += elapsed
            if self._stalled >= self._grace:
                log.critical("stalled_for_good", cause=self.cause, exit_code=STALLED)
                self._leave(STALLED)
        elif before:
            self._health.stall(False)
            log.warning("moves_again", cause=before, seconds=round(self._stalled, 1))

    def _watch(self) -> None:
        last = time.monotonic()
        while not self._stopped.wait(self._interval):
            now = time.monotonic()
            self.look(min(now - last, 2 * self._interval))
            last = now


class Heartbeat:
    """Turns with the event loop: `beat` is another object whenever it has.

    Args:
        interval: seconds between two beats.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._beat = object()
        self._turn()

    def beat(self) -> object:
        """Return the last beat; waits for nothing."""
        return self._beat

    def _turn(self) -> None:
        # failpoint: lifecycle.beat
        self._beat = object()
        self._loop.call_later(self._interval, self._turn)
