"""How each language writes numbers: separators and scale words from CLDR, what CLDR has not, and number words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from text_to_num import alpha2digit
from text_to_num import find_numbers as find_word_numbers

from polygist_service.text.languages import parse_locale

# `text2num` reads the number words of these.
WORD_LANGUAGES = frozenset(("en", "fr", "es", "pt", "de", "nl", "da", "it"))
# Scale words that CLDR's compact forms lack, in any language: powers of ten.
SCALES: Mapping[str, Mapping[str, int]] = {
    "": {"k": 3, "m": 6, "b": 9, "t": 12, "mn": 6, "bn": 9, "tn": 12},
    "en": {"hundred": 2, "lakh": 5, "lakhs": 5, "crore": 7, "crores": 7, "millions": 6, "billions": 9, "trillions": 12},
    "pt": {
        **{"mil": 3, "milhão": 6, "milhões": 6, "mil milhões": 9, "bilhão": 9, "bilhões": 9},
        **{"mi": 6, "bi": 9, "tri": 12},
        **{"trilhão": 12, "trilhões": 12, "bilião": 12, "biliões": 12, "bilhoes": 9, "milhoes": 6, "trilião": 18},
    },
    "es": {"mil": 3, "millón": 6, "millones": 6, "mil millones": 9, "billón": 12, "billones": 12},
    "fr": {"mille": 3, "md": 9, "mds": 9, "billion": 12, "billions": 12},
    "de": {"mrd": 9, "mio": 6, "tsd": 3, "tausend": 3, "billion": 12, "billionen": 12},
    "it": {"mila": 3, "mld": 9, "mln": 6},
    "nl": {"mrd": 9, "mln": 6, "duizend": 3},
    "pl": {"mld": 9, "mln": 6, "tys": 3},
    "ru": {"тыс": 3, "млн": 6, "млрд": 9, "трлн": 12},
}
# "5 m" may be metres, "5 t" tonnes.
UNSURE_SCALES = frozenset(("k", "m", "b", "t"))
# Signs, codes and words of currencies, lower-cased; "$" is the dollar of some country.
CURRENCIES: Mapping[str, str] = {
    **{"us$": "USD", "usd": "USD", "$": "$", "a$": "$", "c$": "$", "hk$": "$", "nz$": "$", "au$": "$", "ca$": "$"},
    **{"dollar": "$", "dollars": "$", "dólar": "$", "dólares": "$", "r$": "BRL", "brl": "BRL", "reais": "BRL"},
    **{"€": "EUR", "eur": "EUR", "euro": "EUR", "euros": "EUR", "£": "GBP", "gbp": "GBP", "chf": "CHF", "fr.": "CHF"},
    **{"pound": "GBP", "pounds": "GBP", "libra": "GBP", "libras": "GBP"},
    **{"¥": "JPY", "jpy": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "zł": "PLN"},
}
# Languages that write no "17h".
TWELVE_HOURS = frozenset(("en",))
# Where a point or a comma before digits is nobody's rule, both are read.
BOTH = (".", ",")
# Languages in whose texts a space parts no groups.
SPACELESS = frozenset(("en", "zh", "ja", "ko", "hi", "th"))
# From here on scripts put no space before a scale word.
FIRST_IDEOGRAPH = 0x2E80
# A compact form of CLDR, "00 million": digits and the word.
COMPACT = re.compile(r"^(0+)[\s\u00a0]*(.*?)\.?$")
# Languages whose countries differ in their separators: without a region both are read.
DIVIDED = frozenset(("es", "ar", "sw"))

WORD_OR_NOT = re.compile(r"[^\W_]+|[\W_]+")
# text2num takes time in the square of a run of number words: it is given no more at once, up to a stop or a space.
PASSAGE = re.compile(r".{1,1200}\Z|.{900,1200}[.!?\n]|.{1,1200}(?:\s|\Z)|.{1,1200}", re.DOTALL)
# Scales that text2num misses, or reads by the short scale where the language has the long one.
UNREAD_SCALES = frozenset(
    ("bilião", "biliões", "trilhão", "trilhões", "trilião", "billón", "billones", "billion", "billions", "billionen")
)
# text2num takes the ending off a Portuguese word, and so "milo" for "mil"; these are the words that there are.
PORTUGUESE = re.compile(
    r"e|vírgula|menos|zero|uma?|uns|umas|dois|duas|tr[eê]s|quatro|cinco|seis|sete|oito|nove|dez|onze|doze|treze"
    r"|catorze|quatorze|quinze|dez[ae](?:sseis|ssete|nove)|dezoito|vinte|(?:tr|quar|cinqu|sess|set|oit|nov)[ei]nta"
    r"|cem|cento|(?:du|tre)zent[oa]s|(?:quatroc|quinh|seisc|setec|oitoc|novec)ent[oa]s|mil|milh(?:ão|ões)"
    r"|(?:b|tr|quatr)i(?:lh)?(?:ão|ões)|(?:primeir|segund|terceir|quart|quint|sext|sétim|setim|oitav|non|undécim|duodécim)[oa]s?"
    r"|(?:vig[eé]s|trig[eé]s|quadrag[eé]s|quinquag[eé]s|sexag[eé]s|septuag[eé]s|octog[eé]s|nonag[eé]s|cent[eé]s"
    r"|ducent[eé]s|mil[eé]s|milion[eé]s|bilion[eé]s|d[eé]c)im[oa]s?"
)
# Every number word above twelve has one of these.
STEMS = {
    "en": (
        "teen",
        "twent",
        "thirt",
        "fort",
        "fift",
        "sixt",
        "sevent",
        "eight",
        "ninet",
        "hundred",
        "thousand",
        "illion",
    ),
    "pt": ("ze", "inte", "inta", "enta", "gésim", "cem", "cent", "hent", "zent", "mil", "ilh", "ili"),
}
LEAST_STEM = 12


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale word in a text: its power of ten, the place behind it, and whether it can be nothing else."""

    power: int
    end: int
    is_sure: bool


