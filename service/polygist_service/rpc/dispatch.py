"""Calls made within this process: the servicers that gRPC serves, with all that surrounds a call, and no socket."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

import grpc
from google.protobuf.message import Message
from google.rpc import status_pb2

from polygist_service.context import IncomingCall
from polygist_service.errors import PolygistError
from polygist_service.rpc.interceptors import CallInterceptor, refusing
from polygist_service.rpc.receiving import Refused, as_it_came, decoded
from polygist_service.wire.failures import CallFailed
from polygist_service.wire.translation import RefusedItem

# The types of gRPC's handlers are those of blocking servers.
Handler: TypeAlias = Any
Read = Callable[[], Awaitable[Message]]
STATUS_DETAILS = "grpc-status-details-bin"


class HandlerTable:
    """Stands where the generated functions add servicers to a server, and keeps the handlers of their methods."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Take nothing: these are the same handlers, in a form for lookups by gRPC."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """Keep the handlers of a service by the full path of each method."""
        self.handlers.update({f"/{service}/{name}": handler for name, handler in handlers.items()})


@dataclass(frozen=True, slots=True)
class CallDetails(grpc.HandlerCallDetails):
    """What the interceptor asks for before a message is read."""

    method: str
    invocation_metadata: tuple[tuple[str, str | bytes], ...]


class LocalContext:
    """What handlers know of gRPC's context, for a call within the process.

    Args:
        incoming: what came with the call.
        read: reads its message, where it has one only.
        replies: where messages of a stream go; each waits until the one before has been taken.
    """

    def __init__(
        self, incoming: IncomingCall, read: Read | None = None, replies: "asyncio.Queue[Any] | None" = None
    ) -> None:
        self._incoming = incoming
        self._read = read
        self._replies = replies
        self._code: grpc.StatusCode | None = None
        now = asyncio.get_running_loop().time()
        self._deadline = None if incoming.seconds is None else now + incoming.seconds

    def invocation_metadata(self) -> Sequence[tuple[str, str]]:
        """What came with the call."""
        return self._incoming.metadata

    def peer(self) -> str:
        """Who calls."""
        return self._incoming.peer

    def time_remaining(self) -> float | None:
        """How many seconds are left; None without a deadline."""
        return None if self._deadline is None else max(0.0, self._deadline - asyncio.get_running_loop().time())

    def code(self) -> grpc.StatusCode | None:
        """The status that the call was aborted with."""
        return self._code

    def set_trailing_metadata(self, trailer: Sequence[tuple[str, str | bytes]]) -> None:
        """Keep what goes back with the answer."""
        self._incoming.trailer = {name: value for name, value in trailer if isinstance(value, str)}

    async def read(self) -> Message:
        """Return the message of a request that has one."""
        assert self._read is not None
        return await self._read()

    def has_come(self) -> bool:
        """Whether all of that message is there, and only to be decoded."""
        return self._incoming.has_come()

    async def write(self, message: Message) -> None:
        """Give a message of a stream out, and wait until it has been taken."""
        assert self._replies is not None
        await self._replies.put(message)
        await self._replies.join()

    async def abort(
        self, code: grpc.StatusCode, message: str, *, trailing_metadata: Sequence[tuple[str, str | bytes]] = ()
    ) -> NoReturn:
        """End the call; raises CallFailed."""
        self._code = code
        details = dict(trailing_metadata).get(STATUS_DETAILS, b"")
        status = status_pb2.Status(code=code.value[0], message=message)
        status.MergeFromString(details if isinstance(details, bytes) else b"")
        raise CallFailed(code.name, status, trailing_metadata)


class Dispatcher:
    """Calls methods of servicers within this process.

    Args:
        interceptor: surrounds each call, as it does on gRPC's server.
        table: the handlers of all methods.
    """

    def __init__(self, interceptor: CallInterceptor, table: HandlerTable) -> None:
        self._interceptor = interceptor
        self._handlers = table.handlers

    async def receive(self, read: Callable[[], Awaitable[Any]], incoming: IncomingCall) -> Any:
        """Return what `read` does, in the turn of its caller: what has to be read before it is known what is called.

        Raises CallFailed, also in place of a PolygistError.
        """
        context: Any = LocalContext(incoming, read)  # as gRPC's, as far as it is used
        async with refusing(context):
            return decoded(await self._interceptor.receive(context, as_it_came, is_own=True))

    async def call(self, method: str, read: Read, incoming: IncomingCall) -> Any:
        """Make a call with one message and one answer.

        Args:
            method: full path, such as ``/polygist.v1.TranslationService/Translate``.
            read: reads the message, once the caller may call; a PolygistError of it ends the call as its own do.
            incoming: what comes with the call.

        Raises:
            CallFailed: it ended with an error.
        """
        handler, context = await self._find(method, incoming), LocalContext(incoming, read)
        if handler.stream_unary is None:  # stands for that of a call that is refused
            await handler.stream_stream(None, context)
        return await handler.stream_unary(None, context)

    async def stream(self, method: str, read: Read, incoming: IncomingCall) -> AsyncGenerator[Any, None]:
        """Make a call with one message and a stream of answers; see `call`. To be closed."""
        replies: asyncio.Queue[Any] = asyncio.Queue()

        async def work() -> None:
            handler = await self._find(method, incoming)
            await handler.stream_stream(None, LocalContext(incoming, read, replies))

        async with aclosing(relay(work, replies)) as relayed:
            async for reply in relayed:
                yield reply

    async def exchange(
        self, method: str, messages: AsyncIterator[Message | RefusedItem], incoming: IncomingCall
    ) -> AsyncGenerator[Any, None]:
        """Make a call with a stream of messages and a stream of answers; see `call`. To be closed."""
        replies: asyncio.Queue[Any] = asyncio.Queue()

        async def work() -> None:
            handler = await self._find(method, incoming)
            await handler.stream_stream(receive_each(messages), LocalContext(incoming, replies=replies))

        async with aclosing(relay(work, replies)) as relayed:
            async for reply in relayed:
                yield reply

    async def _find(self, method: str, incoming: IncomingCall) -> Handler:
        """Return the handler of a method for a caller, with all that surrounds a call."""

        async def look_up(details: grpc.HandlerCallDetails) -> Handler:
            return self._handlers[details.method]

        return await self._interceptor.intercept_service(look_up, CallDetails(method, tuple(incoming.metadata)))


async def relay(work: Callable[[], Awaitable[None]], replies: "asyncio.Queue[Any]") -> AsyncGenerator[Any, None]:
    """Yield what `work` puts into a queue while it runs, then raise what it raised; closed, it is cancelled."""
    end = object()
    # One task from the look-up on: what is known of the caller by then belongs to its context.
    task = asyncio.ensure_future(work())
    task.add_done_callback(lambda _: replies.put_nowait(end))
    try:
        while (reply := await replies.get()) is not end:
            yield reply
            replies.task_done()
        await task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task


async def receive_each(
    messages: AsyncIterator[Message | RefusedItem],
) -> AsyncIterator[Message | RefusedItem | Refused]:
    """Yield the messages of a call, and what refuses one in its place."""
    try:
        async for message in messages:
            yield message
    except PolygistError as error:
        yield Refused(error)
