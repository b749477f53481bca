"""Callers who leave at any moment, thousands of them: nothing of their calls is left, and the next one is answered."""

import asyncio
import random
import time

import grpc
import pytest
from polygist.v1.translation_service_pb2 import TranslateRequest
from polygist.v1.translation_service_pb2_grpc import TranslationServiceStub
from polygist_client import Client

from tests.chaos.figures import read_resident
from tests.end_to_end.load import TEXT
from tests.end_to_end.server import ServerProcess, wait_until

pytestmark = pytest.mark.chaos

CALLS, AT_ONCE, LONGEST_SECONDS = 10_000, 40, 0.1
SEED = 10
# A kilobyte that is left of each call would be 10 of them.
MOST_MEGABYTES = 30


async def leave(server, calls):
    """Begin so many calls, and leave each of them soon; how many were answered before that."""
    chance, turns = random.Random(SEED), asyncio.Semaphore(AT_ONCE)
    async with grpc.aio.insecure_channel(server.address, (("grpc.enable_retries", 0),)) as channel:
        stub = TranslationServiceStub(channel)

        async def call(number):
            request = TranslateRequest(
                contents=[f"Der alte Markt {number}."], source_language_code="de", target_language_code="en"
            )
            async with turns:
                begun = stub.Translate(request, timeout=60)
                await asyncio.sleep(chance.random() * LONGEST_SECONDS)
                return not begun.cancel()

        return sum(await asyncio.gather(*(call(number) for number in range(calls))))


async def test_nothing_is_left_of_ten_thousand_who_leave(tiny_home, tmp_path, figures):
    with ServerProcess(tiny_home, tmp_path / "log", "--sentence-cache", "0") as server:
        server.wait_until_serving()
        with Client(server.address) as client:
            expected = client.translate(TEXT, to="en", source="de", timeout=60).text
            await leave(server, CALLS // 10)
            before = read_resident(server.process.pid)
            with figures.timed():
                answered = await leave(server, CALLS)
            began, info = time.monotonic(), client.server_info
            await asyncio.to_thread(wait_until, lambda: info().active_requests <= 1 and not info().queued_requests)
            assert client.translate(TEXT, to="en", source="de", timeout=60).text == expected
        # Calls that were not taken on before their callers left have some 8 kB each, until the server has seen them.
        most = read_resident(server.process.pid)
        await asyncio.to_thread(wait_until, lambda: read_resident(server.process.pid) < before + MOST_MEGABYTES)
        figures.recoveries.append(time.monotonic() - began)
        figures.calls = figures.faults = CALLS
        figures.growth = read_resident(server.process.pid) - before
        figures.notes.append(
            f"{CALLS} callers who leave within {LONGEST_SECONDS} s: {answered} were answered before; "
            f"{before:.0f} MB before, {most:.0f} at their end"
        )
        assert server.stop() == 0
