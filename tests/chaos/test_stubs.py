"""Thousands of calls at once from gRPC's own stubs, which try nothing again: none is lost."""

import asyncio
from collections import Counter

import grpc
import pytest
from polygist.v1 import translation_service_pb2_grpc

from tests.service.echo import EchoEngine
from tests.service.harness import serving
from tests.service.rpc.test_translate import make

OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]


@pytest.mark.parametrize(
    ("channels", "calls"),
    [
        (1, 1000),
        (16, 25),
        *(
            pytest.param(*each, marks=[pytest.mark.chaos, pytest.mark.timeout(1200)])
            for each in [(1, 10_000), (64, 200)]
        ),
    ],
)
async def test_every_call_is_answered(figures, channels, calls):
    async with serving(EchoEngine(delay=0.01)) as service:

        async def send(channel, at):
            stub = translation_service_pb2_grpc.TranslationServiceStub(channel)
            try:
                reply = await stub.Translate(make(f"Number {at}."), timeout=200)
            except grpc.aio.AioRpcError as error:
                return f"{error.code().name}: {error.details()}"
            return "answered" if f"[Number {at}.]" == reply.translations[0].translated_text else "mixed up"

        opened = [grpc.aio.insecure_channel(service.address, OPTIONS) for _ in range(channels)]
        with figures.timed():
            seen = Counter(await asyncio.gather(*(send(channel, at) for channel in opened for at in range(calls))))
        figures.count(seen)
        for channel in opened:
            await channel.close()
    assert seen == {"answered": channels * calls}
