"""The numbers of a text, in digits or in words of English and Portuguese, as values that can be compared."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

# Digits whose groups of three are parted; other digits; a word; a sign.
TOKEN = re.compile(
    r"(?P<grouped>[1-9]\d{0,2}(?:(?P<by>[.,'’\u00a0\u202f ])\d{3}(?!\d))(?:(?P=by)\d{3}(?!\d))*(?P<rest>[.,]\d+)?)"
    r"|(?P<digits>\d+(?:[.,]\d+)*)|(?P<word>[^\W\d_]+)|(?P<sign>%)"
)
NOT_DIGIT = re.compile(r"\D")
# What stands between the parts of one number.
BETWEEN = frozenset(("", " ", "-", "\u2011", "\u00a0", "\u202f"))

UNITS = {
    word: value
    for value, words in enumerate(
        (
            "zero",
            "one um uma first primeiro primeira",
            "two dois duas second segundo segunda",
            "three três third terceiro terceira",
            "four quatro fourth quarto quarta",
            "five cinco fifth quinto quinta",
            "six seis sixth sexto sexta",
            "seven sete seventh sétimo sétima",
            "eight oito eighth oitavo oitava",
            "nine nove ninth nono nona",
            "ten dez tenth décimo décima",
            "eleven onze eleventh",
            "twelve doze twelfth",
            "thirteen treze thirteenth",
            "fourteen catorze quatorze fourteenth",
            "fifteen quinze fifteenth",
            "sixteen dezasseis dezesseis sixteenth",
            "seventeen dezassete dezessete seventeenth",
            "eighteen dezoito eighteenth",
            "nineteen dezanove dezenove nineteenth",
        )
    )
    for word in words.split()
}
TENS = {
    word: 10 * value
    for value, words in enumerate(
        (
            "twenty twentieth vinte vigésimo vigésima",
            "thirty thirtieth trinta trigésimo trigésima",
            "forty fortieth quarenta quadragésimo quadragésima",
            "fifty fiftieth cinquenta quinquagésimo quinquagésima",
            "sixty sixtieth sessenta sexagésimo sexagésima",
            "seventy seventieth setenta septuagésimo septuagésima",
            "eighty eightieth oitenta octogésimo octogésima",
            "ninety ninetieth noventa nonagésimo nonagésima",
        ),
        2,
    )
    for word in words.split()
}
HUNDREDS = dict.fromkeys(("cem", "cento", "hundredth", "centésimo", "centésima"), 100)
WORDS: Mapping[str, int] = {**UNITS, **TENS, **HUNDREDS}
# Powers of ten.
SCALES: Mapping[str, int] = {
    "hundred": 2,
    **dict.fromkeys(("thousand", "mil", "k"), 3),
    **dict.fromkeys(("million", "millions", "milhão", "milhões", "m", "mn"), 6),
    **dict.fromkeys(("billion", "billions", "bilhão", "bilhões", "bn"), 9),
    **dict.fromkeys(("bilião", "biliões", "trillion", "trillions", "trilhão", "trilhões", "tn"), 12),
}
# "5 m" may be metres.
UNSURE_SCALES = frozenset(("m", "k"))
PER_CENT = (("%",), ("percent",), ("pct",), ("per", "cent"), ("por", "cento"))
# These are pronouns, adverbs, prepositions and weekdays more often than numbers: a source may state a number by them,
# a summary claims none.
AMBIGUOUS = frozenset(
    (
        *("one", "um", "uma", "first", "primeiro", "primeira", "second", "segundo", "segunda"),
        *("terceira", "quarto", "quarta", "quinto", "quinta", "sexto", "sexta"),
    )
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a text gives it.

    Attributes:
        text: how it stands there.
        readings: what it may mean, such as "5000000" or "12.5%"; "5 m" may be five millions or five metres.
        parts: what else it says, such as the 5 of "5 million".
    """

    text: str
    readings: frozenset[str]
    parts: frozenset[str] = frozenset()


