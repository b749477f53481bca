"""What is read of documents as one plain text, and where in it their parts stand."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property

from polygist_service.text.documents.base import Layout
from polygist_service.text.segmentation import Span


class PlainView:
    """The passages of some texts, one a line; texts of kinds without passages as they are.

    Args:
        layouts: of the texts, in order.
    """

    def __init__(self, layouts: Sequence[Layout]) -> None:
        self._starts: list[list[int]] = []  # of each text, where in it each character of the view stands
        self._places: list[list[int]] = []  # and where that is in the view
        pieces: list[str] = []
        length = 0
        for layout in layouts:
            starts: list[int] = []
            places: list[int] = []
            for passage in layout.passages:
                for at in range(len(passage.text)):
                    starts.append(layout.source_span(passage, (at, at + 1))[0])
                    places.append(length + at)
                pieces.append(passage.text)
                length += len(passage.text) + 1
            self._starts.append(starts)
            self._places.append(places)
        self._pieces = pieces

    @cached_property
    def text(self) -> str:
        """The plain text."""
        return "\n".join(self._pieces)

    def span(self, index: int, span: Span) -> Span:
        """Return where what is read of a span of the text at an index stands in the view."""
        starts, places = self._starts[index], self._places[index]
        low = bisect_left(starts, span[0])
        high = bisect_right(starts, span[1] - 1, lo=low)
        if low == high:
            at = places[low] if low < len(places) else len(self.text)
            return at, at
        return places[low], places[high - 1] + 1
