"""Blocks of plain text, told by the shape of its lines: paragraphs, headings, items, rows, code."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from polygist_service.text.documents.base import Block, BlockKind
from polygist_service.text.documents.cells import CellLine, find_hints, read_cells
from polygist_service.text.documents.columns import BARS, TableBlock, read_table
from polygist_service.text.documents.joining import LineJoiner
from polygist_service.text.documents.lines import Line, column, read_lines, same_quote
from polygist_service.text.documents.number_cells import find_sections
from polygist_service.text.documents.wrapping import LEAST_LINES, Shape, WrappedBlock, is_border, is_code, is_full
from polygist_service.text.segmentation import Span

# A heading has no more words, and an item of a list without markers.
HEADING_WORDS, ITEM_WORDS = 12, 7
# What is indented further is no heading, unless it is in capitals or in the middle.
MOST_INDENTATION, CENTRED = 3, 16
# Letters of the words of a heading, on average, with a space.
LONGEST_WORD = 12
# So many short lines below one another are a list.
LIST_LINES = 3
RULE = re.compile(r"\W+")
# So many widths of wrapped paragraphs are tried on others of the document.
MOST_WIDTHS = 8
NOTHING: frozenset[int] = frozenset()
HEADING_END = re.compile(r"[.!?…,;:。！？][\"'”’»)\]]*$")


@dataclass(frozen=True, slots=True)
class LineBlock(Block):
    """A line or a part of one, each of whose cells is read for itself.

    Attributes:
        cells: their spans, in order.
        sections: those of them that number sections.
    """

    cells: tuple[Span, ...]
    sections: frozenset[Span] = frozenset()


PlainBlock = LineBlock | WrappedBlock | TableBlock


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that may be one wrapped paragraph.

    Attributes:
        lines: one at least.
        start: where its words begin in the first one; cells may stand before it.
    """

    lines: Sequence[CellLine]
    start: int

    def shape(self, text: str) -> Shape:
        """Return what to tell a wrapped paragraph by."""
        first = self.lines[0].line
        return Shape(text, [each.line for each in self.lines], column(text, first, self.start))


def read_blocks(text: str, *, language: str, unwrap: bool) -> Iterator[PlainBlock]:
    """Yield the blocks of `text`, in order; blank lines are in none.

    Args:
        text: any text.
        language: that it is in, for compounds at the ends of lines.
        unwrap: whether lines that were wrapped at a column are joined.
    """
    hints = find_hints(text)
    lines = read_lines(text)
    runs = [[read_cells(text, line, hints) for line in run] for run in same_quote(lines)]
    if not unwrap or len(lines) == 1:
        for run in runs:
            yield from read_line_blocks(text, run, is_last=run is runs[-1])
        return
    grouped = [list(group_lines(text, run)) for run in runs]
    shapes = [group.shape(text) for groups in grouped for group in groups if len(group.lines) >= LEAST_LINES]
    counted = Counter(shape.width() for shape in shapes if shape.is_wrapped())
    widths = [width for width, _ in counted.most_common(MOST_WIDTHS)]
    joiner = LineJoiner(text, language)
    for groups in grouped:
        is_last = groups is grouped[-1]
        pending: list[CellLine] = []
        for group in groups:
            if len(group.lines) > 1 and (group.shape(text).is_wrapped(widths) or group.shape(text).is_item()):
                yield from read_line_blocks(text, pending, is_last=False)
                pending = []
                yield from read_wrapped(text, group, widths, joiner)
            else:
                pending += group.lines
        yield from read_line_blocks(text, pending, is_last=is_last)


def group_lines(text: str, run: Sequence[CellLine]) -> Iterator[Group]:
    """Yield the lines of a run without blank lines in groups that may be wrapped paragraphs."""
    width = Shape(text, [each.line for each in run], 0).width()
    at = 0
    while at < len(run):
        first = run[at]
        cells = first.cells()
        start = cells[-1][0] if len(cells) > 1 else first.line.body
        end = at + 1
        rest: int | None = None
        while end < len(run) and may_follow(text, run[end - 1].line, run[end], width):
            indentation = column(text, run[end].line, run[end].line.body)
            if rest is None and not may_hang(text, first, start, run[end].line, width):
                break
            if rest is not None and indentation != rest:
                break
            rest = indentation
            end += 1
        yield Group(run[at:end], start if end > at + 1 and not first.is_justified else first.line.body)
        at = end


def may_follow(text: str, line: Line, following: CellLine, width: int) -> bool:
    """Whether a line may go on in the next one, in text that is `width` columns wide."""
    return (
        not following.line.has_marker
        and following.is_justified
        and not is_rule(text, line)
        and not is_rule(text, following.line)
        and not is_border(text, line, following.line, width)
    )


def may_hang(text: str, first: CellLine, start: int, following: Line, width: int) -> bool:
    """Whether the second line of a paragraph may be indented as it is.

    A first line with room for more is a title where the next one has another indentation; behind cells the words go on
    below the last of them.

    Args:
        text: of the document.
        first: the first line.
        start: where its last cell begins.
        following: the second line.
        width: of the text.
    """
    indentation = column(text, following, following.body)
    if not first.is_justified:
        return indentation == column(text, first.line, start)
    return indentation == column(text, first.line, first.line.text_start) or is_full(text, first.line, following, width)


