"""The server without one of its parts: each can still be left out, by the name that it has in the code."""

import subprocess
import sys
from pathlib import Path

from polygist_service.context import CallContext
from polygist_service.engine.cost import CostModel
from polygist_service.engine.interface import Decoding
from polygist_service.engine.jobs import BatchKey
from polygist_service.engine.models.base import BatchLimits

from bench.speed.ablated import OwnBatches

EACH = "from bench.speed.ablated import PARTS\nfor leave_out in PARTS.values(): leave_out()\nprint(len(PARTS))"


class Submission:
    """Segments of a call of its own."""

    cancelled = False

    def __init__(self):
        self.context = CallContext("me")


def test_every_part_is_there_to_be_left_out():
    done = subprocess.run(
        [sys.executable, "-c", EACH], cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > 10


def test_batches_that_are_not_shared_are_of_one_request_each():
    scheduler = OwnBatches(lambda key: BatchLimits(8, 64, 8), lambda key: CostModel(), clock=lambda: 0.0)
    key = BatchKey("tiny", Decoding())
    for submission in (Submission(), Submission()):
        scheduler.add(key, submission, [(index, ["a"]) for index in range(3)])
    batches = [scheduler.next_batch(), scheduler.next_batch()]
    assert [len({job.submission for job in batch}) for batch in batches] == [1, 1]
    assert [len(batch) for batch in batches] == [3, 3]
