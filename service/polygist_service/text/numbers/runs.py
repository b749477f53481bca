"""Numbers in digits that a text says more than once, and runs of them: a card, a telephone number, "12 x 12 x 12"."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from polygist_service.text.numbers.equivalents import MOST_LOOSE
from polygist_service.text.numbers.values import NOT_DIGIT, Number, NumberKind, to_ascii

# What parts the numbers of a run.
RUN_BY = re.compile(r"[ \u00a0./-]|\)\s?[(-]?|\s?[x×]\s?|\s(?:by|por)\s")
FAR_BETWEEN = 5
# What may part two numbers that are no run: a year and a count, a range.
LOOSE_SEPARATORS = frozenset((" ", "\u00a0", ".", "-", "/"))
# The least likeness of the digits of a run and of what is left of it, and the longest that are looked at.
LEAST_LIKENESS, LONGEST = 0.6, 200
# Two numbers beside each other are often just that; so many are one thing.
LEAST_RUN = 3
# Of more than so many runs that may stand for each other, none is certain.
MOST_PAIRS = 400
# The digits of two equal numbers that are one thing; "2-2" is a score, which may be told in words.
LEAST_TWICE = 4
# A year is said again, or not, as prose likes.
YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Run:
    """Numbers beside each other; one alone is a run of one.

    Attributes:
        numbers: in their order.
        digits: of all, without what parts them.
        separators: what parts them.
    """

    numbers: tuple[Number, ...]
    digits: str
    separators: tuple[str, ...]

    @property
    def span(self) -> tuple[int, int]:
        """Where its digits stand."""
        (start, _), (_, end) = (each.digits or each.span for each in (self.numbers[0], self.numbers[-1]))
        return start, end

    @property
    def values(self) -> list[frozenset[str]]:
        """What its numbers may be, and each group of one that spaces part."""
        return [value for number in self.numbers for value in values_of(number)]

    @property
    def is_one_thing(self) -> bool:
        """Whether it is more than two numbers that happen to stand beside each other."""
        values = self.values
        if len(self.numbers) == 1:
            return len(values) > len(set(values))
        is_bound = any(sign not in LOOSE_SEPARATORS for sign in self.separators)
        is_twice = len(set(values)) < len(values) and len(self.digits) >= LEAST_TWICE
        return is_bound or len(values) >= LEAST_RUN or is_twice


@dataclass(frozen=True, slots=True)
class ChangedRun:
    """A run of a source of which a translation has a number more or less than it should.

    Attributes:
        run: in the source.
        written: what stands for it in the target; None where that is not certain.
    """

    run: Run
    written: Run | None


def find_runs(text: str, numbers: Sequence[Number]) -> list[Run]:
    """Return the numbers in digits of `text` as runs, in order."""
    groups: list[list[Number]] = []
    for number in numbers:
        last = groups[-1][-1] if groups else None
        if number.digits is None:
            continue
        if last and number.start - last.end <= FAR_BETWEEN and RUN_BY.fullmatch(text, last.end, number.start):
            groups[-1].append(number)
        else:
            groups.append([number])
    return [
        Run(
            tuple(group),
            NOT_DIGIT.sub("", to_ascii("".join(text[slice(*each.digits)] for each in group if each.digits))),
            tuple(text[one.end : two.start] for one, two in itertools.pairwise(group)),
        )
        for group in groups
    ]


def find_changed_runs(
    source: Sequence[Run], target: Sequence[Run], differs: Callable[[Number], bool]
) -> list[ChangedRun]:
    """Return the runs of a source that are not in the target.

    Args:
        source: its runs.
        target: those of the translation.
        differs: whether a number stands more often, or less, in one of the two.
    """
    same = Counter(run.digits for run in source) & Counter(run.digits for run in target)
    changed = [run for run in source if run.is_one_thing and run.digits not in same and any(map(differs, run.numbers))]
    left = [run for run in target if run.digits not in same] if changed else []
    if len(changed) * len(left) > MOST_PAIRS:
        left = []
    found = []
    for run in changed:
        alike = [other for other in left if is_alike(run, other)]
        found.append(ChangedRun(run, alike[0] if len(alike) == 1 else None))
    places = Counter(each.written.span for each in found if each.written)
    # One number that spaces part may be no run, but a count in another form.
    found = [each for each in found if each.written or len(each.run.numbers) > 1]
    return [
        each if each.written is None or places[each.written.span] == 1 else ChangedRun(each.run, None) for each in found
    ]


def is_alike(run: Run, other: Run) -> bool:
    """Whether `other` may be what became of a run: a part of it, more of it, or nearly the same digits."""
    values, others = Counter(run.values), Counter(other.values)
    if others.total() > 1 and (others <= values or values <= others):
        return True
    if max(len(run.digits), len(other.digits)) > LONGEST or not (
        len(other.numbers) > 1 or values.keys() & others.keys()
    ):
        return False
    return SequenceMatcher(None, run.digits, other.digits, False).ratio() >= LEAST_LIKENESS


def is_repeated_in_full(number: Number) -> bool:
    """Whether a number outside a run is said as often in a translation: no year, no part of a name such as COVID-19."""
    is_small = number.is_word or (number.magnitude <= MOST_LOOSE and number.kind is not NumberKind.DATE)
    return not is_small and number.kind is not NumberKind.CODE and not YEAR.fullmatch(number.text)


def values_of(number: Number) -> list[frozenset[str]]:
    """Return what a number may be; the groups of one that spaces part each."""
    return [frozenset((piece,)) for piece in number.pieces] if is_spaced(number) else [number.readings]


def is_spaced(number: Number) -> bool:
    """Whether plain spaces part the groups of a number, which may be a code as well."""
    return number.kind in (NumberKind.CARDINAL, NumberKind.CODE) and bool(number.pieces) and " " in number.text


class Occurrences:
    """How often the numbers of a source and of its translation stand there.

    Args:
        numbers, written: those of the source and those of the target.
    """

    def __init__(self, numbers: Sequence[Number], written: Sequence[Number]) -> None:
        self._plain = tuple(Counter(count_plain(each)) for each in (numbers, written))
        self._all = tuple(Counter(count_all(each)) for each in (numbers, written))

    def missing(self, number: Number) -> int:
        """Return how many of the source's are not in the target; below zero how many there are too many."""
        lost = min(self._plain[0][each] - self._all[1][each] for each in number.readings)
        added = min(self._plain[1][each] - self._all[0][each] for each in number.readings)
        if is_spaced(number) and lost > 0:
            lost = max(self._plain[0][each] - self._all[1][each] for each in number.pieces)
            added = max(self._plain[1][each] - self._all[0][each] for each in number.pieces)
        return lost if lost > 0 else -max(added, 0)


def count_plain(numbers: Sequence[Number]) -> Iterator[str]:
    """Yield the readings of the numbers in digits."""
    for number in numbers:
        if not number.is_word:
            yield from number.readings
            if is_spaced(number):
                yield from number.pieces


def count_all(numbers: Sequence[Number]) -> Iterator[str]:
    """Yield all that the numbers may be: what they mean, and the pieces of what may be several."""
    for number in numbers:
        yield from number.readings
        yield from number.pieces
