"""Thousands of connections on which nothing comes, and thousands that come and go."""

import os
import resource
import time
from contextlib import ExitStack, suppress

import pytest
from polygist_client import Client

from bench.speed.figures import percentile
from tests.chaos.figures import read_resident
from tests.chaos.wire import PREFACE, connection
from tests.end_to_end.load import TEXT
from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.chaos

CONNECTIONS, CALLS = 5000, 50
# What this process and pytest have open besides.
OTHERS = 200


@pytest.fixture
def server(tiny_home, tmp_path):
    """A server that may have as many files open as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with ServerProcess(tiny_home, tmp_path / "log") as process:
        process.wait_until_serving()
        yield process
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def count_files(process):
    """How many files a process has open."""
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def measure(client):
    """The 99th percentile of some calls, in milliseconds."""
    took = []
    for number in range(CALLS):
        began = time.monotonic()
        assert client.translate(f"{TEXT} {number}", to="en", source="de", timeout=60).text
        took.append(time.monotonic() - began)
    return 1000 * percentile(took, 0.99)


def test_idle_connections_keep_nobody_from_an_answer(server, figures):
    count = min(CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OTHERS)
    with Client(server.address) as client:
        alone, before = measure(client), read_resident(server.process.pid)
        with ExitStack() as stack:
            for number in range(count):
                opened = stack.enter_context(connection(server.address))
                if number % 2:
                    opened.sendall(PREFACE)
            beside, held = measure(client), read_resident(server.process.pid)
        began = time.monotonic()
        after = measure(client)
    figures.inputs, figures.calls, figures.growth = count, 3 * CALLS, held - before
    figures.recoveries.append(time.monotonic() - began)
    figures.notes.append(
        f"{count} idle connections: {(held - before) * 1000 / count:.0f} kB each; "
        f"p99 {alone:.0f} ms before, {beside:.0f} beside them, {after:.0f} after"
    )


def test_connections_that_come_and_go_leave_no_files_open(server, figures):
    before = count_files(server.process)
    for number in range(CONNECTIONS):
        with connection(server.address) as opened, suppress(OSError):
            opened.sendall(PREFACE[: number % (len(PREFACE) + 1)])
    figures.inputs = CONNECTIONS
    with Client(server.address) as client:
        assert client.translate(TEXT, to="en", source="de", timeout=60).text
        end = time.monotonic() + 60
        while count_files(server.process) > before + 10:
            assert time.monotonic() < end, count_files(server.process)
            time.sleep(0.1)
