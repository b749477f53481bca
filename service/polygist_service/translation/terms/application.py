"""How a model is made to carry over what is prescribed of a segment, and what came of that.

Measured with the starter models, both ways: what a model reads in the place of a placeholder costs least where it is a
word as the sentence has one there. A name that is kept stands as it is, as names are copied; an invented name stands
for a placeholder, and a number for one that counts. Both are better by about one BLEU, a number by up to three, than a
code such as XQ1, which is copied still more often: that is what comes next where a copy failed.

A term of a glossary is translated freely first, as most often the model writes the term that is prescribed. Where it
does not, the prescribed words are put into the source, which models copy, and to which they make articles and
adjectives agree. What a model translates even so is replaced, by the alignment.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from itertools import chain, product

from polygist_service.text.alignment import Alignment, find_words, strongest
from polygist_service.text.capitals import Capitals
from polygist_service.text.documents.inline import OBJECT
from polygist_service.text.segmentation import Span
from polygist_service.translation.terms.agreement import other_gender
from polygist_service.translation.terms.plurals import plural
from polygist_service.translation.terms.types import TermMatch
from polygist_service.translation.terms.words import UNSPACED
from polygist_service.translation.vocabulary import Vocabulary

# Copied by both starter models in 98 of 100 sentences and more, each.
INVENTED_NAMES = ("Tavrik", "Brynox", "Xk", "Zq", "Kelvox", "Zorbex")
NUMBERS = ("47", "73", "23", "87", "37", "67")
# A placeholder of a number, by its type or its name.
COUNT = re.compile(
    r"%(?:\([^)]*\)|\d+\$)?[-+ 0#]*\d*(?:\.\d+)?(?:hh?|ll?|[qjzt])?[diufFeEgG]|[^\w\s]+(?:\w+[._])?"
    r"(?:n|num|number|count|total|amount|quantity)(?:\W.*)?",
    re.IGNORECASE | re.DOTALL,
)
# Words, at least one with a capital or a figure: a name, of people or of products.
NAME = re.compile(r"(?=.*[^\W_a-zà-öø-ÿ])[^\W_]+(?:(?:[ '’.&-]|, | & )[^\W_]+)*[.!]?")
# Letters of scripts that part words by spaces; only those make one word of what stands without a space.
PARTED = rf"[^\W_{UNSPACED}]"
BEFORE, BEHIND = re.compile(rf"{PARTED}+\Z"), re.compile(rf"{PARTED}+")
LONGEST_GLUED = 20
# What is glued to a placeholder and no word: "v{version}", "ID{id}", "{width}px", "{size}GB", "{n}rpm".
PREFIX = re.compile(r"[^\W\d_]|[A-Z]{2,3}|(?=.*\d)\w+")
UNIT = re.compile(r"[a-z]{1,2}|[A-Z]{1,3}|[kMGT]i?[A-Z][a-z]?|Hz|min|sec|pts|mph|fps|rpm|dpi|ppi|kbps|(?=.*\d)\w+")
# A placeholder in an address or a path: me@{host}.com, C:\{folder}\file.
PATH_BEFORE, PATH_BEHIND = re.compile(r"(?<!\S)\S*[@\\]\Z"), re.compile(r"[.@\\][\w.@\\-]*\w")
WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
# What may stand between two words that were written for one term: "de", "of the", a hyphen.
LONGEST_GAP = 8
QUOTES = frozenset("\"'“”„‘’«»‹›()[]{}")
GAP = re.compile(r"[^\d.,;:!?()\"“”«»]*")


class Method(IntEnum):
    """What a model reads in the place of a match; of those that fit one, each is tried where the one before failed.

    SOURCE: the words of the source. STAND_IN: a name, or a number. TARGET: the words that are prescribed. MARKER: a
    code that is copied. OMITTED: nothing; what is kept is put back beside its neighbours.
    """

    SOURCE = 0
    STAND_IN = 1
    TARGET = 2
    MARKER = 3
    OMITTED = 4


@dataclass(frozen=True, slots=True)
class Showing:
    """A match, and what a model reads in its place.

    Attributes:
        own: what has to stand in the translation.
        shown: what is read, but for a marker, which is chosen when the text is made.
    """

    match: TermMatch
    own: str
    method: Method
    shown: str = ""

    @property
    def span(self) -> Span:
        """Where it stands in the segment."""
        return self.match.start, self.match.end

    @property
    def is_term(self) -> bool:
        """Whether the model itself has to write it, as there is no placeholder for it."""
        return not is_kept(self.match) and self.method in (Method.SOURCE, Method.TARGET)

    def as_marker(self) -> "Showing":
        """Return it as a code."""
        return replace(self, method=Method.MARKER, shown="")


def choose_methods(text: str, matches: Sequence[TermMatch], vocabulary: Vocabulary) -> list[Showing]:
    """Return how a model first reads the matches in a segment."""
    names, numbers = (free_words(listed, text) for listed in (INVENTED_NAMES, NUMBERS))
    terms = [f"{text[each.start : each.end]}\n{each.target}" for each in matches if not is_kept(each)]
    showings = []
    for match in join_glued(text, matches):
        own = prescribe(match, text)
        if not is_kept(match):
            # What stands for a term of another language is not read as it is.
            is_carried = OBJECT.fullmatch(text, match.start, match.end)
            showing = Showing(match, own, Method.SOURCE)
            if is_quoted_twice(match, text):
                showing = showing.as_marker()
            showings.append(next_method(showing, vocabulary) if is_carried else showing)
        elif touches_word(text, match):
            # A model would read one word; it translates what is around, and the alignment tells the place.
            showings.append(Showing(match, own, Method.OMITTED))
        # What a term holds too could be copied for that.
        elif NAME.fullmatch(own) and not vocabulary.unknown_spans(own) and not any(own in each for each in terms):
            showings.append(Showing(match, own, Method.SOURCE, own))
        else:
            shown = next(numbers if COUNT.fullmatch(own) else names, "")
            showings.append(Showing(match, own, Method.STAND_IN if shown else Method.MARKER, shown))
    return showings


def is_quoted_twice(match: TermMatch, text: str) -> bool:
    """Whether a term stands in quotes or brackets and its translation has some of its own, which a model would join."""
    target = str(match.target)
    beside = text[max(0, match.start - 1) : match.start] + text[match.end : match.end + 1]
    return bool(QUOTES.intersection(target[:1] + target[-1:]) and QUOTES.intersection(beside))


def is_kept(match: TermMatch) -> bool:
    """Whether something is carried over as it is: the words of the source, or what stands for a term on its way."""
    return match.target is None or OBJECT.fullmatch(match.target) is not None


def advance(showings: Sequence[Showing], failed: Collection[TermMatch], vocabulary: Vocabulary) -> list[Showing]:
    """Return how a model next reads the matches, of which some were not carried over; nothing where all was tried."""
    moved = [next_method(each, vocabulary) if each.match in failed else each for each in showings]
    return moved if moved != list(showings) else []


def next_method(showing: Showing, vocabulary: Vocabulary) -> Showing:
    """Return what is tried behind a method that failed; the last one of all stays."""
    match = showing.match
    target = match.inflected_target or match.target
    if target and not is_kept(match) and showing.method is Method.SOURCE and not vocabulary.unknown_spans(target):
        # A line in capitals is read in small letters.
        is_shouted = showing.own.isupper() and not target.isupper()
        return replace(showing, method=Method.TARGET, shown=target if is_shouted else showing.own)
    if showing.method < Method.MARKER:
        return showing.as_marker()
    # A term that is written nowhere has no place.
    return replace(showing, method=Method.OMITTED) if is_kept(match) else showing


def free_words(listed: Sequence[str], text: str) -> Iterator[str]:
    """Yield those words that a text does not have."""
    folded = text.casefold()
    return (word for word in listed if word.casefold() not in folded)


def join_glued(text: str, matches: Sequence[TermMatch]) -> Iterator[TermMatch]:
    """Yield the matches; what is kept comes with what no space parts from it and is no word, as "px" in "{width}px"."""
    last: TermMatch | None = None
    for at, match in enumerate(matches):
        following = matches[at + 1] if at + 1 < len(matches) else None
        match = widen(text, match, following, behind=last.end if last else 0)
        if last and match.start <= last.end and match.target is None and last.target is None:
            last = replace(last, end=max(last.end, match.end))
            continue
        if last:
            yield last
        last = match if not last or match.start >= last.end else replace(match, start=last.end)
    if last:
        yield last


def widen(text: str, match: TermMatch, following: TermMatch | None, *, behind: int) -> TermMatch:
    """Return a match with what belongs to it: a unit, the rest of an address or a path, what stands for kept content.

    Args:
        text: the segment.
        match: one in it.
        following: the next one.
        behind: where the one before ends.
    """
    if match.target is not None:
        return match
    start, end, limit = match.start, match.end, following.start if following else len(text)
    if not match.listed:
        start, end = join_path(text, start, end, behind, limit)
        before = BEFORE.search(text, max(behind, start - LONGEST_GLUED), start)
        # Between two of them stands a word: {b}No{/b}, {page}of{pages}.
        if before and PREFIX.fullmatch(before[0]) and (before.start() > behind or not behind):
            start = before.start()
        found = BEHIND.match(text, end, min(limit, end + LONGEST_GLUED))
        if found and UNIT.fullmatch(found[0]) and not (following and closes(text, end, following)):
            end = found.end()
    while start > behind and OBJECT.fullmatch(text, start - 1, start):
        start -= 1
    while end < limit and OBJECT.fullmatch(text, end, end + 1):
        end += 1
    return replace(match, start=start, end=end)


def closes(text: str, at: int, following: TermMatch) -> bool:
    """Whether the placeholder that follows one that ends at `at` is glued to a word before it, as {/b} is."""
    before = BEFORE.search(text, at, following.start)
    is_word = before and not (PREFIX.fullmatch(before[0]) and before.start() > at)
    return bool(is_word and not following.listed and not BEHIND.match(text, following.end))


def join_path(text: str, start: int, end: int, behind: int, limit: int) -> Span:
    """Return the span of the address or the path that a placeholder at start:end is a part of."""
    if before := PATH_BEFORE.search(text, max(behind, start - LONGEST_GLUED), start):
        start = before.start()
    found = PATH_BEHIND.match(text, end, min(limit, end + LONGEST_GLUED))
    if found and (before or found[0][0] in "@\\"):
        end = found.end()
    return start, end


def touches_word(text: str, match: TermMatch) -> bool:
    """Whether no space parts a placeholder from a word, as those around "terms" in "{link}terms{/link}"."""
    if match.target is not None or match.listed:
        return False
    return bool(BEFORE.search(text, max(0, match.start - 1), match.start) or BEHIND.match(text, match.end))


def prescribe(match: TermMatch, text: str) -> str:
    """Return what has to stand in the translation for a match: what is prescribed, with the capitals of the segment."""
    own, target = text[match.start : match.end], match.inflected_target or match.target
    if target is None:
        return own
    if own.isupper() and is_plain(target) and (not match.listed.isupper() or Capitals.of(text) is Capitals.ALL):
        return target.upper()
    has_capital = own[:1].isupper() and (is_first(text, match.start) or match.listed[:1].islower())
    return target[:1].upper() + target[1:] if has_capital and target.islower() else target


def is_plain(target: str) -> bool:
    """Whether no word has capitals but a first one."""
    return all(word[1:] == word[1:].lower() for word in WORD.findall(target))


def list_forms(target: str, language: str, *, has_genders: bool) -> list[str]:
    """Return what is prescribed, and its plural; see `find_forms`."""
    given = [target, plural(target, language)]
    given += [other_gender(each, language) for each in given if each and has_genders]
    return [each for each in given if each]


@lru_cache(maxsize=4096)
def find_forms(target: str, language: str, *, has_genders: bool = False) -> re.Pattern[str]:
    """Return a pattern of what is prescribed, and of its plural, as whole words in any case.

    Args:
        target: what is prescribed.
        language: of that, a canonical tag.
        has_genders: whether it may stand in the other gender, too.
    """
    listed = {" ".join(each.split()) for each in list_forms(target, language, has_genders=has_genders)}
    alternatives = (r"\s+".join(map(re.escape, each.split())) for each in sorted(listed, key=len, reverse=True))
    return re.compile(rf"(?<!{PARTED})(?:{'|'.join(alternatives)})(?!{PARTED})", re.IGNORECASE)


def find_applied(
    showings: Sequence[Showing], written: str, alignment: Alignment, language: str
) -> Iterator[tuple[Showing, Span | None]]:
    """Yield the terms of a segment that have no placeholder, and where each stands in the translation, if it does.

    What stands there counts where the alignment ties it to the term. What it ties to nothing counts too, unless it ties
    the term to other words, which were written for it.

    Args:
        showings: of the segment.
        written: its translation.
        alignment: of both; where it is empty, any place counts.
        language: of the translation, a canonical tag.
    """
    taken: list[Span] = []
    terms = [each for each in showings if each.is_term]
    for target in sorted({str(each.match.target) for each in terms}, key=len, reverse=True):
        due = [each for each in terms if each.match.target == target]
        # What a model read as it is prescribed and wrote in the other gender is an adjective, which agrees.
        has_genders = bool(alignment) and all(each.method is Method.TARGET for each in due)
        pattern = find_forms(target, language, has_genders=has_genders)
        free = [span for span in places(pattern, written) if not overlaps(span, taken)]
        ties = [aligned_spans(each.match, alignment) for each in due]
        pairs = [(each, span) for each, tie in zip(due, ties, strict=True) for span in free if overlaps(span, tie)]
        loose = [each for each in due if not find_translated(each.match, written, alignment, ())]
        found: dict[TermMatch, Span] = {}
        used: set[Span] = set()
        for each, span in chain(pairs, product(loose, free)):
            if each.match not in found and span not in used:
                found[each.match] = span
                used.add(span)
        taken += used
        for each in due:
            place = found.get(each.match)
            yield each, None if place and is_beginning(each, place, written, alignment) else place


def find_missing(
    showings: Sequence[Showing], failed: Sequence[TermMatch], written: str, alignment: Alignment, language: str
) -> list[TermMatch]:
    """Return the terms that do not stand in a translation and are not among those that are known to have failed.

    Args:
        showings, written, alignment, language: see `find_applied`.
        failed: known before.
    """
    terms = [each for each in showings if not is_kept(each.match)]
    missing: list[TermMatch] = []
    for target in sorted({str(each.match.target) for each in terms}):
        due = [each for each in terms if each.match.target == target]
        lack = len(due) - len(places(find_forms(target, language, has_genders=True), written))
        lack -= sum(each.match in failed for each in due)
        if lack > 0:
            free = [replace(each, method=Method.SOURCE) for each in due if each.match not in failed]
            applied = list(find_applied(free, written, alignment, language))
            missing += [each.match for each, place in applied if not place][:lack]
    return missing


def is_beginning(showing: Showing, place: Span, written: str, alignment: Alignment) -> bool:
    """Whether what is prescribed for a term of several words is only the first of what was written for them."""
    match = showing.match
    if showing.method is not Method.SOURCE or " " not in match.listed or " " in str(match.target):
        return False
    run = find_translated(match, written, alignment, ())
    rest = written[place[1] : run[1]] if run and run[0] <= place[0] else ""
    return len(WORD.findall(rest)) > 1


def write_as_prescribed(
    showings: Sequence[Showing], source: str, written: str, alignment: Alignment, language: str
) -> str:
    """Return a translation with the capitals and the white space that are prescribed for the terms that stand in it.

    Args:
        showings, written, alignment, language: see `find_applied`.
        source: the segment.
    """
    applied = [(place, each) for each, place in find_applied(showings, written, alignment, language) if place]
    capitals = tell_capitals(source, showings)
    pieces: list[str] = []
    at = 0
    for place, showing in sorted(applied, key=lambda each: each[0]):
        pieces += (written[at : place[0]], fit_case(showing, source, written, place, language, capitals))
        at = place[1]
    return "".join(pieces) + written[at:]


def fit_case(showing: Showing, source: str, written: str, place: Span, language: str, capitals: Capitals) -> str:
    """Return the words that stand at a place for a term, in the case that is prescribed; see `write_as_prescribed`.

    Words with capitals of their own have those and no others. Others have one where the term has one that no start of
    a sentence gave it, and keep one that they have where a sentence or a quotation starts.
    """
    stands, match = written[slice(*place)], showing.match
    forms = list_forms(str(match.target), language, has_genders=True)
    form = next((each for each in forms if each.split() and fold_case(each) == fold_case(stands)), None)
    if not form or OBJECT.fullmatch(match.listed):
        return stands
    if is_plain(form) and (capitals is Capitals.ALL or (showing.own.isupper() and not form.isupper())):
        return form.upper()
    if not form.islower():
        return form
    is_given = showing.own[:1].isupper() and not is_first(source, match.start)
    before = written[: place[0]].rstrip()
    may_start = not before[-1:].isalnum() and before[-1:] != ","
    stays = stands[:1].isupper() and (may_start or capitals is Capitals.TITLE)
    return form[:1].upper() + form[1:] if is_given or stays else form


def tell_capitals(text: str, showings: Sequence[Showing]) -> Capitals:
    """Tell how a segment is written: in capitals where that is so without names and placeholders, as in "iPhone"."""
    names = [each.span for each in showings if is_kept(each.match) or not text[slice(*each.span)].islower()]
    return Capitals.ALL if names and Capitals.of(leave_out(names, text)) is Capitals.ALL else Capitals.of(text)


def fold_case(words: str) -> str:
    """Return words without their case, with one space between two."""
    return " ".join(words.casefold().split())


def fit_place(showing: Showing, written: str, place: Span) -> str:
    """Return what is prescribed for a place in a translation, with a capital where that begins with one."""
    start, own = place[0], showing.own
    is_raised = own.islower() and written[start].isupper() and is_first(written, start)
    return own[:1].upper() + own[1:] if is_raised else own


def lower_capital(showings: Sequence[Showing], source: str, written: str, language: str) -> str:
    """Return a translation without the capital of a term that begins the segment and does not begin the translation."""
    first = showings[0] if showings else None
    if not first or first.method is not Method.TARGET or not is_first(source, first.match.start):
        return written
    target = first.match.inflected_target or str(first.match.target)
    place = find_forms(target, language).search(written)
    if not place or not target.islower() or is_first(written, place.start()) or written.isupper():
        return written
    return f"{written[: place.start()]}{written[place.start()].lower()}{written[place.start() + 1 :]}"


def is_first(text: str, at: int) -> bool:
    """Whether no word or number stands before a place of a text."""
    return not any(map(str.isalnum, text[:at]))


def leave_out(spans: Iterable[Span], text: str) -> str:
    """Return a text without some stretches, which do not overlap."""
    pieces, at = [], 0
    for start, end in spans:
        pieces.append(text[at:start])
        at = end
    return "".join(pieces) + text[at:]


def places(pattern: re.Pattern[str], text: str) -> list[Span]:
    """Return the spans of all matches."""
    return [found.span() for found in pattern.finditer(text)]


def overlaps(span: Span, others: Collection[Span]) -> bool:
    """Whether a span shares a character with one of `others`."""
    return any(start < span[1] and span[0] < end for start, end in others)


def aligned_spans(match: TermMatch, alignment: Alignment) -> list[Span]:
    """Return what was written for a match."""
    return [there for here, there, _ in alignment if here[0] < match.end and match.start < here[1]]


def widen_placeholders(alignment: Alignment, showings: Sequence[Showing], written: str) -> Alignment:
    """Return the alignment of a segment and `written` in which each placeholder is one word."""
    kept = [each for each in showings if is_kept(each.match) and not each.match.listed]
    if not kept:
        return alignment
    found = {each.own: places(re.compile(re.escape(each.own)), written) for each in kept}
    widened = []
    for pair in alignment:
        showing = next((each for each in kept if overlaps(pair.source, [each.span])), None)
        if showing:
            there = next((span for span in found[showing.own] if overlaps(span, [pair.target])), pair.target)
            pair = pair._replace(source=showing.span, target=there)
        widened.append(pair)
    return tuple(widened)


def find_translated(match: TermMatch, written: str, alignment: Alignment, taken: Collection[Span]) -> Span | None:
    """Return the words that were written for a match, those as one that only small words part; None where none were.

    Args:
        match: in the segment.
        written: what was written for the segment.
        alignment: of both.
        taken: where something else stands that is prescribed.
    """
    aligned = aligned_spans(match, strongest(alignment))
    words = [span for span in find_words(written) if overlaps(span, aligned) and not overlaps(span, taken)]
    words = [(start, end) for start, end in words if any(map(str.isalnum, written[start:end]))]
    runs: list[Span] = []
    for start, end in words:
        last = runs[-1] if runs else (0, 0)
        gap = (last[1], start)
        is_near = start - last[1] <= LONGEST_GAP and GAP.fullmatch(written, *gap) and not overlaps(gap, taken)
        if runs and is_near:
            runs[-1] = (last[0], end)
        else:
            runs.append((start, end))
    return max(runs, key=lambda run: sum(overlaps(word, [run]) for word in words), default=None)
