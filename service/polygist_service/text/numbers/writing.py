"""Numbers written as a language writes them, but for those that name something: versions, sections, registrations."""

import re

from babel import Locale
from babel.numbers import get_currency_name

from polygist_service.text.numbers.conventions import TWELVE_HOURS, Convention, convention_of, find_locale
from polygist_service.text.numbers.values import FORMS, NOT_DIGIT, Number, NumberKind, read_magnitude, to_ascii

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
# What stands before the number of something, in English and in Portuguese.
LABELS = (
    *("v", "ver", "version", "versão", "versao", "release", "build", "rev", "revision", "revisão", "firmware"),
    *(
        "chapter",
        "chap",
        "capítulo",
        "cap",
        "section",
        "sect",
        "sec",
        "secção",
        "seção",
        "seções",
        "secções",
        "subsection",
        "subsecção",
    ),
    *("figure", "figura", "fig", "figs", "table", "tabela", "tab", "quadro", "equation", "equação", "eq"),
    *("article", "artigo", "art", "paragraph", "parágrafo", "para", "par", "clause", "clauses", "cláusula", "cl"),
    *("no", "nº", "n.º", "n°", "n", "nr", "num", "número", "item", "step", "passo", "rule", "regra", "part", "parte"),
    *("annex", "anexo", "appendix", "apêndice", "schedule", "example", "exemplo", "ex", "theorem", "lemma", "verse"),
    *("cpf", "cnpj", "rg", "nif", "niss", "nipc", "cep", "cnh", "pis", "oab", "crm", "ie", "inscrição", "registro"),
    *(
        "registo",
        "registration",
        "processo",
        "proc",
        "protocolo",
        "protocol",
        "matrícula",
        "lei",
        "decreto",
        "portaria",
    ),
    *("resolução", "law", "decree", "contribuinte", "identidade", "documento", "id", "ref", "referência", "reference"),
    *("recurso", "resp", "agravo", "apelação", "súmula", "habeas corpus", "ofício"),
    *("código", "code", "serial", "série", "license", "licença", "conta", "account", "agência", "isbn", "issn", "doi"),
    *("portaria", "subsecção", "ip", "tel", "telefone", "phone", "fax"),
)
# What these are of may be said between: "O NIF dele é 501.442.600".
REGISTER = re.compile(r"\b(?:CPF|CNPJ|RG|NIF|NISS|NIPC|CEP|CNH|IE|PIS)\b[^.!?\d]{0,25}$")
# Some are words of one's own language as well: "no 3.500", "a parte 1.500" and "conta 1.500 alunos" count.
UNSURE_LABELS = frozenset(("no", "n", "par", "para", "ex", "conta", "parte", "part", "art", "id", "cap", "tab", "ie"))
# Words between a label and its number: "inscrição estadual n.º 110.042", "número do processo 1.234".
LABELLED = re.compile(
    rf"(?:(?<![^\W_])(?P<label>{'|'.join(map(re.escape, sorted(LABELS, key=len, reverse=True)))})s?\.?|§§?)"
    r"(?:\s(?:estadual|municipal|federal|especial|extraordinário|cível|number|no\.|nº|n\.º|n°|n\.|número))?\s?[:#]?\s?"
    # Others that share the label: "Sections 4.2, 4.3 and 4.4".
    r"(?:\d+(?:\.\d+)*(?:,\s(?:(?:and|or|e|ou)\s)?|\s?[-–]\s?|\s(?:and|or|to|e|ou|a)\s))*$",
    re.IGNORECASE,
)
# A name, with a capital anywhere: "iOS", "Windows", "PyTorch".
NAME = re.compile(r"(?<![^\W_])(?P<name>(?=\w*[^\W\d_a-zà-öø-ÿ])[^\W\d_][\w+#-]*(?:\.[^\W\d_][\w+#-]*)*)\s?$")
# No name, though a sentence begins with it.
BEGINNINGS = frozenset(
    (
        *("a", "about", "all", "almost", "an", "and", "another", "approximately", "around", "at", "between", "by"),
        *(
            "exactly",
            "for",
            "from",
            "her",
            "his",
            "in",
            "is",
            "it",
            "its",
            "just",
            "less",
            "more",
            "nearly",
            "of",
            "on",
        ),
        *("only", "or", "over", "roughly", "some", "than", "the", "their", "these", "those", "to", "under", "up"),
        *("was", "with", "but", "that", "this", "are", "were", "has", "had", "have", "nor", "not", "then", "he", "she"),
    )
)
FAR_LABEL = 40
# "a code 2.5 times faster", "no documento 1.500 pessoas": the label is none.
TIMES_AFTER = re.compile(r"\s(?:times|vezes)\b")
COUNTED_AFTER = re.compile(r"\s[^\W\d_]{4,}s\b")
ONE_GROUP = len("100.000")
UNIT_AFTER = re.compile(
    r"[\s\u00a0\u202f-]?(?:[°%€£$]|(?:[kcmMGTµ]?[mgWVAJLlBb]|[kMG]?Hz|kWh|km/h|ha|ft|hp|mi|cv"
    r"|in(?!\s(?:the|an?|this|that|our|its?|which|[A-Z\d])))\b)"
)
SECTION = re.compile(r"\d{1,2}(?:\.\d{1,2})+")
BEFORE_SECTION = re.compile(r"[\s#>*•–—-]*")
AFTER_SECTION = re.compile(r"[.)]?\s+(?!(?:[kMGT]?(?:Hz|B|W|b)|[kMGT]V|[kMGT]bps)\b)(?:[\"'“‘«„]|[^\W\d_a-zà-öø-ÿ])")
CLOCK = re.compile(r"(?:[01]?\d|2[0-4])\.[0-5]\d")
CLOCK_BEFORE = re.compile(
    r"\b(?:at|open|opens|opened|closes?|closed|until|till|às|ás|até|pelas|abre|aberto|aberta|fecha)\s$", re.IGNORECASE
)
# "9.00-17.30", "from 9.00 to 17.30"; only figures that a timetable has: a price may be "from 1.52 to 1.67".
HOURS = r"(?:[01]?\d|2[0-4])\.[0-5][05]"
BETWEEN_HOURS = r"(?:\s?[-–—]\s?|\s(?:to|until|till|a|às|até)\s)"
CLOCK_AFTER = re.compile(rf"{BETWEEN_HOURS}{HOURS}(?![\d.,]\d|\d)(?!\s?[%€£$°]|\s[^\W\d_]*(?:s|illion)\b)")
CLOCK_AND_MORE = re.compile(rf"(?<![\d.,]){HOURS}{BETWEEN_HOURS}$")
NO_CLOCK_AFTER = re.compile(r"\s?[%€£$°]|\s[^\W\d_]*(?:s|illion)\b")
FAR_CLOCK = 14
# A check digit, a year, a branch behind it: less than the number, which ends no range.
PARTED = re.compile(r"(?P<by>[-/])(?P<last>\d{1,6})(?![\d.,]\d|\w)|v\d|/[A-Z]{2}\b")
GLUED = re.compile(r"[^\W\d_][/:.]$|//$|[^\W\d]$")
CALL = re.compile(r"\w\([^()]*$")


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


