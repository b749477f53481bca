"""Numbers of every kind, in sentences made by templates and in natural ones, translated between English and Portuguese.

The values are drawn, and their forms made by Babel, in en, pt-BR and pt-PT: none comes from the reader of the service.
"""

import random
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from pathlib import Path

from babel.dates import format_date, format_time
from babel.numbers import format_compact_decimal, format_decimal, format_percent
from polygist_client import Client

from bench.fidelity.kinds import Case, Kind
from bench.quality.sets import DataFolder

CASES = Path(__file__).with_name("cases")
SEED = 20261126
# Of each kind of number so many sentences are made, alternately in the two languages.
SENTENCES = 25
EN, BR, PT = "en", "pt_BR", "pt_PT"
PORTUGUESE = (BR, PT)
ORDINALS = {
    13: ("thirteenth", "décim[oa][ -]terceir[oa]"),
    14: ("fourteenth", "décim[oa][ -]quart[oa]"),
    15: ("fifteenth", "décim[oa][ -]quint[oa]"),
    17: ("seventeenth", "décim[oa][ -]sétim[oa]"),
    18: ("eighteenth", "décim[oa][ -]oitav[oa]"),
    19: ("nineteenth", "décim[oa][ -]non[oa]"),
    20: ("twentieth", "vigésim[oa]"),
    30: ("thirtieth", "trigésim[oa]"),
}
# Two to nine in words, and parts in figures and in words.
DIGITS = dict(
    enumerate(
        (
            "two|dois|duas",
            "three|três",
            "four|quatro",
            "five|cinco",
            "six|seis",
            "seven|sete",
            "eight|oito",
            "nine|nove",
        ),
        2,
    )
)
PARTS = {
    "½": ("1/2", "and a half|e mei[oa]"),
    "¼": ("1/4", "and a quarter|e um quarto"),
    "¾": ("3/4", "and three[ -]quarters|e três quartos"),
}
# What each currency is called, before the number, behind it, and what its own locale writes.
MONEY = {
    "dollars": (r"(?:US ?)?\$", r"(?:de )?(?:(?:US )?dollars?|d[óo]lares(?: americanos)?|(?:US ?)?\$|USD)", "USD"),
    "euros": ("€|EUR", "(?:de )?(?:euros?|€|EUR)", "EUR"),
    "pounds": ("£|GBP", "(?:de )?(?:pounds(?: sterling)?|British pounds|libras(?: esterlinas)?|£|GBP)", "GBP"),
    "reais": (r"R ?\$", r"(?:de )?(?:reais|R\$|BRL)", "BRL"),
}
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "BRL": "R$"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One sentence with numbers.

    Attributes:
        group: the kind of its numbers.
        source: language, "en" or "pt".
        text: the sentence.
        forms: for each of its numbers the pattern of all that is right in the other language.
    """

    group: str
    source: str
    text: str
    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A number as the source writes it, and a pattern of all that is right in the target."""

    written: str
    accepted: str


# Draws a number; what the source's locale writes, and what is right in each locale of the target.
Maker = Callable[[random.Random, str, Sequence[str]], list[Spelling]]


def decimal(value: Decimal | int, locale: str, places: int = 0) -> str:
    """Return a number as a locale writes it, with so many decimals."""
    return format_decimal(Decimal(value), format=f"#,##0.{'0' * places}" if places else "#,##0", locale=locale)


def any_of(forms: Sequence[str]) -> str:
    """Return a pattern of literal forms, of whatever white space."""
    return "|".join(r"\s".join(map(re.escape, form.split())) for form in dict.fromkeys(forms))


def spell(value: Decimal | int, source: str, targets: Sequence[str], places: int = 0) -> Spelling:
    """Return a plain number."""
    return Spelling(decimal(value, source, places), any_of(decimal_forms(value, targets, places)))


def decimal_forms(value: Decimal | int, locales: Sequence[str], places: int) -> list[str]:
    """Return a number as some locales write it; of four digits without a group too, which CLDR has for pt-PT."""
    forms = [decimal(value, locale, places) for locale in locales]
    return [*forms, *(re.sub(r"^(\d)[.,\s](?=\d{3}\b)", r"\1", form) for form in forms if value < 10_000)]


