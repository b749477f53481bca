"""Where the words stand whose translation a request prescribes."""

import re
from collections.abc import Sequence
from functools import cached_property

from polygist_service.translation.terms.types import TermMatch, Terms


class WordFinder:
    """Finds kept phrases and terms as whole words. See `types.TermFinder`.

    Args:
        terms: of the request.
    """

    def __init__(self, terms: Terms) -> None:
        self._targets: dict[str, str | None] = {each.source: each.target for each in terms.entries}
        self._targets.update(dict.fromkeys(terms.kept_phrases))

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        listed = sorted(self._targets, key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, listed))})(?!\w)") if listed else None

    def find(self, text: str) -> Sequence[TermMatch]:
        """See `types.TermFinder.find`."""
        if self._pattern is None:
            return ()
        return [TermMatch(*found.span(), self._targets[found[0]]) for found in self._pattern.finditer(text)]
