"""Names of methods that nobody serves, and servers that end by themselves."""

import asyncio
import gc
import time
from contextlib import suppress

import grpc
import pytest
from polygist_service.app.configuration import Configuration
from polygist_service.app.health import Health
from polygist_service.app.port import MAIN_LOOP, Port, create_server, listen
from polygist_service.app.server import AdminServer
from polygist_service.app.services import build_services
from polygist_service.concurrency import InFlightCalls, TextPool
from polygist_service.engine.residency.registry import Registry
from polygist_service.limits import Limits

from tests.chaos.wire import POISON, connection
from tests.service.echo import EchoEngine
from tests.service.harness import DETECTOR, serving, until
from tests.service.rpc.test_translate import make
from tests.service.shelf import Shelf


async def poison(address, times=1):
    """Send requests whose path is no UTF-8, each on a connection of its own; how often one was answered."""

    def send():
        with connection(address) as opened:
            opened.sendall(POISON)
            answer = b""
            while b"Method not found!" not in answer and (more := opened.recv(4096)):
                answer += more
            return b"Method not found!" in answer

    return sum([await asyncio.to_thread(send) for _ in range(times)])


async def call(channel, path):
    """The status of a call of any path."""
    try:
        await channel.unary_unary(path)(b"", timeout=30)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


async def test_a_path_that_is_no_utf8_is_a_method_that_is_not_served():
    engine = EchoEngine(delay=0.5)
    async with serving(engine) as service:
        under_way = asyncio.ensure_future(service.translation.Translate(make("One.")))
        await until(lambda: engine.held)
        assert await poison(service.address, times=20) == 20
        assert (await under_way).translations[0].translated_text == "[One.]"
        assert (await service.translation.Translate(make("Two."))).translations[0].translated_text == "[Two.]"


async def test_a_connection_ends_with_its_age_and_no_call_with_it():
    engine = EchoEngine(delay=0.5)
    async with serving(engine, connection_age=0.1) as service:
        under_way = asyncio.ensure_future(service.translation.Translate(make("One.")))
        await until(lambda: engine.held)
        while (state := service.channel.get_state()) is not grpc.ChannelConnectivity.IDLE:
            await service.channel.wait_for_state_change(state)
        assert (await under_way).translations[0].translated_text == "[One.]"
        assert (await service.translation.Translate(make("Two."))).translations[0].translated_text == "[Two.]"


@pytest.mark.parametrize("path", ["/polygist.v1.TranslationService/Nothing", "/", "/a", "/polygist.v1.Nothing/é", "//"])
async def test_a_method_that_nobody_serves_is_unimplemented(path):
    async with serving(EchoEngine()) as service:
        assert await call(service.channel, path) == "UNIMPLEMENTED"


def count_states():
    """How many calls, or requests for one, core has a place to put them in."""
    gc.collect()
    return sum(type(each).__name__ == "RPCState" for each in gc.get_objects())


