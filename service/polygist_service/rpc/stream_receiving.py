"""The messages of streams: how many are inflated at a time, and how many bytes of them wait to be worked on.

A stream asks for its next message long before it comes, and gRPC tells of none before all of it is there. So a message
has no turn while it comes, as the only one of a call has (`receiving`): an idle stream would keep it. It comes as its
caller has sent it, takes a turn only to be inflated, and is held until its stream asks for the next one, which is once
its item is in work, and counted there. Where too much is held, no more is inflated, but for who holds none; and what
comes all the same, and uncompressed, is refused.

Lives on the event loop.
"""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from google.protobuf.message import Message

from polygist_service.errors import PolygistError, ServerOverloaded
from polygist_service.limits import Limits
from polygist_service.rpc.inflation import Inflation
from polygist_service.rpc.receiving import RETRY_SECONDS, Receiving, Refused

# Past so many times what may be held before nothing more is inflated, a message that comes is refused.
OVERFULL = 3


class StreamReceiving:
    """The messages of all streams.

    Args:
        limits: as many are inflated at a time as requests are received, and as much is held as those take at most.
    """

    def __init__(self, limits: Limits) -> None:
        self._message_bytes = limits.message_bytes
        self._most = limits.receiving * limits.message_bytes
        self._bytes = 0
        self._waiting: Counter[str] = Counter()  # messages that are decoded, by their callers
        self._turns = Receiving(limits.receiving, patience=None, has_room=self._has_room)

    async def receive_each(
        self, caller: str, messages: AsyncIterator[Any], decode: Callable[[Any], Any]
    ) -> AsyncGenerator[Any, None]:
        """Yield the messages of a stream as they were decoded, or why one is not, which is the last one.

        Args:
            caller: whose stream it is.
            messages: as they came.
            decode: returns what bytes are decoded to, or why they are not.
        """
        async for message in messages:
            with ExitStack() as held:
                try:
                    message = decode(await self._inflate(message, caller, held))
                except PolygistError as error:
                    message = Refused(error.with_traceback(None))
                yield message

    async def _inflate(self, message: Any, caller: str, held: ExitStack) -> Any:
        """Return a message as it is decoded, and hold its bytes until a stack is closed."""
        self._hold(held, size_of(message))
        inflation = Inflation(message, self._message_bytes)
        if not inflation.begin():
            await self._turns.receive(caller, inflation.finish)
        content = inflation.take()
        if inflation.is_packed:
            self._hold(held, size_of(content))
        held.enter_context(self._waits(caller))
        return content

    def _has_room(self, caller: str) -> bool:
        return self._bytes < self._most or not self._waiting[caller]

    def _hold(self, held: ExitStack, size: int) -> None:
        """Count so many bytes until the stack is closed; raises ServerOverloaded where they are too many."""
        if size and self._bytes + size > OVERFULL * self._most:
            message = f"messages of streams that wait to be worked on take {self._bytes / 1e6:.0f} MB of memory"
            raise ServerOverloaded(
                f"{message}; send this one again in {RETRY_SECONDS:g} s, in a stream of its own, or to another replica",
                cause="memory",
                retry_after=RETRY_SECONDS,
            )
        self._bytes += size
        held.callback(self._release, size)

    def _release(self, size: int) -> None:
        self._bytes -= size
        self._turns.give_turns()

    @contextmanager
    def _waits(self, caller: str) -> Iterator[None]:
        """Count a message as one of a caller that waits to be worked on."""
        self._waiting[caller] += 1
        try:
            yield
        finally:
            self._waiting[caller] -= 1
            if not self._waiting[caller]:
                del self._waiting[caller]


def size_of(message: Any) -> int:
    """Return how many bytes a message has; 0 of what refuses one."""
    return len(message) if isinstance(message, bytes) else message.ByteSize() if isinstance(message, Message) else 0
