"""Which words of a sentence the words that were written of it come from."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter

from icu4py.breakers import WordBreaker

from polygist_service.text.alignment import Alignment, strongest
from polygist_service.text.documents.inline import OBJECT
from polygist_service.text.segmentation import Span

POSSESSIVE = re.compile("['’]s$")
HYPHENS = "-\u2010\u2011"
# Punctuation that is read as a word, as symbols are.
SPOKEN = "%‰&#@*§/"
# A word that stands on both sides is the same one if it has so many letters: "do" is another one. Names may be shorter.
SHORTEST_WORD, SHORTEST_NAME = 4, 3
# Letters that two words begin with that are akin.
STEM = 4
# Of words that have as many letters it tells nothing how many they have.
LONG_WORD = 5
# A longer word is taken for the source of another one that was looked at so much more.
LEAST_SHARE = 0.3
# How much a number counts, and a word of fewer letters than `SHORTEST_WORD`, as most articles are, beside other words.
NUMBER, SHORT = 2.0, 0.6
# How much a guess counts, beside 1 for a word that was copied.
AKIN, RELATIVE = 0.8, 0.4


def find_words(text: str) -> list[Span]:
    """Return where the words of a text stand, in any script: those with hyphens as one; each symbol is one, too."""
    words: list[Span] = []
    at = 0
    for part in WordBreaker(text, "root"):
        start, at = at, at + len(part)
        if not is_word(part):
            continue
        if (
            words
            and words[-1][1] == start - 1
            and text[start - 1] in HYPHENS
            and text[start - 2 : start + 1 : 2].isalpha()
        ):
            words[-1] = (words[-1][0], at)
        else:
            words.append((start, at))
    return words


def is_word(part: str) -> bool:
    """Whether a part of a text between two breaks is a word or a symbol."""
    return any(map(str.isalnum, part)) or any(
        each in SPOKEN or unicodedata.category(each) in ("Sc", "Sk", "Sm", "So", "Co") for each in part
    )


@dataclass(frozen=True, slots=True)
class WordLinks:
    """Words of a sentence and of what was written of it, and how much the ones come from the others.

    Attributes:
        source: spans of the words of the sentence, in order; a word of which a part is marked may be cut there.
        target: spans of the words that were written.
        rows: for each of `target`, the words of `source` that it comes from, each with its weight.
        objects: for each of `target` that stands for something kept, in order, which of `source` it is; see
            `inline.OBJECT`. The first one where it was written twice.
        columns: as `rows`, for each of `source`.
        totals: the sum of the weights of each row.
    """

    source: Sequence[Span]
    target: Sequence[Span]
    rows: Sequence[dict[int, float]]
    objects: Mapping[int, int] = field(default_factory=dict)
    columns: Sequence[dict[int, float]] = field(init=False)
    totals: Sequence[float] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", turn(self.rows, len(self.source)))
        object.__setattr__(self, "totals", [sum(row.values()) for row in self.rows])


def link_words(text: str, edges: Iterable[int], written: str, alignment: Alignment) -> WordLinks:
    """Link the words that were written of a sentence to its own.

    Args:
        text: the sentence.
        edges: offsets in it where something begins or ends: words are cut there where a part of them stays apart.
        written: what was written of it.
        alignment: of both; where it is empty, words that are not alike are linked by their relative places.
    """
    source, target = find_words(text), find_words(written)
    looks = share_out(source, target, alignment)
    copies = find_copies(text, source, written, target, looks)
    source, target, copies = cut_words(text, source, sorted(set(edges)), written, target, copies)
    if alignment:
        rows = share_out(source, target, strongest(alignment))
        rows = cover(text, source, rows, share_out(source, target, alignment))
    else:
        rows = guess(text, source, written, target, copies)
    copied = set(copies.values())
    for at, row in enumerate(rows):
        # What else is written while a model looks at a name or a number belongs to it: "in Porto", "of 2001".
        shares = {copies[at]: 1.0} if at in copies else {own: row[own] for own in row if own not in copied}
        weight = weigh_word(written[slice(*target[at])])
        rows[at] = {own: weight * share for own, share in shares.items()}
    objects = {own: at for at, own in reversed(copies.items()) if OBJECT.match(text, source[own][0])}
    return WordLinks(source, target, rows, {at: own for own, at in sorted(objects.items(), key=itemgetter(1))})


def share_out(source: Sequence[Span], target: Sequence[Span], alignment: Alignment) -> list[dict[int, float]]:
    """Return for each target word how much its pieces come from which source words."""
    rows: list[dict[int, float]] = [{} for _ in target]
    for pair in alignment:
        read = list(overlaps(source, pair.source))
        length = sum(size for _, size in read)
        for at, size in overlaps(target, pair.target):
            share = pair.probability * size / (target[at][1] - target[at][0])
            for word, part in read:
                rows[at][word] = rows[at].get(word, 0.0) + share * part / length
    return rows


def cover(
    text: str, source: Sequence[Span], rows: Sequence[dict[int, float]], looks: Sequence[dict[int, float]]
) -> list[dict[int, float]]:
    """Return rows with words of the sentence, too, that the model looked at only beside others.

    Such a word gets what was written when it was looked at most, where that comes from a word of which more was
    written, or from a shorter one, as an article. What comes from a number stays.

    Args:
        rows: by what the model looked at most.
        looks: by all that it looked at.
    """
    owners = [max(row, key=row.__getitem__, default=-1) for row in rows]
    counts = Counter(owners)
    columns = turn(looks, len(source))
    covered = list(rows)
    missing = [own for own, column in enumerate(columns) if column and not counts[own]]
    for own in sorted(missing, key=lambda word: -max(columns[word].values())):
        at = max(columns[own], key=columns[own].__getitem__)
        owner = owners[at]
        is_longer = source[own][1] - source[own][0] > source[owner][1] - source[owner][0] + 1
        is_free = counts[owner] > 1 or (is_longer and columns[own][at] > LEAST_SHARE * looks[at].get(owner, 0.0))
        if owner < 0 or (is_free and not text[source[owner][0]].isdecimal()):
            covered[at] = {own: sum(rows[at].values())}
            counts[owner] -= 1
            owners[at] = own
    return covered


def weigh_word(word: str) -> float:
    """Return how much it counts that a word is in its place."""
    return NUMBER if any(map(str.isdecimal, word)) else SHORT if len(word) < SHORTEST_WORD else 1.0


def overlaps(words: Sequence[Span], span: Span) -> Iterator[tuple[int, int]]:
    """Yield the index of each word that a span overlaps, and how many characters they share."""
    start, end = span
    at = bisect_right(words, start, key=lambda word: word[1])
    while at < len(words) and words[at][0] < end:
        yield at, min(end, words[at][1]) - max(start, words[at][0])
        at += 1


def find_copies(
    text: str, source: Sequence[Span], written: str, target: Sequence[Span], rows: Sequence[dict[int, float]]
) -> dict[int, int]:
    """Return the target words that are the same in the source, as numbers and names are, each with its own."""
    own, copied = group_words(text, source), group_words(written, target)
    copies: dict[int, int] = {}
    for key, places in copied.items():
        # "15 mil" is "15,000".
        shorter = (key.removesuffix("000" * times) for times in range(4))
        known = next((own[each] for each in shorter if each in own), ())
        for count, at in enumerate(places if known else ()):
            nearest, row = known[min(count, len(known) - 1)], rows[at]
            copies[at] = max((nearest, *(row.keys() & known)), key=lambda word: row.get(word, 0.0))
    return copies


def group_words(text: str, words: Sequence[Span]) -> dict[str, list[int]]:
    """Return the words by which texts of two languages can be compared, alike ones together.

    Those are numbers, of which only the digits count, signs, names, and words that are not short.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for at, (start, end) in enumerate(words):
        word = text[start:end]
        shortest = SHORTEST_NAME if word[0].isupper() else SHORTEST_WORD
        if word[0].isdecimal():
            digits = "".join(filter(str.isdecimal, word))
            found[digits.lstrip("0") or "0"].append(at)
        elif not word[0].isalnum() or any(map(str.isdecimal, word)) or len(word) >= shortest:
            found[POSSESSIVE.sub("", word.casefold())].append(at)
    return found


