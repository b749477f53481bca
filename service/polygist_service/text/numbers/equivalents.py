"""What stands for a number of another text without being that number: words, numerals, converted units."""

import re
from collections.abc import Iterator, Mapping, Sequence

from polygist_service.text.numbers.conventions import Convention
from polygist_service.text.numbers.reading import find_numbers
from polygist_service.text.numbers.values import (
    Number,
    NumberKind,
    all_readings,
    normalise,
    read_magnitude,
    scale_value,
)
from polygist_service.text.numbers.writing import CLOCK

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
WORD = re.compile(r"(?:meio|meia)-[^\W\d_]+|[^\W\d_]+")
ROMAN = re.compile(r"\b(?=[MDCLXVI])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b")
ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
TENS = ("twent", "thirt", "fort", "fift", "sixt", "sevent", "eight", "ninet")
TWENTIES = re.compile(rf"\b({'|'.join(TENS)})ies\b", re.IGNORECASE)
# How much of a metric or imperial unit one of the other system is, by how their names begin: translators convert, and
# round.
UNIT = re.compile(r"(?:\s?(?:[-–]|to|a|and|e|y|à|bis)\s?\d+(?:[.,]\d+)?)?[\s\u00a0-]?([^\W\d_]+)")
IMPERIAL: Mapping[str, tuple[float, ...]] = {
    **dict.fromkeys(("mile", "mph", "milha"), (1.609,)),
    **dict.fromkeys(("feet", "foot", "ft", "pé"), (0.3048, 30.48)),
    **dict.fromkeys(("inch", "polegada"), (2.54, 25.4, 0.0254)),
    **dict.fromkeys(("pound", "lb", "libra"), (0.4536,)),
    **dict.fromkeys(("yard", "jarda"), (0.9144,)),
    **dict.fromkeys(("acre",), (0.4047, 4047.0)),
    **dict.fromkeys(("gallon", "gal"), (3.785,)),
    **dict.fromkeys(("ounce", "oz", "onça"), (28.35,)),
}
METRIC: Mapping[str, tuple[float, ...]] = {
    **dict.fromkeys(("km", "kg", "quil", "kil", "kph"), (0.6214, 2.205)),
    **dict.fromkeys(("cent", "cm"), (0.3937,)),
    **dict.fromkeys(("met", "mm", "m"), (3.281, 1.094)),
}
CONVERSION_TOLERANCE = 0.1
FAR_NAME = 24
# What stands before a telephone number, and behind what is counted.
NOT_COUNTED = re.compile(
    r"(?:\d|\+|\)|\b(?:número|tel|telefone|telemóvel|fax|phone|ligue|call|nº)\.?:?|\b[A-Z]\w*)\s?$"
)
COUNTED_AFTER = re.compile(r"\s(?:de\s)?[^\W\d_]{3,}")


def is_firm(number: Number, convention: Convention) -> bool:
    """Whether a text of `convention` would show `number` as a number that is read."""
    is_round = not number.readings.isdisjoint(ROUND)
    if number.is_word:
        return convention.reads_words and number.magnitude > MOST_LOOSE and not is_round
    if number.kind is NumberKind.CODE and len(number.text) == 1:
        return False
    return convention.reads_words or (number.magnitude > MOST_UNREAD and not is_round)


def find_converted(number: Number, text: str, others: Sequence[Number], other_text: str) -> list[Number]:
    """Return those of `others` that may be `number`, of `text`, in a unit of another system: "20 feet", "6 metros"."""
    for own, foreign in ((IMPERIAL, METRIC), (METRIC, IMPERIAL)):
        if factors := find_factors(number, text, own):
            values = {read_magnitude(reading) * factor for reading in number.readings for factor in factors}
            return [
                other
                for other in others
                if find_factors(other, other_text, foreign)
                for reading in other.readings
                if any(abs(read_magnitude(reading) - value) <= CONVERSION_TOLERANCE * value for value in values)
            ]
    return []


def find_factors(number: Number, text: str, units: Mapping[str, tuple[float, ...]]) -> tuple[float, ...]:
    """Return what one of the unit behind `number` is in the other system; nothing where it is none of `units`."""
    # "550 pounds" may be money.
    is_behind = number.unit_span is not None and number.unit_span[0] > number.start
    match = UNIT.match(text, number.unit_span[0] if number.unit_span and is_behind else number.end)
    unit = match[1].lower() if match else ""
    named = (each for word, each in units.items() if unit == word or (len(word) > 1 and unit.startswith(word)))
    return next(named, ())


def state_loosely(text: str, convention: Convention, numbers: Sequence[Number]) -> Iterator[str]:
    """Yield what a text may say besides its plain `numbers`: small words, "dozen", "XXI", scales that nobody reads."""
    yield from all_readings(find_numbers(text.replace("-", " "), convention.language))
    for word in WORD.findall(text.lower()):
        yield from LOOSE_WORDS.get(word, ())
    for roman in filter(None, ROMAN.findall(text)):
        values = [ROMAN_VALUES[letter] for letter in roman]
        yield str(sum(-one if one < two else one for one, two in zip(values, [*values[1:], 0], strict=True)))
    for ten in TWENTIES.findall(text):
        yield str(10 * (TENS.index(ten.lower()) + 2))
    for number in numbers:
        yield from read_unread_scales(number, convention)
        yield from read_point_times(number)


def read_point_times(number: Number) -> Iterator[str]:
    """Yield what a time is as digits with a point, and the other way round: "17.30" may be "17h30"."""
    if number.kind is NumberKind.TIME:
        clocks = (reading.split(":") for reading in number.readings if reading.count(":") == 1)
        yield from (normalise(hour, minute) for hour, minute in clocks)
    elif CLOCK.fullmatch(number.text):
        hour, minute = number.text.split(".")
        yield f"{int(hour)}:{minute}"


def read_unread_scales(number: Number, convention: Convention) -> Iterator[str]:
    """Yield what `number` may mean, with scale words behind or before it in a language whose words nobody reads."""
    yield from number.readings
    if not convention.reads_words:
        yield from (scale_value(reading, power) for power in (3, 6, 9, 12) for reading in number.readings)


def is_counted(number: Number, text: str) -> bool:
    """Whether plain spaces part the groups of a count, in `text`, and not those of a telephone number."""
    if number.digits is None or number.end > number.digits[1]:
        return number.digits is not None
    if NOT_COUNTED.search(text, max(0, number.start - FAR_NAME), number.start):
        return False
    return COUNTED_AFTER.match(text, number.end) is not None
