"""What the log tells of calls that are refused, and how little is done for one."""

import gc

import pytest
import structlog
from polygist.v1.translation_service_pb2 import TranslateRequest
from polygist_service.admission import Admission
from polygist_service.errors import ServerOverloaded
from polygist_service.rpc import refusals
from polygist_service.rpc.refusals import RefusalLog

from tests.service.echo import EchoEngine
from tests.service.harness import failure_of, serving, until

OVERLOADED = {"method": "Translate", "code": "UNAVAILABLE", "reason": "SERVER_OVERLOADED"}
REQUEST = TranslateRequest(contents=["One."], source_language_code="en", target_language_code="pt")


@pytest.fixture
def log():
    with structlog.testing.capture_logs() as entries:
        yield entries


def refuse_all(monkeypatch):
    """Have each call refused that asks for work."""
    refusal = ServerOverloaded("too much waits; try again in 2 s", retry_after=2.0)
    monkeypatch.setattr(Admission, "find_refusal", lambda *_, **__: refusal)


async def test_the_first_of_a_kind_is_told_at_once_and_how_many_more_there_were(log):
    told = RefusalLog()
    assert [told.is_first(OVERLOADED) for _ in range(5)] == [True, False, False, False, False]
    assert told.is_first({**OVERLOADED, "key": "newsroom"})
    assert log == []
    told.tell()
    assert log == [{"event": "calls_refused", "log_level": "info", **OVERLOADED, "calls": 4}]
    assert told.is_first(OVERLOADED)
    told.tell()
    assert len(log) == 1


async def test_it_is_told_without_another_call(monkeypatch, log):
    monkeypatch.setattr(refusals, "TELL_SECONDS", 0.01)
    told = RefusalLog()
    told.is_first(OVERLOADED)
    told.is_first(OVERLOADED)
    await until(lambda: log)
    assert log[0]["calls"] == 1


async def test_of_refused_calls_each_is_counted_and_the_log_loses_none(monkeypatch, log):
    refuse_all(monkeypatch)
    async with serving(EchoEngine()) as service:
        failures = [await failure_of(service.translation.Translate(REQUEST)) for _ in range(20)]
        service.services.refusals.tell()
        counted = service.services.metrics.registry.get_sample_value(
            "polygist_calls_failed_total",
            {"grpc_service": "polygist.v1.TranslationService", "grpc_method": "Translate", "grpc_type": "unary",
             "transport": "grpc", "grpc_code": "UNAVAILABLE", "reason": "SERVER_OVERLOADED", "source": "other",
             "target": "other"},
        )  # fmt: skip
    assert {(each.code, each.reason, each.trailer["grpc-retry-pushback-ms"]) for each in failures} == {
        ("UNAVAILABLE", "SERVER_OVERLOADED", "2000")
    }
    assert len({each.trailer["x-request-id"] for each in failures}) == 20
    assert counted == 20
    lines = [line for line in log if line["event"] == "call"]
    more = [line for line in log if line["event"] == "calls_refused"]
    assert len(lines) + sum(line["calls"] for line in more) == 20
    assert lines[0]["request_id"] == failures[0].trailer["x-request-id"]
    assert all(OVERLOADED.items() <= line.items() for line in (*lines, *more))


async def test_nothing_is_made_of_a_call_that_is_refused(monkeypatch):
    """Neither what an answer needs nor, of a status that is short, what long ones do."""
    made = []
    refuse_all(monkeypatch)
    for place in ("interceptors.CallContext", "status.quote", "status.cut_texts"):
        monkeypatch.setattr(f"polygist_service.rpc.{place}", lambda *_, place=place, **__: made.append(place))
    async with serving(EchoEngine()) as service:
        failure = await failure_of(service.translation.Translate(REQUEST, timeout=60))
    assert failure.reason == "SERVER_OVERLOADED"
    assert made == []


async def test_a_call_that_is_refused_leaves_nothing_to_the_collector(monkeypatch):
    refuse_all(monkeypatch)

    def count_states():
        return sum(type(each).__name__ == "RPCState" for each in gc.get_objects())

    async with serving(EchoEngine()) as service:
        await failure_of(service.translation.Translate(REQUEST))
        gc.collect()
        before = count_states()
        gc.disable()
        try:
            for _ in range(20):
                await failure_of(service.translation.Translate(REQUEST))
            await until(lambda: count_states() < before + 5)
        finally:
            gc.enable()
