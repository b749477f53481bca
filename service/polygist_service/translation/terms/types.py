"""What a request prescribes of words, and where such words stand in a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class PlaceholderSyntax(Enum):
    """Kinds of placeholders that are carried over as they are; see the contract's enum of that name."""

    MUSTACHE = 1
    BRACES = 2
    PRINTF = 3
    SHELL = 4
    URL_EMAIL = 5


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a glossary, in two languages."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request prescribes of words.

    Attributes:
        kept_phrases: are carried over as they are, matched exactly.
        syntaxes: of placeholders, which are carried over as they are.
        entries: terms of the request itself; they win over those of `glossary`.
        glossary: name of one that the operator has mounted; None for none.
        ignore_case: whether terms of a glossary are matched whatever their case.
    """

    kept_phrases: tuple[str, ...] = ()
    syntaxes: frozenset[PlaceholderSyntax] = frozenset()
    entries: tuple[Term, ...] = ()
    glossary: str | None = None
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class TermMatch:
    """A stretch of a text whose translation is prescribed.

    Attributes:
        start, end: its half-open span, in code points.
        target: the translation that is prescribed; None where it is carried over as it is.
        is_inflected: whether it is another form of the term than the listed one, such as its plural.
    """

    start: int
    end: int
    target: str | None = None
    is_inflected: bool = False


class TermFinder(Protocol):
    """Finds what is prescribed for texts of one language that are translated to another."""

    def find(self, text: str) -> Sequence[TermMatch]:
        """Return the matches in a text, in order, without overlaps; of those that overlap the longest one."""
        ...
