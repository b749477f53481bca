"""The numbers of a text, in digits or in words, as values that can be compared."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from polygist_service.text.numbers.conventions import (
    CURRENCIES,
    TWELVE_HOURS,
    Convention,
    convention_of,
    find_words,
    may_hold_words,
)
from polygist_service.text.numbers.values import (
    NOT_DIGIT,
    Number,
    NumberKind,
    add_fraction,
    add_values,
    normalise,
    read_literal,
    scale_value,
)
from polygist_service.text.numbers.writing import is_clock

DIGIT = r"[\d¼½¾⅐-⅞]"
SPACE = r"[ \u00a0\u202f]"
HALF_DAY = rf"(?:{SPACE}?(?P<half>[ap])\.?[ ]?m\b\.?)"
# The forms of digits, the most particular first. A point or comma parts groups or a fraction, a space only groups.
FORM = re.compile(
    rf"(?={DIGIT})(?:"
    r"(?P<date>(?<![\d.,/:-])"
    r"(?:\d{4}(?P<by>[-/.])\d{1,2}(?P=by)\d{1,2}|\d{1,2}(?P<sign>[-/.])\d{1,2}(?P=sign)\d\d(?:\d\d)?)"
    r"(?!\d|[-/.:,]\d))"
    r"|(?P<time>(?<![\d.,:])(?P<hour>[01]?\d|2[0-4])"
    rf"(?:(?:[:h]|{SPACE}h{SPACE}?|[.](?=\d\d{SPACE}?(?:[ap]\.?[ ]?m\b|uhr|utc|gmt|h\b|hrs|horas"
    r"|d[aeu] (?:la )?(?:tarde|noite|manhã|mañana|noche|madrugada|soir|matin))))"
    rf"(?P<minute>[0-5]\d)(?!\d)(?::(?P<second>[0-5]\d)(?!\d)(?P<part>[.,]\d{{1,3}}(?!\d))?)?"
    rf"|{SPACE}?h(?:rs|r|s)?(?![^\W_])|(?={SPACE}?[ap]\.?[ ]?m\b)){HALF_DAY}?)"
    rf"|(?P<power>(?:(?P<factor>\d{{1,9}}(?:[.,]\d{{1,9}})?){SPACE}?[×x·*]{SPACE}?)?"
    r"(?P<base>\d+)(?:(?P<raised>[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)|\^(?P<exponent>[-−]?\d+)))"
    rf"|(?P<vulgar>(?:(?P<whole>\d+){SPACE}?)?(?P<fraction>[¼½¾⅐-⅞]))"
    r"|(?P<slash>(?<![\d/.,])\d{1,3}/\d{1,3}(?![\d/]))"
    r"|(?P<literal>(?:\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+(?!\d)|\d+)(?:[.,'’٫٬]\d+)*))",
    re.IGNORECASE,
)
HAS_DIGIT = re.compile(DIGIT)
# What is longer counts nothing.
MOST_DIGITS = 40
VULGAR = {
    **{"¼": "0.25", "½": "0.5", "¾": "0.75", "⅓": "1/3", "⅔": "2/3", "⅕": "0.2", "⅖": "0.4", "⅗": "0.6", "⅘": "0.8"},
    **{"⅛": "0.125", "⅜": "0.375", "⅝": "0.625", "⅞": "0.875"},
}
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−", "0123456789-+-")

# What may stand before digits, and how far. A sign is one at the start of a word only.
BEFORE = re.compile(
    r"(?P<sign>(?:^|(?<=[\s(\[/|–—\"'“‘]))[-−])?(?P<currency>(?:(?<![^\W_])(?:(?:US|R)[ ]?|A|C|HK|NZ|CA|AU))?\$"
    r"|[£€¥₹₽₩]|(?<![^\W_])(?:USD|EUR|GBP|BRL|CHF|JPY|Fr\.))?"
    rf"(?(currency){SPACE}?)(?P<late>(?:^|(?<=[\s(\[/|–—\"'“‘$£€¥]))[-−])?$",
    re.IGNORECASE,
)
MINUS_WORD = re.compile(r"(?:^|\s)(?:minus|menos|moins|meno|min)\s$", re.IGNORECASE)
FAR_BEFORE = 8
DECADE_BEFORE = re.compile(r"(?:\b(?:anos|década de|décadas de|años|années|anni|jaren)\s|['’])$", re.IGNORECASE)
HALF_BEFORE = re.compile(r"\b(?:half[ ]an?|half|mei[oa]|medi[oa]|un[ ]demi|eine[ ]halbe|mezzo)[\s-]$", re.IGNORECASE)
FAR_WORDS_BEFORE = 14

# What may stand behind: nothing does where neither a letter nor one of these signs follows.
MAY_FOLLOW = re.compile(rf"{SPACE}?[-.'’]?(?:[^\W\d_]|[%٪％£€¥₹₽₩$ºª])")
PER_CENT = re.compile(
    r"[\s\u00a0\u202f-]?(?:[%٪％]|(?:per[ ]?cent|pct|percentage[ ]points?|percentage|por[ ]?cento"
    r"|pontos?[ ]percentua(?:is|l)|p\.p\.|pour[ ]cent|Prozent|procent|por[ ]ciento|per[ ]cento)(?![^\W_])"
    r"|процент\w{0,3})",
    re.IGNORECASE,
)
CURRENCY_AFTER = re.compile(
    rf"{SPACE}?(?:(?:de|of)[ ])?(?P<currency>[£€¥₹₽₩$](?!{SPACE}?\d)|(?:zł|USD|EUR|GBP|BRL|CHF|euros?|dollars?"
    r"|dólar(?:es)?|reais|pounds?|libras?)(?![^\W_]))",
    re.IGNORECASE,
)
ORDINAL_AFTER = re.compile(r"(?:(?:st|nd|rd|th|er|re|[eè]me|e)(?![^\W_])|\.?[ºª]|[oa](?![^\W_]))", re.IGNORECASE)
DECADE_AFTER = re.compile(r"['’]?s(?![^\W_])")
AND_HALF = re.compile(r"\s(?:and[ ]a[ ]half|e[ ]mei[oa]|y[ ]medi[oa]|et[ ]demie?|e[ ]mezzo)\b", re.IGNORECASE)
DAY_HALF = re.compile(
    r"\s?(?:horas\s)?(?:(?P<morning>da[ ]manhã|da[ ]madrugada|de[ ]la[ ]mañana|du[ ]matin|in[ ]the[ ]morning)"
    r"|da[ ](?:tarde|noite)|de[ ]la[ ](?:tarde|noche)|du[ ]soir|in[ ]the[ ](?:afternoon|evening)|at[ ]night)\b",
    re.IGNORECASE,
)
# Languages that have no "p.m.".
TWENTY_FOUR_HOURS = frozenset(("pt", "fr", "de", "it", "nl", "ru", "pl", "da", "sv"))
HOURS_AFTER = re.compile(r"\s(?:horas?|hours?|heures?|Uhr|o['’]clock)\b", re.IGNORECASE)
# No language counts further: a run of scale words ends here.
MOST_POWER = 24
# Between two numbers that share what stands behind the second.
RANGE = re.compile(r"\s?[-–—/]\s?|\s(?:to|and|or|a|e|ou|até|à|y|o|et|bis|und)\s(?:as\s|os\s)?", re.IGNORECASE)
FAR_BETWEEN = 6

# These are pronouns, adverbs, prepositions and weekdays more often than numbers: a source may state a number by them,
# a summary claims none.
AMBIGUOUS = frozenset(
    (
        *("one", "um", "uma", "first", "primeiro", "primeira", "second", "segundo", "segunda"),
        *("terceira", "quarto", "quarta", "quinto", "quinta", "sexto", "sexta"),
    )
)
# Other languages have more such words below this ("neuf", "sei", "acht"), which nobody listed.
LISTED, LEAST_CLAIM = frozenset(("en", "pt")), 13


def claim_numbers(text: str, language: str = "und") -> Iterator[Number]:
    """Yield the numbers that a summary's `text` claims, in order; one that falls may be written with a minus."""
    is_listed = language.partition("-")[0] in LISTED
    for number in find_numbers(text, language):
        if number.is_word and (number.text.lower() in AMBIGUOUS or not (is_listed or number.magnitude >= LEAST_CLAIM)):
            continue
        yield replace(number, readings=number.readings | {reading.removeprefix("-") for reading in number.readings})


