"""Which cores do what, and which threads of a server are its engine."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.speed.window import read_ticks

Cores = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a server's engine runs, and where all else.

    Attributes:
        slots: batches at the same time.
        engine: cores of the engine, and of CTranslate2 alone.
        rest: cores of the load generator and of all of a server but its engine.
    """

    name: str
    slots: int
    engine: Cores
    rest: Cores

    @property
    def is_pinned(self) -> bool:
        """Whether the engine has cores of its own."""
        return self.engine != self.rest


def whole_box() -> Layout:
    """Everything on all cores, a slot for each."""
    cores = tuple(sorted(os.sched_getaffinity(0)))
    return Layout("whole box", len(cores), cores, cores)


def pinned() -> Layout:
    """The engine alone on the last core, all else on the first; raises RuntimeError where there is only one."""
    cores = tuple(sorted(os.sched_getaffinity(0)))
    if len(cores) < 2:
        raise RuntimeError("a pinned layout needs two cores")
    return Layout("pinned", 1, cores[-1:], cores[:1])


def on_cores(cores: Cores) -> Sequence[str]:
    """What a command begins with so that it runs on these cores only."""
    return ("taskset", "--cpu-list", ",".join(map(str, cores)))


def read_threads(pid: int) -> dict[int, float]:
    """CPU seconds of each thread of a process since its start."""
    seconds = {}
    for folder in Path(f"/proc/{pid}/task").iterdir():
        try:
            seconds[int(folder.name)] = read_ticks(folder / "stat")
        except (FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
            continue
    return seconds


def find_engine(pid: int, before: Mapping[int, float], after: Mapping[int, float], *, slots: int) -> list[int]:
    """The threads in which CTranslate2 calculates: under load no others of a server take as much.

    Args:
        before: CPU seconds of each thread before a load, as `read_threads` gives them.
        after: the same behind it.
        slots: how many batches run at the same time.
    """
    taken = {thread: after[thread] - before.get(thread, 0.0) for thread in after if thread != pid}
    return sorted(taken, key=lambda thread: -taken[thread])[:slots]


def pin(threads: Sequence[int], cores: Cores) -> None:
    """Let threads run on these cores only."""
    for thread in threads:
        os.sched_setaffinity(thread, cores)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
