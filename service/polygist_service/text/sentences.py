"""Sentence boundaries with exact offsets, and cuts inside a sentence that is too long for a model."""

import re
import unicodedata
from collections.abc import Callable

from icu4py.breakers import SentenceBreaker

from polygist_service.text.abbreviations import ends_in_abbreviation

Span = tuple[int, int]
Fits = Callable[[str], bool]

# What may stand between a sentence's last mark and the white space behind it; alone it is no sentence.
CLOSERS = re.compile(r"[\"'”’»)\]}]+\s*\Z")
# A model's window is a few hundred tokens: no text above so many characters is worth tokenising to learn that.
MOST_CHARACTERS = 4000
# Where to cut, the best places first; a cut is made behind the match.
CUTS = tuple(map(re.compile, (r"[;:。！？][\"'”’»)]*\s*", r"\s+[–—-]\s+", r"[,，、]\s*", r"\s+")))


def split_sentences(text: str, language: str) -> list[Span]:
    """Split `text` into sentences.

    Boundaries are those of Unicode text segmentation (UAX 29, through ICU) less those behind an abbreviation; a
    line break always ends a sentence, and white space belongs to the sentence before it.

    Returns:
        Half-open spans in code points that cover `text` without gap or overlap.
    """
    spans: list[Span] = []
    start = 0
    for piece in SentenceBreaker(text, language):
        end = start + len(piece)
        if spans and _belongs_to_previous(text, spans[-1], piece, language):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
        start = end
    return spans


def _belongs_to_previous(text: str, previous: Span, piece: str, language: str) -> bool:
    before = text[max(previous[0], previous[1] - 40) : previous[1]]
    stripped = before.rstrip()
    if "\n" in before[len(stripped) :] or "\r" in before[len(stripped) :]:
        return False
    return bool(CLOSERS.fullmatch(piece)) or ends_in_abbreviation(stripped, language)


def split_long(text: str, fits: Fits) -> list[Span]:
    """Cut `text` into pieces that fit, each as long as the best kind of place allows.

    Args:
        text: a sentence, or anything else that may be too long.
        fits: whether a piece fits the model's window; asked about O(log) candidates for each piece.

    Returns:
        Half-open spans that cover `text` without gap or overlap; a single character that does not fit stays alone.
    """
    spans: list[Span] = []
    start = 0
    while start < len(text):
        end = start + _longest_fit(text[start : start + MOST_CHARACTERS], fits)
        if end < len(text):
            end = start + _best_cut(text, start, end)
        spans.append((start, end))
        start = end
    return spans


def _longest_fit(text: str, fits: Fits) -> int:
    """Length of the longest prefix of `text` that fits, at least 1."""
    if fits(text):
        return len(text)
    low, high = 1, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(text[:middle]) else (low, middle)
    return low


def _best_cut(text: str, start: int, end: int) -> int:
    """Where to cut text[start:end], relative to `start`: behind the last of the best places of its second half."""
    window = text[start:end]
    for places in CUTS:
        ends = [match.end() for match in places.finditer(window)]
        good = [at for at in ends if len(window) // 2 <= at <= len(window)]
        if good:
            return good[-1]
    return _before_combining(text, start, end) - start


def _before_combining(text: str, start: int, end: int) -> int:
    """Move a cut that would part a base character from its marks or joiners in front of the base, if it can."""
    at = end
    while at > start + 1 and (unicodedata.combining(text[at]) or text[at] in "\u200d\ufe0f" or text[at - 1] == "\u200d"):
        at -= 1
    return at if at > start + 1 else end
