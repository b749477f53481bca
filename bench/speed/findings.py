"""What a benchmark finds: figures beside what they are to be, tables, charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.quality.report import Cell, Table
from bench.speed.figures import Spread

COLUMNS = ("benchmark", "what", "measured", "spread", "at least", "aim", "met?")


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure.

    Attributes:
        what: it is of.
        measured: the figure; a median where there are several.
        unit: such as "ms"; empty for a ratio.
        spread: of what `measured` is the median.
        bar: what it is at least to be, or at most; None where nothing is asked.
        aim: what it should be.
        is_ceiling: whether less is better.
        note: why it is not to be trusted; empty where it is.
    """

    what: str
    measured: float
    unit: str = ""
    spread: Spread | None = None
    bar: float | None = None
    aim: float | None = None
    is_ceiling: bool = False
    note: str = ""

    @property
    def met(self) -> str:
        """Whether it is what it is to be."""
        if self.note:
            return f"void: {self.note}"
        if self.bar is None:
            return ""
        sign = -1 if self.is_ceiling else 1
        if self.aim is not None and sign * self.measured >= sign * self.aim:
            return "yes, the aim"
        return "yes" if sign * self.measured >= sign * self.bar else "NO"

    def to_row(self, benchmark: str) -> tuple[Cell, ...]:
        """A row of the table of all findings."""
        shown = ""
        if self.spread:
            spread = self.spread
            shown = (
                f"{_show(spread.least)} to {_show(spread.greatest)}; 95 %: {_show(spread.low)} to {_show(spread.high)}"
            )
        bound = "at most " if self.is_ceiling else ""
        bar = "" if self.bar is None else f"{bound}{_show(self.bar, self.unit)}"
        aim = "" if self.aim is None else f"{bound}{_show(self.aim, self.unit)}"
        return benchmark, self.what, _show(self.measured, self.unit), shown, bar, aim, self.met


@dataclass(frozen=True, slots=True)
class Result:
    """All that one benchmark found.

    Attributes:
        charts: SVG by file name.
        lags: seconds, the 99th percentile of how late calls were sent, one for each window with fixed times.
    """

    findings: Sequence[Finding]
    tables: Sequence[Table] = ()
    charts: Mapping[str, str] = field(default_factory=dict)
    lags: Sequence[float] = ()


def ratio_finding(what: str, ratios: Sequence[float], *, bar: float | None = None, aim: float | None = None) -> Finding:
    """The median of several ratios."""
    spread = Spread.of(ratios)
    return Finding(what, spread.median, spread=spread, bar=bar, aim=aim)


def make_table(results: Mapping[str, Result]) -> Table:
    """The table of all findings, by the name of their benchmark."""
    rows = tuple(finding.to_row(name) for name, result in results.items() for finding in result.findings)
    notes = ("Spread: least and greatest of the rounds, and the bootstrap's 95 % interval of their median.",)
    return Table("Findings", COLUMNS, rows, notes)


def _show(value: float, unit: str = "") -> str:
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {unit}".rstrip()
