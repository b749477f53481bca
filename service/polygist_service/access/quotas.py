"""How much of a quota is used, on a clock that is given. Stdlib only.

What was taken is counted by the second in which it was: a second counts until all of it is 60 seconds ago. So no 60
seconds ever have more than the quota, and who asks without end gets 60 of 61 parts of it.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from polygist_service.access.keys import Quota
from polygist_service.errors import QuotaExceeded

WINDOW_SECONDS = 60


class Demand(NamedTuple):
    """What a call asks for.

    Attributes:
        characters: code points of its texts, or bytes of its file.
        seconds: what it is expected to take of the slots.
    """

    characters: int = 0
    seconds: float = 0.0


class SlidingWindow:
    """What was taken in the last 60 seconds. It holds 61 numbers at most."""

    def __init__(self) -> None:
        self.total = 0
        self._taken: deque[tuple[int, int]] = deque()

    def add(self, amount: int, now: float) -> None:
        """Count what is taken now."""
        second = int(now)
        if self._taken and self._taken[-1][0] >= second:  # a clock that went back changes nothing
            second, before = self._taken.pop()
            amount, self.total = amount + before, self.total - before
        self._taken.append((second, amount))
        self.total += amount

    def forget(self, now: float) -> None:
        """Count no more what was taken longer ago."""
        while self._taken and self._taken[0][0] + 1 + WINDOW_SECONDS <= now:
            self.total -= self._taken.popleft()[1]

    def seconds_until(self, room: int, most: int, now: float) -> float:
        """Return in how many seconds there is room for so much of `most`, which is not less."""
        total = self.total
        for second, amount in self._taken:
            total -= amount
            if total + room <= most:
                return max(0.0, second + 1 + WINDOW_SECONDS - now)
        return 0.0


class Account:
    """What the calls of one key have taken, whatever its quota is.

    Args:
        clock: tells the time, in seconds; need not be that of day.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._requests = SlidingWindow()
        self._characters = SlidingWindow()
        self._calls = 0
        self._seconds = 0.0

    def find_refusal(self, quota: Quota, demand: Demand, *, name: str) -> QuotaExceeded | None:
        """Return why a call has to be refused now; None where it is not. `name` is that of the key."""
        now = self._clock()
        windows = (
            ("requests", self._requests, 1, quota.requests_per_minute),
            ("characters", self._characters, demand.characters, quota.characters_per_minute),
        )
        for what, window, amount, most in windows:
            window.forget(now)
            if most is None or window.total + amount <= most:
                continue
            if amount > most:
                return QuotaExceeded(
                    f"the call has {amount} {what}, and the API key {name!r} may take {most} a minute; send less at"
                    " once, or ask the operator for more",
                    quota=f"{what}_per_minute",
                )
            later = window.seconds_until(amount, most, now)
            return QuotaExceeded(
                f"the API key {name!r} may take {most} {what} a minute and has taken {window.total}; try again in"
                f" {later:.0f} s",
                quota=f"{what}_per_minute",
                retry_after=later,
            )
        most_seconds = quota.concurrent_seconds
        # One that alone is expected to take more has its turn while no other runs: expectations may be wrong.
        if most_seconds is not None and self._calls and self._seconds + demand.seconds > most_seconds:
            return QuotaExceeded(
                f"the calls of the API key {name!r} that are being answered take about {self._seconds:.2g} s of the"
                f" engine, this one {demand.seconds:.2g} s, and {most_seconds:g} s is the most at a time; wait for"
                " answers before you ask for more",
                quota="concurrent_seconds",
                retry_after=max(0.1, min(self._seconds, self._seconds + demand.seconds - most_seconds)),
            )
        return None

    def begin(self, demand: Demand) -> None:
        """Count a call that is taken on; `end` has to follow."""
        now = self._clock()
        self._requests.add(1, now)
        self._characters.add(demand.characters, now)
        self._calls += 1
        self._seconds += demand.seconds

    def end(self, demand: Demand) -> None:
        """Count a call no more among those that are being answered."""
        self._calls -= 1
        self._seconds = max(0.0, self._seconds - demand.seconds) if self._calls else 0.0
