"""What was taken out of a segment is put back into what a model wrote of it: see `protection`."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from polygist_service.text.alignment import Alignment
from polygist_service.text.capitals import to_capitals
from polygist_service.text.characters import is_letter, near_letters, restore_typography
from polygist_service.text.languages import territory_words
from polygist_service.text.segmentation import Span
from polygist_service.translation.edits import WORD, Placeholder, Sign, Spelling
from polygist_service.translation.protection import PLACEHOLDER, Protected, whole
from polygist_service.translation.terms.types import TermMatch

# A word this like the one that was read is a bad copy of it.
LIKE = 0.75
# What is left of a placeholder that was not copied whole, or glued to a word: "Name2XQ3".
DEBRIS = re.compile(PLACEHOLDER.format(r"\d*"))
# A word with what is inside it, or a mark.
TOKEN = re.compile(r"[^\W_](?:[\w]|[.,'’-](?=\w))*|[^\w\s]|_")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was written, with all that could be put back.

    Attributes:
        lost: placeholders that are not there, or more than once: what they stand for is missing.
        unkept: matches whose placeholders are not there, or more than once.
        guessed: matches that came back at a place that may be wrong.
        unsure: what came back at a place that may be wrong.
        missing: names that were not copied.
    """

    text: str
    lost: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unkept: tuple[TermMatch, ...] = ()
    guessed: tuple[TermMatch, ...] = ()


def restore(protected: Protected, written: str, alignment: Alignment, language: str) -> Restored:
    """Put back into what a model wrote what it did not read.

    Args:
        protected: the segment, as it was read.
        written: what the model wrote.
        alignment: of `protected.text` and `written`; where it is empty, places are guessed.
        language: of `written`, a canonical tag.
    """
    if protected.text == protected.source and not protected.placeholders:
        return Restored(restore_typography(protected.source, written))
    insertions, sure = place_signs(protected, written, alignment)
    known = territory_words(language)
    replacements: list[tuple[int, int, str]] = []
    missing: list[str] = []
    for spelling in protected.spellings:
        # "India" is not "Índia" copied, but translated.
        if spelling.shown.removesuffix("s") not in known:
            found = list(find_spelling(spelling, protected.text, written, alignment))
            replacements += found
            if not found and spelling.returns and spelling.is_foreign and spelling.own[0].isupper():
                missing.append(spelling.own)
    text = splice(written, replacements, insertions)
    text = to_capitals(text, protected.capitals, language)
    if protected.text[:1].islower() and protected.source[len(protected.head) :][:1].isupper():
        text = text[:1].upper() + text[1:]
    text = restore_typography(protected.source, text)
    text, missed = fill_placeholders(text, protected.placeholders)
    lost = tuple(each.own for each in missed if not each.match)
    if (debris := DEBRIS.search(text)) and not DEBRIS.search(protected.source):
        lost = (*lost, debris[0])
    unsure = () if alignment else tuple(sign.own for sign in protected.signs if not sign.match)
    unkept = tuple(each.match for each in missed if each.match)
    guessed = tuple(sign.match for sign in protected.signs if sign.match and sign not in sure)
    return Restored(f"{protected.head}{text}{protected.tail}", lost, unsure, tuple(missing), unkept, guessed)


def fill_placeholders(text: str, placeholders: Sequence[Placeholder]) -> tuple[str, tuple[Placeholder, ...]]:
    """Return `text` with what stood in the place of each placeholder, and what is missing.

    Those that are shown alike come back in their order; where there are fewer or more of them than there were, none is
    certain.
    """
    taken: list[tuple[int, int, str]] = []
    lost: list[Placeholder] = []
    for pattern, due in sorted(group_by_shown(placeholders).items(), key=lambda item: -len(item[0])):
        found = [match.span() for match in whole(pattern).finditer(text)]
        free = [span for span in found if not any(start < span[1] and span[0] < end for start, end, _ in taken)]
        if len(free) == len(due):
            taken += [(*span, each.own) for span, each in zip(free, due, strict=True)]
        else:
            lost += due
    return splice(text, taken), tuple(lost)


