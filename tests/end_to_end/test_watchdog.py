"""A server process whose engine or event loop hangs says so and ends."""

import signal
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist.v1 import translation_service_pb2, translation_service_pb2_grpc

from tests.end_to_end.server import ServerProcess, wait_until
from tests.failpoints import RUN, Failpoints

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
STALLED = 70
QUICK = ("--slots", "2", "--stall-seconds", "1")


class Faulty(ServerProcess):
    """A server with faults, and one channel to it."""

    def __init__(self, home, folder, *flags):
        self.points = Failpoints(folder / "points")
        command = (*RUN, str(folder / "points"), "serve")
        super().__init__(home, folder / "log", *QUICK, *flags, command=command)
        self._channel = grpc.insecure_channel(self.address)

    def __exit__(self, *_):
        self._channel.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=30)

    def translate(self):
        """Begin a call."""
        request = translation_service_pb2.TranslateRequest(
            contents=["Der alte Markt."], target_language_code="en", source_language_code="de"
        )
        return translation_service_pb2_grpc.TranslationServiceStub(self._channel).Translate.future(request, timeout=60)

    def watch(self):
        """The states of health from now on."""
        request = health_pb2.HealthCheckRequest(service="polygist.v1.TranslationService")
        for reply in health_pb2_grpc.HealthStub(self._channel).Watch(request, timeout=60):
            yield reply.status

    def check(self):
        """The health of the whole server now."""
        return health_pb2_grpc.HealthStub(self._channel).Check(health_pb2.HealthCheckRequest(), timeout=10).status

    def hang_slots(self, count=2):
        """Begin calls until so many slots hang, and no other will."""
        self.points.switch("engine.batch", f"{count}*hang")
        calls = []
        for number in range(count):
            calls.append(self.translate())
            wait_until(lambda number=number: self.points.count("engine.batch") > number)
        return calls

    def causes(self):
        """Why it stood still."""
        return [event["cause"] for event in self.events("stalled")]


@contextmanager
def serving(home: Path, folder: Path, *flags: str):
    """A server that serves, without a fault yet."""
    with Faulty(home, folder, *flags) as process:
        process.wait_until_serving()
        yield process


def test_hung_slots_turn_health_and_then_end_the_server(tiny_home, tmp_path):
    with serving(tiny_home, tmp_path, "--stall-grace", "2", "--metrics-listen", "127.0.0.1:0") as process:
        states = process.watch()
        assert next(states) == SERVING
        calls = process.hang_slots()
        assert next(states) == NOT_SERVING
        assert process.check() == NOT_SERVING
        (metrics,) = process.events("metrics")
        with urllib.request.urlopen(f"http://{metrics['address']}/metrics", timeout=10) as reply:
            assert 'polygist_stalls_total{cause="all_slots"} 1.0' in reply.read().decode()
        assert process.process.wait(timeout=30) == STALLED
        assert [call.code() for call in calls] == [grpc.StatusCode.UNAVAILABLE] * 2
    assert process.causes() == ["all_slots"]


def test_a_batch_that_ends_after_all_turns_health_back(tiny_home, tmp_path):
    with serving(tiny_home, tmp_path, "--stall-grace", "60") as process:
        states = process.watch()
        assert next(states) == SERVING
        calls = process.hang_slots()
        assert next(states) == NOT_SERVING
        process.points.switch("engine.batch")
        assert next(states) == SERVING
        assert all(call.result().translations for call in calls)
        assert process.translate().result().translations
        assert process.stop() == 0
    assert [event["cause"] for event in process.events("moves_again")] == ["all_slots"]


def test_a_dead_slot_ends_the_server(tiny_home, tmp_path):
    with serving(tiny_home, tmp_path, "--stall-grace", "1") as process:
        states = process.watch()
        assert next(states) == SERVING
        process.points.switch("engine.batch", "die")
        call = process.translate()
        assert next(states) == NOT_SERVING
        assert process.process.wait(timeout=30) == STALLED
        assert call.code() is grpc.StatusCode.UNAVAILABLE
    assert process.causes() == ["dead_slot"]
    assert "SystemExit" in process.events("slot_died")[0]["exception"]


def test_one_hung_slot_is_given_up_while_the_other_one_serves(tiny_home, tmp_path):
    with serving(tiny_home, tmp_path, "--stall-seconds", "0.3", "--stall-grace", "1") as process:
        for _ in range(5):  # the first batches of a model are predicted to take long
            process.translate().result()
        hung = process.hang_slots(1)
        assert process.translate().result().translations
        assert process.check() == SERVING
        assert process.process.wait(timeout=60) == STALLED
        assert [call.code() for call in hung] == [grpc.StatusCode.UNAVAILABLE]
    assert process.causes() == ["lost_slot"]


def test_a_blocked_event_loop_ends_the_server(tiny_home, tmp_path):
    with serving(tiny_home, tmp_path, "--stall-grace", "1") as process:
        process.points.switch("lifecycle.beat", "hang")
        assert process.process.wait(timeout=30) == STALLED
    assert process.causes() == ["event_loop"]


def test_an_event_loop_that_turns_again_serves_again(tiny_home, tmp_path):
    with serving(tiny_home, tmp_path, "--stall-grace", "60") as process:
        process.points.switch("lifecycle.beat", "hang")
        process.wait_for("stalled")
        process.points.switch("lifecycle.beat")
        process.wait_for("moves_again")
        assert process.check() == SERVING
        assert process.stop() == 0


@pytest.mark.parametrize("signals", [1, 2])
def test_a_stop_of_a_stalled_server_keeps_the_exit_code(tiny_home, tmp_path, signals):
    with serving(tiny_home, tmp_path, "--stall-grace", "60", "--grace", "1") as process:
        calls = process.hang_slots()
        process.wait_for("stalled")
        for _ in range(signals):
            process.process.send_signal(signal.SIGTERM)
            time.sleep(0.1)
        assert process.process.wait(timeout=30) == STALLED
        assert not any(call.code() is grpc.StatusCode.OK for call in calls)
    assert process.events("stopped")


def test_a_stall_that_begins_while_it_drains_gives_the_exit_code(tiny_home, tmp_path):
    with serving(tiny_home, tmp_path, "--stall-grace", "60", "--grace", "4") as process:
        calls = process.hang_slots()
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(timeout=30) == STALLED
        assert not any(call.code() is grpc.StatusCode.OK for call in calls)
    assert process.causes() == ["all_slots"]


def test_a_process_that_was_stopped_itself_is_not_taken_for_stuck(tiny_home, tmp_path):
    with serving(tiny_home, tmp_path, "--stall-grace", "0") as process:
        calls = process.hang_slots()
        process.process.send_signal(signal.SIGSTOP)
        time.sleep(3)
        process.points.switch("engine.batch")
        process.process.send_signal(signal.SIGCONT)
        assert all(call.result().translations for call in calls)
        assert process.stop() == 0
    assert not process.causes()
