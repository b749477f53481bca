"""What is read of documents as one plain text, and where in it their parts stand."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

from polygist_service.text.documents.base import Layout, Passage
from polygist_service.text.segmentation import Span


class PlainView:
    """The passages of some texts, one a line; texts of kinds without passages as they are.

    Args:
        layouts: of the texts, in order.
        asides: of each text, by its index, spans that are read though they are part of no passage, such as what
            describes an image in the middle of a sentence. They stand behind the passage that they stand in.

    Attributes:
        layouts: of the texts.
        text: the plain text.
    """

    def __init__(self, layouts: Sequence[Layout], asides: Mapping[int, Sequence[Span]] | None = None) -> None:
        self.layouts = layouts
        self._passages: list[Passage] = []  # of all texts
        self._firsts: list[int] = []  # of each text, the index of its first passage
        self._places: list[int] = []  # of each passage, where it begins in the view
        self._starts: dict[int, Sequence[int]] = {}  # of passages that were asked for, where each character stands
        self._asides: dict[tuple[int, Span], Span] = {}
        pieces: list[str] = []
        place = 0
        for index, layout in enumerate(layouts):
            self._firsts.append(len(self._passages))
            for piece, text in order_pieces(layout, (asides or {}).get(index, ())):
                if isinstance(piece, Passage):
                    self._passages.append(piece)
                    self._places.append(place)
                else:
                    self._asides[index, piece] = place, place + len(text)
                pieces.append(text)
                place += len(text) + 1
        self.text = "\n".join(pieces)

    def span(self, index: int, span: Span) -> Span:
        """Return where what is read of a span of the text at an index stands in the view; empty where nothing is."""
        if aside := self._asides.get((index, span)):
            return aside
        low = self._first(index, span[0])
        high = self._end(index, span[1])
        return (low, high) if low < high else (min(low, len(self.text)),) * 2

    def inner_span(self, index: int, span: Span, outer: Span) -> Span:
        """Return the same of a span that is part of another one, which may be an aside."""
        if aside := self._asides.get((index, outer)):
            moved = aside[0] - outer[0]
            return span[0] + moved, span[1] + moved
        return self.span(index, span)

    def with_asides(self, asides: Mapping[int, Sequence[Span]]) -> "PlainView":
        """Return the view of the same texts with other asides."""
        return PlainView(self.layouts, asides)

    def _first(self, index: int, at: int) -> int:
        """Return where in the view the first character stands that comes at a place of a text or behind it."""
        passage = self._find(index, at)
        if passage < 0:
            passage = self._firsts[index]
        else:
            found = bisect_left(self._characters(index, passage), at)
            if found < len(self._passages[passage].text):
                return self._places[passage] + found
            passage += 1
        return self._places[passage] if passage < len(self._places) else len(self.text)

    def _end(self, index: int, at: int) -> int:
        """Return where in the view the last character ends that comes before a place of a text; 0 where none does."""
        for passage in range(self._find(index, at - 1), self._firsts[index] - 1, -1):
            if found := bisect_left(self._characters(index, passage), at):
                return self._places[passage] + found
        return 0

    def _find(self, index: int, at: int) -> int:
        """Return the last passage of a text that begins at a place or before it; -1 where none does."""
        low = self._firsts[index]
        high = self._firsts[index + 1] if index + 1 < len(self._firsts) else len(self._passages)
        found = bisect_right(self._passages, at, low, high, key=lambda each: each.start)
        return found - 1 if found > low else -1

    def _characters(self, index: int, passage: int) -> Sequence[int]:
        """Return where in its text each character of a passage stands."""
        if passage not in self._starts:
            self._starts[passage] = self.layouts[index].starts(self._passages[passage])
        return self._starts[passage]


def order_pieces(layout: Layout, asides: Sequence[Span]) -> Iterator[tuple[Passage | Span, str]]:
    """Yield the passages of a text and the spans beside them, each with what is read of it, in their order."""
    waiting = sorted(asides, reverse=True)
    for passage in layout.passages:
        while waiting and waiting[-1][0] < passage.start:
            yield waiting[-1], layout.text[slice(*waiting.pop())]
        yield passage, passage.text
    while waiting:
        yield waiting[-1], layout.text[slice(*waiting.pop())]
