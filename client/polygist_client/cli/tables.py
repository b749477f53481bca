"""Text that is a table though nobody said so."""

import re
from collections.abc import Iterable, Iterator

from polygist_client.cli.csv_rows import Row, is_before_header, split_rows
from polygist_client.cli.inputs import Input

FEWEST_ROWS = 2  # below the header
MANY_ROWS = 10  # of so many, all with as many cells as the header has names, the names alone tell it
NAME = re.compile(r"[^\W\d](?:[\w .:/()#%&'+-]{0,38}[\w)%#])?")
MOST_WORDS = 4
NUMBER = re.compile(r"[-+]?[$€£]?\s?\d[\d.,:/ TZ+-]*[%€]?|[0-9a-f]{8}-[0-9a-f-]{27}", re.IGNORECASE)


def find_header(head: str, *, is_cut: bool) -> Row | None:
    """Find the header of what can only be a table; None where it may be prose.

    Lists and verses have commas too: so there must be names above, as many cells in each row, and something in quotes
    as no prose has it, or no space behind any comma and a column of numbers, or many rows. What has tabs can be
    translated as it is.

    Args:
        head: the text, or the beginning of it.
        is_cut: whether there is more.
    """
    found = split_rows(Input("head", text=head))
    header = read_header(found)
    if header is None or not has_names(header):
        return None
    rows: list[Row] = []
    for row in found:
        if len(row.cells) != len(header.cells):
            if not is_end(row, found, is_cut=is_cut):
                return None
            break
        rows.append(row)
    if len(rows) < FEWEST_ROWS:
        return None
    columns = list(zip(*([cell.value.strip() for cell in row.cells] for row in rows), strict=True))
    if any(name.value in column for name, column in zip(header.cells, columns, strict=True)):
        return None
    if any(map(is_quoted, rows)):
        return header
    is_plain = header.delimiter != "\t" and not any(cell.value.startswith(" ") for row in rows for cell in row.cells)
    is_sure = any(map(is_of_numbers, columns)) or (len(rows) >= MANY_ROWS and has_words(header))
    return header if is_plain and is_sure else None


def read_header(rows: Iterator[Row]) -> Row | None:
    """Return the first of the rows that is not blank, if it can be split."""
    header = next((row for row in rows if not is_before_header(row.line)), None)
    return header if header and header.cells else None


def is_end(row: Row, rest: Iterator[Row], *, is_cut: bool) -> bool:
    """Tell whether a row that is none ends a table: it is blank, as all behind it, or cut off."""
    if not row.line.text.strip():
        return not any(each.line.text.strip() for each in rest)
    return is_cut and (not row.cells or next(rest, None) is None)


def has_names(header: Row) -> bool:
    """Tell whether all cells of a row are names, each another."""
    names = [cell.value.strip() for cell in header.cells]
    are_names = all(NAME.fullmatch(name) and len(name.split()) <= MOST_WORDS for name in names)
    return are_names and 1 < len(names) == len(set(names))


def is_quoted(row: Row) -> bool:
    """Tell whether a cell is in quotes that it takes."""
    takes = re.compile(rf'[{row.delimiter}"\n]')
    return any(cell.end - cell.start > len(cell.value) and takes.search(cell.value) for cell in row.cells)


def is_of_numbers(column: Iterable[str]) -> bool:
    """Tell whether a column has numbers, or dates, and nothing else."""
    there = [value for value in column if value]
    return len(there) >= FEWEST_ROWS and all(map(NUMBER.fullmatch, there))


def has_words(header: Row) -> bool:
    """Tell whether all names are single words of an alphabet: where words have no spaces, so does verse."""
    return all(
        cell.value[0].lower() != cell.value[0].upper() and not re.search(r"\s", cell.value) for cell in header.cells
    )
