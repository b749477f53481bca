"""Inline elements of a sentence, such as links and words in bold, and their edges in what was written of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

# One character stands for what comes back whole, letter for letter: a word of code, say. Those of private use.
FIRST_OBJECT, LAST_OBJECT = 0xF0000, 0xFFFFD
OBJECT = re.compile(f"[{chr(FIRST_OBJECT)}-{chr(LAST_OBJECT)}]")


def free_objects(text: str) -> Iterator[str]:
    """Yield the characters that may stand for objects of a text: all but those that it has itself."""
    taken = set(OBJECT.findall(text))
    return (each for code in range(FIRST_OBJECT, LAST_OBJECT + 1) if (each := chr(code)) not in taken)


@dataclass(frozen=True, slots=True)
class Inline:
    """An inline element of a sentence, or the part of one in it.

    Attributes:
        start, end: its half-open span in the sentence, in code points; equal where it has no words, as an image.
        begins, ends: whether it begins and ends in the sentence; one that does not reaches to its end there, and only
            the other end has a place to be found.
        parent: index of the innermost element that it is inside; -1 where there is none.
        is_alone: whether it is one thing without an inside, as an image, so that only one edge has to be placed.
    """

    start: int
    end: int
    begins: bool = True
    ends: bool = True
    parent: int = -1
    is_alone: bool = False


class Edge(IntEnum):
    """What is put at a place."""

    CLOSING = 0
    EMPTY = 1
    OPENING = 2


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an edge of an element comes.

    Attributes:
        at: offset in what was written.
        index: of the element.
    """

    at: int
    index: int
    edge: Edge


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where the elements of a sentence come.

    Attributes:
        placements: in the order in which they are written, so that elements nest as they did.
        doubtful: indices of elements that may stand at other words than theirs.
        strays: offsets of those objects (see `OBJECT`) that were written where they are in another element than
            theirs: they have to be put elsewhere, as those that were not written.
    """

    placements: tuple[Placement, ...]
    doubtful: tuple[int, ...] = ()
    strays: tuple[int, ...] = ()
