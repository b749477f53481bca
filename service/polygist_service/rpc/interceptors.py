"""Around every call: request id, draining, deadline, error status, and one log line without text."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
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
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(OWN_METHODS) or handler.response_streaming:
            return handler
        return grpc.unary_unary_rpc_method_handler(
            self._wrap(method.rpartition("/")[2], cast(Answer, handler.unary_unary)),
            request_deserializer=_tolerant(handler.request_deserializer),
            response_serializer=handler.response_serializer,
        )

    def _wrap(self, method: str, answer: Answer) -> Answer:
        async def call(request: Any, context: Context) -> Any:
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
                            return await answer(request, context)
                except asyncio.CancelledError:
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

        return call

    def _deadline(self, request: Any, context: Context) -> float:
        """Seconds that the call may take: the caller's, or a default that grows with the text; never too long."""
        remaining = context.time_remaining()
        if remaining is None:
            remaining = BASE_DEADLINE + sum(map(len, getattr(request, "contents", ()))) / CHARACTERS_PER_SECOND
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


def _log_call(method: str, code: str, seconds: float, request: Any) -> None:
    contents = getattr(request, "contents", ())
    log.info(
        "call",
        method=method,
        code=code,
        milliseconds=round(seconds * 1000, 1),
        contents=len(contents),
        characters=sum(map(len, contents)),
    )