def append_lost(text: str, placeholders: Sequence[Placeholder]) -> str:
    """Return `text` with what stands for placeholders in place of all that is left of them, and the rest behind it."""
    for shown, due in group_by_shown(placeholders).items():
        left = [found.span() for found in whole(shown).finditer(text)]
        owns = [each.own for each in due]
        filled = splice(text, [(*span, own) for span, own in zip(left, [*owns, *[owns[-1]] * len(left)], strict=False)])
        text = " ".join((filled, *owns[len(left) :]))
    return text


def group_by_shown(placeholders: Sequence[Placeholder]) -> dict[str, list[Placeholder]]:
    """Return placeholders by what is shown of them, in order."""
    groups: dict[str, list[Placeholder]] = {}
    for each in placeholders:
        groups.setdefault(each.shown, []).append(each)
    return groups


def splice(
    text: str, replacements: Sequence[tuple[int, int, str]], insertions: Sequence[tuple[int, int, str]] = ()
) -> str:
    """Return `text` with other text in place of some stretches; of those that overlap the first one counts.

    Insertions are never left out: what stands inside a stretch that is replaced comes behind it.
    """
    pieces: list[str] = []
    at = 0
    changes = [*((*change, False) for change in replacements), *((*change, True) for change in insertions)]
    for start, end, own, is_kept in sorted(changes, key=lambda change: change[:2]):
        if start >= at:
            pieces += (text[at:start], own)
            at = end
        elif is_kept:
            pieces.append(own)
    return "".join(pieces) + text[at:]


def place_signs(
    protected: Protected, written: str, alignment: Alignment
) -> tuple[list[tuple[int, int, str]], Sequence[Sign]]:
    """Return where the signs of a segment come back, and those of which the alignment tells the place.

    Two that stand at the ends of some words, as {link} and {/link} do, come back around all that was written for those.
    """
    insertions: list[tuple[int, int, str]] = []
    sure: list[Sign] = []
    read, signs = protected.text, protected.signs
    at = 0
    while at < len(signs):
        sign, pair = signs[at], signs[at : at + 2]
        ends = place_pair(pair[0], pair[1], read, written, alignment) if len(pair) > 1 else None
        if ends:
            insertions += [(place, place, each.own) for place, each in zip(ends, pair, strict=True)]
            sure += pair
        else:
            pair = (sign,)
            insertions.append(place_sign(sign, read, written, alignment))
            word = word_after(read, sign.at) if sign.belongs_behind else word_before(read, sign.at)
            is_beside = sign.is_glued or sign.left != sign.right
            sure += pair if word and is_beside and aligned(word, read, written, alignment) else ()
        at += len(pair)
    return insertions, sure


def place_pair(first: Sign, last: Sign, read: str, written: str, alignment: Alignment) -> Span | None:
    """Return the ends of what was written for the words between two signs; None where those do not enclose words."""
    inner = (first.at + first.left, last.at)
    is_around = first.match and last.match and not (first.right or last.left or first.is_glued or last.is_glued)
    if not is_around or not any(map(str.isalnum, read[inner[0] : inner[1]])):
        return None
    words = [found.span() for found in TOKEN.finditer(read, *inner)]
    places = [there for word in words for there in aligned(word, read, written, alignment)]
    places = [(start, end) for start, end in places if any(map(str.isalnum, written[start:end]))]
    if not places:
        return None
    low, high = min(start for start, _ in places), max(end for _, end in places)
    tokens = [found.span() for found in TOKEN.finditer(written)]
    start = max((start for start, _ in tokens if start <= low), default=low)
    return start, next((end for _, end in tokens if high <= end), high)