def state_numbers(text: str, language: str = "und") -> set[str]:
    """Return all that a summary may claim of the numbers of its source `text`."""
    numbers = find_numbers(text, language)
    return {each for number in numbers for each in (*number.readings, *number.parts, *number.pieces)}


def find_numbers(text: str, language: str = "und", *, least_word: float = 0) -> list[Number]:
    """Return the numbers of `text`, in order.

    Args:
        text: of one language.
        language: a canonical tag; of one that CLDR does not know both conventions are read.
        least_word: leave out lone words of this value and less.
    """
    convention = convention_of(language)
    numbers: list[Number] = []
    end = 0
    for match in FORM.finditer(text) if HAS_DIGIT.search(text) else ():
        # What is said of a number may have digits of its own.
        if match.start() >= end:
            numbers.append(read_digits(text, match, convention))
            end = numbers[-1].end
    if may_hold_words(text, convention, least_word) and (
        words := list(read_words(text, numbers, convention, least_word))
    ):
        numbers = sorted((*numbers, *words), key=lambda number: number.start)
    return join_ranges(text, numbers, convention)


def read_digits(text: str, match: re.Match[str], convention: Convention) -> Number:
    """Return the number that `match`, of FORM, begins."""
    raw, span = match.group(), match.span()
    if len(raw) > MOST_DIGITS:
        return Number(raw, frozenset((raw,)), frozenset(), *span, span, NumberKind.CODE)
    if match["literal"]:
        return read_plain(text, raw, span, convention)
    if match["date"]:
        return read_date(raw, span)
    if match["time"]:
        return read_time(text, match, convention)
    if match["power"]:
        reading = f"{normalise(match['base'])}^{(match['raised'] or match['exponent']).translate(RAISED)}"
        factors, is_native = read_literal(match["factor"], convention) if match["factor"] else (frozenset[str](), True)
        readings = frozenset(f"{factor}×{reading}" for factor in factors) or frozenset((reading,))
        return Number(raw, readings, factors, *span, span, NumberKind.POWER, is_native=is_native)
    if match["slash"]:
        pieces = normalise(raw.partition("/")[0]), normalise(raw.partition("/")[2])
        number = Number(raw, frozenset(("/".join(pieces),)), frozenset(), *span, span, NumberKind.FRACTION, pieces)
    else:
        whole, fraction = normalise(match["whole"] or "0"), VULGAR.get(match["fraction"], match["fraction"])
        readings = frozenset((add_fraction(whole, fraction),))
        number = Number(raw, readings, frozenset((whole,)), *span, span, NumberKind.FRACTION)
    return add_context(text, number, convention)


