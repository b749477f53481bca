"""From requests of HTTP to calls, and from answers to JSON."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from starlette.requests import Request
from starlette.responses import Response

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext, IncomingCall
from polygist_service.errors import InvalidRequest
from polygist_service.http.bodies import Body
from polygist_service.http.errors import JSON, HttpRefusal
from polygist_service.http.routes import path_of
from polygist_service.limits import Limits
from polygist_service.wire.json_messages import parse_message, to_json

ResultT = TypeVar("ResultT")
Read = Callable[[], Awaitable[Message]]

REQUEST_ID = "x-request-id"
TIMEOUT = "x-timeout-seconds"
# What a call is told of the headers of its request.
PASSED_ON = ("authorization", "user-agent")


class Dispatcher(Protocol):
    """Makes calls; `rpc.dispatch.Dispatcher` does. All raise CallFailed."""

    async def call(self, method: str, read: Read, incoming: IncomingCall) -> Any:
        """Make a call with one message, which is read once the caller may call, and one answer."""
        ...

    def stream(self, method: str, read: Read, incoming: IncomingCall) -> AsyncGenerator[Any, None]:
        """Make a call with one message and a stream of answers; to be closed."""
        ...

    def exchange(
        self, method: str, messages: AsyncIterator[Message], incoming: IncomingCall
    ) -> AsyncGenerator[Any, None]:
        """Make a call with a stream of messages and a stream of answers; to be closed."""
        ...


class Gateway:
    """Makes calls for requests of HTTP.

    Args:
        dispatcher: makes them.
        limits: on requests.
        pool: where JSON is read and written, off the event loop.
    """

    def __init__(self, dispatcher: Dispatcher, *, limits: Limits, pool: TextPool) -> None:
        self.limits = limits
        self._dispatcher = dispatcher
        self._pool = pool

    async def run(self, request: Request, function: Callable[[], ResultT]) -> ResultT:
        """Call a function off the event loop, in the turn of the caller."""
        return await self._pool.call(CallContext(caller=peer_of(request)), function)

    async def read_body(self, request: Request) -> bytes:
        """Return the body of a request; raises HttpRefusal, see `Body`."""
        return await self.body_of(request).read()

    def body_of(self, request: Request) -> Body:
        """Return the body of a request, which is not longer than a message may be."""
        return Body(request, self.limits.message_bytes)

    async def call(self, request: Request, method: MethodDescriptor, message: Message) -> Any:
        """Make a call with a message that is there; raises CallFailed, and HttpRefusal for what headers say."""

        async def read() -> Message:
            return message

        return await self._dispatcher.call(path_of(method), read, incoming_of(request))

    def stream(self, request: Request, method: MethodDescriptor, message: Message) -> AsyncGenerator[Any, None]:
        """Make a call with a message that is there, and yield the answers; see `call`. To be closed."""

        async def read() -> Message:
            return message

        return self._dispatcher.stream(path_of(method), read, incoming_of(request))

    async def answer(self, request: Request, method: MethodDescriptor) -> Response:
        """Answer a request of one message with one message."""
        body, incoming = self.body_of(request), incoming_of(request)
        async with body.watched():
            read = partial(self._read_message, request, body, method)
            message = await self._dispatcher.call(path_of(method), read, incoming)
            content = await self.run(request, partial(to_json, message))
        return Response(content, headers=incoming.trailer, media_type=JSON)

    async def _read_message(self, request: Request, body: Body, method: MethodDescriptor) -> Message:
        """Read the message of a request; raises HttpRefusal and InvalidRequest."""
        check_json(request)
        content = await body.read()
        kind = GetMessageClass(method.input_type)
        return await self.run(request, partial(parse_message, content, kind, self.limits))


def check_json(request: Request) -> None:
    """Raise HttpRefusal where a request does not say that its body is JSON: no form of a page elsewhere can say so."""
    given = request.headers.get("content-type", "")
    kind, _, rest = given.partition(";")
    charset = rest.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != JSON or charset not in ("", "utf-8", "utf8"):
        raise HttpRefusal(
            415, "INVALID_ARGUMENT", "CONTENT_TYPE_UNSUPPORTED",
            f"Content-Type is {given[:80]!r}; send JSON in UTF-8 as application/json" if given
            else "Content-Type is missing; send JSON in UTF-8 as application/json",
            headers={"accept": JSON},
        )  # fmt: skip


def peer_of(request: Request) -> str:
    """Return who calls, as gRPC writes it."""
    if request.client is None:
        return "unix:"
    host, port = request.client
    return f"ipv6:%5B{host}%5D:{port}" if ":" in host else f"ipv4:{host}:{port}"


def incoming_of(request: Request) -> IncomingCall:
    """Return what a request brings with its call; raises HttpRefusal where its deadline is none."""
    headers = request.headers
    passed = [(name, headers[name]) for name in PASSED_ON if name in headers]
    request_id = (REQUEST_ID, request.state.request_id)
    return IncomingCall(metadata=(request_id, *passed), peer=peer_of(request), seconds=read_timeout(request))


def read_timeout(request: Request) -> float | None:
    """Return the seconds of the deadline header; None without one."""
    given = request.headers.get(TIMEOUT)
    if given is None:
        return None
    try:
        seconds = float(given)
        if not (math.isfinite(seconds) and seconds > 0):
            raise ValueError
    except ValueError:
        raise HttpRefusal(
            400, "INVALID_ARGUMENT", InvalidRequest.reason,
            f"{TIMEOUT} is {given[:40]!r}; give seconds, such as 2.5", metadata={"field": TIMEOUT},
        ) from None  # fmt: skip
    return seconds
