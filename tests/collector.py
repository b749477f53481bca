"""A collector of OpenTelemetry: takes spans and metrics over gRPC, as one that is installed would, and keeps them."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


@dataclass(frozen=True)
class Received:
    """A span as the collector got it; times are nanoseconds since 1970, ids are in hexadecimal digits."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    start: int
    end: int
    links: tuple[str, ...]
    attributes: dict[str, str | int | float]
    is_error: bool
    events: tuple[str, ...]
    state: str

    def holds(self, other: "Received") -> bool:
        """Whether another span is a part of this one and lies within its time."""
        return other.parent == self.id and self.start <= other.start <= other.end <= self.end


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what it is sent.

    Attributes:
        endpoint: where it is.
        metrics: the latest requests with metrics.
    """

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.metrics: list[metrics_service_pb2.ExportMetricsServiceRequest] = []
        self.server = grpc.server(ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self.server)
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Metrics(self), self.server)
        self.endpoint = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def Export(self, request, context):
        for each in request.resource_spans:
            service = values(each.resource.attributes)["service.name"]
            for scope in each.scope_spans:
                self.spans += [read(span, str(service)) for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    def wait_for(self, *names: str) -> list[Received]:
        """Return all spans once there is one of each of these names."""
        for _ in range(1000):
            if {*names} <= {span.name for span in self.spans}:
                return list(self.spans)
            time.sleep(0.01)
        raise AssertionError(f"{names} did not all come: {self.spans}")

    def one(self, name: str, **fields: object) -> Received:
        """Return the only span of a name, with these fields."""
        found = [
            span
            for span in self.spans
            if span.name == name and all(getattr(span, field) == value for field, value in fields.items())
        ]
        assert len(found) == 1, (name, fields, self.spans)
        return found[0]


class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
    """Takes metrics for a collector."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def Export(self, request, context):
        self._collector.metrics.append(request)
        return metrics_service_pb2.ExportMetricsServiceResponse()


@contextmanager
def collecting() -> Iterator[Collector]:
    """Have a collector while the block runs."""
    collector = Collector()
    try:
        yield collector
    finally:
        collector.server.stop(0).wait()


def values(attributes) -> dict[str, str | int | float]:
    """The attributes of a span or a resource."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def read(span, service: str) -> Received:
    """A span out of its message."""
    return Received(
        service=service,
        name=span.name,
        kind=span.kind,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        links=tuple(link.span_id.hex() for link in span.links),
        attributes=values(span.attributes),
        is_error=span.status.code == 2,
        events=tuple(event.name for event in span.events),
        state=span.trace_state,
    )
