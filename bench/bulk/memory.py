"""Memory of a process over time."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.quality.process import read_megabytes

SECONDS_BETWEEN = 0.1


def resident_megabytes(pid: int) -> float:
    """Memory that a process holds now."""
    return read_megabytes(Path(f"/proc/{pid}/status").read_text(), "VmRSS")


@dataclass(frozen=True, slots=True)
class Samples:
    """What a process held before, at most during, and after something, in megabytes."""

    before: float
    most: float
    after: float

    @property
    def rise(self) -> float:
        """How much more it held than before, at most."""
        return self.most - self.before


class MemoryWatch:
    """Samples a process on a thread of its own; a context manager that stops it.

    Args:
        pid: the process, which outlives the block.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample)
        self.before = self.most = resident_megabytes(pid)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def samples(self, *, settle: float = 0.0) -> Samples:
        """What was seen so far, with what it holds so many seconds from now as what is left."""
        time.sleep(settle)
        return Samples(self.before, self.most, resident_megabytes(self._pid))

    def _sample(self) -> None:
        while not self._over.wait(SECONDS_BETWEEN):
            self.most = max(self.most, resident_megabytes(self._pid))
