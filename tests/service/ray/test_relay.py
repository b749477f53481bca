"""Calls that go to a replica by way of a proxy end as those to a server do; a stand-in for Ray passes them on."""

import asyncio
import pickle
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist_service.ray.health import PROXY_HEALTH, ProxyHealth
from polygist_service.ray.proxy import Relay
from polygist_service.ray.relaying import METHODS, SERVICES, Ending, path_of
from polygist_service.ray.replica import ReplicaCalls

from tests.deploy.outcomes import CASES, METADATA, call, make_messages
from tests.service.echo import EchoEngine
from tests.service.harness import read_failure, serving, until

ARTICLE = "The committee meets on Thursday in the old town. It will talk about the bridge."


class CarriedContext:
    """What Ray makes of a context: metadata and peer, in another process."""

    def __init__(self, metadata, peer):
        self._metadata, self._peer = metadata, peer

    def invocation_metadata(self):
        return self._metadata

    def peer(self):
        return self._peer


class RayStandIn:
    """Passes calls on as Ray's proxy does: bytes there and back, errors as a text.

    `failure` is what each call ends with in place of its answers, `after` how many of a stream come before it.
    """

    def __init__(self, replica, health="SERVING"):
        self.replica, self.health = replica, health
        self.failure, self.after = None, 0
        self.cancelled = 0

    def make(self, path, kind):
        method = METHODS.get(path.rpartition("/")[2])
        return getattr(self, kind)(path, method)

    def unary_unary(self, path, method):
        async def pass_on(content, relayed):
            if path == PROXY_HEALTH:
                relayed.set_code(grpc.StatusCode.OK if self.health else grpc.StatusCode.UNAVAILABLE)
                return b""
            if self.failure:
                return self.fail(relayed)
            if method is None:
                relayed.set_code(grpc.StatusCode.OK)
                return health_pb2.HealthCheckResponse(status=self.health).SerializeToString()
            context = pickle.loads(pickle.dumps(CarriedContext(relayed.invocation_metadata(), relayed.peer())))
            answer = await self.replica.call(method, content, context)
            relayed.set_code(grpc.StatusCode.OK)
            return answer.SerializeToString()

        return pass_on

    def unary_stream(self, path, method):
        return self._streamed(method, self.replica.stream)

    def stream_stream(self, path, method):
        return self._streamed(method, self.replica.exchange)

    def _streamed(self, method, called):
        async def pass_on(content, relayed):
            context = CarriedContext(relayed.invocation_metadata(), relayed.peer())
            count = 0
            try:
                async for answer in called(method, content, context):
                    if self.failure and count == self.after:
                        self.fail(relayed)
                        return
                    yield answer.SerializeToString()
                    count += 1
            except asyncio.CancelledError:
                self.cancelled += 1
                relayed.set_code(grpc.StatusCode.CANCELLED)
            else:
                relayed.set_code(grpc.StatusCode.OK)

        return pass_on

    def fail(self, relayed):
        code, details = self.failure
        relayed.set_code(code)
        relayed.set_details(details)
        return b""


