"""What tests of what goes wrong have done and seen: the table that ``make chaos`` ends with."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.trials import TRIALS, Trial
from tests.end_to_end.load import ANSWERED

COLUMNS = ("", "tests", "calls", "a second", "faults", "inputs", "lost", "twice", "back after (s)", "memory (MB)")


def read_resident(pid: int) -> float:
    """The resident memory of a process, in megabytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


@dataclass
class Figures:
    """What one test, or several together, have done and seen.

    Attributes:
        calls: made under load.
        seconds: that the load lasted.
        faults: put in.
        inputs: tried, where these are the fault.
        lost: calls that were not answered, or wrongly.
        twice: answers that came again.
        recoveries: seconds from each fault until all was well again.
        growth: megabytes that the server's resident memory has grown by; None where it was not looked at.
        notes: lines about what else was measured.
    """

    calls: int = 0
    seconds: float = 0.0
    faults: int = 0
    inputs: int = 0
    lost: int = 0
    twice: int = 0
    recoveries: list[float] = field(default_factory=list)
    growth: float | None = None
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the seconds of a block to those of the load."""
        began = time.monotonic()
        yield
        self.seconds += time.monotonic() - began

    def count(self, seen: Counter[str]) -> None:
        """Add what became of calls."""
        self.calls += seen.total()
        self.lost += seen.total() - seen[ANSWERED]

    def count_answers(self, indices: Sequence[int], given: int) -> None:
        """Add the indices of answers to so many items, each of which should be there once."""
        self.calls += given
        self.twice += len(indices) - len(set(indices))
        self.lost += given - len(set(indices))

    def add(self, other: "Figures") -> None:
        """Add what another has seen; of memory the larger growth stays."""
        for name in ("calls", "seconds", "faults", "inputs", "lost", "twice", "recoveries", "notes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.growth = max((each for each in (self.growth, other.growth) if each is not None), default=None)

    def cells(self) -> tuple[str, ...]:
        """All but the notes, as text."""
        pace = f"{self.calls / self.seconds:.0f}" if self.seconds else ""
        slowest = f"{max(self.recoveries):.2f}" if self.recoveries else ""
        growth = "" if self.growth is None else f"{self.growth:+.0f}"
        counts = (str(count or "") for count in (self.faults, self.inputs))
        return (str(self.calls or ""), pace, *counts, str(self.lost), str(self.twice), slowest, growth)


@dataclass
class Row:
    """A trial, and what came of its tests."""

    trial: Trial
    outcomes: Counter[str] = field(default_factory=Counter)
    figures: Figures = field(default_factory=Figures)

    def cells(self) -> tuple[str, ...]:
        """The row, as text."""
        name = f"{self.trial.number} {self.trial.what}".strip()
        if not self.outcomes:
            return (name, "not here", *[""] * (len(COLUMNS) - 2))
        passed, run = self.outcomes["passed"], self.outcomes.total()
        return (name, str(run) if passed == run else f"{passed} of {run}", *self.figures.cells())


class Table:
    """A row for each trial, which fill as tests end."""

    def __init__(self) -> None:
        self._rows = [Row(trial) for trial in TRIALS]
        self._others = Row(Trial("", "others", ()))

    def count(self, test: str, outcome: str) -> None:
        """Add what came of a test."""
        self._row_of(test).outcomes[outcome] += 1

    def add(self, test: str, figures: Mapping[str, object]) -> None:
        """Add what a test has seen."""
        self._row_of(test).figures.add(Figures(**figures))

    def lines(self) -> Iterable[str]:
        """The table, then what else was measured, then what was not tried."""
        # Of a part of the trials, the rest says nothing; those that have no tests say why.
        rows = [row for row in (*self._rows, self._others) if row.outcomes or (row.trial.left and not row.trial.tests)]
        whole = Row(Trial("", "all", ()))
        for row in rows:
            whole.outcomes += row.outcomes
            whole.figures.add(row.figures)
        cells = [COLUMNS, *(row.cells() for row in (*rows, whole))]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for name, *rest in cells:
            aligned = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
            yield "  ".join([name.ljust(widths[0]), *aligned])
        measured = [(row, note) for row in rows for note in row.figures.notes]
        left = [(row, row.trial.left) for row in rows if row.trial.left]
        for title, told in (("measured:", measured), ("not tried here:", left)):
            yield from ("", title, *(f"  {row.trial.number} {line}" for row, line in told))

    def _row_of(self, test: str) -> Row:
        return next((row for row in self._rows if row.trial.has(test)), self._others)
