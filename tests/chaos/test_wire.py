"""What comes in over a connection from no gRPC client; after each of it the server answers the next one.

How soon it does is told, not asserted: some machines that run this are busy.
"""

import asyncio
import itertools
import random
import struct
import threading
import time
from contextlib import ExitStack, suppress

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist_client import AsyncClient, CallFailed

from tests.chaos import wire
from tests.chaos.figures import read_resident
from tests.chaos.wire import END_HEADERS, PREFACE, connection, flood, frame
from tests.end_to_end.server import ServerProcess

chaos = pytest.mark.chaos
TEXT = "Der alte Markt."


@pytest.fixture(scope="module")
def server(tiny_home, tmp_path_factory):
    with ServerProcess(tiny_home, tmp_path_factory.mktemp("wire") / "log") as process:
        process.wait_until_serving()
        yield process
        assert process.process.poll() is None
    assert process.process.returncode == 0


def wait_until_answered(server):
    """Wait for an answer on a new connection; the milliseconds that it took."""
    began = time.monotonic()
    with grpc.insecure_channel(server.address, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        request = health_pb2.HealthCheckRequest()
        reply = health_pb2_grpc.HealthStub(channel).Check(request, timeout=60, wait_for_ready=True)
    assert reply.status == reply.SERVING
    return (time.monotonic() - began) * 1000


@pytest.fixture
def alive(server, figures):
    """Look at the server after a test, and tell how it is."""
    before = read_resident(server.process.pid)
    yield server
    figures.recoveries.append(wait_until_answered(server) / 1000)
    figures.growth = read_resident(server.process.pid) - before


def mutate(good, source):
    """Bytes with some of what can go wrong: bits, cuts, repetitions, what comes from elsewhere."""
    mutated = bytearray(good)
    for _ in range(source.choice((1, 1, 2, 4, 16))):
        at = source.randrange(len(mutated) or 1)
        to = min(len(mutated), at + source.choice((1, 2, 4, 9, 30)))
        match source.randrange(6):
            case 0:
                mutated[at:to] = bytes(byte ^ 1 << source.randrange(8) for byte in mutated[at:to])
            case 1:
                mutated[at:to] = source.randbytes(to - at)
            case 2:
                del mutated[at:to]
            case 3:
                mutated[at:at] = mutated[at:to] * source.choice((1, 2, 50))
            case 4:
                mutated[at:at] = source.randbytes(source.choice((1, 9, 100)))
            case 5:
                mutated[at:at] = frame(
                    source.randrange(12), source.choice((0, 1, 3)), source.randbytes(8), source.randrange(256)
                )
    return bytes(mutated)


@pytest.mark.parametrize("count", [1000, pytest.param(100_000, marks=[chaos, pytest.mark.timeout(3600)])])
def test_mutated_frames(alive, figures, count):
    seed, slowest = random.randrange(1 << 32), 0.0
    source = random.Random(seed)
    print(f"\nseed {seed}")
    paths = [wire.PATH, b"/grpc.health.v1.Health/Check", b"/a/\xff", b""]
    goods = [PREFACE + b"".join(wire.request(2 * at + 1, path, b"\x0a\x01a") for at, path in enumerate(paths))]
    goods += [PREFACE + wire.request(1) + frame(wire.PING, 0, bytes(8)) + frame(wire.RST_STREAM, 1, wire.CANCEL)]
    for number in range(count):
        with connection(alive.address) as opened:
            # The preface is mostly left alone, so that what is behind it is read.
            kept = source.choice((0, len(PREFACE), len(PREFACE), len(PREFACE)))
            good = source.choice(goods)
            with suppress(OSError):  # it may hang up
                opened.sendall(good[:kept] + mutate(good[kept:], source))
        if number % 1000 == 999:
            slowest = max(slowest, wait_until_answered(alive))
    figures.inputs = count
    figures.notes.append(f"{count} mutated frames: a new connection answered after {slowest:.0f} ms at most")


def streams(count):
    return itertools.islice(itertools.count(1, 2), count)


FLOODS = {
    "rapid reset": lambda count: (wire.headers(at) + frame(wire.RST_STREAM, at, wire.CANCEL) for at in streams(count)),
    "requests and resets": lambda count: (
        wire.request(at) + frame(wire.RST_STREAM, at, wire.CANCEL) for at in streams(count)
    ),
    "poison": lambda count: (wire.request(at, b"/a/\xff\xfe") for at in streams(count)),
    "pings": lambda count: itertools.repeat(frame(wire.PING, 0, bytes(8)), count),
    "settings": lambda count: itertools.repeat(frame(wire.SETTINGS, 0, struct.pack(">HI", 3, 100)), count),
    "continuation": lambda count: itertools.chain(
        [frame(wire.HEADERS, 1, wire.fields(wire.PATH))],
        itertools.repeat(frame(wire.CONTINUATION, 1, wire.field(b"x", b"y" * 100) * 9), count),
    ),
    "empty continuation": lambda count: itertools.chain(
        [frame(wire.HEADERS, 1, wire.fields(wire.PATH))], itertools.repeat(frame(wire.CONTINUATION, 1), count)
    ),
    "empty data": lambda count: itertools.chain([wire.headers(1)], itertools.repeat(frame(wire.DATA, 1), count)),
}


@pytest.mark.parametrize("connections", [1, pytest.param(4, marks=chaos)])
@pytest.mark.parametrize("kind", FLOODS)
def test_floods(alive, figures, kind, connections):
    count = 2000 if connections == 1 else 100_000
    taken = [0] * connections

    def send(at):
        taken[at] = flood(alive.address, itertools.chain([PREFACE], FLOODS[kind](count)))

    threads = [threading.Thread(target=send, args=(at,)) for at in range(connections)]
    for thread in threads:
        thread.start()
    slowest = 0.0
    while any(thread.is_alive() for thread in threads):
        slowest = max(slowest, wait_until_answered(alive))
        time.sleep(0.05)
    figures.inputs = sum(taken)
    figures.notes.append(
        f"{kind}, {connections} connections: {sum(taken)} frames of {connections * (count + 1)} taken, "
        f"meanwhile a new connection answered after {slowest:.0f} ms at most"
    )


@pytest.mark.parametrize("connections", [50, pytest.param(1000, marks=chaos)])
def test_slow_headers(alive, figures, connections):
    sent = PREFACE + frame(wire.HEADERS, 1, wire.fields(wire.PATH), END_HEADERS)
    slowest = 0.0
    with ExitStack() as stack:
        opened = [stack.enter_context(connection(alive.address)) for _ in range(connections)]
        for at in range(0, len(sent) - 8, 8):  # the last bytes never come
            for each in opened:
                with suppress(OSError):  # it may hang up
                    each.sendall(sent[at : at + 8])
            slowest = max(slowest, wait_until_answered(alive))
    figures.inputs = connections
    figures.notes.append(
        f"{connections} connections, 8 bytes at a time: meanwhile a new one answered after {slowest:.0f} ms at most"
    )


@pytest.mark.parametrize("times", [20, pytest.param(1000, marks=chaos)])
async def test_poison_while_others_are_served(alive, figures, times):
    """Requests whose path is no UTF-8, which end the main loop of grpc.aio."""
    lost, answered, longest, stop = [], 0, 0.0, asyncio.Event()

    async def ask(client):
        nonlocal answered, longest
        while not stop.is_set():
            began = time.monotonic()
            try:
                await client.translate(TEXT, to="en", source="de", timeout=60)
                answered += 1
            except CallFailed as error:
                lost.append(error)
            longest = max(longest, time.monotonic() - began)

    async with AsyncClient(alive.address) as client:
        await client.translate(TEXT, to="en", source="de", timeout=60)
        callers = [asyncio.create_task(ask(client)) for _ in range(8)]
        for _ in range(times):
            with connection(alive.address) as opened:
                opened.sendall(wire.POISON)
                await asyncio.sleep(0.02)
        stop.set()
        await asyncio.gather(*callers)
    figures.faults, figures.calls, figures.lost = times, answered + len(lost), len(lost)
    figures.notes.append(f"{times} requests that end grpc.aio's loop: the longest call took {longest * 1000:.0f} ms")
    assert answered
    assert not lost
