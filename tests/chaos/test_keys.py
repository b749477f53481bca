"""API keys come and go under load: the calls of one key fail, those of others never."""

import signal
import time

import pytest
from polygist_client import Client

from tests.end_to_end.load import ANSWERED, Load
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.test_access import keys

pytestmark = pytest.mark.chaos

ROUNDS = 3
CALLS = 100  # of each, before and after a key is revoked


def test_a_key_that_is_revoked_under_load_ends_its_own_calls_only(tiny_home, tmp_path, figures):
    path = tmp_path / "keys.json"
    kept = keys(path, "add", "kept", "--scope", "translate")
    with ServerProcess(tiny_home, tmp_path / "log", "--access-keys", str(path)) as process:
        process.wait_until_serving()
        with Client(process.address, api_key=kept) as steady, figures.timed(), Load(steady, 4) as load:
            for number in range(ROUNDS):
                key = keys(path, "add", "passing", "--scope", "translate")
                hang_up(process, 2 * number + 1)
                with Client(process.address, api_key=key) as client, Load(client, 4) as passing:
                    passing.wait_until(lambda seen: seen[ANSWERED] >= CALLS)
                    assert set(passing.seen) == {ANSWERED}
                    keys(path, "revoke", "passing")
                    hang_up(process, 2 * number + 2)
                    answered = passing.seen[ANSWERED]
                    passing.wait_until(lambda seen: seen.total() - seen[ANSWERED] >= CALLS)
                    # Those that were being answered, one of each thread, are answered.
                    assert passing.seen[ANSWERED] <= answered + 4
                    assert {each.partition(":")[0] for each in passing.seen} == {ANSWERED, "Unauthenticated"}
                figures.faults += 1
                kept_calls = load.seen[ANSWERED]
                load.wait_until(lambda seen, before=kept_calls: seen[ANSWERED] >= before + CALLS)
        figures.count(load.seen)
        assert set(load.seen) == {ANSWERED}
        assert process.stop() == 0


def hang_up(process: ServerProcess, times: int) -> None:
    """Have the server read its keys, for that many times by now."""
    process.process.send_signal(signal.SIGHUP)
    while len([line for line in process.events("reloaded") if line["what"] == "keys"]) < times:
        assert process.process.poll() is None, process.log()
        time.sleep(0.05)
