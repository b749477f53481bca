"""What a request prescribes of words, and where such words stand in a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple, Protocol

from polygist_service.translation.terms.index import TermIndex


class PlaceholderSyntax(Enum):
    """Kinds of placeholders that are carried over as they are; see the contract's enum of that name."""

    MUSTACHE = 1
    BRACES = 2
    PRINTF = 3
    SHELL = 4
    URL_EMAIL = 5


class Term(NamedTuple):
    """A term of a glossary, in two languages."""

    source: str
    target: str


@dataclass(frozen=True)
class Terms:
    """What a request prescribes of words. It has an index of them once one was asked for.

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

    @property
    def is_empty(self) -> bool:
        """Whether nothing is prescribed."""
        return not (self.kept_phrases or self.syntaxes or self.entries or self.glossary)

    @cached_property
    def kept_index(self) -> TermIndex:
        """The index of `kept_phrases`."""
        return TermIndex(((phrase, None) for phrase in self.kept_phrases), language=None)

    def entry_index(self, language: str) -> TermIndex:
        """Return the index of `entries` in texts of a language, a canonical tag."""
        if language not in self._entry_indices:
            index = TermIndex(self.entries, language=language, ignore_case=self.ignore_case)
            self._entry_indices[language] = index
        return self._entry_indices[language]

    @cached_property
    def _entry_indices(self) -> dict[str, TermIndex]:
        return {}


@dataclass(frozen=True, slots=True)
class TermMatch:
    """A stretch of a text whose translation is prescribed.

    Attributes:
        start, end: its half-open span, in code points.
        target: the translation that is prescribed; None where it is carried over as it is.
        is_inflected: whether it is another form of the term than the listed one: its plural.
        listed: the term as it is listed; empty for a placeholder.
        inflected_target: `target` in the same form, where that is certain; None otherwise.
        has_words: whether it is carried over though there are words in it that would have to be translated.
    """

    start: int
    end: int
    target: str | None = None
    is_inflected: bool = False
    listed: str = ""
    inflected_target: str | None = None
    has_words: bool = False


class TermTable(Protocol):
    """Terms in several languages: a glossary of the operator's."""

    def index(self, source: str, target: str, *, ignore_case: bool) -> TermIndex | None:
        """Return what finds its terms in texts of `source`, with their translations; None where it has no such pair."""
        ...


class TermFinder(Protocol):
    """Finds what is prescribed for texts of one language that are translated to another."""

    def find(self, text: str) -> Sequence[TermMatch]:
        """Return the matches in a text, in order, without overlaps; of those that overlap the longest one."""
        ...
