"""Word alignment: which stretches of a text and of what was written of it say the same, while both still change."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

from icu4py.breakers import WordBreaker

from polygist_service.text.segmentation import Span

# What changes as one where a text is changed: a word, a run of white space, a mark.
PART = re.compile(r"[^\W_]+|\s+|.", re.DOTALL)


class AlignedPair(NamedTuple):
    """Two stretches that say the same.

    Attributes:
        source: half-open span in what was read, in code points.
        target: half-open span in what was written.
        probability: how much the model looked at `source`, of all that it read, when it wrote `target`; 0..1.
    """

    source: Span
    target: Span
    probability: float = 1.0


# In the order of what was written.
Alignment = tuple[AlignedPair, ...]


class Change:
    """The way from a text to another one that was made of it by changing some of its words.

    Args:
        before, after: both texts.
    """

    def __init__(self, before: str, after: str) -> None:
        self._starts: list[int] = []
        self._blocks: list[tuple[int, int, int, int]] = []
        if before == after:
            return
        parts, others = (PART.findall(text) for text in (before, after))
        starts, ends = (offsets(each) for each in (parts, others))
        # Its rule of thumb for what stands too often keeps long texts of few words from taking quadratic time.
        matcher = SequenceMatcher(None, parts, others, autojunk=True)
        for _, low, high, other_low, other_high in matcher.get_opcodes():
            self._starts.append(starts[low])
            self._blocks.append((starts[low], starts[high], ends[other_low], ends[other_high]))

    def follow(self, span: Span) -> Span:
        """Return where a span of the text stands afterwards; all that took the place of what it touches."""
        if not self._blocks:
            return span
        start, end = span
        return self._move(start, is_end=False), self._move(max(end, start), is_end=True)

    def _move(self, at: int, *, is_end: bool) -> int:
        inside = max(0, at - 1) if is_end else at
        start, end, low, high = self._blocks[max(0, bisect_right(self._starts, inside) - 1)]
        if end - start == high - low:
            return low + min(at, end) - start
        return high if is_end else low


def offsets(parts: Iterable[str]) -> list[int]:
    """Return where each of `parts` begins when they are joined, and where the last one ends."""
    found = [0]
    for part in parts:
        found.append(found[-1] + len(part))
    return found


def follow(alignment: Alignment, *, read: tuple[str, str], written: tuple[str, str]) -> Alignment:
    """Return an alignment for what became of the texts that it is of.

    Args:
        read: what was read, and the text that it was made of.
        written: what was written, and the text that was made of it.
    """
    if not alignment or (read[0] == read[1] and written[0] == written[1]):
        return alignment
    back, onward = Change(*read), Change(*written)
    moved = (AlignedPair(back.follow(each.source), onward.follow(each.target), each.probability) for each in alignment)
    return tuple(each for each in moved if each.target[0] < each.target[1])


def find_words(text: str) -> list[Span]:
    """Return where the words of a text stand, as UAX #29 parts them; each mark is one."""
    ends = offsets(WordBreaker(text, "root"))
    return [(start, end) for start, end in pairwise(ends) if not text[start:end].isspace()]


class Words:
    """The words of a text as UAX #29 parts them, where each mark is one.

    Args:
        text: the text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._bounds = offsets(WordBreaker(text, "root"))

    def around(self, span: Span) -> Span:
        """Return the stretch from the first to the last word that a span touches; an empty one where none is seen."""
        start, end = strip_unseen(self._text, *span)
        if start >= end:
            return start, start
        return self._bounds[bisect_right(self._bounds, start) - 1], self._bounds[bisect_left(self._bounds, end)]


def strip_unseen(text: str, start: int, end: int) -> Span:
    """Return the span start:end of a text without what nobody sees at its ends: white space, controls, joiners."""
    while start < end and is_unseen(text[start]):
        start += 1
    while start < end and is_unseen(text[end - 1]):
        end -= 1
    return start, end


def is_unseen(character: str) -> bool:
    """Whether a character is white space, a control or a joiner, or stands for none at all."""
    return character.isspace() or character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cf")


def join_words(alignment: Alignment, read: str, written: str) -> Alignment:
    """Return an alignment of pieces of words as one of words.

    Each word of what was written comes with the word that its pieces are tied to most. What was carried over as one,
    such as an address, stays one.

    Args:
        alignment: of pieces, in order.
        read, written: the texts that it is of.
    """
    sources, targets = Words(read), Words(written)
    words: list[tuple[Span, list[AlignedPair]]] = []
    for pair in alignment:
        source, target = sources.around(pair.source), targets.around(pair.target)
        if source[0] == source[1] or target[0] == target[1]:
            continue
        pieces = [AlignedPair(source, pair.target, pair.probability)]
        while words and target[0] < words[-1][0][1]:
            last, before = words.pop()
            target, pieces = (min(last[0], target[0]), max(last[1], target[1])), before + pieces
        words.append((target, pieces))
    return tuple(choose_source(target, pieces) for target, pieces in words)


def choose_source(target: Span, pieces: Sequence[AlignedPair]) -> AlignedPair:
    """Return the pair of a word and the word that its pieces are tied to most."""
    ties: Counter[Span] = Counter()
    for each in pieces:
        ties[each.source] += each.probability  # type: ignore[assignment]
    source, tie = max(ties.items(), key=lambda item: item[1])
    # Of a placeholder all pieces stand for the same.
    return AlignedPair(source, target, min(1.0, tie / len({each.target for each in pieces})))


def strongest(alignment: Alignment) -> Alignment:
    """Return of the pairs of each stretch that was written the one with what the model looked at most."""
    best: dict[Span, AlignedPair] = {}
    for pair in alignment:
        if pair.target not in best or pair.probability > best[pair.target].probability:
            best[pair.target] = pair
    return tuple(best.values())


def compose(first: Alignment, second: Alignment) -> Alignment:
    """Return the alignment of two models of which the second one read what the first one wrote."""
    found = []
    for pair in second:
        over = [each for each in first if each.target[0] < pair.source[1] and pair.source[0] < each.target[1]]
        if over:
            best = max(over, key=lambda each: each.probability)
            found.append(AlignedPair(best.source, pair.target, best.probability * pair.probability))
    return tuple(found)


def shift(alignment: Alignment, source: int, target: int) -> Sequence[AlignedPair]:
    """Return an alignment of texts that begin at `source` and `target` in longer ones, for those."""
    return [
        AlignedPair((low + source, high + source), (start + target, end + target), probability)
        for (low, high), (start, end), probability in alignment
    ]
