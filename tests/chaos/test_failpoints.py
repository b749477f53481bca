"""Something goes wrong at a named place of the server, under calls whose answers are checked."""

import itertools
import os
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path

import polygist_service
import pytest
from polygist_client import CallFailed, Client, Unavailable
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.store import Store

from tests.end_to_end.load import ANSWERED, Load
from tests.end_to_end.server import ServerProcess, wait_until
from tests.failpoints import COMMENT, RUN, Failpoints, find_names

SOURCE = Path(polygist_service.__file__).parent
MODEL = Path(__file__).parents[1] / "parity" / "marian"
CALLERS, TURNS = 8, 30
TEXTS = [f"Der alte Markt {number}." for number in range(20)]
# A server without a memory of sentences: each call has to come from the model.
FLAGS = ("--sentence-cache", "0", "--stall-seconds", "60")
SERVED = ("engine.load", "engine.admit", "engine.batch", "engine.deliver")
# The beat is made to stand still in tests/end_to_end/test_watchdog.py.
LIVED = (
    *("lifecycle.reading", "lifecycle.listening", "lifecycle.draining", "lifecycle.drained", "lifecycle.reload"),
    "lifecycle.beat",
)
STORED = ("store.publish", "store.link", "store.discard")


@contextmanager
def failing(home, folder, *flags, **actions):
    """A server whose places fail as given, and what switches them."""
    points = Failpoints(folder / "points")
    for name, action in actions.items():
        points.switch(name.replace("_", "."), action)
    command = (*RUN, str(folder / "points"), "serve")
    with ServerProcess(home, folder / "log", *FLAGS, *flags, command=command) as process:
        yield process, points


def translate(client):
    """The answer to each text, or the name of its error."""

    def ask(text):
        try:
            return client.translate(text, to="en", source="de", timeout=60).text
        except CallFailed as error:
            return type(error).__name__

    return [ask(text) for text in TEXTS]


class CheckedLoad(Load):
    """Callers who compare each answer with the one that is right.

    Args:
        expected: the answer to each text.
    """

    def __init__(self, client, threads, expected):
        super().__init__(client, threads)
        self._expected = itertools.cycle(expected.items())

    def ask(self):
        with self._lock:
            text, right = next(self._expected)
        try:
            answer = self._client.translate(text, to="en", source="de", timeout=60).text
        except CallFailed as error:
            return type(error).__name__
        return ANSWERED if answer == right else "mixed up"


def test_each_place_has_a_test():
    names = find_names(SOURCE)
    assert sorted(names) == sorted((*SERVED, *LIVED, *STORED))
    assert not [path for path in SOURCE.rglob("*.py") if "failpoint" in COMMENT.sub("", path.read_text())]


def test_batches_that_fail_once_give_the_answers_of_those_that_do_not(tiny_home, tmp_path):
    with failing(tiny_home, tmp_path) as (process, points), Client(process.address) as client:
        process.wait_until_serving()
        expected = translate(client)
        assert len(set(expected)) > 1
        points.switch("engine.batch", "1*error")
        seen = translate(client)
        assert points.count("engine.batch") == 1
        assert seen.count("InferenceFailed") == 1  # a batch of one that fails has failed
        assert [text for text, good in zip(seen, expected, strict=True) if text != good] == ["InferenceFailed"]
        points.switch("engine.batch")
        points.switch("lifecycle.reload", "1*error")
        process.process.send_signal(signal.SIGHUP)
        process.wait_for("not_reloaded", what="certificates")
        process.wait_for("reloaded", what="models")
        points.switch("engine.deliver", "3*sleep 0.05")
        assert translate(client) == expected
        assert points.count("engine.deliver") == 3
        assert process.stop() == 0


def test_slow_steps_of_start_and_drain_change_no_exit_code(tiny_home, tmp_path):
    slow = {
        "lifecycle_draining": "1*sleep 0.2",
        "lifecycle_drained": "1*sleep 0.2",
        "lifecycle_listening": "1*sleep 0.2",
    }
    with failing(tiny_home, tmp_path, **slow) as (process, points), Client(process.address) as client:
        process.wait_until_serving()
        assert client.translate(TEXTS[0], to="en", source="de").text
        process.process.send_signal(signal.SIGTERM)
        assert process.stop() == 0
        assert [points.count(name.replace("_", ".")) for name in slow] == [1, 1, 1]


