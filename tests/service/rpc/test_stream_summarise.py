import asyncio
from dataclasses import replace

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polygist.v1 import summarisation_service_pb2
from polygist_service.engine.interface import Role, State
from polygist_service.limits import Limits

from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine
from tests.service.harness import read_failure, serving
from tests.service.rpc.test_summarise import ARTICLE, make

WRITER = replace(
    EN_PT, name="writer", role=Role.SUMMARISATION, source_languages=("en",), target_languages=("en",),
    max_input_tokens=30,
)  # fmt: skip


def first_sentence(text):
    return text.partition(".")[0] + "."


def writing(**fields):
    return EchoEngine(ENCODER, replace(WRITER, **fields), EN_PT, PT_EN, answer=first_sentence)


async def stream(service, request):
    wrapped = summarisation_service_pb2.StreamSummariseRequest(request=request)
    return [event async for event in service.summarisation.StreamSummarise(wrapped)]


async def collect(events, received):
    async for event in events:
        received.append(event)


async def refused(request, engine=None, **options):
    async with serving(engine or EchoEngine(), **options) as service:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream(service, request)
    return read_failure(caught.value)


def join(events, count):
    """The reply that the events of a stream of `count` contents amount to; raises where their order is wrong."""
    reply = summarisation_service_pb2.SummariseResponse()
    texts = [""] * count
    *rest, last = events
    reply.usage.CopyFrom(last.usage)
    for event in rest:
        assert event.content_index == len(reply.summaries)
        kind = event.WhichOneof("event")
        if kind == "text_delta":
            assert event.text_delta
            texts[event.content_index] += event.text_delta
        elif kind == "summary":
            assert event.summary.text == ""
            summary = reply.summaries.add()
            summary.CopyFrom(event.summary)
            summary.text = texts[event.content_index]
        else:
            assert kind == "progress"
            assert not texts[event.content_index]
            assert 0 < event.progress.completed_count <= event.progress.total_count
    return reply


async def compare(service, request):
    unary = await service.summarisation.Summarise(request)
    assert join(await stream(service, request), len(request.contents)) == unary
    return unary


@pytest.mark.parametrize("method", ["SUMMARY_METHOD_EXTRACTIVE", "SUMMARY_METHOD_ABSTRACTIVE"])
@pytest.mark.parametrize("kind", ["PARAGRAPH", "TLDR", "KEY_POINTS"])
@pytest.mark.parametrize("length", ["SHORT", "MEDIUM", "LONG"])
@pytest.mark.parametrize("mime_type", ["text/plain", "text/markdown"])
async def test_a_stream_is_the_unary_answer_in_pieces(method, kind, length, mime_type):
    request = make(
        ARTICLE, f"* {ARTICLE}", "", " 12 ", method=method, type=f"SUMMARY_TYPE_{kind}",
        length=f"SUMMARY_LENGTH_{length}", output_mime_type=mime_type, output_config={"include_citations": True},
    )  # fmt: skip
    async with serving(writing()) as service:
        await compare(service, request)


async def test_a_stream_in_another_language_and_a_headline():
    async with serving(writing()) as service:
        reply = await compare(service, make(target_language_code="pt", method="SUMMARY_METHOD_ABSTRACTIVE"))
        assert reply.summaries[0].target_language_code == "pt"
        headline = await compare(service, make(type="SUMMARY_TYPE_HEADLINE"))
        assert not headline.summaries[0].text.endswith(".")


sentences = st.lists(st.text(alphabet="ab cé.!\n*-\U0001f600", max_size=30), max_size=12).map(". ".join)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(sentences, min_size=1, max_size=3), st.sampled_from(["", "text/markdown"]), st.integers(0, 4))
def test_any_text_streams_as_it_is_answered(texts, mime_type, count):
    async def check():
        request = make(*texts, output_mime_type=mime_type, **({"max_sentence_count": count} if count else {}))
        # Every text becomes itself between brackets, so something is always written.
        async with serving(EchoEngine(replace(WRITER, max_input_tokens=64))) as service:
            await compare(service, request)

    asyncio.run(check())


