"""What a caller sees of a model that is not loaded yet."""

import asyncio
from contextlib import asynccontextmanager

from polygist.v1 import model_service_pb2, translation_service_pb2
from polygist_service.concurrency import TextPool
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.residency.registry import Registry

from tests.service.harness import failure_of, serving
from tests.service.shelf import Shelf

REQUEST = translation_service_pb2.TranslateRequest(
    contents=["The river is wide."], source_language_code="en", target_language_code="pt"
)


@asynccontextmanager
async def serving_from(shelf, **options):
    """A server on a registry that has loaded nothing."""
    registry, pool = Registry(shelf.loader(), **options), TextPool(1)
    engine = BatchingEngine(registry, slots=1, pool=pool)
    try:
        async with serving(engine) as service:
            yield service
    finally:
        shelf.gate.set()
        registry.close()
        await asyncio.to_thread(engine.close)
        pool.close()


async def test_the_first_call_waits_for_its_model():
    async with serving_from(Shelf(en_pt=1)) as service:
        reply = await service.translation.Translate(REQUEST, timeout=30)
        assert reply.translations[0].translated_text == "en-pt@r1 The river is wide."
        count = model_service_pb2.CountTokensRequest(contents=["one two"], model="models/en-pt")
        assert list((await service.models.CountTokens(count)).token_counts) == [2]


async def test_tokens_are_counted_by_a_model_that_was_not_loaded():
    async with serving_from(Shelf(en_pt=1)) as service:
        count = model_service_pb2.CountTokensRequest(contents=["one two"], model="models/en-pt")
        assert list((await service.models.CountTokens(count)).token_counts) == [2]


async def test_who_has_no_time_is_told_when_to_come_back():
    shelf = Shelf(en_pt=1)
    async with serving_from(shelf) as service:
        shelf.gate.clear()
        failure = await failure_of(service.translation.Translate(REQUEST, timeout=1))
        assert (failure.code, failure.reason) == ("UNAVAILABLE", "MODEL_LOADING")
        assert "RetryInfo" in failure.details
        assert int(failure.trailer["grpc-retry-pushback-ms"]) >= 500
        shelf.gate.set()
        assert (await service.translation.Translate(REQUEST, timeout=30)).translations


async def test_a_model_that_does_not_load_keeps_its_reason_to_the_log():
    shelf = Shelf(en_pt=1)
    shelf.faulty["en-pt"] = "bad alloc in /srv/secret"
    async with serving_from(shelf) as service:
        failure = await failure_of(service.translation.Translate(REQUEST, timeout=30))
        assert (failure.code, failure.reason) == ("INTERNAL", "INFERENCE_FAILED")
        assert failure.message == "model en-pt does not load; the server's log has the reason"


async def test_a_model_beyond_the_memory_is_refused():
    async with serving_from(Shelf(en_pt=300), memory_cap=200) as service:
        failure = await failure_of(service.translation.Translate(REQUEST, timeout=30))
        assert (failure.code, failure.reason) == ("FAILED_PRECONDITION", "CAPABILITY_UNSUPPORTED")
        assert "memory_cap" in failure.message
