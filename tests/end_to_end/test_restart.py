"""Callers while a real server restarts, in order and not."""

import signal
from contextlib import ExitStack

import pytest
from polygist_client import Client, ServerUnreachable

from tests.end_to_end.load import ANSWERED, TEXT, Load
from tests.end_to_end.server import ServerProcess, find_free_port


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_call_fails(tiny_home, tmp_path, number):
    with ExitStack() as servers:
        first = servers.enter_context(ServerProcess(tiny_home, tmp_path / "first"))
        first.wait_until_serving()
        client = servers.enter_context(Client(first.address, reconnect_timeout=60))
        with Load(client, 8) as load:
            load.wait_until(lambda seen: seen.total() > 50)
            first.stop(number)
            before = load.seen.total()
            servers.enter_context(ServerProcess(tiny_home, tmp_path / "second", address=first.address))
            load.wait_until(lambda seen: seen.total() > before + 50)
        assert load.seen == {ANSWERED: load.seen.total()}


def test_where_nothing_has_answered_a_call_fails_at_once():
    with Client(f"127.0.0.1:{find_free_port()}", reconnect_timeout=600) as client, pytest.raises(ServerUnreachable):
        client.translate(TEXT, to="en")
