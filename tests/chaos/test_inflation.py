"""Messages that are small on the wire and large in memory: refused by their size, or worked on without much more."""

import asyncio
import gzip
from collections import Counter
from contextlib import AsyncExitStack

import grpc
import pytest
from polygist.v1.translation_service_pb2 import TranslateRequest
from polygist_client import Client

from tests.chaos.figures import read_resident
from tests.end_to_end.load import TEXT
from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.chaos

METHOD = "/polygist.v1.TranslationService/Translate"
OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
CALLS = 50
LONGEST_BYTES, BOMB_BYTES = 15_000_000, 400_000_000


@pytest.fixture(scope="module")
def server(tiny_home, tmp_path_factory):
    """A server that nothing large has been sent to."""
    with ServerProcess(tiny_home, tmp_path_factory.mktemp("inflation") / "log") as process:
        process.wait_until_serving()
        yield process


def make_message(size):
    """A request whose only text has so many letters."""
    return TranslateRequest(
        contents=["a" * size], source_language_code="de", target_language_code="en"
    ).SerializeToString()


async def send(server, message, calls):
    """Send a message compressed in so many calls at once, each on a connection of its own; the codes that came."""
    async with AsyncExitStack() as stack:

        async def call():
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(server.address, OPTIONS))
            method = channel.unary_unary(METHOD)
            try:
                await method(message, timeout=120, compression=grpc.Compression.Gzip)
            except grpc.aio.AioRpcError as error:
                return error.code().name
            return "OK"

        return Counter(await asyncio.gather(*(call() for _ in range(calls))))


@pytest.mark.parametrize(
    ("size", "calls", "codes"),
    [(LONGEST_BYTES, CALLS, {"INVALID_ARGUMENT", "UNAVAILABLE"}), (BOMB_BYTES, 2, {"INVALID_ARGUMENT"})],
)
async def test_it_is_refused_and_the_next_call_is_answered(server, figures, size, calls, codes):
    message = make_message(size)
    before = read_resident(server.process.pid)
    sending, most = asyncio.create_task(send(server, message, calls)), before
    while not sending.done():
        most = max(most, read_resident(server.process.pid))
        await asyncio.sleep(0.01)
    seen = await sending
    figures.inputs = calls
    with Client(server.address) as client:
        assert client.translate(TEXT, to="en", source="de", timeout=60).text
    await asyncio.sleep(10)
    figures.growth = read_resident(server.process.pid) - before
    figures.notes.append(
        f"{calls} calls of {size / 1e6:.0f} MB, {len(gzip.compress(message)) / 1000:.0f} kB on the wire: "
        f"{before:.0f} MB before, {most:.0f} at most, {before + figures.growth:.0f} MB ten seconds later; {dict(seen)}"
    )
    assert set(seen) <= codes
    assert seen.total() == calls
