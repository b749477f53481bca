"""What a bulk translation sends, sends again and yields: pure decisions, on a clock of the test's own."""

import itertools
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polygist_client import (
    CallFailed,
    Cancelled,
    DeadlineExceeded,
    InternalError,
    InvalidArgument,
    LanguagePairUnsupported,
    ModelLoading,
    ServerDraining,
    ServerUnreachable,
    Unauthenticated,
    Unavailable,
)
from polygist_client.bulk import IN_FLIGHT_AFTER_BREAKS, MOST_BREAKS, MOST_HELD, STREAM_SECONDS, WINDOW, Bulk, copy_of
from polygist_client.items import Answer, NumberedItem
from polygist_client.retries import LONGEST_DELAY

LOST = Unavailable("the connection broke", code="UNAVAILABLE")
AWAY = ServerUnreachable("nothing answers", code="UNAVAILABLE")
PROXY = Unavailable("upstream connect error", code="UNAVAILABLE", is_told=True)
DRAINING = ServerDraining("bye", code="UNAVAILABLE", reason="SERVER_DRAINING", is_told=True)
IDLE = DeadlineExceeded("no item for 60 s", code="DEADLINE_EXCEEDED", reason="STREAM_IDLE", is_told=True)
BUSY = ModelLoading("loading", code="UNAVAILABLE", reason="MODEL_LOADING")
NO_PAIR = LanguagePairUnsupported("no model", code="FAILED_PRECONDITION", reason="LANGUAGE_PAIR_UNSUPPORTED")
UNCLEAR = InternalError("Internal error from Core", code="INTERNAL")
ENDINGS = [LOST, UNCLEAR, AWAY, PROXY, DRAINING, IDLE, Cancelled("dropped", code="CANCELLED"), None]


@dataclass
class Reply:
    """An answer of the server to one item."""

    item_id: str
    error: CallFailed | None = None


@dataclass
class Simulation:
    """A bulk translation whose server and caller do what a test says."""

    bulk: Bulk
    count: int
    size: int = 1
    now: float = 100.0
    is_open: bool = False
    read: int = 0
    in_flight: list[int] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    answered: set[int] = field(default_factory=set)
    yielded: list[Answer] = field(default_factory=list)

    def read_items(self, most: int = WINDOW) -> None:
        while self.bulk.wants_item and most:
            most -= 1
            if self.read == self.count:
                return self.bulk.end_items()
            self.bulk.add(NumberedItem(self.read, "x" * self.size), self.now)
            self.read += 1

    def open(self) -> bool:
        if not self.is_open and self.bulk.should_open(self.now):
            self.bulk.begin_stream(self.now)
            self.is_open = True
        return self.is_open

    def send(self, most: int = WINDOW) -> None:
        while self.is_open and most and (item := self.bulk.next_to_send(self.now)):
            most -= 1
            assert item.index not in self.answered
            self.in_flight.append(item.index)
            self.sent.append(item.index)
        assert len(self.in_flight) == len(set(self.in_flight)) <= WINDOW

    def answer(self, at: int = 0, error: CallFailed | None = None) -> None:
        if self.is_open and self.in_flight:
            index = self.in_flight.pop(at % len(self.in_flight))
            if error is not BUSY:
                self.answered.add(index)
            self.bulk.receive(Reply(str(index), copy_of(error) if error else None), self.now)

    def end(self, error: CallFailed | None = None) -> None:
        if self.is_open:
            self.is_open = False
            self.in_flight.clear()
            self.bulk.end_stream(error, self.now)

    def take(self) -> None:
        self.yielded += self.bulk.take()

    def wait(self) -> None:
        """Let as much time pass as the client would wait."""
        self.now += self.bulk.seconds_to_wait(self.now) or 0.01

    def finish(self) -> None:
        """Let everything go well from here on."""
        for _ in range(3000):
            self.take()
            if self.bulk.is_done:
                return
            self.bulk.check(self.now)
            self.read_items()
            self.open()
            self.send()
            while self.in_flight:
                self.answer()
            if self.is_open and self.bulk.is_stream_complete(self.now):
                self.end()
            if not self.in_flight:
                self.wait()
        raise AssertionError("it does not end")