@dataclass(frozen=True, slots=True)
class Convention:
    """How one language writes numbers.

    Attributes:
        language: the canonical tag.
        decimal: the sign before the fraction as the language writes it.
        decimals: the signs that are read as one; two where the language's countries differ.
        group: what parts groups of three.
        scales: scale words, lower-cased, and their powers of ten.
        scale_pattern: finds one of them behind a number.
        written_scales: for a power of ten the words, of one and of more, as the language writes them today.
        reads_words: whether its number words are read.
        is_known: whether CLDR knows the language.
    """

    language: str
    decimal: str
    decimals: tuple[str, ...]
    group: str
    scales: Mapping[str, int]
    scale_pattern: re.Pattern[str]
    written_scales: Mapping[int, tuple[str, str]]
    reads_words: bool
    is_known: bool

    @property
    def parts_by_space(self) -> bool:
        """Whether a space may part its groups of three."""
        return self.base not in SPACELESS

    @property
    def base(self) -> str:
        """The language without its region."""
        return self.language.partition("-")[0]

    def match_scale(self, text: str, at: int) -> "Scale | None":
        """Return the scale word at a place of `text`, if one stands there."""
        match = self.scale_pattern.match(text, at)
        if match is None:
            return None
        word = " ".join((match[1] or match[2]).lower().split())
        power = self.scales.get(word)
        return Scale(power, match.end(), word not in UNSURE_SCALES) if power else None

    def is_one(self, value: str) -> bool:
        """Whether a scale word behind `value` is that of one: "1,5 milhão", "1.5 millions" is no English."""
        whole = value.partition(".")[0]
        return whole in ("0", "1") if self.base in ("pt", "fr") else value == "1"


