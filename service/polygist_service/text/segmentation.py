"""Where segments begin and end: sentences, the abbreviations that end none, and cuts in what is too long."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise

from icu4py.breakers import SentenceBreaker

from polygist_service.text.abbreviations import Lexicon, lexicon
from polygist_service.text.boundaries import find_resumptions, is_inside_sentence, is_inside_token

Span = tuple[int, int]
Fits = Callable[[str], bool]
FindSpans = Callable[[str], Sequence[Span]]

# What `str.splitlines` splits at.
LINE_BREAKS = re.compile(r"[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
# What closes the sentence before it, for opening quotes and brackets have no white space behind them, and references to
# notes ("[3]") have no word before them.
CLOSERS = re.compile(r"(?:[\"'”’»)\]}]++|\[\d[\d ,–-]*+\])++(?:\s+|\Z)")
NOTE = re.compile(r"\d[\d ,–-]*+\](?:\[\d[\d ,–-]*+\])*+(?:\s+|\Z)")
# References to notes, and remarks such as "[citation needed]", that stand right behind a mark.
NOTES = re.compile(
    r"(?<=[.!?…])[\"'”’»)]*+(?:\[[^\[\].!\n]{1,40}\](?::\d{1,4}+)?|[⁰¹²³⁴-⁹]{1,3}+(?![^\s\[]))++(?P<space>\s++)(?=\S)"
)
NOTE_SIGN = re.compile(r"[.!?…][\"'”’»)]*+[\[⁰¹²³⁴-⁹]")
# Emoji, arrows and stars that follow the mark without a space.
SIGNS = re.compile(r"[\u200d\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]++(?:\s+|\Z)")
WHITE_SPACE = re.compile(r"\s+")

# An opening quote or bracket behind a mark without a space: Unicode's rules take it for one that closes.
OPENED = re.compile(r"[。！？｡．][」』）》〉】〕”’]*([「『（《〈【〔“‘]+)\Z")
# What stands for the full stop of a script on keyboards that lack it: ":" for the Armenian one, two word spaces for the
# Ethiopic one, "|" for the danda.
SUBSTITUTES = (
    (":", re.compile(r"(?<=[\u0561-\u0587»]):\s+(?=[\u0531-\u0556«])")),
    ("\u1361\u1361", re.compile(r"\u1361\u1361\s*")),
    ("|", re.compile(r"(?<=[\u0900-\u0dff])\s?\|\s+")),
    ("\u09f7", re.compile(r"(?<=[\u0900-\u0dff])\s?\u09f7\s+")),
)
# Where sentences end in marks of their script, the full stop of a short word or of letters is an abbreviation's.
OWN_STOP = re.compile(r"[\u0964\u1362]")
ABBREVIATED = re.compile(r"(?:^|[\s(])(?:(?:[\u0900-\u0963\u0966-\u0dff]{1,4}\.){2,}|[\u1200-\u135f]{1,4}\.)\s+$")

# How much of a sentence's end is looked at.
REACH = 60

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


def break_anywhere(text: str) -> Sequence[Span]:
    """Return no stretch that has to stay in one sentence."""
    return ()


def split_sentences(text: str, language: str, unbroken: FindSpans = break_anywhere) -> list[Span]:
    """Split `text` into sentences, in linear time.

    Boundaries are those of Unicode text segmentation (UAX 29, through ICU) less those behind an abbreviation; a
    line break always ends a sentence, and white space belongs to the sentence before it.

    Args:
        text: any.
        language: canonical tag, for the abbreviations.
        unbroken: finds the stretches inside of which no sentence ends, such as names with a full stop.

    Returns:
        Half-open spans in code points that cover `text` without gap or overlap.

    Raises:
        UnicodeEncodeError: `text` holds a lone surrogate, so it is no text.
    """
    words = lexicon(language.partition("-")[0])
    starts = [0] if text else []
    start = 0
    has_own_stop = bool(OWN_STOP.search(text))
    for piece in SentenceBreaker(text, language):
        if start:
            before = text[max(starts[-1], start - REACH) : start]
            if has_own_stop and ABBREVIATED.search(before):
                start += len(piece)
                continue
            opened = OPENED.search(before)
            begun = start - len(opened[1]) if opened else start + continuation(before, piece, words)
            if begun < start + len(piece):
                starts.append(begun)
        start += len(piece)
    resumed = find_resumptions(text, words)
    resumed += [found.end() for sign, place in SUBSTITUTES if sign in text for found in place.finditer(text)]
    if resumed:
        starts = sorted({*starts, *resumed} - {len(text)})
    if NOTE_SIGN.search(text):
        starts = move_behind_notes(text, starts, words)
    if len(starts) > 1:
        starts = leave_whole(starts, unbroken(text))
    return list(pairwise([*starts, len(text)]))


def leave_whole(starts: Sequence[int], spans: Sequence[Span]) -> list[int]:
    """Return `starts` without those inside of `spans`, which are in order."""
    lows = [start for start, _ in spans]
    before = [bisect_left(lows, start) for start in starts]
    return [start for start, at in zip(starts, before, strict=True) if at == 0 or spans[at - 1][1] <= start]


def move_behind_notes(text: str, starts: Sequence[int], words: Lexicon) -> list[int]:
    """Return `starts` without those before references to notes that follow a mark, and with those behind them."""
    found = set(starts)
    for notes in NOTES.finditer(text):
        found.difference_update(range(*notes.span()))
        before, following = text[max(0, notes.start() - REACH) : notes.start()], text[notes.end() : notes.end() + REACH]
        is_continued = following[0].islower() or is_inside_sentence(before, following, words)
        if LINE_BREAKS.search(notes["space"]) or not is_continued:
            found.add(notes.end())
    return sorted(found)


def continuation(before: str, piece: str, words: Lexicon) -> int:
    """How many characters of `piece` still belong to the sentence that ends in `before`."""
    stripped = before.rstrip()
    if len(stripped) == len(before):
        if stripped and (attached := NOTE.match(piece) if stripped[-1] == "[" else SIGNS.match(piece)):
            return attached.end()
        if stripped and is_inside_token(stripped, piece):
            return len(piece)
    elif LINE_BREAKS.search(before, len(stripped)):
        return 0
    if is_inside_sentence(stripped, piece, words):
        return len(piece)
    closers = CLOSERS.match(piece)
    return closers.end() if closers else 0


def split_long(text: str, fits: Fits, kept: Sequence[Span] = ()) -> list[Span]:
    """Cut `text` into pieces that fit, at the best places that leave pieces at least half as long as can be.

    Args:
        text: a sentence, or anything else that may be too long; linear in its length.
        fits: whether a piece fits the model's window; asked a few times for each piece, about little more than fits.
        kept: spans that are cut only where one does not fit itself, in order.

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
            length = before_kept(start, start + length, kept) - start
        spans.append((start, start + length))
        start += length
    return spans


def before_kept(start: int, end: int, kept: Sequence[Span]) -> int:
    """Return `end`, or where the span in `kept` begins that it would cut, unless that is `start` or before it."""
    at = bisect_left(kept, (end,)) - 1
    return kept[at][0] if at >= 0 and start < kept[at][0] < end < kept[at][1] else end


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
