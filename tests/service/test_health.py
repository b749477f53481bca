import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist_service.app.health import MODELS, OVERALL, SUMMARISATION, TRANSLATION, Health
from polygist_service.engine.interface import State

from tests.service.echo import EN_PT, ENCODER

READY, UNLOADED, LOADING, FAILED = State.READY, State.UNLOADED, State.LOADING, State.FAILED


@pytest.mark.parametrize(
    ("translation", "encoder", "serving"),
    [
        (READY, READY, {OVERALL, TRANSLATION, SUMMARISATION, MODELS}),
        (UNLOADED, LOADING, {OVERALL, TRANSLATION, SUMMARISATION, MODELS}),
        (FAILED, READY, {OVERALL, SUMMARISATION, MODELS}),
        (READY, FAILED, {OVERALL, TRANSLATION, MODELS}),
        (FAILED, FAILED, {MODELS}),
    ],
)
async def test_a_service_serves_while_one_of_its_models_has_not_failed(translation, encoder, serving):
    health, server = Health(), grpc.aio.server()
    health.attach(server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        async def serves() -> set[str]:
            asked = [
                health_pb2.HealthCheckRequest(service=name) for name in (OVERALL, TRANSLATION, SUMMARISATION, MODELS)
            ]
            replies = {request.service: await stub.Check(request) for request in asked}
            return {name for name, reply in replies.items() if reply.status == reply.SERVING}

        assert await serves() == set()
        health.report([replace(EN_PT, state=translation), replace(ENCODER, state=encoder)])
        assert await serves() == serving
        health.mark_not_serving()
        assert await serves() == set()
    await server.stop(0)


@asynccontextmanager
async def watched_health():
    """A health that reports translation as served, and a stub to it."""
    health, server = Health(), grpc.aio.server()
    health.attach(server)
    health.report([EN_PT])
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            yield health, health_pb2_grpc.HealthStub(channel)
    finally:
        await server.stop(0)


ASK = health_pb2.HealthCheckRequest(service=TRANSLATION)
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_stall_is_told_at_once_and_taken_back():
    async with watched_health() as (health, stub):
        watcher = stub.Watch(ASK)
        assert (await watcher.read()).status == SERVING
        await asyncio.to_thread(health.stall, True)
        assert (await stub.Check(ASK)).status == NOT_SERVING
        assert (await watcher.read()).status == NOT_SERVING
        health.report([EN_PT])  # a model was loaded meanwhile
        assert (await stub.Check(ASK)).status == NOT_SERVING
        await asyncio.to_thread(health.stall, False)
        assert (await watcher.read()).status == SERVING


async def test_a_stall_that_is_over_leaves_a_server_that_drains_as_it_is():
    async with watched_health() as (health, stub):
        health.stall(True)
        health.mark_not_serving()
        health.stall(False)
        assert (await stub.Check(ASK)).status == NOT_SERVING


async def test_watchers_hear_of_the_drain_and_then_their_streams_end():
    async with watched_health() as (health, stub):
        watchers = [stub.Watch(ASK) for _ in range(3)]
        assert [(await watcher.read()).status for watcher in watchers] == [SERVING] * 3
        health.mark_not_serving()
        assert [(await watcher.read()).status for watcher in watchers] == [NOT_SERVING] * 3
        health.end_watches()
        assert [await watcher.read() for watcher in watchers] == [grpc.aio.EOF] * 3
        assert [await watcher.code() for watcher in watchers] == [grpc.StatusCode.OK] * 3
        late = stub.Watch(ASK)
        assert (await late.read()).status == NOT_SERVING
        assert await late.read() is grpc.aio.EOF


async def test_one_who_was_told_nothing_yet_hears_of_the_drain_before_the_end():
    async with watched_health() as (health, stub):
        watcher = stub.Watch(ASK)
        assert (await watcher.read()).status == SERVING
        health.mark_not_serving()
        health.end_watches()
        assert (await watcher.read()).status == NOT_SERVING
        assert await watcher.read() is grpc.aio.EOF


async def test_what_changes_while_a_watcher_is_told_is_told_before_the_end():
    health, told = Health(), []
    health.report([EN_PT])

    class Slow:
        async def write(self, reply):
            told.append(reply.status)
            if len(told) == 1:
                health.mark_not_serving()
                health.end_watches()

    await health.Watch(ASK, Slow())
    assert told == [SERVING, NOT_SERVING]


async def test_a_watcher_that_does_not_read_keeps_nobody_from_knowing():
    async with watched_health() as (health, stub):
        stuck = asyncio.Event()

        class Unread:
            async def write(self, reply):
                await stuck.wait()

        unread = asyncio.create_task(health.Watch(ASK, Unread()))
        watcher = stub.Watch(ASK)
        assert (await watcher.read()).status == SERVING
        health.mark_not_serving()
        assert (await watcher.read()).status == NOT_SERVING
        unread.cancel()


async def test_an_unknown_service_is_unknown():
    async with watched_health() as (_, stub):
        unknown = health_pb2.HealthCheckRequest(service="polygist.v2.Nothing")
        assert (await stub.Watch(unknown).read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(unknown)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
