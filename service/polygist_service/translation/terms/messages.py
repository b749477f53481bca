"""ICU messages that choose between texts: the texts are segments of their own where nothing is said around them.

"{n, plural, one {One file is new.} other {# files are new.}}" is two sentences; all between them stays as it is. In
"You have {n, plural, one {# file} other {# files}}." the texts are pieces of a sentence that cannot be translated
without it: the whole choice is a placeholder, and it is told that its words stay.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

from polygist_service.text.documents.base import Segment
from polygist_service.text.segmentation import Span, has_letters, split_sentences, strip
from polygist_service.translation.terms.placeholders import CHOICE, find_choices, match_braces

# Braces around one another, of which a choice takes two: what has more is no message, and stays.
MOST_NESTED = 20


def find_branches(text: str, choice: Span) -> Iterator[Span]:
    """Yield the spans of the texts that a choice is between, without the white space around them; nested ones too."""
    start, end = choice
    head = CHOICE.match(text, start, end)
    closing = match_braces(text[start:end])
    at = head.end() - start if head else end
    while (opening := text.find("{", start + at, end) - start) >= 0 and opening in closing:
        at = closing[opening]
        branch = strip(text, start + opening + 1, start + at - 1)
        if [branch] == list(find_choices(text[slice(*branch)], offset=branch[0])):
            yield from find_branches(text, branch)
        elif has_letters(text[slice(*branch)]):
            yield branch


def open_choices(
    segments: Sequence[Segment], text: str, *, language: str, over_lines: Sequence[Span]
) -> Iterator[Segment]:
    """Yield the segments of a plain text, with the texts of choices in place of those that are nothing else.

    Args:
        segments: in order.
        text: the source.
        language: canonical tag, for the abbreviations.
        over_lines: the spans of the placeholders that go over several lines, in order; segments that have a part of
            one are kept.
    """
    choices = list(find_choices(text))
    deep = [choice for choice in choices if count_nested(text[slice(*choice)]) > MOST_NESTED]
    branches = [branch for choice in choices if choice not in deep for branch in find_branches(text, choice)]
    for segment in segments:
        if overlapping(deep, segment.span):
            yield replace(segment, is_kept=True)
            continue
        inside = overlapping(choices, segment.span)
        is_plain = segment.end - segment.start == len(segment.text)
        if inside and is_plain and not has_letters(leave_out(text, segment.span, inside)):
            own = overlapping(branches, segment.span)
            if all(segment.start <= low and high <= segment.end for low, high in own):
                for low, high in own:
                    yield from split_branch(segment, text, (low, high), language)
                continue
        parts = overlapping(over_lines, segment.span)
        is_part = any(low < segment.start or segment.end < high for low, high in parts)
        yield replace(segment, is_kept=True) if is_part else segment


def count_nested(text: str) -> int:
    """Return how many braces of a text are around one another, at most."""
    steps = (1 if character == "{" else -1 for character in text if character in "{}")
    return max(accumulate(steps), default=0)


def split_branch(segment: Segment, text: str, branch: Span, language: str) -> Iterator[Segment]:
    """Yield the sentences of a branch in a segment."""
    start, end = branch
    for low, high in split_sentences(text[start:end], language):
        low, high = strip(text, start + low, start + high)
        if has_letters(text[low:high]):
            yield replace(segment, start=low, end=high, text=text[low:high])


def overlapping(spans: Sequence[Span], segment: Span) -> list[Span]:
    """Return those of `spans`, which are in order and apart, that have a part of a segment."""
    at = max(0, bisect_right(spans, segment[0], key=lambda span: span[0]) - 1)
    found = []
    while at < len(spans) and spans[at][0] < segment[1]:
        if segment[0] < spans[at][1]:
            found.append(spans[at])
        at += 1
    return found


def leave_out(text: str, segment: Span, spans: Sequence[Span]) -> str:
    """Return what of a segment is in none of `spans`."""
    ends = [segment[0], *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), segment[1]]
    return "".join(text[end:start] for end, start in zip(ends, starts, strict=True))
