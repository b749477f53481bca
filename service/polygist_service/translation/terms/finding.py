"""Where the words stand whose translation a request prescribes."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush

from polygist_service.text.addresses import find_addresses
from polygist_service.text.languages import base_language
from polygist_service.text.segmentation import LINE_BREAKS, Span
from polygist_service.translation.terms.index import Found, TermIndex
from polygist_service.translation.terms.placeholders import find_choices, find_placeholders
from polygist_service.translation.terms.plurals import plural
from polygist_service.translation.terms.types import PlaceholderSyntax, TermMatch, Terms, TermTable
from polygist_service.translation.terms.words import UNSPACED_LANGUAGES, Words, is_inside_run

# Between placeholders these part nothing: %Y-%m-%d, {part}/{all}.
LINKS = frozenset(("", "-", "/", ":", ".", "_", "@"))
# One match of those that begin at a word: its length, negative, so that the longest is the least; which kind of
# several that are alike goes first; where it stands; which of a kind goes first; the match, None for a placeholder and,
# in the second place, for what no term may be found in; and shorter ones.
Candidate = tuple[int, int, int, int, Found | None, Iterator[Found]]


class WordFinder:
    """Finds kept phrases, placeholders and terms in texts of one language that become another. See `types.TermFinder`.

    Args:
        terms: of the request.
        source, target: canonical tags of the languages.
        glossary: the one that the request names, if it does; without terms for the pair it is as if there were none.
    """

    def __init__(self, terms: Terms, *, source: str, target: str, glossary: TermTable | None = None) -> None:
        self._terms = terms
        self._source = source
        self._target = target
        self._glossary = glossary
        self._is_spaced = base_language(source) not in UNSPACED_LANGUAGES

    @cached_property
    def _indices(self) -> Sequence[TermIndex]:
        """What finds terms; of matches that are alike that of the first one counts. To build it takes a while."""
        terms, glossary = self._terms, self._glossary
        indices = [terms.kept_index] if terms.kept_phrases else []
        indices += [terms.entry_index(self._source)] if terms.entries else []
        listed = glossary.index(self._source, self._target, ignore_case=terms.ignore_case) if glossary else None
        return [*indices, listed] if listed else indices

    def find(self, text: str) -> Sequence[TermMatch]:
        """See `types.TermFinder.find`."""
        placeholders = set(find_placeholders(text, self._terms.syntaxes)) if self._terms.syntaxes else ()
        candidates = list(self._find_terms(text)) if self._indices else []
        if not (placeholders or candidates):
            return ()
        kept: list[Candidate] = [(start - end, 0, start, 0, None, iter(())) for start, end in placeholders]
        if candidates and PlaceholderSyntax.URL_EMAIL not in self._terms.syntaxes:
            # No term is a part of an address.
            kept += [(start - end, 0, start, 1, None, iter(())) for start, end in find_addresses(text)]
        return self._choose(text, [*kept, *candidates])

    def find_placeholders_over_lines(self, text: str) -> Sequence[Span]:
        """Return the spans of the placeholders that have a line break in them, in order."""
        syntaxes = self._terms.syntaxes
        found = sorted(find_placeholders(text, syntaxes)) if syntaxes and LINE_BREAKS.search(text) else ()
        return [(start, end) for start, end in found if LINE_BREAKS.search(text, start, end)]

    def _find_terms(self, text: str) -> Iterator[Candidate]:
        """Yield the longest match of each index at each word."""
        words = Words(text)
        begun = words.begin_small()
        for rank, index in enumerate(self._indices, 1):
            for at in index.starts(words):
                yield from self._propose(words, index, at, rank, 0)
            if begun and index.heeds_case and begun.first in index.starts(begun):
                yield from self._propose(begun, index, begun.first, rank, 1)

    def _propose(self, words: Words, index: TermIndex, at: int, rank: int, order: int) -> Iterator[Candidate]:
        """Yield the longest match of an index at a word, if there is one."""
        matches = index.find_at(words, at)
        if self._is_spaced:
            matches = (each for each in matches if not is_inside_run(words.text, each.start, each.end))
        if found := next(matches, None):
            yield (found.start - found.end, rank, found.start, order, found, matches)

    def _choose(self, text: str, candidates: list[Candidate]) -> Sequence[TermMatch]:
        """Return the longest matches that do not overlap, in order."""
        taken = bytearray(len(text))
        chosen: list[TermMatch] = []
        choices = list(find_choices(text)) if PlaceholderSyntax.BRACES in self._terms.syntaxes else []
        heapify(candidates)
        while candidates:
            length, rank, start, order, found, shorter = heappop(candidates)
            end = start - length
            if taken.find(1, start, end) < 0:
                taken[start:end] = b"\1" * (end - start)
                if found:
                    chosen.append(self._make_match(found))
                elif order == 0:
                    chosen.append(TermMatch(start, end, has_words=(start, end) in choices))
            elif again := next((each for each in shorter if taken.find(1, each.start, each.end) < 0), None):
                heappush(candidates, (again.start - again.end, rank, again.start, order, again, shorter))
        return list(join_placeholders(text, sorted(chosen, key=lambda match: match.start)))

    def _make_match(self, found: Found) -> TermMatch:
        """Return the match of a term, with its translation in the form of the term."""
        form = found.form
        many = plural(form.target, self._target) if form.target and form.is_plural else None
        return TermMatch(
            found.start,
            found.end,
            form.target,
            is_inflected=form.is_plural,
            listed=form.source,
            inflected_target=many,
        )


def join_placeholders(text: str, matches: Sequence[TermMatch]) -> Iterator[TermMatch]:
    """Yield the matches, those of placeholders that nothing parts as one."""
    joined: TermMatch | None = None
    for match in matches:
        if joined and not (joined.listed or match.listed) and text[joined.end : match.start] in LINKS:
            joined = TermMatch(joined.start, match.end, has_words=joined.has_words or match.has_words)
            continue
        if joined:
            yield joined
        joined = match
    if joined:
        yield joined
