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
    await health.attach(server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        async def serves() -> set[str]:
            replies = (await stub.List(health_pb2.HealthListRequest())).statuses
            return {name for name, reply in replies.items() if reply.status == reply.SERVING}

        assert await serves() == set()
        await health.report([replace(EN_PT, state=translation), replace(ENCODER, state=encoder)])
        assert await serves() == serving
        await health.mark_not_serving()
        assert await serves() == set()
    await server.stop(0)
