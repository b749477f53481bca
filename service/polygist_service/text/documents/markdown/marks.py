"""Where the marks of a sentence of Markdown can stand: emphasis begins and ends at words only."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from polygist_service.text.documents.arrangement import children_of
from polygist_service.text.documents.inline import Edge, Inline, Placement
from polygist_service.text.segmentation import Span

WORD = re.compile(r"\S+")


def settle(placements: Sequence[Placement], text: str, delimiters: frozenset[int]) -> list[Placement]:
    """Return placements moved to where the parser takes them for marks: over white space, and over punctuation.

    Args:
        placements: in order.
        text: that was written.
        delimiters: indices of elements that are in "*", "_" or "~", which nothing tells from text but what is around.
    """
    moved = [
        Placement(move(each.edge, each.at, text, is_strict=each.index in delimiters), each.index, each.edge)
        for each in placements
    ]
    in_order = all(one.at <= other.at for one, other in pairwise(moved))
    return moved if in_order else list(placements)


def move(edge: Edge, at: int, text: str, *, is_strict: bool) -> int:
    """Return where an edge comes; `is_strict` says that punctuation must not part it from a word of its side."""
    first = at
    if edge is Edge.OPENING:
        while at < len(text) and text[at].isspace():
            at += 1
        if is_strict and text[at - 1 : at].isalnum():
            while at < len(text) and is_punctuation(text[at]):
                at += 1
    elif edge is Edge.CLOSING:
        while at and text[at - 1].isspace():
            at -= 1
        if is_strict and text[at : at + 1].isalnum():
            while at and is_punctuation(text[at - 1]):
                at -= 1
    return at if 0 < at < len(text) else first


def is_punctuation(character: str) -> bool:
    """Whether CommonMark takes a character for punctuation."""
    return unicodedata.category(character)[0] in "PS"


def spread(inlines: Sequence[Inline], text: str) -> list[Placement]:
    """Return placements of elements at words in proportion, each at one at least if there are enough.

    Args:
        inlines: in the order in which they begin.
        text: that was written.
    """
    children = children_of(inlines)
    words = [found.span() for found in WORD.finditer(text)]
    return list(spread_among(children[-1], inlines, children, words, len(text)))


def spread_among(
    own: Sequence[int], inlines: Sequence[Inline], children: Sequence[Sequence[int]], words: Sequence[Span], end: int
) -> Iterator[Placement]:
    """Yield the placements of the elements `own` and of those in them at some words."""
    wide = [index for index in own if not inlines[index].is_alone]
    count = 0
    for index in own:
        share = words[count * len(words) // max(1, len(wide)) : (count + 1) * len(words) // max(1, len(wide))]
        start, stop = (share[0][0], share[-1][1]) if share else (end, end)
        if inlines[index].is_alone:
            yield Placement(start, index, Edge.EMPTY)
            continue
        count += 1
        if inlines[index].begins:
            yield Placement(start, index, Edge.OPENING)
        yield from spread_among(children[index], inlines, children, share, stop)
        if inlines[index].ends:
            yield Placement(stop, index, Edge.CLOSING)
