"""Around every call, health and reflection included: counts, for whoever is told."""

import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import grpc

from polygist_service.rpc.call import Context

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
