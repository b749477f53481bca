"""When a call that failed is made again: pure decisions, on a clock of the test's own."""

from contextlib import suppress

import pytest
from polygist_client import CallFailed, Cancelled, ModelLoading, ServerDraining, ServerOverloaded, Unavailable, calls
from polygist_client.connection import connect_to
from polygist_client.retries import FIRST_DELAY, LONGEST_DELAY, Attempts, Retries

GONE = Unavailable("nothing answers", code="UNAVAILABLE")
LOST = Cancelled("lost", code="CANCELLED")
TRANSLATE = calls.translate("a", to="pt")


def make_retries(*, jitter: float = 1.0, **options) -> Retries:
    """Retries of a client whose server has answered before."""
    retries = Retries(connect_to("localhost:1", **options), jitter=lambda: jitter)
    for call in (TRANSLATE, calls.server_info()):
        retries.begin(call, 0.0).succeed()
    return retries


def delays(attempts: Attempts, now: float, error: CallFailed) -> list[float]:
    """How long is waited before each attempt, where every one fails at once and alike."""
    found: list[float] = []
    with suppress(type(error)):
        while True:
            found.append(attempts.delay_after(error, now + sum(found)))
    return found


def test_a_call_is_made_again_for_as_long_as_was_said_and_once_more_at_the_end():
    waits = delays(make_retries().begin(TRANSLATE, 100.0), 103.0, GONE)
    assert waits[0] == FIRST_DELAY
    assert max(waits) == LONGEST_DELAY
    assert sum(waits) == pytest.approx(5.0)
    assert sorted(waits[:-1]) == waits[:-1]


@pytest.mark.parametrize("seconds", [0.05, 1.0, 30.0])
def test_how_long_is_a_setting(seconds: float):
    assert sum(delays(make_retries(reconnect_timeout=seconds).begin(TRANSLATE, 0.0), 0.0, GONE)) == pytest.approx(
        seconds
    )


def test_nought_is_not_at_all():
    assert delays(make_retries(reconnect_timeout=0).begin(TRANSLATE, 0.0), 0.0, GONE) == []


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
def test_callers_that_failed_together_do_not_come_back_together(jitter: float):
    attempts = make_retries(jitter=jitter).begin(TRANSLATE, 0.0)
    assert attempts.delay_after(GONE, 0.0) == FIRST_DELAY * (1 + jitter) / 2


def test_an_address_where_nothing_has_answered_fails_at_once():
    retries = Retries(connect_to("localhost:1"))
    assert delays(retries.begin(TRANSLATE, 0.0), 0.0, GONE) == []
    retries.begin(TRANSLATE, 0.0).succeed()
    assert delays(retries.begin(TRANSLATE, 0.0), 0.0, GONE)
    assert delays(retries.begin(calls.server_info(), 0.0), 0.0, GONE) == []  # goes over another channel


def test_the_deadline_ends_it_with_what_went_wrong():
    attempts = make_retries(timeout=2.0).begin(TRANSLATE, 10.0)
    assert sum(delays(attempts, 10.0, GONE)) < 2.0
    assert attempts.keywords(10.5)["timeout"] == 1.5


@pytest.mark.parametrize("error", [GONE, ServerDraining("bye", code="UNAVAILABLE", reason="SERVER_DRAINING")])
def test_what_is_gone_or_going_comes_back(error: CallFailed):
    assert delays(make_retries().begin(TRANSLATE, 0.0), 0.0, error)


@pytest.mark.parametrize(
    "error",
    [
        ServerOverloaded("busy", code="UNAVAILABLE", reason="SERVER_OVERLOADED"),
        ModelLoading("loading", code="UNAVAILABLE", reason="MODEL_LOADING"),
        CallFailed("internal", code="INTERNAL"),
    ],
)
def test_an_answer_of_a_server_that_is_there_stands(error: CallFailed):
    assert delays(make_retries().begin(TRANSLATE, 0.0), 0.0, error) == []


def overloaded(retry_after: float) -> ServerOverloaded:
    return ServerOverloaded("busy", code="UNAVAILABLE", reason="SERVER_OVERLOADED", retry_after=retry_after)


def test_one_of_many_calls_is_made_again_when_the_server_said_that_it_has_room_and_not_before():
    for jitter in (0.0, 0.5, 1.0):
        attempts = make_retries(jitter=jitter, timeout=30.0).begin(TRANSLATE, 0.0, is_patient=True)
        assert attempts.delay_after(overloaded(8.0), 0.0) == 8.0 * (1 + jitter / 2)
        waits = delays(attempts, 12.0, overloaded(4.0))
        assert all(4.0 <= wait <= 6.0 for wait in waits)
        assert 12.0 + sum(waits) < 30.0


def test_room_that_comes_after_the_deadline_is_not_waited_for():
    attempts = make_retries(timeout=5.0).begin(TRANSLATE, 0.0, is_patient=True)
    with pytest.raises(ServerOverloaded):
        attempts.delay_after(overloaded(5.0), 0.0)


def test_a_call_that_takes_longer_than_there_is_time_is_not_made_again():
    hopeless = ServerOverloaded("too long", code="UNAVAILABLE", reason="SERVER_OVERLOADED")
    assert delays(make_retries(timeout=30.0).begin(TRANSLATE, 0.0, is_patient=True), 0.0, hopeless) == []


def test_what_the_way_cancelled_is_made_once_more():
    for retries in (make_retries(), Retries(connect_to("localhost:1"))):
        assert len(delays(retries.begin(TRANSLATE, 0.0), 0.0, LOST)) == 1
        assert delays(retries.begin(TRANSLATE, 0.0), 1000.0, LOST) == []


def test_a_server_that_stops_cancels_and_then_is_gone():
    attempts = make_retries().begin(TRANSLATE, 0.0)
    first = attempts.delay_after(LOST, 0.0)
    assert first + sum(delays(attempts, first, GONE)) == pytest.approx(5.0)


@pytest.mark.parametrize("call", [calls.health(), calls.load_model("a"), calls.unload_model("a")])
@pytest.mark.parametrize("error", [GONE, LOST])
def test_what_is_not_the_same_twice_is_made_once(call: calls.Call, error: CallFailed):
    retries = make_retries()
    assert delays(retries.begin(call, 0.0), 0.0, error) == []


def test_the_request_id_is_that_of_the_call():
    attempts = make_retries().begin(TRANSLATE, 0.0)
    metadata = [dict(attempts.keywords(now)["metadata"]) for now in (0.0, 1.0)]
    assert metadata == [{"x-request-id": attempts.request_id}] * 2
