"""Known traffic, and the exact numbers that a scrape shows afterwards."""

import asyncio
import gzip
import socket
import struct
import threading
import urllib.error
import urllib.request
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from polygist.v1 import translation_service_pb2, translation_service_pb2_grpc
from polygist_service.app.watchdog import CAUSES
from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.engine.cost import CostModel
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.interface import BatchReport, CacheState, Decoding, QueueState, State
from polygist_service.engine.jobs import BatchKey
from polygist_service.engine.models.base import BatchLimits
from polygist_service.engine.scheduler import Scheduler
from polygist_service.engine.slots import RunningBatch, SlotState
from polygist_service.errors import InferenceFailed
from polygist_service.observability.exposition import MetricsServer
from polygist_service.observability.metrics import MOST_PAIRS, CacheCollector, LiveCollector, Metrics
from polygist_service.settings import load_settings
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from tests.service import harness
from tests.service.echo import EN_PT, EchoEngine
from tests.service.harness import until
from tests.service.one_model import OneModel
from tests.service.tiny import load_tiny_model, write_tiny_model

TRANSLATION = "polygist.v1.TranslationService"
SECRET = "the lighthouse keeper counts the ships"
GREEDY = Decoding()


def scrape(metrics) -> tuple[dict, str]:
    """All samples, by name and label values (in the order of their names, the code last), and the text of it all."""
    exposition = MetricsServer(metrics.registry, "127.0.0.1:0")
    try:
        with urllib.request.urlopen(f"http://{exposition.address}/metrics", timeout=10) as reply:
            text = reply.read().decode()
    finally:
        exposition.close()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *_values(sample.labels)): sample.value for sample in samples}, text


def _values(labels: dict[str, str]) -> list[str]:
    return [labels[name] for name in sorted(labels, key=lambda name: (name == "grpc_code", name))]


@asynccontextmanager
async def serving(metrics, engine=None):
    """A server on a fake engine that counts into `metrics`; yields a channel to it."""
    async with harness.serving(engine or EchoEngine(), metrics=metrics) as service:
        yield service.channel


async def translate(channel, *contents, **fields):
    """Translate to Portuguese; the reply, or the code of the error."""
    request = translation_service_pb2.TranslateRequest(
        contents=contents, **{"target_language_code": "pt", "source_language_code": "en", **fields}
    )
    try:
        return await translation_service_pb2_grpc.TranslationServiceStub(channel).Translate(request)
    except grpc.aio.AioRpcError as error:
        return error.code().name


async def test_calls_are_counted_by_method_and_code():
    metrics = Metrics({"en", "pt"})
    async with serving(metrics) as channel:
        for _ in range(3):
            await translate(channel, SECRET)
        assert await translate(channel, SECRET, target_language_code="fi") == "FAILED_PRECONDITION"
        assert await translate(channel) == "INVALID_ARGUMENT"
        assert await translate(channel, SECRET, model="models/none") == "NOT_FOUND"
    samples, _ = scrape(metrics)
    labels = ("Translate", TRANSLATION, "unary", "grpc")
    assert samples["grpc_server_started_total", *labels] == 6
    assert samples["grpc_server_handled_total", *labels, "OK"] == 3
    assert samples["grpc_server_handled_total", *labels, "INVALID_ARGUMENT"] == 1
    assert samples["grpc_server_handled_total", *labels, "FAILED_PRECONDITION"] == 1
    assert samples["grpc_server_handled_total", *labels, "NOT_FOUND"] == 1
    assert samples["grpc_server_msg_received_total", *labels] == 6
    assert samples["grpc_server_msg_sent_total", *labels] == 3
    assert samples["grpc_server_handling_seconds_count", *labels] == 6
    assert samples["grpc_server_handling_seconds_sum", *labels] > 0


async def test_streams_and_reflection_are_counted_and_health_and_unknown_methods_are_not():
    metrics = Metrics(())
    async with serving(metrics) as channel:
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        ask = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        assert len([reply async for reply in ask(iter([request, request]))]) == 2
        refused = translation_service_pb2_grpc.TranslationServiceStub(channel).StreamTranslate(
            translation_service_pb2.StreamTranslateRequest()
        )
        with pytest.raises(grpc.aio.AioRpcError):
            await refused.read()
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.unary_unary("/made.up.Service/Name")(b"")
    samples, text = scrape(metrics)
    assert "grpc.health" not in text
    reflection = ("ServerReflectionInfo", "grpc.reflection.v1alpha.ServerReflection", "bidi_stream", "grpc")
    assert samples["grpc_server_msg_received_total", *reflection] == 2
    assert samples["grpc_server_msg_sent_total", *reflection] == 2
    assert samples["grpc_server_handled_total", *reflection, "OK"] == 1
    stream = ("StreamTranslate", TRANSLATION, "server_stream", "grpc")
    assert samples["grpc_server_handled_total", *stream, "INVALID_ARGUMENT"] == 1
    assert ("grpc_server_msg_sent_total", *stream) not in samples
    assert "made.up" not in text


