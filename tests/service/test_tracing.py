"""Which spans there are of calls and batches, by times that are given, and which metrics are sent."""

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from polygist.v1 import translation_service_pb2
from polygist_service.app.services import ENDPOINTS, open_telemetry
from polygist_service.context import CallContext
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.interface import BatchReport, Decoding, TracedBatch, TracedPart, TracedRun
from polygist_service.errors import InferenceFailed, UnsupportedCapability
from polygist_service.observability.metrics import Metrics
from polygist_service.observability.otlp import to_metrics
from polygist_service.observability.tracing import MOST_PARTS, Tracing
from polygist_service.settings import load_settings
from prometheus_client import CollectorRegistry, Histogram
from pydantic import ValidationError
from structlog.testing import capture_logs

from tests.service.echo import EchoEngine
from tests.service.harness import failure_of, serving, until
from tests.service.one_model import OneModel, submit, text_pool
from tests.service.tiny import load_tiny_model, write_tiny_model

METHOD = ("polygist.v1.TranslationService", "Translate", "unary", "grpc")
TRANSLATE = "polygist.v1.TranslationService/Translate"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
REPORT = BatchReport("tiny", 3, 30, 25, 20, 0, 0.5)


class Spans:
    """A tracer whose spans are kept; the ratio is that of the traces begun here."""

    def __init__(self, ratio: float = 1.0) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(ratio)), shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracing = Tracing(provider.get_tracer("test"))

    def named(self, name):
        """All spans of a name that have ended."""
        return [span for span in self._exporter.get_finished_spans() if span.name == name]

    def begin(self, **headers):
        """Begin a call that comes with some headers."""
        return self.tracing.begin(METHOD, [*headers.items()])


def make_batch(*parts, runs=(), began=11.0, ended=12.0):
    """A batch of the tiny model."""
    return TracedBatch("tiny", began, ended, parts, runs, segments=3, calls=2)


def ids(spans):
    return [span.context.span_id for span in spans]


def test_a_batch_is_one_span_with_links_to_the_calls_in_it_and_each_call_has_its_own_waiting_and_decoding():
    spans = Spans()
    first, second = spans.begin(), spans.begin()
    parts = TracedPart(first, 10.0, 2), TracedPart(second, 10.5, 1)
    spans.tracing.batch_ended(make_batch(*parts, runs=[TracedRun(11.25, 11.75, parts, REPORT)]))
    (batch,) = spans.named("batch")
    assert [link.context for link in batch.links] == [first.id, second.id]
    assert batch.parent == first.id
    assert (batch.attributes["polygist.segments"], batch.attributes["polygist.target_tokens"]) == (3, 20)
    waited, others_waited = spans.named("queue")
    assert (waited.parent, others_waited.parent) == (first.id, second.id)
    assert (waited.start_time, waited.end_time) == (first.at(10.0), first.at(11.0))
    assert (others_waited.start_time, others_waited.end_time) == (second.at(10.5), second.at(11.0))
    decoded, others_decoded = spans.named("decode")
    assert (decoded.parent, others_decoded.parent) == (batch.context, second.id)
    assert [link.context for link in others_decoded.links] == [batch.context]
    assert [span.attributes["polygist.segments"] for span in (decoded, others_decoded)] == [2, 1]


@given(st.lists(st.floats(0, 1e6), min_size=5, max_size=5).map(sorted))
def test_waiting_and_work_add_up_to_the_time_in_the_engine(times):
    since, began, run_began, run_ended, ended = times
    spans = Spans()
    call = spans.begin()
    parts = [TracedPart(call, since, 1)]
    spans.tracing.batch_ended(
        make_batch(*parts, runs=[TracedRun(run_began, run_ended, parts, REPORT)], began=began, ended=ended)
    )
    (queue,), (batch,), (decode,) = map(spans.named, ("queue", "batch", "decode"))
    assert (queue.start_time, queue.end_time, batch.end_time) == (call.at(since), batch.start_time, call.at(ended))
    assert batch.start_time <= decode.start_time <= decode.end_time <= batch.end_time


def test_a_run_that_failed_is_an_error_and_so_is_its_batch():
    spans = Spans()
    parts = [TracedPart(spans.begin(), 10.0, 2)]
    runs = [TracedRun(11.0, 11.25, parts, None), TracedRun(11.25, 12.0, parts, REPORT)]
    spans.tracing.batch_ended(make_batch(*parts, runs=runs))
    assert [span.status.is_ok for span in spans.named("decode")] == [False, True]
    assert not spans.named("batch")[0].status.is_ok


def test_the_caller_decides_and_else_the_ratio():
    header = f"00-{TRACE}-{SPAN}-"
    assert Spans(1.0).begin(traceparent=f"{header}00") is None
    assert Spans(0.0).begin() is None
    assert Spans(0.0).begin(traceparent=f"{header}01").trace_id == TRACE