def place_sign(sign: Sign, read: str, written: str, alignment: Alignment) -> tuple[int, int, str]:
    """Return where in `written` a sign comes back, and what is put there.

    That is behind what was written for the word before it or, where it belongs to the one behind, before that.
    """
    before, after = word_before(read, sign.at), word_after(read, sign.at)
    belongs_behind = sign.belongs_behind or not (before and aligned(before, read, written, alignment))
    if after and (not before or (belongs_behind and aligned(after, read, written, alignment))):
        at = aligned_start(after, read, written, alignment)
        lead = " " if sign.left and at and not written[at - 1].isspace() else ""
        return at, at, f"{lead}{sign.own}{' ' if sign.right else ''}"
    at = aligned_end(before, read, written, alignment) if before else 0
    is_followed = at < len(written) and written[at].isalnum()
    # Words that were read apart stand together again.
    is_joined = sign.is_glued and written[at : at + 1] == " "
    lead, tail = " " if sign.left and at else "", " " if sign.right and is_followed else ""
    return at, at + is_joined, f"{lead}{sign.own}{tail}"


def word_before(text: str, at: int) -> Span | None:
    """Return the span of the last word or mark that ends at `at` or before."""
    return next((found.span() for found in reversed(list(TOKEN.finditer(text, 0, at)))), None)


def word_after(text: str, at: int) -> Span | None:
    """Return the span of the first word or mark that begins at `at` or behind."""
    found = TOKEN.search(text, at)
    return found.span() if found else None


def aligned(span: Span, read: str, written: str, alignment: Alignment) -> list[Span]:
    """Return what was written for a stretch of what was read, in order; for a number, its figures."""
    places = [there for here, there, _ in alignment if here[0] < span[1] and span[0] < here[1]]
    if any(map(str.isdigit, read[span[0] : span[1]])):
        figures = [there for there in places if any(map(str.isdigit, written[there[0] : there[1]]))]
        return figures or places
    return places


def aligned_end(word: Span, read: str, written: str, alignment: Alignment) -> int:
    """Return where the word ends that was written for the last part of `word`."""
    places = [there[1] for there in aligned(word, read, written, alignment)]
    guess = round(word[1] * len(written) / max(1, len(read)))
    at = max(places, default=guess)
    return next((found.end() for found in TOKEN.finditer(written) if at <= found.end()), len(written))


def aligned_start(word: Span, read: str, written: str, alignment: Alignment) -> int:
    """Return where the word begins that was written for the first part of `word`."""
    places = [there[0] for there in aligned(word, read, written, alignment)]
    guess = round(word[0] * len(written) / max(1, len(read)))
    at = min(places, default=guess)
    return max((found.start() for found in TOKEN.finditer(written) if found.start() <= at), default=0)


def find_spelling(spelling: Spelling, read: str, written: str, alignment: Alignment) -> Iterator[tuple[int, int, str]]:
    """Yield where a word of the source was copied as it was read, or nearly so, and its own spelling."""
    span = (spelling.start, spelling.start + len(spelling.shown))
    words = aligned(span, read, written, alignment)
    if spelling.is_shouted:
        if words:
            start, end = words[0][0], words[-1][1]
            yield start, end, written[start:end].upper()
        return
    if not spelling.returns:
        return
    near = near_letters(spelling.shown)
    copies = [found.span() for found in WORD.finditer(written) if near_letters(found.group()) == near]
    if copies:
        for start, end in copies:
            yield start, end, spelling.own
    elif words and spelling.own[0].isupper():
        start, end = whole_words(words, written)
        if SequenceMatcher(None, written[start:end].lower(), spelling.shown.lower()).ratio() >= LIKE:
            yield start, end, spelling.own


def whole_words(spans: Sequence[Span], text: str) -> Span:
    """Return the stretch of whole words that the first of `spans` begins and those that follow it without gap end."""
    start, end = spans[0]
    for low, high in spans[1:]:
        end = high if low <= end else end
    while start > 0 and is_letter(text[start - 1]):
        start -= 1
    while end < len(text) and is_letter(text[end]):
        end += 1
    return start, end
