"""How many requests are received at a time: turns on messages that are made up, then over gRPC."""

import asyncio
import socket
import struct
from functools import partial

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.errors import InvalidRequest, ServerOverloaded
from polygist_service.limits import Limits
from polygist_service.rpc.receiving import SLOW_PER_TURN, Receiving

from tests.chaos import wire
from tests.service.echo import EchoEngine
from tests.service.harness import failure_of, read_failure, serving, until
from tests.service.rpc.test_translate import make

NEVER = 1000.0


class Senders:
    """Messages that come when they are told to.

    Attributes:
        begun: whose messages are being received, or were, in order.
        running: how many are being received now.
    """

    def __init__(self, most: int, *, patience: float = NEVER) -> None:
        self.receiving = Receiving(most, patience=patience)
        self.begun: list[str] = []
        self.running = 0
        self._gates: dict[str, asyncio.Future[str]] = {}

    async def call(self, name: str, caller: str = "one", *, has_come: bool = False) -> str:
        """Make a call, and return its message."""
        return await self.receiving.receive(caller, partial(self._read, name), has_come=lambda: has_come)

    async def _read(self, name: str) -> str:
        self.begun.append(name)
        self.running += 1
        gate = self._gates[name] = asyncio.get_running_loop().create_future()
        try:
            return await gate
        finally:
            self.running -= 1

    def send(self, name: str, error: Exception | None = None) -> None:
        """Let a message come."""
        if error:
            self._gates[name].set_exception(error)
        else:
            self._gates[name].set_result(name)

    async def start(self, *names: str, caller: str = "one", has_come: bool = False) -> list[asyncio.Task[str]]:
        """Start calls; of those that have come, the message is only to be decoded."""
        tasks = [asyncio.create_task(self.call(name, caller, has_come=has_come)) for name in names]
        await settle()
        return tasks


async def settle() -> None:
    """Let all that can go on now go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_so_many_messages_are_received_at_a_time():
    senders = Senders(2)
    tasks = await senders.start("a", "b", "c", "d")
    assert senders.begun == ["a", "b"]
    senders.send("b")
    await settle()
    assert senders.begun == ["a", "b", "c"]
    for name in ("a", "c"):
        senders.send(name)
    await settle()
    senders.send("d")
    assert await asyncio.gather(*tasks) == ["a", "b", "c", "d"]


async def test_callers_take_turns():
    senders = Senders(1)
    await senders.start("a1", "a2", "a3")
    await senders.start("b1", "b2", caller="two")
    for name in ("a1", "a2", "b1", "a3", "b2"):
        senders.send(name)
        await settle()
    assert senders.begun == ["a1", "a2", "b1", "a3", "b2"]


async def test_a_call_that_is_given_up_while_it_waits_takes_no_turn():
    senders = Senders(1)
    _, given_up, last = await senders.start("a", "b", "c")
    given_up.cancel()
    senders.send("a")
    await settle()
    assert senders.begun == ["a", "c"]
    senders.send("c")
    assert await last == "c"


async def test_a_message_is_received_to_its_end_though_its_call_is_given_up():
    senders = Senders(1)
    given_up, _ = await senders.start("a", "b")
    given_up.cancel()
    await settle()
    assert given_up.cancelled()
    assert senders.begun == ["a"]  # its turn is not over
    assert senders.running == 1
    senders.send("a")
    await settle()
    assert senders.begun == ["a", "b"]


async def test_what_fails_is_raised_and_passes_its_turn_on():
    senders = Senders(1)
    failing, _ = await senders.start("a", "b")
    senders.send("a", InvalidRequest("request", "is odd"))
    with pytest.raises(InvalidRequest, match="is odd"):
        await failing
    await settle()
    assert senders.begun == ["a", "b"]


async def test_a_slow_message_keeps_nobody_waiting_and_is_received_all_the_same():
    senders = Senders(1, patience=0.0)
    (slow,) = await senders.start("slow")
    (quick,) = await senders.start("quick")
    senders.send("quick")
    assert await quick == "quick"
    senders.send("slow")
    assert await slow == "slow"


async def test_a_message_is_not_slow_while_nobody_waits():
    senders = Senders(1, patience=0.0)
    slow = [await senders.start(f"{count}") for count in range(SLOW_PER_TURN)]
    await settle()
    (last,) = await senders.start("last")  # there are as many slow ones as may be, and this has its turn
    assert not last.done()
    senders.send("last")
    assert await last == "last"
    assert not any(task.done() for (task,) in slow)


async def test_where_too_many_are_slow_the_slowest_of_the_caller_with_most_is_refused():
    senders = Senders(1, patience=0.0)
    honest = await senders.start("honest")
    many = [await senders.start(f"{count}", caller="two") for count in range(SLOW_PER_TURN + 1)]
    await settle()
    refused = [task for (task,) in many if task.done()]
    assert refused == many[0]
    with pytest.raises(ServerOverloaded, match="nor did 2 more of this caller") as raised:
        refused[0].result()
    assert raised.value.retry_after
    senders.send("honest")
    assert await honest[0] == "honest"


async def test_a_message_that_has_come_waits_for_the_server_and_is_not_refused():
    senders = Senders(1, patience=0.0)
    names = [f"{count}" for count in range(3 * SLOW_PER_TURN)]
    tasks = await senders.start(*names, has_come=True)
    assert len(senders.begun) == SLOW_PER_TURN + 1  # of the others nothing is received yet
    (slow,) = await senders.start("slow", caller="two")
    for name in names:
        await until(lambda name=name: name in senders.begun)
        senders.send(name)
    assert await asyncio.gather(*tasks) == names
    await until(lambda: "slow" in senders.begun)
    senders.send("slow")
    assert await slow == "slow"


@given(st.lists(st.tuples(st.sampled_from(["call", "send", "cancel"]), st.integers(0, 9)), max_size=60))
def test_whatever_comes_when_no_turn_is_lost_and_none_is_given_twice(steps):
    async def run():
        senders, tasks = Senders(2), {}
        for at, (step, which) in enumerate(steps):
            if step == "call":
                tasks[f"{at}"] = (await senders.start(f"{at}", caller=f"{which % 3}"))[0]
            elif step == "cancel" and tasks:
                list(tasks.values())[which % len(tasks)].cancel()
            elif running := sorted(each for each, gate in senders._gates.items() if not gate.done()):
                senders.send(running[which % len(running)])
            await settle()
            assert senders.running <= 2
        while running := [each for each, gate in senders._gates.items() if not gate.done()]:
            senders.send(running[0])
            await settle()
        assert all(task.done() for task in tasks.values())
        assert all(task.cancelled() or task.result() == name for name, task in tasks.items())

    asyncio.run(run())


TRANSLATE = "/polygist.v1.TranslationService/Translate"


class SlowSender:
    """A caller that begins a message of 1 kB and does not end it."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.socket.sendall(wire.PREFACE)
        self._streams = 1

    def begin(self) -> None:
        """Begin a call."""
        self.socket.sendall(
            wire.headers(self._streams) + wire.frame(wire.DATA, self._streams, b"\0" + struct.pack(">I", 1000) + b"x")
        )
        self._streams += 2


