"""A thousand calls over a restart of three seconds."""

import asyncio
import time
from contextlib import ExitStack

import pytest
from polygist_client import AsyncClient, Client

from tests.end_to_end.load import ANSWERED, Load, send_at_once
from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.chaos

OUTAGE_SECONDS = 3.0
CALLS = 1000
PATIENCE = 60  # by default a client waits 5 s; a busy machine may need longer to start a server


class Restart:
    """A server that can be away for three seconds, or as long as it takes to start; a context manager."""

    def __init__(self, home, folder):
        self._home, self._folder = home, folder
        self._servers = ExitStack()
        self._start_seconds = 0.0
        self.address = None

    def __enter__(self):
        self._start_seconds = self._start("first")
        return self

    def __exit__(self, *_):
        self._servers.close()

    def run(self):
        """Restart it; the seconds for which it was away."""
        self._servers.close()
        ended = time.monotonic()
        time.sleep(max(0.0, OUTAGE_SECONDS - self._start_seconds))
        self._start("second")
        return time.monotonic() - ended

    def _start(self, name):
        began = time.monotonic()
        process = self._servers.enter_context(ServerProcess(self._home, self._folder / name, address=self.address))
        self.address = process.address
        process.wait_until_serving()
        return time.monotonic() - began


def test_threads_lose_none(tiny_home, tmp_path, figures):
    with Restart(tiny_home, tmp_path) as restart, Client(restart.address, reconnect_timeout=PATIENCE) as client:
        with figures.timed(), Load(client, 32) as load:
            load.wait_until(lambda seen: seen.total() >= CALLS / 2)
            figures.recoveries.append(restart.run())
            load.wait_until(lambda seen: seen.total() >= CALLS)
        figures.faults = 1
        figures.count(load.seen)
        assert load.seen == {ANSWERED: load.seen.total()}


async def test_an_event_loop_loses_none(tiny_home, tmp_path, figures):
    with Restart(tiny_home, tmp_path) as restart:
        async with AsyncClient(restart.address, reconnect_timeout=PATIENCE) as client:
            assert await send_at_once(client, 1) == {ANSWERED: 1}
            restarting = asyncio.create_task(asyncio.to_thread(restart.run))
            waves = []
            with figures.timed():
                for _ in range(CALLS // 100):
                    waves.append(asyncio.create_task(send_at_once(client, 100)))
                    await asyncio.sleep(OUTAGE_SECONDS / 10)
                seen = sum([await wave for wave in waves], start=type(await waves[0])())
            figures.recoveries.append(await restarting)
        figures.faults = 1
        figures.count(seen)
        assert seen == {ANSWERED: CALLS}
