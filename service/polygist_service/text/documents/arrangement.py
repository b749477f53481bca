"""Where the inline elements of a sentence stand in what a model wrote of it.

An element stays one: it is put around the words that were written for its words, inside the element that it is in.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from polygist_service.text.alignment import Alignment
from polygist_service.text.documents.inline import Arrangement, Edge, Inline, Placement
from polygist_service.text.documents.word_links import WordLinks, link_words
from polygist_service.text.documents.word_windows import Windows
from polygist_service.text.segmentation import Span

# Marks that stand for each other in the languages.
MARKS = ("\"“”„‟«»「」『』‘’'", "-–—―", ".。।…", ",、，،", "?？؟", "!！", ":：", ";；؛", "(（", ")）", " \u00a0\u202f")


def arrange(text: str, inlines: Sequence[Inline], written: str, alignment: Alignment) -> Arrangement:
    """Find the places of elements in what was written of a sentence.

    Args:
        text: the sentence.
        inlines: its elements in the order in which they begin, each before those inside it; they nest.
        written: what was written of it.
        alignment: of `text` and `written`; where it is empty, all places are guessed.
    """
    if text == written:
        spans = [(each.start, each.end) for each in inlines]
        return Arrangement(tuple(put_in_order(inlines, children_of(inlines), spans)))
    arranger = Arranger(text, inlines, written, alignment)
    doubtful = sorted(arranger.doubtful) if alignment else range(len(inlines))
    return Arrangement(tuple(put_in_order(inlines, arranger.children, arranger.spans)), tuple(doubtful))


def children_of(inlines: Sequence[Inline]) -> list[list[int]]:
    """Return the elements that are directly inside each element, and last those that are in none."""
    children: list[list[int]] = [[] for _ in range(len(inlines) + 1)]
    for index, each in enumerate(inlines):
        children[each.parent].append(index)
    return children


def put_in_order(
    inlines: Sequence[Inline], children: Sequence[Sequence[int]], spans: Sequence[Span]
) -> Iterator[Placement]:
    """Yield the edges of elements in the order in which they are written.

    Args:
        children: of each element, in the order in which they come.
        spans: where each comes.
    """
    waiting = [(index, Edge.OPENING) for index in reversed(children[-1])]
    while waiting:
        index, edge = waiting.pop()
        own, (start, end) = inlines[index], spans[index]
        if own.is_alone:
            yield Placement(start, index, Edge.EMPTY)
        elif edge is Edge.CLOSING:
            yield Placement(end, index, edge)
        else:
            if own.begins:
                yield Placement(start, index, edge)
            waiting += [(index, Edge.CLOSING)] if own.ends else []
            waiting += [(child, Edge.OPENING) for child in reversed(children[index])]


class Arranger:
    """Finds the spans of the elements of one sentence: see `arrange`.

    Attributes:
        children: of each element, and last those that are in none, in the order in which they come.
        spans: where each comes.
        doubtful: those that may stand at other words than theirs.
    """

    def __init__(self, text: str, inlines: Sequence[Inline], written: str, alignment: Alignment) -> None:
        self._text = text
        self._inlines = inlines
        self._written = written
        edges = [edge for each in inlines for edge in (each.start, each.end)]
        self._links = link_words(text, edges, written, alignment)
        self.children = children_of(inlines)
        windows = Windows(inlines, self.children, self._links)
        self._ranges, self._windows = windows.ranges, windows.found
        self._anchors = find_anchors(self._links)
        self.spans: list[Span] = [(0, 0)] * len(inlines)
        self.doubtful: set[int] = set()
        for parent in (-1, *range(len(inlines))):
            if self.children[parent]:
                self._place_children(parent)

    def _place_children(self, parent: int) -> None:
        """Find the spans of the elements inside one, of which the span is known."""
        low, high = self.spans[parent] if parent >= 0 else (0, len(self._written))
        children = self.children[parent]
        placed = sorted((index for index in children if self._windows[index]), key=self._window_place)
        at = low
        for count, index in enumerate(placed):
            behind = self._windows[placed[count + 1]] if count + 1 < len(placed) else None
            limit = self._links.target[behind.first][0] if behind else high
            self.spans[index] = self._span(index, (at, limit))
            at = self.spans[index][1]
        for index in children:
            if not self._windows[index]:
                self.spans[index] = self._place_point(index, (low, high), placed)
        self.children[parent] = sorted(children, key=self._order)

    def _window_place(self, index: int) -> Span:
        window = self._windows[index]
        assert window
        return window.first, window.last

    def _order(self, index: int) -> tuple[int, int, int]:
        """Return what siblings are sorted by: a half without words stands at its end of the sentence."""
        inline, (start, end) = self._inlines[index], self.spans[index]
        return start - (not inline.begins), end + (not inline.ends), index

    def _span(self, index: int, limits: Span) -> Span:
        """Return the span of an element that has words, with as many of the marks around them as it had."""
        inline, window = self._inlines[index], self._windows[index]
        assert window
        (first, last), (low, high) = self._ranges[index], limits
        source, target, text, written = self._links.source, self._links.target, self._text, self._written
        start, end = target[window.first][0], target[window.last - 1][1]
        before = target[window.first - 1][1] if window.first else 0
        behind = target[window.last][0] if window.last < len(target) else len(written)
        before, behind = max(low, before), min(high, behind)
        lead = text[inline.start : max(inline.start, source[first][0])]
        trail = text[min(inline.end, source[last - 1][1]) : inline.end]
        start -= common_marks(written[before:start][::-1], lead[::-1])
        end += common_marks(written[end:behind], trail)
        return (start if inline.begins else low, end if inline.ends else high)

    def _place_point(self, index: int, limits: Span, placed: Sequence[int]) -> Span:
        """Return the span of an element without words, as an image, or of one of which no word was written."""
        inline = self._inlines[index]
        first, last = self._ranges[index]
        if first < last:
            self.doubtful.add(index)
        if not inline.begins or not inline.ends:
            place = limits[0] if not inline.begins else limits[1]
            return place, place
        place = min(max(limits[0], self._find_place(inline.start)), limits[1])
        starts = [self.spans[each][0] for each in placed]
        at = bisect_right(starts, place) - 1
        if at >= 0 and (inside := self._inlines[placed[at]]):
            start, end = self.spans[placed[at]]
            if place < end or not inside.ends:
                place = start if inside.begins and (inside.start > inline.start or not inside.ends) else end
        return place, place

    def _find_place(self, at: int) -> int:
        """Return the place in what was written that is next to the same words as a place in the sentence."""
        source, text, written, target = self._links.source, self._text, self._written, self._links.target
        # Inside a word that was not copied stands nothing: it comes behind that.
        behind = bisect_left(source, at, key=lambda word: word[0])
        is_at_next = behind < len(source) and (not behind or (source[behind - 1][1] < at and text[at - 1].isspace()))
        own = self._anchors[behind] if is_at_next else None
        if own is not None:
            start, low = target[own][0], target[own - 1][1] if own else 0
            return start - common_marks(written[low:start][::-1], text[at : source[behind][0]][::-1])
        before = behind - 1
        while before >= 0 and self._anchors[before] is None:
            before -= 1
        own = self._anchors[before] if before >= 0 else None
        if own is None:
            return 0
        end, high = target[own][1], target[own + 1][0] if own + 1 < len(target) else len(written)
        return end + common_marks(written[end:high], text[source[before][1] : at] if before == behind - 1 else "")


def find_anchors(links: WordLinks) -> list[int | None]:
    """Return for each word of a sentence the word that was written of it, as far as one was."""
    return [max(column, key=column.__getitem__) if column else None for column in links.columns]


def common_marks(marks: str, own: str) -> int:
    """Return how many of the first marks and spaces stand, in this order, among those that an element has."""
    at = 0
    for count, mark in enumerate(marks):
        found = next((place for place in range(at, len(own)) if is_same_mark(own[place], mark)), -1)
        if found < 0:
            return count
        at = found + 1
    return len(marks)


def is_same_mark(one: str, other: str) -> bool:
    """Whether two characters are written for each other, as quotes of one language for those of another."""
    return one == other or any(one in marks and other in marks for marks in MARKS)
