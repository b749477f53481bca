"""Sentence boundaries with exact offsets."""

import re

from icu4py.breakers import SentenceBreaker

from polygist_service.text.abbreviations import REACH, ends_in_abbreviation

Span = tuple[int, int]

# What `str.splitlines` splits at.
LINE_BREAKS = re.compile(r"[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
# Quotes and brackets that close what the sentence before them opened; alone they are no sentence.
CLOSERS = re.compile(r"[\"'”’»)\]}]+\s*")


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
        if spans and _continues(text[max(spans[-1][0], start - 2 * REACH) : start], piece, language):
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
        start = end
    return spans


def _continues(before: str, piece: str, language: str) -> bool:
    """Whether `piece` goes on with the sentence that ends in `before`."""
    stripped = before.rstrip()
    if LINE_BREAKS.search(before, len(stripped)):
        return False
    return bool(CLOSERS.fullmatch(piece)) or ends_in_abbreviation(stripped, piece, language)
