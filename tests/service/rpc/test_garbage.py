"""A call that has ended leaves nothing to the cyclic collector.

That comes by seldom, least of all to what has been there for a while: texts and tokens of a call that took long stayed
for as long again.
"""

import asyncio
import gc
import types
from contextlib import suppress

import grpc
import pytest
from polygist.v1 import summarisation_service_pb2, translation_service_pb2

from tests.service.echo import EchoEngine
from tests.service.harness import serving, until
from tests.service.rpc.test_translate import make

TEXT = " ".join(f"Sentence number {count} of the text." for count in range(100))
ARTICLE = summarisation_service_pb2.SummariseRequest(contents=[TEXT])
CONFIG = translation_service_pb2.TranslateRequest(source_language_code="en", target_language_code="pt")
NO_PAIR = translation_service_pb2.TranslateRequest(
    contents=[TEXT], source_language_code="en", target_language_code="fi"
)


async def batch(*requests):
    yield translation_service_pb2.BatchTranslateRequest(config=CONFIG)
    for count, content in enumerate(requests):
        yield translation_service_pb2.BatchTranslateRequest(
            item=translation_service_pb2.BatchItem(item_id=f"{count}", content=content)
        )


CALLS = {
    "translate": lambda service: service.translation.Translate(make(TEXT)),
    "translate several": lambda service: service.translation.Translate(make(TEXT, TEXT.upper(), "One.")),
    "no pair": lambda service: service.translation.Translate(NO_PAIR),
    "stream translate": lambda service: service.translation.StreamTranslate(
        translation_service_pb2.StreamTranslateRequest(request=make(TEXT, "Two."))
    ),
    "batch translate": lambda service: service.translation.BatchTranslate(batch(TEXT, "Two.", TEXT * 2)),
    "batch of empty ids": lambda service: service.translation.BatchTranslate(
        iter([translation_service_pb2.BatchTranslateRequest(item=translation_service_pb2.BatchItem(content=TEXT))])
    ),
    "document": lambda service: service.translation.TranslateDocument(
        translation_service_pb2.TranslateDocumentRequest(document=TEXT.encode(), mime_type="text/plain", config=CONFIG)
    ),
    "detect": lambda service: service.translation.DetectLanguage(
        translation_service_pb2.DetectLanguageRequest(contents=[TEXT] * 20)
    ),
    "summarise": lambda service: service.summarisation.Summarise(ARTICLE),
    "stream summarise": lambda service: service.summarisation.StreamSummarise(
        summarisation_service_pb2.StreamSummariseRequest(request=ARTICLE)
    ),
}


WITHOUT_ENGINE = {"no pair", "batch of empty ids", "detect"}


async def end(call, *, gives_up_once):
    """Let a call end, or give it up once something is the case."""
    read = asyncio.ensure_future(call) if hasattr(call, "__await__") else asyncio.create_task(read_all(call))
    if gives_up_once:
        await until(gives_up_once)
        await asyncio.sleep(0.02)
        call.cancel()
    with suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
        await read


async def read_all(call):
    async for _ in call:
        pass


def find_left() -> list[str]:
    """Frames of this package that only the collector finds, with what they know."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        frames = [each for each in gc.garbage if isinstance(each, types.FrameType) and each.f_locals]
        names = [each.f_code.co_qualname for each in frames if "/polygist_service/" in each.f_code.co_filename]
        return [name for name in names if not name.startswith("leaving_nothing")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


@pytest.fixture(scope="module", autouse=True)
def without_collector():
    """Have the collector look at what these tests leave, when they ask."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.parametrize(
    ("name", "is_given_up"),
    [*((name, False) for name in CALLS), *((name, True) for name in CALLS if name not in WITHOUT_ENGINE)],
)
async def test_what_a_call_leaves(name, is_given_up):
    engine = EchoEngine()
    async with serving(engine) as service:
        await end(CALLS[name](service), gives_up_once=None)
        engine.delay = 0.005 if is_given_up else 0.0
        engine.contexts.clear()
        gc.collect()
        await end(CALLS[name](service), gives_up_once=(lambda: engine.contexts) if is_given_up else None)
        await until(lambda: not service.in_flight.active)
        await asyncio.sleep(0.02)
        assert find_left() == []
