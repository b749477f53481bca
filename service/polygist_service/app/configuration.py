"""What a server reads again while it serves: by SIGHUP, and by a call of an administrator."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from polygist_service.errors import PolygistError

log = structlog.get_logger(__name__)

Changed = bool | tuple[str, ...]
# A folder over the network whose server is gone keeps who reads it for ever. Files are read in less than a second.
LONGEST_SECONDS = 10.0


class Part:
    """One of the things that are read again, by one caller after the other.

    Args:
        name: what the log calls it.
        read: reads it, and returns whether, or which of its names, have changed.
        seconds: that whoever asks for it waits at most; what reads it goes on, and nobody else reads it meanwhile.
    """

    def __init__(self, name: str, read: Callable[[], Awaitable[Changed]], seconds: float = LONGEST_SECONDS) -> None:
        self.name = name
        self._read = read
        self._seconds = seconds
        self._turn = asyncio.Lock()

    async def reload(self) -> Changed | Exception:
        """Read it again; returns what has changed, or what was wrong: then it stays as it was, and the log tells."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._turn.acquire()
        except TimeoutError:
            return self._give_up()
        reading = asyncio.ensure_future(self._read_once())
        reading.add_done_callback(lambda _: self._turn.release())
        done, _ = await asyncio.wait([reading], timeout=self._seconds)
        return reading.result() if done else self._give_up()

    async def _read_once(self) -> Changed | Exception:
        try:
            # failpoint: lifecycle.reload
            changed = await self._read()
        except Exception as error:
            is_expected = isinstance(error, PolygistError | OSError)
            log.error("not_reloaded", what=self.name, reason=str(error), exc_info=not is_expected)
            return error
        log.info("reloaded", what=self.name, changed=changed)
        return changed

    def _give_up(self) -> Exception:
        late = TimeoutError(
            f"{self.name}: not read after {self._seconds:g} s; see whether the disk they are on answers"
        )
        log.error("not_reloaded", what=self.name, reason=str(late))
        return late


class Configuration:
    """Parts that are read again at the same time: one that is wrong, or hangs, hinders no other.

    Args:
        parts: what is read.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts

    async def reload(self) -> tuple[Mapping[str, Changed], Sequence[Exception]]:
        """Read all parts again; returns what has changed of each, and what was wrong."""
        results = await asyncio.gather(*(part.reload() for part in self._parts))
        changed = {
            part.name: result
            for part, result in zip(self._parts, results, strict=True)
            if not isinstance(result, Exception)
        }
        return changed, [result for result in results if isinstance(result, Exception)]
