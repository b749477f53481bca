"""Callers of a real server: how many of their calls were answered, and what became of the others."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable

from polygist_client import AsyncClient, CallFailed, Client

TEXT = "Der alte Markt."
ANSWERED = "answered"
# The longest that a server lets a call take.
PATIENCE = 600


async def send_at_once(client: AsyncClient, count: int) -> Counter[str]:
    """Make so many calls at the same time."""

    async def send() -> str:
        try:
            await client.translate(TEXT, to="en", source="de", timeout=PATIENCE)
        except CallFailed as error:
            return f"{type(error).__name__}: {error}"
        return ANSWERED

    return Counter(await asyncio.gather(*(send() for _ in range(count))))


def send_from_threads(client: Client, threads: int, calls: int) -> Counter[str]:
    """Let so many threads make so many calls each, one after the other, all beginning together."""
    seen: Counter[str] = Counter()
    lock, together = threading.Lock(), threading.Barrier(threads)

    def send() -> None:
        together.wait(timeout=60)
        for _ in range(calls):
            try:
                client.translate(TEXT, to="en", source="de", timeout=PATIENCE)
                outcome = ANSWERED
            except CallFailed as error:
                outcome = f"{type(error).__name__}: {error}"
            with lock:
                seen[outcome] += 1

    workers = [threading.Thread(target=send) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return seen


class Load:
    """Threads that call one after the other until they are told to stop; a context manager that does.

    Args:
        client: makes the calls.
        threads: how many at the same time.

    Attributes:
        seen: what became of the calls so far.
    """

    def __init__(self, client: Client, threads: int) -> None:
        self.seen: Counter[str] = Counter()
        self._client = client
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_until(self, holds: Callable[[Counter[str]], bool]) -> None:
        """Wait until something holds of what was seen; raises AssertionError where it does not within a minute."""
        for _ in range(600):
            with self._lock:
                if holds(self.seen):
                    return
            self._stop.wait(0.1)
        raise AssertionError(self.seen)

    def ask(self) -> str:
        """Make a call; what became of it."""
        try:
            self._client.translate(TEXT, to="en", source="de", timeout=60)
        except CallFailed as error:
            return f"{type(error).__name__}: {error}"
        return ANSWERED

    def _send(self) -> None:
        while not self._stop.is_set():
            outcome = self.ask()
            with self._lock:
                self.seen[outcome] += 1
