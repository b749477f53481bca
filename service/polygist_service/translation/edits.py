"""The stretches of a segment that a model should not read as they are, and what is read in their place."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from polygist_service.text.addresses import find_addresses
from polygist_service.text.capitals import Capitals, choose_spelling
from polygist_service.text.characters import (
    ARROWS,
    BRACKETED,
    CODE_PARTS,
    DRAWN_OUT,
    ENCLOSED,
    FORMULA,
    FRACTION,
    FULL_WIDTH,
    INVISIBLE,
    JOINERS,
    LETTERLIKE,
    RAISED,
    REPEATED_MARKS,
    SYMBOL,
    find_separators,
    is_latin,
    is_letter,
    near_letters,
    typed_fraction,
)
from polygist_service.text.documents.inline import OBJECT
from polygist_service.text.segmentation import Span, has_letters
from polygist_service.translation.terms.application import Method, Showing
from polygist_service.translation.terms.types import TermMatch
from polygist_service.translation.vocabulary import Vocabulary

# No word is longer in a script that parts words: what is, is no text.
LONG_RUN = re.compile(r"[^\s\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{100,}")
REPEATED = re.compile(r"(\S)\1\1")
NO_WORD = re.compile(r"\S{100}")
TAG = re.compile(r"</?[A-Za-z][^<>\s]{0,80}/?>")
KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
# Around the core of a code stand the brackets, quotes and stops of the sentence.
CODE = re.compile(r"\S+")
CODE_EDGES = "([\"'“‘«", ".,;:!?)]\"'”’»…"
CODE_SIGNS = frozenset("#@\\^~{}`<>|_")
WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f]|['’ʻʼ-](?=[^\W\d_]))*")
# As signs these may become letters that a vocabulary has.
READ_AS = {"×": "x", "✕": "x", "⁄": "/", "∕": "/"}
# Every word that is one piece of a vocabulary is more likely.
COMMON = -13.0
# No word goes on for longer to the left of a letter.
LONGEST_WORD = 100
FREE = re.compile(b"\\0+")
POSSESSIVE = re.compile(r"['’]s\Z")
JOINED_SCRIPT = re.compile(r"[\s·・-]{0,2}")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """What stands for a stretch of the source.

    Attributes:
        shown: what is read.
        own: what comes back in its place.
        is_script: whether those are words in letters that the model lacks.
        match: what prescribes it; None where the model is at fault.
    """

    shown: str
    own: str
    is_script: bool = False
    match: TermMatch | None = None


@dataclass(frozen=True, slots=True)
class Sign:
    """What was left out at the place `at` of the text that is read.

    Attributes:
        left, right: whether a space was there.
        belongs_behind: whether it goes with the word behind it rather than with the one before.
        is_glued: whether words were read apart that it alone parted.
        match: what prescribes that it is carried over; None for a sign.
    """

    at: int
    own: str
    left: bool
    right: bool
    belongs_behind: bool = False
    is_glued: bool = False
    match: TermMatch | None = None


@dataclass(frozen=True, slots=True)
class Spelling:
    """A word that is read in other letters, at `start` in the text that is read.

    Attributes:
        shown, own: as it is read, and as it stands in the source.
        is_shouted: whether it was in capitals among words that were not: the word written for it is too.
        returns: whether its own letters come back where it was copied.
        is_foreign: whether it has letters that are lacking as small ones too: a name, which is copied if all is well.
    """

    start: int
    shown: str
    own: str
    is_shouted: bool = False
    returns: bool = True
    is_foreign: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """What becomes of the stretch start:end of a segment: something else to read, or nothing.

    Attributes:
        shown: what is read there.
        kind: how its own text comes back; None where it does not.
        target: what comes back in its place; None for its own text.
        match: what prescribes that.
    """

    start: int
    end: int
    shown: str = ""
    kind: type[Placeholder] | type[Sign] | type[Spelling] | None = None
    is_script: bool = False
    is_shouted: bool = False
    returns: bool = True
    is_foreign: bool = False
    target: str | None = None
    match: TermMatch | None = None


def find_edits(text: str, vocabulary: Vocabulary, showings: Sequence[Showing] = ()) -> list[Edit]:
    """Return what has to become of a segment, in order, without overlaps; `showings` are of what is prescribed."""
    taken = bytearray(len(text))
    edits: list[Edit] = []
    for edit in chain(edit_prescribed(showings), propose_edits(text, vocabulary)):
        free = [edit]
        if edit.kind is Sign and any(taken[edit.start : edit.end]):
            # What is left of it is a sign, too: "★★★★☆" is four of a kind and one.
            runs = FREE.finditer(taken, edit.start, edit.end)
            free = [replace(edit, start=run.start(), end=run.end()) for run in runs]
        for each in free:
            if each.start < each.end and not any(taken[each.start : each.end]):
                taken[each.start : each.end] = b"\1" * (each.end - each.start)
                edits.append(each)
    return sorted(edits, key=lambda edit: edit.start)


def edit_prescribed(showings: Sequence[Showing]) -> Iterator[Edit]:
    """Yield what becomes of what is prescribed; a term that is translated freely is read as it is."""
    for each in showings:
        match = each.match
        if not each.is_term:
            kind = Sign if each.method is Method.OMITTED else Placeholder
            yield Edit(match.start, match.end, each.shown, kind, target=each.own, match=match)
        elif each.method is Method.TARGET:
            yield Edit(match.start, match.end, each.shown)


def propose_edits(text: str, vocabulary: Vocabulary) -> Iterator[Edit]:
    """Yield what may have to become of stretches of a segment; of those that overlap the first one counts."""
    for found in OBJECT.finditer(text):
        yield Edit(*found.span(), kind=Placeholder)
    for start, end in find_addresses(text):
        yield Edit(start, end, kind=Placeholder)
    runs = [found.span() for found in LONG_RUN.finditer(text)] if NO_WORD.search(text) else []
    for start, end in runs:
        yield Edit(start, end, kind=Placeholder)
    if "`" in text or "%" in text or "--" in text or text.count(".") > 1:
        for found in CODE_PARTS.finditer(text):
            yield Edit(*found.span(), kind=Placeholder)
    for found in BRACKETED.finditer(text) if "[" in text else ():
        yield Edit(*found.span(), kind=Sign)
    if REPEATED.search(text):
        for found in REPEATED_MARKS.finditer(text):
            yield Edit(*found.span(), kind=Sign)
        for found in DRAWN_OUT.finditer(text):
            yield edit_drawn_out(text, found, vocabulary)
    unknown = merge_joined(vocabulary.unknown_spans(text), text)
    if text.isascii() and not unknown:
        return
    if is_foreign(text, unknown):
        yield Edit(0, len(text), kind=Placeholder, is_script=True)
        return
    lacks = bytearray(len(text))
    for start, end in unknown:
        lacks[start:end] = b"\1" * (end - start)
    for pattern in (TAG, KEYCAP):
        for found in pattern.finditer(text):
            if any(lacks[found.start() : found.end()]):
                yield Edit(*found.span(), kind=Sign)
    for found in FRACTION.finditer(text):
        yield Edit(*found.span(), typed_fraction(found), Placeholder)
    for pattern in (FORMULA, SYMBOL):
        for found in pattern.finditer(text):
            yield Edit(*found.span(), kind=Placeholder)
    for found in RAISED.finditer(text):
        yield Edit(*found.span(), kind=Sign)
    for pattern in (ENCLOSED, FULL_WIDTH, LETTERLIKE):
        for found in pattern.finditer(text):
            yield Edit(*found.span(), kind=Placeholder)
    for found in ARROWS.finditer(text):
        yield Edit(*found.span(), "-", Placeholder)
    for found in find_separators(text):
        is_between = bool(text[: found.start()].strip() and text[found.end() :].strip())
        yield Edit(*found.span(), "-", Placeholder) if is_between else Edit(*found.span(), kind=Sign)
    for found in INVISIBLE.finditer(text):
        yield Edit(*found.span())
    yield from find_codes(text, lacks)
    for start, end in unknown:
        if not any(low <= start and end <= high for low, high in runs):
            yield from edit_unknown(text, start, end, vocabulary)


def is_foreign(text: str, unknown: Sequence[Span]) -> bool:
    """Whether all letters of a text are lacking, and they are not Latin ones, which have near ones."""
    if not unknown:
        return False
    ends = [0, *(end for _, end in unknown)]
    starts = [*(start for start, _ in unknown), len(text)]
    if any(has_letters(text[end:start]) for end, start in zip(ends, starts, strict=True)):
        return False
    letters = "".join(each for start, end in unknown for each in text[start:end] if each.isalpha())
    return bool(letters) and not is_latin(letters)


def merge_joined(spans: Sequence[Span], text: str) -> list[Span]:
    """Return spans of characters, those as one that only joiners part, with the joiners behind them."""
    merged: list[Span] = []
    for start, end in spans:
        joiners = JOINERS.match(text, end)
        end = joiners.end() if joiners else end
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def find_codes(text: str, lacks: bytearray) -> Iterator[Edit]:
    """Yield the words of which a lacking sign is part, such as C#, {name} and `ls`, as placeholders."""
    for found in CODE.finditer(text):
        start, end = found.span()
        if not any(lacks[start:end]):
            continue
        while start < end and text[start] in CODE_EDGES[0]:
            start += 1
        while start < end and text[end - 1] in CODE_EDGES[1]:
            end -= 1
        code = text[start:end]
        is_code = any(lacks[at] and text[at] in CODE_SIGNS for at in range(start, end))
        if is_code and has_letters(code) and len(code) > 1:
            yield Edit(start, end, kind=Placeholder)


