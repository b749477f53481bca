"""Which numbers of a source its translation changed, and what is certain to be right in their place."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

from polygist_service.text.numbers.conventions import CURRENCIES, Convention, convention_of
from polygist_service.text.numbers.reading import HOURS_AFTER, find_numbers
from polygist_service.text.numbers.values import (
    NOT_DIGIT,
    Number,
    NumberKind,
    all_readings,
    read_magnitude,
    scale_value,
    to_ascii,
)
from polygist_service.text.numbers.writing import name_currency, rewrite_digits, write_scale, write_time, write_value

# Words up to this value are written for, and put in place of, what is no number: "one", "both", "a dozen".
MOST_LOOSE = 12
# Round numbers in words are often no count: "a hundred times", "thousands".
ROUND = frozenset(("15", "20", "30", "100", "1000", "1000000", "1000000000", "1000000000000"))
# A language whose number words nobody reads may write digits up to this in words.
MOST_UNREAD = 100


def read_table(text: str) -> dict[str, tuple[str, ...]]:
    """Return what each word of a table stands for, whose lines are words, "=" and values."""
    lines = (line.split("=") for line in text.strip().splitlines())
    return {word: tuple(values.split()) for words, values in lines for word in words.split()}


# Words that may stand for a number of the other side, and are none of their own.
LOOSE_WORDS = read_table("""
half meio meia metade medio media mitad demi demie moitié halb hälfte = 0.5 50% 30 1/2
quarter quarters quarto quartos cuarto quart viertel trimestre = 0.25 0.75 25% 75% 4 15 1/4 3/4
third thirds terço terços tercio tiers drittel = 1/3 2/3 3
dozen dozens dúzia dúzias docena douzaine dutzend = 12
dezena dezenas = 10 12
fortnight quinzena = 14 15
score vintena = 20
decade decades década décadas = 10
century centuries século séculos centenary centenário hundreds centena centenas cem = 100
thousand thousands milhar milhares mil = 1000
million millions milhão milhões = 1000000
billion billions bilhão bilhões = 1000000000
single único única once só none nenhum nenhuma = 1 0
double twice pair couple both dobro duplo dupla par ambos ambas casal dois duas = 2 200%
triple triplo tripla = 3
noon midday meio-dia = 12:00 12
midnight meia-noite = 0:00 12 24
week semana = 7
year ano = 12 1
freezing = 0
""")
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
ROMAN = re.compile(r"\b(?=[MDCLXVI])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b")
ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
TENS = ("twent", "thirt", "fort", "fift", "sixt", "sevent", "eight", "ninet")
TWENTIES = re.compile(rf"\b({'|'.join(TENS)})ies\b", re.IGNORECASE)
# How much of its own metric or imperial unit one of another is: translators convert, and round.
UNIT = re.compile(r"[\s\u00a0-]?([^\W\d_]+)")
CONVERSIONS: Mapping[str, tuple[float, ...]] = {
    **dict.fromkeys(("mile", "mph", "milha"), (1.609,)),
    **dict.fromkeys(("feet", "foot", "ft", "pé"), (0.3048, 30.48)),
    **dict.fromkeys(("inch", "polegada"), (2.54, 25.4, 0.0254)),
    **dict.fromkeys(("pound", "lb", "libra"), (0.4536,)),
    **dict.fromkeys(("yard", "jarda"), (0.9144,)),
    **dict.fromkeys(("acre",), (0.4047, 4047.0)),
    **dict.fromkeys(("gallon", "gal"), (3.785,)),
    **dict.fromkeys(("ounce", "oz", "onça"), (28.35,)),
    **dict.fromkeys(("km", "quil", "kilom", "kph"), (0.6214,)),
    **dict.fromkeys(("kg", "kilog", "quilo"), (2.205,)),
    **dict.fromkeys(("cent", "cm"), (0.3937,)),
    **dict.fromkeys(("met",), (3.281, 1.094)),
}
CONVERSION_TOLERANCE = 0.1
# Before a version, a chapter, a figure: the points there are no decimal points.
NAMED = re.compile(
    r"(?:\b(?:v|ver|version|versão|release|build|chapter|capítulo|section|secção|seção|figure|figura|fig|table|tabela"
    r"|article|artigo|paragraph|parágrafo|no|nº|item|clause|step|rule|part)\.?|§|\b(?P<name>[A-Z][\w-]*))\s?$"
)
# No name, though a sentence begins with it.
BEGINNINGS = frozenset(
    (
        *(
            "a",
            "an",
            "the",
            "only",
            "about",
            "around",
            "nearly",
            "almost",
            "over",
            "under",
            "at",
            "in",
            "of",
            "from",
            "by",
        ),
        *("with", "between", "more", "less", "up", "just", "some", "for", "to", "and", "or", "is", "was", "on", "than"),
        *(
            "another",
            "exactly",
            "roughly",
            "approximately",
            "his",
            "her",
            "its",
            "their",
            "it",
            "all",
            "these",
            "those",
        ),
    )
)
FAR_NAME = 24
UNIT_AFTER = re.compile(
    r"[\s\u00a0\u202f-]?(?:[°%€£$]|(?:[kcmMGTµ]?[mgWVAJLlBb]|[kMG]?Hz|kWh|km/h|ha|ft|hp|mi|in|cv)\b)"
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
# Their digits say all.
EXACT = frozenset((NumberKind.POWER, NumberKind.CODE, NumberKind.FRACTION))
# No number of another kind stands for one of these.
APART = (NumberKind.TIME, NumberKind.DATE, NumberKind.CODE)


class ChangeKind(Enum):
    """What became of a number."""

    LOST = "lost"
    CHANGED = "changed"
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

    def find_changes(self) -> list[NumberChange]:
        """Return all changes; see `compare_numbers`."""
        lost = find_unstated(self._numbers, self._written)
        added = find_unstated(self._written, self._numbers)
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
        for number in list(lost):
            if converted := find_converted(number, self._source, self._written):
                lost.remove(number)
                added = [other for other in added if other not in converted]
        changes = [*self._find_pairs(lost, added), *self._find_miswritten(), *self._find_units()]
        return sorted(changes, key=lambda change: change.source_span or (len(self._source), 0))

    def _find_pairs(self, lost: list[Number], added: list[Number]) -> Iterator[NumberChange]:
        """Yield the changes that lost and added numbers are together, then those that stand alone."""
        pairs = pair_numbers(self._source, lost, self._target, added)
        for number in lost:
            wrong = pairs.get(number)
            if wrong is None:
                yield NumberChange(ChangeKind.LOST, number.span, number.text)
            else:
                place, replacement = self._mend(number, wrong)
                yield NumberChange(ChangeKind.CHANGED, number.span, number.text, place, replacement)
        paired = set(pairs.values())
        for number in added:
            if number not in paired:
                yield NumberChange(ChangeKind.ADDED, None, number.text)

    def _mend(self, number: Number, wrong: Number) -> tuple[tuple[int, int], str | None]:
        """Return the place of `wrong` in the target, and what `number` is there."""
        place = wrong.digits
        if place is None:
            return wrong.span, None
        if number.kind is NumberKind.TIME:
            if wrong.kind is not NumberKind.TIME and len(digits_of(self._source, number)) < LEAST_CLOCK:
                return place, None
            hours = HOURS_AFTER.match(self._target, wrong.end)
            place = wrong.start, hours.end() if hours else wrong.end
            return place, write_time(next(iter(number.readings)), self._other) if len(number.readings) == 1 else None
        right = self._write(number)
        is_negative = self._target[wrong.start : place[0]].strip().startswith(("-", "−"))
        if right is None or (is_negative and not number.is_negative):
            return place, None
        if number.is_negative and not is_negative:
            right = f"-{right}"
        if number.power != wrong.power:
            return self._mend_scale(number, right, place)
        is_percent = number.kind is NumberKind.PERCENT
        if is_percent == (wrong.kind is NumberKind.PERCENT):
            return place, right
        return place, f"{right}%" if is_percent else None

    def _mend_scale(self, number: Number, right: str, place: tuple[int, int]) -> tuple[tuple[int, int], str | None]:
        """Return the place of digits and their scale word, and those of `number`, whose digits are `right`."""
        start, end = place
        while (scale_word := self._other.match_scale(self._target, end)) and scale_word.is_sure:
            end = scale_word.end
        if not number.power or number.digits is None:
            return (start, end), right
        value = to_ascii(self._source[slice(*number.digits)]).replace(self._own.decimal, ".")
        scale = write_scale(value, number.power, self._other)
        return (start, end), f"{right} {scale}" if scale else None

    def _write(self, number: Number) -> str | None:
        """Return the digits of `number` as the target's language writes them; None where that is not certain."""
        if number.digits is None:
            (value, *more) = number.readings
            return None if more else write_value(value.rstrip("%").removeprefix("-"), self._other)
        digits = self._source[slice(*number.digits)]
        if number.kind in EXACT:
            return digits
        return None if number.kind is NumberKind.DATE else rewrite_digits(digits, self._own, self._other)

    def _find_miswritten(self) -> Iterator[NumberChange]:
        """Yield numbers whose digits were copied with separators that the target's language has not."""
        if self._own.decimals == self._other.decimals:
            return
        copied = {self._source[slice(*number.digits)]: number for number in self._numbers if number.digits}
        for wrong in self._written:
            if wrong.is_native or wrong.digits is None or wrong.kind is NumberKind.CODE:
                continue
            number = copied.get(self._target[slice(*wrong.digits)])
            if number is None or not number.is_native or not self._is_measure(number):
                continue
            if right := self._write(number):
                yield NumberChange(ChangeKind.CHANGED, number.span, number.text, wrong.digits, right)

    def _is_measure(self, number: Number) -> bool:
        """Whether a number with a point counts something: it is no version, no chapter."""
        if number.kind in (NumberKind.PERCENT, NumberKind.CURRENCY) or number.power or number.is_negative:
            return True
        if UNIT_AFTER.match(self._source, number.end):
            return True
        if self._own.decimal != ".":
            return True
        name = NAMED.search(self._source, max(0, number.start - FAR_NAME), number.start)
        return name is None or (name["name"] or "").lower() in BEGINNINGS

    def _find_units(self) -> Iterator[NumberChange]:
        """Yield numbers whose value came through in another currency, or in none."""
        for number in self._numbers:
            if not number.unit:
                continue
            unit = ALIKE_UNITS.get(number.unit, number.unit)
            same = [other for other in self._written if not number.readings.isdisjoint(other.readings)]
            units = {ALIKE_UNITS.get(other.unit, other.unit) for other in same}
            is_other = bool(units) and "" not in units and unit not in units
            if not is_other and not (len(same) == 1 and units == {""} and self._has_lost_money(number)):
                continue
            place, replacement = self._mend_unit(number, same[0]) if len(same) == 1 else (None, None)
            yield NumberChange(ChangeKind.CHANGED, number.span, number.text, place, replacement)

    def _has_lost_money(self, number: Number) -> bool:
        """Whether a number with a sign of a currency stands in a target that speaks of none."""
        is_sign = number.unit_span is not None and number.unit_span[0] < (number.digits or number.span)[0]
        return is_sign and self._other.base in MONEY_LANGUAGES and not MONEY.search(self._target)

    def _mend_unit(self, number: Number, wrong: Number) -> tuple[tuple[int, int] | None, str | None]:
        """Return the place of a wrong or missing currency, and the right one: a sign for a sign, a name for a name."""
        if wrong.digits is None or number.unit_span is None:
            return None, None
        sign = self._source[slice(*number.unit_span)]
        if sign.isalpha():
            sign = next(each for each, unit in CURRENCIES.items() if unit == number.unit)
        if wrong.unit_span is None:
            return (wrong.digits[0], wrong.digits[0]), sign
        if wrong.unit_span[0] < wrong.digits[0]:
            return wrong.unit_span, sign.upper()
        return wrong.unit_span, name_currency(number.unit, self._other)


