"""Glossaries in files of one's own: tables of terms, a column for each language."""

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Self

from polygist_client.errors import InvalidInput

DELIMITERS = "\t,;"
CODE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
EXAMPLE = "the first row names languages, such as en and pt, with a tab or a comma between them"


@dataclass(frozen=True, slots=True)
class GlossaryFile:
    """A table of terms: TSV or CSV, whose first row names languages.

    A row that has no term in one of two languages is left out between these. Other columns, such as one for notes, are
    not looked at.

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
        """Read a file in UTF-8; raises OSError, and InvalidInput where it is no such table."""
        name = str(path)
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            found = f"byte {error.start} (0x{error.object[error.start]:02x}) is no UTF-8; save it as such"
            raise InvalidInput(f"{name}: {found}", field="glossary") from None
        try:
            table = parse_table(text)
        except csv.Error as error:
            raise InvalidInput(f"{name}: {error}", field="glossary") from None
        header = [cell.strip() for cell in table[0]] if table else []
        places = [place for place, cell in enumerate(header) if CODE.fullmatch(cell)]
        languages = tuple(header[place] for place in places)
        if len({normalise(code) for code in languages}) < max(2, len(languages)):
            raise InvalidInput(f"{name} is no glossary: {EXAMPLE}, each once", field="glossary")
        rows = (tuple(row[place].strip() if place < len(row) else "" for place in places) for row in table[1:])
        return cls(name, languages, tuple(row for row in rows if any(row)))

    def terms(self, source: str, target: str) -> list[tuple[str, str]]:
        """Return the terms of one language and what they become in another, in the order of the file.

        Args:
            source: code of the language that they are in; a region may be left to its language, as that of pt-BR.
            target: code of the language that they become.

        Raises:
            InvalidInput: it has no column for one of them.
        """
        one, other = self.column_of(source), self.column_of(target)
        if one is None or other is None or one == other:
            raise InvalidInput(
                f"{self.name} has no terms from {source} to {target}; its languages: {', '.join(self.languages)}",
                field="glossary",
            )
        pairs = ((row[one], row[other]) for row in self.rows)
        return list(dict.fromkeys((term, meaning) for term, meaning in pairs if term and meaning))

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


def parse_table(text: str) -> Sequence[Sequence[str]]:
    """Return the cells of each row; the delimiter is the first of `DELIMITERS` in the first row."""
    header = text.partition("\n")[0]
    delimiter = next((each for each in DELIMITERS if each in header), DELIMITERS[0])
    lines = io.StringIO(text, newline="")
    if delimiter == "\t":
        return list(csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE))
    return list(csv.reader(lines, delimiter=delimiter))