async def test_failed_calls_are_counted_by_reason_and_languages():
    metrics = Metrics({"en", "pt"})
    async with serving(metrics) as channel:
        await translate(channel, SECRET)
        for target in ("fi", "fi", "de", SECRET):
            await translate(channel, SECRET, target_language_code=target)
        await translate(channel, SECRET, target_language_code="pt-BR", source_language_code="pt")
        await translate(channel, target_language_code="pt-BR")
    samples, text = scrape(metrics)
    names = ("grpc_code", "reason", "source", "target")
    counted = {
        tuple(sample.labels[name] for name in names): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "polygist_calls_failed_total"
    }
    assert counted == {
        ("FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED", "en", "other"): 3,
        ("INVALID_ARGUMENT", "FIELD_INVALID", "en", "other"): 1,
        ("INVALID_ARGUMENT", "FIELD_INVALID", "en", "pt"): 1,
    }
    assert "lighthouse" not in text
    assert samples


def test_pairs_of_languages_have_a_bound():
    languages = [f"{one}{other}" for one in "abcdefgh" for other in "abcdefgh"]
    metrics = Metrics(languages)
    for source in languages:
        for target in languages:
            metrics.call_failed(("service", "method", "unary", "grpc"), "INTERNAL", "INTERNAL", (source, target))
    samples, _ = scrape(metrics)
    counted = {key: value for key, value in samples.items() if key[0] == "polygist_calls_failed_total"}
    assert len(counted) == MOST_PAIRS + 1
    assert sum(counted.values()) == len(languages) ** 2


async def test_a_call_that_nobody_waits_for_is_cancelled_or_late():
    metrics, labels = Metrics(()), ("Translate", TRANSLATION, "unary", "grpc")
    async with serving(metrics, EchoEngine(delay=30)) as channel:
        stub = translation_service_pb2_grpc.TranslationServiceStub(channel)
        request = translation_service_pb2.TranslateRequest(
            contents=["A text."], source_language_code="en", target_language_code="pt"
        )
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Translate(request, timeout=0.3)
        call = stub.Translate(request)
        await until(lambda: scrape(metrics)[0]["grpc_server_started_total", *labels] == 2)
        call.cancel()
        await until(lambda: scrape(metrics)[0]["grpc_server_handling_seconds_count", *labels] == 2)
    samples, _ = scrape(metrics)
    assert samples["grpc_server_handled_total", *labels, "DEADLINE_EXCEEDED"] == 1
    assert samples["grpc_server_handled_total", *labels, "CANCELLED"] == 1
    assert ("grpc_server_msg_sent_total", *labels) not in samples


async def test_segments_that_are_cut_limited_or_untranslated_are_counted():
    metrics = Metrics(())
    engine = EchoEngine(replace(EN_PT, max_input_tokens=8), answer=lambda text: "" if "blank" in text else text)
    async with serving(metrics, engine) as channel:
        reply = await translate(channel, "one two three four five six seven eight nine ten eleven twelve", "A blank.")
        assert [warning.code for warning in reply.translations[0].warnings] == [1, 1]
        await translate(channel, "Three words here.", decoding_config={"max_output_tokens": 2})
    samples, _ = scrape(metrics)
    counted = {key[1]: value for key, value in samples.items() if key[0] == "polygist_segments_total"}
    assert counted == {"split": 2, "limited": 1, "untranslated": 1, "refused": 0, "retried": 0, "failed": 0}


