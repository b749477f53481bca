"""Values of numbers: exact decimals as text, and what digits with separators may mean."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from polygist_service.text.numbers.conventions import BOTH, Convention

# A number by the rules of one decimal sign; the second grouping is India's.
FORMS = {
    sign: re.compile(
        rf"(?:(?P<grouped>[1-9]\d{{0,2}}(?:(?P<by>[{other}'’٬ \u00a0\u202f\u2009])\d{{3}})(?:(?P=by)\d{{3}})*"
        rf"|[1-9]\d?(?:,\d\d)+,\d{{3}})|(?P<plain>\d+))(?:[{sign}٫](?P<fraction>\d+))?"
    )
    for sign, other in ((".", ","), (",", "."))
}
NOT_DIGIT = re.compile(r"\D")


class NumberKind(Enum):
    """What a number counts or names."""

    CARDINAL = "cardinal"
    PERCENT = "percent"
    CURRENCY = "currency"
    ORDINAL = "ordinal"
    TIME = "time"
    DATE = "date"
    FRACTION = "fraction"
    POWER = "power"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a text gives it.

    Attributes:
        text: how it stands there.
        readings: what it may mean, such as "5000000" or "12.5%"; "5 m" may be five millions or five metres.
        parts: what else it says, such as the 5 of "5 million".
        start: of its span in the text, sign and currency included.
        end: of its span, what is said of it included.
        digits: the span of its digits; None of one in words.
        kind: what it counts or names.
        pieces: the numbers that it is if it is not one, such as those of a date.
        power: of ten, of its scale word; 0 without one.
        unit: its currency; empty of anything else.
        unit_span: where that stands.
        is_native: whether its digits are written as its language does.
    """

    text: str
    readings: frozenset[str]
    parts: frozenset[str]
    start: int
    end: int
    digits: tuple[int, int] | None
    kind: NumberKind = NumberKind.CARDINAL
    pieces: tuple[str, ...] = ()
    power: int = 0
    unit: str = ""
    unit_span: tuple[int, int] | None = None
    is_native: bool = True

    @property
    def span(self) -> tuple[int, int]:
        """Where it stands, with all that is said of it."""
        return self.start, self.end

    @property
    def is_word(self) -> bool:
        """Whether it is written in words."""
        return self.digits is None

    @property
    def is_negative(self) -> bool:
        """Whether it can mean nothing above zero."""
        return all(reading.startswith("-") for reading in self.readings)

    @property
    def magnitude(self) -> float:
        """About how large it is at most; 0 where it has no plain value."""
        return max(map(read_magnitude, self.readings))

    def is_among(self, readings: Collection[str]) -> bool:
        """Whether one of its readings is among `readings`, or all the numbers that it may be several of."""
        if any(reading in readings for reading in self.readings):
            return True
        return bool(self.pieces) and all(piece in readings for piece in self.pieces)


def all_readings(numbers: Iterable[Number]) -> set[str]:
    """Return all that some numbers may mean."""
    return {reading for number in numbers for reading in number.readings}


def read_literal(raw: str, convention: Convention) -> tuple[frozenset[str], bool]:
    """Return what digits with separators may mean, and whether they are written as the language does.

    What the language's own separators cannot mean is read with the other's; what neither can is no number: empty.
    """
    if raw.isascii() and raw.isdigit():
        return frozenset((normalise(raw),)), True
    own = frozenset(value for sign in convention.decimals for value in parse_decimal(raw, sign))
    return (
        (own, convention.parts_by_space or not any(map(str.isspace, raw)))
        if own
        else (frozenset(value for sign in BOTH for value in parse_decimal(raw, sign)), False)
    )


def parse_decimal(raw: str, sign: str) -> Iterator[str]:
    """Yield the value of `raw` with `sign` before the fraction; "5.000" is five thousand elsewhere, and often meant."""
    match = FORMS[sign].fullmatch(to_ascii(raw))
    if match is None:
        return
    fraction = match["fraction"] or ""
    whole = NOT_DIGIT.sub("", match["grouped"] or match["plain"])
    yield normalise(whole, fraction)
    if fraction == "000" and match["plain"] and len(whole) <= 3 and whole[0] != "0":
        yield normalise(whole + fraction)


def to_ascii(raw: str) -> str:
    """Return `raw` with the digits of every script as ASCII's."""
    if raw.isascii():
        return raw
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in raw)


def normalise(whole: str, fraction: str = "") -> str:
    """Return a value in ASCII digits, without zeros that say nothing."""
    whole, fraction = to_ascii(whole).lstrip("0") or "0", to_ascii(fraction).rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def scale_value(value: str, power: int) -> str:
    """Return a value times a power of ten; a fraction such as "1/3" as it is."""
    if not power or "/" in value:
        return value
    minus = "-" if value.startswith("-") else ""
    whole, _, fraction = value.removeprefix("-").partition(".")
    fraction = fraction.ljust(power, "0")
    return minus + normalise(whole + fraction[:power], fraction[power:])


def add_fraction(whole: str, fraction: str) -> str:
    """Return a whole number and a fraction, "0.5" or "1/3", as one value."""
    if "/" in fraction:
        return fraction if whole == "0" else f"{whole} {fraction}"
    return f"{whole}.{fraction.partition('.')[2]}"


def add_values(one: str, other: str) -> str:
    """Return the sum of two values that are whole numbers; the first alone of any other."""
    return str(int(one) + int(other)) if one.isdigit() and other.isdigit() else one


def read_magnitude(reading: str) -> float:
    """Return about how large a reading is; 0 of what is no plain value."""
    try:
        return abs(float(reading.rstrip("%")))
    except ValueError:
        return 0


def raw_digits(text: str, number: Number) -> str:
    """Return the digits of a number with what parts them, or its words."""
    return text[slice(*number.digits or number.span)]


def digits_of(text: str, number: Number) -> str:
    """Return the bare digits of a number, raised ones and those of a fraction too; empty of one in words."""
    return (
        NOT_DIGIT.sub("", to_ascii(unicodedata.normalize("NFKC", text[slice(*number.digits)]))) if number.digits else ""
    )
