import queue
import threading
import weakref

from polygist_service.context import CallContext
from polygist_service.engine.cost import CostModel
from polygist_service.engine.interface import Decoding, Result
from polygist_service.engine.jobs import BatchKey
from polygist_service.engine.models.base import BatchLimits
from polygist_service.engine.scheduler import Scheduler
from polygist_service.engine.slots import Slots
from polygist_service.errors import InferenceFailed

from tests.end_to_end.server import wait_until


class LoadedModel:
    """Counts those who keep it."""

    name = "model"

    def __init__(self) -> None:
        self.uses = 0

    def keep(self):
        self.uses += 1

    def release(self):
        self.uses -= 1


LOADED = LoadedModel()
KEY = BatchKey(LOADED, Decoding())


class Submission:
    cancelled = False

    def __init__(self):
        self.context = CallContext("me")


def make_scheduler(segments, tokens):
    return Scheduler(lambda key: BatchLimits(segments, tokens, segments), lambda key: CostModel())


def run_all(run, lengths, *, count=2):
    """Run segments of the given lengths to the end; returns index -> outcome and the sizes of the batches."""
    outcomes: queue.Queue = queue.Queue()
    sizes = []

    def counted(key, batch):
        sizes.append(len(batch))
        return run([job.tokens for job in batch])

    slots = Slots(make_scheduler(32, 1024), count=count, run=counted, deliver=outcomes.put)
    slots.add(KEY, Submission(), [(index, ["x"] * length) for index, length in enumerate(lengths)])
    done = {}
    while len(done) < len(lengths):
        done |= {job.index: outcome for job, outcome in outcomes.get(timeout=10)}
    slots.close(timeout=10)
    return done, sizes


def test_every_segment_gets_its_own_result():
    done, _ = run_all(lambda batch: [Result(len(tokens)) for tokens in batch], [3, 1, 4, 1, 5, 9, 2, 6])
    assert {index: result.input_token_count for index, result in done.items()} == dict(
        enumerate([3, 1, 4, 1, 5, 9, 2, 6])
    )


def test_a_poisoned_segment_fails_alone():
    def run(batch):
        if any(len(tokens) == 13 for tokens in batch):
            raise RuntimeError("poison")
        return [Result(len(tokens)) for tokens in batch]

    done, sizes = run_all(run, [2, 3, 13, 5, 7, 11, 13, 1], count=1)
    failed = {index for index, outcome in done.items() if isinstance(outcome, InferenceFailed)}
    assert failed == {2, 6}
    assert sizes[0] == 8  # it began as one batch


def test_closing_drops_what_waits():
    slots = Slots(make_scheduler(1, 10), count=1, run=lambda key, batch: [], deliver=lambda _: None)
    slots.close(timeout=10)
    slots.add(KEY, Submission(), [(0, ["x"])])
    assert slots.queued_requests() == 1


def test_a_model_is_kept_while_its_batch_runs_even_if_it_fails():
    seen = []

    def run(batch):
        seen.append(LOADED.uses)
        raise RuntimeError("poison")

    run_all(run, [3, 3], count=1)
    assert seen == [1, 1, 1]  # together, then each alone
    assert LOADED.uses == 0


def test_a_request_that_is_cancelled_begins_no_batch():
    scheduler, submission = make_scheduler(1, 10), Submission()
    slots = Slots(scheduler, count=0, run=lambda key, batch: [], deliver=lambda _: None)
    slots.add(KEY, submission, [(0, ["x"])])
    slots.cancel(submission)
    assert scheduler.next_batch() == []


def segments(count):
    return [(index, ["x"]) for index in range(count)]


def make_slots(run, deliver, *, predict=lambda key, batch: 0.0):
    return Slots(
        make_scheduler(1, 10),
        count=1,
        run=lambda key, batch: run([job.tokens for job in batch]),
        deliver=deliver,
        predict=predict,
    )


def echo(batch):
    return [Result(len(tokens)) for tokens in batch]


def test_a_slot_survives_outcomes_that_cannot_be_delivered():
    delivered: queue.Queue = queue.Queue()

    def deliver(outcomes):
        delivered.put(outcomes[0][0].index)
        if outcomes[0][0].index == 0:
            raise RuntimeError("the loop is closed")

    slots = make_slots(echo, deliver)
    slots.add(KEY, Submission(), segments(2))
    assert [delivered.get(timeout=10), delivered.get(timeout=10)] == [0, 1]
    slots.close(timeout=10)
    assert not slots.states()[0].is_dead
    assert LOADED.uses == 0


def test_a_slot_that_dies_is_seen_and_lets_its_model_go():
    def run(batch):
        raise SystemExit

    slots = make_slots(run, lambda outcomes: None)
    assert not slots.states()[0].is_dead
    slots.add(KEY, Submission(), segments(1))
    for _ in range(1000):
        if slots.states()[0].is_dead:
            break
        threading.Event().wait(0.01)
    assert slots.states()[0].is_dead
    assert LOADED.uses == 0


def test_a_slot_shows_what_it_runs_also_while_somebody_holds_the_lock():
    runs, ends = threading.Event(), threading.Event()
    outcomes: queue.Queue = queue.Queue()

    def run(batch):
        runs.set()
        assert ends.wait(10)
        return echo(batch)

    slots = make_slots(run, outcomes.put, predict=lambda key, batch: 7.0)
    assert slots.states()[0].batch is None
    slots.add(KEY, Submission(), segments(1))
    assert runs.wait(10)
    with slots._changed:
        (state,) = slots.states()
    assert (state.batch.model, state.batch.segments, state.batch.predicted) == ("model", 1, 7.0)
    ends.set()
    outcomes.get(timeout=10)
    slots.close(timeout=10)
    assert slots.states()[0].batch is None


def test_each_half_of_a_batch_that_failed_is_a_batch_of_its_own():
    seen, outcomes = [], queue.Queue()

    def run(batch):
        seen.append(slots.states()[0].batch)
        raise RuntimeError("poison")

    slots = Slots(
        make_scheduler(4, 100),
        count=1,
        run=lambda key, batch: run([job.tokens for job in batch]),
        deliver=outcomes.put,
    )
    slots.add(KEY, Submission(), segments(2))
    outcomes.get(timeout=10)
    slots.close(timeout=10)
    assert [batch.segments for batch in seen] == [2, 1, 1]
    assert len(set(map(id, seen))) == 3


def test_a_slot_that_waits_keeps_nothing_of_its_last_batch():
    delivered = threading.Event()
    slots = Slots(
        make_scheduler(32, 1024),
        count=1,
        run=lambda key, batch: [Result(len(job.tokens)) for job in batch],
        deliver=lambda outcomes: delivered.set(),
    )
    submission = Submission()
    kept = weakref.ref(submission)
    slots.add(KEY, submission, [(0, ["x"])])
    del submission
    assert delivered.wait(timeout=10)
    wait_until(lambda: kept() is None)
    slots.close(timeout=10)
