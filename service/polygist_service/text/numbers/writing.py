"""Numbers written as a language writes them."""

import re

from babel import Locale
from babel.numbers import get_currency_name

from polygist_service.text.numbers.conventions import Convention, convention_of, find_locale
from polygist_service.text.numbers.reading import TWELVE_HOURS
from polygist_service.text.numbers.values import FORMS, NOT_DIGIT, to_ascii

# A cell of a table that holds one number and no more than a sign, a currency and a unit.
CURRENCY = r"(?:[A-Z]{0,3}[$£€¥₹₽₩]|[A-Z]{3}|Fr\.|zł|kr)"
CELL = re.compile(
    rf"(?P<before>\s*[(]?[+\-−±~≈<>≤≥]?\s?{CURRENCY}?\s?[+\-−]?)"
    r"(?P<digits>\d(?:[\d.,'’٫٬\u00a0\u202f\u2009 ]*\d)?)"
    rf"(?P<after>\s?(?:%|‰|°[CF]?|{CURRENCY})?[)]?\s*)"
)
LONGEST_CELL = 80
# Languages that write "17h30".
HOUR_LETTER = frozenset(("pt", "fr"))
# Languages whose nouns have no capital.
LOWER_CASE = frozenset(("pt", "es", "fr", "it"))
ISO_CURRENCY = {"$": "USD"}


def localise_number(text: str, source_language: str, target_language: str) -> str:
    """Return a cell that is one number, such as ``$1,299.99``, as the target writes it; any other as it is.

    Codes, dates, telephone numbers and versions are no such number: a year has no group, ``1.2.3`` no value.
    """
    match = CELL.fullmatch(text) if len(text) <= LONGEST_CELL else None
    if match is None:
        return text
    written = rewrite_digits(match["digits"], convention_of(source_language), convention_of(target_language))
    return text if written is None else f"{match['before']}{written}{match['after']}"


def rewrite_digits(digits: str, source: Convention, target: Convention) -> str | None:
    """Return digits of one convention in another's, grouped where they were and with as many decimals.

    Returns:
        None where the source's convention reads no number in them, or may read more than one.
    """
    if len(source.decimals) != 1:
        return None
    match = FORMS[source.decimals[0]].fullmatch(to_ascii(digits))
    if match is None:
        return None
    grouped = match["grouped"]
    whole = NOT_DIGIT.sub("", grouped or match["plain"])
    # Plain spaces part a telephone number as well.
    if match["by"] == " " or (match["by"] and match["by"].isspace() and target.parts_by_space):
        whole = grouped
    elif grouped:
        whole = group(whole, target.group)
    return whole if match["fraction"] is None else f"{whole}{target.decimal}{match['fraction']}"


def write_value(value: str, target: Convention) -> str:
    """Return a value, such as "1234.5", as the target writes it, grouped from 10,000 on."""
    whole, point, fraction = value.partition(".")
    whole = group(whole, target.group) if len(whole) > 4 else whole
    return f"{whole}{target.decimal}{fraction}" if point else whole


def group(whole: str, sign: str) -> str:
    """Return the digits of a whole number with `sign` between groups of three."""
    first = len(whole) % 3 or 3
    return sign.join((whole[:first], *(whole[at : at + 3] for at in range(first, len(whole), 3))))


def write_scale(value: str, power: int, target: Convention) -> str | None:
    """Return the word for a power of ten behind `value`; None where the language has none, or several for more."""
    words = target.written_scales.get(power)
    return words and words[0 if target.is_one(value) else 1]


def write_time(time: str, target: Convention) -> str:
    """Return a time of day, "17:30", as the target writes it."""
    hour, minute = time.split(":")
    if target.base in TWELVE_HOURS:
        minutes = "" if minute == "00" else f":{minute}"
        return f"{(int(hour) - 1) % 12 + 1}{minutes} {'p' if int(hour) >= 12 else 'a'}.m."
    if target.base in HOUR_LETTER:
        return f"{hour}h{minute}" if minute != "00" else f"{hour}h"
    return time


def name_currency(unit: str, target: Convention) -> str | None:
    """Return the name of a currency, of several, in the target's language; None where CLDR does not know that."""
    locale: Locale | None = find_locale(target.language)
    name: str = get_currency_name(ISO_CURRENCY.get(unit, unit), count=2, locale=locale) if locale else ""
    # CLDR writes some as they stand in a list.
    return (name[0].lower() + name[1:] if target.base in LOWER_CASE else name) or None
