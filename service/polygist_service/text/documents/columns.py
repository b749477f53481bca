"""Tables whose columns are aligned with spaces, which stay aligned when their cells change."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from polygist_service.text.documents.base import Block, BlockKind, Segment
from polygist_service.text.documents.cells import CellLine
from polygist_service.text.documents.lines import columns, display_width
from polygist_service.text.segmentation import Span

LEAST_ROWS = 2
# So many spaces stay between two cells, where there were as many.
LEAST_GAP = 2
BARS = frozenset("|¦│┃║")
RULE_PIECE = re.compile(r"[|¦│┃║+┌┬┐├┼┤└┴┘╔╦╗╠╬╣╚╩╝╭╮╰╯]|[-=─━═]+")
PADDING = " \xa0"


@dataclass(frozen=True, slots=True)
class Piece:
    """A cell, a bar or a part of a rule.

    Attributes:
        span: where it stands in the source.
        start, end: its columns there, half open.
        place: index of its column in the table.
        is_right: whether its end is aligned rather than its start.
        is_rule: whether it is as long as its column is wide.
    """

    span: Span
    start: int
    end: int
    place: int = 0
    is_right: bool = False
    is_rule: bool = False

    def target(self, move: int, width: int) -> int:
        """Return the column at which it begins where its own was moved and it is `width` wide."""
        return self.end + move - width if self.is_right else self.start + move


Row = tuple[Piece, ...]
# What stands in the place of a piece, and where the outputs are in that.
Filling = tuple[str, list[Span]]


@dataclass(frozen=True, slots=True)
class TableBlock(Block):
    """Rows below one another whose cells are aligned.

    Attributes:
        rows: the pieces of each row, from left to right.
        cells: the spans of those that are cells, in order.
        sections: those of them that number sections.
    """

    rows: tuple[Row, ...]
    cells: tuple[Span, ...]
    sections: frozenset[Span] = frozenset()

    def write(self, text: str, segments: Sequence[Segment], outputs: Sequence[str]) -> tuple[str, list[Span]]:
        """Put outputs in the places of segments and align the cells again.

        Args:
            text: of the document.
            segments: those of the block.
            outputs: what each became.

        Returns:
            What stands in the place of the block, and where each output stands in that.
        """
        filled = self._fill(text, segments, outputs)
        moves = self._moves([[display_width(shown) for shown, _ in fillings] for fillings in filled])
        parts: list[str] = []
        spans: list[Span] = []
        length, at = 0, self.start
        for row, fillings in zip(self.rows, filled, strict=True):
            used = 0
            for index, (piece, (shown, inner)) in enumerate(zip(row, fillings, strict=True)):
                move = moves[piece.place]
                if piece.is_rule:
                    shown += shown[-1] * (moves[piece.place + 1] - move)
                between, width = text[at : piece.span[0]], display_width(shown)
                begin = used + display_width(between) if index else piece.start
                target = max(piece.target(move, width), used)
                between = pad(between, target - begin)
                length += len(between)
                spans += [(length + start, length + end) for start, end in inner]
                length += len(shown)
                parts += (between, shown)
                used, at = target + width, piece.span[1]
        return "".join((*parts, text[at : self.end])), spans

    def _fill(self, text: str, segments: Sequence[Segment], outputs: Sequence[str]) -> list[list[Filling]]:
        """Return what stands in the place of each piece of each row."""
        remaining = list(zip(segments, outputs, strict=True))[::-1]
        filled: list[list[Filling]] = []
        for row in self.rows:
            filled.append([])
            for piece in row:
                shown, at, inner = "", piece.span[0], []
                while remaining and remaining[-1][0].start < piece.span[1]:
                    segment, output = remaining.pop()
                    shown += text[at : segment.start]
                    inner.append((len(shown), len(shown) + len(output)))
                    shown, at = shown + output, segment.end
                filled[-1].append((shown + text[at : piece.span[1]], inner))
        return filled

    def _moves(self, widths: Sequence[Sequence[int]]) -> list[int]:
        """Return how far each column moves to the right, and behind them how far the table's right edge does.

        Args:
            widths: those of what stands in the place of each piece.
        """
        placed = sorted((piece.place, at, index) for at, row in enumerate(self.rows) for index, piece in enumerate(row))
        moves = [0] * (placed[-1][0] + 2)
        ends = [0] * len(self.rows)
        edge = 0
        for at_place in by_place(placed):
            place = at_place[0][0]
            move = moves[place - 1] if place else 0
            for _, at, index in at_place:
                row = self.rows[at]
                gap = min(LEAST_GAP, row[index].start - row[index - 1].end) if index else 0
                begin = row[index].target(moves[place - 1] if place else 0, widths[at][index])
                move = max(move, (moves[place - 1] if place else 0) + ends[at] + gap - begin)
            moves[place] = move
            for _, at, index in at_place:
                piece = self.rows[at][index]
                ends[at] = piece.target(move, widths[at][index]) + widths[at][index]
                edge = max(edge, piece.end)
        moves[-1] = max(moves[-2], max(ends) - edge)
        return moves


def by_place(placed: Sequence[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    """Yield what stands in each column, from left to right."""
    borders = [0, *(at + 1 for at, (one, other) in enumerate(pairwise(placed)) if one[0] != other[0]), len(placed)]
    for start, end in pairwise(borders):
        yield list(placed[start:end])


def pad(between: str, more: int) -> str:
    """Return what stands before a cell with so much more white space, or less where that is negative."""
    if more >= 0:
        return between + (between[-1] if between[-1:] == "\xa0" else " ") * more
    return between[:more]


def read_table(text: str, lines: Sequence[CellLine], rows: Sequence[Sequence[Span]]) -> TableBlock | None:
    """Return the table that lines with cells make; None where their columns are not aligned with spaces.

    Args:
        text: of the document.
        lines: those below one another.
        rows: the cells of each.
    """
    if len(lines) < LEAST_ROWS:
        return None
    found = [read_row(text, each, cells) for each, cells in zip(lines, rows, strict=True)]
    pieces = [row for row in found if row is not None]
    if len(pieces) < len(lines):
        return None
    aligned = align([row for row in pieces if len(row) > 1])
    if not aligned:
        return None
    start, end = lines[0].line.start, lines[-1].line.stop
    return TableBlock(BlockKind.ROW, start, end, aligned, tuple(cell for cells in rows for cell in cells))


def read_row(text: str, line: CellLine, cells: Sequence[Span]) -> Row | None:
    """Return the pieces of a line; None where anything but spaces stands between them."""
    start, end = line.line.text_start, line.line.end
    words = text[line.line.body : end]
    if any(map(str.isalnum, words)):
        bars = [mark for mark in line.marks if text[mark[0] : mark[1]] in BARS]
        spans, rules = sorted([*cells, *bars]), frozenset[Span]()
        start = line.line.body
    else:
        spans = [found.span() for found in RULE_PIECE.finditer(text, start, end)]
        rules = frozenset(span for span in spans if text[span[0]] not in BARS and text[span[0]] in "-=─━═")
    borders = zip([start, *(high for _, high in spans)], [*(low for low, _ in spans), end], strict=True)
    if not spans or any(text[low:high].strip(PADDING) for low, high in borders):
        return None
    pieces = []
    begins = columns(text, line.line, [low for low, _ in spans])
    for (low, high), begin in zip(spans, begins, strict=True):
        pieces.append(Piece((low, high), begin, begin + display_width(text[low:high]), is_rule=(low, high) in rules))
    return tuple(pieces)


def align(rows: Sequence[Row]) -> tuple[Row, ...] | None:
    """Return `rows` with the columns of their pieces; None where no column is one."""
    edges: list[list[int]] = []
    for start, end in sorted((piece.start, piece.end) for row in rows for piece in row):
        if edges and start < edges[-1][1]:
            edges[-1][1] = max(edges[-1][1], end)
        else:
            edges.append([start, end])
    begins = [start for start, _ in edges]
    placed = [[replace(piece, place=bisect_right(begins, piece.start) - 1) for piece in row] for row in rows]
    if any(one.place == other.place for row in placed for one, other in pairwise(row)):
        return None
    starts = Counter((piece.place, piece.start) for row in placed for piece in row)
    ends = Counter((piece.place, piece.end) for row in placed for piece in row if not piece.is_rule)
    if not any(count > 1 and place for counts in (starts, ends) for (place, _), count in counts.items()):
        return None
    return tuple(
        tuple(replace(piece, is_right=is_right(piece, starts, ends)) for piece in row) for row in placed if row
    )


def is_right(piece: Piece, starts: Counter[tuple[int, int]], ends: Counter[tuple[int, int]]) -> bool:
    """Whether more pieces of its column end where it does than begin where it does."""
    return not piece.is_rule and ends[piece.place, piece.end] > starts[piece.place, piece.start]
