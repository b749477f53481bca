"""What goes to a collector by OTLP: spans, and every minute what Prometheus would read.

The variables of OpenTelemetry (``OTEL_…``) count here as they do anywhere. A collector that is slow, full or gone costs
what it would have been told, and nothing else: all is sent by threads that no call waits for.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry
from prometheus_client import Metric as Family

from polygist_service.errors import UnsupportedCapability
from polygist_service.observability.metrics import find_version
from polygist_service.observability.otlp_variables import (
    METRICS,
    TRACES,
    check_exporter,
    check_queue,
    check_sampler,
    find_collector,
    forget_idle,
    read_interval,
)
from polygist_service.observability.tracing import Tracing

ExporterT = TypeVar("ExporterT", OTLPSpanExporter, OTLPMetricExporter)

log = logging.getLogger(__name__)

NAME = "polygist"
LIBRARY = "opentelemetry"
# What is on its way when there is no time left is given up within so many seconds.
GIVE_UP_SECONDS = 0.5


class Telemetry:
    """Sends spans and metrics, as far as the variables of OpenTelemetry leave both on.

    Args:
        registry: the instruments.
        endpoint: ``http://HOST:PORT`` or ``https://HOST:PORT``; empty leaves it to ``OTEL_EXPORTER_OTLP_ENDPOINT``.
        ratio: the share of the traces begun here that are recorded; None leaves it to ``OTEL_TRACES_SAMPLER``.

    Attributes:
        tracing: makes spans; None where none are sent.

    Raises:
        UnsupportedCapability: a variable says what is not to be had here.
    """

    def __init__(self, registry: CollectorRegistry, *, endpoint: str = "", ratio: float | None = None) -> None:
        self.tracing: Tracing | None = None
        self._provider: TracerProvider | None = None
        self._metrics: MetricsExport | None = None
        self._exporters: list[OTLPSpanExporter | OTLPMetricExporter] = []
        try:  # all that may fail first: what follows begins threads
            forget_idle()
            spans = open_exporter(OTLPSpanExporter, TRACES, endpoint)
            metrics = open_exporter(OTLPMetricExporter, METRICS, endpoint)
            seconds, resource = read_interval(), describe_server()
            check_queue()
            if ratio is None:
                check_sampler()
            sampler = None if ratio is None else ParentBased(TraceIdRatioBased(ratio))
            provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        except UnsupportedCapability:
            raise
        except Exception as error:  # of a variable with a value that is none
            raise UnsupportedCapability(f"OTLP: {error}; see the variables that begin with OTEL_") from error
        if spans:
            self._exporters.append(spans)
            self._provider = provider
            provider.add_span_processor(BatchSpanProcessor(spans))
            self.tracing = Tracing(provider.get_tracer(NAME, find_version(NAME)))
        if metrics:
            self._exporters.append(metrics)
            self._metrics = MetricsExport(registry, metrics, resource, seconds=seconds)

    def close(self, seconds: float) -> None:
        """Send what has not been sent, within `seconds`; blocks."""
        ending = threading.Thread(target=self._send_rest, name="otlp-end", daemon=True)
        ending.start()
        ending.join(seconds)
        if ending.is_alive():
            log.warning("the collector did not take all spans and metrics in time")
            self._give_up(ending)

    def _give_up(self, ending: threading.Thread) -> None:
        """Break off what is on its way; the library says of each thing what has been said of all."""
        library = logging.getLogger(LIBRARY)
        before = library.level
        library.setLevel(logging.CRITICAL + 1)
        for exporter in self._exporters:
            exporter.shutdown()
        ending.join(GIVE_UP_SECONDS)
        if not ending.is_alive():
            library.setLevel(before)

    def _send_rest(self) -> None:
        if self._provider:
            self._provider.shutdown()
        if self._metrics:
            self._metrics.close()


class MetricsExport:
    """Reads the instruments now and then, and sends what they show.

    Args:
        registry: the instruments.
        exporter: sends.
        resource: whose they are.
        seconds: between one time and the next.
    """

    def __init__(
        self, registry: CollectorRegistry, exporter: MetricExporter, resource: Resource, *, seconds: float
    ) -> None:
        self._registry = registry
        self._exporter = exporter
        self._resource = resource
        self._seconds = seconds
        self._began = time.time_ns()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="otlp-metrics", daemon=True)
        self._thread.start()

    def send(self) -> None:
        """Send what the instruments show now; what goes wrong is logged."""
        try:
            metrics = list(to_metrics(self._registry.collect(), began=self._began, now=time.time_ns()))
            scope = ScopeMetrics(InstrumentationScope(NAME), metrics, "")
            self._exporter.export(MetricsData([ResourceMetrics(self._resource, [scope], "")]))
        except Exception:
            log.exception("metrics were not sent")

    def close(self) -> None:
        """Send them a last time; blocks."""
        self._ended.set()
        self._thread.join()
        self.send()
        self._exporter.shutdown()

    def _serve(self) -> None:
        while not self._ended.wait(self._seconds):
            self.send()


def open_exporter(make: Callable[..., ExporterT], signal: str, endpoint: str) -> ExporterT | None:
    """Return what sends a signal; None where it is not sent. Raises UnsupportedCapability for what cannot be had."""
    if not (address := find_collector(signal, endpoint)):
        return None
    check_exporter(signal)
    return make(endpoint=address)


def describe_server() -> Resource:
    """Return what the collector is told of this process; ``OTEL_SERVICE_NAME`` and ``OTEL_RESOURCE_ATTRIBUTES`` add."""
    own = {"service.name": NAME, "service.version": find_version(NAME), "service.instance.id": str(uuid.uuid4())}
    return Resource.create(own).merge(OTELResourceDetector().detect())


def to_metrics(families: Iterable[Family], *, began: int, now: int) -> Iterator[Metric]:
    """Yield what Prometheus would read as OTLP has it, under the names that become the same again in Prometheus.

    Args:
        families: as `prometheus_client` collects them.
        began: when the counters were 0, in nanoseconds since 1970.
        now: when they were read.
    """
    cumulative = AggregationTemporality.CUMULATIVE
    data: Sum | Gauge | Histogram
    for family in families:
        if not family.samples:
            continue
        if family.type == "histogram":
            data, name = Histogram(list(to_histogram_points(family, began, now)), cumulative), family.name
        else:
            points = [NumberDataPoint(each.labels, began, now, each.value) for each in family.samples]
            is_counter = family.type == "counter"
            data = Sum(points, cumulative, is_monotonic=True) if is_counter else Gauge(points)
            name = family.name if is_counter else family.samples[0].name
        yield Metric(name, family.documentation, find_unit(family.name), data)


def to_histogram_points(family: Family, began: int, now: int) -> Iterator[HistogramDataPoint]:
    """Yield the points of a histogram: a bucket of OTLP counts what is in it alone, one of Prometheus the lower too."""
    series: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for sample in family.samples:
        labels = tuple(each for each in sample.labels.items() if each[0] != "le")
        series.setdefault(labels, {})[sample.labels.get("le", sample.name)] = sample.value
    for labels, values in series.items():
        total = values.pop(f"{family.name}_sum")
        count = values.pop(f"{family.name}_count")
        counts = list(map(int, values.values()))
        yield HistogramDataPoint(
            dict(labels),
            began,
            now,
            count=int(count),
            sum=total,
            bucket_counts=[high - low for low, high in zip([0, *counts], counts, strict=False)],
            explicit_bounds=[float(bound) for bound in values if bound != "+Inf"],
            min=None,  # type: ignore[arg-type]  # which nobody has counted, and OTLP can do without
            max=None,  # type: ignore[arg-type]
        )


def find_unit(name: str) -> str:
    """Return the unit that the name of an instrument says, as UCUM writes it."""
    return "s" if name.endswith("_seconds") else "By" if name.endswith("_bytes") else ""