async def test_what_core_writes_to_outlives_a_main_loop_that_ends():
    """Core writes to what was asked for as it shuts down, which is after the end of the main loop."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    before, server = count_states(), create_server()

    async def answer(request, context):
        async def fail(method):
            raise RuntimeError("no more calls")

        server._server._request_registered_call = fail
        return b""

    methods = {f"M{number}": grpc.unary_unary_rpc_method_handler(answer) for number in range(20)}
    server.add_registered_method_handlers("a.B", methods)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    (main_loop,) = [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__name__", "") == MAIN_LOOP]
    kept = asyncio.get_running_loop().create_future()
    main_loop.add_done_callback(lambda _: kept.set_result(count_states() - before))
    async with grpc.aio.insecure_channel(address) as channel:
        assert await call(channel, "/a.B/M1") == "OK"
        await call(channel, "/a.B/M2")  # the main loop asks for the next one, and ends
    async with asyncio.timeout(30):
        assert await kept >= len(methods) - 2
    with suppress(RuntimeError):  # where it asks for the main loop's end first, it gets what ended that
        await server.stop(0)
    await until(lambda: count_states() <= before)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "unix:{}/admin.sock"])
async def test_the_port_of_the_administrators_is_safe_too(tmp_path, address):
    registry, pool = Registry(Shelf(a=1).loader()), TextPool(1)
    services = build_services(EchoEngine(), detector=DETECTOR, pool=pool, limits=Limits())
    administration = AdminServer(
        address.format(tmp_path), services, lifecycle=registry, configuration=Configuration([])
    )
    await administration.start(Health())
    assert await poison(administration.address, times=3) == 3
    async with grpc.aio.insecure_channel(administration.address) as channel:
        assert await call(channel, "/polygist.v1.ModelService/ListModels") == "OK"
    await administration.stop()
    registry.close()
    pool.close()


class Mortal:
    """Makes plain servers, whose main loop ends at a path that is no UTF-8; their one method waits for a gate."""

    def __init__(self):
        self.gate, self.replacements = asyncio.Event(), 0

    def make(self, in_flight):
        async def answer(request, context):
            with in_flight.call():
                await self.gate.wait()
                return b"done"

        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        handler = grpc.unary_unary_rpc_method_handler(answer)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", {"C": handler}),))
        return server

    def count(self):
        self.replacements += 1


@pytest.mark.parametrize("address", ["127.0.0.1:0", "unix:{}/port.sock"])
async def test_a_server_that_ends_by_itself_is_replaced_and_its_calls_in_flight_end(tmp_path, address):
    loop, mortal, in_flight = asyncio.get_running_loop(), Mortal(), InFlightCalls()
    loop.set_exception_handler(lambda *_: None)  # gRPC's own task tells of its end there
    port = Port(address.format(tmp_path), mortal.make, in_flight=in_flight, replaced=mortal.count)
    await port.start()
    async with grpc.aio.insecure_channel(port.address) as channel:
        under_way = asyncio.ensure_future(channel.unary_unary("/a.B/C")(b"", timeout=60))
        await until(lambda: in_flight.active == 1)
        for times in range(1, 4):
            with connection(port.address) as opened:
                opened.sendall(POISON)
                await until(lambda times=times: mortal.replacements == times)
        assert not port.lost.is_set()
        async with grpc.aio.insecure_channel(port.address, [("grpc.use_local_subchannel_pool", 1)]) as fresh:
            other = asyncio.ensure_future(fresh.unary_unary("/a.B/C")(b"", timeout=60))
            await until(lambda: in_flight.active == 2)
            mortal.gate.set()
            assert [await under_way, await other] == [b"done", b"done"]
    await until(lambda: not port._tasks)  # the old servers have been stopped
    await port.stop(0)
    assert mortal.replacements == 3


async def test_a_port_that_cannot_be_had_again_is_lost(monkeypatch):
    monkeypatch.setattr("polygist_service.app.port.REBIND_TRIES", 3)
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    mortal = Mortal()
    port = Port("127.0.0.1:0", mortal.make, in_flight=InFlightCalls())
    await port.start()
    monkeypatch.setattr(port, "start", _fail)
    with connection(port.address) as opened:
        opened.sendall(POISON)
        async with asyncio.timeout(30):
            await port.lost.wait()
    await port.stop(0)


async def _fail():
    raise OSError("taken")


def hold(seconds):
    """Keep the event loop from what it does."""
    time.sleep(seconds)


async def count_turns(service):
    """The turns of the event loop in which it lets in 32 calls of a method that came while it was held."""
    calls, turns, begun = 32, 0, 0

    async def answer(request, context):
        nonlocal begun
        begun += 1
        return request

    server = create_server()
    server.add_registered_method_handlers(service, {"Translate": grpc.unary_unary_rpc_method_handler(answer)})
    address = listen(server, "127.0.0.1:0")
    await server.start()
    with grpc.insecure_channel(address) as channel:
        call_method = channel.unary_unary(f"/{service}/Translate")
        assert await asyncio.to_thread(call_method, b"first", timeout=30) == b"first"
        under_way = [call_method.future(b"%d" % number, timeout=30) for number in range(calls)]
        hold(0.3)  # all of them come meanwhile
        while begun < 1 + calls:
            turns += 1
            await asyncio.sleep(0)
            hold(0.002)  # gRPC's thread tells meanwhile what has come
        assert [await asyncio.to_thread(each.result) for each in under_way] == [b"%d" % n for n in range(calls)]
    await server.stop(None)
    return turns


async def test_methods_that_are_called_much_let_several_calls_in_at_a_time():
    others = await count_turns("of.Others")
    assert others > 2 * await count_turns("polygist.v1.TranslationService")