def simulate(count: int = 10, *, size: int = 1, **options: Any) -> Simulation:
    """A bulk translation of so many items; an answer may take 120 s."""
    given: dict[str, Any] = {
        "characters": 1000, "ordered": True, "seconds": lambda characters: 120.0, "reconnect_timeout": 5.0,
        "read_error": lambda reply: reply.error, "jitter": lambda: 1.0, **options,
    }  # fmt: skip
    return Simulation(Bulk(**given), count, size)


def begin(count: int = 10, **options: Any) -> Simulation:
    """One whose items are in flight."""
    found = simulate(count, **options)
    found.read_items()
    assert found.open()
    found.send()
    return found


steps = st.one_of(
    st.tuples(st.just("read"), st.integers(1, 60)),
    st.tuples(st.just("open"), st.none()),
    st.tuples(st.just("send"), st.integers(1, 60)),
    st.tuples(st.just("answer"), st.integers(0, 200)),
    st.tuples(st.just("refuse"), st.integers(0, 200)),
    st.tuples(st.just("fail"), st.integers(0, 200)),
    st.tuples(st.just("end"), st.sampled_from(ENDINGS)),
    st.tuples(st.just("take"), st.none()),
    st.tuples(st.just("wait"), st.floats(0, 400)),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 400), st.booleans(), st.sampled_from([1, 30, 500]), st.lists(steps, max_size=120))
def test_whatever_happens_each_item_is_yielded_once_and_in_order_where_asked(count, ordered, size, happenings):
    run = simulate(count, size=size, ordered=ordered, reconnect_timeout=1e9, seconds=lambda characters: 1e9)
    for what, how in happenings:
        match what:
            case "read":
                run.read_items(how)
            case "open":
                run.open()
            case "send":
                run.send(how)
            case "answer":
                run.answer(how)
            case "refuse":
                run.answer(how, BUSY)
            case "fail":
                run.answer(how, NO_PAIR)
            case "end":
                run.end(how)
            case "take":
                run.take()
            case "wait":
                run.now += how
        assert run.read - len(run.yielded) <= MOST_HELD
    run.finish()
    indices = [answer.item.index for answer in run.yielded]
    assert sorted(indices) == list(range(count))
    assert not ordered or indices == sorted(indices)
    for answer in run.yielded:
        assert answer.error is None or answer.error.index == answer.item.index


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.integers(0, 399), st.randoms(use_true_random=False))
def test_an_item_that_ends_the_server_fails_alone(count, lethal, random):
    lethal %= count
    run = simulate(count)
    for _ in range(10_000):
        run.take()
        if run.bulk.is_done:
            break
        run.read_items()
        run.open()
        run.send(random.randint(1, WINDOW))
        if lethal in run.in_flight:
            run.end(LOST)
        elif run.in_flight:
            run.answer(random.randint(0, WINDOW))
        elif run.is_open and run.bulk.is_stream_complete(run.now):
            run.end()
        else:
            run.wait()
    assert [answer.item.index for answer in run.yielded if answer.error] == [lethal]
    assert run.sent.count(lethal) == MOST_BREAKS
    assert len(run.yielded) == count


def test_only_what_is_unanswered_is_sent_again_and_in_the_order_of_the_items():
    run = begin(6)
    for at in (3, 1):
        run.answer(at)
    run.end(LOST)
    run.finish()
    assert run.sent == [0, 1, 2, 3, 4, 5, 0, 2, 4, 5]