@asynccontextmanager
async def relayed(service):
    """A proxy before a replica with the services of a server: its address, and what stands in for Ray."""
    ray = RayStandIn(ReplicaCalls(service.services))
    server = grpc.aio.server()
    relay = Relay(ray.make)
    for each in SERVICES:
        methods = {method.name: relay.handler_of(method) for method in each.methods}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(each.full_name, methods),))
    health_pb2_grpc.add_HealthServicer_to_server(ProxyHealth(ray.make), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield address, ray
    finally:
        await server.stop(0)


@pytest.mark.parametrize("name", CASES)
async def test_a_relayed_call_ends_as_one_to_a_server(name):
    method, messages = make_messages(name, ARTICLE, "en", "pt")

    def ask(address):
        with grpc.insecure_channel(address) as channel:
            return call(channel, method, messages)

    async with serving(EchoEngine()) as service, relayed(service) as (address, _):
        at_server = await asyncio.to_thread(ask, service.address)
        by_proxy = await asyncio.to_thread(ask, address)
    assert by_proxy == at_server
    assert by_proxy.trailer["x-request-id"] == "asked-once"


async def ask_once(address, name="a text", **options):
    """The failure of one case."""
    method, messages = make_messages(name, ARTICLE, "en", "pt")
    async with grpc.aio.insecure_channel(address) as channel:
        if method.server_streaming:
            answers = [each async for each in channel.unary_stream(path_of(method))(messages[0], **options)]
        else:
            answers = [await channel.unary_unary(path_of(method))(messages[0], **options)]
    return answers


@pytest.mark.parametrize(
    ("code", "details", "told", "reason"),
    [
        ("INTERNAL", "The actor died unexpectedly before finishing this task.", "UNAVAILABLE", "SERVER_DRAINING"),
        ("UNAVAILABLE", "deployment failed", "UNAVAILABLE", "SERVER_DRAINING"),
        ("RESOURCE_EXHAUSTED", "Request dropped due to backpressure", "UNAVAILABLE", "SERVER_OVERLOADED"),
        ("NOT_FOUND", "Application metadata not set.", "UNAVAILABLE", "MODEL_LOADING"),
        ("DEADLINE_EXCEEDED", "Request timed out", "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"),
        ("INTERNAL", "ray::ServeReplica.handle_request() secret.py line 7", "INTERNAL", "INTERNAL"),
    ],
)
@pytest.mark.parametrize("name", ["a text", "a stream"])
async def test_what_ray_ends_a_call_with_is_told_as_by_a_server(name, code, details, told, reason):
    async with serving(EchoEngine()) as service, relayed(service) as (address, ray):
        ray.failure = grpc.StatusCode[code], details
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask_once(address, name, metadata=METADATA)
    failure = read_failure(caught.value)
    assert (failure.code, failure.reason) == (told, reason)
    assert failure.trailer["x-request-id"] == "asked-once"
    assert details not in failure.message


async def test_a_replica_that_ends_within_a_stream_breaks_it_after_what_came():
    method, messages = make_messages("a stream", ARTICLE, "en", "pt")
    async with serving(EchoEngine()) as service, relayed(service) as (address, ray):
        ray.failure, ray.after = (grpc.StatusCode.INTERNAL, "The actor died"), 1
        async with grpc.aio.insecure_channel(address) as channel:
            answers = channel.unary_stream(path_of(method))(messages[0])
            assert await answers.read()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await answers.read()
    assert read_failure(caught.value).reason == "SERVER_DRAINING"


async def test_deadline_and_caller_reach_the_replica():
    engine = EchoEngine()
    async with serving(engine) as service, relayed(service) as (address, _):
        await ask_once(address, timeout=100)
        await ask_once(address)
    within, without = engine.contexts[0], engine.contexts[-1]
    left = within.deadline - asyncio.get_running_loop().time()
    assert 50 < left < 102  # on its way it is rounded up
    assert without.deadline is None
    assert within.caller == "ipv4:127.0.0.1"
    assert len({each.request_id for each in engine.contexts}) == 2


async def test_a_call_that_is_given_up_ends_at_its_replica():
    engine = EchoEngine(delay=30)
    async with serving(engine) as service, relayed(service) as (address, ray):
        for name in ("a text", "a stream"):
            asking = asyncio.create_task(ask_once(address, name))
            await until(lambda: service.in_flight.active == 1)
            asking.cancel()
            await until(lambda: service.in_flight.active == 0)
    assert ray.cancelled == 1


async def test_items_are_held_back_while_no_answers_are_read(monkeypatch):
    monkeypatch.setattr("polygist_service.ray.proxy.WINDOW", 4)
    method, messages = make_messages("items", ARTICLE, "en", "pt")
    engine = EchoEngine(delay=30)
    async with serving(engine) as service, relayed(service) as (address, _), grpc.aio.insecure_channel(address) as way:
        exchange = way.stream_stream(path_of(method))()
        for message in messages:
            await exchange.write(message)
        await until(lambda: len(engine.contexts) == 3)  # the config is the fourth
        await asyncio.sleep(0.05)
        assert len(engine.contexts) == 3
        engine.delay = 0
        exchange.cancel()
        await until(lambda: service.in_flight.active == 0)


async def test_health_is_that_of_a_replica_that_is_reached(monkeypatch):
    monkeypatch.setattr("polygist_service.ray.health.LOOK_SECONDS", 0.01)
    dead = (grpc.StatusCode.INTERNAL, "The actor died")
    changes = [("NOT_SERVING", None), ("SERVING", None), ("", None), ("SERVING", None), ("SERVING", dead)]
    async with serving(EchoEngine()) as service, relayed(service) as (address, ray):
        channel = grpc.aio.insecure_channel(address)
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        told = [(await watch.read()).status]
        for ray.health, ray.failure in changes:
            told.append((await watch.read()).status)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(service="unknown"))
        await channel.close()
    names = [health_pb2.HealthCheckResponse.ServingStatus.Name(each) for each in told]
    assert names == ["SERVING", "NOT_SERVING"] * 3
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_no_message_is_taken_for_an_ending():
    ending = Ending(b"content", "OK", "", (("x-request-id", "1"),))
    assert Ending.parse(ending.SerializeToString()) == ending
    for name in CASES:
        _, messages = make_messages(name, ARTICLE, "en", "pt")
        assert not [each for each in messages if Ending.parse(each)]
