"""The calls of a replica: those that a proxy has passed on, made within the process."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from polygist_service.app.servicers import add_services, make_interceptor
from polygist_service.app.services import Services
from polygist_service.concurrency import in_groups
from polygist_service.context import IncomingCall
from polygist_service.errors import RequestTooLarge
from polygist_service.ray.relaying import SECONDS_LEFT, Ending, Group, path_of
from polygist_service.rpc.dispatch import Dispatcher, HandlerTable
from polygist_service.rpc.receiving import Refused, decoder
from polygist_service.wire.failures import CallFailed

# Answers of a stream both ways are gathered for so long.
GROUP_SECONDS = 0.005


class RayContext(Protocol):
    """What is asked of Ray's context of a call."""

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        """What came with the call."""
        ...

    def peer(self) -> str:
        """Who calls, as gRPC writes it."""
        ...


class ReplicaCalls:
    """Makes the calls that a proxy has passed on, each as a server of gRPC would.

    Args:
        services: what answers.
    """

    def __init__(self, services: Services) -> None:
        table = HandlerTable()
        add_services(table, services, services.in_flight)
        interceptor = make_interceptor(services.in_flight, services, services.metrics)
        self._dispatcher = Dispatcher(interceptor, table)
        self._limits = services.limits
        self._decoders = {
            path: decoder(handler.request_deserializer, services.limits) for path, handler in table.handlers.items()
        }

    async def call(self, method: MethodDescriptor, content: bytes, context: RayContext) -> Ending:
        """Make a call with one message and one answer."""
        path, incoming = path_of(method), incoming_of(context)
        try:
            answer: Message = await self._dispatcher.call(path, self._reader(path, content), incoming)
        except CallFailed as failure:
            return ending_of(failure)
        return Ending(answer.SerializeToString(), trailer=tuple(incoming.trailer.items()))

    async def stream(
        self, method: MethodDescriptor, content: bytes, context: RayContext
    ) -> AsyncGenerator[Message | Ending, None]:
        """Make a call with one message and a stream of answers."""
        path, incoming = path_of(method), incoming_of(context)
        replies = self._dispatcher.stream(path, self._reader(path, content), incoming)
        async with aclosing(end_stream(replies, incoming)) as ended:
            async for reply in ended:
                yield reply

    async def exchange(
        self, method: MethodDescriptor, groups: AsyncIterator[bytes], context: RayContext
    ) -> AsyncGenerator[Group, None]:
        """Make a call with a stream of messages and a stream of answers, both in groups."""
        path, incoming = path_of(method), incoming_of(context)

        async def messages() -> AsyncIterator[Any]:
            async for group in groups:
                for content in Group.parse(group).messages:
                    yield self._decode(path, content)

        replies = end_stream(self._dispatcher.exchange(path, messages(), incoming), incoming)
        async with aclosing(in_groups(replies, seconds=GROUP_SECONDS)) as grouped:
            async for group in grouped:
                yield Group([each.SerializeToString() for each in group])

    def _reader(self, path: str, content: bytes) -> Callable[[], Awaitable[Any]]:
        async def read() -> Any:
            return self._decode(path, content)

        return read

    def _decode(self, path: str, content: bytes) -> Any:
        """Return a message, or what it is refused with."""
        most = self._limits.message_bytes
        if len(content) > most:
            message = f"is {len(content)} bytes long, and {most} are the most; send less at once"
            return Refused(RequestTooLarge("request", message, requested=len(content), limit=most))
        return self._decoders[path](content)


async def end_stream(
    replies: AsyncGenerator[Message, None], incoming: IncomingCall
) -> AsyncGenerator[Message | Ending, None]:
    """Yield the answers of a call, then how it has ended."""
    async with aclosing(replies):
        try:
            async for reply in replies:
                yield reply
        except CallFailed as failure:
            yield ending_of(failure)
            return
    yield Ending(trailer=tuple(incoming.trailer.items()))


def ending_of(failure: CallFailed) -> Ending:
    """Return how a call has ended that failed."""
    return Ending(code=failure.code, message=failure.message, trailer=failure.trailer)


def incoming_of(context: RayContext) -> IncomingCall:
    """Return what came with a call, the time that is left among it."""
    metadata = dict(context.invocation_metadata())
    left = metadata.get(SECONDS_LEFT)
    return IncomingCall(
        metadata=[(name, value) for name, value in context.invocation_metadata() if name != SECONDS_LEFT],
        peer=context.peer(),
        seconds=None if left is None else float(left),
        has_come=lambda: True,
    )
