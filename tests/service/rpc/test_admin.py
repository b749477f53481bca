import asyncio
from contextlib import asynccontextmanager

import grpc
import pytest
from polygist.v1 import model_service_pb2, model_service_pb2_grpc
from polygist_client import AsyncClient, InferenceFailed, InternalError, InvalidArgument, ModelNotFound, Unimplemented
from polygist_service.app.configuration import Configuration, Part
from polygist_service.app.health import Health
from polygist_service.app.server import AdminServer
from polygist_service.app.services import build_services
from polygist_service.concurrency import TextPool
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.residency.registry import Registry
from polygist_service.errors import GlossaryError, KeyFileError
from polygist_service.limits import Limits

from tests.service.echo import EchoEngine
from tests.service.harness import DETECTOR, serving
from tests.service.shelf import Shelf


@asynccontextmanager
async def administered(shelf, address="127.0.0.1:0", parts=None):
    """A client of the administrators' server of a registry."""
    registry, pool = Registry(shelf.loader()), TextPool(1)
    engine = BatchingEngine(registry, slots=1, pool=pool)
    services = build_services(engine, detector=DETECTOR, pool=pool, limits=Limits())
    configuration = Configuration([Part(*each) for each in (parts or {"models": registry.rescan}).items()])
    administration = AdminServer(address, services, lifecycle=registry, configuration=configuration)
    await administration.start(Health())
    try:
        async with AsyncClient(administration.address) as client:
            yield client
    finally:
        shelf.gate.set()
        await administration.stop()
        registry.close()
        await asyncio.to_thread(engine.close)
        pool.close()


@pytest.mark.parametrize("address", ["127.0.0.1:0", "unix:{}/admin.sock"])
async def test_models_are_loaded_and_unloaded(tmp_path, address):
    async with administered(Shelf(a=1), address.format(tmp_path)) as client:
        assert [model.state for model in await client.list_models()] == ["unloaded"]
        loaded = await client.load_model("a")
        assert (loaded.name, loaded.state, loaded.revision) == ("models/a", "ready", "r1")
        assert (await client.get_model("a")).state == "ready"
        assert (await client.unload_model("a")).state == "unloaded"
        assert await client.health() == "not-serving"  # nobody has reported anything here


async def test_a_loaded_model_is_replaced_and_a_new_one_found():
    shelf = Shelf(a=1)
    async with administered(shelf) as client:
        await client.load_model("a")
        shelf.put("a", revision="r2")
        shelf.put("b")
        assert (await client.load_model("a")).revision == "r2"
        assert (await client.load_model("b")).state == "ready"


async def test_the_configuration_is_read_again():
    shelf = Shelf(a=1, b=1)
    async with administered(shelf) as client:
        shelf.take("a")
        shelf.put("c")
        assert await client.reload_configuration() == ["models/a", "models/c"]
        assert [model.name for model in await client.list_models()] == ["models/b", "models/c"]


async def test_what_cannot_be_done_is_said_with_its_reason():
    shelf = Shelf(a=1)
    async with administered(shelf) as client:
        with pytest.raises(ModelNotFound, match="this server has: a"):
            await client.load_model("b")
        with pytest.raises(ModelNotFound, match="this server has: a"):
            await client.unload_model("b")
        shelf.faulty["a"] = "out of luck"
        with pytest.raises(InferenceFailed, match="model a does not load: out of luck"):
            await client.load_model("a")
        shelf.damaged.add("a")
        with pytest.raises(InferenceFailed, match="model a is damaged"):
            await client.load_model("a")
        assert (await client.get_model("a")).state == "failed"
        shelf.malformed = "catalogue: no good"
        with pytest.raises(InvalidArgument, match="configuration: catalogue: no good"):
            await client.reload_configuration()


async def test_a_name_is_needed():
    async with administered(Shelf(a=1)) as client:
        stub = model_service_pb2_grpc.ModelAdminServiceStub(client._channels.open()[False])
        for request in (model_service_pb2.LoadModelRequest(), model_service_pb2.LoadModelRequest(name="a")):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.LoadModel(request)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_at_the_address_for_everyone_it_says_how_to_turn_it_on():
    async with serving(EchoEngine()) as service, AsyncClient(service.address) as client:
        for call in (client.load_model("en-pt"), client.unload_model("en-pt"), client.reload_configuration()):
            with pytest.raises(Unimplemented, match="--admin-listen"):
                await call


async def test_what_is_wrong_with_one_part_of_the_configuration_hinders_no_other():
    read = []

    def part(name):
        async def reload():
            read.append(name)
            if name in wrong:
                raise wrong[name]
            return True

        return reload

    wrong = {"keys": KeyFileError("keys.json: no file"), "glossaries": GlossaryError("a.tsv:1: no")}
    parts = {name: part(name) for name in ("certificates", "keys", "glossaries", "models")}
    async with administered(Shelf(a=1), parts=parts) as client:
        with pytest.raises(InvalidArgument, match=r"configuration: keys\.json: no file; a\.tsv:1: no"):
            await client.reload_configuration()
        assert read == [*parts]
        wrong["keys"] = TypeError("secret")
        with pytest.raises(InternalError, match="internal error") as caught:
            await client.reload_configuration()
        assert "secret" not in str(caught.value)
