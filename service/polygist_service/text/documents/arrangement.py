"""Where the inline elements of a sentence stand in what a model wrote of it.

An element stays one: it is put around the words that were written for its words, inside the element that it is in.
"""

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from polygist_service.text.alignment import Alignment
from polygist_service.text.documents.inline import Arrangement, Edge, Inline, Placement
from polygist_service.text.documents.word_links import link_words
from polygist_service.text.documents.word_windows import Windows
from polygist_service.text.segmentation import Span

# Marks that stand for each other in the languages.
MARKS = ("\"“”„‟«»「」『』‘’'", "-–—―", ".。।…", ",、，،", "?？؟", "!！", ":：", ";；؛", "(（", ")）", " \u00a0\u202f")

# No longer word is looked for around a place.
LONGEST_WORD = 100
TO_SPACE, FROM_SPACE = re.compile(r"\S+\Z"), re.compile(rf"\S{{1,{LONGEST_WORD}}}")
MARKS_BEFORE, MARKS_BEHIND = re.compile(r"\A\W+"), re.compile(r"\W+\Z")


def arrange(
    text: str, inlines: Sequence[Inline], written: str, alignment: Alignment, *, filled: Collection[int] = ()
) -> Arrangement:
    """Find the places of elements in what was written of a sentence.

    Args:
        text: the sentence.
        inlines: its elements in the order in which they begin, each before those inside it; they nest.
        written: what was written of it.
        alignment: of `text` and `written`; where it is empty, all places are guessed.
        filled: indices of elements that should not come back empty, if one of their words was not written: they get one
            beside it, if there is any that is in no other element.
    """
    if text == written:
        spans = [(each.start, each.end) for each in inlines]
        return Arrangement(tuple(put_in_order(inlines, children_of(inlines), spans)))
    arranger = Arranger(text, inlines, written, alignment, filled)
    cut = {at for at, each in enumerate(inlines) if is_cut_elsewhere(text, each, written, arranger.spans[at])}
    doubtful = sorted(arranger.doubtful | cut) if alignment else range(len(inlines))
    placements = put_in_order(inlines, arranger.children, arranger.spans)
    return Arrangement(tuple(placements), tuple(doubtful), arranger.strays)


def is_cut_elsewhere(text: str, inline: Inline, written: str, span: Span) -> bool:
    """Whether an element that has a part of a word of the sentence has another one of that word where it was copied."""
    if inline.is_alone or text[inline.start : inline.end] == written[span[0] : span[1]]:
        return False
    edges = [at for at, is_own in ((inline.start, inline.begins), (inline.end, inline.ends)) if is_own]
    return any(word and word in written for word in (word_around(text, at) for at in edges))