def edit_unknown(text: str, start: int, end: int, vocabulary: Vocabulary) -> Iterator[Edit]:
    """Yield what becomes of a run of characters that the vocabulary lacks."""
    at = start
    while at < end:
        if is_letter(text[at]):
            low, high = word_around(text, at)
            yield edit_word(text, (low, high), (at, min(end, high)), vocabulary)
            at = max(high, at + 1)
            continue
        stop = at + 1
        while stop < end and not is_letter(text[stop]) and not text[stop].isspace():
            stop += 1
        shown = READ_AS.get(text[at:stop], "")
        yield Edit(at, stop, shown, Spelling if shown else Sign)
        at = stop


def edit_drawn_out(text: str, found: re.Match[str], vocabulary: Vocabulary) -> Edit:
    """Return what becomes of a word of which a letter is repeated: read without that, or kept where it is all of it."""
    start, end = word_around(text, found.start())
    word = text[start:end]
    if len(set(word.lower())) == 1:
        return Edit(start, end, kind=Placeholder)
    spellings = [DRAWN_OUT.sub(r"\1" * times, word) for times in (1, 2)]
    return Edit(start, end, max(spellings, key=vocabulary.likelihood), Spelling, returns=False)


def word_around(text: str, at: int) -> Span:
    """Return the span of the word that the letter or mark at `at` is of."""
    low, first = at, max(0, at - LONGEST_WORD)
    while low > first and (
        is_letter(text[low - 1]) or (text[low - 1] in "'’ʻʼ-" and low > 1 and is_letter(text[low - 2]))
    ):
        low -= 1
    found = WORD.match(text, low)
    return (low, max(found.end(), at + 1)) if found else (at, at + 1)


