"""Glossaries in files of one's own: tables of terms, a column for each language."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Self

from polygist_client.errors import InvalidInput

CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
# A cell that a spreadsheet has put in quotes for what is in it.
QUOTED = re.compile(r'"((?:[^"]|"")*)"', re.DOTALL)
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
MOST_CHARACTERS = 256  # of a term, by the contract


@dataclass(frozen=True, slots=True)
class GlossaryFile:
    """A table of terms: TSV or CSV, whose first row names languages, as those that an operator mounts.

    A column without a name is passed over, such as one for notes, and so is a row between two languages where it has no
    term in one of them.

    Attributes:
        name: of the file.
        languages: the codes of its columns.
        rows: the terms of each row, in the order of `languages`; empty where there is none.
    """

    name: str
    languages: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(repr=False)

    @property
    def revision(self) -> str:
        """A digest of the terms, another one whenever one changes."""
        return hashlib.sha256(repr((self.languages, self.rows)).encode()).hexdigest()

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Self:
        """Read a file in UTF-8, or in UTF-16 with its mark.

        Raises:
            InvalidInput: it is no such table; names file, line and cure.
            OSError: it cannot be read.
        """
        name = str(path)
        rows = split_rows(name, decode(name, Path(path).read_bytes()))
        _, header = next(rows, (0, ()))
        columns = read_header(name, header)
        terms = []
        for line, cells in rows:
            row = tuple(" ".join(cells[at].split()) if at < len(cells) else "" for at in columns.values())
            if any(cell.strip() for cell in cells[len(header) :]):
                raise refuse(f"{name}:{line}", f"{len(cells)} cells, but the first row names {len(header)} columns")
            if long := next((cell for cell in row if len(cell) > MOST_CHARACTERS), ""):
                raise refuse(f"{name}:{line}", f"{long[:40]!r}… has {len(long)} characters, at most {MOST_CHARACTERS}")
            signs = next((cell for cell in row if cell and not any(map(str.isalnum, cell))), "")
            if signs and sum(map(bool, row)) > 1:
                raise refuse(f"{name}:{line}", f"{signs!r} has no letter or figure; leave it out")
            terms.append(row)
        return cls(name, tuple(columns), tuple(row for row in terms if any(row)))

    def terms(self, source: str, target: str) -> list[tuple[str, str]]:
        """Return the terms of one language and what they become in another, in the order of the file.

        Of rows with the same term the first one counts, as in a glossary of the server.

        Args:
            source: code of the language that they are in; a region may be left to its language, as that of pt-BR.
            target: code of the language that they become.

        Raises:
            InvalidInput: it has no column for one of them.
        """
        return [(term, meanings[0]) for term, meanings in self._meanings(source, target).items()]

    def repeated(self, source: str, target: str) -> list[str]:
        """Return the terms that become one thing in one row, and another in a later one, which does not count."""
        return [term for term, meanings in self._meanings(source, target).items() if len({*meanings}) > 1]

    def _meanings(self, source: str, target: str) -> dict[str, list[str]]:
        one, other = self.column_of(source), self.column_of(target)
        if one is None or other is None or one == other:
            have = ", ".join(self.languages)
            raise refuse(self.name, f"has no terms from {source} to {target}; its languages: {have}", mark="")
        found: dict[str, list[str]] = {}
        for row in self.rows:
            if row[one] and row[other]:
                found.setdefault(row[one], []).append(row[other])
        return found

    def column_of(self, code: str) -> int | None:
        """Return the place of a language in `languages`: itself, else without its region, else the only one with any.

        None where there is none.
        """
        codes = [normalise(each) for each in self.languages]
        wanted = normalise(code)
        base = wanted.partition("-")[0]
        for each in (wanted, base):
            if each in codes:
                return codes.index(each)
        alike = [place for place, each in enumerate(codes) if each.partition("-")[0] == base]
        return alike[0] if len(alike) == 1 else None


def normalise(code: str) -> str:
    """Return a language code as it is compared."""
    return code.strip().replace("_", "-").lower()


def refuse(place: str, problem: str, mark: str = ":") -> InvalidInput:
    """Make the error about a file or a place in one."""
    return InvalidInput(f"{place}{mark} {problem}", field="glossary")


def decode(name: str, content: bytes) -> str:
    """Return the text of a file."""
    try:
        return content.decode("utf-16" if content.startswith(UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refuse(f"{name}:{line}", "is no UTF-8; save it as UTF-8") from None


def split_rows(name: str, text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the rows that are not blank, each with the number of its last line.

    What is no ``.csv`` and has tabs in its first row is split there; else there are commas between cells or, where the
    first row has them instead, semicolons.
    """
    first = text.partition("\n")[0]
    if "\t" in first and not name.lower().endswith(".csv"):
        rows = ((at, line.rstrip("\r").split("\t")) for at, line in enumerate(text.split("\n"), 1))
        yield from ((at, [unquote(cell) for cell in cells]) for at, cells in rows if any(map(str.strip, cells)))
        return
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from ((reader.line_num, cells) for cells in reader if any(map(str.strip, cells)))
    except csv.Error as error:
        place = f"{name}:{reader.line_num}"
        raise refuse(place, f"no CSV ({error}); put the cell in quotes, and double those in it") from None


def unquote(cell: str) -> str:
    """Return what is in a cell, without the quotes that spreadsheets put around some."""
    quoted = QUOTED.fullmatch(cell.strip())
    return quoted[1].replace('""', '"') if quoted else cell


def read_header(name: str, cells: Sequence[str]) -> dict[str, int]:
    """Return the languages that the first row names, with the place of the column of each."""
    columns = {cell.strip(): at for at, cell in enumerate(cells) if cell.strip()}
    if wrong := next((code for code in columns if not CODE.fullmatch(code)), ""):
        raise refuse(
            f"{name}:1", f"{wrong[:40]!r} is no language code; a column of notes has an empty cell in the first row"
        )
    if len({normalise(code) for code in columns}) < sum(1 for cell in cells if cell.strip()):
        raise refuse(f"{name}:1", "two columns are of the same language; join them")
    if len(columns) < 2:
        raise refuse(f"{name}:1", "the first row names fewer than two languages; name them, such as en and pt")
    return columns
