"""One of three servers behind a client stops without a word: its connection stays, and nothing answers."""

import asyncio
import signal
import time
from collections import Counter
from contextlib import ExitStack

import pytest
from polygist_client import AsyncClient, CallFailed

from tests.end_to_end.load import ANSWERED, TEXT
from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.chaos

CALLS_A_SECOND = 20
DEADLINE = 60
SECONDS_BEFORE, SECONDS_AFTER = 3, 20
STUCK_SECONDS = 1.0


@pytest.fixture
def servers(tiny_home, tmp_path):
    """Three servers of the same models."""
    with ExitStack() as stack:
        found = [stack.enter_context(ServerProcess(tiny_home, tmp_path / name)) for name in ("a", "b", "c")]
        for server in found:
            server.wait_until_serving()
        yield found
        for server in found:
            server.process.send_signal(signal.SIGCONT)


async def test_it_leaves_the_rotation_and_no_call_is_past_its_deadline(servers, figures):
    target = "ipv4:" + ",".join(server.address for server in servers)
    calls: list[tuple[float, float, str]] = []  # when it was made, how long it took, what became of it

    async def send():
        began, outcome = time.monotonic(), ANSWERED
        try:
            await client.translate(TEXT, to="en", source="de", timeout=DEADLINE)
        except CallFailed as error:
            outcome = f"{type(error).__name__}: {error}"
        calls.append((began, time.monotonic() - began, outcome))

    async def send_for(seconds):
        for _ in range(seconds * CALLS_A_SECOND):
            tasks.append(asyncio.create_task(send()))
            await asyncio.sleep(1 / CALLS_A_SECOND)

    tasks: list[asyncio.Task[None]] = []
    async with AsyncClient(target, keepalive_time=5, keepalive_timeout=4) as client:
        await send_for(SECONDS_BEFORE)
        assert all(server.events("call") for server in servers)
        servers[1].process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        with figures.timed():
            await send_for(SECONDS_AFTER)
            await asyncio.gather(*tasks)
    stuck = [began - stopped for began, seconds, _ in calls if began > stopped and seconds > STUCK_SECONDS]
    late = sum(seconds > DEADLINE for _, seconds, _ in calls)
    figures.faults = 1
    figures.recoveries.append(max(stuck, default=0.0))
    figures.count(Counter(outcome for _, _, outcome in calls))
    figures.notes.append(
        f"SIGSTOP: out of the rotation after {max(stuck, default=0.0):.1f} s, {len(stuck)} calls waited, the longest "
        f"{max(seconds for _, seconds, _ in calls):.1f} s, {late} beyond their deadline of {DEADLINE} s"
    )
    assert not late
    assert Counter(outcome for _, _, outcome in calls) == {ANSWERED: len(calls)}
    assert len(stuck) < SECONDS_AFTER * CALLS_A_SECOND / 3  # each third call, had it stayed