async def test_detections_are_counted_by_the_languages_that_are_read():
    metrics = Metrics({"en", "pt"})
    finnish = "Tämä on pitkä suomenkielinen lause kirjaston aukioloajoista ja kaupungin kaduista."
    async with serving(metrics) as channel:
        english = "The library opens at nine in the morning and closes at five."
        await translate(channel, english, english, source_language_code="")
        await translate(channel, finnish, source_language_code="")
        stub = translation_service_pb2_grpc.TranslationServiceStub(channel)
        await stub.DetectLanguage(translation_service_pb2.DetectLanguageRequest(contents=[english, "12 34"]))
    samples, _ = scrape(metrics)
    counted = {key[1:]: value for key, value in samples.items() if key[0] == "polygist_detections_total"}
    assert counted == {("en", "sure"): 3, ("other", "sure"): 1, ("und", "undetermined"): 1}


async def test_no_text_key_or_address_is_shown():
    metrics = Metrics({"en"})
    async with serving(metrics) as channel:
        stub = translation_service_pb2_grpc.TranslationServiceStub(channel)
        request = translation_service_pb2.TranslateRequest(contents=[SECRET], target_language_code="pt")
        await stub.Translate(request, metadata=[("authorization", "Bearer hush-hush"), ("x-request-id", "mine-42")])
    _, text = scrape(metrics)
    assert "grpc_server_handled_total" in text
    for hidden in (*SECRET.split()[1:3], "hush", "mine-42", "127.0.0.1"):
        assert hidden not in text


class Held:
    """A loaded model that can be held back and made to fail."""

    def __init__(self, model):
        self._model = model
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.poison: tuple[str, ...] = ()

    def __getattr__(self, name):
        return getattr(self._model, name)

    def run(self, batch, options, listener=None):
        self.entered.set()
        assert self.gate.wait(10)
        if self.poison and list(self.poison) in [list(prompt.tokens) for prompt in batch]:
            raise RuntimeError("poison")
        return self._model.run(batch, options, listener)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")
    return load_tiny_model(folder, max_input_tokens=60, slots=1, compute_type="float32")


@asynccontextmanager
async def batching(model, metrics):
    """The real engine with one slot; what waits is scraped too."""
    pool = TextPool(1)
    engine = BatchingEngine(OneModel(model), slots=1, pool=pool, observer=metrics)
    metrics.registry.register(LiveCollector(queue=engine.queue_state, models=lambda: ()))
    try:
        yield engine
    finally:
        model.gate.set()
        await asyncio.to_thread(engine.close)
        pool.close()


async def decode(engine, *segments):
    """All results of a request."""
    context = CallContext(caller="me")
    async with engine.hold("tiny", context) as held:
        return [result async for _, result in held.submit(segments, options=GREEDY, context=context)]


async def test_batches_and_their_tokens_are_counted(tiny):
    metrics, model = Metrics(()), Held(tiny)
    async with batching(model, metrics) as engine:
        model.gate.clear()
        first = asyncio.ensure_future(decode(engine, "the river"))
        await asyncio.to_thread(model.entered.wait, 10)
        rest = [asyncio.ensure_future(decode(engine, text)) for text in ("the old bridge", "a new road near the town")]
        await until(lambda: engine.queue_state().segments == 2)
        waiting, _ = scrape(metrics)
        model.gate.set()
        results = [result for done in await asyncio.gather(first, *rest) for result in done]
    samples, _ = scrape(metrics)
    assert (waiting["polygist_queue_segments",], waiting["polygist_queue_requests",]) == (2, 2)
    assert waiting["polygist_queue_oldest_seconds",] > 0
    assert (samples["polygist_queue_segments",], samples["polygist_queue_oldest_seconds",]) == (0, 0)
    lengths = [result.input_token_count for result in results]
    assert samples["polygist_batch_segments_count", "tiny"] == 2  # the one that was held, and both others together
    assert samples["polygist_batch_segments_sum", "tiny"] == 3
    assert samples["polygist_batch_padded_tokens_sum", "tiny"] == lengths[0] + 2 * max(lengths[1:])
    assert samples["polygist_source_tokens_total", "tiny"] == sum(lengths)
    assert samples["polygist_target_tokens_total", "tiny"] == sum(each.hypotheses[0].token_count for each in results)
    assert samples["polygist_decode_seconds_count", "tiny"] == 2
    assert samples["polygist_decode_seconds_sum", "tiny"] > 0