def cut_words(
    text: str,
    source: Sequence[Span],
    edges: Sequence[int],
    written: str,
    target: Sequence[Span],
    copies: dict[int, int],
) -> tuple[list[Span], list[Span], dict[int, int]]:
    """Cut words at the edges inside them, and those that were copied letter for letter in both texts alike.

    Returns:
        The words of both, and the copies with their new indices.
    """
    cuts = {at: edges[bisect_right(edges, start) : bisect_left(edges, end)] for at, (start, end) in enumerate(source)}
    exact = {
        at: own for at, own in copies.items() if text[slice(*source[own])] == written[slice(*target[at])] and cuts[own]
    }
    whole = set(exact.values())
    own_parts = [
        parts(span, [each for each in cuts[at] if at in whole or is_border(text, each)])
        for at, span in enumerate(source)
    ]
    target_parts = [
        parts(span, [each - source[exact[at]][0] + span[0] for each in cuts[exact[at]]]) if at in exact else [span]
        for at, span in enumerate(target)
    ]
    own_starts, target_starts = starts(own_parts), starts(target_parts)
    moved: dict[int, int] = {}
    for at, own in copies.items():
        # Of a word that was copied only in part that is the first one: "Ann" of "Ann's".
        for part in range(len(target_parts[at])):
            moved[target_starts[at] + part] = own_starts[own] + part
    return [each for group in own_parts for each in group], [each for group in target_parts for each in group], moved


