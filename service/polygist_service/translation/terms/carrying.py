"""Terms on a way through a language between, for whose words no glossary is: there a character stands for each.

The first model carries the characters over as it does placeholders. In what it wrote each stands for what is
prescribed, which the second model reads in its place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from heapq import merge
from threading import Lock

from polygist_service.text.documents.inline import FIRST_OBJECT, LAST_OBJECT, OBJECT
from polygist_service.translation.terms.application import prescribe
from polygist_service.translation.terms.types import TermFinder, TermMatch


class CarriedTerms:
    """What stands for which words of the last language, for all texts of a request. Threads may share it.

    Args:
        texts: all of them, as none of their own characters may stand for a term.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        taken = {each for text in texts for each in OBJECT.findall(text)}
        codes = range(LAST_OBJECT, FIRST_OBJECT - 1, -1)
        self._free = (each for code in codes if (each := chr(code)) not in taken)
        self._objects: dict[str, str] = {}
        self._targets: dict[str, str] = {}
        self._lock = Lock()

    def outward(self, finder: TermFinder) -> "OutwardFinder":
        """Return what finds terms for the first model: what is prescribed for each is its character.

        Args:
            finder: finds them in the first language, with what is prescribed in the last one.
        """
        return OutwardFinder(self, finder)

    def homeward(self, finder: TermFinder) -> "HomewardFinder":
        """Return what finds the characters for the last model, and what is prescribed for each.

        Args:
            finder: finds what is prescribed in any language.
        """
        return HomewardFinder(self, finder)

    def put_in(self, own: str) -> str | None:
        """Return the character for what is prescribed; None where there is none left."""
        with self._lock:
            if own not in self._objects and (free := next(self._free, None)):
                self._objects[own] = free
                self._targets[free] = own
            return self._objects.get(own)

    def take_out(self, character: str) -> str | None:
        """Return what a character stands for; None where it is a text's own."""
        return self._targets.get(character)

    def fill(self, text: str) -> str:
        """Return a text with what is prescribed in place of each character that stands for it."""
        return OBJECT.sub(lambda found: self._targets.get(found[0], found[0]), text) if self._targets else text


class OutwardFinder:
    """See `CarriedTerms.outward`."""

    def __init__(self, carried: CarriedTerms, finder: TermFinder) -> None:
        self._carried = carried
        self._finder = finder

    def find(self, text: str) -> Sequence[TermMatch]:
        """See `types.TermFinder.find`."""
        return [self._carry(match, text) for match in self._finder.find(text)]

    def _carry(self, match: TermMatch, text: str) -> TermMatch:
        character = None if match.target is None else self._carried.put_in(prescribe(match, text))
        return replace(match, target=character, inflected_target=None) if character else match


class HomewardFinder:
    """See `CarriedTerms.homeward`."""

    def __init__(self, carried: CarriedTerms, finder: TermFinder) -> None:
        self._carried = carried
        self._finder = finder

    def find(self, text: str) -> Sequence[TermMatch]:
        """See `types.TermFinder.find`."""
        carried = [
            TermMatch(*found.span(), own, listed=found[0])
            for found in OBJECT.finditer(text)
            if (own := self._carried.take_out(found[0]))
        ]
        found = self._finder.find(text)
        return list(merge(found, carried, key=lambda match: match.start)) if carried else found
