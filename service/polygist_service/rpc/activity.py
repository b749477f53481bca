"""How many calls are in flight, and whether new ones are still taken."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from polygist_service.errors import ServerDraining


class Activity:
    """Counts the calls of the product's own services; health and reflection are not counted."""

    def __init__(self) -> None:
        self.active = 0
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count one call while it runs; raises ServerDraining once draining has begun."""
        if self._draining:
            raise ServerDraining("the server is shutting down; another replica may answer")
        self.active += 1
        self._idle.clear()
        try:
            yield
        finally:
            self.active -= 1
            if not self.active:
                self._idle.set()

    async def drain(self, grace: float) -> bool:
        """Refuse new calls and wait for those in flight; False where `grace` seconds were not enough."""
        self._draining = True
        try:
            async with asyncio.timeout(grace):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
