"""Files of terms: one row for each, one column for each language."""

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from polygist.files import read_plain

from polygist_service.errors import GlossaryError
from polygist_service.text.languages import BadTag, parse_tag
from polygist_service.translation.terms.words import find_no_phrase

TAB_SEPARATED, COMMA_SEPARATED = ".tsv", ".csv"
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# A cell that a spreadsheet has put in quotes for what is in it.
QUOTED = re.compile(r'"((?:[^"]|"")*)"', re.DOTALL)
# What makes a row longer than that is no term.
MOST_CHARACTERS = 256
# Of a file: several million terms.
MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Table:
    """A file of terms.

    Attributes:
        languages: canonical tags, one for each column.
        rows: a term in each language; an empty cell where it has none there.
        repeated: a term that two rows begin with, and the line of the second one, if there is such a term.
        revision: a digest of the file.
    """

    languages: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    repeated: tuple[str, int] | None
    revision: str


def read_table(path: Path) -> Table:
    """Read a file of terms, in UTF-8, or in UTF-16 with its mark.

    The first row names languages. A file that ends in ``.csv`` has commas or, where the first row has them instead,
    semicolons between its cells, and quotes as spreadsheets write them; one in ``.tsv`` has tabs. A column without a
    name is passed over, and so is a row in which fewer than two languages have a term.

    Raises:
        GlossaryError: it is no such file; names file, line and cure.
        OSError: it cannot be read.
    """
    content = read_plain(path, most=MOST_BYTES)
    rows = read_rows(path, decode(path, content))
    _, header = next(rows, (0, ()))
    columns = read_header(path, header)
    terms: list[tuple[str, ...]] = []
    firsts: dict[str, int] = {}
    repeated: tuple[str, int] | None = None
    for line, cells in rows:
        if any(cell.strip() for cell in cells[len(header) :]):
            raise GlossaryError(f"{path}:{line}: {len(cells)} cells, but the first row names {len(header)} columns")
        row = tuple(" ".join(cells[at].split()) if at < len(cells) else "" for at in columns.values())
        if long := next((cell for cell in row if len(cell) > MOST_CHARACTERS), None):
            raise GlossaryError(f"{path}:{line}: {long[:40]!r}… has {len(long)} characters, at most {MOST_CHARACTERS}")
        if sum(map(bool, row)) < 2:
            continue
        if wrong := next(((cell, why) for cell in row if cell and (why := find_no_phrase(cell))), None):
            raise GlossaryError(f"{path}:{line}: {wrong[0]!r} {wrong[1]}")
        if row[0] and firsts.setdefault(row[0], line) != line:
            repeated = repeated or (row[0], line)
        terms.append(row)
    return Table(tuple(columns), tuple(terms), repeated, hashlib.sha256(content).hexdigest()[:16])


def decode(path: Path, content: bytes) -> str:
    """Return the text of a file."""
    encoding = BYTE_ORDER_MARKS.get(content[:2], "utf-8-sig")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise GlossaryError(f"{path}:{line}: no UTF-8; save it as UTF-8") from error


def read_rows(path: Path, text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the rows that are not blank, each with the number of its last line."""
    if path.suffix.lower() == TAB_SEPARATED:
        rows = ((at, line.rstrip("\r").split("\t")) for at, line in enumerate(text.split("\n"), 1))
        yield from ((at, list(map(unquote, cells))) for at, cells in rows if any(map(str.strip, cells)))
        return
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from ((reader.line_num, cells) for cells in reader if any(map(str.strip, cells)))
    except csv.Error as error:
        raise GlossaryError(
            f"{path}:{reader.line_num}: no CSV ({error}); put the cell in quotes, and double those in it"
        ) from error


def unquote(cell: str) -> str:
    """Return what is in a cell, without the quotes that spreadsheets put around some."""
    quoted = QUOTED.fullmatch(cell.strip())
    return quoted[1].replace('""', '"') if quoted else cell


def read_header(path: Path, cells: Sequence[str]) -> dict[str, int]:
    """Return the languages that the first row names, with the place of the column of each."""
    columns: dict[str, int] = {}
    for at, cell in enumerate(cells):
        if not cell.strip():
            continue
        try:
            language = parse_tag(cell.strip())
        except BadTag as error:
            raise GlossaryError(
                f"{path}:1: column {at + 1}: {error}; a column of notes has an empty first cell"
            ) from None
        if language in columns:
            raise GlossaryError(
                f"{path}:1: columns {columns[language] + 1} and {at + 1} are both {language}; join them"
            )
        columns[language] = at
    if len(columns) < 2:
        named = f"only {next(iter(columns))}" if columns else "no language"
        raise GlossaryError(f"{path}:1: the first row names {named}; name two languages or more, such as en and pt")
    return columns
