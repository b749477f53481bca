"""Which calls are taken on: on a clock of the test's own, and with a machine that does what the test says."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.admission import (
    MOST_KINDS,
    Admission,
    Admitted,
    Bounds,
    CallerBacklog,
    Capacity,
    Rates,
    Work,
)
from polygist_service.context import Usage
from polygist_service.errors import ServerOverloaded

TRANSLATION = ("translate", "en>pt", 0)
GIGABYTE = 1 << 30


def work(characters: int, *kind: str | int, texts: int = 0) -> Work:
    """So many characters of a kind of work, without what each text costs beside them."""
    return Work(kind or TRANSLATION, characters, texts)


@dataclass
class Machine:
    """An admission with its clock, and the slots that work for the calls."""

    queue_seconds: float = 60.0
    memory: int = GIGABYTE
    slots: int = 1
    now: float = 1000.0
    calls: list[Admitted] = field(default_factory=list)

    def __post_init__(self) -> None:
        bounds = Bounds(self.queue_seconds, self.memory)
        self.admission = Admission(bounds, slots=self.slots, clock=lambda: self.now)

    def learn(self, seconds: float, asked: Work) -> None:
        """Let calls of a kind take so many seconds."""
        for _ in range(100):
            self.admission.expect_room(asked, "teacher", seconds_left=1e9)
            with self.admission.call(asked, "teacher", usage := Usage()):
                usage.engine_seconds = seconds

    def admit(self, asked: Work, caller: str = "me", *, seconds_left: float = 1e9) -> Admitted:
        """Take a call on, or raise what it is refused with."""
        if refusal := self.admission.find_refusal(asked, caller, seconds_left=seconds_left):
            raise refusal
        self.calls.append(admitted := self.admission.admit(asked, caller, Usage()))
        return admitted

    def refusal(self, asked: Work, caller: str = "me", *, seconds_left: float | None = 1e9) -> ServerOverloaded:
        """What a call is refused with, which has to be."""
        refusal = self.admission.find_refusal(asked, caller, seconds_left=seconds_left)
        assert refusal
        return refusal

    def run(self, seconds: float) -> None:
        """Let time pass in which one slot works for the calls in the order that they came."""
        self.now += seconds
        for call in [*self.calls]:
            done = min(seconds, call.estimate - call.usage.engine_seconds)
            call.usage.engine_seconds += done
            seconds -= done
            if call.usage.engine_seconds >= call.estimate:
                call.is_whole = True
                self.end(call)

    def end(self, call: Admitted) -> None:
        """Let a call end."""
        self.calls.remove(call)
        self.admission.release(call)


@pytest.fixture
def machine() -> Machine:
    """One that does 100 characters a second."""
    machine = Machine()
    machine.learn(1.0, work(100))
    return machine


def test_before_anything_was_measured_nothing_is_too_late_or_too_much():
    machine = Machine()
    for _ in range(1000):
        machine.admit(work(1_000), seconds_left=0.001)


def test_a_call_waits_for_what_came_before_it_and_not_for_its_own_size(machine: Machine):
    machine.admit(work(100_000))
    assert machine.refusal(work(100_000)).cause == "queue"
    machine.run(941.0)
    machine.admit(work(100_000))


def test_a_call_waits_for_no_more_of_another_than_it_takes_itself(machine: Machine):
    machine.admit(work(100_000))
    assert machine.refusal(work(6_100)).cause == "queue"
    machine.admit(work(5_900), seconds_left=131.0)
    assert machine.refusal(work(5_900)).cause == "queue"


def test_a_short_call_is_taken_on_beside_articles_of_its_caller_that_fill_the_queue(machine: Machine):
    for _ in range(4):
        machine.admit(work(1_700))
    assert "about 68 s of work wait" in machine.refusal(work(1_700)).message
    assert machine.refusal(work(10), seconds_left=0.5).cause == "deadline"  # a tenth more than 0.1 s of each of five
    machine.admit(work(10), seconds_left=0.6)


def test_a_call_waits_for_all_shorter_ones_and_its_share_of_a_longer_one(machine: Machine):
    machine.admit(work(100_000))
    for _ in range(500):
        machine.admit(work(1))
    assert machine.refusal(work(1_000), seconds_left=27.0).cause == "deadline"  # a tenth more than 10 + 5 + 10 s
    machine.admit(work(1_000), seconds_left=28.0)


@pytest.mark.parametrize(
    ("article_of", "queue_seconds"),
    [
        pytest.param(None, 100.3, id="no article"),
        pytest.param("me", 100.3, id="an article of the same caller"),
        pytest.param("another", 200.6, id="an article of another caller, who has half of the slots"),
    ],
)
def test_ten_thousand_short_calls_of_one_caller_are_taken_on_up_to_the_bound(
    article_of: str | None, queue_seconds: float
):
    machine = Machine(queue_seconds)
    machine.learn(1.0, work(100))
    if article_of:
        machine.admit(work(100_000), article_of)
    for _ in range(10_000):
        machine.admit(work(1))
    for _ in range(60):
        if not machine.admission.find_refusal(work(1), "me"):
            machine.admit(work(1))
    assert machine.refusal(work(1)).cause == "queue"
    assert 10_000 < len(machine.calls) < 10_050


def test_an_article_waits_for_all_short_calls_of_its_caller(machine: Machine):
    for _ in range(5_900):
        machine.admit(work(1))
    assert machine.refusal(work(1_000), seconds_left=75.0).cause == "deadline"
    assert machine.admission.find_refusal(work(100_000), "me") is None
    for _ in range(90):
        machine.admit(work(1))
    machine.admit(work(100))
    assert machine.refusal(work(100_000)).cause == "queue"


@given(st.lists(st.integers(1, 20_000), max_size=60))
def test_the_calls_of_a_caller_fill_the_queue_up_to_a_bound_whatever_their_sizes(sizes: list[int]):
    machine = Machine()
    machine.learn(1.0, work(100))
    for size in sizes:
        if not machine.admission.find_refusal(work(size), "me"):
            machine.admit(work(size))
    # Of the longest n calls the last one came after n - 1 that were no shorter than the shortest of them.
    lengths = sorted((call.estimate for call in machine.calls), reverse=True)
    for others, length in enumerate(lengths):
        assert length * others <= 60 * 1.001


@given(st.lists(st.tuples(st.floats(0, 1000), st.booleans()), max_size=50), st.floats(0.001, 1000))
def test_what_is_done_before_a_call_is_told_to_a_factor_of_two(lengths: list[tuple[float, bool]], seconds: float):
    backlog = CallerBacklog()
    for length, _ in lengths:
        backlog.add(length)
    for length, ends in lengths:
        if ends:
            backlog.remove(length)
    left = [length for length, ends in lengths if not ends]
    exact = sum(min(length, seconds) for length in left)
    assert exact - 1e-6 <= backlog.before(seconds) <= min(2 * exact, sum(left)) + 1e-6
    assert backlog.calls == len(left)
    assert backlog.seconds == pytest.approx(sum(left), abs=1e-6)


def test_a_refusal_says_when_there_is_room(machine: Machine):
    machine.admit(work(9_000))
    refusal = machine.refusal(work(9_000), seconds_left=200.0)
    assert refusal.retry_after == pytest.approx(30.0)
    assert refusal.is_in_time
    assert "90 s of work wait before this call, and 60 s are the most; try again in 30 s" in refusal.message
    machine.run(30.0)
    machine.admit(work(9_000), seconds_left=170.0)


def test_what_cannot_be_answered_before_its_deadline_is_refused(machine: Machine):
    machine.admit(work(1_000))
    assert (late := machine.refusal(work(500), seconds_left=10.0)).cause == "deadline"
    assert not late.is_in_time
    assert late.retry_after == pytest.approx(1.0, rel=0.02)  # a tenth more than 10 s
    assert "about 11 s, of which 5 s are work that waits before this call, and its deadline is in 10 s" in late.message
    assert "try again with as much in 1 s" in late.message
    machine.admit(work(500), seconds_left=12.0)


def test_what_takes_longer_alone_than_its_deadline_allows_is_not_told_to_come_again(machine: Machine):
    machine.admit(work(1_000))
    assert (late := machine.refusal(work(2_000), seconds_left=10.0)).cause == "deadline"
    assert (late.retry_after, late.is_in_time) == (0.0, False)
    assert late.message.startswith("the call alone takes about 22 s, and its deadline is in 10 s; give it ")
    assert "again" not in late.message


def test_a_call_without_a_deadline_is_never_too_late(machine: Machine):
    machine.admit(work(5_000))
    assert machine.admission.find_refusal(work(100_000), "me") is None


def test_a_call_is_tried_where_nothing_waits_so_that_a_wrong_estimate_is_unlearnt(machine: Machine):
    machine.learn(1000.0, work(100))
    call = machine.admit(work(100), seconds_left=1.0)
    assert machine.refusal(work(100), seconds_left=1.0).cause == "deadline"
    call.usage.engine_seconds, call.is_whole = 0.001, True
    machine.end(call)
    for _ in range(5):
        machine.learn(0.001, work(100))
    machine.admit(work(100), seconds_left=1.0)
    machine.admit(work(100), seconds_left=1.0)


def test_a_deadline_that_is_too_near_is_refused_at_once_but_for_a_trial_now_and_then(machine: Machine):
    machine.learn(1.0, work(100))
    machine.end(machine.admit(work(1_000), seconds_left=1.0))
    assert machine.refusal(work(1_000), seconds_left=1.0).cause == "deadline"
    machine.now += 9.0
    assert machine.refusal(work(1_000), seconds_left=1.0).cause == "deadline"
    machine.now += 2.0
    machine.admit(work(1_000), seconds_left=1.0)


def test_a_caller_who_has_filled_the_queue_keeps_nobody_else_out(machine: Machine):
    machine.admit(work(100_000), "greedy")
    assert machine.refusal(work(10_000), "greedy").cause == "queue"
    machine.admit(work(100), "other", seconds_left=3.0)
    machine.admit(work(2_000), "other", seconds_left=60.0)
    # Both are served in turn, so that 1 s and 10 of the 20 s, and the 10 s of the call, are done after 42 s.
    assert machine.refusal(work(1_000), "other", seconds_left=46.0).cause == "deadline"
    machine.admit(work(1_000), "other", seconds_left=47.0)


def test_who_weighs_more_waits_less(machine: Machine):
    machine.admit(work(2_000), "other")
    # 3 s of its own, and of the other's meanwhile as much, or a third of that.
    assert machine.refusal(work(300), seconds_left=5.5).cause == "deadline"
    assert machine.admission.find_refusal(work(300), "me", seconds_left=5.5, weight=3.0) is None


def test_all_callers_together_have_their_share_of_the_queue_each(machine: Machine):
    for count in range(20):
        caller = f"caller {count}"
        while not machine.admission.find_refusal(work(50), caller):
            machine.admit(work(50), caller)
    # 60 s for the first, and for each one after it its share of the turns: 60 (1 + 1/2 + 1/3 + …).
    assert machine.admission.state().waiting < 60 * 4


def test_slots_share_the_work():
    machine = Machine(slots=2)
    machine.learn(1.0, work(100))
    machine.admit(work(11_000))
    machine.admit(work(2_000))
    assert machine.refusal(work(13_000)).retry_after == pytest.approx(5.0)


def test_what_is_done_of_a_call_waits_no_more(machine: Machine):
    call = machine.admit(work(9_000))
    assert machine.refusal(work(9_000)).cause == "queue"
    machine.now += 30.5
    call.usage.engine_seconds = 30.5
    assert machine.admission.find_refusal(work(9_000), "me") is None


def test_calls_that_run_no_model_take_memory_only(machine: Machine):
    machine.admit(work(100_000))
    machine.admit(Work((), 1000), seconds_left=0.1)
    small = Machine(memory=1_000_000)
    small.admit(Work((), 1000))
    assert small.refusal(Work((), 100_000)).cause == "memory"


def test_texts_that_would_take_too_much_memory_are_refused_but_for_the_only_one():
    machine = Machine(memory=10_000_000)
    machine.admit(work(1_000_000))
    refusal = machine.refusal(work(10))
    assert refusal.cause == "memory"
    assert refusal.retry_after >= 1.0
    assert "10 MB are the most" in refusal.message
    machine.end(machine.calls[0])
    machine.admit(work(10))


def test_a_call_that_fails_teaches_nothing_but_that_it_cost_what_it_took(machine: Machine):
    for taken, expected in ((0.0, 0.99), (50.0, 25.0)):
        for _ in range(100):
            call = machine.admit(work(100))
            call.usage.engine_seconds = taken
            machine.end(call)
        assert machine.admit(work(100)).estimate >= expected
        machine.end(machine.calls[0])


def test_refusals_are_counted_by_their_cause(machine: Machine):
    machine.admit(work(7_000))
    for seconds_left in (1e9, 1.0, 1.0):
        with pytest.raises(ServerOverloaded):
            machine.admission.expect_room(work(7_000), "me", seconds_left=seconds_left)
    assert machine.admission.state().refused == {"queue": 1, "deadline": 2, "memory": 0}


def test_what_calls_take_beside_their_work_is_learnt_from_those_that_come_too_late(machine: Machine):
    for _ in range(20):
        call = machine.admit(work(10))
        machine.now += 0.6
        machine.end(call)
    machine.admit(work(1))
    assert machine.refusal(work(10), seconds_left=0.4).cause == "deadline"
    machine.admit(work(10), seconds_left=0.9)
    machine.end(machine.calls[0])
    machine.end(machine.calls[0])
    for _ in range(200):
        call = machine.admit(work(10))
        call.is_whole, call.usage.engine_seconds = True, 0.1
        machine.now += 0.1
        machine.end(call)
    machine.admit(work(1))
    machine.admit(work(10), seconds_left=0.4)


def test_a_machine_that_was_slow_is_not_idle_for_long(machine: Machine):
    """What calls took beside their work is more than any deadline: the first one is taken on, and teaches better."""
    for _ in range(200):
        call = machine.admit(work(10))
        machine.now += 20.0
        machine.end(call)
    taken = 0
    while len(machine.calls) < 3:
        machine.now += 0.2
        if machine.admission.find_refusal(work(10), "me", seconds_left=2.0):
            assert machine.calls  # never where nothing waits
            for call in [*machine.calls]:
                call.is_whole, call.usage.engine_seconds = True, 0.1
                machine.end(call)
        else:
            machine.admit(work(10))
            taken += 1
            assert taken < 200


@dataclass(frozen=True)
class Step:
    """What happens next: a call comes, one is worked on, or one ends."""

    caller: int
    characters: int
    done: float
    passes: float
    ends: bool


steps = st.builds(
    Step,
    caller=st.integers(0, 3),
    characters=st.integers(0, 100_000),
    done=st.floats(0, 50),
    passes=st.floats(0, 1),
    ends=st.booleans(),
)


@given(st.lists(steps, max_size=40), st.booleans())
def test_what_waits_is_never_less_than_nothing_and_is_nothing_in_the_end(taken: list[Step], is_taught: bool):
    machine = Machine()
    if is_taught:
        machine.learn(1.0, work(100))
    for step in taken:
        machine.now += step.passes
        if step.ends and machine.calls:
            machine.end(machine.calls[step.characters % len(machine.calls)])
        elif not machine.admission.find_refusal(work(step.characters), str(step.caller), seconds_left=100.0):
            machine.admit(work(step.characters), str(step.caller)).usage.engine_seconds += step.done
        state = machine.admission.state()
        assert state.waiting >= 0
        assert state.memory == sum(call.work.memory for call in machine.calls)
        assert state.memory <= GIGABYTE or len(machine.calls) == 1
    for call in [*machine.calls]:
        machine.end(call)
    assert machine.admission.state()[:2] == (0, 0)


def test_a_kind_that_was_not_seen_costs_what_the_nearest_does():
    rates = Rates()
    assert rates.predict(work(100)) == 0
    rates.add(work(100, "translate", "en>pt", 0), 1.0)
    rates.add(work(100, "translate", "en>pt", 2), 2.0)
    rates.add(work(100, "summarise"), 9.0)
    assert rates.predict(work(200, "translate", "en>pt", 2)) == pytest.approx(4.0)
    assert rates.predict(work(200, "translate", "en>pt", 1)) == pytest.approx(3.0, rel=0.05)
    assert rates.predict(work(200, "translate", "pt>en", 1)) == pytest.approx(3.0, rel=0.05)
    assert rates.predict(work(100, "write")) == pytest.approx(4.0, rel=0.05)


def test_a_text_costs_something_however_short_it_is():
    rates = Rates()
    rates.add(Work(TRANSLATION, 100, 1), 1.0)
    assert rates.predict(Work(TRANSLATION, 0, 10)) > 0.5


def test_a_call_without_a_text_teaches_nothing():
    rates = Rates()
    rates.add(work(0), 1.0)
    assert rates.predict(work(100)) == 0


def test_the_latest_calls_count_most():
    rates = Rates()
    for seconds in (1.0, 3.0):
        for _ in range(200):
            rates.add(work(100), seconds)
    assert rates.predict(work(100)) == pytest.approx(3.0, rel=0.05)


def test_no_more_kinds_are_remembered_than_the_limit_allows():
    rates = Rates()
    for count in range(2 * MOST_KINDS):
        rates.add(work(100, "translate", str(count)), float(count))
    assert len(rates._rates) == MOST_KINDS
    assert rates.predict(work(100, "translate", str(2 * MOST_KINDS - 1))) == 2 * MOST_KINDS - 1


def observe(capacity: Capacity, *, per_second: float, waiting: float, seconds: int = 300) -> float:
    """What is measured where so much is done in a second."""
    for count in range(seconds):
        capacity.observe(float(count), count * per_second, waiting)
    return capacity.per_second


def test_capacity_is_what_is_done_while_enough_waits():
    assert observe(Capacity(4), per_second=3.0, waiting=100.0) == pytest.approx(3.0, rel=0.01)
    assert observe(Capacity(4), per_second=0.1, waiting=0.5) == 4.0
    assert observe(Capacity(4), per_second=0.1, waiting=100.0) == 1.0  # the least that is believed
    assert observe(Capacity(4), per_second=9.0, waiting=100.0) == 4.0
