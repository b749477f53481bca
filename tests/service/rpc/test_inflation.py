"""Messages that may be compressed."""

import asyncio
import gzip
import zlib

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist.v1 import translation_service_pb2
from polygist_service.errors import InvalidRequest, PolygistError, RequestTooLarge
from polygist_service.limits import Limits
from polygist_service.rpc.inflation import AT_ONCE_BYTES, Inflation

from tests.service.echo import EchoEngine
from tests.service.harness import blocking_translation, failure_of, failure_of_stream, serving
from tests.service.rpc.test_batch_translate import config, item
from tests.service.rpc.test_translate import make

MOST = 4 * AT_ONCE_BYTES
LONG = "One." + " " * 2 * AT_ONCE_BYTES
PACKERS = [gzip.compress, zlib.compress]


def inflate(message, most=MOST):
    """What a message becomes, or the error that it is refused with."""

    async def run():
        inflation = Inflation(message, most)
        if not inflation.begin():
            await inflation.finish()
        return inflation.take()

    try:
        return asyncio.run(run())
    except PolygistError as error:
        return error


@pytest.mark.parametrize("pack", PACKERS)
@given(content=st.binary(max_size=100), times=st.sampled_from([0, 1, 1000]))
def test_what_is_compressed_becomes_what_it_was(pack, content, times):
    assert inflate(pack(content * times)) == content * times


@given(text=st.text(), number=st.integers(0, 1 << 40))
def test_a_message_that_is_not_compressed_is_left_as_it_is(text, number):
    message = translation_service_pb2.TranslateRequest(contents=[text], model=text).SerializeToString()
    assert inflate(message) == message
    fifteenth = b"\x78" + number.to_bytes(6, "big")  # a field that begins as zlib does
    assert inflate(fifteenth) == fifteenth


@pytest.mark.parametrize("pack", PACKERS)
def test_it_may_become_so_many_bytes_and_no_more(pack):
    assert inflate(pack(b"a" * MOST)) == b"a" * MOST
    refusal = inflate(pack(b"a" * (MOST + 1)))
    assert isinstance(refusal, RequestTooLarge)
    assert refusal.message == f"request: inflates to more than {MOST} bytes, which are the most; send less at once"


@pytest.mark.parametrize("size", [10, 3 * AT_ONCE_BYTES])
def test_gzip_that_is_damaged_is_named(size):
    packed = gzip.compress(b"a" * size)
    for damaged in (packed[:-1], packed[:11], packed + b"x", packed[:-8] + b"\0" * 8, packed[:10] + b"\xff" * 20):
        refusal = inflate(damaged)
        assert isinstance(refusal, InvalidRequest)
        assert "cannot be inflated" in refusal.message


@pytest.mark.parametrize("compression", list(grpc.Compression))
@pytest.mark.parametrize("text", ["One.", LONG])
async def test_callers_may_compress(compression, text):
    async with serving(EchoEngine()) as service:
        unary = await service.translation.Translate(make(text), compression=compression)
        stream = service.translation.BatchTranslate(iter([config(), item("1", text)]), compression=compression)
        (answer,) = [answer async for answer in stream]
    assert unary.translations[0].translated_text == answer.translation.translated_text
    assert answer.translation.translated_text.strip() == "[One.]"


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
async def test_what_becomes_too_long_is_refused_by_name_and_the_next_call_is_answered(compression):
    async with serving(EchoEngine(), limits=Limits(message_bytes=MOST)) as service:
        with blocking_translation(service) as translation:
            stream = translation.BatchTranslate(iter([config(), item("1", "a" * MOST)]), compression=compression)
            failures = [
                await failure_of(service.translation.Translate(make("a" * MOST), compression=compression)),
                await failure_of_stream(stream),
            ]
        assert await service.translation.Translate(make("One."), compression=compression)
    assert [(failure.code, failure.reason) for failure in failures] == [("INVALID_ARGUMENT", "REQUEST_TOO_LARGE")] * 2