@pytest.mark.parametrize("error", [DRAINING, IDLE, PROXY])
def test_a_server_that_leaves_items_behind_on_purpose_makes_none_suspect(error: CallFailed):
    run = begin(WINDOW)
    for _ in range(MOST_BREAKS + 1):
        run.answer()
        run.end(error)
        run.wait()
        run.open()
        run.send()
        assert len(run.in_flight) > IN_FLIGHT_AFTER_BREAKS[1]


def test_so_many_are_in_flight_as_the_server_has_room_for():
    run = begin(1000)
    assert len(run.in_flight) == run.read == WINDOW
    run.answer()
    run.read_items()
    run.send()
    assert len(run.in_flight) == WINDOW


def test_long_texts_are_fewer():
    assert begin(1000, size=600).read == 4  # the fourth passes twice the server's 1,000 characters
    assert begin(1000, size=5000).read == 1


def test_in_order_one_that_takes_long_holds_up_so_many_and_no_more():
    run = begin(10_000)
    for _ in range(MOST_HELD - 1):
        run.answer(1)
        run.read_items()
        run.send()
    assert run.read == MOST_HELD
    assert not run.bulk.take()
    run.answer(0)
    assert len(run.bulk.take()) == MOST_HELD
    run.read_items()
    assert run.read > MOST_HELD


def test_out_of_order_nothing_is_held_up():
    run = begin(10_000, ordered=False)
    for _ in range(2000):
        run.answer(1)
        run.read_items()
        run.send()
        run.take()
    assert len(run.yielded) == 2000


def test_a_server_that_is_away_is_waited_for_as_long_as_was_said():
    run = begin(3)
    run.end(LOST)
    began = run.now
    while run.bulk.seconds_to_wait(run.now) is not None:
        run.wait()
        run.open()
        run.end(AWAY)
    with pytest.raises(ServerUnreachable):
        run.bulk.check(run.now)
    assert run.now - began == pytest.approx(5.0)


def test_one_that_takes_items_and_sends_them_back_is_away_too():
    run = begin(3)
    began = run.now
    while run.bulk.seconds_to_wait(run.now) is not None or run.is_open:
        run.end(PROXY)
        run.wait()
        run.open()
        run.send()
    with pytest.raises(Unavailable, match="upstream"):
        run.bulk.check(run.now)
    assert run.now - began == pytest.approx(5.0, abs=0.1)
    assert not run.bulk.take()


def test_where_it_is_not_clear_how_a_stream_ended_the_next_one_is_tried_with_one_item():
    run = begin(10, reconnect_timeout=0)
    run.end(UNCLEAR)
    assert run.open()
    run.send()
    assert run.in_flight == []
    run.wait()
    run.send()
    assert run.in_flight == [0]
    run.answer()
    run.send()
    assert run.in_flight == list(range(1, 10))
    for _ in range(2):
        run.end(UNCLEAR)
        run.open()
    with pytest.raises(InternalError):
        run.bulk.check(run.now)


def test_each_answer_begins_the_wait_anew():
    run = begin(3)
    for _ in range(3):
        run.end(LOST)
        while run.now < 100 + 4.5 * (len(run.answered) + 1):
            run.wait()
            run.open()
            run.end(AWAY)
        run.wait()
        run.open()
        run.send()
        run.answer()
    run.finish()
    assert len(run.yielded) == 3


def test_nought_seconds_are_not_at_all():
    run = begin(reconnect_timeout=0)
    run.end(LOST)
    with pytest.raises(Unavailable):
        run.bulk.check(run.now)


def test_a_stream_that_breaks_while_there_is_nothing_to_do_is_no_outage():
    run = begin(2, reconnect_timeout=0)
    run.read = 2
    for _ in range(2):
        run.answer()
    run.end(LOST)
    run.now += 10_000
    run.bulk.add(NumberedItem(2, "x"), run.now)
    assert run.open()
    run.finish()
    assert len(run.yielded) == 3