def word_around(text: str, at: int) -> str:
    """Return the word that a place is inside of, without the marks at its ends; "" where there is none."""
    before, behind = TO_SPACE.search(text, max(0, at - LONGEST_WORD), at), FROM_SPACE.match(text, at)
    parts = (MARKS_BEFORE.sub("", before[0]), MARKS_BEHIND.sub("", behind[0])) if before and behind else ("", "")
    return "".join(parts) if all(parts) else ""


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
        strays: see `inline.Arrangement`.
    """

    def __init__(
        self, text: str, inlines: Sequence[Inline], written: str, alignment: Alignment, filled: Collection[int] = ()
    ) -> None:
        self._text = text
        self._inlines = inlines
        self._written = written
        self._alignment = alignment
        edges = [edge for each in inlines for edge in (each.start, each.end)]
        self._links = link_words(text, edges, written, alignment)
        self.children = children_of(inlines)
        windows = Windows(inlines, self.children, self._links, filled)
        self._ranges, self._windows = windows.ranges, windows.found
        self.strays = tuple(sorted(self._links.target[word][0] for word in windows.strays))
        self._anchors = [max(column, key=column.__getitem__, default=-1) for column in self._links.columns]
        self.spans: list[Span] = [(0, 0)] * len(inlines)
        self.doubtful = windows.doubtful
        for parent in (-1, *range(len(inlines))):
            if self.children[parent]:
                self._place_children(parent, self.spans[parent] if parent >= 0 else (0, len(written)))

    def _place_children(self, parent: int, limits: Span) -> None:
        """Find the spans of the elements inside one: first of those that have words, one after the other."""
        windows = [(window.first, index) for index in self.children[parent] if (window := self._windows[index])]
        placed: list[tuple[int, int, int]] = []
        at = limits[0]
        for (_, index), (behind, _) in pairwise([*sorted(windows), (len(self._links.target), -1)]):
            limit = self._links.target[behind][0] if behind < len(self._links.target) else limits[1]
            self.spans[index] = self._find_span(index, (at, min(limit, limits[1])))
            placed.append((*self.spans[index], index))
            at = self.spans[index][1]
        for index in self.children[parent]:
            if not self._windows[index]:
                self.spans[index] = self._find_point(index, limits, placed)
                if self.spans[index][0] < self.spans[index][1]:
                    insort(placed, (*self.spans[index], index))
        self.children[parent].sort(key=self._order)

    def _order(self, index: int) -> tuple[int, int, int]:
        """Return what siblings are sorted by: a half without words stands at its end of the sentence."""
        inline, (start, end) = self._inlines[index], self.spans[index]
        return start - (not inline.begins), end + (not inline.ends), index

    def _find_span(self, index: int, limits: Span) -> Span:
        """Return the span of an element that has words, with as many of the marks around them as it had."""
        inline, window = self._inlines[index], self._windows[index]
        assert window
        first, last = self._ranges[index]
        source, target, text = self._links.source, self._links.target, self._text
        start, end = target[window.first][0], target[window.last - 1][1]
        before, _ = self._gap(window.first)
        _, behind = self._gap(window.last)
        start -= common_marks(
            self._written[max(before, limits[0]) : start][::-1], text[inline.start : source[first][0]][::-1]
        )
        end += common_marks(self._written[end : min(behind, limits[1])], text[source[last - 1][1] : inline.end])
        end += self._count_own(self._written[end : min(behind, limits[1])], end, inline)
        return start if inline.begins else limits[0], end if inline.ends else limits[1]

    def _count_own(self, marks: str, at: int, inline: Inline) -> int:
        """Return how many of the marks at `at`, which the sentence lacks, were written for words of an element."""
        count = next((count for count, mark in enumerate(marks) if mark.isspace() or mark in self._text), len(marks))
        pairs = (each for each in self._alignment if count and each.target[0] <= at < each.target[1])
        likeliest = max(pairs, key=lambda each: each.probability, default=None)
        is_own = likeliest and inline.start <= likeliest.source[0] and likeliest.source[1] <= inline.end
        return count if is_own else 0

    def _gap(self, word: int) -> Span:
        """Return the span of what stands before a word that was written, or behind the last one."""
        target = self._links.target
        return target[word - 1][1] if word else 0, target[word][0] if word < len(target) else len(self._written)

    def _find_point(self, index: int, limits: Span, placed: Sequence[tuple[int, int, int]]) -> Span:
        """Return the span of an element without words, as an image, or of one of which no word was written.

        Args:
            limits: span of the element that it is in.
            placed: start, end and index of each of its siblings that has a span, in order.
        """
        inline = self._inlines[index]
        first, last = self._ranges[index]
        if first < last:
            self.doubtful.add(index)
        if not inline.begins or not inline.ends:
            return (limits[1], limits[1]) if inline.begins else (limits[0], limits[0])
        place = min(max(limits[0], self._find_place(inline.start)), limits[1])
        at = bisect_right(placed, place, key=lambda span: span[0])
        if at:
            start, end, other = placed[at - 1]
            around = self._inlines[other]
            if place < end or not around.ends:
                is_before = around.begins and (not around.ends or (inline.start, index) < (around.start, other))
                place = start if is_before else end
        if inline.is_alone or first < last:
            return place, place
        at = bisect_left(placed, place, key=lambda span: span[0])
        limit = placed[at][0] if at < len(placed) else limits[1]
        return place, place + common_marks(self._written[place:limit], self._text[inline.start : inline.end])

    def _find_place(self, at: int) -> int:
        """Return the place in what was written that is next to the same words as a place in the sentence."""
        source, text = self._links.source, self._text
        # Inside a word that was not copied stands nothing: it comes behind that.
        behind = bisect_left(source, at, key=lambda word: word[0])
        is_at_next = behind < len(source) and (not behind or (source[behind - 1][1] < at and text[at - 1].isspace()))
        if is_at_next and (own := self._anchors[behind]) >= 0:
            start, end = self._gap(own)
            return end - common_marks(self._written[start:end][::-1], text[at : source[behind][0]][::-1])
        before = next((word for word in range(behind - 1, -1, -1) if self._anchors[word] >= 0), -1)
        if before < 0:
            return 0
        start, end = self._gap(self._anchors[before] + 1)
        return start + common_marks(
            self._written[start:end], text[source[before][1] : at] if before == behind - 1 else ""
        )


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