async def test_a_long_article_shows_its_progress_level_by_level():
    engine = EchoEngine(WRITER, answer=lambda text: " ".join(text.split()[:4]) + ".")
    async with serving(engine) as service:
        events = await stream(service, make(length="SUMMARY_LENGTH_SHORT"))
    progress = [event.progress for event in events if event.HasField("progress")]
    assert [each.completed_count for each in progress] == list(range(1, len(progress) + 1))
    assert progress[0].total_count < progress[-1].total_count == progress[-1].completed_count


async def test_cancelling_stops_the_work():
    engine = writing()
    engine.delay = 0.05
    request = summarisation_service_pb2.StreamSummariseRequest(request=make(" ".join([ARTICLE] * 20), ARTICLE))
    async with serving(engine) as service:
        call = service.summarisation.StreamSummarise(request)
        assert (await call.read()).HasField("progress")
        assert engine.held
        call.cancel()
        await asyncio.wait_for(engine.free.wait(), 10)
        levels = len(engine.options)
        await asyncio.sleep(0.2)
        assert (engine.held, len(engine.options), service.in_flight.active) == ([], levels, 0)


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (summarisation_service_pb2.SummariseRequest(), "INVALID_ARGUMENT", "FIELD_INVALID"),
        (make(model="models/none"), "NOT_FOUND", "MODEL_NOT_FOUND"),
        (make(glossary_config={"ignore_case": True}), "INVALID_ARGUMENT", "FIELD_INVALID"),
        (make(mime_type="image/png"), "INVALID_ARGUMENT", "MIME_TYPE_UNSUPPORTED"),
        (make(target_language_code="fi"), "FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED"),
        (make(ARTICLE, method="SUMMARY_METHOD_ABSTRACTIVE"), "FAILED_PRECONDITION", "CAPABILITY_UNSUPPORTED"),
    ],
)
async def test_what_is_wrong_with_a_request_is_told_before_any_work(request_, code, reason):
    engine = EchoEngine()
    failure = await refused(request_, engine)
    assert (failure.code, failure.reason) == (code, reason)
    assert engine.segments == []


async def test_limits_loading_models_and_failing_ones():
    large = await refused(make("x" * 50), limits=Limits(request_characters=40))
    assert large.reason == "REQUEST_TOO_LARGE"
    loading = await refused(make(), EchoEngine(replace(ENCODER, state=State.LOADING)))
    assert (loading.code, loading.reason) == ("UNAVAILABLE", "MODEL_LOADING")
    failing = await refused(make(), EchoEngine(replace(WRITER, state=State.FAILED)))
    assert (failing.code, failing.reason) == ("INTERNAL", "INFERENCE_FAILED")
    silent = await refused(make(), EchoEngine(WRITER, answer=lambda _: ""))
    assert (silent.code, silent.reason) == ("INTERNAL", "INFERENCE_FAILED")


async def test_what_came_before_a_failure_stays_valid():
    def answer(text):
        return "" if "fails" in text else first_sentence(text)

    received = []
    async with serving(EchoEngine(WRITER, answer=answer)) as service:
        request = summarisation_service_pb2.StreamSummariseRequest(request=make("It rains. It snows.", "This fails."))
        with pytest.raises(grpc.aio.AioRpcError):
            await collect(service.summarisation.StreamSummarise(request), received)
    assert "".join(event.text_delta for event in received) == "It rains."


async def test_an_experimental_model_warns_where_it_is_named():
    async with serving(writing(is_experimental=True)) as service:
        chosen = await compare(service, make())
        named = await compare(service, make(model="models/writer", length="SUMMARY_LENGTH_SHORT"))
    assert chosen.summaries[0].method == summarisation_service_pb2.SUMMARY_METHOD_EXTRACTIVE
    assert 16 in [warning.code for warning in named.summaries[0].warnings]
