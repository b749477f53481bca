"""Which numbers of a source its translation changed, and what is certain to be right in their place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import Enum

from polygist_service.text.numbers.conventions import CURRENCIES, Convention, convention_of
from polygist_service.text.numbers.equivalents import (
    MOST_LOOSE,
    find_converted,
    is_counted,
    is_firm,
    read_unread_scales,
    state_loosely,
)
from polygist_service.text.numbers.reading import HOURS_AFTER, find_numbers
from polygist_service.text.numbers.runs import (
    ChangedRun,
    Occurrences,
    find_changed_runs,
    find_runs,
    is_repeated_in_full,
)
from polygist_service.text.numbers.values import Number, NumberKind, all_readings, digits_of, raw_digits, to_ascii
from polygist_service.text.numbers.writing import (
    is_measure,
    is_registered,
    name_currency,
    rewrite_digits,
    write_scale,
    write_time,
    write_value,
)

# Any word for money in the languages whose words we know: where one stands, no currency was lost.
MONEY = re.compile(
    r"[$£€¥₹₽₩]|\b(?:d[óo]l+ar|euro|pound|libra|livre|pfund|sterlin|esterlin|real\b|reais|réis|yen|iene|franc|franken"
    r"|quid|cent|rup|rublo|rouble|ruble|won\b|USD|EUR|GBP|BRL|CHF)",
    re.IGNORECASE,
)
MONEY_LANGUAGES = frozenset(("en", "pt", "es", "fr", "de", "it"))
ALIKE_UNITS = {"$": "USD"}
# The least likeness of the digits of two numbers, of several in a row, that stand for each other.
LEAST_LIKENESS = 0.6
# Fewer digits may be an hour, or anything.
LEAST_CLOCK = 3
# The colons of a time with seconds.
WITH_SECONDS = 2
# Between the measures of a thing.
BY = {"en": " by ", "pt": " por ", "es": " por "}
# What may stand between the digits of one number in a target that took it apart: "5½", "51 a 2", "76, 135".
APART_BY = re.compile(r"\s?[-–⁄/x×·,.]?\s?|\s(?:a|to|e|and|x|por|by)\s")
GROUPS_BY = re.compile(r"[,.]?\s|[,.]")
# A factor and the power of ten behind it.
FACTOR = re.compile(r"([\d.,]+)(\s?[×x·*].+)")
# "95.2 millions", but "millions of people".
PLURAL_SCALE = re.compile(r"(?<=\d )(?:m|b|tr)illions\b(?! of\b)")
# Their digits say all.
EXACT = frozenset((NumberKind.POWER, NumberKind.CODE, NumberKind.FRACTION))
# No number of another kind stands for one of these.
APART = (NumberKind.TIME, NumberKind.DATE, NumberKind.CODE)


class ChangeKind(Enum):
    """What became of a number; a miswritten one has its value, in a form that the target's language has not."""

    LOST = "lost"
    CHANGED = "changed"
    MISWRITTEN = "miswritten"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class NumberChange:
    """A number that a translation did not keep.

    Attributes:
        kind: what became of it.
        source_span: where it stands in the source; None of an added one.
        source_text: how it stands there; of an added one, how it stands in the target.
        target_span: what is certain to stand for it in the target; None where nothing is.
        replacement: what belongs there, as the target's language writes it; None where that is not certain.
    """

    kind: ChangeKind
    source_span: tuple[int, int] | None
    source_text: str
    target_span: tuple[int, int] | None = None
    replacement: str | None = None


def compare_numbers(source: str, source_language: str, target: str, target_language: str) -> list[NumberChange]:
    """Return what a translation changed of the numbers of its source, in the source's order; added ones last.

    A number is kept where one of the values that it may have is among those of the target, in whatever form. Small
    words, round ones and roman numerals stand for numbers of the other side and are never missed themselves.
    """
    own, other = convention_of(source_language), convention_of(target_language)
    if source == target and own.decimals == other.decimals:
        return []
    numbers = find_numbers(source, source_language, least_word=MOST_LOOSE)
    written = find_numbers(target, target_language, least_word=MOST_LOOSE)
    if not numbers and not written:
        return []
    return Comparison(source, numbers, own, target, written, other).find_changes()


