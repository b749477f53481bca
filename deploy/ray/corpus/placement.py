"""How many actors a cluster gets, and how many cores each of them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import BulkError

# One process feeds about as many.
USUAL_CORES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where the job runs.

    Attributes:
        address: of a Ray cluster; empty starts one on this machine, for this job.
        actors: how many; 0 is as many as the cluster has room for.
        cores: of each actor; 0 is eight, or all that the smallest machine has.
        home: folder of the installed models; None is each machine's own.
    """

    address: str = ""
    actors: int = 0
    cores: int = 0
    home: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of a job as they were given, with all that opening them takes, which is kept nowhere.

    Attributes:
        source: of the corpus, or its one file.
        output: of the results.
    """

    source: str
    output: str

    def __post_init__(self) -> None:
        """Make whole paths of paths: the actors are elsewhere."""
        for name in ("source", "output"):
            given = getattr(self, name)
            if "://" not in given:
                object.__setattr__(self, name, os.path.abspath(os.path.expanduser(given)))


def place_actors(cluster: Cluster, machines: Sequence[int]) -> tuple[int, int]:
    """Return how many actors there are, and how many cores each has.

    Args:
        cluster: what was asked for.
        machines: how many cores each machine of the cluster has for us.

    Raises:
        BulkError: there is no room for as many.
    """
    machines = [cores for cores in machines if cores]
    if not machines:
        raise BulkError("the cluster has no machine with a CPU; start one: ray start --address=HEAD:6379")
    cores = cluster.cores or min(USUAL_CORES, *machines)
    room = sum(each // cores for each in machines)
    if not room:
        raise BulkError(f"--cores {cores}: no machine has as many; the largest has {max(machines)}")
    if cluster.actors > room:
        raise BulkError(f"--actors {cluster.actors}: with {cores} cores each the cluster has room for {room}")
    return cluster.actors or room, cores
