"""Sentence boundaries with exact offsets."""

import re

from icu4py.breakers import SentenceBreaker

from polygist_service.text.abbreviations import REACH, ends_in_abbreviation

Span = tuple[int, int]

# What `str.splitlines` splits at.
LINE_BREAKS = re.compile(r"[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
# Quotes and brackets that close what the sentence before them opened: opening ones have no white space behind them.
CLOSERS = re.compile(r"[\"'”’»)\]}]+(?:\s+|\Z)")


def split_sentences(text: str, language: str) -> list[Span]:
    """Split `text` into sentences, in linear time.

    Boundaries are those of Unicode text segmentation (UAX 29, through ICU) less those behind an abbreviation; a
    line break always ends a sentence, and white space belongs to the sentence before it.

    Returns:
        Half-open spans in code points that cover `text` without gap or overlap.

    Raises:
        UnicodeEncodeError: `text` holds a lone surrogate, so it is no text.
    """
    spans: list[Span] = []
    start = 0
    for piece in SentenceBreaker(text, language):
        end = start + len(piece)
        if spans:
            before = text[max(spans[-1][0], start - 2 * REACH) : start]
            start += _continuation(before, piece, language)
            spans[-1] = (spans[-1][0], start)
        if start < end:
            spans.append((start, end))
        start = end
    return spans


def _continuation(before: str, piece: str, language: str) -> int:
    """How many characters of `piece` still belong to the sentence that ends in `before`."""
    stripped = before.rstrip()
    if LINE_BREAKS.search(before, len(stripped)):
        return 0
    if ends_in_abbreviation(stripped, piece, language):
        return len(piece)
    closers = CLOSERS.match(piece)
    return closers.end() if closers else 0