def read_plain(text: str, raw: str, span: tuple[int, int], convention: Convention) -> Number:
    """Return the number whose digits, with whatever parts them, are `raw`; a code where letters stand before it."""
    values, is_native = read_literal(raw, convention)
    pieces: tuple[str, ...] = ()
    if not values or " " in raw:
        pieces = tuple(map(normalise, NOT_DIGIT.split(raw)))
    readings = values or frozenset((".".join(pieces),))
    if is_clock(text, *span):
        hour, minute = map(int, raw.split("."))
        readings |= read_clock(hour, minute, "", is_sure=convention.base != "en")
    before = text[max(0, span[0] - 2) : span[0]]
    is_code = before[-1:].isalpha() or before[-1:] == "_" or (before[-1:] == "-" and before[0].isalpha())
    kind = NumberKind.CODE if is_code or not values else NumberKind.CARDINAL
    number = Number(raw, readings, frozenset(pieces), *span, span, kind, pieces, is_native=is_native)
    return number if is_code else add_context(text, number, convention)


def read_date(raw: str, span: tuple[int, int]) -> Number:
    """Return a date in digits; the day or the month may stand first, and what is no date is a code."""
    first, middle, last = map(int, NOT_DIGIT.split(raw))
    if first > 99:
        orders = [(first, middle, last)]
    else:
        years = [last] if last > 99 else [1900 + last, 2000 + last]
        orders = [(year, *pair) for year in years for pair in ((middle, first), (first, middle))]
    dates = {f"{year}-{month:02}-{day:02}" for year, month, day in orders if 1 <= month <= 12 and 1 <= day <= 31}
    pieces = str(first), str(middle), str(last)
    # As a version or a chapter has it.
    readings = frozenset((*dates, ".".join(pieces)))
    return Number(raw, readings, frozenset(pieces), *span, span, NumberKind.DATE if dates else NumberKind.CODE, pieces)


def read_time(text: str, match: re.Match[str], convention: Convention) -> Number:
    """Return the time of a match of FORM; "17h" may be seventeen hours too."""
    hour, minute, end = int(match["hour"]), int(match["minute"] or 0), match.end()
    half = (match["half"] or "").lower()
    if not half and (of_day := DAY_HALF.match(text, end)):
        half, end = "a" if of_day["morning"] else "p", of_day.end()
    second, part = match["second"], (match["part"] or "")[1:]
    readings = read_clock(hour, minute, half, is_sure=convention.base != "en")
    if second and (int(second) or part):
        readings = {f"{reading}:{second}{part and '.'}{part}" for reading in readings}
    is_lettered = convention.base in TWELVE_HOURS and "h" in match.group().lower()
    pieces: tuple[str, ...] = ()
    if match["minute"] is None:
        parts = {str(hour)}
        readings |= set() if half else parts
    else:
        # "2h30" may be two hours and thirty minutes, "2:30 p.m." not.
        said = (str(hour), str(minute), *([normalise(second, part)] if second else []))
        pieces = () if half else said
        parts = set(pieces)
    return Number(
        text[match.start() : end],
        frozenset(readings),
        frozenset(parts),
        match.start(),
        end,
        match.span(),
        NumberKind.TIME,
        pieces,
        is_native=convention.base not in TWENTY_FOUR_HOURS and hour < 13
        if match["half"]
        else hour < 13 or not is_lettered,
    )