@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from(["", f"00-{TRACE}-{SPAN}-01"]))
def test_no_header_is_an_error(traceparent, tracestate, valid):
    call = Spans().begin(traceparent=valid or traceparent, tracestate=tracestate)
    assert not valid or call.trace_id == TRACE


def test_the_trace_of_an_endless_stream_has_an_end():
    spans = Spans()
    call = spans.begin()
    for _ in range(MOST_PARTS + 5):
        spans.tracing.batch_ended(make_batch(TracedPart(call, 10.0, 1)))
    call.end("OK", {})
    assert len(spans.named("batch")) == len(spans.named("queue")) == MOST_PARTS
    assert spans.named(TRANSLATE)[0].attributes["polygist.parts_left_out"] == 5


async def test_work_on_text_and_what_a_message_waits_for_are_parts_of_their_call():
    spans = Spans()
    call = spans.begin()
    async with text_pool() as pool:
        await pool.run(CallContext("me", trace=call), lambda _: time.sleep(0.002), [1])
    call.record("receive", time.monotonic())  # which took no time
    (text,) = spans.named("text")
    assert text.parent == call.id
    assert not spans.named("receive")


async def test_what_a_call_was_and_how_it_ended_is_told_and_nothing_of_its_text():
    spans = Spans()
    request = translation_service_pb2.TranslateRequest(
        contents=["The keeper counts the ships."], source_language_code="en", target_language_code="pt"
    )
    async with serving(EchoEngine(), tracer=spans.tracing) as service:
        await service.translation.Translate(request, metadata=[("x-request-id", "mine")])
        request.target_language_code = "fi"
        await failure_of(service.translation.Translate(request))
    done, failed = spans.named(TRANSLATE)
    assert done.attributes["polygist.request_id"] == "mine"
    assert (done.attributes["rpc.response.status_code"], done.attributes["polygist.characters"]) == ("OK", 28)
    assert failed.attributes["rpc.response.status_code"] == "FAILED_PRECONDITION"
    assert failed.attributes["polygist.reason"] == "LANGUAGE_PAIR_UNSUPPORTED"
    assert "keeper" not in done.to_json() + failed.to_json()


class Held:
    """A loaded model that can be held back, and that fails on a batch with a text of so many tokens."""

    def __init__(self, model, *, poison=0):
        self._model = model
        self._poison = poison
        self.entered, self.gate = threading.Event(), threading.Event()

    def __getattr__(self, name):
        return getattr(self._model, name)

    def run(self, batch, options, listener=None):
        self.entered.set()
        assert self.gate.wait(10)
        if self._poison in map(len, batch):
            raise RuntimeError("poison")
        return self._model.run(batch, options, listener)