async def test_what_is_written_for_a_caller_who_has_left_is_counted_as_unclaimed(tiny):
    metrics, model = Metrics(()), Held(tiny)
    async with batching(model, metrics) as engine:
        model.gate.clear()
        held = asyncio.ensure_future(decode(engine, "the river"))
        await asyncio.to_thread(model.entered.wait, 10)
        left, stays = (asyncio.ensure_future(decode(engine, text)) for text in ("the old bridge", "a new road"))
        await until(lambda: engine.queue_state().segments == 2)
        held.cancel()
        left.cancel()
        await asyncio.wait([held, left])
        model.gate.set()
        (result,) = await stays
    samples, _ = scrape(metrics)
    written, unclaimed = (
        samples[f"polygist_{name}_total", "tiny"] for name in ("target_tokens", "unclaimed_target_tokens")
    )
    assert unclaimed == written - result.hypotheses[0].token_count > 0
    assert samples["polygist_batch_segments_sum", "tiny"] == 2  # what waited of those who left was never begun


async def test_segments_that_fail_are_counted_as_retried_then_failed(tiny):
    metrics, model = Metrics(()), Held(tiny)
    model.poison = tuple(tiny.tokenise("the school", GREEDY).tokens)
    async with batching(model, metrics) as engine:
        with pytest.raises(InferenceFailed):
            await decode(engine, "the river", "the school")
        with pytest.raises(InferenceFailed, match="window"):
            await decode(engine, "river " * 100)
    samples, _ = scrape(metrics)
    assert samples["polygist_segments_total", "retried"] == 2
    assert samples["polygist_segments_total", "failed"] == 1
    assert samples["polygist_segments_total", "refused"] == 1
    assert samples["polygist_batch_segments_sum", "tiny"] == 1  # what failed is no batch that ran


class Request:
    """A request that may be cancelled."""

    cancelled = False

    def __init__(self):
        self.context = CallContext("me")


def test_the_queue_tells_the_age_of_its_oldest_segment_and_how_much_work_waits():
    now, cost = iter([10.0, 14.0, 20.0, 21.0]), CostModel()
    scheduler = Scheduler(lambda key: BatchLimits(8, 64, 8), lambda key: cost, clock=lambda: next(now))
    first, second, key = Request(), Request(), BatchKey("tiny", GREEDY)
    assert scheduler.state() == QueueState()
    scheduler.add(key, first, [(0, ["a"]), (1, ["a", "b"])])
    scheduler.add(key, second, [(0, ["a"])])
    one, two = cost.segment_seconds(1, most=8), cost.segment_seconds(2, most=8)
    assert scheduler.state() == QueueState(3, 2, 10.0, pytest.approx(2 * one + two))
    scheduler.cancel(first)
    assert scheduler.state() == QueueState(1, 1, 7.0, pytest.approx(one))


def test_models_show_the_one_state_they_are_in():
    metrics = Metrics(())
    models = [replace(EN_PT, state=State.LOADING), replace(EN_PT, name="pt-en")]
    metrics.registry.register(LiveCollector(queue=QueueState, models=lambda: models))
    samples, _ = scrape(metrics)
    shown = {key[1:]: value for key, value in samples.items() if key[0] == "polygist_model_state"}
    assert {labels for labels, value in shown.items() if value} == {("en-pt", "loading"), ("pt-en", "ready")}
    assert len(shown) == 2 * len(State)


def test_slots_are_shown_by_what_they_do():
    metrics, batch = Metrics(()), RunningBatch("tiny", 1, 0.1)
    slots = [SlotState("slot-0", False, batch), SlotState("slot-1", False, None), SlotState("slot-2", True, batch)]
    slots.append(SlotState("slot-3", False, batch))
    metrics.registry.register(
        LiveCollector(queue=QueueState, models=lambda: (), slots=lambda: (slot.activity for slot in slots))
    )
    samples, _ = scrape(metrics)
    shown = {key[1]: value for key, value in samples.items() if key[0] == "polygist_slots"}
    assert shown == {"busy": 2, "idle": 1, "dead": 1}


def test_stalls_are_counted_from_nought():
    metrics = Metrics(())
    metrics.count_stalls(CAUSES)
    metrics.stalled("all_slots")
    samples, _ = scrape(metrics)
    shown = {key[1]: value for key, value in samples.items() if key[0] == "polygist_stalls_total"}
    assert shown == {"event_loop": 0, "dead_slot": 0, "all_slots": 1, "lost_slot": 0}


def test_memory_is_shown_and_registries_are_apart():
    metrics, other = Metrics(()), Metrics(())
    metrics.batch_ran(BatchReport("tiny", 1, 2, 2, 3, 0, 0.1))
    assert scrape(metrics)[0]["process_resident_memory_bytes",] > 1e6
    metrics.show_memory_limit(2 << 30)
    assert scrape(metrics)[0]["polygist_memory_limit_bytes",] == 2 << 30
    assert ("polygist_source_tokens_total", "tiny") not in scrape(other)[0]