def read_clock(hour: int, minute: int, half: str, *, is_sure: bool) -> set[str]:
    """Return the times of day, in 24 hours, that a clock's figures may mean.

    Args:
        hour: as it is written.
        minute: as it is written.
        half: of the day, "a", "p" or unsaid.
        is_sure: whether a language that leaves it unsaid means the figures as they are.
    """
    if half:
        hour = hour % 12 + 12 * (half == "p") if hour <= 12 else hour
    readings = {f"{hour % 24}:{minute:02}"}
    if not half and not is_sure and hour <= 12:
        readings.add(f"{(hour + 12) % 24}:{minute:02}")
    return readings


@dataclass(slots=True)
class Context:
    """A number while what stands around it is read; see `Number`."""

    text: str
    convention: Convention
    readings: set[str]
    parts: set[str]
    end: int
    kind: NumberKind
    power: int = 0

    def turn(self, readings: set[str], end: int) -> None:
        """Make what the number meant a part of it, and `readings` what it means with all up to `end`."""
        self.parts |= self.readings
        self.readings, self.end = readings, end

    def read_scales(self) -> None:
        """Read halves and scale words: "two and a half million", "5 mil milhões"."""
        half = AND_HALF.match(self.text, self.end)
        if half and all(value.isdigit() for value in self.readings):
            self.turn({add_fraction(value, "0.5") for value in self.readings}, half.end())
        while self.power < MOST_POWER and (scale := self.convention.match_scale(self.text, self.end)):
            scaled = {scale_value(value, scale.power) for value in self.readings}
            self.turn(scaled if scale.is_sure else self.readings | scaled, scale.end)
            if not scale.is_sure:
                return
            self.power += scale.power
        if self.power and (half := AND_HALF.match(self.text, self.end)):
            self.turn({add_values(value, scale_value("0.5", self.power)) for value in self.readings}, half.end())

    def read_ending(self, start: int, *, is_word: bool) -> None:
        """Read what makes a bare number, from `start` on, a time, a decade or an ordinal."""
        raw = self.text[start : self.end]
        plain = raw.isdecimal()
        value = next(iter(self.readings)) if len(self.readings) == 1 else ""
        if (plain or is_word) and value.isdigit() and len(value) <= 2 and int(value) <= 24:
            if said := DAY_HALF.match(self.text, self.end):
                self.turn(read_clock(int(value), 0, "a" if said["morning"] else "p", is_sure=True), said.end())
                self.kind = NumberKind.TIME
            elif HOURS_AFTER.match(self.text, self.end):
                self.readings = self.readings | read_clock(int(value), 0, "", is_sure=False)
        if not plain:
            return
        if self.convention.base == "en" and (match := DECADE_AFTER.match(self.text, self.end)):
            self.turn(self.readings | {year[-2:] for year in self.readings}, match.end())
        elif match := ORDINAL_AFTER.match(self.text, self.end):
            self.kind, self.end = NumberKind.ORDINAL, match.end()


def add_context(text: str, number: Number, convention: Convention) -> Number:
    """Return `number` with what stands around it: sign, currency, scale words, per cent, and what ordinals end in."""
    context = Context(text, convention, set(number.readings), set(number.parts), number.end, number.kind)
    start, unit, unit_span = number.start, "", None
    before = text[max(0, start - 2) : start].rstrip()
    if before and not before[-1].isdigit() and before[-1] not in ",;:":
        if not number.is_word and (match := BEFORE.search(text, max(0, start - FAR_BEFORE), start)) and match.group():
            if match["sign"] or match["late"]:
                context.turn({f"-{value}" for value in context.readings}, context.end)
            if match["currency"]:
                unit, unit_span = CURRENCIES.get(match["currency"].lower().replace(" ", ""), ""), match.span("currency")
            start = match.start()
        elif MINUS_WORD.search(text, max(0, start - FAR_BEFORE), start):
            context.readings |= {f"-{value}" for value in context.readings}
        context.readings |= read_decade(text, number)
    if MAY_FOLLOW.match(text, number.end):
        context.read_scales()
        if match := PER_CENT.match(text, context.end):
            context.turn({f"{value}%" for value in context.readings}, match.end())
            context.kind = NumberKind.PERCENT
        elif match := CURRENCY_AFTER.match(text, context.end):
            context.end = match.end()
            if not unit:
                unit, unit_span = CURRENCIES[match["currency"].lower()], match.span("currency")
        elif not unit and context.end == number.end:
            context.read_ending(start, is_word=number.is_word)
    return Number(
        text[start : context.end],
        frozenset(context.readings),
        frozenset(context.parts),
        start,
        context.end,
        number.digits,
        NumberKind.CURRENCY if unit else context.kind,
        number.pieces,
        context.power,
        unit,
        unit_span,
        number.is_native,
    )