def mend_numbers(target: str, changes: Sequence[NumberChange]) -> str:
    """Return `target` with what is certain to be right in place of what was changed."""
    end = len(target)
    certain = {change.target_span: change.replacement for change in changes if change.target_span}
    for span, replacement in sorted(certain.items(), reverse=True):
        # Of two that overlap, the later stands.
        if replacement is not None and span[1] <= end:
            target, end = f"{target[: span[0]]}{replacement}{target[span[1] :]}", span[0]
    return target


class Comparison:
    """The numbers of a source beside those of its translation.

    Args:
        source, target: the texts.
        numbers, written: their numbers.
        own, other: how their languages write numbers.
    """

    def __init__(
        self,
        source: str,
        numbers: Sequence[Number],
        own: Convention,
        target: str,
        written: Sequence[Number],
        other: Convention,
    ) -> None:
        self._source, self._numbers, self._own = source, numbers, own
        self._target, self._written, self._other = target, written, other
        self._occurrences = Occurrences(numbers, written)
        self._stated = all_readings(written)

    def find_changes(self) -> list[NumberChange]:
        """Return all changes; see `compare_numbers`."""
        runs = self._find_runs()
        own_parts = {number for each in runs for number in each.run.numbers}
        other_parts = {number for each in runs if each.written for number in each.written.numbers}
        lost = [each for each in find_unstated(self._numbers, self._written) if each not in own_parts]
        added = [each for each in find_unstated(self._written, self._numbers) if each not in other_parts]
        if lost:
            said = set(state_loosely(self._target, self._other, self._written))
            lost = [number for number in lost if is_firm(number, self._other) and not number.is_among(said)]
        if added:
            said = set(state_loosely(self._source, self._own, self._numbers))
            added = [
                number
                for number in added
                if is_firm(number, self._own)
                and not number.is_among(said)
                and said.isdisjoint(read_unread_scales(number, self._other))
            ]
        names = [number for number in lost if not is_measure(number, self._source, self._own)]
        # One copied letter for letter is right, whatever its point means in the other language.
        copied = {raw_digits(self._source, each) for each in names} & {raw_digits(self._target, each) for each in added}
        lost = [number for number in lost if raw_digits(self._source, number) not in copied]
        added = [number for number in added if raw_digits(self._target, number) not in copied]
        for number in list(lost):
            if converted := find_converted(number, self._source, self._written, self._target):
                lost.remove(number)
                added = [other for other in added if other not in converted]
        mended = list(map(self._mend_run, runs))
        changes = [
            *mended,
            *self._find_twins(all_readings(own_parts | other_parts)),
            *self._find_pairs(lost, added),
            *(each for each in self._find_miswritten() if not any(overlaps(each, run) for run in mended)),
            *self._find_rewritten(),
            *self._find_plural_scales(),
            *self._find_units(),
        ]
        return sorted(changes, key=lambda change: change.source_span or (len(self._source), 0))

    def _find_runs(self) -> list[ChangedRun]:
        """Return the runs of numbers of which one was lost or came twice."""
        source = find_runs(self._source, self._numbers)
        if not any(run.is_one_thing for run in source):
            return []
        written = find_runs(self._target, self._written)
        return find_changed_runs(source, written, lambda number: self._occurrences.missing(number) != 0)

    def _mend_run(self, changed: ChangedRun) -> NumberChange:
        """Return what became of a run, and its right form: parted as in the source, or by the target's word."""
        run, (start, end) = changed.run, changed.run.span
        if changed.written is None:
            return NumberChange(ChangeKind.CHANGED, (start, end), self._source[start:end])
        separators = run.separators
        if any(map(str.isalpha, "".join(separators))):
            word = BY.get(self._other.base)
            separator = changed.written.separators[:1] or ((word,) if word else separators[:1])
            separators = separator * len(separators)
        written = [self._write(number) or raw_digits(self._source, number) for number in run.numbers]
        right = "".join(map("".join, zip(written, (*separators, ""), strict=True)))
        return NumberChange(ChangeKind.CHANGED, (start, end), self._source[start:end], changed.written.span, right)

    def _find_twins(self, done: set[str]) -> Iterator[NumberChange]:
        """Yield numbers in digits that stand more often on one side, where both have them; none of those `done`."""
        seen = set(done)
        for number in self._numbers:
            if not seen.isdisjoint(number.readings) or not is_repeated_in_full(number):
                continue
            seen |= number.readings
            missing = self._occurrences.missing(number)
            if missing and not self._stated.isdisjoint(number.readings):
                kind, span = (ChangeKind.LOST, number.span) if missing > 0 else (ChangeKind.ADDED, None)
                yield NumberChange(kind, span, number.text)

    def _find_pairs(self, lost: list[Number], added: list[Number]) -> Iterator[NumberChange]:
        """Yield the changes that lost and added numbers are together, then those that stand alone."""
        pairs, left = pair_numbers(self._source, self._numbers, lost, self._target, self._written, added)
        for number in lost:
            wrong = pairs.get(number)
            if wrong is None:
                yield NumberChange(ChangeKind.LOST, number.span, number.text)
            else:
                place, replacement = self._mend(number, wrong)
                yield NumberChange(ChangeKind.CHANGED, number.span, number.text, place, replacement)
        for number in left:
            yield NumberChange(ChangeKind.ADDED, None, number.text)

    def _mend(self, number: Number, wrong: Number) -> tuple[tuple[int, int], str | None]:
        """Return the place of `wrong` in the target, and what `number` is there."""
        if wrong.digits is None:
            return wrong.span, None
        if number.kind is NumberKind.TIME:
            return self._mend_time(number, wrong)
        (start, end), right, scale = wrong.digits, self._write(number), self._write_scale(number)
        is_negative = self._target[wrong.start : start].strip().startswith(("-", "−"))
        is_percent = number.kind is NumberKind.PERCENT
        if right is None or scale is None or (is_negative and not number.is_negative):
            return wrong.digits, None
        if wrong.kind is NumberKind.PERCENT and not is_percent:
            return wrong.digits, None
        right = f"{'-' if number.is_negative and not is_negative else ''}{right}"
        if number.unit and wrong.unit and unit_of(number) != unit_of(wrong):
            return wrong.span, f"{self._sign_of(number)}{right}{scale}"
        if number.power != wrong.power:
            right = f"{right}{scale}"
            while (word := self._other.match_scale(self._target, end)) and word.is_sure:
                end = word.end
            copied = self._own.match_scale(self._target, end)
            if copied and copied.is_sure and copied.power == number.power:
                end = copied.end
        if is_percent and wrong.kind is not NumberKind.PERCENT:
            right = f"{right}%"
        if not wrong.unit and self._has_lost_money(number):
            right = f"{self._sign_of(number)}{right}"
        return (start, end), right

    def _mend_time(self, number: Number, wrong: Number) -> tuple[tuple[int, int], str | None]:
        """Return the place of a wrong time, and the right one."""
        is_time = wrong.kind is NumberKind.TIME or len(digits_of(self._source, number)) >= LEAST_CLOCK
        hours = HOURS_AFTER.match(self._target, wrong.end)
        place = wrong.start, hours.end() if hours else wrong.end
        times = [reading for reading in number.readings if ":" in reading]
        digits = raw_digits(self._source, number)
        if wrong.digits and digits.count(":") == WITH_SECONDS and digits[-1].isdigit():
            return wrong.digits, digits
        if len(times) != 1 or not is_time or times[0].count(":") == WITH_SECONDS:
            return place, None
        right = write_time(times[0], self._other).removesuffix("." if self._target[place[1] :].startswith(".") else "")
        # The point of "p.m." may be that of the sentence.
        is_end = self._target[: place[1]].endswith(".") and not self._target[place[1] :].strip()
        return place, f"{right}." if is_end and not right.endswith(".") else right

    def _write_scale(self, number: Number) -> str | None:
        """Return the scale word of `number`, with a space before it; empty where it has none."""
        if not number.power or number.digits is None:
            return ""
        value = to_ascii(self._source[slice(*number.digits)]).replace(self._own.decimal, ".")
        word = write_scale(value, number.power, self._other)
        return word and f" {word}"

    def _sign_of(self, number: Number) -> str:
        """Return the sign of the currency of `number`, as the source has it, or for its name there."""
        sign = self._source[slice(*number.unit_span)].replace(" ", "") if number.unit_span else ""
        return (
            next(each for each, unit in CURRENCIES.items() if unit == number.unit).upper() if sign.isalpha() else sign
        )

    def _write(self, number: Number) -> str | None:
        """Return the digits of `number` as the target's language writes them; None where that is not certain."""
        if number.digits is None:
            (value, *more) = number.readings
            return None if more else write_value(value.rstrip("%").removeprefix("-"), self._other)
        digits = self._source[slice(*number.digits)]
        if number.kind is NumberKind.POWER:
            match = FACTOR.fullmatch(digits)
            factor = match and rewrite_digits(match[1], self._own, self._other)
            return f"{factor}{match[2]}" if match and factor else digits
        if number.kind in EXACT or not is_measure(number, self._source, self._own):
            return digits
        if is_counted(number, self._source):
            digits = digits.replace(" ", "\u00a0")
        return None if number.kind is NumberKind.DATE else rewrite_digits(digits, self._own, self._other)

    def _find_miswritten(self) -> Iterator[NumberChange]:
        """Yield numbers of the right value whose digits have separators that the target's language has not."""
        if self._own.decimals == self._other.decimals:
            return
        known = {reading: number for number in self._numbers if number.digits for reading in number.readings}
        for wrong in self._written:
            if wrong.is_native or wrong.digits is None or wrong.kind is NumberKind.CODE:
                continue
            alike = [known[reading] for reading in sorted(wrong.readings) if reading in known]
            # "10h" may be that of the evening, but is rather the "10h" of the source.
            number = max(alike, key=lambda each: len(each.readings & wrong.readings), default=None)
            if number is None or not number.is_native or not is_measure(number, self._source, self._own):
                continue
            if wrong.kind is NumberKind.TIME:
                place, right = self._mend_time(number, wrong)
            else:
                place, right = wrong.digits, self._write(number)
            if right and right != self._target[slice(*place)]:
                yield NumberChange(ChangeKind.MISWRITTEN, number.span, number.text, place, right)

    def _find_rewritten(self) -> Iterator[NumberChange]:
        """Yield registrations and the like whose points became other signs."""
        registered = [each for each in self._numbers if is_registered(each, self._source, self._own)]
        by_digits = {digits_of(self._source, number): number for number in registered}
        for wrong in self._written if by_digits else ():
            number = by_digits.get(digits_of(self._target, wrong))
            if number is None or wrong.digits is None or wrong.kind is NumberKind.TIME:
                continue
            right = raw_digits(self._source, number)
            if raw_digits(self._target, wrong) != right:
                yield NumberChange(ChangeKind.MISWRITTEN, number.span, number.text, wrong.digits, right)

    def _find_plural_scales(self) -> Iterator[NumberChange]:
        """Yield numbers of the right value whose scale word is in the plural where English has the singular."""
        for found in PLURAL_SCALE.finditer(self._target) if self._other.base == "en" else ():
            written = next((each for each in self._written if each.start < found.start() < each.end), None)
            number = written and next((each for each in self._numbers if each.readings & written.readings), None)
            if number:
                place = found.start(), found.end()
                yield NumberChange(ChangeKind.MISWRITTEN, number.span, number.text, place, found[0].removesuffix("s"))

    def _find_units(self) -> Iterator[NumberChange]:
        """Yield numbers whose value came through in another currency, or in none."""
        for number in self._numbers:
            if not number.unit:
                continue
            same = [other for other in self._written if not number.readings.isdisjoint(other.readings)]
            units = {unit_of(other) for other in same}
            is_other = bool(units) and "" not in units and unit_of(number) not in units
            if not is_other and not (len(same) == 1 and units == {""} and self._has_lost_money(number)):
                continue
            place, replacement = self._mend_unit(number, same[0]) if len(same) == 1 else (None, None)
            yield NumberChange(ChangeKind.CHANGED, number.span, number.text, place, replacement)

    def _has_lost_money(self, number: Number) -> bool:
        """Whether a number with a sign of a currency stands in a target that speaks of none."""
        is_sign = number.unit_span is not None and not self._source[slice(*number.unit_span)].isalpha()
        return is_sign and self._other.base in MONEY_LANGUAGES and not MONEY.search(self._target)

    def _mend_unit(self, number: Number, wrong: Number) -> tuple[tuple[int, int] | None, str | None]:
        """Return the place of a wrong or missing currency, and the right one: a sign for a sign, a name for a name."""
        if wrong.digits is None:
            return None, None
        if wrong.unit_span is None:
            return (wrong.digits[0], wrong.digits[0]), self._sign_of(number)
        if wrong.unit_span[0] < wrong.digits[0]:
            return wrong.unit_span, self._sign_of(number)
        return wrong.unit_span, name_currency(number.unit, self._other)


