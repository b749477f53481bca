"""Lines of cues: where words may be parted, and which of them stand on which line."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from icu4py.breakers import LineBreaker, WordBreaker

from polygist_service.text.documents.joining import UNSPACED
from polygist_service.text.languages import base_language
from polygist_service.text.segmentation import Span

# Characters in a line, and lines in a cue, at most: Netflix' Timed Text Style Guide, General Requirements
# (https://partnerhelp.netflixstudios.com/hc/en-us/articles/215758617), and its guides for these languages.
LINE_LENGTH = 42
LINE_LENGTHS = {"ja": 13, "ko": 16, "zh": 16}
MOST_LINES = 2
# Characters that are read in a second, spaces included, by the same guides: programmes for adults.
READING_SPEED = 17
READING_SPEEDS = {"en": 20, "ja": 4, "ko": 12, "zh": 9}

# Words between spaces; a placeholder is one, whatever it has inside.
PLACEHOLDER = re.compile(r"\{\{[^{}]*+\}\}|\$?\{(?:[^{}]++|\{[^{}]*+\})*+\}|%\([^()]*+\)")
WORD = re.compile(rf"(?:{PLACEHOLDER.pattern}|[^ ])+")
# Behind such a mark a line or a cue may well end; behind a short word it had better not.
PAUSE = re.compile(r"[,;:.!?…—–)»”\"、。，；：！？）」』،؟।]\Z")
SHORT = re.compile(r"(?:^|[\s'’-])[^\W\d_]{1,3}\Z")
STOP = re.compile(r"[.!?…。！？؟।][)»”\"」』]*\Z")
COMMA_COST, NO_PAUSE_COST, SHORT_COST = 1, 3, 2


@dataclass(frozen=True, slots=True)
class Word:
    """What is never parted.

    Attributes:
        shown: as it is written, with its marks.
        width: how many characters of it are shown.
        space: what stands behind it on the same line; with a line break in it, a line ends there in any case.
        cost: of a line that ends behind it, where there is a better place.
    """

    shown: str
    width: int
    space: str = " "
    cost: int = 0


def find_words(text: str, language: str) -> Iterator[Span]:
    """Yield the spans of what a line may be broken between; in scripts without spaces that is where a line may
    end, and a word of the language does, as ICU has them.

    Args:
        text: white space in it is single spaces.
        language: canonical tag.
    """
    for found in WORD.finditer(text):
        start, end = found.span()
        if not UNSPACED.search(found[0]):
            yield start, end
            continue
        words = set(accumulate(map(len, WordBreaker(found[0], language)), initial=start))
        for kept in PLACEHOLDER.finditer(text, start, end):
            words.difference_update(range(kept.start() + 1, kept.end()))
        for end in accumulate(map(len, LineBreaker(found[0], language)), initial=start):
            if start < end and end in words:
                yield start, end
                start = end


def join_spans(words: Sequence[Span], kept: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans of words, those as one that something lies in which stays in one piece.

    Args:
        words: in order.
        kept: spans of what stays in one piece, in order and apart.
    """
    rest = iter(kept)
    piece = next(rest, None)
    joined: Span | None = None
    for start, end in words:
        while piece and piece[1] <= start:
            piece = next(rest, None)
        if joined and piece and piece[0] < joined[1]:
            joined = joined[0], end
            continue
        if joined:
            yield joined
        joined = start, end
    if joined:
        yield joined


def cost_of_end(text: str) -> int:
    """Return what it costs to end a line or a cue behind a text."""
    tail = text[-12:]
    if PAUSE.search(tail):
        return 0 if STOP.search(tail) else COMMA_COST
    return NO_PAUSE_COST + (SHORT_COST if SHORT.search(tail) else 0)


def line_length(language: str) -> int:
    """Return how many characters a line of a language has at most."""
    return LINE_LENGTHS.get(base_language(language), LINE_LENGTH)


def reading_speed(language: str) -> int:
    """Return how many characters of a language are read in a second."""
    return READING_SPEEDS.get(base_language(language), READING_SPEED)


class LineFiller:
    """Fills lines with words.

    Args:
        words: in order.
    """

    def __init__(self, words: Sequence[Word]) -> None:
        self._words = words
        # The width up to the end of each word, and up to the begin of the next one.
        widths = [(word.width, len(word.space)) for word in words]
        self._begins = [0, *accumulate(width + space for width, space in widths)]
        self._ends = [begin + width for begin, (width, _) in zip(self._begins, widths, strict=False)]

    def width(self, first: int, last: int) -> int:
        """Return how wide a line is that begins with one word and ends before another."""
        return self._ends[last - 1] - self._begins[first] if first < last else 0

    def fill(self, first: int, last: int, length: int) -> list[int]:
        """Return the indices of words before which lines end, each as full as it can be, the last one included."""
        breaks = []
        while first < last:
            first = max(first + 1, bisect_right(self._ends, self._begins[first] + length, lo=first, hi=last))
            breaks.append(first)
        return breaks

    def balance(self, first: int, last: int, count: int, length: int, share: float) -> list[int]:
        """Return the indices of words before which lines end; there are `count` of them, as equal as can be.

        Args:
            length: of a line; longer ones are avoided.
            share: of the first line of two.
        """
        if count == 2:
            return [self._halve(first, last, length, share), last]
        low, high = 1, max(1, self.width(first, last))
        while low < high:
            middle = (low + high) // 2
            if len(self.fill(first, last, middle)) <= count:
                high = middle
            else:
                low = middle + 1
        return self.fill(first, last, low)

    def _halve(self, first: int, last: int, length: int, share: float) -> int:
        """Return the best place for the only break: the first line has its share, a pause at its end."""

        def cost(at: int) -> tuple[int, float]:
            upper, lower = self.width(first, at), self.width(at, last)
            over = max(0, upper - length) + max(0, lower - length)
            return over, abs(upper - share * (upper + lower)) + self._words[at - 1].cost

        return min(range(first + 1, last), key=cost)


def break_lines(words: Sequence[Word], length: int, least: int, share: float = 0.5) -> list[list[Word]]:
    """Return words on lines: as few as will do, of equal lengths.

    Args:
        words: at least one.
        length: characters of a line at most; a longer word has a line of its own.
        least: how many lines there are at least, as far as there are words.
        share: of the first line of two.
    """
    filler = LineFiller(words)
    ends = [at for at, word in enumerate(words, 1) if "\n" in word.space or "\r" in word.space]
    lines: list[list[Word]] = []
    first = 0
    for last in dict.fromkeys([*ends, len(words)]):
        count = max(len(filler.fill(first, last, length)), min(least if not ends else 1, last - first))
        for end in filler.balance(first, last, count, length, share) if count > 1 else [last]:
            lines.append(list(words[first:end]))
            first = end
    return lines
