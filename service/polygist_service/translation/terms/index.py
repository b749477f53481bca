"""Phrases, and where one of them stands in a text, whichever of how many thousands it is."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from polygist_service.text.abbreviations import words
from polygist_service.text.languages import base_language
from polygist_service.translation.terms.plurals import endings, is_other_word, plural, reads_as_verb
from polygist_service.translation.terms.words import EDGES, Words, find_first, fold

# Beside these a word is a part of another one, of a code or of a name: e-mail, --contract, contract.json.
NOT_BEHIND = re.compile(r"(?<![#@$%&\\~_\u2010\u2011-])(?<!\w['’])(?<!\w\.)(?<!\d,)")
NOT_BEFORE = re.compile(r"(?![\u2010\u2011-]\w|\.[a-zà-öø-ÿ\d]|,\d|[@_]|\(\)|::)(?!['’]\w)")
# But for these: a possessive in English, and a word that loses its vowel before another one.
POSSESSIVE = re.compile(r"['’]s(?!\w)")
ELISIONS = {
    "fr": words("l d j m t s n c qu jusqu lorsqu puisqu quoiqu"),
    "it": words("l un dell dall all nell sull coll quell quest d c s m t v sant bell nessun ciascun"),
    "ca": words("l d m t s n"),
    "pt": words("d"),
}
ELIDED = re.compile(r"(?<!\w)(\w{1,7})['’]\Z")
LONGEST_ELIDED, NEIGHBOUR = 9, 16


@dataclass(frozen=True, slots=True)
class Form:
    """A form in which a term may stand in a text.

    Attributes:
        source: the term as it is listed.
        target: what it becomes; None where it is carried over.
        is_plural: whether it is in its plural.
    """

    source: str
    target: str | None
    is_plural: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """The forms of the terms that begin alike.

    Attributes:
        forms: by their key.
        lengths: of the keys, the longest first.
    """

    forms: dict[str, Form]
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A form at a place of a text, in code points."""

    start: int
    end: int
    form: Form


class TermIndex:
    """Terms of a language, looked up by their first word.

    To build one costs little for each term; what a term looks like in its plural is worked out where a text has a word
    that may begin it. Nothing is changed by a look-up but that, so threads may share an index.

    Args:
        terms: each with what it becomes, None where it is carried over; of several that are alike the first one counts.
        language: of their sources, a canonical tag; None for phrases of no language, which have no other forms and may
            stand within codes and before apostrophes.
        ignore_case: whether the case of a text matters.
    """

    def __init__(
        self, terms: Iterable[tuple[str, str | None]], *, language: str | None, ignore_case: bool = False
    ) -> None:
        self._language = language
        self._ignore_case = ignore_case
        self._endings = endings(language) if language else ""
        self._elisions = ELISIONS.get(base_language(language), frozenset()) if language else frozenset()
        self._terms = tuple(terms)
        # The first term of each root, and the others, of which most roots have none.
        self._firsts: dict[str, int] = {}
        self._others: defaultdict[str, list[int]] = defaultdict(list)
        for at, (source, _) in enumerate(self._terms):
            first = find_first(source)
            root = self._root(fold(first) if ignore_case else first)
            if self._firsts.setdefault(root, at) != at:
                self._others[root].append(at)
        self._buckets: dict[str, Bucket] = {}

    def _root(self, key: str) -> str:
        """Return what the key of a word and that of its plural begin with."""
        return key.rstrip(self._endings) if self._endings else key

    @property
    def heeds_case(self) -> bool:
        """Whether a capital at the start of a sentence hides a term."""
        return self._language is not None and not self._ignore_case

    def starts(self, words: Words) -> Iterator[int]:
        """Yield the indices of words that some term may begin with."""
        firsts, root = self._firsts, self._root
        for index, key in enumerate(words.folded.keys if self._ignore_case else words.exact.keys):
            if key and root(key) in firsts:
                yield index

    def find_at(self, words: Words, index: int) -> Iterator[Found]:
        """Yield the terms that begin at a word, the longest first."""
        keys = words.folded if self._ignore_case else words.exact
        bucket = self._bucket(self._root(keys.keys[index]))
        start = keys.starts[index]
        for length in bucket.lengths:
            form = bucket.forms.get(keys.joined[start : start + length])
            last = keys.ends.get(start + length)
            if form and last is not None and last >= index:
                found = Found(words.starts[index], words.starts[last + 1], form)
                if self._stands_alone(words.text, found):
                    yield found

    def _bucket(self, root: str) -> Bucket:
        bucket = self._buckets.get(root)
        if bucket is None:
            forms: dict[str, Form] = {}
            terms = [self._terms[at] for at in (self._firsts[root], *self._others.get(root, ()))]
            for source, target in terms:
                forms.setdefault(self._key(source), Form(source, target))
            for source, target in terms if self._endings else ():
                many = plural(" ".join(source.split()), str(self._language))
                if many and not is_other_word(many, str(self._language)):
                    forms.setdefault(self._key(many), Form(source, target, is_plural=True))
            forms.pop("", None)
            lengths = tuple(sorted({len(key) for key in forms}, reverse=True))
            bucket = self._buckets[root] = Bucket(forms, lengths)
        return bucket

    def _key(self, phrase: str) -> str:
        words = Words(phrase.strip(EDGES))
        return (words.folded if self._ignore_case else words.exact).joined

    def _stands_alone(self, text: str, found: Found) -> bool:
        """Whether what was found is no part of a longer word, number, name or code, and no verb."""
        start, end = found.start, found.end
        if splits_number(text, start, end) or is_unit(text, start, end):
            return False
        if self._language is None:
            return True
        if is_glued(text, start, end):
            return False
        is_english = base_language(self._language) == "en"
        if text[start].isalnum() and not (NOT_BEHIND.match(text, start) or self._is_elided(text, start)):
            return False
        is_possessive = is_english and POSSESSIVE.match(text, end)
        if text[end - 1].isalnum() and not (NOT_BEFORE.match(text, end) or is_possessive):
            return False
        if not (is_english and found.form.is_plural) or " " in found.form.source:
            return True
        before, behind = text[max(0, start - NEIGHBOUR) : start], text[end : end + NEIGHBOUR]
        return not reads_as_verb(text[start:end], before, behind)

    def _is_elided(self, text: str, start: int) -> bool:
        """Whether a word stands behind one that loses its vowel before another."""
        elided = ELIDED.search(text[max(0, start - LONGEST_ELIDED) : start]) if self._elisions else None
        return elided is not None and elided[1].lower() in self._elisions


def is_glued(text: str, start: int, end: int) -> bool:
    """Whether a sign at the edge of a stretch stands right beside a letter or figure: "(R)" in "Acme(R)"."""
    is_behind = not text[start].isalnum() and text[start - 1 : start].isalnum() and start > 0
    return is_behind or (not text[end - 1].isalnum() and text[end : end + 1].isalnum())


def is_unit(text: str, start: int, end: int) -> bool:
    """Whether a sign at the edge of a stretch belongs to a number: "°C" in "20°C"."""
    is_behind = not text[start].isalnum() and text[start - 1 : start].isdigit() and start > 0
    return is_behind or (not text[end - 1].isalnum() and text[end : end + 1].isdigit())


def splits_number(text: str, start: int, end: int) -> bool:
    """Whether a stretch begins or ends inside a number."""
    before, behind = text[max(0, start - 2) : start], text[end : end + 2]
    is_behind = text[start].isdigit() and before[-1:] in (".", ",") and before[:1].isdigit()
    return is_behind or (text[end - 1].isdigit() and behind[:1] in (".", ",") and behind[1:].isdigit())