@pytest.fixture
def one_at_a_time(monkeypatch):
    """Have one message received at a time, and its turn passed on after so many seconds."""

    def patch(patience):
        monkeypatch.setattr("polygist_service.rpc.interceptors.Receiving", partial(Receiving, patience=patience))
        return serving(EchoEngine(), limits=Limits(receiving=1))

    return patch


async def test_a_call_is_answered_beside_those_who_send_slowly(one_at_a_time):
    async with one_at_a_time(0.05) as service:
        slow = SlowSender(service.address)
        for _ in range(SLOW_PER_TURN + 2):
            slow.begin()
        reply = await service.translation.Translate(make("One."), timeout=10)
        assert reply.translations[0].translated_text == "[One.]"
        slow.socket.close()


async def test_a_call_that_waits_for_its_turn_ends_at_its_deadline_and_when_it_is_given_up(one_at_a_time):
    async with one_at_a_time(NEVER) as service:
        slow = SlowSender(service.address)
        slow.begin()
        await asyncio.sleep(0.1)
        failure = await failure_of(service.translation.Translate(make("One."), timeout=0.2))
        assert failure.code == "DEADLINE_EXCEEDED"
        call = service.translation.Translate(make("One."), timeout=10)
        await asyncio.sleep(0.05)
        call.cancel()
        slow.socket.close()
        await service.translation.Translate(make("One."), timeout=10)
        assert service.in_flight.active == 0


async def test_health_is_answered_while_requests_wait_for_their_turn(one_at_a_time):
    async with one_at_a_time(NEVER) as service:
        slow = SlowSender(service.address)
        slow.begin()
        await asyncio.sleep(0.1)
        health = health_pb2_grpc.HealthStub(service.channel)
        reply = await health.Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert reply.status == reply.SERVING
        slow.socket.close()


async def test_who_sends_slowest_is_refused_with_a_time_to_come_back(one_at_a_time):
    async with one_at_a_time(0.0) as service:

        async def drip():
            yield make("One.").SerializeToString()

        async def hang():
            await asyncio.sleep(NEVER)
            yield b""

        calls = [service.channel.stream_unary(TRANSLATE)(hang(), timeout=20) for _ in range(SLOW_PER_TURN + 2)]
        waits = [asyncio.ensure_future(call) for call in calls]
        await until(lambda: any(wait.done() for wait in waits))
        (refused,) = [wait for wait in waits if wait.done()]
        failure = read_failure(refused.exception())
        assert (failure.code, failure.reason) == ("UNAVAILABLE", "SERVER_OVERLOADED")
        assert failure.trailer["grpc-retry-pushback-ms"] == "1000"
        assert "x-request-id" in failure.trailer
        assert await service.channel.stream_unary(TRANSLATE)(drip(), timeout=10)
        for wait in waits:
            wait.cancel()


async def test_a_call_without_a_message_ends():
    async with serving(EchoEngine()) as service:
        call = service.channel.stream_unary(TRANSLATE)(timeout=10)
        await call.done_writing()
        failure = await failure_of(call)
    assert (failure.code, failure.message) == ("INVALID_ARGUMENT", "request: is missing; send one message")


async def test_a_call_that_is_given_up_before_its_message_came_is_no_mistake(log):
    async with serving(EchoEngine()) as service:
        for _ in range(5):
            call = service.channel.stream_unary(TRANSLATE)(timeout=10)
            await asyncio.sleep(0.02)
            call.cancel()
        await asyncio.sleep(0.05)
    assert not log
