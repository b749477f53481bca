"""The numbers in words of a text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from text_to_num import alpha2digit
from text_to_num import find_numbers as find_word_numbers

from polygist_service.text.numbers.conventions import Convention

WORD_OR_NOT = re.compile(r"[^\W_]+|[\W_]+")
# text2num takes time in the square of a run of number words: it is given no more at once, up to a stop or a space.
PASSAGE = re.compile(r".{1,1200}\Z|.{900,1200}[.!?\n]|.{1,1200}(?:\s|\Z)|.{1,1200}", re.DOTALL)
# Scales that text2num misses, or reads by the short scale where the language has the long one.
UNREAD_SCALES = frozenset(
    ("bilião", "biliões", "trilhão", "trilhões", "trilião", "billón", "billones", "billion", "billions", "billionen")
)
# text2num takes the ending off a Portuguese word, and so "milo" for "mil"; these are the words that there are.
PORTUGUESE = re.compile(
    r"e|vírgula|menos|zero|uma?|uns|umas|dois|duas|tr[eê]s|quatro|cinco|seis|sete|oito|nove|dez|onze|doze|treze"
    r"|catorze|quatorze|quinze|dez[ae](?:sseis|ssete|nove)|dezoito|vinte|(?:tr|quar|cinqu|sess|set|oit|nov)[ei]nta"
    r"|cem|cento|(?:du|tre)zent[oa]s|(?:quatroc|quinh|seisc|setec|oitoc|novec)ent[oa]s|mil|milh(?:ão|ões)"
    r"|(?:b|tr|quatr)i(?:lh)?(?:ão|ões)|(?:primeir|segund|terceir|quart|quint|sext|sétim|setim|oitav|non|undécim|duodécim)[oa]s?"
    r"|(?:vig[eé]s|trig[eé]s|quadrag[eé]s|quinquag[eé]s|sexag[eé]s|septuag[eé]s|octog[eé]s|nonag[eé]s|cent[eé]s"
    r"|ducent[eé]s|mil[eé]s|milion[eé]s|bilion[eé]s|d[eé]c)im[oa]s?"
)
# Every number word above twelve has one of these.
STEMS = {
    "en": (
        "teen",
        "twent",
        "thirt",
        "fort",
        "fift",
        "sixt",
        "sevent",
        "eight",
        "ninet",
        "hundred",
        "thousand",
        "illion",
    ),
    "pt": ("ze", "inte", "inta", "enta", "gésim", "cem", "cent", "hent", "zent", "mil", "ilh", "ili"),
}
LEAST_STEM = 12


def may_hold_words(text: str, convention: Convention, least: float) -> bool:
    """Whether there may be number words above `least` in `text`: most sentences have none, and that is quick to see."""
    stems = STEMS.get(convention.base, ()) if least >= LEAST_STEM else ()
    if not stems:
        return convention.reads_words
    text = text.lower()
    return any(stem in text for stem in stems)


class WordToken:
    """A word, or what parts two, as text2num takes it."""

    __slots__ = ("word",)

    def __init__(self, word: str) -> None:
        self.word = word

    def text(self) -> str:
        """Return what is read."""
        return self.word

    def nt_separated(self, _: "WordToken") -> bool:
        """Say that signs alone separate."""
        return False

    def not_a_number_part(self) -> bool:
        """Say that every word may be of a number."""
        return False


@dataclass(frozen=True, slots=True)
class WordNumber:
    """A number in words, and where it stands."""

    start: int
    end: int
    value: float
    is_ordinal: bool


def find_words(
    text: str, taken: Sequence[tuple[int, int]], convention: Convention, least: float
) -> Iterator[WordNumber]:
    """Yield the numbers in words of `text` above `least`, but not of the words in the spans that are `taken`."""
    unread = UNREAD_SCALES if convention.base != "en" else frozenset[str]()
    places = iter(taken)
    place = next(places, None)
    for passage in PASSAGE.finditer(text):
        if alpha2digit(passage.group(), convention.base, least) == passage.group():
            continue
        matches = list(WORD_OR_NOT.finditer(text, *passage.span()))
        tokens = [WordToken(match.group().lower()) for match in matches]
        for match, token in zip(matches, tokens, strict=True):
            while place and place[1] <= match.start():
                place = next(places, None)
            if token.word in unread or is_invented(token.word, convention) or (place and match.end() > place[0]):
                token.word = "|"
        for found in find_word_numbers(tokens, convention.base, threshold=least):
            start = matches[found.start].start()
            raw = text[start : matches[found.end - 1].end()].rstrip()
            if raw and not raw.isdecimal():
                yield WordNumber(start, start + len(raw), found.value, found.is_ordinal)


def is_invented(word: str, convention: Convention) -> bool:
    """Whether text2num may take a word that is no number for one."""
    return convention.base == "pt" and word.isalpha() and PORTUGUESE.fullmatch(word) is None
