"""Spans of calls, for programs that OpenTelemetry traces; all others pay nothing, and need none of its packages."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from polygist import __version__

from polygist_client.calls import Call
from polygist_client.errors import CallFailed

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

Headers = tuple[tuple[str, str], ...]
# By which a program tells the instrumentations of OpenTelemetry to leave out what it does.
SUPPRESS = "suppress_instrumentation"


class CallSpan:
    """The span of one call, all attempts at it included.

    Args:
        span: one that has begun.

    Attributes:
        headers: by which the server goes on with the trace (W3C Trace Context).
    """

    def __init__(self, span: "Span") -> None:
        from opentelemetry.trace import set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        headers: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(headers, set_span_in_context(span))
        self.headers: Headers = tuple(headers.items())
        self._span = span

    @contextmanager
    def current(self) -> Iterator[None]:
        """Have it be what the program is at during a block, which starts a call.

        What instruments gRPC itself keeps still in it: it would make a second span of the call, and its streams cannot
        be cancelled.
        """
        from opentelemetry import context, trace

        token = context.attach(context.set_value(SUPPRESS, True, trace.set_span_in_context(self._span)))
        try:
            yield
        finally:
            context.detach(token)

    def repeat(self, error: CallFailed, delay: float) -> None:
        """Note that there is to be another attempt, so many seconds after one that failed."""
        told: dict[str, str | float] = {"rpc.response.status_code": error.code, "polygist.delay": delay}
        self._span.add_event("repeat", told | ({"polygist.reason": error.reason} if error.reason else {}))

    def end(self, error: BaseException | None = None) -> None:
        """End with what the call raised; a call that its caller gives up is cancelled, which is no error."""
        from opentelemetry.trace import StatusCode

        code = "OK" if error is None else error.code if isinstance(error, CallFailed) else "CANCELLED"
        self._span.set_attribute("rpc.response.status_code", code)
        if isinstance(error, CallFailed):
            self._span.set_attribute("polygist.reason", error.reason)
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


def begin_span(call: Call[Any, Any], request_id: str) -> CallSpan | None:
    """Begin the span of a call, within what the program is at; None where it is not traced.

    What has not even imported OpenTelemetry has said nothing of where spans are to go.
    """
    if "opentelemetry.trace" not in sys.modules:
        return None
    from opentelemetry import trace

    provider = trace.get_tracer_provider()
    name = call.path.removeprefix("/")
    told = {"rpc.system.name": "grpc", "rpc.method": name, "polygist.request_id": request_id}
    return CallSpan(find_tracer(provider).start_span(name, kind=trace.SpanKind.CLIENT, attributes=told))


@lru_cache(1)
def find_tracer(provider: "TracerProvider") -> "Tracer":
    """Return what begins our spans; a program has one provider."""
    return provider.get_tracer("polygist", __version__)


def within(span: CallSpan | None) -> AbstractContextManager[object]:
    """Have a span, if there is one, be what the program is at where gRPC is asked to start a call."""
    return span.current() if span else nullcontext()


@contextmanager
def ending(span: CallSpan | None) -> Iterator[None]:
    """End a span, if there is one, with the block or with what it raises."""
    try:
        yield
    except BaseException as error:
        if span:
            span.end(error)
        raise
    if span:
        span.end()
