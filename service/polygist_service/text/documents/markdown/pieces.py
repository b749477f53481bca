"""The pieces that a block of Markdown is written of: their way into lines, and where the outputs are in them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from polygist_service.text.documents.lines import display_width
from polygist_service.text.documents.markdown.atoms import BREAKS, AtomKind
from polygist_service.text.documents.markdown.escapes import UNBREAKABLE, quote_value
from polygist_service.text.documents.markdown.outputs import Line
from polygist_service.text.documents.markdown.parsing import LINE_BREAK, Shape
from polygist_service.text.documents.markdown.sentences import MarkdownBlock, MarkedSegment
from polygist_service.text.segmentation import Span

WRAPPED = (Shape.PARAGRAPH, Shape.UNDERLINED, Shape.VALUE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a written block.

    Attributes:
        letters: what the parser is to read.
        source: what is written, with what stands in front of further lines.
        segment: index among the segments of the block of the one that it is of; -1 between them.
        low, high: what it is of in the line of that one.
        is_plain: whether each character of it is one of the line.
        is_space: whether it may become a line break.
    """

    letters: str
    source: str
    segment: int = -1
    low: int = 0
    high: int = 0
    is_plain: bool = False
    is_space: bool = False


@dataclass(frozen=True, slots=True)
class WrittenBlock:
    """A block with outputs in the places of its segments.

    Attributes:
        pieces: what it is made of.
        starts: where each of them begins, and the length of all.
        ranges: for each segment, the first of its pieces and the one behind the last, others between included.
        lines: the outputs as they were written; None where the source was.
        doubts: indices of segments whose marks may stand at other words than theirs.
        refused: indices of segments that stay as they were, as their outputs would be read as other marks.
    """

    pieces: tuple[Piece, ...]
    starts: tuple[int, ...]
    ranges: tuple[Span, ...]
    lines: tuple[Line | None, ...]
    doubts: frozenset[int]
    refused: frozenset[int] = frozenset()

    @classmethod
    def of(cls, pieces: Sequence[Piece], lines: tuple[Line | None, ...], doubts: frozenset[int]) -> "WrittenBlock":
        """Return the block that pieces make."""
        ranges = [(0, 0)] * len(lines)
        for at, piece in enumerate(pieces):
            if piece.segment >= 0:
                first, last = ranges[piece.segment]
                ranges[piece.segment] = (first if last else at, at + 1)
        starts = (0, *accumulate(len(piece.source) for piece in pieces))
        return cls(tuple(pieces), starts, tuple(ranges), lines, doubts)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(piece.source for piece in self.pieces)

    def span(self, index: int) -> Span:
        """Return where the output of a segment is, marks included."""
        first, last = self.ranges[index]
        return self.starts[first], self.starts[last]

    def target_span(self, index: int, span: Span) -> Span:
        """Return where a span of the output of a segment is in the block.

        Args:
            index: of the segment among those of the block.
        """
        line = self.lines[index]
        low, high = (line.place(at) for at in span) if line else span
        start, end = self.span(index)
        for at in range(*self.ranges[index]):
            piece, place = self.pieces[at], self.starts[at]
            if piece.segment == index and piece.low <= low < piece.high:
                start = place + (low - piece.low if piece.is_plain else 0)
            if piece.segment == index and piece.low < high <= piece.high:
                end = place + high - piece.low if piece.is_plain else self.starts[at + 1]
        return start, max(start, end)


def put_in_quotes(pieces: list[Piece]) -> None:
    """Put a plain value of front matter in quotes, where it would be something else without."""
    quote = quote_value("".join(piece.source for piece in pieces))
    if not quote:
        return
    for at, piece in enumerate(pieces):
        if quote == "'" and "'" in piece.source:
            pieces[at] = replace(piece, source=piece.source.replace("'", "''"), is_plain=False)
    pieces.insert(0, Piece(quote, quote, pieces[0].segment))
    pieces.append(Piece(quote, quote, pieces[-1].segment))


def wrap(pieces: list[Piece], block: MarkdownBlock, text: str, segments: Sequence[MarkedSegment]) -> None:
    """Break lines at spaces of what was written, if the block was wrapped inside of sentences.

    Args:
        pieces: that were written for the block; some become line breaks.
        text: the source of the document.
        segments: of the block.
    """
    breaks = find_breaks(block, text)
    if not breaks or not is_wrapped(block, segments):
        return
    width = max(map(display_width, LINE_BREAK.split(text[block.first : block.end])))
    column, count = display_width(text[block.first : block.start]), 0
    for at, piece in enumerate(pieces):
        if piece.is_space and (word := word_behind(pieces, at)):
            is_far = column + display_width(piece.source) + display_width(word) > width
            if is_far and not UNBREAKABLE.match(word) and not pieces[at - 1].letters.endswith("\\"):
                letters, source = breaks[min(count, len(breaks) - 1)]
                piece = pieces[at] = replace(piece, letters=letters, source=source, is_plain=False)
        last = LINE_BREAK.split(piece.source)
        count += len(last) - 1
        column = display_width(last[-1]) + (column if len(last) == 1 else 0)


def find_breaks(block: MarkdownBlock, text: str) -> list[tuple[str, str]]:
    """Return the line breaks of a block with what stands in front of the lines behind them: as the parser has them,
    and in the source."""
    content, breaks = block.contents[0], []
    for atom in content.atoms:
        if atom.kind in BREAKS:
            source = text[content.letters.source(atom.start) : content.letters.source(atom.end)]
            if found := LINE_BREAK.search(source):
                letters = content.letters.text[atom.start : atom.end]
                breaks.append((letters[letters.index("\n") :], source[found.start() :]))
    return breaks


def is_wrapped(block: MarkdownBlock, segments: Sequence[MarkedSegment]) -> bool:
    """Whether a line of a block ends inside of a sentence."""
    content = block.contents[0]
    places = [at for atom, at in zip(content.atoms, content.offsets, strict=False) if atom.kind is AtomKind.SPACE]
    own = iter(each for each in segments if each.content == 0)
    segment = next(own, None)
    for at in places:
        while segment and segment.high <= at:
            segment = next(own, None)
        if segment and segment.low < at:
            return True
    return False


def word_behind(pieces: Sequence[Piece], at: int) -> str:
    """Return the letters behind a space up to the next one, or the end of the line."""
    letters = []
    for index in range(at + 1, len(pieces)):
        piece = pieces[index]
        if piece.is_space:
            break
        letters.append(piece.letters)
        if "\n" in piece.letters:
            break
    return "".join(letters)
