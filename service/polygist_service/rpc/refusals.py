"""The lines of the log that tell of refused calls: one at once, and how many more there were."""

import asyncio
from collections.abc import Mapping
from typing import TypeAlias

import structlog

log = structlog.get_logger("polygist_service.calls")

# What is refused over and over is told so often.
TELL_SECONDS = 1.0
# What refused calls have in common that are told of together: such as their method, their reason and their key.
Kind: TypeAlias = tuple[tuple[str, str], ...]


class RefusalLog:
    """Tells of the first refused call of a kind, and once a second how many more there were.

    A server that has more calls than it can answer refuses hundreds in a second, and a line costs as much of the event
    loop as all else of a refusal. Metrics count each.

    Lives on the event loop.
    """

    def __init__(self) -> None:
        self._more: dict[Kind, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    def is_first(self, kind: Mapping[str, str]) -> bool:
        """Count a refused call; return whether it is to have a line of its own, as the first of its kind lately."""
        key = tuple(kind.items())
        if key in self._more:
            self._more[key] += 1
            return False
        self._more[key] = 0
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TELL_SECONDS, self.tell)
        return True

    def tell(self) -> None:
        """Log how many more calls of each kind were refused since the first one; the next one is a first one again."""
        if self._timer:
            self._timer.cancel()
        self._timer = None
        counted, self._more = self._more, {}
        for kind, calls in counted.items():
            if calls:
                log.info("calls_refused", **dict(kind), calls=calls)
