"""Where the time of calls goes, as spans of OpenTelemetry.

A call is a span that goes on with the trace of its caller (W3C Trace Context). For each batch that segments of it are
in, two spans are part of it, which together are the time from when these were queued to when they were done::

    client     ├──────────────────────────────────────────────────────┤
    server         ├──────────────────────────────────────────────┤
    receive        ├──┤                                                until the message is there
    text               ├──┤                                   ├──┤     split, tokenised, joined: off the event loop
    queue                  ├──────────┤                                until a slot takes what was handed in
    batch                             ├────────────────────┤           the slot: one span, linked with all calls in it
    decode                             ├──────────────────┤            the model, for this call

The batch is in the trace of the first call of it; in those of the others their ``decode`` links to it. Our spans are
made of times that were taken anyway: what works for a call knows of none.

The interceptors of opentelemetry-instrumentation-grpc would not do: they iterate over handlers that yield, and ours
write; they see no call over HTTP; and they wrap the context of each call, recorded or not.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, StatusCode, Tracer, format_span_id, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.trace.span import Span, SpanContext

from polygist_service.engine.interface import TracedBatch, TracedPart

# A service's full name, a method's own, how it streams, and which way it was called.
Method = tuple[str, str, str, str]

W3C = TraceContextTextMapPropagator()
HEADERS = frozenset(W3C.fields)
NOTHING = Context()
# So many parts of one call are recorded: a stream of a hundred thousand items is one call.
MOST_PARTS = 500
# What does not wait takes less: a message that is there, a model that is loaded.
LEAST_SECONDS = 0.001
# What a server is to blame for: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


class CallSpan:
    """The span of a call, and those of its parts: see `rpc.exchange.CallTrace`.

    Args:
        span: one that has begun.
        tracer: begins others.
        offset: nanoseconds from the clock of `time.monotonic` to the time of the day, as when the call began; by one
            clock, no part of a call can seem to be outside of it.
    """

    def __init__(self, span: Span, tracer: Tracer, offset: int) -> None:
        self._span = span
        self._tracer = tracer
        self._offset = offset
        self.id: SpanContext = span.get_span_context()
        self.trace_id = format_trace_id(self.id.trace_id)
        self.span_id = format_span_id(self.id.span_id)
        self.inside = set_span_in_context(span, NOTHING)
        self._parts = 0

    def at(self, seconds: float) -> int:
        """Return a time of `time.monotonic` as spans have it."""
        return round(seconds * 1e9) + self._offset

    def has_room(self) -> bool:
        """Count a part of the call; return whether it is to be recorded."""
        self._parts += 1
        return self._parts <= MOST_PARTS

    def record(self, name: str, began: float) -> None:
        """See `context.Trace`."""
        ended = time.monotonic()
        if ended - began >= LEAST_SECONDS and self.has_room():
            self.add(name, began, ended)

    def add(
        self,
        name: str,
        began: float,
        ended: float,
        *,
        inside: Context | None = None,
        segments: int = 0,
        links: Sequence[Link] = (),
        has_failed: bool = False,
    ) -> None:
        """Make the span of a part that is over, inside of the call or of another part."""
        told = {"polygist.segments": segments} if segments else None
        span = self._tracer.start_span(
            name, inside or self.inside, attributes=told, links=links, start_time=self.at(began)
        )
        if has_failed:
            span.set_status(StatusCode.ERROR)
        span.end(self.at(ended))

    def end(self, code: str, attributes: Mapping[str, str | int]) -> None:
        """See `rpc.exchange.CallTrace`."""
        told = {f"polygist.{name}": value for name, value in attributes.items() if value != ""}
        if self._parts > MOST_PARTS:
            told["polygist.parts_left_out"] = self._parts - MOST_PARTS
        self._span.set_attributes({"rpc.response.status_code": code, **told})
        if code in FAULTS:
            self._span.set_status(StatusCode.ERROR)
        self._span.end(time.monotonic_ns() + self._offset)


class Tracing:
    """Makes the spans of calls and batches: a `rpc.exchange.CallTracer` and an `engine.interface.BatchTracer`.

    Args:
        tracer: begins spans, and decides which calls have any.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def begin(self, method: Method, metadata: Iterable[tuple[str, str | bytes]]) -> CallSpan | None:
        """See `rpc.exchange.CallTracer`."""
        name = f"{method[0]}/{method[1]}"
        began = time.monotonic_ns()
        offset = time.time_ns() - began
        sent = {key: value for key, value in metadata if key in HEADERS and isinstance(value, str)}
        span = self._tracer.start_span(
            name,
            W3C.extract(sent, NOTHING) if sent else NOTHING,
            SpanKind.SERVER,
            attributes={"rpc.system.name": "grpc", "rpc.method": name},
            start_time=began + offset,
        )
        return CallSpan(span, self._tracer, offset) if span.is_recording() else None

    def batch_ended(self, batch: TracedBatch) -> None:
        """See `engine.interface.BatchTracer`."""
        calls = [call for call in dict.fromkeys(map(call_of, batch.parts)) if call.has_room()]
        if not calls:
            return
        first = calls[0]
        span = self._tracer.start_span(
            "batch",
            first.inside,
            attributes=describe_batch(batch),
            links=[Link(call.id) for call in calls],
            start_time=first.at(batch.began),
        )
        for part in batch.parts:
            if (call := call_of(part)) in calls:
                call.add("queue", part.since, batch.began, segments=part.segments)
        inside, link = set_span_in_context(span, NOTHING), Link(span.get_span_context())
        for run in batch.runs:
            for part in run.parts:
                add = partial(call_of(part).add, "decode", run.began, run.ended, has_failed=not run.report)
                if call_of(part) is first:
                    add(inside=inside, segments=part.segments)
                elif call_of(part) in calls:
                    add(links=[link], segments=part.segments)
        if not all(run.report for run in batch.runs):
            span.set_status(StatusCode.ERROR)
        span.end(first.at(batch.ended))


def call_of(part: TracedPart) -> CallSpan:
    """Return the span of the call that a part belongs to."""
    assert isinstance(part.trace, CallSpan)
    return part.trace


def describe_batch(batch: TracedBatch) -> Mapping[str, str | int]:
    """Return the attributes of a batch."""
    reports = [run.report for run in batch.runs if run.report]
    return {
        "polygist.model": batch.model,
        "polygist.segments": batch.segments,
        "polygist.calls": batch.calls,
        "polygist.source_tokens": sum(report.source_tokens for report in reports),
        "polygist.padded_tokens": sum(report.padded_tokens for report in reports),
        "polygist.target_tokens": sum(report.target_tokens for report in reports),
    }
