"""Lines in capitals: models that were trained on sentences read them as sentences, and what they write is put back."""

import re
from collections.abc import Callable, Iterator
from enum import Enum

from polygist_service.text.abbreviations import words

WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['’\u0300-\u036f])*")
# Of a title so many words, at least, have a capital, and those without are articles, prepositions and the like.
FEWEST_TITLE_WORDS = 2
# What a title leaves small; in other languages a title comes back as a sentence.
SMALL_WORDS = {
    "en": words("a an and as at but by for from in into nor of on onto or over per the to up via vs with"),
    "pt": words(
        """
        a à ao aos às as e em de da das do dos com como ou o os para pela pelas pelo pelos por que sem sob sobre um uma
        no na nos nas num numa se
        """
    ),
}
SMALL_ANYWHERE = words(
    """
    al au aux con d d' da dal das de del dem den der des di die du e een ein eine el en et für het i il im in la las le
    les lo los o of op par para por pour sur te ten ter un una une und van von y zu zum zur
    """
).union(*SMALL_WORDS.values())
# Of a line in capitals so many letters for each capital may be small.
MOST_SMALL = 0.15
# Months that are words too, told by what stands beside them.
MONTHS = frozenset(("may", "march"))
BESIDE_MONTHS = re.compile(r"(?:\d|\b(?:IN|OF|SINCE|UNTIL|BY|LAST|NEXT|EARLY|LATE|MID|THIS|THE))[\s-]*\Z")
# By how much, in natural logarithm, a vocabulary has to know a spelling better than the small letters: house and House
# are about as likely in any, Paris is far likelier than paris.
NAME_MARGIN, ACRONYM_MARGIN = 3.0, 1.0
LONGEST_ACRONYM = 5
VOWELS = re.compile("[aeiouyáàâãäåæéèêëíìîïóòôõöøœúùûüýÿ]", re.IGNORECASE)

Likelihood = Callable[[str], float]


class Capitals(Enum):
    """How a line is written."""

    SENTENCE = 0
    TITLE = 1
    ALL = 2

    @classmethod
    def of(cls, text: str) -> "Capitals":
        """Tell how `text` is written; a lone short word, which may be an acronym, counts as a sentence."""
        is_upper = text.isupper() or is_nearly_upper(text)
        if not is_upper and text.rstrip().endswith((".", "。", ";", ",")):
            return cls.SENTENCE
        found = WORD.findall(text)
        if is_upper:
            longest = max(map(len, found), default=0)
            return cls.ALL if longest > LONGEST_ACRONYM or (len(found) > 1 and longest > 1) else cls.SENTENCE
        if len(found) < FEWEST_TITLE_WORDS:
            return cls.SENTENCE
        small = [word for word in found if word[0].islower()]
        is_title = len(found) - len(small) >= FEWEST_TITLE_WORDS
        return cls.TITLE if is_title and SMALL_ANYWHERE.issuperset(small) else cls.SENTENCE


def is_nearly_upper(text: str) -> bool:
    """Whether a line is in capitals but for a letter in a name: "McDONALD'S CLOSES"."""
    # Most sentences are told by their first letters.
    if sum(map(str.islower, text[1:20])) > MOST_SMALL * 20:
        return False
    found = WORD.findall(text)
    small = sum(each.islower() for each in text)
    return (
        len(found) > 1
        and 0 < small <= MOST_SMALL * sum(each.isupper() for each in text)
        and sum(word.isupper() and len(word) > 1 for word in found) >= len(found) / 2
        and not any(word.islower() for word in found)
    )


def to_sentence(text: str, capitals: Capitals, likelihood: Likelihood) -> str:
    """Return a line as a sentence: each word in the spelling that a vocabulary knows best.

    Args:
        text: the line.
        capitals: how it is written.
        likelihood: of a spelling by the vocabulary of the model that reads, as natural logarithm.
    """
    if capitals is Capitals.TITLE and is_name(text, likelihood):
        return text
    pieces: list[str] = []
    end = 0
    for found in WORD.finditer(text):
        word = found.group()
        is_first = not pieces
        # Letters and figures in one word are a name or a code.
        is_code = (
            text[found.end() : found.end() + 1].isdigit() or text[max(0, found.start() - 1) : found.start()].isdigit()
        )
        if not is_code and word[0].isupper():
            is_month = word.lower() in MONTHS and (
                BESIDE_MONTHS.search(text.upper(), 0, found.start()) or text[found.end() :].lstrip()[:1].isdigit()
            )
            word = word.capitalize() if is_month else choose_spelling(word, capitals, likelihood)
            word = word[0].upper() + word[1:] if is_first else word
        pieces += (text[end : found.start()], word)
        end = found.end()
    return "".join(pieces) + text[end:]


def is_name(title: str, likelihood: Likelihood) -> bool:
    """Whether a title is two words of which the first is a name: the other one is, too ("Paul Green")."""
    first, *others = WORD.findall(title)
    return len(others) == 1 and choose_spelling(first, Capitals.TITLE, likelihood) == first


def choose_spelling(word: str, capitals: Capitals, likelihood: Likelihood) -> str:
    """Return the spelling of a capitalised word that a vocabulary knows best, small letters before others."""
    small = word.lower()
    if capitals is Capitals.TITLE and not (word[1:].islower() or len(word) == 1):
        return word
    best, most = small, likelihood(small)
    if (title := likelihood(word[0] + small[1:])) > most + NAME_MARGIN:
        best, most = word[0] + small[1:], title
    may_be_acronym = capitals is Capitals.ALL and 1 < len(word) <= LONGEST_ACRONYM
    if may_be_acronym and (not VOWELS.search(word) or likelihood(word) > most + ACRONYM_MARGIN):
        return word
    return best


def to_capitals(text: str, capitals: Capitals, language: str) -> str:
    """Return a sentence as the line that it was read from is written.

    Args:
        text: in the language `language`, a canonical tag.
        capitals: how the line is written.
    """
    if capitals is Capitals.ALL:
        return text.upper()
    if capitals is Capitals.SENTENCE:
        return text
    small = SMALL_WORDS.get(language.partition("-")[0])
    return text if small is None else "".join(title_words(text, small))


def title_words(text: str, small: frozenset[str]) -> Iterator[str]:
    """Yield the pieces of `text` with a capital at each word that is not one of `small`, or is the first."""
    end = 0
    for found in WORD.finditer(text):
        word = found.group()
        yield text[end : found.start()]
        yield word if end and word in small else word[0].upper() + word[1:]
        end = found.end()
    yield text[end:]
