"""The load generator against a server with a fake engine, and what is read of its recordings; no figure is asserted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from bench.speed.generator import carry_out
from bench.speed.layouts import find_engine, read_threads
from bench.speed.plan import OK, STREAM, SUMMARISE, Call, Plan, Recording, Stream
from tests.service.echo import EchoEngine
from tests.service.harness import serving

TEXTS = ["One goes. Two go.", "Three go."]


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.json"
    path.write_text(json.dumps(TEXTS))
    return str(path)


async def carry(texts, **stream):
    async with serving(EchoEngine()) as service:
        plan = Plan(service.address, os.getpid(), seconds=0.3, warm_up=0.1, streams=[Stream("all", texts, **stream)])
        return await carry_out(plan)


async def test_callers_send_one_call_after_the_other(texts):
    recording = await carry(texts, callers=2)
    calls = recording.calls["all"]
    assert {call.code for call in calls} == {OK}
    assert {call.words for call in calls} == {2, 4}
    assert min(call.due for call in calls) < 0 < recording.window().words
    assert all(call.due == pytest.approx(call.sent, abs=0.05) for call in calls)
    assert recording.generator_cpu_seconds > 0


async def test_calls_are_sent_at_fixed_times_whatever_becomes_of_those_before(texts):
    first = await carry(texts, rate=100.0, seed=5, connections=2)
    again = await carry(texts, rate=100.0, seed=5, connections=2)
    due = [sorted(call.due for call in recording.calls["all"]) for recording in (first, again)]
    assert due[0] == pytest.approx(due[1])
    assert all(call.lag >= 0 for call in first.calls["all"])


async def test_calls_that_their_caller_gives_up_are_told_apart(texts):
    recording = await carry(texts, callers=2, cancelled=0.5, cancelled_within=0.0, fails=True)
    codes = [call.code for call in recording.calls["all"]]
    assert {"CANCELLED", OK} == set(codes)


async def test_a_failure_ends_the_run_unless_failures_are_counted(texts):
    with pytest.RaisesGroup(grpc.aio.AioRpcError, flatten_subgroups=True, allow_unwrapped=True):
        await carry(texts, callers=1, source="xx")
    recording = await carry(texts, callers=1, source="xx", fails=True)
    assert OK not in {call.code for call in recording.calls["all"]}


async def test_the_first_piece_of_a_stream_has_a_time_of_its_own(texts):
    recording = await carry(texts, callers=1, method=STREAM)
    assert any(call.first < call.end for call in recording.calls["all"])
    assert all(call.sent < call.first <= call.end for call in recording.calls["all"])


async def test_summaries_are_sent_too(texts):
    recording = await carry(texts, callers=1, method=SUMMARISE)
    assert {call.code for call in recording.calls["all"]} == {OK}


async def test_a_client_has_the_address_that_it_was_given(texts):
    engine = EchoEngine()
    callers = []

    class Listening(type(engine)):
        def hold(self, name, context):
            callers.append(context.caller)
            return super().hold(name, context)

    async with serving(Listening()) as service:
        streams = [Stream(name, texts, callers=1, client=name) for name in ("127.0.0.2", "127.0.0.3")]
        await carry_out(Plan(service.address, os.getpid(), 0.2, 0.1, streams))
    assert set(callers) == {"ipv4:127.0.0.2", "ipv4:127.0.0.3"}


def test_what_was_sent_is_read_as_it_was_written(tmp_path, texts):
    plan = Plan("127.0.0.1:1", 5, 1.0, 0.5, [Stream("all", texts, rate=3.0)])
    assert Plan.read(plan.write(tmp_path / "plan.json")) == plan
    recording = Recording(1.0, 0.5, 0.1, {"all": [Call(0.1, 0.2, 0.3, 0.6, OK, 4, 5)]})
    assert Recording.from_json(recording.to_json()) == recording


def test_latency_counts_from_the_time_that_a_call_was_due():
    early, late = Call(-0.5, -0.5, 0.5, 0.5, OK, 10, 20), Call(0.2, 0.4, 0.9, 0.9, OK, 10, 20)
    recording = Recording(1.0, 0.5, 0.1, {"all": [early, late, Call(0.5, 0.5, 0.6, 0.6, "UNAVAILABLE", 10, 0)]})
    assert recording.latencies("all") == [pytest.approx(0.7)]
    assert recording.lag() == pytest.approx(0.2)
    assert recording.window().words == pytest.approx(15)
    assert recording.rate("all") == pytest.approx(1.5)


def test_the_engine_is_where_the_time_goes():
    before, after = {1: 5.0, 2: 0.0, 3: 1.0}, {1: 9.0, 2: 3.0, 3: 1.5, 4: 2.0}
    assert find_engine(1, before, after, slots=2) == [2, 4]
    assert os.getpid() in read_threads(os.getpid())


def test_an_unknown_benchmark_is_refused():
    pytest.importorskip("sacrebleu", reason="the scorers are not installed: pip install --group bench")
    command = [sys.executable, "-m", "bench.speed", "--only", "B1,B99"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "no benchmark: B99" in done.stderr
