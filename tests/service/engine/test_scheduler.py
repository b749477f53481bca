from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.context import CallContext
from polygist_service.engine.interface import Decoding, QueueState
from polygist_service.engine.jobs import BatchKey, Job
from polygist_service.engine.models.base import BatchLimits
from polygist_service.engine.scheduler import LONE_SECONDS, SHARED_SECONDS, WINDOW_SECONDS, Scheduler

KEY = BatchKey("model", Decoding())
OTHER = BatchKey("model", Decoding(beam_size=2))
ALONE = BatchKey("writer", Decoding())
SEGMENTS, TOKENS, MIXED = 8, 64, 4
# What a token costs in the world of these tests.
TOKEN_SECONDS = 0.001
TOKENS_OF_A_SECOND = 1000


@dataclass(eq=False)
class Submission:
    context: CallContext = field(default_factory=lambda: CallContext("me"))
    cancelled: bool = False


class TokenCost:
    """A cost model by which each token takes as long, padding included."""

    def __init__(self, seconds=TOKEN_SECONDS):
        self._seconds = seconds

    def segment_seconds(self, tokens, *, most, beam_size=1):
        return tokens * self._seconds

    def expect(self, *, segments, longest, beam_size=1):
        return segments * longest * self._seconds

    def most_segments(self, longest, seconds, *, beam_size=1):
        return max(1, int(seconds / (longest * self._seconds) + 1e-9))


