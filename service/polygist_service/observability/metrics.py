"""The instruments, and what the other rooms tell them."""

import platform
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from polygist_service.admission import AdmissionState
from polygist_service.engine.interface import BatchReport, CacheState, ModelInfo, QueueState, State
from polygist_service.notices import NoticeKind
from polygist_service.text.languages import serving

# A series of its own for when each counter began, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]

SLOT_STATES = ("busy", "idle", "dead")


class LiveCollector(Collector):
    """Asks the engine at each scrape, on the thread that answers it.

    Args:
        queue: what waits now.
        models: the installed models and their states.
        resident: bytes that each loaded model takes.
        slots: which of `SLOT_STATES` each slot is in.
    """

    def __init__(
        self,
        *,
        queue: Callable[[], QueueState],
        models: Callable[[], Sequence[ModelInfo]],
        resident: Callable[[], Mapping[str, int]] = dict,
        slots: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self._queue = queue
        self._models = models
        self._resident = resident
        self._slots = slots

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families, as `prometheus_client` wants them."""
        queue = self._queue()
        yield GaugeMetricFamily("polygist_queue_segments", "Segments that wait for a slot.", queue.segments)
        yield GaugeMetricFamily("polygist_queue_requests", "Requests that have a segment waiting.", queue.requests)
        yield GaugeMetricFamily(
            "polygist_queue_oldest_seconds", "How long the oldest segment has waited.", queue.oldest_seconds
        )
        yield GaugeMetricFamily(
            "polygist_queue_work_seconds", "What waits may be expected to take of a slot.", queue.seconds
        )
        counted = Tally(self._slots())
        slots = GaugeMetricFamily("polygist_slots", "Slots by what they do.", labels=("state",))
        for activity in SLOT_STATES:
            slots.add_metric((activity,), counted[activity])
        yield slots
        states = GaugeMetricFamily("polygist_model_state", "1 for the state a model is in.", labels=("model", "state"))
        memory = GaugeMetricFamily(
            "polygist_model_resident_bytes", "Memory of a loaded model, estimated.", labels=("model",)
        )
        models, resident = self._models(), self._resident()
        for model in models:
            memory.add_metric((model.name,), float(resident.get(model.name, 0)))
            for state in State:
                states.add_metric((model.name, state.value), float(model.state is state))
        yield states
        yield memory


class CacheCollector(Collector):
    """Asks the sentence cache at each scrape."""

    def __init__(self, state: Callable[[], CacheState]) -> None:
        self._state = state

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """The families, as `prometheus_client` wants them; all 0 where there is no cache."""
        state = self._state()
        yield CounterMetricFamily("polygist_cache_hits", "Segments that the cache had a result of.", state.hits)
        yield CounterMetricFamily("polygist_cache_misses", "Segments that it had none of.", state.misses)
        yield GaugeMetricFamily("polygist_cache_entries", "Results that the cache has.", state.entries)
        yield GaugeMetricFamily("polygist_cache_bytes", "Memory that they take.", state.bytes)
        yield GaugeMetricFamily("polygist_cache_capacity_bytes", "Memory that they may take.", state.capacity)


class AdmissionCollector(Collector):
    """Asks at each scrape what was taken on, and what was refused."""

    def __init__(self, state: Callable[[], AdmissionState]) -> None:
        self._state = state

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The families, as `prometheus_client` wants them."""
        state = self._state()
        yield GaugeMetricFamily(
            "polygist_admitted_seconds",
            "Time until all calls that were taken on are answered, estimated.",
            state.waiting,
        )
        yield GaugeMetricFamily("polygist_admitted_bytes", "Memory that these calls take, estimated.", state.memory)
        refused = CounterMetricFamily(
            "polygist_calls_refused", "Calls that were refused since too much waits, by what there was too much of.",
            labels=("cause",),
        )  # fmt: skip
        for cause, count in state.refused.items():
            refused.add_metric((cause,), count)
        yield refused


class LogCollector(Collector):
    """Asks at each scrape how many lines of the log were dropped, by reason."""

    def __init__(self, dropped: Callable[[], Mapping[str, int]]) -> None:
        self._dropped = dropped

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The family, as `prometheus_client` wants it."""
        lines = CounterMetricFamily(
            "polygist_log_lines_dropped", "Lines of the log that were not written.", labels=("reason",)
        )
        for reason, count in self._dropped().items():
            lines.add_metric((reason,), count)
        yield lines


# Of a call: a short segment takes milliseconds, the longest deadline is ten minutes.
CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
BATCH_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BATCH_SEGMENTS = (1, 2, 4, 8, 16, 32, 64)
DOCUMENT_BYTES = (1e3, 1e4, 1e5, 1e6, 1e7)
BATCH_TOKENS = (16, 32, 64, 128, 256, 512, 1024, 2048)

# Notices that concern one segment, and the event that each is counted as.
EVENTS = {
    NoticeKind.SEGMENT_HARD_SPLIT: "split",
    NoticeKind.OUTPUT_LIMIT_REACHED: "limited",
    NoticeKind.UNTRANSLATED: "untranslated",
}
RETRIED, FAILED, REFUSED = "retried", "failed", "refused"

# More pairs of languages than that are counted as ``other``: multilingual models have tens of thousands.
MOST_PAIRS = 1000
OTHER = "other"

InstrumentT = TypeVar("InstrumentT", Counter, Histogram)
# A service's full name, a method's own, how it streams, and which way it was called.
Method = tuple[str, str, str, str]


class Metrics:
    """Counters and histograms in a registry of their own.

    Every label has few values: methods, codes, installed models, events, and the languages that the models read.

    Args:
        languages: what may be a label; all others are counted as ``other``.
    """

    def __init__(self, languages: Collection[str]) -> None:
        self.registry = registry = CollectorRegistry()
        self._languages = tuple(sorted(set(languages)))
        self._pairs: set[tuple[str, str]] = set()
        self._series: dict[tuple[int, tuple[str, ...]], Any] = {}
        ProcessCollector(registry=registry)
        libraries = {name: find_version(name) for name in ("grpcio", "ctranslate2")}
        Info("polygist_build", "Versions of what runs.", registry=registry).info(
            {"version": find_version("polygist"), "python": platform.python_version(), **libraries}
        )
        method = ("grpc_service", "grpc_method", "grpc_type", "transport")
        # The names of the go-grpc-prometheus family, so that dashboards made for them work.
        self._started = Counter("grpc_server_started", "Calls that began.", method, registry=registry)
        self._handled = Counter("grpc_server_handled", "Calls that ended.", (*method, "grpc_code"), registry=registry)
        self._failed = Counter(
            "polygist_calls_failed", "Calls that ended with an error, by its reason and the languages asked for.",
            (*method, "grpc_code", "reason", "source", "target"), registry=registry,
        )  # fmt: skip
        self._received = Counter("grpc_server_msg_received", "Messages from callers.", method, registry=registry)
        self._sent = Counter("grpc_server_msg_sent", "Messages to callers.", method, registry=registry)
        self._handling = Histogram(
            "grpc_server_handling_seconds", "Time from a call's begin to its end.", method,
            registry=registry, buckets=CALL_SECONDS,
        )  # fmt: skip
        self._batch_segments = Histogram(
            "polygist_batch_segments", "Segments of a batch.", ("model",), registry=registry, buckets=BATCH_SEGMENTS
        )
        self._batch_tokens = Histogram(
            "polygist_batch_padded_tokens", "Source tokens of a batch, padding included.", ("model",),
            registry=registry, buckets=BATCH_TOKENS,
        )  # fmt: skip
        self._decode = Histogram(
            "polygist_decode_seconds", "Time of the model for one batch.", ("model",),
            registry=registry, buckets=BATCH_SECONDS,
        )  # fmt: skip
        self._sources = Counter("polygist_source_tokens", "Tokens read.", ("model",), registry=registry)
        self._targets = Counter("polygist_target_tokens", "Tokens written.", ("model",), registry=registry)
        self._unclaimed = Counter(
            "polygist_unclaimed_target_tokens", "Of these, tokens that nobody waited for any more when they were done.",
            ("model",), registry=registry,
        )  # fmt: skip
        self._segments = Counter(
            "polygist_segments", "Segments that did not go the usual way.", ("event",), registry=registry
        )
        for event in (*EVENTS.values(), RETRIED, FAILED, REFUSED):
            self._segments.labels(event)  # counted from 0, so that the first one is seen as an increase
        self._replacements = Counter(
            "polygist_server_replacements", "Servers that ended by themselves and were replaced.", registry=registry
        )
        self._stalls = Counter("polygist_stalls", "Times that the server stood still.", ("cause",), registry=registry)
        self._documents = Histogram(
            "polygist_document_bytes", "Size of the files that were read.", ("mime_type",),
            registry=registry, buckets=DOCUMENT_BYTES,
        )  # fmt: skip
        self._detections = Counter(
            "polygist_detections", "Texts whose language was detected.", ("language", "result"), registry=registry
        )

    def call_started(self, method: Method) -> None:
        """A call has begun."""
        self._labelled(self._started, method).inc()

    def call_ended(self, method: Method, code: str, seconds: float) -> None:
        """A call has ended with a status code, such as ``OK``."""
        self._labelled(self._handled, (*method, code)).inc()
        self._labelled(self._handling, method).observe(seconds)

    def call_failed(self, method: Method, code: str, reason: str, languages: tuple[str, str]) -> None:
        """A call of our own has ended with an error, and in which languages it was to be answered."""
        source, target = map(self._label, languages)
        if (source, target) not in self._pairs:
            if len(self._pairs) >= MOST_PAIRS:
                source = target = OTHER
            self._pairs.add((source, target))
        self._labelled(self._failed, (*method, code, reason, source, target)).inc()

    def count_stalls(self, causes: Iterable[str]) -> None:
        """Count the stalls of each cause from 0, so that the first one is seen as an increase."""
        for cause in causes:
            self._stalls.labels(cause)

    def show_memory_limit(self, limit: int) -> None:
        """Show how many bytes this process can have at most."""
        Gauge("polygist_memory_limit_bytes", "Memory that this process can have.", registry=self.registry).set(limit)

    def count_dropped_lines(self, dropped: Callable[[], Mapping[str, int]]) -> None:
        """Show how many lines of the log were dropped, by reason."""
        self.registry.register(LogCollector(dropped))

    def message_received(self, method: Method) -> None:
        """A message came in."""
        self._labelled(self._received, method).inc()

    def message_sent(self, method: Method) -> None:
        """A message went out."""
        self._labelled(self._sent, method).inc()

    def batch_ran(self, report: BatchReport) -> None:
        """See `engine.interface.Observer`."""
        self._batch_segments.labels(report.model).observe(report.segments)
        self._batch_tokens.labels(report.model).observe(report.padded_tokens)
        self._decode.labels(report.model).observe(report.seconds)
        self._sources.labels(report.model).inc(report.source_tokens)
        self._targets.labels(report.model).inc(report.target_tokens)
        self._unclaimed.labels(report.model).inc(report.unclaimed_tokens)

    def batch_failed(self, segments: int) -> None:
        """See `engine.interface.Observer`."""
        self._segments.labels(FAILED if segments == 1 else RETRIED).inc(segments)

    def segment_refused(self) -> None:
        """See `engine.interface.Observer`."""
        self._segments.labels(REFUSED).inc()

    def server_replaced(self) -> None:
        """The server of a port ended by itself, and a fresh one has taken over."""
        self._replacements.inc()

    def stalled(self, cause: str) -> None:
        """The server stands still."""
        self._stalls.labels(cause).inc()

    def noticed(self, kind: NoticeKind) -> None:
        """A translation came with a notice; those that concern no single segment are not counted."""
        if kind in EVENTS:
            self._segments.labels(EVENTS[kind]).inc()

    def document_read(self, mime_type: str, size: int) -> None:
        """A file of so many bytes was read."""
        self._documents.labels(mime_type).observe(size)

    def detected(self, language: str, result: str) -> None:
        """A text's language was detected; ``und`` is none."""
        self._detections.labels(language if language == "und" else self._label(language), result).inc()

    def _labelled(self, instrument: InstrumentT, labels: tuple[str, ...]) -> InstrumentT:
        """Return the series of some labels; they are few, and looked up many times a call."""
        key = (id(instrument), labels)
        if key not in self._series:
            self._series[key] = instrument.labels(*labels)
        series: InstrumentT = self._series[key]
        return series

    def _label(self, language: str) -> str:
        """Return the language that a label has; none for none."""
        return (serving(language, self._languages) or OTHER) if language else ""


def find_version(distribution: str) -> str:
    """Return the version of what is installed under a name."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