def find_unstated(numbers: Sequence[Number], others: Sequence[Number]) -> list[Number]:
    """Return those of `numbers` that none of `others` may be, nor has as a piece."""
    said = all_readings(others) | {piece for other in others for piece in other.pieces}
    return [number for number in numbers if not number.is_among(said)]


def is_firm(number: Number, convention: Convention) -> bool:
    """Whether a text of `convention` would show `number` as a number that is read."""
    is_round = not number.readings.isdisjoint(ROUND)
    if number.is_word:
        return convention.reads_words and number.magnitude > MOST_LOOSE and not is_round
    if number.kind is NumberKind.CODE and len(number.text) == 1:
        return False
    return convention.reads_words or (number.magnitude > MOST_UNREAD and not is_round)


def find_converted(number: Number, text: str, others: Sequence[Number]) -> list[Number]:
    """Return those of `others` that may be `number`, of `text`, in another unit: "20 feet" for "6 metros"."""
    unit = UNIT.match(text, number.end)
    factors = unit and next((each for word, each in CONVERSIONS.items() if unit[1].lower().startswith(word)), None)
    if not factors:
        return []
    values = {read_magnitude(reading) * factor for reading in number.readings for factor in factors}
    return [
        other
        for other in others
        for reading in other.readings
        if any(abs(read_magnitude(reading) - value) <= CONVERSION_TOLERANCE * value for value in values)
    ]


