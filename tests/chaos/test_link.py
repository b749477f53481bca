"""A client at the other end of a link that is slow, lossy, silent or cut: it recovers, and nothing hangs."""

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from polygist_client import AsyncClient, CallFailed

from tests.chaos.relay import Relay
from tests.service.echo import EchoEngine
from tests.service.harness import serving, until

PATIENCE = 60


@asynccontextmanager
async def link(delay=0.0, **options):
    """A relay to a server, and a client behind it that has had an answer."""
    async with serving(EchoEngine(delay=delay)) as service:
        relay = await asyncio.to_thread(Relay(service.address).__enter__)
        try:
            async with AsyncClient(relay.address, **options) as client:
                assert await translate(client, 0) == "answered"
                yield relay, client
        finally:
            await asyncio.to_thread(relay.__exit__)


async def translate(client, number, deadline=PATIENCE):
    """Ask for a translation of its own; what became of it."""
    try:
        text = (await client.translate(f"Number {number}.", to="pt", source="en", timeout=deadline)).text
    except CallFailed as error:
        return type(error).__name__
    return "answered" if text == f"[Number {number}.]" else "mixed up"


async def send(client, count, deadline=PATIENCE):
    """Make so many calls at the same time; what became of them."""
    return Counter(await asyncio.gather(*(translate(client, number, deadline) for number in range(count))))


@pytest.mark.parametrize("fault", [{"loss": 0.1}, {"delay": 0.05}, {"bytes_a_second": 60_000}])
async def test_a_slow_or_lossy_link_loses_no_call(figures, fault):
    async with link() as (relay, client):
        vars(relay).update(fault)
        with figures.timed():
            seen = await send(client, 200)
    figures.faults = 1
    figures.count(seen)
    assert seen == {"answered": 200}


async def test_a_link_that_is_cut_again_and_again_loses_no_call(figures):
    async with link(delay=0.02, reconnect_timeout=PATIENCE) as (relay, client):
        seen = Counter()
        with figures.timed():
            for _ in range(5):
                calls = asyncio.ensure_future(send(client, 40))
                await asyncio.sleep(0.01)
                await asyncio.to_thread(relay.cut)
                seen += await calls
        figures.faults = 5
        figures.count(seen)
        assert seen == {"answered": 200}
        assert relay.connections > 5


async def test_items_over_a_link_that_is_cut_are_answered_once(figures):
    count = 400
    async with link(delay=0.001, reconnect_timeout=PATIENCE) as (relay, client):
        indices = []
        texts = (f"Number {number}." for number in range(count))
        async for answer in client.translate_many(texts, to="pt", source="en"):
            assert answer.text == f"[Number {answer.index}.]"
            indices.append(answer.index)
            if answer.index in (50, 150, 300):
                await asyncio.to_thread(relay.cut)
        figures.faults = 3
        figures.count_answers(indices, count)
        assert indices == list(range(count))


async def test_a_silent_link_lets_no_call_outlive_its_deadline_and_carries_again(figures):
    async with link() as (relay, client):
        relay.silence()
        async with asyncio.timeout(PATIENCE):
            assert await send(client, 20, deadline=0.5) == {"DeadlineExceeded": 20}
        relay.heal()
        healed = time.monotonic()
        seen = await send(client, 20)
    figures.faults = 1
    figures.recoveries.append(time.monotonic() - healed)
    figures.count(seen)
    assert seen == {"answered": 20}


async def test_a_silent_link_is_left_and_the_client_recovers_on_another_connection(figures):
    async with link(keepalive_time=1, keepalive_timeout=1, reconnect_timeout=PATIENCE) as (relay, client):
        waiting = asyncio.ensure_future(send(client, 20))
        await asyncio.sleep(0)
        relay.silence()
        before, silent = relay.connections, time.monotonic()
        await until(lambda: relay.connections > before)  # it has given up the old one
        relay.heal()
        seen = await waiting
    figures.faults = 1
    figures.recoveries.append(time.monotonic() - silent)
    figures.count(seen)
    assert seen == {"answered": 20}
