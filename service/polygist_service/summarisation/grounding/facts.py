"""Whether the numbers and names of a written sentence are in the article."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from polygist_service.summarisation.article import Article
from polygist_service.text.numbers.reading import claim_numbers, state_numbers

Name = tuple[str, ...]

WORD = re.compile(r"[^\W\d_]+")
INITIALS = re.compile(r"(?<!\w)(?:[^\W\d_]\.){2,}")
# After these a capital is that of a sentence: ends, colons, dashes, quotes and brackets. A full stop inside a sentence
# is that of an abbreviation: texts are split before they come here.
STARTS = re.compile(r"[!?…:;–—\"“”„«»‘(\[]|(?<!\w)'")
# A text without a stop of which so many of the words of four letters or more are capitalised is a title, in which
# capitals say nothing.
ENDS = (".", "!", "?", "…")
TITLE_SHARE, LONG, FEWEST = 0.8, 4, 3
# These precede a name and are not of it.
ADDRESSES = frozenset(("mr", "mrs", "ms", "miss", "dr", "sr", "sra", "dra", "dona", "dom"))
# These stand before a name and are one by themselves.
CALENDAR = frozenset(
    (
        *("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        *("january", "february", "march", "april", "may", "june", "july"),
        *("august", "september", "october", "november", "december"),
    )
)
# Languages that give every noun a capital: only acronyms can be told there.
NOUN_CAPITALS = frozenset(("de", "lb"))


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it stands in a text.

    Attributes:
        is_inside: whether it is not the first of a sentence.
        follows: whether nothing but a space or a hyphen parts it from the word before.
    """

    text: str
    is_inside: bool
    follows: bool

    @property
    def is_capitalised(self) -> bool:
        """Whether a capital begins it, and it is no initial."""
        return len(self.text) > 1 and self.text[0].isupper()

    @property
    def is_acronym(self) -> bool:
        """Whether it is all capitals."""
        return len(self.text) > 1 and self.text.isupper()


def split_words(text: str) -> list[Word]:
    """Return the words of `text`; "U.S." is one, "US"."""
    text = INITIALS.sub(lambda match: match.group().replace(".", ""), text)
    words: list[Word] = []
    end = 0
    for match in WORD.finditer(text):
        between = text[end : match.start()]
        is_inside = end > 0 and not STARTS.search(between)
        words.append(Word(match.group(), is_inside, end > 0 and between in (" ", "-")))
        end = match.end()
    return words


def find_inner(words: Iterable[Word]) -> set[str]:
    """Return the words, lower-cased, that have a capital inside a sentence."""
    return {word.text.lower() for word in words if word.is_inside and word.is_capitalised}


def find_names(sentence: str, *, inner: Collection[str], language: str) -> Iterator[Name]:
    """Yield the names of one sentence, in order, each as its words.

    Args:
        sentence: one sentence, or a title.
        inner: words known as names, which are names at the sentence's start too.
        language: of the sentence.
    """
    words = split_words(sentence)
    only_acronyms = language.split("-")[0] in NOUN_CAPITALS or is_title(sentence, words)
    if only_acronyms and all(word.text.isupper() for word in words):
        return
    name: list[str] = []
    for word in words:
        text = word.text.lower()
        counts = word.is_acronym or (not only_acronyms and word.is_capitalised and (word.is_inside or text in inner))
        stands_alone = text in CALENDAR
        if name and (stands_alone or not (counts and word.follows)):
            yield tuple(name)
            name = []
        if counts and stands_alone:
            yield (word.text,)
        elif counts and text not in ADDRESSES:
            name.append(word.text)
    if name:
        yield tuple(name)


def is_title(sentence: str, words: Sequence[Word]) -> bool:
    """Whether a sentence is written as titles are: with a capital at most of its longer words, and no stop."""
    capitals = [word.text[0].isupper() for word in words if len(word.text) >= LONG]
    is_open = not sentence.rstrip().endswith(ENDS)
    return is_open and len(capitals) >= FEWEST and sum(capitals) >= TITLE_SHARE * len(capitals)


class Facts:
    """The numbers and names of one article.

    Args:
        article: where they stand.
    """

    def __init__(self, article: Article) -> None:
        self._numbers = state_numbers(article.text, article.language)
        self._inner: set[str] = set()
        self._places: defaultdict[str, set[int]] = defaultdict(set)
        for at, sentence in enumerate(article.sentences):
            # A sentence may be checked by itself: what it says is said, whatever stands around it.
            self._numbers |= state_numbers(sentence.text, article.language)
            words = split_words(sentence.text)
            self._inner |= find_inner(words)
            for word in words:
                self._places[word.text.lower()].add(at)

    def find_missing(
        self, sentences: Sequence[str], *, language: str, numbers_only: bool = False, before: Sequence[str] = ()
    ) -> list[list[str]]:
        """Return the numbers and names of each of `sentences` that the article does not have.

        A number is in the article where its value is, each text read as its language writes numbers. A name is where
        all its words stand in one sentence of the article: parts of a longer name are.

        Args:
            sentences: those of one summary: what is a name in one is a name at another's start.
            language: of the sentences.
            numbers_only: leave names alone: other languages spell them otherwise.
            before: the sentences of the same summary that stand before them.
        """
        inner = self._inner.union(*(find_inner(split_words(sentence)) for sentence in (*before, *sentences)))
        return [
            [
                *(number.text for number in claim_numbers(sentence, language) if not number.is_among(self._numbers)),
                *(() if numbers_only else self._missing_names(find_names(sentence, inner=inner, language=language))),
            ]
            for sentence in sentences
        ]

    def _missing_names(self, names: Iterator[Name]) -> Iterator[str]:
        for name in names:
            places = [self._places.get(word.lower(), set()) for word in name]
            if not set.intersection(*sorted(places, key=len)):
                yield " ".join(name)
