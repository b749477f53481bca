"""What a server reads before it listens, off the event loop: a disk that does not answer is told of, and holds nothing.

Until all is read no port is open, so whoever probes it is told the truth. The log tells what is read for long, and a
stop signal ends the process all the same.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import structlog

ServerT = TypeVar("ServerT")

log = structlog.get_logger(__name__)

HINT = "no port is open before it is read; if its disk or share does not answer, mend that: the start goes on by itself"


class Start:
    """What a start is at.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: tuple[str, str, float] | None = None

    def read(self, what: str, path: Path | None) -> None:
        """Note what is read from now on, on any thread; None is nothing."""
        if path is None:
            return
        self._at = (what, str(path), self._clock())
        # failpoint: lifecycle.reading

    def tell(self) -> None:
        """Log what is read, and since when."""
        if at := self._at:
            what, path, began = at
            log.warning("still_reading", what=what, path=path, for_seconds=round(self._clock() - began, 1), hint=HINT)


async def start_off_loop(build: Callable[[Start], ServerT], *, interval: float) -> ServerT:
    """Return what `build` does, which is called on another thread; what it reads for long is told every so often.

    Args:
        build: tells what it reads.
        interval: seconds between two lines.
    """
    start = Start()
    building = asyncio.ensure_future(asyncio.to_thread(build, start))
    while not building.done():
        await asyncio.wait([building], timeout=interval)
        if not building.done():
            start.tell()
    return await building
