"""A real server that tells a collector where the time of calls goes, and a client that is traced itself."""

import json
import socket
import urllib.request
from contextlib import contextmanager
from itertools import pairwise

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from polygist_client import Client

from tests.collector import Collector, Received, collecting, values
from tests.end_to_end.server import ServerProcess, find_free_port

CLIENT, SERVER = 3, 2
PARTS = ("receive", "queue", "batch", "decode")
TRANSLATE = "polygist.v1.TranslationService/Translate"
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@contextmanager
def traced(monkeypatch, endpoint):
    """Have this process traced while the block runs; all is sent at its end."""
    provider = TracerProvider(resource=Resource({"service.name": "program"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    try:
        yield provider.get_tracer("program")
    finally:
        provider.shutdown()


def translate_over_http(address: str, **headers: str) -> None:
    body = {"contents": ["Guten Tag."], "targetLanguageCode": "en", "sourceLanguageCode": "de"}
    headers |= {"content-type": "application/json"}
    request = urllib.request.Request(f"http://{address}/v1/translate", json.dumps(body).encode(), headers)
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60).close()


def test_one_trace_shows_a_call_from_the_client_to_the_model_and_http_goes_on_with_another(
    tiny_home, tmp_path, monkeypatch
):
    http = f"127.0.0.1:{find_free_port()}"
    with collecting() as collector:
        # Only those calls are recorded whose callers record them.
        flags = ("--otlp-endpoint", collector.endpoint, "--trace-ratio", "0", "--http-listen", http)
        with ServerProcess(tiny_home, tmp_path / "log", *flags) as server:
            server.wait_until_serving()
            with (
                traced(monkeypatch, collector.endpoint) as tracer,
                Client(server.address) as client,
                tracer.start_as_current_span("work") as work,
            ):
                client.translate("Guten Tag.", to="en", source="de", request_id="mine")
            translate_over_http(http)
            translate_over_http(http, traceparent=f"00-{TRACE}-{SPAN}-01", tracestate="vendor=1")
            assert server.stop() == 0
        logged = server.events("call")

    check_trace([span for span in collector.spans if span.trace == trace.format_trace_id(work.context.trace_id)])
    served = collector.one(TRANSLATE, trace=TRACE)
    assert (served.parent, served.state, served.attributes["polygist.transport"]) == (SPAN, "vendor=1", "http")
    assert len({span.trace for span in collector.spans}) == 2
    # What the log says of a call leads to its trace.
    assert [call.get("trace_id") for call in logged] == [
        trace.format_trace_id(work.context.trace_id), None, TRACE,
    ]  # fmt: skip
    assert logged[2]["span_id"] == served.id
    assert "Guten" not in repr(collector.spans)
    check_metrics(collector)


def check_trace(spans: list[Received]) -> None:
    """Each span lies within the one before: the program, its call, the server, batch, model; times add up."""
    named = {name: sorted((s for s in spans if s.name == name), key=lambda s: s.start) for name in PARTS}
    (work,) = (span for span in spans if span.name == "work")
    call, served = sorted((span for span in spans if span.name == TRANSLATE), key=lambda span: span.kind, reverse=True)
    assert (call.kind, served.kind) == (CLIENT, SERVER)
    assert (call.service, served.service) == ("program", "polygist")
    assert work.holds(call)
    assert call.holds(served)
    assert served.attributes["polygist.request_id"] == call.attributes["polygist.request_id"] == "mine"
    assert served.attributes["rpc.response.status_code"] == "OK"
    assert named["batch"]
    # The waiting and the work side by side, one after the other: a second batch is of what was written wrongly.
    side_by_side = [span for pair in zip(named["queue"], named["batch"], strict=True) for span in pair]
    for span, following in pairwise(side_by_side):
        assert span.end <= following.start
    for queue, batch, decode in zip(named["queue"], named["batch"], named["decode"], strict=True):
        assert served.holds(queue)
        assert served.holds(batch)
        assert batch.holds(decode)
        assert queue.end == batch.start
        assert batch.links == (served.id,)
        assert batch.attributes["polygist.model"] == "de-en"
    # What is neither is the text's, and the message's: nothing is counted twice.
    parts = [*side_by_side, *named["receive"]]
    assert all(served.holds(span) for span in parts)
    assert sum(span.end - span.start for span in parts) <= served.end - served.start


def check_metrics(collector: Collector) -> None:
    """What Prometheus would have read came too."""
    (sent,) = collector.metrics
    metrics = {each.name: each for each in sent.resource_metrics[0].scope_metrics[0].metrics}
    handled = [
        point.as_double
        for point in metrics["grpc_server_handled"].sum.data_points
        if values(point.attributes).items() >= {("grpc_method", "Translate"), ("transport", "http")}
    ]
    assert handled == [2]
    assert metrics["polygist_decode_seconds"].histogram.data_points[0].count > 0


def test_a_collector_that_never_answers_costs_no_call_and_holds_up_no_end(tiny_home, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        flags = ("--otlp-endpoint", f"http://127.0.0.1:{silent.getsockname()[1]}", "--grace", "0.5")
        with ServerProcess(tiny_home, tmp_path / "log", *flags) as server:
            server.wait_until_serving()
            with Client(server.address) as client:
                client.translate("Guten Tag.", to="en", source="de")
            assert server.stop() == 0
    assert [call["code"] for call in server.events("call")] == ["OK"]
    assert server.events("stopped")
    assert not server.events("cut_off")
    # One line tells of it; what the library would say of each thing that is broken off is not told beside it.
    assert len(server.events("the collector did not take all spans and metrics in time")) == 1
    assert '"logger": "opentelemetry' not in server.log()
