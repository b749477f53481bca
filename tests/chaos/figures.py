"""What a test of what goes wrong has done and seen: a row of the table that ``make chaos`` ends with."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.end_to_end.load import ANSWERED

COLUMNS = ("test", "calls", "a second", "faults", "inputs", "lost", "twice", "back after (s)", "memory (MB)")


@dataclass
class Figures:
    """One row.

    Attributes:
        name: of the test.
        calls: made under load.
        seconds: that the load lasted.
        faults: put in.
        inputs: tried, where these are the fault.
        lost: calls that were not answered, or wrongly.
        twice: answers that came again.
        recoveries: seconds from each fault until all was well again.
        growth: megabytes that the server's resident memory has grown by; None where it was not looked at.
    """

    name: str
    calls: int = 0
    seconds: float = 0.0
    faults: int = 0
    inputs: int = 0
    lost: int = 0
    twice: int = 0
    recoveries: list[float] = field(default_factory=list)
    growth: float | None = None

    def count(self, seen: Counter[str], seconds: float = 0.0) -> None:
        """Add what became of calls, and how long they took together."""
        self.calls += seen.total()
        self.lost += seen.total() - seen[ANSWERED]
        self.seconds += seconds

    def count_answers(self, indices: Sequence[int], given: int) -> None:
        """Add the indices of answers to so many items, each of which should be there once."""
        self.calls += given
        self.twice += len(indices) - len(set(indices))
        self.lost += given - len(set(indices))

    def cells(self) -> tuple[str, ...]:
        """The row, as text."""
        pace = f"{self.calls / self.seconds:.0f}" if self.seconds else ""
        slowest = f"{max(self.recoveries):.2f}" if self.recoveries else ""
        growth = "" if self.growth is None else f"{self.growth:+.0f}"
        counts = (str(count or "") for count in (self.faults, self.inputs))
        return (self.name, str(self.calls or ""), pace, *counts, str(self.lost), str(self.twice), slowest, growth)


def add_up(rows: Sequence[Figures]) -> Figures:
    """The last row: the slowest recovery and the largest growth of all, and the sums of the rest."""
    return Figures(
        "all",
        calls=sum(row.calls for row in rows),
        faults=sum(row.faults for row in rows),
        inputs=sum(row.inputs for row in rows),
        lost=sum(row.lost for row in rows),
        twice=sum(row.twice for row in rows),
        recoveries=[seconds for row in rows for seconds in row.recoveries],
        growth=max((row.growth for row in rows if row.growth is not None), default=None),
    )


def format_table(rows: Sequence[Figures]) -> Iterable[str]:
    """The rows and their sum as lines of text."""
    table = [COLUMNS, *(row.cells() for row in (*rows, add_up(rows)))]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for name, *cells in table:
        yield "  ".join(
            [name.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))]
        )