@lru_cache(maxsize=256)
def convention_of(language: str) -> Convention:
    """Return how `language`, a canonical tag, writes numbers; of an unknown one both conventions are read."""
    locale = None if language == "und" else find_locale(language)
    base = language.partition("-")[0]
    scales = {**SCALES[""], **SCALES.get(base, {})}
    if locale is None:
        scales |= {word: power for known in ("en", "pt") for word, power in SCALES[known].items()}
        scales |= {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
        return Convention(language, ".", BOTH, ",", scales, compile_scales(scales), {}, False, False)
    written: dict[int, tuple[str, str]] = {}
    for power, one, other in read_scales(locale):
        scales |= {one.lower(): power, other.lower(): power}
        written.setdefault(power, (one, other))
    symbols = locale.number_symbols.get("latn", {})
    decimal, group = symbols.get("decimal", "."), symbols.get("group", ",")
    decimals = BOTH if language in DIVIDED or decimal not in BOTH else (decimal,)
    return Convention(
        language, decimal, decimals, group, scales, compile_scales(scales), written, base in WORD_LANGUAGES, True
    )


def find_locale(language: str) -> Locale | None:
    """Return what CLDR knows of `language`, or of its base where the region is unknown; None of what it lacks."""
    for tag in (language, language.partition("-")[0]):
        if locale := parse_locale(tag, completes=True):
            return locale
    return None


def read_scales(locale: Locale) -> Iterator[tuple[int, str, str]]:
    """Yield the powers of ten that CLDR has long words for, with those of one and of more; Slavic ones have several."""
    forms = locale.compact_decimal_formats.get("long", {})
    for exponent in range(3, 16):
        words = {}
        for plural in ("one", "other", "few", "many"):
            pattern = forms.get(plural, {}).get("1" + "0" * exponent)
            if (match := pattern and COMPACT.match(pattern.pattern)) and match[2] and "'" not in match[2]:
                words[plural] = exponent - len(match[1]) + 1, match[2]
        if not words:
            continue
        power, more = words.get("other") or words.get("many") or next(iter(words.values()))
        first = words.get("one", (power, more))
        yield power, first[1] if first[0] == power else more, more
        for other_power, word in words.values():
            yield other_power, word, word


def compile_scales(scales: Mapping[str, int]) -> re.Pattern[str]:
    """Return a pattern for a scale word behind a number; scripts without spaces part it from nothing."""
    words = sorted(scales, key=len, reverse=True)
    spaced = "|".join(re.escape(word).replace(r"\ ", r"[\s\u00a0]") for word in words if ord(word[0]) < FIRST_IDEOGRAPH)
    joined = "".join(word for word in words if ord(word[0]) >= FIRST_IDEOGRAPH and len(word) == 1)
    ideographs = f"|([{joined}])" if joined else "|(?!)()"
    return re.compile(rf"[\s\u00a0\u202f-]?(?:({spaced})(?![^\W\d_]){ideographs})", re.IGNORECASE)


def may_hold_words(text: str, convention: Convention, least: float) -> bool:
    """Whether there may be number words above `least` in `text`: most sentences have none, and that is quick to see."""
    stems = STEMS.get(convention.base, ()) if least >= LEAST_STEM else ()
    if not stems:
        return convention.reads_words
    text = text.lower()
    return any(stem in text for stem in stems)


class WordToken:
    """A word, or what parts two, as text2num takes it."""

    __slots__ = ("word",)

    def __init__(self, word: str) -> None:
        self.word = word

    def text(self) -> str:
        """Return what is read."""
        return self.word

    def nt_separated(self, _: "WordToken") -> bool:
        """Say that signs alone separate."""
        return False

    def not_a_number_part(self) -> bool:
        """Say that every word may be of a number."""
        return False


@dataclass(frozen=True, slots=True)
class WordNumber:
    """A number in words, and where it stands."""

    start: int
    end: int
    value: float
    is_ordinal: bool


def find_words(
    text: str, taken: Sequence[tuple[int, int]], convention: Convention, least: float
) -> Iterator[WordNumber]:
    """Yield the numbers in words of `text` above `least`, but not of the words in the spans that are `taken`."""
    unread = UNREAD_SCALES if convention.base != "en" else frozenset[str]()
    places = iter(taken)
    place = next(places, None)
    for passage in PASSAGE.finditer(text):
        if alpha2digit(passage.group(), convention.base, least) == passage.group():
            continue
        matches = list(WORD_OR_NOT.finditer(text, *passage.span()))
        tokens = [WordToken(match.group().lower()) for match in matches]
        for match, token in zip(matches, tokens, strict=True):
            while place and place[1] <= match.start():
                place = next(places, None)
            if token.word in unread or is_invented(token.word, convention) or (place and match.end() > place[0]):
                token.word = "|"
        for found in find_word_numbers(tokens, convention.base, threshold=least):
            start = matches[found.start].start()
            raw = text[start : matches[found.end - 1].end()].rstrip()
            if raw and not raw.isdecimal():
                yield WordNumber(start, start + len(raw), found.value, found.is_ordinal)


def is_invented(word: str, convention: Convention) -> bool:
    """Whether text2num may take a word that is no number for one."""
    return convention.base == "pt" and word.isalpha() and PORTUGUESE.fullmatch(word) is None
