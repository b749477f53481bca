"""Where text of a run ends at a tag: pages put words side by side that only a style sheet parts."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from polygist_service.text.documents.html.runs import Item, ItemKind
from polygist_service.text.segmentation import Span

# What may end a text, and what may begin one.
END, BEGIN = re.compile(r"[\w.!?…:;)\]\"”’»%]\Z"), re.compile(r"[\w$€£¥(\[\"“‘«¿¡#@]")
# In the middle of a word both sides are alike, and the elements are there for how they look.
ALIKE = re.compile(r"(?:[^\W\d_][^\W\d_A-Z]|[A-Z][A-Z]|\d\d)\Z")
# A word or a sentence ends and a word with a capital follows, or a label ends.
NEXT_WORD = re.compile(r"(?:[^\W_][^\W\d_A-Z]|\d|[.!?:)])\|[A-Z][^\W\d_A-Z]|[^\W\d_]:\|[^\W_]")


@dataclass(slots=True)
class Cell:
    """Words that stand in an element of their own.

    Attributes:
        holder: the element, or its start tag; None where they stand in none.
        low, high: half-open span in the text of the run.
        is_link: whether it is a link.
    """

    holder: object
    low: int
    high: int
    is_link: bool


@dataclass(slots=True)
class Borders:
    """Finds where the text of a run ends at a tag, while it is read."""

    _before: str = ""
    _last: Item | None = None
    _has_closed: bool = False
    _is_swap: bool = False
    _is_format: bool = False
    _open: list[Item] = field(default_factory=list)
    _cuts: list[int] = field(default_factory=list)
    _cells: list[Cell] = field(default_factory=list)

    def pass_tag(self, item: Item) -> None:
        """Take a tag, or what else has no words."""
        if item.kind is ItemKind.OPENING:
            self._open.append(item)
            self._is_swap |= self._has_closed
            self._is_format = item.is_format
        elif item.kind is ItemKind.CLOSING:
            self._has_closed = True
            del self._open[-1:]
        elif item.kind is ItemKind.LINE:
            self._last = None

    def pass_object(self, place: int) -> None:
        """Take an object at a place of the text: it goes with the words around it."""
        self._cells.append(Cell(None, place, place + 1, False))
        self._last = None

    def read(self, item: Item, text: str, low: int) -> None:
        """Take text that is read at a place."""
        if not text:
            return
        if self._last and self._is_border(item, text):
            self._cuts.append(low)
        self._before, self._last = (self._before + text)[-2:], item
        self._has_closed = self._is_swap = False
        if any(map(str.isalnum, text)):
            holder = item.link or (self._open[-1] if self._open else None)
            last = self._cells[-1] if self._cells else None
            if last and last.holder is holder:
                last.high = low + len(text)
            else:
                self._cells.append(Cell(holder, low, low + len(text), item.link is not None))

    def _is_border(self, item: Item, text: str) -> bool:
        """Whether another text begins here."""
        last = self._last
        if not last or item.is_raised or last.is_raised or not (END.search(self._before) and BEGIN.match(text)):
            return False
        if self._is_swap:
            is_link = item.link is not last.link
            return is_link or not (self._is_format and ALIKE.search(self._before[-1] + text[0]))
        return item.start > last.end and bool(NEXT_WORD.search(f"{self._before}|{text[:2]}"))

    def parts(self, text: str) -> Sequence[Span]:
        """Return the spans of the parts of the whole text that are read each by itself."""
        parts: list[Span] = []
        for start, end in self._rows(text):
            first, last = bisect_right(self._cuts, start), bisect_left(self._cuts, end)
            parts += pairwise((start, *self._cuts[first:last], end))
        return parts

    def _rows(self, text: str) -> Sequence[Span]:
        """Return where the cells stand, if the text is nothing but links and their like in a row."""
        cells = self._cells
        if len(cells) < 2 or not all(cell.holder for cell in cells) or not any(cell.is_link for cell in cells):
            return [(0, len(text))]
        rows = [(cells[0].low, cells[0].high)]
        for before, cell in pairwise(cells):
            if (before.is_link and cell.is_link) or text[before.high : cell.low].strip():
                rows.append((cell.low, cell.high))
            else:
                rows[-1] = rows[-1][0], cell.high
        return rows
