"""Where segments begin and end: sentences, the abbreviations that end none, and cuts in what is too long."""

import re
import unicodedata
from collections.abc import Callable, Mapping

from icu4py.breakers import SentenceBreaker

Span = tuple[int, int]
Fits = Callable[[str], bool]

# What `str.splitlines` splits at.
LINE_BREAKS = re.compile(r"[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
# Quotes and brackets that close what the sentence before them opened: opening ones have no white space behind them.
CLOSERS = re.compile(r"[\"'”’»)\]}]+(?:\s+|\Z)")
WHITE_SPACE = re.compile(r"\s+")


def by_language(lists: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    """Return the words of each list, which white space parts."""
    return {language: frozenset(words.split()) for language, words in lists.items()}


# Titles and the like, which a name follows: their full stop hardly ever ends a sentence.
TITLES = by_language(
    {
        "en": """
            mr mrs ms mx messrs dr drs prof rev fr hon gen col maj capt cpt cmdr lt sgt cpl gov sen
            rep pres supt insp st mt ft vs cf viz approx i.e e.g esp incl
        """,
        "pt": """
            sr sra srs sras srta dr dra drs dras prof profa profs eng engª arq adv exmo exma ilmo
            ilma v.exa v.sa d fr pe sto sta gen cel cap ten sgt gov dep min des av r pç pça trav rod
            vs cf ex p.ex i.e aprox
        """,
    }
)
# References, which a number follows; before anything else their full stop may well end a sentence ("No." "mar.").
REFERENCES = by_language(
    {
        "en": """
            no nos vol vols p pp fig figs eq eqs art arts sec ch chap ed c ca jan feb mar apr jun
            jul aug sep sept oct nov dec
        """,
        "pt": """
            n nº num núm art arts inc p pp pág págs fl fls vol vols cap ed séc fig figs c tel km jan
            fev mar abr mai jun jul ago set out nov dez
        """,
    }
)

# The last word in front of a full stop, with inner ones: "Dr", "p.ex", "J".
LAST_WORD = re.compile(r"(?:^|[\s(\[\"'“‘«\-–—])([^\W\d_][\w.]{0,12})\.$")
# Longer than any last word and what stands before it.
REACH = 20

# A window is a few hundred tokens: no longer text is worth tokenising to learn that it does not fit.
MOST_CHARACTERS = 4000
# The first guess at how many characters fit.
FIRST_GUESS = 512
# A piece within 1/16 of the longest that fits is long enough: each closer look costs a tokenisation.
PRECISION = 16
# Where to cut, the best places first; a cut is made behind the match.
PLACES = tuple(
    map(re.compile, (r"[;:.!?…。！？；][\"'”’»)]*\s+|[。！？；]", r"(?<=\s)[–—-]\s+", r",\s+|[，、]\s*", r"\s+"))
)


def has_letters(text: str) -> bool:
    """Whether there is anything in `text` that a language could be told by."""
    return any(map(str.isalpha, text))


def strip(text: str, start: int, end: int) -> Span:
    """Return the span start:end of `text` without the white space at its ends."""
    core = text[start:end]
    return start + len(core) - len(core.lstrip()), start + len(core.rstrip())


def fold(text: str) -> str:
    """Return `text` on one line: white space with a line break in it becomes one space."""
    if not LINE_BREAKS.search(text):
        return text
    return WHITE_SPACE.sub(lambda found: " " if LINE_BREAKS.search(found[0]) else found[0], text)


def split_sentences(text: str, language: str) -> list[Span]:
    """Split `text` into sentences, in linear time.

    Boundaries are those of Unicode text segmentation (UAX 29, through ICU) less those behind an abbreviation; a
    line break always ends a sentence, and white space belongs to the sentence before it.

    Returns:
        Half-open spans in code points that cover `text` without gap or overlap.

    Raises:
        UnicodeEncodeError: `text` holds a lone surrogate, so it is no text.
    """
    spans: list[Span] = []
    start = 0
    for piece in SentenceBreaker(text, language):
        end = start + len(piece)
        if spans:
            before = text[max(spans[-1][0], start - 2 * REACH) : start]
            start += continuation(before, piece, language)
            spans[-1] = (spans[-1][0], start)
        if start < end:
            spans.append((start, end))
        start = end
    return spans


def continuation(before: str, piece: str, language: str) -> int:
    """How many characters of `piece` still belong to the sentence that ends in `before`."""
    stripped = before.rstrip()
    if LINE_BREAKS.search(before, len(stripped)):
        return 0
    if ends_in_abbreviation(stripped, piece, language):
        return len(piece)
    closers = CLOSERS.match(piece)
    return closers.end() if closers else 0


def ends_in_abbreviation(text: str, following: str, language: str) -> bool:
    """Whether the full stop at the end of `text` belongs to an abbreviation or an initial.

    Args:
        text: a sentence by its punctuation, without white space at its end.
        following: what comes next.
        language: canonical tag; initials are known in any.
    """
    found = LAST_WORD.search(text[-REACH:])
    if not found:
        return False
    word = found.group(1)
    if len(word) == 1 and word.isupper() and word != "I":
        return True
    base, word = language.partition("-")[0], word.lower()
    return word in TITLES.get(base, ()) or (following[:1].isdigit() and word in REFERENCES.get(base, ()))


def split_long(text: str, fits: Fits) -> list[Span]:
    """Cut `text` into pieces that fit, at the best places that leave pieces at least half as long as can be.

    Args:
        text: a sentence, or anything else that may be too long; linear in its length.
        fits: whether a piece fits the model's window; asked a few times for each piece, about little more than fits.

    Returns:
        Half-open spans that cover `text` without gap or overlap. A single character that does not fit stands alone.
    """
    spans: list[Span] = []
    start, guess = 0, FIRST_GUESS
    while start < len(text):
        window = text[start : start + MOST_CHARACTERS]
        length = longest_fit(window, guess, fits)
        guess = 2 * length
        if start + length < len(text):
            cut = best_cut(window, length)
            # A shorter text seldom has more tokens, but it may.
            length = cut if fits(window[:cut]) else length
        spans.append((start, start + length))
        start += length
    return spans


def longest_fit(text: str, guess: int, fits: Fits) -> int:
    """Length of nearly the longest prefix of `text` that fits, at least 1."""
    low, high = 0, min(guess, len(text))
    while fits(text[:high]):
        if high == len(text):
            return high
        low, high = high, min(2 * high, len(text))
    while high - low > max(1, low // PRECISION):
        middle = (low + high) // 2
        low, high = (middle, high) if fits(text[:middle]) else (low, middle)
    return max(1, low)


def best_cut(text: str, length: int) -> int:
    """Where to cut text[:length]: behind the last of the best places in its second half."""
    for places in PLACES:
        ends = [match.end() for match in places.finditer(text, 0, length)]
        if ends and ends[-1] > length // 2:
            return ends[-1]
    return before_marks(text, length)


def middle_cut(text: str) -> int:
    """Where to cut `text` in two: behind the best place in its middle half; 0 where there is none."""
    low, high = len(text) // 4, len(text) - len(text) // 4
    for places in PLACES:
        ends = [match.end() for match in places.finditer(text) if low <= match.end() <= high]
        if ends:
            return min(ends, key=lambda end: abs(2 * end - len(text)))
    return 0


def before_marks(text: str, at: int) -> int:
    """`at`, or the nearest place before it that parts no character from its marks and joiners, if there is one."""
    best = at
    while 0 < best < len(text) and is_bound(text[best - 1], text[best]):
        best -= 1
    return best or at


def is_bound(left: str, right: str) -> bool:
    """Whether two neighbouring characters make one."""
    joiner = "\u200d"
    return left == joiner or right == joiner or right == "\ufe0f" or unicodedata.combining(right) > 0
