"""Around every call: request id, draining, deadline, error status, and one log line without text."""

import asyncio
import inspect
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast

import grpc
import structlog
from google.protobuf.message import DecodeError

from polygist_service.errors import InvalidRequest, ServerDraining
from polygist_service.rpc.call import Context
from polygist_service.rpc.status import describe


class InFlightCalls:
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


Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
STATUS_NAMES = {status.value[0]: status.name for status in grpc.StatusCode}


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its service's full name, its own, and how it streams (``unary``, ``server_stream``…)."""

    service: str
    name: str
    kind: str


class CallObserver(Protocol):
    """Is called on the event loop: has to be quick."""

    def call_started(self, method: Method) -> None:
        """A call has begun."""
        ...

    def call_ended(self, method: Method, code: str, seconds: float) -> None:
        """A call has ended with a status code, such as ``OK``."""
        ...

    def message_received(self, method: Method) -> None:
        """A message came in."""
        ...

    def message_sent(self, method: Method) -> None:
        """A message goes out."""
        ...


class CountingInterceptor(grpc.aio.ServerInterceptor):
    """Tells an observer of calls and their messages; has to be the outermost one, to see the codes of all others.

    A method that is not served is not counted: its name is the caller's choice. Nor is a stream that is written
    through its context, as health's ``Watch``, which lasts as long as its connection.

    Args:
        observer: is told.
    """

    def __init__(self, observer: CallObserver) -> None:
        self._observer = observer

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """The handler of a method with the counting around it; see `grpc.aio.ServerInterceptor`."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        answer, make = _answer_of(handler)
        if handler.response_streaming and not inspect.isasyncgenfunction(answer):
            return handler
        service, _, name = handler_call_details.method.removeprefix("/").rpartition("/")
        method = Method(service, name, _kind(handler))
        wrap = self._wrap_stream if handler.response_streaming else self._wrap_unary
        return make(
            wrap(method, answer, is_stream=bool(handler.request_streaming)),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _wrap_unary(self, method: Method, answer: Callable[..., Any], *, is_stream: bool) -> Callable[..., Any]:
        async def call(request: Any, context: Context) -> Any:
            with self._observed(method, context):
                reply = await answer(self._receive(method, request, is_stream), context)
                self._observer.message_sent(method)
                return reply

        return call

    def _wrap_stream(self, method: Method, answer: Callable[..., Any], *, is_stream: bool) -> Callable[..., Any]:
        # Written, not yielded: a call that its caller gives up while a message is on its way is cancelled in here, and
        # what it has under way is closed at once, by the task that opened it.
        async def call(request: Any, context: Context) -> None:
            replies = answer(self._receive(method, request, is_stream), context)
            with self._observed(method, context):
                async with aclosing(replies):
                    async for reply in replies:
                        self._observer.message_sent(method)
                        await context.write(reply)

        return call

    def _receive(self, method: Method, request: Any, is_stream: bool) -> Any:
        """The request, or the iterator over its messages, counted."""
        if is_stream:
            return self._receive_each(method, request)
        self._observer.message_received(method)
        return request

    async def _receive_each(self, method: Method, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            self._observer.message_received(method)
            yield request

    @contextmanager
    def _observed(self, method: Method, context: Context) -> Iterator[None]:
        self._observer.call_started(method)
        began, error = time.monotonic(), None
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._observer.call_ended(method, _code(context, error), time.monotonic() - began)


def _answer_of(handler: Any) -> tuple[Callable[..., Any], Callable[..., "grpc.RpcMethodHandler[Any, Any]"]]:
    """The function behind a handler, and what makes a handler of its kind."""
    kinds = {
        (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
        (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
        (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
        (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
    }
    name, make = kinds[bool(handler.request_streaming), bool(handler.response_streaming)]
    return getattr(handler, name), make


def _kind(handler: Any) -> str:
    """The name of a handler's kind that the ``grpc_type`` label of other servers has."""
    if handler.request_streaming and handler.response_streaming:
        return "bidi_stream"
    if handler.request_streaming:
        return "client_stream"
    return "server_stream" if handler.response_streaming else "unary"


