"""Records of CSV, of which only what is added differs: all else stays byte for byte.

The ``csv`` module of the standard library does not say where a cell stands nor whether it had quotes, and takes the
rest of the file for one cell where a quote is not closed; so the rows are split here, by the rules of RFC 4180.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from polygist_client.cli.inputs import Input, InputError, Line
from polygist_client.cli.journal import Status
from polygist_client.cli.records import (
    ERROR,
    WARNINGS,
    Answer,
    Fields,
    Record,
    Text,
    describe_warnings,
    find_failure,
    free_name,
    make_record,
    recognise_same,
)
from polygist_client.options import JsonReply

DELIMITERS = (",", ";", "\t", "|")
NAMED_DELIMITER = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
MOST_CHARACTERS = 4_000_000  # of a row; a quote that is still open then was never meant as one
CLOSING = re.compile(r'[^"]*(?:""[^"]*)*+"')


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell, and where in the row, its quotes included."""

    value: str
    start: int
    end: int

    def raw_in(self, row: str) -> str:
        """Return it as it stands in its row."""
        return row[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Row:
    """A row, of one line or of several: `line` has them joined; no cells where it cannot be split."""

    line: Line
    delimiter: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What the header says.

    Attributes:
        header: its row.
        names: of the columns.
        columns: where the texts are.
        into: the column of each result; beyond the last one where it is a new one.
        added: the names of the new columns.
        said: the columns of warnings and errors.
        fields: the fields that were asked for.
    """

    header: Row
    names: tuple[str, ...]
    columns: tuple[int, ...]
    into: tuple[int, ...]
    added: tuple[str, ...]
    said: tuple[int, int]
    fields: Fields


def read_csv(source: Input, fields: Fields, *, delimiter: str | None = None) -> Iterator[Record]:
    """Read columns of every row as texts; the first row that is not blank is the header.

    Raises:
        InputError: the header has not the columns, or has one that should be added.
    """
    rows = split_rows(source, delimiter)
    before: list[Record] = []
    for header in rows:
        if not is_before_header(header.line):
            break
        keep, recognise = partial(keep_row, header.line), partial(recognise_same, header.line)
        before.append(make_record(source, header.line, keep, recognise=recognise))
    else:
        yield from before
        return
    table = read_header(source, header, fields)
    yield from before
    yield make_record(source, header.line, partial(finish_header, table), recognise=partial(recognise_header, table))
    for row in rows:
        yield read_row(source, table, row)


def split_table(source: Input, *, delimiter: str | None = None) -> Iterator[Line]:
    """Split a table that was written here into its rows."""
    return (row.line for row in split_rows(source, delimiter))


def split_rows(source: Input, delimiter: str | None = None) -> Iterator[Row]:
    """Split a table into rows; where no delimiter is given, a line before the header or that itself shows it."""
    lines = source.lines()
    for line in lines:
        if is_before_header(line):
            found = NAMED_DELIMITER.fullmatch(line.text)
            delimiter = delimiter or (found[1] if found else None)
            yield Row(line, "", ())
        else:
            yield from read_rows(deque([line]), lines, delimiter or detect_delimiter(line.text))
            return


def is_before_header(line: Line) -> bool:
    """Whether a line before the header belongs to no table: it is blank, or Excel's name for the delimiter."""
    return not line.error and (not line.text.strip() or NAMED_DELIMITER.fullmatch(line.text) is not None)


def detect_delimiter(header: str) -> str:
    """Return what parts the cells of a header: what it has most of, outside quotes."""
    bare = re.sub(r'"[^"]*"?', "", header)
    return max(DELIMITERS, key=bare.count)


def read_rows(waiting: deque[Line], lines: Iterator[Line], delimiter: str) -> Iterator[Row]:
    """Join lines to rows, and split these into cells.

    A quote that is never closed, or closed before anything but a delimiter, was not meant to go over lines: its first
    line is a row without cells, and the others are read anew.

    Args:
        waiting: lines that are read before those of `lines`.
        lines: the rest.
        delimiter: what parts the cells.
    """

    def take() -> Line | None:
        return waiting.popleft() if waiting else next(lines, None)

    while (line := take()) is not None:
        parts, is_open = [line], ends_open(line.text, delimiter, is_open=False)
        characters = len(line.text)
        while is_open and characters <= MOST_CHARACTERS and (more := take()) is not None:
            parts.append(more)
            characters += len(more.text)
            is_open = ends_open(more.text, delimiter, is_open=True)
        if is_open is not False:
            waiting.extendleft(reversed(parts[1:]))
            yield Row(line, delimiter, ())
        else:
            whole = join_lines(parts)
            yield Row(whole, delimiter, tuple(split_cells(whole.text, delimiter)))


def ends_open(text: str, delimiter: str, *, is_open: bool) -> bool | None:
    """Tell whether a quote is open at the end of a line; None where that of a line before is closed within a cell."""
    place = 0
    if is_open:
        closing = CLOSING.match(text)
        if closing is None:
            return True
        place = closing.end()
        if text[place : place + 1] not in ("", delimiter):
            return None
        place = text.find(delimiter, place) + 1
        if not place:
            return False
    while True:
        if text.startswith('"', place):
            closing = CLOSING.match(text, place + 1)
            if closing is None:
                return True
            if text[closing.end() : closing.end() + 1] in ("", delimiter):
                place = closing.end()
        place = text.find(delimiter, place) + 1
        if not place:
            return False


def join_lines(parts: Sequence[Line]) -> Line:
    """Join the lines of one row."""
    if len(parts) == 1:
        return parts[0]
    text = "".join(each.text + each.end for each in parts[:-1]) + parts[-1].text
    error = next((each.error for each in parts if each.error), None)
    raw = b"".join(each.raw for each in parts)
    return Line(parts[0].number, text, parts[-1].end, raw, parts[0].encoding, error)


def split_cells(text: str, delimiter: str) -> Iterator[Cell]:
    """Split a row; a cell whose quotes do not go round all of it is taken as it stands."""
    place = 0
    while True:
        value = None
        if text.startswith('"', place) and (closing := CLOSING.match(text, place + 1)):
            end = closing.end()
            if text[end : end + 1] in ("", delimiter):
                value = text[place + 1 : end - 1].replace('""', '"')
        if value is None:
            found = text.find(delimiter, place)
            end = len(text) if found < 0 else found
            value = text[place:end]
        yield Cell(value, place, end)
        if end == len(text):
            return
        place = end + 1


def split_values(text: str, delimiter: str) -> list[str]:
    """Split a row into what its cells have."""
    return [cell.value for cell in split_cells(text, delimiter)]


def read_header(source: Input, row: Row, fields: Fields) -> Table:
    """Find the columns that the fields name; raises InputError where they are not there, or no room for results."""
    if row.line.error:
        raise InputError(f"{source.name}:{row.line.number}: {row.line.error.message}")
    names = [cell.value for cell in row.cells]
    for name in fields.names:
        if names.count(name) != 1:
            if row.delimiter == "\t" and name in split_values(row.line.text, detect_delimiter(row.line.text)):
                raise InputError(f"{source.name}: is CSV, not TSV; give --format csv")
            found = f"{names.count(name)} columns" if name in names else "no column"
            cure = "; end its lines by line feeds" if "\r" in row.line.text and not row.line.end else ""
            raise InputError(f"{source.name}: has {found} {name!r}; columns: {', '.join(map(repr, names))}{cure}")
    added: list[str] = []

    def place(name: str) -> int:
        known = [*names, *added]
        if name not in known:
            added.append(name)
        return [*names, *added].index(name)

    intos = [fields.into_of(name) for name in fields.names]
    taken = [name for name in intos if name in names and not fields.may_replace]
    if taken:
        cure = "name another with --into, or this one to replace it"
        raise InputError(f"{source.name}: has a column {taken[0]!r} already; {cure}")
    into = tuple(place(name) for name in intos)
    warnings, error = (place(free_name(name, intos[0], [*names, *added])) for name in (WARNINGS, ERROR))
    columns = tuple(names.index(name) for name in fields.names)
    return Table(row, tuple(names), columns, into, tuple(added), (warnings, error), fields)


def finish_header(table: Table, answers: Sequence[Answer]) -> str:
    """Write the header with the columns that are added."""
    line = table.header.line
    cells = [quote_cell(name, table.header.delimiter) for name in table.added]
    return table.header.delimiter.join([line.text, *cells]) + line.end


def recognise_header(table: Table, shown: str) -> Status | None:
    """Recognise the header with the columns that are added."""
    return "kept" if shown == finish_header(table, ()) else None


def read_row(source: Input, table: Table, row: Row) -> Record:
    """Make the record of a row; one that has not the columns of the header has an error instead of texts."""
    line = row.line
    if not line.text.strip() and not line.error:
        return make_record(source, line, partial(keep_row, line), recognise=partial(recognise_same, line))
    error = line.error
    if error is None and not row.cells:
        error = InputError("has a quote that is not closed")
    elif error is None and len(row.cells) != len(table.names):
        error = InputError(f"has {len(row.cells)} cells, the header {len(table.names)}")
    texts: tuple[Text, ...] = ()
    if error is None:
        named = zip(table.columns, table.fields.names, strict=True)
        texts = tuple(
            Text(row.cells[column].value, field=name, format=table.fields.format_of(name)) for column, name in named
        )
    return make_record(
        source, line, partial(finish_row, table, row, texts, error), texts=texts, id=read_id(table, row), error=error,
        follows_from=table.header.line.raw, recognise=partial(recognise_row, table, row, texts, error),
    )  # fmt: skip


def read_id(table: Table, row: Row) -> str:
    """Return what stands in the column ``id``; empty where there is none."""
    column = table.names.index("id") if "id" in table.names else len(row.cells)
    return row.cells[column].value if column < len(row.cells) else ""


def keep_row(line: Line, answers: Sequence[Answer]) -> str:
    """Return an empty row as it is."""
    return line.text + line.end


def finish_row(
    table: Table, row: Row, texts: tuple[Text, ...], error: InputError | None, answers: Sequence[Answer]
) -> str:
    """Write a row with its results, and what there is to say of them, in their columns."""
    cells = {
        column: answer.text
        for column, answer in zip(table.into, answers, strict=False)  # without answers where the row is broken
        if answer.text is not None
    }
    cells[table.said[0]] = show_warnings(describe_warnings(table.fields, texts, answers))
    cells[table.said[1]] = show_failure(find_failure(table.fields, texts, answers, error))
    return lay_out(table, row, cells)


def recognise_row(
    table: Table, row: Row, texts: tuple[Text, ...], error: InputError | None, shown: str
) -> Status | None:
    """Recognise the output of a row: it is what comes of the cells that it has for results."""
    text = shown.removesuffix(row.line.end)
    found = tuple(split_cells(text, table.header.delimiter))
    if len(found) != len(table.names) + len(table.added):
        return None
    cells = {
        column: found[column].value
        for column in {*table.into, *table.said}
        # One that was left as it is, quotes and all, has no result.
        if column >= len(row.cells) or found[column].raw_in(text) != row.cells[column].raw_in(row.line.text)
    }
    if lay_out(table, row, cells) != shown:
        return None
    if cells[table.said[1]]:
        return "failed"
    if error:
        return None
    return "blank" if all(each.is_blank for each in texts) else "done"


def lay_out(table: Table, row: Row, cells: Mapping[int, str]) -> str:
    """Write a row with these cells in the places of those of the table, or behind them."""
    line, width = row.line, len(table.names)
    text, there = line.text, row.cells
    if not there or len(there) > width:  # no row of this table: all of it in one cell, so that the others stay readable
        text, there = quote_cell(text, table.header.delimiter), (Cell(text, 0, 0),)
    # Those in place from the last to the first, so that the places of the others hold.
    for column in sorted((each for each in cells if each < len(row.cells) <= width), reverse=True):
        cell = row.cells[column]
        text = text[: cell.start] + quote_cell(cells[column], table.header.delimiter) + text[cell.end :]
    missing = [quote_cell(cells.get(column, ""), table.header.delimiter) for column in range(len(there), width)]
    added = [quote_cell(cells.get(width + place, ""), table.header.delimiter) for place in range(len(table.added))]
    return table.header.delimiter.join([text, *missing, *added]) + line.end


def show_warnings(warnings: Sequence[JsonReply]) -> str:
    """Write warnings for a cell."""
    shown = []
    for each in warnings:
        place = f" at {each['start']}-{each['end']}" if "start" in each else ""
        field = f"{each['field']}: " if "field" in each else ""
        shown.append(f"{field}{each['message']}{place} [{each['code']}]")
    return "; ".join(shown)


def show_failure(failure: JsonReply | None) -> str:
    """Write an error for a cell."""
    if failure is None:
        return ""
    field = f"{failure['field']}: " if "field" in failure else ""
    return f"{field}{failure['message']} [{failure['reason'] or failure['code']}]"


def quote_cell(value: str, delimiter: str) -> str:
    """Write a cell, in quotes where it takes them."""
    if re.search(rf'[{delimiter}"\r\n]|^\s|\s$', value):
        return '"' + value.replace('"', '""') + '"'
    return value