def test_versions_are_shown_and_no_series_of_when_a_counter_began():
    _, text = scrape(Metrics(()))
    (build,) = [line for line in text.splitlines() if line.startswith("polygist_build_info{")]
    assert all(f'{name}="' in build for name in ("version", "python", "grpcio", "ctranslate2"))
    assert "unknown" not in build
    assert "_created" not in text


def test_the_sentence_cache_is_shown():
    metrics = Metrics(())
    state = CacheState(hits=5, misses=2, entries=2, bytes=900, capacity=1000)
    metrics.registry.register(CacheCollector(lambda: state))
    samples, _ = scrape(metrics)
    assert {name: value for (name, *_), value in samples.items() if "cache" in name} == {
        "polygist_cache_hits_total": 5,
        "polygist_cache_misses_total": 2,
        "polygist_cache_entries": 2,
        "polygist_cache_bytes": 900,
        "polygist_cache_capacity_bytes": 1000,
    }


def test_dropped_lines_of_the_log_are_shown():
    metrics = Metrics(())
    metrics.count_dropped_lines(lambda: {"queue_full": 3, "not_written": 0})
    samples, _ = scrape(metrics)
    assert samples["polygist_log_lines_dropped_total", "queue_full"] == 3
    assert samples["polygist_log_lines_dropped_total", "not_written"] == 0


@contextmanager
def exposed(metrics=None):
    """The port of metrics; yields its address."""
    exposition = MetricsServer((metrics or Metrics(())).registry, "127.0.0.1:0")
    try:
        yield exposition.address
    finally:
        exposition.close()


def ask(address, path, **headers):
    """Status, headers and body of an answer."""
    request = urllib.request.Request(f"http://{address}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


@pytest.mark.parametrize("path", ["/", "/metricsx", "/metrics/", "/favicon.ico", "/../metrics"])
def test_an_unknown_path_is_not_found(path):
    with exposed() as address:
        assert ask(address, path)[0] == 404
        assert ask(address, "/metrics?x=1")[0] == 200


def test_a_scrape_gets_what_it_asks_for():
    with exposed() as address:
        _, headers, body = ask(address, "/metrics", **{"Accept-Encoding": "gzip"})
        assert (headers["Content-Encoding"], b"polygist_build_info" in gzip.decompress(body)) == ("gzip", True)
        _, headers, body = ask(address, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
        assert headers["Content-Type"].startswith("application/openmetrics-text")
        assert body.endswith(b"# EOF\n")
        _, _, body = ask(address, "/metrics?name[]=polygist_build_info")
        assert [line for line in body.decode().splitlines() if not line.startswith(("#", "polygist_build_info"))] == []


@pytest.mark.parametrize("sent", [b"", b"GET /metrics HTTP/1.1\r\n\r\n"], ids=["silent", "not reading"])
def test_callers_who_do_not_read_keep_nobody(sent):
    """Many more than are answered at a time; and the port is closed at once."""
    with exposed() as address:
        host, _, port = address.rpartition(":")
        callers = [socket.create_connection((host, int(port)), timeout=30) for _ in range(100)]
        try:
            for caller in callers:
                with suppress(OSError):  # the oldest had to go
                    caller.sendall(sent)
            assert ask(address, "/metrics")[0] == 200

        finally:
            for caller in callers:
                caller.close()


def test_a_collector_that_fails_is_logged_and_a_caller_who_left_is_not(caplog):
    metrics = Metrics(())
    metrics.count_dropped_lines(lambda: {}["no such thing"])
    with exposed(metrics) as address:
        with pytest.raises(ConnectionError, match="closed connection"):
            ask(address, "/metrics")
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=30) as caller:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert [record.message for record in caplog.records] == ["a scrape failed"]


def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"metrics on 127.0.0.1:{port}.*metrics_listen"):
            MetricsServer(Metrics(()).registry, f"127.0.0.1:{port}")


@pytest.mark.parametrize("listen", ["9464", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", ":9464"])
def test_an_address_without_host_or_port_is_refused(listen):
    with pytest.raises(ValidationError, match=r"give 127\.0\.0\.1:\d+"):
        load_settings({"metrics_listen": listen})
    assert load_settings({}).metrics_listen == ""
