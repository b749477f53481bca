"""Borders between cues in what was written of a paragraph: where the words say so, within what can be read of each cue.

The best borders are found by dynamic programming over places between words near those that the alignment tells.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from polygist_service.text.documents.files.subtitles.lines import cost_of_end
from polygist_service.text.segmentation import Span

# How many words from its place a border is looked for: near first, further away where some cue is too full.
REACHES = (3, 16)
# What costs how much, in characters that a border is away from its place.
OVER_COST, EMPTY_COST, EDGE_COST, APART_COST, DISTANCE_COST = 10.0, 100_000.0, 15.0, 12.0, 0.4
# Behind so many characters more than can be read each one costs twice as much, so that two cues a little too full are
# better than one that is much so.
STEEPNESS = 8


class Room(NamedTuple):
    """What a cue can take.

    Attributes:
        characters: that can be read of it, at most.
        frame: how many of them fit its lines.
    """

    characters: float
    frame: float


@dataclass(frozen=True, slots=True)
class Border:
    """A border between two cues.

    Attributes:
        at: where the alignment has it.
        limits: span of the sentence that it is in, which it does not leave; empty where it is between two.
        before: ends of elements of the cues before it, which had better be before it.
        behind: begins of elements of those behind it.
    """

    at: int
    limits: Span
    before: int = 0
    behind: int = 1 << 60


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place where a border may be, and what it costs by itself."""

    at: int
    cost: float


class BorderFinder:
    """Finds the borders of one paragraph.

    Args:
        text: its words.
        words: spans of them between which borders may be.
        rooms: of its cues.
        borders: one less than cues.
    """

    def __init__(self, text: str, words: Sequence[Span], rooms: Sequence[Room], borders: Sequence[Border]) -> None:
        self._text = text
        self._starts = [start for start, _ in words]
        self._ends = [end for _, end in words]
        # How many words with a letter or figure there are before each one.
        self._counts = [0, *accumulate(any(map(str.isalnum, text[start:end])) for start, end in words)]
        self._rooms = rooms
        self._borders = borders

    def find(self) -> list[int]:
        """Return the places of the borders, each where a word begins or at the end of the text."""
        places: list[int] = []
        for reach in REACHES:
            places = self._search([self._candidates(each, reach) for each in self._borders])
            edges = [0, *places, len(self._text)]
            over = (self._over(room, *edge) for room, edge in zip(self._rooms, pairwise(edges), strict=True))
            if not any(over):
                break
        return places

    def _candidates(self, border: Border, reach: int) -> list[Candidate]:
        """Return the places for a border, in order."""
        low, high = border.limits
        nearest = self._nearest(border.at)
        if low >= high:
            return [Candidate(nearest, 0.0)]
        first, last = bisect_left(self._starts, low), bisect_left(self._starts, high)
        middle = min(max(bisect_left(self._starts, border.at), first), last)
        places = range(max(first, middle - reach), min(last, middle + reach) + 1)
        return [self._candidate(border, place, at_edge=place in (first, last)) for place in places]

    def _candidate(self, border: Border, place: int, *, at_edge: bool) -> Candidate:
        at = self._starts[place] if place < len(self._starts) else len(self._text)
        cost = DISTANCE_COST * abs(at - border.at)
        cost += (
            EDGE_COST
            if at_edge
            else cost_of_end(self._text[max(0, self._ends[place - 1] - 12) : self._ends[place - 1]])
        )
        cost += APART_COST * ((at < border.before) + (at > border.behind))
        return Candidate(at, cost)

    def _nearest(self, at: int) -> int:
        """Return the begin of the word nearest to a place."""
        while self._text[at : at + 1] == " ":
            at += 1
        place = bisect_left(self._starts, at)
        found = [self._starts[each] for each in (place - 1, place) if 0 <= each < len(self._starts)]
        return min([*found, len(self._text)], key=lambda start: abs(start - at))

    def _over(self, room: Room, start: int, end: int) -> float:
        """Return what it costs that a cue has the words between two places: nothing, if it can be read."""
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        if self._counts[first] == self._counts[last]:
            return EMPTY_COST
        width = self._ends[last - 1] - self._starts[first]
        costs = (over + over * over / STEEPNESS for most in room if (over := width - most) > 0)
        return OVER_COST * sum(costs)

    def _search(self, candidates: Sequence[Sequence[Candidate]]) -> list[int]:
        """Return the cheapest choice of a candidate for each border; none is before the one before it."""
        rows = [[Candidate(0, 0.0)], *candidates, [Candidate(len(self._text), 0.0)]]
        totals = [0.0]
        backs: list[list[int]] = []
        for room, (left, right) in zip(self._rooms, pairwise(rows), strict=True):
            sums: list[float] = []
            back: list[int] = []
            for each in right:
                best, origin = float("inf"), 0
                for index, before in enumerate(left):
                    if before.at <= each.at and (cost := totals[index] + self._over(room, before.at, each.at)) < best:
                        best, origin = cost, index
                sums.append(best + each.cost)
                back.append(origin)
            totals = sums
            backs.append(back)
        places: list[int] = []
        at = 0
        for row, back in zip(reversed(rows[1:]), reversed(backs), strict=True):
            places.append(row[at].at)
            at = back[at]
        return list(accumulate(places[:0:-1], max))