def is_measure(number: Number, text: str, convention: Convention) -> bool:
    """Whether a number of `text` counts something, and is written as each language does; a name stays as it is."""
    if is_in_code(text, number.start):
        return False
    if number.kind in (NumberKind.PERCENT, NumberKind.CURRENCY) or number.power or number.is_negative:
        return True
    digits = text[slice(*number.digits)] if number.digits else ""
    if "." not in digits or "," in digits or number.kind is NumberKind.TIME:
        return True
    start, end = number.digits or number.span
    if is_parted(text, end, digits, convention) or GLUED.search(text, max(0, start - 2), start):
        return False
    if is_clock(text, start, end) or is_labelled(text, start, end, convention):
        return False
    if convention.decimal != ".":
        return True
    if SECTION.fullmatch(digits) and BEFORE_SECTION.fullmatch(text, 0, start) and AFTER_SECTION.match(text, end):
        return False
    if UNIT_AFTER.match(text, end):
        return True
    name = NAME.search(text, max(0, start - FAR_LABEL), start)
    return name is None or name["name"].lower() in BEGINNINGS


def is_registered(number: Number, text: str, convention: Convention) -> bool:
    """Whether a number is surely written everywhere as it is: a registration in groups, what letters are glued to."""
    start, end = number.digits or number.span
    digits = text[start:end]
    if "." not in digits or "," in digits:
        return False
    is_grouped = digits.count(".") > 1 and is_parted(text, end, digits, convention)
    return is_grouped or GLUED.search(text, max(0, start - 2), start) is not None


def is_in_code(text: str, at: int) -> bool:
    """Whether a place is between backticks, or among the arguments of a call: "f(1.5, 2.5)"."""
    if CALL.search(text, max(0, at - FAR_LABEL), at):
        return True
    return "`" in text and text.count("`", 0, at) % 2 == 1 and text.find("`", at) >= 0


def is_parted(text: str, end: int, digits: str, convention: Convention) -> bool:
    """Whether behind a number stands what only an identifier has: "123.456.789-00", "1.234/2019", "2101.00001v2"."""
    match = PARTED.match(text, end)
    if match is None or match["by"] is None:
        return match is not None
    last = match["last"]
    groups = convention.decimal != "." or digits.count(".") > 1
    value = read_magnitude(digits.replace(".", "") if groups else digits)
    is_year = match["by"] == "/" and len(last) == len("2024")
    return is_year or (last[0] == "0" and len(last) > 1) or int(last) < value


def is_labelled(text: str, start: int, end: int, convention: Convention) -> bool:
    """Whether before a number stands what it is the number of: "Sec. 4.2", "CPF 123.456.789", "§ 2.3"."""
    if REGISTER.search(text, max(0, start - FAR_LABEL), start):
        return True
    match = LABELLED.search(text, max(0, start - FAR_LABEL), start)
    if match is None or TIMES_AFTER.match(text, end):
        return False
    if convention.decimal != "." and end - start <= ONE_GROUP and COUNTED_AFTER.match(text, end):
        return False
    label = (match["label"] or "").lower()
    if label not in UNSURE_LABELS:
        return True
    # Its stop or its capital tells the label from the word; English says "part 2.3" and counts nothing so.
    is_marked = match.group().rstrip().endswith(".") or text[match.start()].isupper()
    return is_marked or (convention.base == "en" and label in ("part", "no"))


def is_clock(text: str, start: int, end: int) -> bool:
    """Whether a number such as "6.30" is a time of day: behind "at" or "às", or beside another one with a dash."""
    if not CLOCK.fullmatch(text, start, end):
        return False
    if CLOCK_AFTER.match(text, end):
        return True
    is_second = CLOCK_AND_MORE.search(text, max(0, start - FAR_CLOCK), start) and not NO_CLOCK_AFTER.match(text, end)
    if is_second and text[start:end][-1] in "05":
        return True
    return CLOCK_BEFORE.search(text, max(0, start - FAR_CLOCK), start) is not None
