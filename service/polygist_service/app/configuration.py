"""What a server reads again while it serves: by SIGHUP, and by a call of an administrator."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from polygist_service.errors import PolygistError

log = structlog.get_logger(__name__)

Changed = bool | tuple[str, ...]


class Configuration:
    """Parts that are read again one by one: one that is wrong stays as it was, with a line of the log; others go on.

    Args:
        parts: reads each again, and returns whether, or which of its names, have changed.
    """

    def __init__(self, parts: Mapping[str, Callable[[], Awaitable[Changed]]]) -> None:
        self._parts = parts
        self._turn = asyncio.Lock()

    async def reload(self) -> tuple[Mapping[str, Changed], Sequence[Exception]]:
        """Read all parts again, one caller after the other; returns what has changed of each, and what was wrong."""
        changed: dict[str, Changed] = {}
        failures: list[Exception] = []
        async with self._turn:
            for name, read in self._parts.items():
                try:
                    # failpoint: lifecycle.reload
                    changed[name] = await read()
                except Exception as error:
                    is_expected = isinstance(error, PolygistError | OSError)
                    log.error("not_reloaded", what=name, reason=str(error), exc_info=not is_expected)
                    failures.append(error)
                else:
                    log.info("reloaded", what=name, changed=changed[name])
        return changed, failures