def state_loosely(text: str, convention: Convention, numbers: Sequence[Number]) -> Iterator[str]:
    """Yield what a text may say besides its plain `numbers`: small words, "dozen", "XXI", scales that nobody reads."""
    yield from all_readings(find_numbers(text, convention.language))
    for word in WORD.findall(text.lower()):
        yield from LOOSE_WORDS.get(word, ())
    for roman in filter(None, ROMAN.findall(text)):
        values = [ROMAN_VALUES[letter] for letter in roman]
        yield str(sum(-one if one < two else one for one, two in zip(values, [*values[1:], 0], strict=True)))
    for ten in TWENTIES.findall(text):
        yield str(10 * (TENS.index(ten.lower()) + 2))
    for number in numbers:
        yield from read_unread_scales(number, convention)


def read_unread_scales(number: Number, convention: Convention) -> Iterator[str]:
    """Yield what `number` may mean, with scale words behind or before it in a language whose words nobody reads."""
    yield from number.readings
    if not convention.reads_words:
        yield from (scale_value(reading, power) for power in (3, 6, 9, 12) for reading in number.readings)


def pair_numbers(source: str, lost: list[Number], target: str, added: list[Number]) -> dict[Number, Number]:
    """Return which of the added numbers stands for which of the lost ones, where that is certain.

    Those of the same digits do; then one that is left over on each side, or several in the same order whose digits are
    alike.
    """
    pairs: dict[Number, Number] = {}
    left = list(added)
    for number in lost:
        same = [other for other in left if number.digits and digits_of(source, number) == digits_of(target, other)]
        if same:
            pairs[number] = same[0]
            left.remove(same[0])
    rest = [number for number in lost if number not in pairs]
    both = list(zip(rest, left, strict=False))
    if not rest or len(rest) != len(left) or any(not may_pair(*pair) for pair in both):
        return pairs
    digits = ((digits_of(source, one), digits_of(target, two)) for one, two in both)
    if len(rest) == 1 or all(SequenceMatcher(None, *pair, False).ratio() >= LEAST_LIKENESS for pair in digits):
        pairs |= dict(both)
    return pairs


def may_pair(one: Number, other: Number) -> bool:
    """Whether a number may stand for one of another kind: a price for no time."""
    return one.kind is other.kind or (one.kind not in APART and other.kind not in APART)


def digits_of(text: str, number: Number) -> str:
    """Return the bare digits of a number; empty of one in words."""
    return NOT_DIGIT.sub("", to_ascii(text[slice(*number.digits)])) if number.digits else ""
