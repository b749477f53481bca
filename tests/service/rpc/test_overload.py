"""What becomes of calls when too many come: real calls over gRPC, the engine being a fake."""

import asyncio

import grpc
import pytest
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2
from polygist_service.limits import Limits

from tests.service.echo import EchoEngine
from tests.service.harness import (
    Service,
    blocking_translation,
    failure_of,
    failure_of_stream,
    read_failure,
    serving,
    until,
)


def write(sentences: int) -> str:
    """An article of so many sentences of 20 characters, no two alike: what stands twice is decoded once."""
    return " ".join(f"Sentence number {count:03}." for count in range(sentences))


ARTICLE = write(2000)


def translate(service: Service, *contents: str, timeout: float = 30.0):
    """Start a translation."""
    request = translation_service_pb2.TranslateRequest(
        contents=contents, source_language_code="en", target_language_code="pt"
    )
    return service.translation.Translate(request, timeout=timeout)


async def learn(service: Service) -> None:
    """Let the server see what calls cost."""
    for _ in range(3):
        await translate(service, write(10))


@pytest.fixture
async def busy():
    """A server that allows 1 s of work to wait before a call, where one of about 10 s waits."""
    engine = EchoEngine(delay=0.005)
    async with serving(engine, limits=Limits(queue_seconds=1)) as service:
        await learn(service)
        engine.delay = 0.1
        article = asyncio.ensure_future(translate(service, write(2000)))
        await until(lambda: len(engine.held) == 1)
        try:
            yield service
        finally:
            article.cancel()


async def test_a_call_that_comes_when_too_much_waits_is_refused_with_a_time_to_come_back(busy):
    failure = await failure_of(translate(busy, write(2000)))
    assert (failure.code, failure.reason) == ("UNAVAILABLE", "SERVER_OVERLOADED")
    assert failure.details == ("ErrorInfo", "RetryInfo")
    assert failure.message.startswith("about ")
    assert "1 s are the most; try again in " in failure.message
    assert 0 < int(failure.trailer["grpc-retry-pushback-ms"]) < 30_000
    assert "x-request-id" in failure.trailer
    assert busy.in_flight.active == 1


async def test_a_short_call_is_answered_beside_one_that_fills_the_queue(busy):
    assert (await translate(busy, "One more.")).translations[0].translated_text == "[One more.]"
    await until(lambda: busy.in_flight.active == 1)


async def test_a_call_whose_deadline_is_too_near_is_refused_and_not_to_be_made_again(busy):
    failure = await failure_of(translate(busy, write(2000), timeout=0.5))
    assert (failure.code, failure.reason) == ("UNAVAILABLE", "SERVER_OVERLOADED")
    assert "its deadline is in 0." in failure.message
    assert failure.trailer["grpc-retry-pushback-ms"] == "-1"
    assert failure.details == ("ErrorInfo",)  # nor later: it takes longer than that by itself


async def test_streams_and_files_and_summaries_are_refused_as_well(busy):
    english = translation_service_pb2.TranslateRequest(
        contents=[ARTICLE], source_language_code="en", target_language_code="pt"
    )
    article = summarisation_service_pb2.SummariseRequest(contents=[ARTICLE])
    streams = [
        busy.translation.StreamTranslate(translation_service_pb2.StreamTranslateRequest(request=english), timeout=9),
        busy.summarisation.StreamSummarise(
            summarisation_service_pb2.StreamSummariseRequest(request=article), timeout=9
        ),
    ]
    for stream in streams:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stream.read()
        assert read_failure(raised.value).reason == "SERVER_OVERLOADED"
    file = translation_service_pb2.TranslateDocumentRequest(
        document=ARTICLE.encode(),
        mime_type="text/plain",
        config=translation_service_pb2.TranslateRequest(source_language_code="en", target_language_code="pt"),
    )
    for call in (busy.translation.TranslateDocument(file), busy.summarisation.Summarise(article)):
        assert (await failure_of(call)).reason == "SERVER_OVERLOADED"