class Batches:
    """A `BatchTracer` that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[TracedBatch] = []

    def batch_ended(self, batch):
        self.told.append(batch)


@asynccontextmanager
async def batching(model, tracer):
    """The real engine with one slot."""
    async with text_pool() as pool:
        engine = BatchingEngine(OneModel(model), slots=1, pool=pool, tracer=tracer)
        try:
            yield engine
        finally:
            await asyncio.to_thread(engine.close)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")
    return load_tiny_model(folder, max_input_tokens=60, compute_type="float32")


async def test_the_engine_tells_of_batches_with_traced_calls_only(tiny):
    batches, call = Batches(), Spans().begin()
    async with batching(tiny, batches) as engine:
        for trace in (None, call):
            context = CallContext("me", trace=trace)
            texts = ["the river", "the old bridge"]
            assert [each async for each in submit(engine, "tiny", texts, options=Decoding(), context=context)]
    assert sum(batch.segments for batch in batches.told) == 2  # those of the second call
    for batch in batches.told:
        (part,), (run,) = batch.parts, batch.runs
        assert (part.trace, part.segments, batch.calls) == (call, batch.segments, 1)
        assert part.since <= batch.began <= run.began <= run.ended <= batch.ended
        assert run.report.target_tokens > 0


async def test_a_batch_of_the_engine_has_links_to_all_calls_in_it(tiny):
    spans, model = Spans(), Held(tiny)
    calls = [spans.begin() for _ in range(2)]

    async def translate(text, trace=None):
        context = CallContext("me", trace=trace)
        return [each async for each in submit(engine, "tiny", [text], options=Decoding(), context=context)]

    async with batching(model, spans.tracing) as engine:
        first = asyncio.ensure_future(translate("a new road"))
        await asyncio.to_thread(model.entered.wait, 10)
        others = [asyncio.ensure_future(translate("the old bridge", call)) for call in calls]
        await until(lambda: engine.queue_state().segments == 2)
        model.gate.set()
        await asyncio.gather(first, *others)
    (batch,) = spans.named("batch")
    assert {link.context.span_id for link in batch.links} == {call.id.span_id for call in calls}
    assert (batch.attributes["polygist.calls"], batch.attributes["polygist.segments"]) == (2, 2)
    for name in ("queue", "decode"):
        assert len({span.context.trace_id for span in spans.named(name)}) == 2


async def test_a_batch_that_fails_is_told_with_all_its_runs(tiny):
    batches, context = Batches(), CallContext("me", trace=Spans().begin())
    texts = ["the river", "the river near the old bridge"]
    length = len(tiny.tokenise(texts[1], Decoding()))
    model = Held(tiny, poison=length)
    model.gate.set()
    async with batching(model, batches) as engine:
        with pytest.raises(InferenceFailed):
            [each async for each in submit(engine, "tiny", texts, options=Decoding(), context=context)]
    runs = [(run.report is not None, run.parts[0].segments) for batch in batches.told for run in batch.runs]
    assert (False, 1) in runs


def to_samples(metrics):
    """What Prometheus would read of metrics that were sent."""
    for metric in metrics:
        for point in metric.data.data_points:
            labels = frozenset(point.attributes.items())
            if not hasattr(point, "bucket_counts"):
                suffix = "_total" if hasattr(metric.data, "is_monotonic") else ""
                yield (f"{metric.name}{suffix}", labels), point.value
                continue
            yield (f"{metric.name}_sum", labels), point.sum
            yield (f"{metric.name}_count", labels), point.count
            bounds = [*point.explicit_bounds, float("inf")]
            for at, bound in enumerate(bounds):
                yield (f"{metric.name}_bucket", labels | {("le", bound)}), sum(point.bucket_counts[: at + 1])


def read_registry(registry):
    """What Prometheus reads."""
    for family in registry.collect():
        for sample in family.samples:
            labels = {name: float(value) if name == "le" else value for name, value in sample.labels.items()}
            yield (sample.name, frozenset(labels.items())), sample.value


def test_what_is_sent_is_what_prometheus_reads():
    metrics = Metrics({"en", "pt"})
    metrics.call_started(METHOD)
    metrics.call_ended(METHOD, "OK", 0.3)
    metrics.call_ended(METHOD, "INTERNAL", 700.0)
    metrics.batch_ran(REPORT)
    read = dict(read_registry(metrics.registry))
    sent = dict(to_samples(to_metrics(metrics.registry.collect(), began=1, now=2)))
    changing = {key for key in read if key[0].startswith("process_")}
    assert sent.keys() == read.keys()
    assert {key: value for key, value in sent.items() if key not in changing} == {
        key: value for key, value in read.items() if key not in changing
    }


@given(st.lists(st.floats(0, 100), max_size=30))
def test_buckets_are_the_same(values):
    registry = CollectorRegistry()
    histogram = Histogram("h", "Some.", ("name",), registry=registry, buckets=(1, 5, 25))
    for value in values:
        histogram.labels("a" if value < 30 else "b").observe(value)
    assert dict(to_samples(to_metrics(registry.collect(), began=1, now=2))) == dict(read_registry(registry))


@pytest.fixture
def without_variables(monkeypatch):
    """No variable of whoever runs the tests says where spans go."""
    for name in [*ENDPOINTS, *os.environ]:
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name, raising=False)


def test_nothing_is_sent_unless_it_is_asked_for(without_variables, monkeypatch):
    assert open_telemetry(load_settings({}), Metrics(())) is None
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert open_telemetry(load_settings({"otlp_endpoint": "http://127.0.0.1:1"}), Metrics(())) is None


def test_variables_leave_one_of_the_two_out(without_variables, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:1")
    telemetry = open_telemetry(load_settings({}), Metrics(()))
    assert telemetry.tracing is None
    telemetry.close(0)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    telemetry = open_telemetry(load_settings({}), Metrics(()))
    assert telemetry.tracing
    telemetry.close(0)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "OTLP goes over gRPC here; say grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is 'http/json'"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "OTEL_EXPORTER_OTLP_TIMEOUT is 'soon'; give seconds, such as 10"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "-1", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT is '-1'; give seconds"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "abc", "OTEL_METRIC_EXPORT_INTERVAL is 'abc'; give milliseconds"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0", "OTEL_METRIC_EXPORT_INTERVAL is '0'; give milliseconds, such as 60000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "nan", "OTEL_METRIC_EXPORT_INTERVAL is 'nan'; give milliseconds"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli", 'Invalid value "brotli"'),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,secret", "OTEL_EXPORTER_OTLP_HEADERS holds what is no header; give NAME="),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=\u00e9", "OTEL_EXPORTER_OTLP_TRACES_HEADERS holds what is no header"),
        ("OTEL_TRACES_SAMPLER", "bogus", "OTEL_TRACES_SAMPLER is 'bogus'; say one of always_on, always_off"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-1", "OTEL_BSP_MAX_QUEUE_SIZE is '-1'; give spans, such as 2048"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is 512, which is more than OTEL_BSP_MAX_Q"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1.5", "OTEL_BSP_SCHEDULE_DELAY is '1.5'; give milliseconds"),
    ],
)
def test_what_a_variable_cannot_have_is_a_warning_and_ends_a_start_that_asks_for_it(
    without_variables, monkeypatch, name, value, told
):
    monkeypatch.setenv(name, value)
    with pytest.raises(UnsupportedCapability, match=told):
        open_telemetry(load_settings({"otlp_endpoint": "http://127.0.0.1:1"}), Metrics(()))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with capture_logs() as log:
        assert open_telemetry(load_settings({}), Metrics(())) is None
    (event,) = log
    assert event["event"] == "telemetry_off"
    assert told in event["hint"]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"ENDPOINT": "nonsense"},
            "OTEL_EXPORTER_OTLP_ENDPOINT is 'nonsense', which is no address of a collector; give",
        ),
        ({"METRICS_ENDPOINT": "a:4317"}, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is 'a:4317', which is no address"),
        ({"ENDPOINT": "http://a/v1/traces"}, "is 'http://a/v1/traces', which is no address"),
        ({"ENDPOINT": "https://a", "CERTIFICATE": "/none"}, "CERTIFICATE is '/none', and there is no such file; give"),
    ],
)
def test_an_address_or_file_of_a_variable_that_is_none_is_a_warning(without_variables, monkeypatch, variables, told):
    for name, value in variables.items():
        monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
    with capture_logs() as log:
        assert open_telemetry(load_settings({}), Metrics(())) is None
    (event,) = log
    assert (event["event"], told in event["hint"]) == ("telemetry_off", True)


def test_a_share_that_is_none_is_a_warning(without_variables, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "7")
    with pytest.raises(UnsupportedCapability, match="OTEL_TRACES_SAMPLER_ARG is '7'; give a share, 1 at most, such as"):
        open_telemetry(load_settings({"otlp_endpoint": "http://127.0.0.1:1"}), Metrics(()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", ""),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b,tenant=c=d,"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2.5"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", ""),
        ("OTEL_TRACES_SAMPLER", "Parentbased_Always_On"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
    ],
)
def test_what_a_variable_may_say_is_followed(without_variables, monkeypatch, caplog, name, value):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_INSECURE", "true")  # without which the address would need a scheme
    monkeypatch.setenv(name, value)
    telemetry = open_telemetry(load_settings({}), Metrics(()))
    assert telemetry.tracing.begin(METHOD, ()) is not None
    telemetry.close(0)
    assert [record for record in caplog.records if name in record.getMessage()] == []


def test_an_exporter_that_is_not_to_be_had_is_told_and_the_other_signal_is_sent(without_variables, monkeypatch, caplog):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "zipkin")
    telemetry = open_telemetry(load_settings({}), Metrics(()))
    assert telemetry.tracing is None
    telemetry.close(0)
    (told, *_) = caplog.messages
    assert told == "OTEL_TRACES_EXPORTER asks for zipkin, which is not to be had here; say otlp or none"


def test_a_variable_chooses_what_is_recorded_where_no_setting_does(without_variables, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    for ratio, is_recorded in (({}, False), ({"trace_ratio": 1.0}, True)):
        telemetry = open_telemetry(load_settings({"otlp_endpoint": "http://127.0.0.1:1", **ratio}), Metrics(()))
        assert (telemetry.tracing.begin(METHOD, ()) is not None) == is_recorded
        telemetry.close(0)


def test_packages_that_are_missing_are_named_with_the_cure(without_variables, monkeypatch):
    monkeypatch.setitem(sys.modules, "polygist_service.observability.otlp", None)
    with pytest.raises(UnsupportedCapability, match=r"pip install 'polygist\[otel\]'"):
        open_telemetry(load_settings({"otlp_endpoint": "http://127.0.0.1:1"}), Metrics(()))


@pytest.mark.parametrize("endpoint", ["127.0.0.1:4317", "http://", "grpc://host:4317", "http://host:4317/v1/traces"])
def test_an_endpoint_is_an_address_with_a_scheme(endpoint):
    with pytest.raises(ValidationError, match="is no address of a collector; give one such as"):
        load_settings({"otlp_endpoint": endpoint})


def test_spans_that_nobody_takes_hold_up_the_end_for_no_longer_than_was_said(without_variables, caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        telemetry = open_telemetry(load_settings({"otlp_endpoint": endpoint}), Metrics(()))
        telemetry.tracing.begin(METHOD, ()).end("OK", {})
        telemetry.close(0.1)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("otlp", "Otel"))]
    assert caplog.messages == ["the collector did not take all spans and metrics in time"]
    assert logging.getLogger("opentelemetry").level == logging.NOTSET
