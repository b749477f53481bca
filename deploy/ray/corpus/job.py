"""The job: what Ray Data is told to do, and what is seen of it."""

import json
import logging
import os
import socket
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.data import ActorPoolStrategy, DataContext
from ray.util.annotations import RayDeprecationWarning

from .errors import BulkError
from .parts import Part
from .placement import Cluster, Places, place_actors
from .progress import Progress
from .results import Tally
from .state import JobState
from .worker import Worker

# One part has its last documents worked on while the next begins: no core waits in between.
PARTS_AT_ONCE = 2
# Waiting at the actor, so that it has the next one at once.
PARTS_QUEUED = 1
# A part whose process was killed so many times and once more is left out, and the job goes on with the others.
MOST_RETRIES = 2
# Texts do not go through Ray's own store, only numbers of parts.
STORE_BYTES = 100 << 20
ANSWER_SECONDS = 10.0
LOCAL = "local"
MOST_STARTS = 3


@contextmanager
def joined(cluster: Cluster) -> Iterator[None]:
    """Be part of a cluster while the block runs; raises BulkError where it cannot be joined."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    settings: dict[str, Any] = {"runtime_env": {"py_modules": [str(Path(__file__).parent)]}}
    if cluster.address:
        expect_answer(cluster.address)
        settings["address"] = cluster.address
    else:
        # Without an address it would join whatever cluster was started on this machine last.
        settings |= {"address": LOCAL, "include_dashboard": False, "object_store_memory": STORE_BYTES}
    try:
        start(settings, MOST_STARTS)
    except ConnectionError as error:
        raise BulkError(f"--address {cluster.address!r}: no Ray cluster answers there ({error})") from None
    except Exception as error:  # which is all that Ray says where a machine is too busy, or has too little of something
        raise BulkError(f"Ray does not start: {error}") from error
    try:
        yield
    finally:
        ray.shutdown()


def expect_answer(address: str) -> None:
    """Raise BulkError where nothing listens at HOST:PORT; Ray would try that for minutes."""
    host, separator, port = address.removeprefix("ray://").rpartition(":")
    if not (separator and port.isdecimal()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise BulkError(f"--address {address!r}: nothing answers there ({error}); see: ray status") from None


def start(settings: dict[str, Any], tries: int) -> None:
    """Start or join a cluster; raises what Ray does, which is any Exception."""
    try:
        ray.init(**settings, logging_level=logging.ERROR)
    except Exception:
        ray.shutdown()
        if settings["address"] != LOCAL or tries == 1:
            raise
        start(settings, tries - 1)  # a busy machine may not have done it within Ray's 30 seconds


def run_job(places: Places, digest: str, parts: Sequence[Part], cluster: Cluster, progress: Progress) -> None:
    """Do some parts of the plan with a digest; those that fail for good are left out, and told by Ray.

    Raises:
        BulkError: no part can be done.
    """
    machines = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    actors, cores = place_actors(cluster, machines)
    configure_data()
    numbers = ray.data.from_items([{"part": part.number} for part in parts], override_num_blocks=len(parts))
    pool = ActorPoolStrategy(
        size=min(actors, len(parts)),
        max_concurrent_calls_per_actor=PARTS_AT_ONCE,
        max_tasks_in_flight_per_actor=PARTS_AT_ONCE + PARTS_QUEUED,
        enable_true_multi_threading=True,
    )
    with warnings.catch_warnings():
        # There is no other way yet to say how often a part is tried again; it is without end otherwise.
        warnings.simplefilter("ignore", RayDeprecationWarning)
        worked = numbers.map_batches(
            Worker,
            batch_size=None,
            compute=pool,
            num_cpus=cores,
            fn_constructor_args=(places, digest, cores, cluster.home),
            max_task_retries=MOST_RETRIES,
        )
    for row in worked.iter_rows():
        if row["failure"]:
            raise BulkError(row["failure"])
        progress.add(Tally.from_json(json.loads(row["tally"])), row["seconds"])


def configure_data() -> None:
    """Have Ray Data say what went wrong only, and go on with the other parts where one fails."""
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)  # says that there are no bars


def run(state: JobState, places: Places, cluster: Cluster, say: Callable[[str], object]) -> dict[str, Any]:
    """Do all that is still to be done; returns the summary, which is also kept beside the results."""
    state.folder.drop_unfinished()
    done = state.find_done()
    parts = [part for part in state.plan.parts if part.name not in done]
    progress = Progress(len(state.plan.parts), done.values(), say=say, clock=time.monotonic)
    if done:
        say(f"{len(done)} of {len(state.plan.parts)} parts are done already, {progress.total.documents:,} documents")
    if parts:
        with joined(cluster):
            run_job(places, state.plan.digest, parts, cluster, progress)
    state.folder.drop_unfinished()
    summary = progress.summary()
    state.write_summary(summary)
    return summary
