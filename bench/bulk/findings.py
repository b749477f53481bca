"""What a part of a run is told, and what it found."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.fidelity.kinds import Requirement
from bench.quality.report import Cell, Table
from bench.quality.sets import DataFolder

SOURCE, TARGET = "en", "pt"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured, and on what.

    Attributes:
        data: folder of the data sets.
        home: folder of the installed models; None is the server's own.
        records: articles of a file of records.
        items: short texts of one call.
        rounds: times that what is compared is measured in turn.
        sleep: seconds that a reader does not read.
    """

    data: DataFolder
    home: Path | None
    records: int
    items: int
    rounds: int
    sleep: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A table, and what it must show."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[Cell, ...]]
    requirements: Sequence[Requirement]
    notes: Sequence[str] = ()

    @property
    def is_met(self) -> bool:
        """Whether all of it is shown."""
        return all(each.is_met for each in self.requirements)

    def table(self) -> Table:
        """The table, with what is met and what is missed below."""
        verdicts = (f"{each.statement}: {'met' if each.is_met else 'MISSED'}." for each in self.requirements)
        return Table(self.title, tuple(self.columns), tuple(self.rows), (*verdicts, *self.notes))


# Measures one part, which may find several things.
Measure = Callable[[Extent], Iterable[Finding]]
