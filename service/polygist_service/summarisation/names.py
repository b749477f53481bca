"""The names of a text: what it writes with capitals that are not those of a sentence's start."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

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
    """The words of `text`; "U.S." is one, "US"."""
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
    """The words, lower-cased, that have a capital inside a sentence."""
    return {word.text.lower() for word in words if word.is_inside and word.is_capitalised}


def find_names(sentence: str, *, inner: Collection[str], language: str) -> Iterator[Name]:
    """The names of one sentence, in order, each as its words.

    Args:
        sentence: one sentence, or a title.
        inner: words known as names, which are names at the sentence's start too.
        language: of the sentence.
    """
    words = split_words(sentence)
    only_acronyms = language.split("-")[0] in NOUN_CAPITALS or _is_title(sentence, words)
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


def _is_title(sentence: str, words: Sequence[Word]) -> bool:
    capitals = [word.text[0].isupper() for word in words if len(word.text) >= LONG]
    is_open = not sentence.rstrip().endswith(ENDS)
    return is_open and len(capitals) >= FEWEST and sum(capitals) >= TITLE_SHARE * len(capitals)
