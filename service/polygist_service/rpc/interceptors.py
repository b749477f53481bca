"""Around every call: request id, draining, deadline, error status, and one log line without text."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeAlias, cast

import grpc
import structlog
from google.protobuf.message import DecodeError

from polygist_service.errors import InvalidRequest
from polygist_service.rpc.activity import Activity
from polygist_service.rpc.call import Context
from polygist_service.rpc.status import describe

log = structlog.get_logger("polygist_service.calls")

OWN_METHODS = "/polygist.v1."
REQUEST_ID = "x-request-id"
BASE_DEADLINE = 120.0
CHARACTERS_PER_SECOND = 2000

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
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

    def __init__(self, activity: Activity, *, longest: float) -> None:
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
