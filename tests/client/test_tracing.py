"""The client's own span of a call, all attempts included, in a program that is traced; and what goes to the server."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from polygist_client import AsyncClient, Client, InvalidArgument

from tests.fakes.server import Failing, Fake

TRANSLATE = "polygist.v1.TranslationService/Translate"


class Program:
    """A traced program: what begins its own spans, and all that have ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("program")

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._exporter.get_finished_spans() if span.name == name]


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    """This process, traced during a test."""
    program = Program()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: program.provider)
    yield program
    program.provider.shutdown()


def parents(fake: Fake, method: str) -> list[str]:
    """The span that the server was told of by each call of a method."""
    return [each.metadata["traceparent"].split("-")[2] for each in fake.asked if each.method == method]


def ids(spans: list[ReadableSpan]) -> list[str]:
    return [trace.format_span_id(span.context.span_id) for span in spans if span.context]


def test_a_call_is_a_part_of_what_the_program_is_at_and_the_server_is_told_of_it(
    fake: Fake, client: Client, program: Program
):
    with program.tracer.start_as_current_span("work") as work:
        client.translate("a", to="pt", request_id="mine")
    (span,) = program.named(TRANSLATE)
    assert span.parent == work.get_span_context()
    assert parents(fake, "Translate") == ids([span])
    assert span.attributes is not None
    assert span.attributes["rpc.response.status_code"] == "OK"
    assert span.attributes["polygist.request_id"] == "mine"


class Instrumentation(
    grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor
):
    """What instruments gRPC in the whole program: notes what it finds where a call starts."""

    def __init__(self) -> None:
        self.found: list[tuple[str, object]] = []

    def note(self, continuation: Any, details: Any, request: Any) -> Any:
        span = trace.get_current_span().get_span_context()
        self.found.append((trace.format_span_id(span.span_id), context.get_value("suppress_instrumentation")))
        return continuation(details, request)

    intercept_unary_unary = intercept_unary_stream = intercept_stream_stream = note


def test_what_instruments_grpc_keeps_still_where_a_call_has_its_span(
    fake: Fake, program: Program, monkeypatch: pytest.MonkeyPatch
):
    instrumentation, open_channel = Instrumentation(), grpc.insecure_channel

    def open_instrumented(*given: Any, **options: Any) -> grpc.Channel:
        return grpc.intercept_channel(open_channel(*given, **options), instrumentation)

    monkeypatch.setattr(grpc, "insecure_channel", open_instrumented)
    with Client(fake.address) as client:
        client.translate("a", to="pt")
        list(client.stream_translate("a. b.", to="pt"))
        list(client.translate_many(["a"], to="pt"))
    methods = ("Translate", "StreamTranslate", "BatchTranslate")
    spans = [span for method in methods for span in program.named(f"polygist.v1.TranslationService/{method}")]
    assert len(spans) == 3
    assert set(instrumentation.found) >= {(each, True) for each in ids(spans)}
    assert all(is_suppressed for _, is_suppressed in instrumentation.found)
    assert context.get_value("suppress_instrumentation") is None


def test_attempts_are_events_of_one_span(fake: Fake, client: Client, program: Program):
    client.translate("a", to="pt")
    fake.script("Translate", Failing(grpc.StatusCode.CANCELLED))
    client.translate("b", to="pt")
    _, span = program.named(TRANSLATE)
    (event,) = span.events
    assert event.name == "repeat"
    assert event.attributes
    assert event.attributes["rpc.response.status_code"] == "CANCELLED"
    assert parents(fake, "Translate")[1:] == ids([span]) * 2


async def test_a_failed_call_is_an_error_with_its_reason(fake: Fake, aclient: AsyncClient, program: Program):
    fake.script("Translate", Failing(grpc.StatusCode.INVALID_ARGUMENT, reason="FIELD_INVALID"))
    with pytest.raises(InvalidArgument):
        await aclient.translate("a", to="pt")
    (span,) = program.named(TRANSLATE)
    assert not span.status.is_ok
    assert span.attributes
    assert span.attributes["rpc.response.status_code"] == "INVALID_ARGUMENT"
    assert span.attributes["polygist.reason"] == "FIELD_INVALID"


async def test_streams_and_many_items_are_one_span_each(
    fake: Fake, client: Client, aclient: AsyncClient, program: Program
):
    list(client.stream_translate("a. b.", to="pt"))
    assert [event async for event in aclient.stream_translate("a. b.", to="pt")]
    list(client.translate_many(["a", "b", "c"], to="pt"))
    assert [item async for item in aclient.translate_many(["a", "b", "c"], to="pt")]
    for method in ("StreamTranslate", "BatchTranslate"):
        spans = program.named(f"polygist.v1.TranslationService/{method}")
        assert len(spans) == 2
        assert parents(fake, method) == ids(spans)


def test_the_requests_of_many_articles_are_parts_of_what_the_program_is_at(
    fake: Fake, client: Client, program: Program
):
    with program.tracer.start_as_current_span("work") as work:
        list(client.summarise_many(["An article."] * 3))
    spans = program.named("polygist.v1.SummarisationService/Summarise")
    assert spans
    assert all(span.parent == work.get_span_context() for span in spans)


def test_a_stream_that_its_reader_leaves_is_cancelled_and_no_error(client: Client, program: Program):
    stream = client.stream_translate("a. b.", to="pt")
    next(stream)
    stream.close()
    (span,) = program.named("polygist.v1.TranslationService/StreamTranslate")
    assert span.status.is_unset
    assert span.attributes
    assert span.attributes["rpc.response.status_code"] == "CANCELLED"


def test_a_program_that_is_not_traced_sends_nothing(fake: Fake, client: Client):
    client.translate("a", to="pt")
    assert not {"traceparent", "tracestate"} & fake.asked[-1].metadata.keys()


def test_the_client_does_not_bring_opentelemetry():
    code = "import sys, polygist_client, polygist_client.cli; assert 'opentelemetry' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
