"""Where to cut a sentence that is longer than a model's window."""

import re
import unicodedata
from collections.abc import Callable

from polygist_service.text.segmentation import Span

Fits = Callable[[str], bool]

# A window is a few hundred tokens: no longer text is worth tokenising to learn that it does not fit.
MOST_CHARACTERS = 4000
# The first guess at how many characters fit.
FIRST_GUESS = 512
# A piece within 1/16 of the longest that fits is long enough: each closer look costs a tokenisation.
PRECISION = 16
# Where to cut, the best places first; a cut is made behind the match.
PLACES = tuple(
    map(re.compile, (r"[;:.!?…。！？；][\"'”’»)]*\s+|[。！？；]", r"(?<=\s)[–—-]\s+", r",\s+|[，、]\s*", r"\s+"))
)


def split_long(text: str, fits: Fits) -> list[Span]:
    """Cut `text` into pieces that fit, at the best places that leave pieces at least half as long as can be.

    Args:
        text: a sentence, or anything else that may be too long; linear in its length.
        fits: whether a piece fits the model's window; asked a few times for each piece, about little more than fits.

    Returns:
        Half-open spans that cover `text` without gap or overlap. A single character that does not fit stands alone.
    """
    spans: list[Span] = []
    start, guess = 0, FIRST_GUESS
    while start < len(text):
        window = text[start : start + MOST_CHARACTERS]
        length = _longest_fit(window, guess, fits)
        guess = 2 * length
        if start + length < len(text):
            cut = _best_cut(window, length)
            # A shorter text seldom has more tokens, but it may.
            length = cut if fits(window[:cut]) else length
        spans.append((start, start + length))
        start += length
    return spans


def _longest_fit(text: str, guess: int, fits: Fits) -> int:
    """Length of nearly the longest prefix of `text` that fits, at least 1."""
    low, high = 0, min(guess, len(text))
    while fits(text[:high]):
        if high == len(text):
            return high
        low, high = high, min(2 * high, len(text))
    while high - low > max(1, low // PRECISION):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(text[:middle]) else (low, middle)
    return max(1, low)


def _best_cut(text: str, length: int) -> int:
    """Where to cut text[:length]: behind the last of the best places in its second half."""
    for places in PLACES:
        ends = [match.end() for match in places.finditer(text, 0, length)]
        if ends and ends[-1] > length // 2:
            return ends[-1]
    return _before_marks(text, length)


def _before_marks(text: str, at: int) -> int:
    """`at`, or the nearest place before it that parts no character from its marks and joiners, if there is one."""
    best = at
    while 0 < best < len(text) and _is_bound(text[best - 1], text[best]):
        best -= 1
    return best or at


def _is_bound(left: str, right: str) -> bool:
    joiner = "\u200d"
    return left == joiner or right == joiner or right == "\ufe0f" or unicodedata.combining(right) > 0
