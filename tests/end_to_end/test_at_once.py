"""More calls at once on one connection than it has streams: none is lost; `make chaos` makes 10,000."""

import asyncio

import pytest
from polygist_client import AsyncClient, Client

from tests.end_to_end.load import ANSWERED, send_at_once, send_from_threads
from tests.end_to_end.server import ServerProcess


@pytest.fixture(scope="module")
def address(tiny_home, tmp_path_factory):
    with ServerProcess(tiny_home, tmp_path_factory.mktemp("at_once") / "log") as process:
        process.wait_until_serving()
        yield process.address


async def test_calls_of_one_event_loop(address):
    async with AsyncClient(address) as client:
        assert await send_at_once(client, 400) == {ANSWERED: 400}


def test_calls_of_threads(address):
    with Client(address) as client:
        assert send_from_threads(client, 400, 1) == {ANSWERED: 400}


async def test_calls_of_many_clients(address):
    clients = [AsyncClient(address) for _ in range(8)]
    seen = await asyncio.gather(*(send_at_once(client, 50) for client in clients))
    assert sum(each[ANSWERED] for each in seen) == 400
    for client in clients:
        await client.close()