def read_wrapped(text: str, group: Group, widths: Sequence[int], joiner: LineJoiner) -> Iterator[PlainBlock]:
    """Yield the blocks of a wrapped paragraph: cells before its words, and the words."""
    first, second = group.lines[0].line, group.lines[1].line
    if group.start > first.body:
        cells = tuple(cell for cell in group.lines[0].cells() if cell[0] < group.start)
        yield LineBlock(BlockKind.ROW, first.start, cells[-1][1], cells)
    lines = [each.line for each in group.lines]
    shape = group.shape(text)
    own = shape.width()
    fitting = [width for width in widths if shape.fills(width)]
    gapped = sum(bool(each.gaps) for each in group.lines)
    from_start = [replace(first, body=group.start), *lines[1:]]
    kind = BlockKind.LIST_ITEM if first.has_marker else BlockKind.PARAGRAPH
    yield WrappedBlock(
        kind,
        group.start,
        lines[-1].end,
        joiner.join(from_start, is_justified=gapped * 3 >= len(lines)),
        max(fitting, default=own),
        shape.column,
        text[second.start : second.body],
        line_break_of(text, lines),
    )


def line_break_of(text: str, lines: Sequence[Line]) -> str:
    """Return what ends the lines of a wrapped paragraph: with the white space before it where that is the same."""
    ends = {text[line.end : line.stop] for line in lines[:-1]}
    if len(ends) == 1:
        return ends.pop()
    return text[lines[0].end : lines[0].stop].lstrip(" \t")


def read_line_blocks(text: str, lines: Sequence[CellLine], *, is_last: bool) -> Iterator[PlainBlock]:
    """Yield the blocks of lines that stand together, each a line's, or that of a table with aligned columns.

    Args:
        text: of the document.
        lines: between blank ones, or a part of them.
        is_last: whether nothing follows them in the document.
    """
    rows = [each.cells(stops) for each, stops in zip(lines, neighbour_stops(lines), strict=True)]
    kinds = read_kinds(text, lines, rows, is_last=is_last)
    sections = find_sections(text, rows)
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and (kinds[end] is BlockKind.ROW or is_rule(text, lines[end].line)):
            end += 1
        if table := read_table(text, lines[at:end], rows[at:end]):
            yield replace(table, sections=sections)
        else:
            end = max(end, at + 1)
            for each, cells, kind in zip(lines[at:end], rows[at:end], kinds[at:end], strict=True):
                yield LineBlock(kind, each.line.start, each.line.stop, tuple(cells), sections)
        at = end


def neighbour_stops(lines: Sequence[CellLine]) -> Iterator[frozenset[int]]:
    """Yield for each line the columns at which cells of the lines above and below may begin."""
    stops = [(), *(() if each.is_running else each.stops for each in lines), ()]
    for above, below in zip(stops, stops[2:], strict=False):
        yield frozenset((*above, *below)) if above or below else NOTHING


def is_rule(text: str, line: Line) -> bool:
    """Whether a line has neither letters nor digits."""
    return bool(RULE.fullmatch(text, line.text_start, line.end))


def read_kinds(
    text: str, lines: Sequence[CellLine], rows: Sequence[Sequence[Span]], *, is_last: bool
) -> list[BlockKind]:
    """Return what each of some lines is that stand together; see `read_line_blocks`."""
    codes = sum(is_code(text, each.line) for each in lines)
    if 2 * codes > len(lines):
        return [BlockKind.CODE] * len(lines)
    short = [is_short(text, each.line, HEADING_WORDS) for each in lines]
    items = streaks([is_short(text, each.line, ITEM_WORDS) for each in lines])
    listed = {at for start, end in items if end - start >= LIST_LINES for at in range(start, end)}
    kinds = []
    for at, (each, cells) in enumerate(zip(lines, rows, strict=True)):
        following = lines[at + 1].line if at + 1 < len(lines) else None
        if len(cells) > 1 or any(text[start:end] in BARS for start, end in each.marks):
            kind = BlockKind.ROW
        elif short[at] and is_heading(text, each.line, following, is_alone=len(lines) == 1 and not is_last):
            kind = BlockKind.HEADING
        elif each.line.has_marker or at in listed:
            kind = BlockKind.LIST_ITEM
        else:
            kind = BlockKind.PARAGRAPH
        kinds.append(kind)
    return kinds


def is_heading(text: str, line: Line, following: Line | None, *, is_alone: bool) -> bool:
    """Whether a short line is a heading, by what is below it."""
    if text[line.text_start] == "#":
        return True
    if is_bulleted(text, line):
        return False
    if following is None:
        return is_alone and not MOST_INDENTATION < column(text, line, line.text_start) < CENTRED
    is_title = line.start == 0 and not is_short(text, following, HEADING_WORDS)
    return is_title or is_rule(text, following) or text[line.body : line.end].isupper()


def is_short(text: str, line: Line, most: int) -> bool:
    """Whether a line may be a heading or an item of a list: at most so many words, without a full stop."""
    if line.end - line.body > most * LONGEST_WORD:
        return False
    words = text[line.body : line.end]
    return len(words.split(maxsplit=most)) <= most and not HEADING_END.search(words[-8:])


def is_bulleted(text: str, line: Line) -> bool:
    """Whether the marker of a line is a sign rather than a number or that of a heading."""
    marker = text[line.text_start : line.body]
    return line.has_marker and marker[0] != "#" and not any(map(str.isalnum, marker))


def streaks(flags: Sequence[bool]) -> Iterator[Span]:
    """Yield the spans of what is true in `flags`."""
    start = 0
    for at, flag in enumerate((*flags, False)):
        if not flag:
            if at > start:
                yield start, at
            start = at + 1