def read_decade(text: str, number: Number) -> set[str]:
    """Return what a year or a decade means behind a word or sign of decades: "anos 90", "the '90s"."""
    if not DECADE_BEFORE.search(text, max(0, number.start - FAR_WORDS_BEFORE), number.start):
        return set()
    years = {value for value in number.readings if value.isdigit()}
    full = {f"{century}{value}" for value in years if len(value) == 2 for century in (18, 19, 20)}
    return full | {value[-2:] for value in years if len(value) == 4}


def read_words(text: str, taken: Sequence[Number], convention: Convention, least: float) -> Iterator[Number]:
    """Yield the numbers in words of `text` above `least`, but not where others have `taken` the words."""
    end = 0
    for found in find_words(text, [number.span for number in taken], convention, least):
        # What another has as its scale word is no number of its own.
        if found.start >= end:
            kind = NumberKind.ORDINAL if found.is_ordinal else NumberKind.CARDINAL
            number = read_word(text, found.start, found.end, found.value, kind, convention)
            end = number.end
            yield number


def read_word(text: str, start: int, end: int, value: float, kind: NumberKind, convention: Convention) -> Number:
    """Return a number in words, with what stands around it: "meio milhão", "um milhão e meio"."""
    reading = normalise(*repr(value).split(".")) if not value.is_integer() else str(int(value))
    readings, parts = {reading}, set[str]()
    if value % 2 == 0 and HALF_BEFORE.search(text, max(0, start - FAR_WORDS_BEFORE), start):
        readings.add(str(int(value) // 2))
    scale = next((power for power in (12, 9, 6, 3) if value >= 10**power), 0)
    if scale and (half := AND_HALF.match(text, end)):
        parts, readings, end = readings, {add_values(each, scale_value("0.5", scale)) for each in readings}, half.end()
    return add_context(
        text, Number(text[start:end], frozenset(readings), frozenset(parts), start, end, None, kind), convention
    )


def join_ranges(text: str, numbers: list[Number], convention: Convention) -> list[Number]:
    """Return `numbers` with what the first of a range leaves to the second: "10-12 %", "2 to 3 million", "2018-19"."""
    for at in range(len(numbers) - 2, -1, -1):
        one, two = numbers[at], numbers[at + 1]
        if not 0 < two.start - one.end <= FAR_BETWEEN or not RANGE.fullmatch(text, one.end, two.start):
            continue
        readings = set(one.readings)
        if two.power and not one.power:
            readings |= {scale_value(value, two.power) for value in one.readings}
        if two.kind is NumberKind.PERCENT and one.kind is not NumberKind.PERCENT:
            readings |= {f"{value}%" for value in readings}
        if two.kind is NumberKind.TIME and one.kind is NumberKind.CARDINAL:
            clock = (value.partition(".") for value in one.readings)
            readings |= {f"{hour}:{minute.ljust(2, '0')}" for hour, _, minute in clock}
        is_of_day = two.kind is NumberKind.TIME and (not two.is_native or two.text[-2:].lower() in ("m.", "am", "pm"))
        if is_of_day and one.kind is NumberKind.TIME and convention.base in TWELVE_HOURS:
            # "9h" may be nine hours, beside "6 p.m." or "18h" not.
            numbers[at] = one = replace(one, is_native=one.is_native and not one.text.lower().endswith("h"))
        if len(readings) > len(one.readings):
            numbers[at] = replace(one, readings=frozenset(readings), parts=one.parts | one.readings)
        year, short = (text[slice(*each.digits)] if each.digits else "" for each in (one, two))
        if len(year) == 4 and len(short) == 2 and (year + short).isdecimal() and year[:2] in ("19", "20"):
            numbers[at + 1] = replace(two, readings=two.readings | {year[:2] + short})
    return numbers