def is_border(text: str, at: int) -> bool:
    """Whether letters, digits or marks end at a place."""
    return kind(text[at - 1]) != kind(text[at])


def kind(character: str) -> int:
    """Return the same number for all letters, for all digits, and for all others."""
    return 1 if character.isdecimal() else 2 if character.isalpha() or unicodedata.combining(character) else 0


def turn(rows: Sequence[dict[int, float]], count: int) -> list[dict[int, float]]:
    """Return the columns, `count` of them, of rows."""
    columns: list[dict[int, float]] = [{} for _ in range(count)]
    for at, row in enumerate(rows):
        for own, weight in row.items():
            columns[own][at] = weight
    return columns


def parts(span: Span, cuts: Sequence[int]) -> list[Span]:
    """Return the parts of a span that is cut."""
    return list(pairwise((span[0], *cuts, span[1])))


def starts(groups: Sequence[Sequence[Span]]) -> list[int]:
    """Return the index of the first member of each group among those of all groups."""
    found = [0]
    for group in groups:
        found.append(found[-1] + len(group))
    return found


def guess(
    text: str, source: Sequence[Span], written: str, target: Sequence[Span], copies: dict[int, int]
) -> list[dict[int, float]]:
    """Return for each target word the source word that it is akin to or, where none is, at the relative place of which
    it stands between words that are."""
    if not source:
        return [{} for _ in target]
    stems: dict[str, list[int]] = defaultdict(list)
    for at, span in enumerate(source):
        if stem := stem_of(text[slice(*span)]):
            stems[stem].append(at)
    known = dict(copies)
    for at, span in enumerate(target):
        akin = stems.get(stem_of(written[slice(*span)]), ())
        if at not in known and akin:
            known[at] = min(akin, key=lambda word: abs(word - at * len(source) / len(target)))
    rows: list[dict[int, float]] = [{} for _ in target]
    for at, own in known.items():
        rows[at] = {own: AKIN}
    for (low, own_low), (high, own_high) in pairwise([(-1, -1), *find_chain(known), (len(target), len(source))]):
        between = source[own_low + 1 : own_high]
        for at in range(low + 1, high) if between else ():
            if not rows[at]:
                place = find_relative(target[low + 1 : high], at - low - 1, between)
                rows[at] = {own_low + 1 + place: RELATIVE}
    return rows


def find_relative(target: Sequence[Span], at: int, source: Sequence[Span]) -> int:
    """Return which of some words stands about where one of others does, and is about as long."""
    start, end = target[at]
    share = ((start + end) / 2 - target[0][0]) / (target[-1][1] - target[0][0])
    middle = source[0][0] + share * (source[-1][1] - source[0][0])
    nearest = bisect_left(source, middle, key=lambda word: word[1])

    def distance(word: int) -> float:
        low, high = source[word]
        return abs((low + high) / 2 - middle) + abs(min(LONG_WORD, end - start) - min(LONG_WORD, high - low))

    return min(range(max(0, nearest - 2), min(len(source), nearest + 3)), key=distance)


def find_chain(known: Mapping[int, int]) -> list[tuple[int, int]]:
    """Return the longest chain of linked words that come in the same order in both texts."""
    tails: list[int] = []
    ends: list[tuple[int, int]] = []
    before: dict[tuple[int, int], tuple[int, int] | None] = {}
    for link in sorted(known.items()):
        place = bisect_left(tails, link[1])
        before[link] = ends[place - 1] if place else None
        tails[place : place + 1], ends[place : place + 1] = [link[1]], [link]
    chain: list[tuple[int, int]] = []
    last = ends[-1] if ends else None
    while last:
        chain.append(last)
        last = before[last]
    return chain[::-1]


def stem_of(word: str) -> str:
    """Return the first letters of a word, without the marks above them; empty where it has too few."""
    plain = "".join(filter(str.isalpha, unicodedata.normalize("NFD", word))).casefold()
    return plain[:STEM] if len(plain) >= STEM else ""
