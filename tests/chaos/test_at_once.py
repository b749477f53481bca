"""Thousands of calls at once: none is lost, on one connection, from threads, on many connections."""

import asyncio
from collections import Counter

import pytest
from polygist_client import AsyncClient, CallFailed, Client

from tests.end_to_end.load import ANSWERED, send_at_once, send_from_threads
from tests.end_to_end.server import ServerProcess

# A busy machine takes minutes.
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1200)]


SHIPS = 10_000


@pytest.fixture(scope="module")
def address(tiny_home, tmp_path_factory):
    with ServerProcess(tiny_home, tmp_path_factory.mktemp("at_once") / "log") as process:
        process.wait_until_serving()
        yield process.address


async def test_ten_thousand_calls_on_one_channel(address, figures):
    async with AsyncClient(address) as client:
        with figures.timed():
            seen = await send_at_once(client, 10_000)
    figures.count(seen)
    assert seen == {ANSWERED: 10_000}


@pytest.mark.model
async def test_ten_thousand_different_sentences_at_once_on_the_starter_model(server, figures):
    """Of one caller, within the work that may wait by default; each answer has the number of its own ship."""

    async def send(client: AsyncClient, number: int) -> str:
        try:
            answer = await client.translate(f"Ship {number} is late.", to="pt", source="en", timeout=300)
        except CallFailed as error:
            return f"{type(error).__name__}: {error}"
        digits = "".join(filter(str.isdecimal, answer.text))
        return ANSWERED if digits == str(number) else f"{number}: {answer.text}"

    async with AsyncClient(server.address) as client:
        with figures.timed():
            seen = Counter(await asyncio.gather(*(send(client, number) for number in range(SHIPS))))
    figures.count(seen)
    assert seen == {ANSWERED: SHIPS}


def test_four_hundred_threads(address, figures):
    with Client(address) as client, figures.timed():
        seen = send_from_threads(client, 400, 10)
    figures.count(seen)
    assert seen == {ANSWERED: 4000}


async def test_sixty_four_channels_with_fifty_calls_each(address, figures):
    clients = [AsyncClient(address) for _ in range(64)]
    with figures.timed():
        seen = sum(await asyncio.gather(*(send_at_once(client, 50) for client in clients)), start=Counter())
    figures.count(seen)
    for client in clients:
        await client.close()
    assert seen == {ANSWERED: 64 * 50}