def overlaps(change: NumberChange, run: NumberChange) -> bool:
    """Whether a change is of what another one replaces as a whole."""
    if change.target_span is None or run.target_span is None:
        return False
    return run.target_span[0] <= change.target_span[0] and change.target_span[1] <= run.target_span[1]


def find_unstated(numbers: Sequence[Number], others: Sequence[Number]) -> list[Number]:
    """Return those of `numbers` that none of `others` may be, nor has as a piece."""
    said = all_readings(others) | {piece for other in others for piece in other.pieces}
    return [number for number in numbers if not number.is_among(said)]


def unit_of(number: Number) -> str:
    """Return the currency of `number`; any dollar is one."""
    return ALIKE_UNITS.get(number.unit, number.unit)


def pair_numbers(
    source: str,
    numbers: Sequence[Number],
    lost: list[Number],
    target: str,
    written: Sequence[Number],
    added: list[Number],
) -> tuple[dict[Number, Number], list[Number]]:
    """Return which numbers of the target stand for which of the lost ones, where that is certain, and what is left.

    Those of the same digits do, however they are parted; then one that is left over on each side, or several in the
    same order whose digits are alike.
    """
    pairs: dict[Number, Number] = {}
    left = list(added)
    for number in lost:
        if same := find_same_digits(digits_of(source, number), target, written):
            pairs[number] = same
            left = [other for other in left if other.end <= same.start or other.start >= same.end]
    rest = [number for number in lost if number not in pairs]
    if len(left) > len(rest):
        left = join_spaced(target, left)
    both = list(zip(rest, left, strict=False))
    if not rest or len(rest) != len(left) or any(not may_pair(*pair) for pair in both):
        return pairs, left
    digits = ((digits_of(source, one), digits_of(target, two)) for one, two in both)
    if len(rest) == 1 or all(SequenceMatcher(None, *pair, False).ratio() >= LEAST_LIKENESS for pair in digits):
        others = all_readings(number for number in numbers if number not in lost)
        pairs |= {one: extend(two, target, written, others) for one, two in both}
        left = []
    return pairs, left


