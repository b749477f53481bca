import asyncio

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polygist.v1 import translation_service_pb2
from polygist_service.engine.interface import State
from polygist_service.limits import Limits

from tests.service.echo import EN_PT, EchoEngine, pair
from tests.service.harness import read_failure, serving, until
from tests.service.rpc.test_translate import ENGLISH, PORTUGUESE, make

SENTENCES = " ".join(f"Number {count} is a sentence of its own." for count in range(60))


async def stream(service, request):
    wrapped = translation_service_pb2.StreamTranslateRequest(request=request)
    return [event async for event in service.translation.StreamTranslate(wrapped)]


def join(events, count):
    """The reply that the events of a stream of `count` contents amount to; raises where their order is wrong."""
    reply = translation_service_pb2.TranslateResponse()
    texts = [""] * count
    *rest, last = events
    reply.usage.CopyFrom(last.usage)
    completed = 0
    for event in rest:
        kind = event.WhichOneof("event")
        if kind == "progress":
            assert completed <= event.progress.completed_count <= event.progress.total_count
            completed = event.progress.completed_count
            continue
        assert event.content_index == len(reply.translations)
        if kind == "text_delta":
            assert event.text_delta
            texts[event.content_index] += event.text_delta
        else:
            assert kind == "translation"
            assert event.translation.translated_text == ""
            translation = reply.translations.add()
            translation.CopyFrom(event.translation)
            translation.translated_text = texts[event.content_index]
    return reply


async def collect(events, received):
    async for event in events:
        received.append(event)


async def compare(service, request):
    unary = await service.translation.Translate(request)
    events = await stream(service, request)
    assert join(events, len(request.contents)) == unary
    return unary, events


async def refused(request, engine=None, **options):
    async with serving(engine or EchoEngine(), **options) as service:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream(service, request)
    return read_failure(caught.value)


async def test_a_stream_is_the_unary_answer_in_pieces():
    request = make(
        f"{ENGLISH} {ENGLISH}\n\n* One.\r\n", "", "  12 \n", SENTENCES, PORTUGUESE, source_language_code="",
        alternative_count=2, output_config={"include_segments": True, "include_score": True},
    )  # fmt: skip
    async with serving(EchoEngine()) as service:
        unary, events = await compare(service, request)
    assert {each.source_language_code for each in unary.translations} == {"en", "und", "pt"}
    last = [event.progress for event in events if event.HasField("progress")][-1]
    assert last.completed_count == last.total_count > 60


async def test_a_stream_through_a_second_language():
    engine = EchoEngine(pair("pt", "en"), pair("en", "fr"))
    async with serving(engine) as service:
        unary, _ = await compare(service, make(PORTUGUESE, target="fr", source_language_code="pt"))
    assert list(unary.translations[0].pivot_language_codes) == ["en"]


words = st.lists(st.text(alphabet="ab cé.!?\n*-1 \U0001f600", max_size=30), max_size=12).map(". ".join)


def test_any_text_streams_as_it_is_answered():
    server = serving(EchoEngine())
    with asyncio.Runner() as loop:
        service = loop.run(server.__aenter__())

        @settings(max_examples=500)
        @given(st.lists(words, min_size=1, max_size=3))
        def check(texts):
            loop.run(compare(service, make(*texts)))

        try:
            check()
        finally:
            loop.run(server.__aexit__(None, None, None))


async def test_segments_come_as_they_finish():
    engine = EchoEngine(delay=0.02, reverses=False)
    async with serving(engine) as service:
        call = service.translation.StreamTranslate(
            translation_service_pb2.StreamTranslateRequest(request=make(SENTENCES))
        )
        events = aiter(call)
        first = await anext(events)
        assert first.text_delta.startswith("[Number 0 is")
        assert len(first.text_delta) < len(SENTENCES) / 2
        assert engine.held  # it goes on
        rest = [event async for event in events]
    # Sixty segments in 1.2 s, in messages that are 50 ms apart.
    deltas = [event for event in rest if event.HasField("text_delta")]
    assert 2 <= len(deltas) <= 40
    assert rest[-1].HasField("usage")


async def test_cancelling_stops_the_work():
    engine = EchoEngine(delay=0.05, reverses=False)
    async with serving(engine) as service:
        call = service.translation.StreamTranslate(
            translation_service_pb2.StreamTranslateRequest(request=make(SENTENCES, SENTENCES[9:]))
        )
        await call.read()
        assert engine.held
        call.cancel()
        await asyncio.wait_for(engine.free.wait(), 10)
        await until(lambda: not service.in_flight.active)
        assert not engine.held


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (translation_service_pb2.TranslateRequest(), "INVALID_ARGUMENT", "FIELD_INVALID"),
        (make("One.", model="models/none"), "NOT_FOUND", "MODEL_NOT_FOUND"),
        (make("One.", glossary_config={"glossary": "glossaries/none"}), "NOT_FOUND", "GLOSSARY_NOT_FOUND"),
        (make("One.", mime_type="image/png"), "INVALID_ARGUMENT", "MIME_TYPE_UNSUPPORTED"),
        (make("One.", target="fi"), "FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED"),
        (make("ᏣᎳᎩ", source_language_code=""), "FAILED_PRECONDITION", "LANGUAGE_UNDETERMINED"),
    ],
)
async def test_what_is_wrong_with_a_request_is_told_before_any_work(request_, code, reason):
    engine = EchoEngine()
    failure = await refused(request_, engine)
    assert (failure.code, failure.reason) == (code, reason)
    assert not engine.segments


async def test_a_deadline_in_the_middle_leaves_what_was_sent():
    async with serving(EchoEngine(delay=0.1, reverses=False)) as service:
        wrapped = translation_service_pb2.StreamTranslateRequest(request=make(SENTENCES))
        call = service.translation.StreamTranslate(wrapped, timeout=1)
        received: list[translation_service_pb2.StreamTranslateResponse] = []
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await collect(call, received)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "".join(event.text_delta for event in received).startswith("[Number 0 is")


async def test_a_model_that_is_not_there_yet_is_told():
    failure = await refused(make("One."), EchoEngine(pair("en", "pt", state=State.LOADING)))
    assert (failure.code, failure.reason) == ("UNAVAILABLE", "MODEL_LOADING")


async def test_the_servers_longest_deadline_holds_for_streams():
    failure = await refused(make(SENTENCES), EchoEngine(EN_PT, delay=0.2), limits=Limits(deadline_seconds=1))
    assert failure.code == "DEADLINE_EXCEEDED"


async def test_a_long_piece_comes_in_several_messages():
    text = "1234567890 " * 10_000  # has no letters, so that it comes back as it is, at once
    async with serving(EchoEngine()) as service:
        _, events = await compare(service, make(text))
    lengths = [len(event.text_delta) for event in events if event.HasField("text_delta")]
    assert lengths == [32_768, 32_768, 32_768, len(text) - 3 * 32_768]