async def test_questions_are_answered_all_the_same(busy):
    await busy.models.ListModels(model_service_pb2.ListModelsRequest())
    await busy.models.GetServerInfo(model_service_pb2.GetServerInfoRequest())
    await busy.models.CountTokens(model_service_pb2.CountTokensRequest(contents=["One."], model="models/en-pt"))
    await busy.translation.DetectLanguage(
        translation_service_pb2.DetectLanguageRequest(contents=["O comboio parte às nove horas da estação."])
    )


async def test_items_of_a_stream_wait_for_room_and_none_is_refused():
    engine = EchoEngine(delay=0.005)
    async with serving(engine, limits=Limits(queue_seconds=1)) as service:
        await learn(service)
        engine.delay = 0.02
        article = asyncio.ensure_future(translate(service, write(800)))
        await until(lambda: engine.held)
        stream = service.translation.BatchTranslate()
        config = translation_service_pb2.TranslateRequest(source_language_code="en", target_language_code="pt")
        await stream.write(translation_service_pb2.BatchTranslateRequest(config=config))
        await stream.write(
            translation_service_pb2.BatchTranslateRequest(
                item=translation_service_pb2.BatchItem(item_id="1", content=write(400))
            )
        )
        await stream.done_writing()
        reading = asyncio.ensure_future(stream.read())
        await asyncio.sleep(0.1)
        assert len(engine.held) == 1
        engine.delay = 0.0
        article.cancel()
        assert (await reading).translation.translated_text.endswith("[Sentence number 399.]")
        assert await stream.read() is grpc.aio.EOF


async def test_texts_beyond_the_memory_that_is_allowed_are_refused():
    engine = EchoEngine(delay=0.02)
    async with serving(engine, limits=Limits(queue_bytes=300_000)) as service:
        article = asyncio.ensure_future(translate(service, write(400)))
        await until(lambda: engine.held)
        failure = await failure_of(translate(service, "One more."))
        assert (failure.code, failure.reason) == ("UNAVAILABLE", "SERVER_OVERLOADED")
        assert "MB of memory" in failure.message
        assert failure.details == ("ErrorInfo", "RetryInfo")
        assert int(failure.trailer["grpc-retry-pushback-ms"]) >= 1000
        article.cancel()
        await until(lambda: not engine.held)
        assert await translate(service, "One more.")


async def test_two_thousand_calls_at_once_are_all_answered():
    engine = EchoEngine()
    async with serving(engine) as service:
        await learn(service)
        calls = [translate(service, f"Sentence {count}.", timeout=600) for count in range(2000)]
        replies = await asyncio.gather(*calls)
    assert [reply.translations[0].translated_text for reply in replies] == [
        f"[Sentence {count}.]" for count in range(2000)
    ]


async def test_the_configs_of_streams_take_memory_for_as_long_as_these_last():
    entries = [{"source_term": f"term {number}", "target_term": f"termo {number}"} for number in range(500)]
    config = translation_service_pb2.TranslateRequest(
        source_language_code="en", target_language_code="pt", glossary_config={"entries": entries}
    )
    first = translation_service_pb2.BatchTranslateRequest(config=config)
    item = translation_service_pb2.BatchTranslateRequest(item={"item_id": "1", "content": "One."})
    async with serving(EchoEngine(), limits=Limits(queue_bytes=1_000_000)) as service:
        held = service.translation.BatchTranslate()
        await held.write(first)
        await held.write(item)
        assert (await held.read()).item_id == "1"
        with blocking_translation(service) as translation:
            failure = await failure_of_stream(translation.BatchTranslate(iter([first, item])))
        assert (failure.code, failure.reason) == ("UNAVAILABLE", "SERVER_OVERLOADED")
        assert "MB of memory" in failure.message
        await held.done_writing()
        assert await held.read() is grpc.aio.EOF
        await until(lambda: not service.in_flight.active)
        assert (await service.translation.BatchTranslate(iter([first, item])).read()).item_id == "1"