def test_a_start_that_hangs_says_where_and_goes_on_or_ends_as_it_is_told(tiny_home, tmp_path):
    with failing(tiny_home, tmp_path, "--stall-seconds", "0.2", lifecycle_reading="hang") as (process, points):
        line = process.wait_for("still_reading", what="models", path=str(tiny_home))
        assert line["level"] == "warning"
        with Client(process.address) as client, pytest.raises(Unavailable):
            client.health()
        points.switch("lifecycle.reading")
        process.wait_until_serving()
        assert process.stop() == 0
    with failing(tiny_home, tmp_path, "--stall-seconds", "0.2", lifecycle_reading="hang") as (process, _):
        process.wait_for("still_reading")
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(timeout=60) == 0
        assert process.events("stopped")


@pytest.mark.chaos
def test_callers_get_right_answers_while_faults_come_and_go(tiny_home, tmp_path, figures):
    faults = [("engine.batch", "error"), ("engine.batch", "sleep 0.3"), ("engine.deliver", "sleep 0.3")]
    with failing(tiny_home, tmp_path) as (process, points), Client(process.address) as client:
        process.wait_until_serving()
        expected = dict(zip(TEXTS, translate(client), strict=True))
        with figures.timed(), CheckedLoad(client, CALLERS, expected) as load:
            for turn in range(TURNS):
                name, action = faults[turn % len(faults)]
                came = points.count(name)
                points.switch(name, f"{came + 1}*{action}")
                wait_until(lambda name=name, came=came: points.count(name) > came)
                if turn % len(faults) == 0:
                    process.process.send_signal(signal.SIGHUP)
            points.switch("engine.batch")
            before = load.seen.total()
            load.wait_until(lambda seen: seen.total() > before + 100)
        assert process.stop() == 0
    errors = sum(turn % len(faults) == 0 for turn in range(TURNS))
    figures.faults = TURNS
    figures.count(load.seen)
    figures.lost -= load.seen["InferenceFailed"]  # a batch of one text that fails has failed, and its caller is told
    figures.notes.append(f"answers compared: {dict(load.seen)}, with {errors} batches that failed")
    assert set(load.seen) <= {ANSWERED, "InferenceFailed"}
    assert load.seen["InferenceFailed"] <= errors


@pytest.mark.chaos
@pytest.mark.parametrize("name", ["engine.load", "engine.admit"])
def test_a_model_that_does_not_load_at_the_start_ends_the_server_or_its_health(tiny_home, tmp_path, name):
    with failing(tiny_home, tmp_path, **{name.replace(".", "_"): "error"}) as (process, points):
        assert process.process.wait(timeout=60) == 1
        assert points.count(name)


@pytest.mark.chaos
def test_two_signals_end_a_server_whose_load_goes_on(tiny_home, tmp_path):
    with failing(tiny_home, tmp_path, engine_load="sleep 600") as (process, points):
        process.wait_for("listening")
        while not points.count("engine.load"):
            assert process.process.poll() is None
        process.process.send_signal(signal.SIGTERM)
        process.wait_for("draining")
        assert process.stop() == 0


@pytest.mark.chaos
@pytest.mark.parametrize("name", STORED)
def test_an_installation_killed_at_any_place_leaves_a_whole_model_that_serves_on(tmp_path, name):
    store, options = Store(tmp_path / "home"), PullOptions(name="de-en", sources=("de",), targets=("en",))
    store.pull([f"path:{MODEL}"], options=options)
    points = Failpoints(tmp_path / "points")
    points.switch(name, "1*kill")
    pull = f"models pull path:{MODEL} --name de-en --from de --to en --again".split()
    done = subprocess.run(
        [*RUN, str(tmp_path / "points"), *pull],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "POLYGIST_HOME": str(store.home)},
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    store.verify("de-en")
    with failing(store.home, tmp_path) as (process, _), Client(process.address) as client:
        process.wait_until_serving()
        assert all(translate(client))
