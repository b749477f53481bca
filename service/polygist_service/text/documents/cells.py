"""Cells of a line: what tabs, runs of spaces, leader dots, bars and boxes to tick keep apart."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from polygist_service.text.documents.lines import Line, columns
from polygist_service.text.segmentation import Span, strip

BLANK = r"\t \xa0\u2000-\u200a\u202f\u205f\u3000"
# Dots may be an ellipsis and three hyphens a dash: of both it takes more to fill a line.
SEPARATOR = re.compile(
    rf"(?P<gap>[{BLANK}]{{2,}}|\t)"
    r"|(?P<bar>(?<!\S)[|¦•·▪●](?!\S)|^\||\|$|[│┃║])"
    r"|(?<!\S)(?:\[(?:[xX]?| {1,20})\]|\( {1,20}\))(?!\S)|[☐☑☒]"
    r"|^-{3,}|-{3,}$|([-#+·•])\3{3,}|_{3,}|(?<!\w)\*{3,}(?!\w)|={3,}|~{3,}|[\u2500-\u259f]+"
    r"|\.{5,}|\.{4}(?= ?\S)|\.(?: \.){3,}|…(?: ?…)+"
)
# Bars without white space around them part cells where there are several in a line.
DENSE_BAR = re.compile(r"\|")
LEAST_DENSE_BARS = 2
# One of these is in every text with a separator: to look for each is faster than to look at each place.
HINTS = (
    *("\t", "  ", "\xa0", "\u202f", "\u3000", "|", "¦", "│", "┃", "║", "•", "·", "▪", "●", "[", "( ", "☐", "☑", "☒"),
    *("---", "....", "####", "++++", ". . ", "…", "___", "***", "===", "~~~", "─", "━", "═"),
)
# What a typist puts between sentences, and what justified text puts between words.
MOST_PROSE_GAP = 3
# So many gaps before small letters make a line running text.
LEAST_RUNNING = 2
MOST_ROW_WORDS = 12
FILLERS = frozenset("._…")
LONGEST_NUMBER = 12
FULL_STOP = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
PAUSES = frozenset(",;")
# French puts a space inside of these.
OPENERS, CLOSERS = frozenset("«‹“„"), frozenset("»›”?!:;")


@dataclass(frozen=True)
class CellLine:
    """A line and what may part its cells.

    Attributes:
        text: of the document.
        line: where it stands there.
        gaps: runs of two or more spaces, and tabs.
        marks: all else that parts cells.
    """

    text: str
    line: Line
    gaps: tuple[Span, ...] = ()
    marks: tuple[Span, ...] = ()

    @cached_property
    def stops(self) -> Sequence[int]:
        """The columns at which something begins behind each gap."""
        return columns(self.text, self.line, [end for _, end in self.gaps]) if self.gaps else ()

    @cached_property
    def is_sentence(self) -> bool:
        """Whether the line is too long for a row of a table, or ends as a sentence does."""
        words = self.text[self.line.body : self.line.end]
        return len(words.split(maxsplit=MOST_ROW_WORDS)) > MOST_ROW_WORDS or bool(FULL_STOP.search(words[-8:]))

    @cached_property
    def is_running(self) -> bool:
        """Whether the gaps stand within a sentence: justified text has many."""
        small = sum(self.text[end].islower() for start, end in self.gaps if self.is_narrow((start, end)))
        return self.is_justified and small >= LEAST_RUNNING

    @property
    def is_justified(self) -> bool:
        """Whether all that parts its words may be the white space of justified text."""
        return not self.marks and all(self.is_narrow(gap) for gap in self.gaps)

    def is_narrow(self, gap: Span) -> bool:
        """Whether a gap may stand within running text."""
        shown = self.text[gap[0] : gap[1]]
        return len(shown) <= MOST_PROSE_GAP and not shown.strip(" \xa0")

    def cells(self, stops: Collection[int] = ()) -> list[Span]:
        """Return the spans of the cells, one where the line is not parted.

        Args:
            stops: columns at which cells of the lines above and below begin.
        """
        if not self.gaps and not self.marks:
            return [(self.line.body, self.line.end)]
        gaps = [
            gap
            for gap, stop in zip(self.gaps, self.stops, strict=True)
            if not self.is_running and (stop in stops or self._parts(gap))
        ]
        borders = sorted([*gaps, *filter(self._fills, self.marks)])
        starts = [self.line.body, *(end for _, end in borders)]
        ends = [*(start for start, _ in borders), self.line.end]
        spans = (strip(self.text, start, end) for start, end in zip(starts, ends, strict=True))
        return [(start, end) for start, end in spans if start < end]

    def _parts(self, gap: Span) -> bool:
        """Whether a gap parts cells: a narrow one within a sentence does not, nor one behind a sentence."""
        before, after = self.text[gap[0] - 1], self.text[gap[1]]
        if before in OPENERS or before in PAUSES or after in CLOSERS:
            return False
        if not self.is_narrow(gap):
            return True
        if self.is_sentence or FULL_STOP.search(self.text, max(self.line.body, gap[0] - 8), gap[0]):
            return False
        is_wide = gap[1] - gap[0] == MOST_PROSE_GAP or " " not in self.text[gap[0] : gap[1]]
        return is_wide or (before != ":" and (after.isupper() or not after.isalpha()))

    def _fills(self, mark: Span) -> bool:
        """Whether a mark parts cells: dots and blanks within a sentence do not, unless a page number follows."""
        if self.text[mark[0]] not in FILLERS or not self.is_sentence:
            return True
        rest = self.text[mark[1] : self.line.end]
        return len(rest) <= LONGEST_NUMBER and not any(map(str.isalpha, rest))


def find_hints(text: str) -> tuple[str, ...]:
    """Return those of `HINTS` that are in `text`."""
    return tuple(hint for hint in HINTS if hint in text)


def read_cells(text: str, line: Line, hints: Collection[str]) -> CellLine:
    """Find what may part the cells of a line.

    Args:
        text: of the document.
        line: where it stands there.
        hints: those of the text.
    """
    words = text[line.body : line.end]
    if not any(hint in words for hint in hints):
        return CellLine(text, line)
    found = [(match["gap"], match.span()) for match in SEPARATOR.finditer(words)]
    if not found and words.count("|") >= LEAST_DENSE_BARS and "||" not in words:
        found = [(None, match.span()) for match in DENSE_BAR.finditer(words)]
    spans = [(gap, (start + line.body, end + line.body)) for gap, (start, end) in found]
    return CellLine(
        text,
        line,
        gaps=tuple(span for gap, span in spans if gap),
        marks=tuple(span for gap, span in spans if not gap),
    )
