"""Which of the words that were written of a sentence belong into its inline elements.

An element gets a window of words without gaps, inside the window of the element that it is in and beside those of its
siblings: where the sum of how much each word comes from its own words, less what comes from others, is greatest.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from polygist_service.text.documents.inline import Inline
from polygist_service.text.documents.word_links import WordLinks
from polygist_service.text.segmentation import Span

# How much a word counts that comes from outside an element, beside 1 for one that comes from it.
FOREIGN = 1.5
# A word may be an element's for want of a better one if so much of it comes from there.
SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Window:
    """Words that were written, `first` up to `last`, and how much they speak for it that they are an element's."""

    first: int
    last: int
    gain: float = 0.0


class Windows:
    """The windows of the elements of a sentence.

    Args:
        inlines: the elements, each behind the one that it is in.
        children: of each element the indices of those directly in it, and last those that are in none.
        links: from the words of the sentence to those that were written.
        filled: elements that get a word beside theirs rather than none.

    Attributes:
        ranges: for each element the range of its words in the sentence.
        found: for each element its window; None where none of the words is its own.
        doubtful: elements whose window has less than half of what comes from their words.
        strays: words that stand for something kept in an element, and stand in another one.
    """

    def __init__(
        self,
        inlines: Sequence[Inline],
        children: Sequence[Sequence[int]],
        links: WordLinks,
        filled: Collection[int] = (),
    ) -> None:
        self._inlines = inlines
        self._links = links
        self._filled = filled
        self._costs = list(accumulate((FOREIGN * total for total in links.totals), initial=0.0))
        self.ranges = [find_range(links.source, each) for each in inlines]
        self.found: list[Window | None] = [None] * len(inlines)
        self.doubtful: set[int] = set()
        self.strays: list[int] = []
        for parent in (-1, *range(len(inlines))):
            region = self.found[parent] if parent >= 0 else Window(0, len(links.target))
            if region and len(children[parent]) == 1 and self._has_all(children[parent][0], parent):
                self.found[children[parent][0]] = region
                self.doubtful.update(children[parent] if parent in self.doubtful else ())
            elif region:
                self._choose(children[parent], region)

    def _has_all(self, child: int, parent: int) -> bool:
        """Whether an element has all words of the one that it is in."""
        return parent >= 0 and self.ranges[child] == self.ranges[parent]

    def _choose(self, siblings: Sequence[int], region: Window) -> None:
        """Choose windows of siblings in a region; words that two want go to the one that they speak more for."""
        taken = self._surround_objects(siblings, region)
        free = [index for index in siblings if not self.found[index]]
        wishes = {index: window for index in free if (window := self._find(index, region, taken))}
        for index in sorted(wishes, key=lambda index: (self._is_whole(index), -wishes[index].gain)):
            wish = wishes[index]
            if window := self._find(index, region, taken) if is_taken(taken, wish.first, wish.last) else wish:
                self._take(index, self._stretch(index, window, region, taken), taken)
        for index in free:
            if not self.found[index] and (window := self._find_word(index, region, taken)):
                self.doubtful.add(index)
                self._take(index, window, taken)
        for index in free:
            if not self.found[index] and index in self._filled and (window := self._find_near(index, region, taken)):
                self.doubtful.add(index)
                self._take(index, window, taken)

    def _surround_objects(self, siblings: Sequence[int], region: Window) -> list[Span]:
        """Choose the windows of those siblings that have objects in them; return these, and all other objects.

        Those of an element between which others stand are in it no more, wherever its window is: they are strays.
        """
        objects = [(at, own) for at, own in self._links.objects.items() if region.first <= at < region.last]
        taken = [(at, at + 1) for at, _ in objects]
        ranges = sorted((*self.ranges[index], index) for index in siblings if objects)
        owned: dict[int, list[int]] = defaultdict(list)
        for at, own in objects:
            # Of the ranges that begin there or before, the last one: it is the only one that may have it.
            place = bisect_right(ranges, (own, len(self._links.source) + 1)) - 1
            if place >= 0 and own < ranges[place][1]:
                owned[ranges[place][2]].append(at)
        for index, places in owned.items():
            inline = self._inlines[index]
            first = places[0] if inline.begins else region.first
            last = places[-1] + 1 if inline.ends else region.last
            low, high = bisect_left(taken, (first, first)), bisect_left(taken, (last, last))
            if taken[low:high] != [(at, at + 1) for at in places]:
                self.doubtful.add(index)
                self.strays += places
                continue
            start = taken[low - 1][1] if low else region.first
            end = taken[high][0] if high < len(taken) else region.last
            window = self.found[index] = self._widen(index, Window(first, last), Window(start, end))
            taken[low:high] = [(window.first, window.last)]
        return taken

    def _widen(self, index: int, window: Window, region: Window) -> Window:
        """Return a window with the words beside it in a region that make it a better one of an element."""
        own = self._own(index, region, ())
        first, last = window.first, window.last
        best = here = 0.0
        for at in range(first - 1, region.first - 1, -1) if self._inlines[index].begins else ():
            here += self._gain(at, own)
            if here > best:
                best, first = here, at
        best = here = 0.0
        for at in range(last, region.last) if self._inlines[index].ends else ():
            here += self._gain(at, own)
            if here > best:
                best, last = here, at + 1
        return Window(first, last)

    def _gain(self, at: int, own: Mapping[int, float]) -> float:
        """Return how much a word speaks for it that it is an element's."""
        share = own.get(at, 0.0)
        return share - FOREIGN * (self._links.totals[at] - share)

    def _is_whole(self, index: int) -> bool:
        return self._inlines[index].begins and self._inlines[index].ends

    def _take(self, index: int, window: Window, taken: list[Span]) -> None:
        self.found[index] = window
        insort(taken, (window.first, window.last))
        own = self._own(index, Window(0, len(self._links.target)), ())
        if 2 * sum(own[at] for at in own if window.first <= at < window.last) < sum(own.values()):
            self.doubtful.add(index)

    def _find_word(self, index: int, region: Window, taken: Sequence[Span]) -> Window | None:
        """Return the word that comes from an element most, though it comes from others more, where it is free."""
        own, inline = self._own(index, region, taken), self._inlines[index]
        at = max(own, key=own.__getitem__, default=-1)
        if at < 0 or own[at] < SHARE:
            return None
        first, last = at if inline.begins else region.first, at + 1 if inline.ends else region.last
        return None if is_taken(taken, first, last) else Window(first, last)

    def _find_near(self, index: int, region: Window, taken: Sequence[Span]) -> Window | None:
        """Return a free word near those that come from words beside an element, rather from the one behind it."""
        first, last = self.ranges[index]
        columns = self._links.columns
        beside = [columns[word] for word in (last, first - 1) if 0 <= word < len(columns)]
        near = [max(column, key=column.__getitem__) for column in beside if column] or [region.first]
        free = (at for at in range(region.first, region.last) if not is_taken(taken, at, at + 1))
        at = min(free, key=lambda at: (abs(at - near[0]), abs(at - near[-1])), default=-1)
        if first == last or at < 0:
            return None
        inline = self._inlines[index]
        low, high = at if inline.begins else region.first, at + 1 if inline.ends else region.last
        return None if is_taken(taken, low, high) else Window(low, high)

    def _own(self, index: int, region: Window, taken: Sequence[Span]) -> dict[int, float]:
        """Return the free words that come from an element, and how much they do."""
        own: dict[int, float] = {}
        for source in range(*self.ranges[index]):
            for target, weight in self._links.columns[source].items():
                if region.first <= target < region.last and not (taken and is_taken(taken, target, target + 1)):
                    own[target] = own.get(target, 0.0) + weight
        return own

    def _find(self, index: int, region: Window, taken: Sequence[Span]) -> Window | None:
        """Return the best window of an element in a region, beside those that are taken."""
        inline = self._inlines[index]
        own = self._own(index, region, taken)
        # Sums of gains up to a place: a window's gain is the difference of those at both of its ends.
        start, least = region.first, 0.0 if not inline.begins else float("inf")
        best, here, end = None, 0.0, region.first
        for at in sorted(own):
            if is_taken(taken, end, at):
                if not inline.begins:
                    break
                least = float("inf")
            here -= self._costs[at] - self._costs[end]
            if inline.begins and here <= least:
                start, least = at, here
            here += self._gain(at, own)
            end = at + 1
            if inline.ends and here - least > (best.gain if best else 0.0):
                best = Window(start, end, here - least)
        if not inline.ends and not is_taken(taken, end, region.last):
            gain = here - (self._costs[region.last] - self._costs[end]) - least
            best = Window(start, region.last, gain) if gain > 0 else None
        return best

    def _stretch(self, index: int, window: Window, region: Window, taken: Sequence[Span]) -> Window:
        """Return a window with words beside it that come from none, for words of its own of which none came: "$"."""
        first, last, totals = window.first, window.last, self._links.totals
        missing = sum(not self._links.columns[source] for source in range(*self.ranges[index]))
        while missing and last < region.last and not totals[last] and not is_taken(taken, last, last + 1):
            missing, last = missing - 1, last + 1
        while missing and first > region.first and not totals[first - 1] and not is_taken(taken, first - 1, first):
            missing, first = missing - 1, first - 1
        return Window(first, last, window.gain)


def find_range(words: Sequence[Span], inline: Inline) -> Span:
    """Return the range of the words that an element has a part of."""
    first = bisect_right(words, inline.start, key=lambda word: word[1])
    last = bisect_left(words, inline.end, key=lambda word: word[0])
    return first, last if inline.start < inline.end and last > first else first


def is_taken(taken: Sequence[Span], first: int, last: int) -> bool:
    """Whether any of the words `first` up to `last` is taken; `taken` is in order, without overlaps."""
    at = bisect_left(taken, last, key=lambda span: span[0]) - 1
    return first < last and at >= 0 and taken[at][1] > first