def find_same_digits(digits: str, target: str, written: Sequence[Number]) -> Number | None:
    """Return the number of the target that has these digits, or several beside each other that have them together."""
    for at, number in enumerate(written if digits else ()):
        joined, end = digits_of(target, number), at
        while 0 < len(joined) < len(digits) and digits.startswith(joined) and end + 1 < len(written):
            if not APART_BY.fullmatch(target, written[end].end, written[end + 1].start):
                break
            end += 1
            joined += digits_of(target, written[end])
        if joined == digits:
            return join_numbers(target, written[at : end + 1])
    return None


def extend(number: Number, target: str, written: Sequence[Number], others: set[str]) -> Number:
    """Return `number` with those beside it, parted as groups are, that are none of the `others` of the source."""
    first = next(at for at, each in enumerate(written) if each.start == number.start)
    last = next(at for at, each in enumerate(written) if each.end == number.end)
    while first and GROUPS_BY.fullmatch(target, written[first - 1].end, written[first].start):
        if not others.isdisjoint(written[first - 1].readings):
            break
        first -= 1
    while last + 1 < len(written) and GROUPS_BY.fullmatch(target, written[last].end, written[last + 1].start):
        if not others.isdisjoint(written[last + 1].readings):
            break
        last += 1
    return join_numbers(target, written[first : last + 1])


def join_spaced(target: str, numbers: Sequence[Number]) -> list[Number]:
    """Return `numbers` with those that nothing but a space parts as one."""
    joined: list[Number] = []
    for number in numbers:
        if joined and target[joined[-1].end : number.start].isspace():
            number = join_numbers(target, (joined.pop(), number))
        joined.append(number)
    return joined


def join_numbers(target: str, numbers: Sequence[Number]) -> Number:
    """Return some numbers beside each other as one; of one, itself."""
    first, last = numbers[0], numbers[-1]
    if len(numbers) == 1 or first.digits is None or last.digits is None:
        return first
    unit = first if first.unit else last
    return replace(
        last,
        text=target[first.start : last.end],
        readings=first.readings | last.readings,
        start=first.start,
        digits=(first.digits[0], last.digits[1]),
        unit=unit.unit,
        unit_span=unit.unit_span,
    )


def may_pair(one: Number, other: Number) -> bool:
    """Whether a number may stand for one of another kind: a price for no time, but digits in disorder for most."""
    if one.kind is other.kind:
        return True
    return one.kind not in APART and (other.kind not in APART or (other.kind is NumberKind.CODE and bool(other.pieces)))