def _code(context: Context, error: BaseException | None) -> str:
    """The status that the call ends with: what was set, or aborted with, else what gRPC makes of `error`."""
    code = context.code()
    if code:
        return code.name if isinstance(code, grpc.StatusCode) else STATUS_NAMES[int(code)]
    if error is None:
        return grpc.StatusCode.OK.name
    if isinstance(error, Exception):
        return grpc.StatusCode.UNKNOWN.name
    remaining = context.time_remaining()  # cancelled by the caller, or because it is too late
    is_late = remaining is not None and remaining <= 0
    return grpc.StatusCode.DEADLINE_EXCEEDED.name if is_late else grpc.StatusCode.CANCELLED.name


log = structlog.get_logger("polygist_service.calls")

OWN_METHODS = "/polygist.v1."
REQUEST_ID = "x-request-id"
BASE_DEADLINE = 120.0
CHARACTERS_PER_SECOND = 2000

Answer = Callable[[Any, Context], Awaitable[Any]]
Stream = Callable[[Any, Context], AsyncGenerator[Any, None]]


class Undecodable:
    """Stands in for a request that is no valid protobuf message of its type."""

    contents: tuple[str, ...] = ()


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of the product's own services.

    Args:
        activity: counts the calls.
        longest: seconds; a longer deadline is shortened to this.
    """

    def __init__(self, activity: InFlightCalls, *, longest: float) -> None:
        self._activity = activity
        self._longest = longest

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """The handler of an own method with all that surrounds a call; see `grpc.aio.ServerInterceptor`."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(OWN_METHODS) or handler.request_streaming:
            return handler
        name, codecs = method.rpartition("/")[2], (_tolerant(handler.request_deserializer), handler.response_serializer)
        if handler.response_streaming:
            stream = self._wrap_stream(name, cast(Stream, handler.unary_stream))
            return grpc.unary_stream_rpc_method_handler(stream, *codecs)
        return grpc.unary_unary_rpc_method_handler(self._wrap(name, cast(Answer, handler.unary_unary)), *codecs)

    def _wrap(self, method: str, answer: Answer) -> Answer:
        async def call(request: Any, context: Context) -> Any:
            async with self._around(method, request, context):
                return await answer(request, context)

        return call

    def _wrap_stream(self, method: str, answer: Stream) -> Stream:
        async def call(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            async with self._around(method, request, context), aclosing(answer(request, context)) as replies:
                async for reply in replies:
                    yield reply

        return call

    @asynccontextmanager
    async def _around(self, method: str, request: Any, context: Context) -> AsyncIterator[None]:
        request_id = _request_id(context)
        trailer = ((REQUEST_ID, request_id),)
        context.set_trailing_metadata(trailer)
        began, code = time.monotonic(), "OK"
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                with self._activity.call():
                    if isinstance(request, Undecodable):
                        raise InvalidRequest("request", "is no valid message: strings must be UTF-8")
                    async with asyncio.timeout(self._deadline(request, context)):
                        yield
            except (asyncio.CancelledError, GeneratorExit):
                code = "CANCELLED"
                raise
            except Exception as error:
                if isinstance(error, grpc.aio.AbortError):
                    code = "ABORTED"
                    raise
                status, message, details = describe(error)
                code = status.name
                await context.abort(status, message, trailing_metadata=(*details, *trailer))
            finally:
                _log_call(method, code, time.monotonic() - began, request)

    def _deadline(self, request: Any, context: Context) -> float:
        """Seconds that the call may take: the caller's, or a default that grows with the text; never too long."""
        remaining = context.time_remaining()
        if remaining is None:
            remaining = BASE_DEADLINE + sum(map(len, _contents(request))) / CHARACTERS_PER_SECOND
        return min(remaining, self._longest)


def _tolerant(deserialise: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """Let a message that does not decode through as `Undecodable`: gRPC itself would answer INTERNAL."""
    assert deserialise is not None

    def decode(message: bytes) -> Any:
        try:
            return deserialise(message)
        except (DecodeError, UnicodeDecodeError):
            return Undecodable()

    return decode


def _request_id(context: Context) -> str:
    """The caller's id where it is short and printable, else a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID and isinstance(value, str) and 0 < len(value) <= 128 and value.isprintable():
            return value
    return uuid.uuid4().hex


def _contents(request: Any) -> Sequence[str]:
    """The texts of a request; a stream's has the unary one in it."""
    contents: Sequence[str] = getattr(getattr(request, "request", request), "contents", ())
    return contents


def _log_call(method: str, code: str, seconds: float, request: Any) -> None:
    contents = _contents(request)
    log.info(
        "call",
        method=method,
        code=code,
        milliseconds=round(seconds * 1000, 1),
        contents=len(contents),
        characters=sum(map(len, contents)),
    )