class Clock:
    """Tells the time that it is set to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def make_scheduler(
    segments=SEGMENTS, tokens=TOKENS, mixed=MIXED, *, seams=(), clock=None, seconds=TOKEN_SECONDS, alone=1
):
    def limits(key):
        return BatchLimits(1, 1 << 30, 1) if key is ALONE else BatchLimits(segments, tokens, mixed, seams)

    return Scheduler(limits, lambda key: TokenCost(seconds), alone=alone, clock=clock or Clock())


def add(scheduler, submission, *lengths, key=KEY):
    scheduler.add(key, submission, [(index, ["x"] * length) for index, length in enumerate(lengths)])
    return submission


def queue(scheduler, *lengths, caller="me", key=KEY, deadline=None, weight=1.0):
    """Queue segments of a new request."""
    return add(scheduler, Submission(CallContext(caller, deadline, weight=weight)), *lengths, key=key)


def drain(scheduler: Scheduler, idle_slots: int = 1) -> list[list[Job]]:
    batches = []
    while batch := scheduler.next_batch(idle_slots):
        scheduler.done(batch)
        batches.append(batch)
    return batches


def lengths(batch):
    return sorted(len(job.tokens) for job in batch)


def owners(batch):
    return {job.submission for job in batch}


def test_an_empty_scheduler_has_no_batch():
    assert make_scheduler().next_batch() == []


def test_one_batch_is_drawn_from_all_waiting_requests():
    scheduler = make_scheduler()
    submissions = {queue(scheduler, 4) for _ in range(5)}
    assert owners(scheduler.next_batch()) == submissions


def test_options_do_not_mix():
    scheduler = make_scheduler()
    queue(scheduler, 3, key=OTHER)
    queue(scheduler, 3, 3)
    assert [job.key for job in scheduler.next_batch()] == [OTHER]
    assert [job.key for job in scheduler.next_batch()] == [KEY, KEY]


def test_equal_lengths_fill_a_batch():
    scheduler = make_scheduler()
    queue(scheduler, 5, *[6] * 8, *[5] * 8)
    assert lengths(scheduler.next_batch()) == [5] * 8


def test_lengths_that_answer_alike_fill_a_batch():
    scheduler = make_scheduler(mixed=1, seams=(5, 9))
    queue(scheduler, 6, *[4] * 9, 7, 8, 9, 9, 5)
    assert lengths(scheduler.next_batch()) == [5, 6, 7, 8]
    assert lengths(scheduler.next_batch()) == [4] * 8
    assert sorted(map(lengths, drain(scheduler))) == [[4], [9, 9]]


def test_the_nearest_lengths_join_where_equals_are_few():
    scheduler = make_scheduler()
    queue(scheduler, 5, 16, 5, 7, 1, 6, 15)
    assert lengths(scheduler.next_batch()) == [5, 5, 6, 7]
    assert lengths(scheduler.next_batch()) == [1, 15, 16]


def test_lengths_mix_freely_where_the_limits_say_so():
    scheduler = make_scheduler(mixed=SEGMENTS)
    queue(scheduler, *[5, 6, 7, 8, 4, 3, 5, 6])
    assert len(scheduler.next_batch()) == SEGMENTS


def test_a_segment_above_the_token_budget_goes_alone():
    scheduler = make_scheduler()
    queue(scheduler, 2, 1000)
    assert [lengths(batch) for batch in drain(scheduler)] == [[2], [1000]]


def test_a_batch_takes_no_longer_than_it_may_and_not_as_long_while_others_are_about():
    clock = Clock()
    scheduler = make_scheduler(1000, 100_000, 1000, clock=clock)
    queue(scheduler, *[10] * 500)
    assert len(scheduler.next_batch()) == pytest.approx(LONE_SECONDS / 10 / TOKEN_SECONDS)
    queue(scheduler, 10)
    assert len(scheduler.next_batch()) == SHARED_SECONDS / 10 / TOKEN_SECONDS
    clock.now += 4
    assert len(scheduler.next_batch()) == SHARED_SECONDS / 10 / TOKEN_SECONDS
    clock.now += 6
    assert len(scheduler.next_batch()) == pytest.approx(LONE_SECONDS / 10 / TOKEN_SECONDS)


def test_of_a_slow_model_a_batch_takes_twice_as_long_as_its_first_segment():
    scheduler = make_scheduler(seconds=1.0)
    queue(scheduler, 3, 3, 3)
    assert [lengths(batch) for batch in drain(scheduler)] == [[3, 3], [3]]


def test_cancelled_segments_never_run_and_are_forgotten_at_once():
    scheduler = make_scheduler()
    gone, here = queue(scheduler, *[4] * 1000), queue(scheduler, 4)
    scheduler.cancel(gone)
    assert (len(scheduler), scheduler.count_requests()) == (1, 1)
    assert [job.submission for batch in drain(scheduler) for job in batch] == [here]
    assert scheduler.state() == QueueState()
    scheduler.cancel(gone)  # nothing more to forget


def test_idle_slots_share_a_lone_request():
    scheduler = make_scheduler()
    queue(scheduler, *[3] * 8)
    assert list(map(len, drain(scheduler, idle_slots=2))) == [4, 4]


def test_the_first_segment_of_a_lone_request_does_not_wait_for_a_full_batch():
    scheduler = make_scheduler()
    queue(scheduler, *[3] * 40)
    first = scheduler.next_batch(idle_slots=2)
    assert [job.index for job in first] == [0, 1, 2, 3]
    assert len(scheduler.next_batch(idle_slots=1)) > 4
    # Of two requests, or where no other slot is idle, batches are as large as they may be.
    for idle_slots, requests in ((2, 2), (1, 1)):
        busy = make_scheduler()
        for _ in range(requests):
            queue(busy, *[3] * 40)
        assert len(busy.next_batch(idle_slots)) > 4


def test_requests_and_segments_are_counted():
    scheduler = make_scheduler()
    queue(scheduler, 3, 3)
    queue(scheduler, 3)
    assert (scheduler.count_requests(), len(scheduler)) == (2, 3)
    assert scheduler.state().seconds == pytest.approx(9 * TOKEN_SECONDS)


def test_a_queued_job_knows_whose_it_is_until_when_it_is_wanted_and_what_it_costs():
    scheduler, context = make_scheduler(), CallContext("them", deadline=112.0, request_id="r-1")
    add(scheduler, Submission(context), 5)
    (job,) = scheduler.next_batch()
    assert (job.submission.context, job.cost) == (context, 5 * TOKEN_SECONDS)


@pytest.mark.parametrize("caller", ["me", "them"])
def test_a_short_request_beside_huge_ones_is_in_the_next_batch(caller):
    scheduler = make_scheduler()
    articles = [queue(scheduler, *[5 + at % 7 for at in range(2000)]) for _ in range(4)]
    for taken in range(40):
        scheduler.next_batch()
        if taken % 5 == 4:
            short = queue(scheduler, 3, caller=caller)
            batch = scheduler.next_batch()
            assert batch[0].submission is short
            assert len(batch) > 1  # of those who wait anyway
    assert articles


def test_short_requests_without_end_do_not_shut_out_a_long_one():
    scheduler = make_scheduler(tokens=1)
    article = queue(scheduler, *[5] * 1000)
    served = 0
    for _ in range(2000):
        if scheduler.count_requests() < 4:
            queue(scheduler, 5)
        served += scheduler.next_batch()[0].submission is article
    assert served == pytest.approx(2000 / 4, rel=0.25)


def run_callers(scheduler, wants, batches, *, weights=MappingProxyType({})):
    """Let each caller have work at all times; returns the tokens that each has got."""
    got, numbers = dict.fromkeys(wants, 0), count()
    waiting = dict.fromkeys(wants, 0)
    for _ in range(batches):
        for caller, want in wants.items():
            while waiting[caller] < 200:
                queue(scheduler, *want(next(numbers)), caller=caller, weight=weights.get(caller, 1.0))
                waiting[caller] += len(want(0))
        batch = scheduler.next_batch()
        scheduler.done(batch)
        for job in batch:
            got[job.submission.context.caller] += len(job.tokens)
            waiting[job.submission.context.caller] -= 1
    return got


def jain(amounts):
    """The index of fairness by Jain, Chiu and Hawe: 1 where all have as much."""
    return sum(amounts) ** 2 / len(amounts) / sum(each**2 for each in amounts)


def test_ten_callers_get_as_much_whatever_they_ask_for():
    wants = {
        f"caller-{number}": lambda n, number=number: [4 + (n * number) % 12 for _ in range(1 + 5 * number)]
        for number in range(10)
    }
    got = run_callers(make_scheduler(16, 1024, 8), wants, 500)
    assert jain(list(got.values())) >= 0.99


def test_a_caller_gets_no_more_for_asking_in_many_calls_nor_for_usual_lengths():
    wants = {
        "calls": lambda n: [10],
        "article": lambda n: [10] * 100,
        "odd": lambda n: [25],
    }
    got = run_callers(make_scheduler(16, 1024, 16), wants, 500)
    assert jain(list(got.values())) >= 0.99


@pytest.mark.parametrize("weights", [(3, 1), (3, 1, 1), (0.5, 1, 2), (100, 100, 50), (0.02, 0.02, 0.01)])
def test_callers_get_as_much_as_their_keys_weigh(weights):
    names = {f"caller-{at}": weight for at, weight in enumerate(weights)}
    wants = dict.fromkeys(names, lambda n: [4 + n % 12 for _ in range(20)])
    got = run_callers(make_scheduler(16, 1024, 8), wants, 2000, weights=names)
    total, weight = sum(got.values()), sum(weights)
    for name, tokens in got.items():
        assert tokens / total == pytest.approx(names[name] / weight, rel=0.05)


@pytest.mark.parametrize("heavy", [0.01, 0.3, 3, 100])
def test_who_comes_has_their_share_at_once_however_much_those_weigh_that_are_there(heavy):
    weights = {"first": heavy, "second": heavy, "new": 1.0}
    wants = dict.fromkeys(weights, lambda n: [10] * 20)
    scheduler = make_scheduler(tokens=1)
    run_callers(scheduler, {name: wants[name] for name in ("first", "second")}, 2000, weights=weights)
    got = run_callers(scheduler, wants, 1000, weights=weights)
    # A window of work more than its share is its advantage, and a window less is what the others may be ahead.
    assert got["new"] / TOKENS_OF_A_SECOND == pytest.approx(10 / (1 + 2 * heavy), abs=2 * WINDOW_SECONDS)


def test_who_comes_and_weighs_much_keeps_nobody_waiting_for_long():
    weights = {"small": 1.0, "large": 100.0}
    scheduler = make_scheduler(tokens=1)
    run_callers(scheduler, {"small": lambda n: [10]}, 500, weights=weights)
    got = run_callers(scheduler, {name: lambda n: [10] for name in weights}, 2020, weights=weights)
    assert got["small"] == pytest.approx(200, rel=0.25)


def test_the_requests_of_one_caller_get_as_much():
    scheduler = make_scheduler(16, 1024, 8)
    requests = [queue(scheduler, *[5 + (at * number) % 9 for at in range(1000)]) for number in range(1, 11)]
    got = dict.fromkeys(requests, 0)
    for _ in range(200):
        for job in scheduler.next_batch():
            got[job.submission] += len(job.tokens)
    assert jain(list(got.values())) >= 0.99


def test_who_was_away_has_saved_nothing_up():
    scheduler = make_scheduler(tokens=1)
    queue(scheduler, *[10] * 1000, caller="busy")
    queue(scheduler, 10, caller="idle")
    for _ in range(500):
        scheduler.next_batch()
    queue(scheduler, *[10] * 1000, caller="idle")
    turns = [scheduler.next_batch()[0].submission.context.caller for _ in range(200)]
    assert turns.count("busy") >= 75


def test_a_request_keeps_its_order():
    scheduler = make_scheduler(4, 64, 4)
    queue(scheduler, *[5] * 300)
    assert [job.index for batch in drain(scheduler) for job in batch] == list(range(300))


def test_what_has_little_time_left_goes_first():
    clock = Clock()
    scheduler = make_scheduler(tokens=1, clock=clock)
    early = queue(scheduler, 5, deadline=clock.now + 60)
    urgent = queue(scheduler, 5, deadline=clock.now + 0.1)
    assert scheduler.next_batch()[0].submission is urgent
    assert scheduler.next_batch()[0].submission is early


def test_who_has_had_much_more_than_others_is_not_put_first_for_haste():
    clock = Clock()
    scheduler = make_scheduler(tokens=1, clock=clock)
    queue(scheduler, *[50] * 1000, caller="patient")
    queue(scheduler, *[50] * 1000, caller="hasty", deadline=clock.now + 45)
    turns = [scheduler.next_batch()[0].submission.context.caller for _ in range(200)]
    assert 80 <= turns.count("hasty") <= 120


def test_what_is_too_late_is_dropped():
    clock = Clock()
    scheduler = make_scheduler(clock=clock)
    queue(scheduler, *[5] * 300, deadline=clock.now + 1)
    here = queue(scheduler, 5, 5)
    clock.now += 1
    assert owners(scheduler.next_batch()) == {here}
    assert scheduler.next_batch() == []
    assert len(scheduler) == 0


def test_work_that_is_run_alone_leaves_a_slot_for_short_work():
    scheduler = make_scheduler()
    writers = [queue(scheduler, 50, key=ALONE, caller="writer") for _ in range(3)]
    first = scheduler.next_batch(idle_slots=2)
    assert scheduler.next_batch(idle_slots=1) == []
    short = queue(scheduler, 5, caller="short")
    assert owners(scheduler.next_batch()) == {short}
    scheduler.done(first)
    assert owners(scheduler.next_batch()) == {writers[1]}
    two = make_scheduler(alone=2)
    for _ in range(3):
        queue(two, 50, key=ALONE)
    assert [len(two.next_batch()) for _ in range(3)] == [1, 1, 0]


def test_work_that_is_run_alone_gets_its_share_beside_work_that_is_batched():
    scheduler = make_scheduler(tokens=1)
    queue(scheduler, *[10] * 1000)
    queue(scheduler, *[100] * 1000, key=ALONE)
    got = {KEY: 0, ALONE: 0}
    for _ in range(550):
        (job,) = batch = scheduler.next_batch()
        scheduler.done(batch)
        got[job.key] += len(job.tokens)
    assert got[KEY] == pytest.approx(got[ALONE], rel=0.1)


def test_of_long_requests_a_window_shows_and_all_comes_out():
    scheduler = make_scheduler(32, 1024, 32)
    for number in range(10):
        queue(scheduler, *[10 + at % 20 for at in range(1000)], caller=str(number % 3))
    assert scheduler.state().segments == 10_000
    assert sum(map(len, drain(scheduler))) == 10_000


actions = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 3), st.lists(st.integers(1, 100), min_size=1, max_size=20)),
    st.tuples(st.just("write"), st.integers(0, 3), st.lists(st.integers(1, 100), min_size=1, max_size=3)),
    st.tuples(st.just("run"), st.integers(1, 4)),
    st.tuples(st.just("cancel"), st.integers(0, 40)),
)


@given(st.lists(actions, max_size=40))
def test_every_segment_that_is_wanted_is_run_once_within_the_limits(taken):
    scheduler, submissions, batches, running = make_scheduler(seconds=0.0001), [], [], []

    def run(idle_slots):
        batch = scheduler.next_batch(idle_slots)
        if batch:
            assert all(not job.submission.cancelled for job in batch)
            batches.append(batch)
            running.append(batch)
        if running and (len(running) == 2 or not batch):
            scheduler.done(running.pop(0))
        return batch

    for kind, what, *rest in taken:
        if kind in ("add", "write"):
            key = KEY if kind == "add" else ALONE
            submissions.append(queue(scheduler, *rest[0], caller=str(what), key=key))
        elif kind == "run":
            run(what)
        elif what < len(submissions):
            scheduler.cancel(submissions[what])
    while run(1) or len(scheduler):
        pass
    seen = [(job.submission, job.index) for batch in batches for job in batch]
    assert len(seen) == len(set(seen))
    for submission in submissions:
        if not submission.cancelled:
            indices = sorted(index for owner, index in seen if owner is submission)
            assert indices == list(range(len(indices)))
            assert indices
    for batch in batches:
        longest = max(len(job.tokens) for job in batch)
        assert len({job.key for job in batch}) == 1
        assert len(batch) <= SEGMENTS
        assert len(batch) == 1 or len(batch) * longest <= TOKENS
        assert len(batch) <= MIXED or len(set(lengths(batch))) == 1
    assert scheduler.state() == QueueState()


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60))
def test_the_first_segment_that_waits_is_in_the_next_batch(segments):
    scheduler = make_scheduler()
    queue(scheduler, *segments)
    waiting = list(range(len(segments)))
    while batch := scheduler.next_batch():
        assert waiting[0] in [job.index for job in batch]
        waiting = [index for index in waiting if index not in {job.index for job in batch}]