def edit_word(text: str, place: Span, run: Span, vocabulary: Vocabulary) -> Edit:
    """Return what becomes of a word with letters that the vocabulary lacks: the nearest ones, or a placeholder.

    Args:
        text: the segment.
        place: of the word.
        run: of the first letters in it that are lacking.
        vocabulary: of the model.
    """
    start, end = place
    if (ending := POSSESSIVE.search(text, start, end)) and ending.start() > start:
        end = ending.start()
    own = text[start:end]
    word = unicodedata.normalize("NFC", own)
    lacking = {each for each in set(word) if vocabulary.unknown_spans(each)}
    if not is_latin("".join(each for each in lacking if each.isalpha())):
        # "TNFα" and "IL-1β" are words with a sign.
        around = text[max(0, start - 1) : start] + text[end : end + 1]
        if any(map(str.isalnum, around)) or has_letters("".join(each for each in word if each not in lacking)):
            return Edit(*run, kind=Sign)
        return Edit(start, end, kind=Placeholder, is_script=True)
    near = known_spelling(word, vocabulary)
    if own.isupper() and len(own) > 1:
        shown = known_spelling(choose_spelling(word, Capitals.ALL, vocabulary.likelihood), vocabulary)
        return Edit(start, end, shown, Spelling, is_shouted=True)
    spellings = [near]
    if word[0] in lacking and word[0].isupper() and not vocabulary.unknown_spans(word.lower()):
        # "Às vezes" begins with a small word, not with the article "As"; elsewhere a capital is that of a name.
        is_first = not any(map(str.isalnum, text[:start]))
        is_common = is_first and vocabulary.likelihood(word.lower()) > COMMON
        spellings = [word.lower()] if is_common else [near, word.lower()][: len(word)]
    shown = max(spellings, key=vocabulary.likelihood)
    if vocabulary.unknown_spans(shown):
        return Edit(start, end, kind=Placeholder, is_script=True)
    is_foreign = any(vocabulary.unknown_spans(each.lower()) for each in lacking)
    return Edit(start, end, shown, Spelling, returns=shown == near, is_foreign=is_foreign)


def known_spelling(word: str, vocabulary: Vocabulary) -> str:
    """Return `word` with the nearest letters in place of those that the vocabulary lacks."""
    return "".join(near_letters(each) if vocabulary.unknown_spans(each) else each for each in word)


def merge_scripts(edits: Sequence[Edit], text: str) -> list[Edit]:
    """Return the edits with neighbouring words of another script as one."""
    merged: list[Edit] = []
    for edit in edits:
        last = merged[-1] if merged else None
        if (
            last
            and last.is_script
            and edit.is_script
            and edit.kind is last.kind
            and JOINED_SCRIPT.fullmatch(text, last.end, edit.start)
        ):
            merged[-1] = replace(last, end=edit.end)
        else:
            merged.append(edit)
    return merged