def test_what_ends_all_comes_after_what_is_answered():
    run = begin()
    run.answer()
    run.end(Unauthenticated("who?", code="UNAUTHENTICATED"))
    assert [answer.item.index for answer in run.bulk.take()] == [0]
    assert not run.bulk.wants_item
    assert not run.bulk.should_open(run.now + 1000)
    with pytest.raises(Unauthenticated):
        run.bulk.check(run.now)


@pytest.mark.parametrize(
    "error",
    [
        InvalidArgument("bad", code="INVALID_ARGUMENT", reason="FIELD_INVALID"),
        InternalError("fault", code="INTERNAL", reason="INTERNAL"),
        DeadlineExceeded("the caller's own", code="DEADLINE_EXCEEDED"),
    ],
)
def test_a_stream_that_the_server_refuses_is_not_opened_again(error: CallFailed):
    run = begin()
    run.end(error)
    with pytest.raises(type(error)):
        run.bulk.check(run.now)


def test_a_busy_server_is_asked_again_with_pauses_within_the_time_of_the_item():
    run = begin(1)
    began, asked = run.now, []
    while not run.bulk.take():
        asked.append(run.now)
        run.answer(0, BUSY)
        if not run.bulk.seconds_to_wait(run.now):
            break
        run.wait()
        run.send()
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert pauses[0] == pytest.approx(0.1)
    assert max(pauses) == pytest.approx(LONGEST_DELAY)
    assert 118 < asked[-1] - began <= 120


def test_a_busy_server_holds_up_no_other_item():
    run = begin(3)
    run.answer(0, BUSY)
    run.answer(0)
    run.answer(0)
    assert run.bulk.take() == []
    run.finish()
    assert run.sent == [0, 1, 2, 0]


def test_a_server_that_answers_nothing_is_found_out():
    run = begin(seconds=lambda characters: 60.0 + characters)
    run.now += 60.9
    run.bulk.check(run.now)
    run.answer()
    run.now += 60.9
    run.bulk.check(run.now)
    assert run.bulk.seconds_to_wait(run.now) == pytest.approx(0.1)
    run.wait()
    with pytest.raises(DeadlineExceeded, match="within 61 s"):
        run.bulk.check(run.now)


def test_a_process_that_was_stopped_has_yet_to_see_what_was_answered():
    run = begin(seconds=lambda characters: 60.0)
    run.now += 1000
    run.bulk.check(run.now)
    run.wait()
    run.answer()
    run.now += 59.9
    run.bulk.check(run.now)
    run.now += 1000
    run.bulk.check(run.now)  # stopped once more
    run.wait()
    assert run.bulk.seconds_to_wait(run.now) is None or run.bulk.seconds_to_wait(run.now) > 0
    with pytest.raises(DeadlineExceeded, match="within 60 s"):
        run.bulk.check(run.now)


def test_a_caller_who_gives_nothing_for_long_is_no_late_server():
    run = begin(2)
    run.read = 2
    for _ in range(2):
        run.answer()
    run.take()
    run.now += 100_000
    run.bulk.check(run.now)


def test_a_server_that_answers_what_was_not_sent_is_found_out():
    for name in ("7", "x", "-1", ""):
        run = begin(3)
        run.bulk.receive(Reply(name), run.now)
        with pytest.raises(InternalError, match=f"item '{name}', which was not sent"):
            run.bulk.check(run.now)


def test_a_stream_that_ends_well_with_items_unanswered_is_one_that_broke():
    run = begin(3, reconnect_timeout=0)
    run.end(None)
    with pytest.raises(Unavailable, match="before 3 of its items were answered"):
        run.bulk.check(run.now)


def test_an_old_stream_gets_no_more_items_and_another_goes_on():
    run = begin(1000)
    run.now += STREAM_SECONDS
    assert run.bulk.is_stream_complete(run.now)
    run.send()
    while run.in_flight:
        run.answer()
    run.read_items()
    run.end()
    assert run.open()
    run.send()
    assert run.in_flight[0] == WINDOW
    run.finish()
    assert len(run.sent) == 1000
