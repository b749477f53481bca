"""Calls of many items while servers end, and callers who neither read nor stop."""

import asyncio
import itertools
import os
import random
import signal
import time
from contextlib import ExitStack, suppress

import grpc
import pytest
from polygist.v1.translation_service_pb2 import BatchItem, BatchTranslateRequest, TranslateRequest
from polygist.v1.translation_service_pb2_grpc import TranslationServiceStub
from polygist_client import AsyncClient, Client

from tests.chaos.figures import read_resident
from tests.end_to_end.server import ServerProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]

ITEMS = 10_000
WARM_UP = 2000
ENDS = 5
PATIENCE = 60
SEED = 13
READERS = 20
# More than a server waits for its caller; a busy machine takes a while until it has nothing to do but wait.
SLEEP_SECONDS = 90


class Servers:
    """One server after the other at the same address; a context manager that ends the last."""

    def __init__(self, home, folder):
        self._home, self._folder = home, folder
        self._stack = ExitStack()
        self._numbers = itertools.count()
        self._chance = random.Random(SEED)
        self.address = None
        self.process = self._start()
        self.process.wait_until_serving()
        self.ends = sorted(self._chance.sample(range(100, ITEMS - 100), ENDS))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def end_at(self, count):
        """End the server after so many answers, where it is time for that."""
        if self.ends and count == self.ends[0]:
            self.ends.pop(0)
            self.process.stop(self._chance.choice([signal.SIGTERM, signal.SIGKILL]))
            self.process = self._start()

    def _start(self):
        log = self._folder / str(next(self._numbers))
        process = self._stack.enter_context(ServerProcess(self._home, log, address=self.address))
        self.address = process.address
        return process


def texts():
    return (f"Der alte Markt {number}." for number in range(ITEMS))


def test_no_item_is_lost_or_answered_twice_over_five_servers(tiny_home, tmp_path, figures):
    indices = []
    with Servers(tiny_home, tmp_path) as servers, Client(servers.address, reconnect_timeout=PATIENCE) as client:
        with figures.timed():
            for translation in client.translate_many(texts(), to="en", source="de"):
                indices.append(translation.index)
                servers.end_at(len(indices))
        assert not servers.ends
    figures.faults = ENDS
    figures.count_answers(indices, ITEMS)
    assert indices == list(range(ITEMS))


async def test_nor_are_they_on_an_event_loop_in_any_order(tiny_home, tmp_path, figures):
    indices = []
    with Servers(tiny_home, tmp_path) as servers:
        async with AsyncClient(servers.address, reconnect_timeout=PATIENCE) as client:
            with figures.timed():
                async for translation in client.translate_many(texts(), to="en", source="de", ordered=False):
                    indices.append(translation.index)
                    await asyncio.to_thread(servers.end_at, len(indices))
        assert not servers.ends
    figures.faults = ENDS
    figures.count_answers(indices, ITEMS)
    assert sorted(indices) == list(range(ITEMS))


@pytest.fixture(scope="module")
def process(tiny_home, tmp_path_factory):
    with ServerProcess(tiny_home, tmp_path_factory.mktemp("bulk") / "log") as process:
        process.wait_until_serving()
        yield process


@pytest.mark.parametrize("ordered", [True, False])
def test_items_without_end_cost_no_memory(process, figures, ordered):
    given = 0

    def endless():
        nonlocal given
        while True:
            given += 1
            yield f"Der alte Markt {given}."

    with Client(process.address) as client:
        answers = client.translate_many(endless(), to="en", source="de", ordered=ordered)
        list(itertools.islice(answers, WARM_UP))
        before = read_resident(os.getpid()), read_resident(process.process.pid)
        list(itertools.islice(answers, ITEMS))
        after = read_resident(os.getpid()), read_resident(process.process.pid)
        answers.close()
    figures.calls, figures.growth = given, after[1] - before[1]
    figures.notes.append(f"items without end: the client grew by {after[0] - before[0]:.0f} MB")
    assert given < WARM_UP + ITEMS + 2000
    assert after[0] < before[0] + 20
    assert after[1] < before[1] + 30


async def read_all(call):
    while await call.read() is not grpc.aio.EOF:
        pass


async def test_readers_who_sleep_end_and_leave_the_others_their_answers(process, figures):
    text = "Der alte Markt. " * 60
    count = 500

    async def send():
        yield BatchTranslateRequest(config=TranslateRequest(source_language_code="de", target_language_code="en"))
        for number in range(count):
            yield BatchTranslateRequest(item=BatchItem(item_id=str(number), content=text))

    before = read_resident(process.process.pid)
    channels = [
        grpc.aio.insecure_channel(process.address, options=(("grpc.use_local_subchannel_pool", 1),))
        for _ in range(READERS)
    ]
    sleepers = [TranslationServiceStub(channel).BatchTranslate(send()) for channel in channels]
    async with AsyncClient(process.address) as client:
        end = time.monotonic() + SLEEP_SECONDS
        while time.monotonic() < end:
            await client.translate("Der alte Markt.", to="en", source="de", timeout=60)
            await asyncio.sleep(1)
    held = read_resident(process.process.pid)
    figures.inputs, figures.growth = READERS, held - before
    assert held < before + 300
    for sleeper in sleepers:
        with suppress(grpc.aio.AioRpcError):
            await read_all(sleeper)
        # Some had all their answers in the buffers of their connection, and were not waited for.
        assert await sleeper.code() in (grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED)
    for channel in channels:
        await channel.close()
    with Client(process.address) as client:
        assert client.server_info().limits
