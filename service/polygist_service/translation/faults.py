"""What may be wrong with what a model wrote."""

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum

from polygist_service.text.characters import OPENING_PARENTHESES
from polygist_service.text.numbers.conventions import convention_of
from polygist_service.text.numbers.reading import find_numbers
from polygist_service.text.numbers.writing import is_measure, localise_number
from polygist_service.text.segmentation import Span

# An output of more than so many characters for each of its source is a loop; a short label may be longer in one
# language than in another ("UK", "Reino Unido").
MOST_GROWTH, SHORT_OUTPUT = 3, 12
# One of less than so many swallowed a part: of 1,025 sentences of news in six languages, one or none is shorter beside
# its English, and up to five of the English ones beside theirs. Scripts with other lengths of words are not looked at.
LEAST_SHARE, LEAST_CHARACTERS = 0.5, 60
FEWEST_WORDS = 4
EVEN_SCRIPTS = frozenset(("Latn", "Cyrl", "Grek"))
# A text with so many words in small letters is no name or label that may stay as it is.
FEWEST_SMALL_WORDS = 4
# A copy may have other spaces.
MOST_SPACES = 4


class Fault(IntEnum):
    """What may be wrong with an output, with how bad it is: of two attempts the one with the lesser sum stands."""

    NUMBER = 1
    PARENTHESIS = 16
    MISSING = 32
    TERM = 48
    SWALLOWED = 64
    COPIED = 128
    SCRIPT = 256
    LOST = 512
    UNKEPT = 520
    LIMITED = 1024
    LOOP = 2048
    EMPTY = 4096


def find_all(parts: Iterable[str], text: str) -> list[Span]:
    """Return where the parts stand in `text`."""
    return [found.span() for part in set(parts) for found in re.finditer(re.escape(part), text)]


def is_inside(span: Span | None, others: Sequence[Span]) -> bool:
    """Whether a span lies in one of `others`."""
    return span is not None and any(start <= span[0] and span[1] <= end for start, end in others)


def localise_numbers(text: str, source: str, target: str) -> str:
    """Return `text` with its numbers, but for versions and other names, as the language `target` writes them."""
    pieces: list[str] = []
    at = 0
    for number in find_numbers(text, source):
        if number.start >= at:
            written = text[number.start : number.end]
            if is_measure(number, text, convention_of(source)):
                written = localise_number(written, source, target)
            pieces += (text[at : number.start], written)
            at = number.end
    return "".join(pieces) + text[at:]


def is_one_word(text: str) -> bool:
    """Whether no white space parts `text`."""
    return len(text.split(maxsplit=1)) == 1


def is_too_long(written: str, read: str) -> bool:
    """Whether `written` is longer than any translation of `read`."""
    return len(written) > max(SHORT_OUTPUT, MOST_GROWTH * len(read))


def is_swallowed(written: str, read: str) -> bool:
    """Whether `written` is too short to say all of `read`."""
    if len(read) >= LEAST_CHARACTERS:
        return len(written) < LEAST_SHARE * len(read)
    return len(written.split()) == 1 and len(read.split()) >= FEWEST_WORDS


def adds_parenthesis(written: str, read: str) -> bool:
    """Whether a parenthesis is opened in `written`, and none in `read`: models explain bare names, "(in English)"."""
    return not OPENING_PARENTHESES.isdisjoint(written) and OPENING_PARENTHESES.isdisjoint(read)


def is_copied(written: str, read: str, *, is_other_script: bool) -> bool:
    """Whether a text that is more than names came back as it was."""
    if abs(len(written) - len(read)) > MOST_SPACES or written.split() != read.split():
        return False
    small = sum(word[0].islower() for word in read.split())
    return small >= FEWEST_SMALL_WORDS or (is_other_script and any(map(str.isalpha, read)))
