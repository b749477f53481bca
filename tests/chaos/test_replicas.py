"""Three replicas behind the client's round-robin, one of them restarted, killed or stopped again and again."""

import signal
import time
from contextlib import ExitStack

import pytest
from polygist_client import Client

from tests.end_to_end.load import ANSWERED, Load
from tests.end_to_end.server import ServerProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

REPLICAS = 3
THREADS = 8
# By default a client waits 5 s for a server; on a busy machine all may be away for longer than that.
PATIENCE = 60
CALLS = 10_000
KILLS, KILL_SECONDS = 12, 5
LAME_DUCK = ("--lame-duck", "0.5")


class Replicas:
    """Servers of the same models, each at an address of its own that the next one at its place has too."""

    def __init__(self, home, folder):
        self._home, self._folder, self._started = home, folder, 0
        self._stack = ExitStack()
        self.servers = [self._start(None) for _ in range(REPLICAS)]
        for server in self.servers:
            server.wait_until_serving()
        self.target = "ipv4:" + ",".join(server.address for server in self.servers)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    def renew(self, at, number):
        """End one with a signal and start another in its place; the seconds until that serves, and the exit code."""
        began, old = time.monotonic(), self.servers[at]
        code = old.stop(number)
        self.servers[at] = self._start(old.address)
        self.servers[at].wait_until_serving()
        return time.monotonic() - began, code

    def _start(self, address):
        self._started += 1
        log = self._folder / str(self._started)
        return self._stack.enter_context(ServerProcess(self._home, log, *LAME_DUCK, address=address))


@pytest.fixture
def replicas(tiny_home, tmp_path):
    """Three that serve."""
    with Replicas(tiny_home, tmp_path) as three:
        yield three


def test_a_rolling_restart_fails_no_call_of_ten_thousand(replicas, figures):
    turn = 0
    with (
        Client(replicas.target, reconnect_timeout=PATIENCE) as client,
        figures.timed(),
        Load(client, THREADS) as load,
    ):
        while load.seen.total() < CALLS or turn < REPLICAS:
            seconds, code = replicas.renew(turn % REPLICAS, signal.SIGTERM)
            assert code == 0
            figures.recoveries.append(seconds)
            turn += 1
    figures.faults = turn
    figures.count(load.seen)
    assert load.seen == {ANSWERED: load.seen.total()}


def test_one_killed_every_five_seconds_loses_no_call(replicas, figures):
    began = time.monotonic()
    with (
        Client(replicas.target, reconnect_timeout=PATIENCE) as client,
        figures.timed(),
        Load(client, THREADS) as load,
    ):
        for turn in range(KILLS):
            seconds, code = replicas.renew(turn % REPLICAS, signal.SIGKILL)
            assert code == -signal.SIGKILL
            figures.recoveries.append(seconds)
            time.sleep(max(0.0, began + (turn + 1) * KILL_SECONDS - time.monotonic()))
    figures.faults = KILLS
    figures.count(load.seen)
    assert load.seen == {ANSWERED: load.seen.total()}
