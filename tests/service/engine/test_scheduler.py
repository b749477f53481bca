from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from polygist_service.context import CallContext
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.base import BatchLimits
from polygist_service.engine.scheduler import BatchKey, Job, Scheduler

KEY = BatchKey("model", Decoding())
OTHER = BatchKey("model", Decoding(beam_size=2))
SEGMENTS, TOKENS, MIXED = 8, 64, 4


@dataclass(eq=False)
class Submission:
    context: CallContext = field(default_factory=lambda: CallContext("me"))
    cancelled: bool = False


def make_scheduler() -> Scheduler:
    return Scheduler(lambda key: BatchLimits(SEGMENTS, TOKENS, MIXED))


def add(scheduler, submission, *lengths, key=KEY):
    scheduler.add(key, submission, [(index, ["x"] * length) for index, length in enumerate(lengths)])


def drain(scheduler: Scheduler, idle_slots: int = 1) -> list[list[Job]]:
    batches = []
    while batch := scheduler.next_batch(idle_slots):
        batches.append(batch)
    return batches


def test_an_empty_scheduler_has_no_batch():
    assert make_scheduler().next_batch() == []


def test_one_batch_is_drawn_from_all_waiting_requests():
    scheduler = make_scheduler()
    submissions = [Submission() for _ in range(5)]
    for submission in submissions:
        add(scheduler, submission, 4)
    assert {id(job.submission) for job in scheduler.next_batch()} == set(map(id, submissions))


def test_options_do_not_mix():
    scheduler = make_scheduler()
    add(scheduler, Submission(), 3, key=OTHER)
    add(scheduler, Submission(), 3, 3)
    assert [job.key for job in scheduler.next_batch()] == [OTHER]
    assert [job.key for job in scheduler.next_batch()] == [KEY, KEY]


def lengths(batch):
    return sorted(len(job.tokens) for job in batch)


def test_equal_lengths_fill_a_batch():
    scheduler = make_scheduler()
    add(scheduler, Submission(), 5, *[6] * 8, *[5] * 8)
    assert lengths(scheduler.next_batch()) == [5] * 8


def test_the_nearest_lengths_join_where_equals_are_few():
    scheduler = make_scheduler()
    add(scheduler, Submission(), 5, 16, 5, 7, 1, 6, 15)
    assert lengths(scheduler.next_batch()) == [5, 5, 6, 7]
    assert lengths(scheduler.next_batch()) == [1, 15, 16]


def test_a_segment_above_the_token_budget_goes_alone():
    scheduler = make_scheduler()
    add(scheduler, Submission(), 2, 1000)
    assert [[len(job.tokens) for job in batch] for batch in drain(scheduler)] == [[2], [1000]]


def test_cancelled_segments_never_run():
    scheduler = make_scheduler()
    gone, here = Submission(), Submission()
    add(scheduler, gone, 4, 4)
    add(scheduler, here, 4)
    add(scheduler, gone, 4)
    gone.cancelled = True
    assert [job.submission for batch in drain(scheduler) for job in batch] == [here]
    assert len(scheduler) == 0


def test_idle_slots_share_a_lone_request():
    scheduler = make_scheduler()
    add(scheduler, Submission(), *[3] * 8)
    assert list(map(len, drain(scheduler, idle_slots=2))) == [4, 4]


def test_the_first_segment_of_a_lone_request_does_not_wait_for_a_full_batch():
    scheduler = make_scheduler()
    add(scheduler, Submission(), *[3] * 40)
    first = scheduler.next_batch(idle_slots=2)
    assert [job.index for job in first] == [0, 1, 2, 3]
    assert len(scheduler.next_batch(idle_slots=1)) > 4
    # Of two requests, or where no other slot is idle, batches are as large as they may be.
    for idle_slots, submissions in ((2, (Submission(), Submission())), (1, (Submission(),))):
        busy = make_scheduler()
        for submission in submissions:
            add(busy, submission, *[3] * 40)
        assert len(busy.next_batch(idle_slots)) > 4


def test_requests_are_counted_once():
    scheduler = make_scheduler()
    add(scheduler, Submission(), 3, 3)
    add(scheduler, Submission(), 3)
    assert scheduler.count_requests() == 2


@given(
    requests=st.lists(st.lists(st.integers(1, 100), max_size=20), max_size=12),
    idle_slots=st.integers(1, 4),
)
def test_every_segment_is_run_once_within_the_limits(requests, idle_slots):
    scheduler = make_scheduler()
    submissions = [Submission() for _ in requests]
    for submission, segments in zip(submissions, requests, strict=True):
        add(scheduler, submission, *segments)
    batches = drain(scheduler, idle_slots)
    seen = sorted((submissions.index(job.submission), job.index) for batch in batches for job in batch)
    assert seen == [(at, index) for at, segments in enumerate(requests) for index in range(len(segments))]
    for batch in batches:
        longest = max(len(job.tokens) for job in batch)
        assert len(batch) <= SEGMENTS
        assert len(batch) == 1 or len(batch) * longest <= TOKENS
        assert len(batch) <= MIXED or len(set(lengths(batch))) == 1


@given(st.lists(st.integers(1, 20), min_size=1, max_size=60))
def test_the_segment_that_waited_longest_is_in_the_next_batch(segments):
    scheduler = make_scheduler()
    add(scheduler, Submission(), *segments)
    waiting = list(range(len(segments)))
    while batch := scheduler.next_batch():
        assert waiting[0] in [job.index for job in batch]
        waiting = [index for index in waiting if index not in {job.index for job in batch}]


def test_a_queued_job_knows_whose_it_is_until_when_it_is_wanted_and_what_it_costs():
    scheduler, context = make_scheduler(), CallContext("them", deadline=12.0, request_id="r-1")
    add(scheduler, Submission(context), 5)
    (job,) = scheduler.next_batch()
    assert (job.submission.context, job.cost) == (context, 5)