def whole(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make whole numbers of four to seven digits."""
    digits = draw.randint(4, 7)
    return [spell(draw.randrange(10 ** (digits - 1), 10**digits) | 1, source, targets)]


def small_decimal(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make numbers with one or two decimals."""
    places = draw.randint(1, 2)
    value = Decimal(draw.randrange(10, 9000) * 10 + draw.randint(1, 9)).scaleb(-places)
    return [spell(value % 1000, source, targets, places)]


def grouped_decimal(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make numbers with groups and decimals."""
    places = draw.randint(1, 2)
    value = Decimal(draw.randrange(10**5, 10**8) * 10 + draw.randint(1, 9)).scaleb(-places)
    return [spell(value, source, targets, places)]


def percent(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make shares with up to one decimal."""
    value = Decimal(draw.randrange(11, 990)).scaleb(-1)
    written = format_percent(value / 100, format="#,##0.#%", locale=source)
    numbers = any_of([format_percent(value / 100, format="#,##0.#%", locale=target)[:-1] for target in targets])
    return [Spelling(written, rf"(?:{numbers})\s?(?:%|per ?cent|por ?cento|pct)")]


def money(name: str) -> Maker:
    """Return what makes prices in one currency."""

    def make(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
        places = draw.choice((0, 2))
        value = (
            Decimal(draw.randrange(1000, 10**6) * 10 + draw.randint(1, 9)).scaleb(-2)
            if places
            else draw.randint(101, 9999)
        )
        before, behind, code = MONEY[name]
        number = decimal(value, source, places)
        # As newspapers do it: the sign first in English and Brazil, the euro behind in Portugal.
        written = (
            f"{number} €" if source == PT and code == "EUR" else f"{SIGNS[code]}{'' if source == EN else ' '}{number}"
        )
        numbers = any_of(decimal_forms(value, targets, places))
        return [Spelling(written, price(before, f"(?:{numbers})", behind))]

    return make


def price(before: str, number: str, behind: str) -> str:
    """Return a pattern of a number with a currency on either side."""
    return rf"(?:{before})\s?{number}|{number}\s?(?:{behind})"


def scaled(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make millions, billions and trillions with one decimal."""
    value = Decimal(draw.randrange(15, 999)).scaleb(-1) * 10 ** draw.choice((6, 9, 12))
    return [Spelling(compact(value, source), any_of(scaled_forms(value, targets)))]


def compact(value: Decimal, locale: str) -> str:
    """Return a number with a scale word, in full."""
    form: str = format_compact_decimal(value, format_type="long", locale=locale, fraction_digits=1)
    return form


def scaled_forms(value: Decimal, locales: Sequence[str]) -> list[str]:
    """Return a number with its scale word, in singular and plural: "1,5 milhão" and "1,5 milhões" are both read."""
    forms = [compact(value, locale) for locale in locales]
    plural = [form.replace("ilhão", "ilhões").replace("ilião", "iliões") for form in forms]
    return [*forms, *plural]


def scaled_money(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make millions and billions of a currency."""
    before, behind, code = MONEY[draw.choice(tuple(MONEY))]
    value = Decimal(draw.randrange(15, 999)).scaleb(-1) * 10 ** draw.choice((6, 9))
    name = {"USD": "dólares", "EUR": "euros", "GBP": "libras", "BRL": "reais"}[code]
    written = f"{SIGNS[code]}{compact(value, source)}" if source == EN else f"{compact(value, source)} de {name}"
    return [Spelling(written, price(before, f"(?:{any_of(scaled_forms(value, targets))})", behind))]


def day(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make dates in full."""
    value = date(draw.randint(1950, 2025), draw.randint(1, 12), draw.randint(2, 28))
    forms = [format_date(value, "long", locale=target) for target in targets]
    if EN in targets:
        forms.append(format_date(value, "long", locale="en_GB"))
        forms.append(format_date(value, "MMMM d y", locale=EN))
    return [Spelling(format_date(value, "long", locale=source), any_of(forms))]


def clock(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make times of the afternoon and evening."""
    hour, minute = draw.randint(13, 22), draw.choice((0, 15, 20, 30, 45, 50))
    late = r"(?:da|de) (?:tarde|noite)"
    if EN in targets:
        both = f"{hour - 12}[:.]{minute:02}" + (f"|{hour - 12}" if not minute else "")
        accepted = rf"(?:{both})\s?p\.?\s?m|{hour}[:.h]{minute:02}|(?:{both}) (?:in the|at)"
        return [Spelling(f"{hour}h{minute:02}" if minute else f"{hour}h", accepted)]
    written = format_time(time(hour, minute), "h:mm a", locale=EN).replace("PM", "p.m.")
    bare = rf"|{hour}\s?h(?:oras)?|{hour - 12}\s?(?:h|horas)? {late}" if not minute else ""
    accepted = rf"{hour}\s?[:h]\s?{minute:02}|{hour - 12}[:h]{minute:02} {late}{bare}"
    return [Spelling(written, accepted)]


def ordinal(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make ordinals in digits."""
    value = draw.choice(tuple(ORDINALS))
    english, portuguese = ORDINALS[value]
    if source == EN:
        return [Spelling(f"{value}th", rf"{value}[.]?[ºª]|{value}[oa]\b|{portuguese}|{value} anos")]
    return [Spelling(f"{value}.º" if source == PT else f"{value}º", f"{value}th|{english}")]


def decade(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make decades of the last century."""
    year = 10 * draw.randint(192, 199)
    if source == EN:
        return [Spelling(f"{year}s", rf"(?:década|décadas|anos)(?: de)? (?:{year}|{year % 100})")]
    return [Spelling(str(year), rf"{year}['’]?s|['’]?{year % 100}['’]?s")]


def two(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make the ends of a range."""
    first = draw.randrange(1001, 40_000) | 1
    return [spell(first, source, targets), spell(first + draw.randrange(1000, 50_000), source, targets)]


def mixed(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make whole numbers with a half or a quarter."""
    number, (sign, part) = draw.randint(2, 9), draw.choice((("½", "5"), ("¼", "25"), ("¾", "75")))
    value = Decimal(f"{number}.{part}")
    forms = any_of([f"{number}{sign}", f"{number} {sign}", *(decimal(value, each, len(part)) for each in targets)])
    plain, said = PARTS[sign]
    return [Spelling(f"{number}{sign}", rf"{forms}|{number} {plain}|(?:{number}|{DIGITS[number]})(?: \w+)? (?:{said})")]


def power(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make powers of ten in superscript, with a factor."""
    exponent = "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(draw.randint(4, 30)))
    factor = Decimal(draw.randrange(11, 99)).scaleb(-1)
    factors = any_of([decimal(factor, target, 1) for target in targets])
    return [Spelling(f"{decimal(factor, source, 1)} × 10{exponent}", rf"(?:{factors})\s?[×x]\s?10{exponent}")]


def negative(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make numbers below zero."""
    value = Decimal(draw.randrange(11, 399)).scaleb(-1)
    forms = any_of([decimal(value, target, 1) for target in targets])
    accepted = rf"(?:[-−–]|minus |menos )(?:{forms})|(?:{forms})\s?(?:°\s?C|graus|degrees)[^.]{{0,12}}(?:negativ|below)"
    return [Spelling(f"-{decimal(value, source, 1)}", accepted)]


def score(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make scores of football."""
    won, lost = draw.randint(2, 6), draw.randint(0, 3)
    return [Spelling(f"{won}-{lost}", rf"{won}\s?[-–]\s?{lost}|{won} (?:to|a) {lost}|{won}x{lost}")]


def code(draw: random.Random, source: str, targets: Sequence[str]) -> list[Spelling]:
    """Make telephone numbers, versions and references, which stay as they are."""
    form = draw.choice(("+351 91# ### ###", "0800 ### ####", "#.1#.#", "####-###", "AB-####", "#####/2#", "TP1###"))
    written = "".join(str(draw.randint(1, 9)) if sign == "#" else sign for sign in form)
    return [Spelling(written, any_of([written]))]


MAKERS: dict[str, Maker] = {
    "whole numbers": whole,
    "decimals": small_decimal,
    "grouped decimals": grouped_decimal,
    "per cent": percent,
    **{name: money(name) for name in MONEY},
    "millions and more": scaled,
    "money in millions and more": scaled_money,
    "dates": day,
    "times": clock,
    "ordinals": ordinal,
    "decades": decade,
    "ranges": two,
    "fractions": mixed,
    "powers": power,
    "below zero": negative,
    "scores": score,
    "codes": code,
}


def make_samples() -> Iterator[Sample]:
    """Yield the sentences of all templates, the same at every run."""
    templates = tomllib.loads((CASES / "numbers_templates.toml").read_text("utf-8"))
    draw = random.Random(SEED)
    for group, sentences in templates.items():
        for at in range(SENTENCES):
            source, targets = ((EN, PORTUGUESE), (BR, (EN,)), (EN, PORTUGUESE), (PT, (EN,)))[at % 4]
            language = source[:2]
            spellings = MAKERS[group](draw, source, targets)
            sentence = sentences[language][at // 2 % len(sentences[language])]
            written = dict(zip("nm", (each.written for each in spellings), strict=False))
            yield Sample(
                group,
                language,
                sentence.format(**written).replace("..", "."),
                tuple(each.accepted for each in spellings),
            )


def read_samples() -> Iterator[Sample]:
    """Yield the natural sentences; of each its language, itself, and for each number the forms that are right."""
    for line in (CASES / "numbers_real.tsv").read_text("utf-8").splitlines():
        source, text, *forms = line.split("\t")
        yield Sample(f"natural, {source}", source, text, tuple(any_of(form.split("|")) for form in forms))


def find_fault(sample: Sample, text: str) -> str:
    """Return what is wrong with a translation; empty where every number stands in one of its right forms."""
    missing = [
        form for form in sample.forms if not re.search(rf"(?<![\w.,-])(?:{form})(?!\w|[.,]\d)", text, re.IGNORECASE)
    ]
    return f"{text!r} lacks {' and '.join(missing)}" if missing else ""


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate all sentences and look for the numbers of each."""
    samples = [*make_samples(), *read_samples()]
    cases: dict[int, Case] = {}
    for source, target in (("en", "pt"), ("pt", "en")):
        places = [at for at, sample in enumerate(samples) if sample.source == source]
        texts = [samples[at].text for at in places]
        for at, translation in zip(places, client.translate_many(texts, to=target, source=source), strict=True):
            sample = samples[at]
            is_warned = any(warning.code == "number-changed" for warning in translation.warnings)
            cases[at] = Case(sample.group, sample.text, find_fault(sample, translation.text), is_warned)
    return Kind("Numbers", [cases[at] for at in range(len(samples))], 0.99, allows_silence=False)