def claim_numbers(text: str) -> Iterator[Number]:
    """The numbers that a summary's `text` claims, in order."""
    return (number for number in find_numbers(text) if number.text.lower() not in AMBIGUOUS)


def state_numbers(text: str) -> set[str]:
    """All that a summary may claim of the numbers of its source `text`."""
    return {reading for number in find_numbers(text) for reading in number.readings | number.parts}


def find_numbers(text: str) -> Iterator[Number]:
    """The numbers of `text`, in order: digits with what is said of them, and words up to a hundred."""
    tokens = list(TOKEN.finditer(text))
    at = 0
    while at < len(tokens):
        if value := read_value(tokens[at]):
            number, at = read_number(text, tokens, at, value)
            yield number
        else:
            at += 1


def read_value(token: re.Match[str]) -> str | None:
    """The value of one token; None of what is no number."""
    if token["grouped"]:
        rest = token["rest"] or ""
        return normalise(NOT_DIGIT.sub("", token["grouped"].removesuffix(rest)), rest[1:])
    if token["digits"]:
        parts = NOT_DIGIT.split(token["digits"])
        return normalise(*parts) if len(parts) <= 2 else token["digits"]
    value = WORDS.get(token.group().lower())
    return None if value is None else str(value)


def normalise(whole: str, fraction: str = "") -> str:
    """Return a value without zeros that say nothing."""
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def read_number(text: str, tokens: Sequence[re.Match[str]], at: int, value: str) -> tuple[Number, int]:
    """The number that begins with the token at `at`, whose value is `value`, and the place behind it."""
    first, values, parts = tokens[at], {value}, read_parts(tokens[at])
    unit, at = read_unit(text, tokens, at)
    if unit:
        parts.add(value)
        value = str(int(value) + int(unit))
        values = {value}
        parts.add(unit)
    while (scale := SCALES.get(next_token(text, tokens, at))) is not None:
        at += 1
        parts |= values
        scaled = scale_value(value, scale)
        values = {value, scaled} if tokens[at].group().lower() in UNSURE_SCALES else {scaled}
        value = scaled
    for sign in PER_CENT:
        if all(next_token(text, tokens, at + step) == word for step, word in enumerate(sign)):
            at += len(sign)
            parts |= values
            values = {f"{each}%" for each in values}
            break
    return Number(text[first.start() : tokens[at].end()], frozenset(values), frozenset(parts)), at + 1


def read_parts(token: re.Match[str]) -> set[str]:
    """The numbers of a date, and those that only seem to be groups of one."""
    if token["digits"] or (token["by"] or "").isspace():
        pieces = NOT_DIGIT.split(token.group())
        return set(map(normalise, pieces)) if len(pieces) != 2 or token["by"] else set()
    return set()


def read_unit(text: str, tokens: Sequence[re.Match[str]], at: int) -> tuple[str, int]:
    """The five of "twenty-five" and "vinte e cinco", and its place; empty where there is none."""
    if tokens[at].group().lower() in TENS:
        steps = 2 if next_token(text, tokens, at) == "e" else 1
        unit = UNITS.get(next_token(text, tokens, at + steps - 1), 0)
        if 0 < unit < 10:
            return str(unit), at + steps
    return "", at


def next_token(text: str, tokens: Sequence[re.Match[str]], at: int) -> str:
    """The token after the one at `at`, lower-cased; empty where something stands between them."""
    if at + 1 >= len(tokens) or text[tokens[at].end() : tokens[at + 1].start()] not in BETWEEN:
        return ""
    return tokens[at + 1].group().lower()


def scale_value(value: str, power: int) -> str:
    """Return a value times a power of ten."""
    whole, _, fraction = value.partition(".")
    fraction = fraction.ljust(power, "0")
    return normalise(whole + fraction[:power], fraction[power:])
