"""Tables, and how they are printed and saved."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

Cell = str | int | float | None
# Tells people how far a run is.
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: every row has a cell for each column; None is an empty cell, a float has two decimals at most."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: the row {row} has {len(row)} cells for {len(self.columns)} columns")

    def to_markdown(self) -> str:
        """The table for people, under its title."""
        shown = _render(self.columns, self.rows) if self.rows else "Nothing measured: no data."
        return "\n\n".join([f"## {self.title}", shown, *self.notes])


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run measured, and what it was measured with.

    Attributes:
        environment: name and value: versions, machine, commit, signatures.
        missing: data files that were not found.
        subject: what was measured; its files are named after it.
    """

    environment: dict[str, str]
    tables: tuple[Table, ...]
    missing: tuple[str, ...] = ()
    subject: str = "quality"

    def to_markdown(self) -> str:
        """The report for people."""
        parts = [f"# {self.subject.capitalize()} of polygist", _render(("", ""), list(self.environment.items()))]
        parts += [table.to_markdown() for table in self.tables]
        if self.missing:
            parts.append("## Data not found")
            parts.append("\n".join(f"- {name}" for name in self.missing))
        return "\n\n".join(parts) + "\n"

    def to_json(self) -> str:
        """The report for programs: each row is an object by column."""
        whole = asdict(self)
        for table in whole["tables"]:
            table["rows"] = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write a file for people and one for programs into `folder`, and return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        markdown, document = folder / f"{self.subject}.md", folder / f"{self.subject}.json"
        markdown.write_text(self.to_markdown(), encoding="utf-8")
        document.write_text(self.to_json(), encoding="utf-8")
        return markdown, document


def say(text: str) -> None:
    """Tell people on stderr how far the run is."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def _render(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """A Markdown table whose source is aligned too; columns of numbers to the right."""
    cells = [[_format(cell) for cell in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(columns, *cells, strict=True)]
    is_number = [
        any(isinstance(row[at], int | float) for row in rows) and not any(isinstance(row[at], str) for row in rows)
        for at in range(len(columns))
    ]

    def line(texts: Sequence[str]) -> str:
        aligned = (
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(texts, widths, is_number, strict=True)
        )
        return f"| {' | '.join(aligned)} |"

    rule = "".join(
        f"|{'-' * (width + 1)}{':' if right else '-'}" for width, right in zip(widths, is_number, strict=True)
    )
    return "\n".join([line(columns), f"{rule}|", *map(line, cells)])


def _format(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.2f}"
    return str(cell).replace("|", "\\|")
