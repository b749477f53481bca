"""Language tags: BCP-47 as `langcodes` reads it, names as Unicode has them."""

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Collection
from functools import lru_cache

import langcodes
from babel import Locale, UnknownLocaleError, localedata
from babel.core import get_global
from langcodes.tag_parser import LanguageTagError

# Longer than any tag in use; no parser is asked about more.
MOST_CHARACTERS = 35

# The member of a group of languages that its code stands for in practice: FLORES names members, BCP-47 texts do not.
STANDARD = {
    "arb": "ar", "als": "sq", "azj": "az", "cmn": "zh", "ekk": "et", "gaz": "om", "khk": "mn", "kmr": "ku", "lvs": "lv",
    "nb": "no", "npi": "ne", "ory": "or", "pbt": "ps", "pes": "fa", "plt": "mg", "swh": "sw", "uzn": "uz", "ydd": "yi",
    "zsm": "ms",
}  # fmt: skip

# How families of models write it: ``__pt__`` M2M-100, ``>>por<<`` OPUS-MT, ``<2pt>`` MADLAD-400, ``pt_XX`` mBART.
MARKED = re.compile(r"__(.+)__|>>(.+)<<|<2(.+)>|([a-z]{2})_XX")

# So many languages are named in a message, of more the number is told.
MOST_NAMED = 8

# The scripts from right to left, of those in use, by which Babel finds no locale that it could tell the direction of.
RIGHT_TO_LEFT_WITHOUT_LOCALE = {"Aran", "Gara", "Mand", "Mend", "Nkoo", "Samr", "Yezi"}

# Languages that are told of texts and have no name in Unicode's data: those of ISO 639-3.
UNNAMED = {
    "bcl": "Central Bikol", "fuv": "Nigerian Fulfulde", "gcf": "Guadeloupean Creole", "gcr": "Guianese Creole",
    "gom": "Goan Konkani", "gug": "Paraguayan Guarani", "guw": "Gun", "hbo": "Ancient Hebrew", "uzs": "Southern Uzbek",
}  # fmt: skip

# All letters before it are Latin, but for signs that count as such: ª, º, µ.
PAST_LATIN = "\u0250"
# Scripts that mix others, and those whose letters have other names.
JOINED_SCRIPTS = {
    "Jpan": ("CJK", "HIRAGANA", "KATAKANA"), "Kore": ("HANGUL", "CJK"), "Hans": ("CJK", "BOPOMOFO"),
    "Hant": ("CJK", "BOPOMOFO"), "Hani": ("CJK",), "Beng": ("BENGALI",), "Orya": ("ORIYA",), "Mtei": ("MEETEI",),
    "Nkoo": ("NKO",), "Cans": ("CANADIAN",),
}  # fmt: skip


# What langcodes knows of a language it completes while others may already read it (docs/upstream.md).
COMPLETING = threading.Lock()


class BadTag(ValueError):
    """A value that is no language tag; the message says what one looks like."""

    def __init__(self, value: str) -> None:
        shown = value if len(value) <= MOST_CHARACTERS else f"{value[:MOST_CHARACTERS]}…"
        super().__init__(f"{shown!r} is no language code; give BCP-47 such as en or pt-BR, or FLORES such as por_Latn")


@lru_cache(maxsize=1024)
def parse_tag(value: str) -> str:
    """The canonical BCP-47 tag: ``pt-BR`` for ``pt_br``, ``pt`` for ``por_Latn`` and ``__pt__``; raises BadTag."""
    try:
        if len(value) > MOST_CHARACTERS:
            raise BadTag(value)
        marked = MARKED.fullmatch(value)
        code = next(filter(None, marked.groups())) if marked else value
        language = langcodes.Language.get(langcodes.standardize_tag(code))
    except (LanguageTagError, RuntimeError):
        raise BadTag(value) from None
    language = language.update_dict({"language": STANDARD.get(language.language or "", language.language)})
    if not language.is_valid() or language.extlangs or language.language in (None, "und"):
        raise BadTag(value)
    return language.simplify_script().to_tag()


def base_language(tag: str) -> str:
    """The language of a canonical tag, without script and region: cheap to compare."""
    return tag.partition("-")[0]


@lru_cache(maxsize=4096)
def matches(requested: str, served: str) -> bool:
    """Whether a model for `served` serves `requested`: pt serves pt-BR, zh does not serve zh-Hant.

    Both are canonical tags. Language and script (the likely one where none is named) have to be equal; a region
    has to be only where both name one.
    """
    wanted, offered = langcodes.Language.get(requested), langcodes.Language.get(served)
    if wanted.language != offered.language or script_of(requested) != script_of(served):
        return False
    return wanted.territory is None or offered.territory is None or wanted.territory == offered.territory


@lru_cache(maxsize=4096)
def is_among(candidates: frozenset[str], language: str) -> bool:
    """Whether a language is among some, in whatever region: asked for each language of each of a thousand texts."""
    return any(is_kin(candidate, language) and matches(candidate, language) for candidate in candidates)


def is_kin(one: str, other: str) -> bool:
    """Whether two codes name one language, in whatever scripts and regions."""
    return base_language(one) == base_language(other)


def is_same_language(one: str, other: str) -> bool:
    """Whether a text in one of them is in the other already, whatever the regions say."""
    return is_kin(one, other) and (matches(one, other) or matches(other, one))


@lru_cache(maxsize=4096)
def serving(requested: str, served: tuple[str, ...]) -> str | None:
    """The code of `served` that serves `requested`: itself where it is there, else the first that matches."""
    near = [code for code in served if is_kin(requested, code)]
    if requested in near:
        return requested
    return next((code for code in near if matches(requested, code)), None)


def display_name(tag: str, shown_in: str) -> str:
    """The name of a language in another language, in English or as the tag itself where Unicode has none."""
    locale, reader, english = locale_of(tag), locale_of(shown_in) or Locale("en"), Locale("en")
    if locale:
        return locale.get_display_name(reader) or locale.get_display_name(english) or tag
    base = tag.partition("-")[0]
    name: str = reader.languages.get(base) or english.languages.get(base) or UNNAMED.get(base) or tag
    return name


def native_name(tag: str) -> str:
    """The name of a language in that language; where Unicode has none, as `display_name` in English."""
    locale = locale_of(tag)
    return (locale and locale.get_display_name(locale)) or display_name(tag, "en")


def is_right_to_left(tag: str) -> bool:
    """Whether the language is written from right to left; where Unicode has no locale of it, its script decides."""
    script = script_of(tag)
    locale = locale_of(tag) or (script and parse_locale(f"und-{script}", completes=True))
    return script in RIGHT_TO_LEFT_WITHOUT_LOCALE or bool(locale and locale.text_direction == "rtl")


@lru_cache(maxsize=1024)
def script_of(tag: str) -> str:
    """Return the code of the script that a language is written in: the one named, or else its likely one."""
    with COMPLETING:
        return langcodes.Language.get(tag).maximize().script or ""


@lru_cache(maxsize=16)
def territory_words(tag: str) -> frozenset[str]:
    """Return the words of the names that a language has for countries and continents."""
    locale = locale_of(tag.partition("-")[0])
    return frozenset(word for name in (locale.territories.values() if locale else ()) for word in name.split())


@lru_cache(maxsize=1)
def spreads() -> dict[str, float]:
    """Return for each language the shares of people who use it, added up over the territories of CLDR."""
    found: dict[str, float] = {}
    for languages in get_global("territory_languages").values():
        for locale, facts in languages.items():
            code = locale.partition("_")[0]
            code = STANDARD.get(code, code)
            found[code] = found.get(code, 0.0) + facts["population_percent"] / 100
    return found


def spread(language: str) -> float:
    """Return in about how many territories a language, named without script or region, is used by everybody."""
    return spreads().get(language, 0.0)


@lru_cache(maxsize=512)
def scripts_of(language: str) -> frozenset[str]:
    """Return the codes of the scripts that a language is written in: its likely one, and those that CLDR knows."""
    locales = {locale for languages in get_global("territory_languages").values() for locale in languages}
    named = [locale.split("_") for locale in locales if locale.startswith(f"{language}_")]
    return frozenset({script_of(language), *(parts[1] for parts in named if len(parts[1]) == 4)})


@lru_cache(maxsize=64)
def script_names(script: str) -> tuple[str, ...]:
    """Return how Unicode's names of the letters of a script begin; of an unknown one, nothing."""
    if script in JOINED_SCRIPTS:
        return JOINED_SCRIPTS[script]
    name = Locale("en").scripts.get(script)
    return (name.upper(),) if name else ()


def letters_outside(text: str, script: str) -> str:
    """Return the letters of `text` that are not of a script; none where that is unknown."""
    if script == "Latn" and max(text, default="") < PAST_LATIN:
        return ""
    names = script_names(script)
    return "".join(each for each in text if names and is_outside(each, names))


@lru_cache(maxsize=4096)
def is_outside(character: str, names: tuple[str, ...]) -> bool:
    """Whether it is a letter whose name in Unicode does not begin with one of `names`."""
    return character.isalpha() and not unicodedata.name(character, "").startswith(names)


def main_script(text: str) -> str:
    """Return the first word of Unicode's names for most letters of `text`, such as LATIN; nothing without letters."""
    if max(text, default="") < PAST_LATIN:
        return "LATIN" if any(map(str.isalpha, text)) else ""
    words = Counter(script_word(each) for each in text if each.isalpha())
    return max(words, key=lambda word: words[word], default="")


@lru_cache(maxsize=4096)
def script_word(letter: str) -> str:
    """Return the first word of Unicode's name for a letter, or for what it is a variant of: LATIN for 𝐀 and Ａ."""
    return unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "").partition(" ")[0]


@lru_cache(maxsize=4096)
def is_written_in(language: str, word: str) -> bool:
    """Whether a language has a script whose letters have names with the first word `word`."""
    names = (name for script in scripts_of(language) for name in script_names(script))
    return any(name.partition(" ")[0] == word for name in names)


@lru_cache(maxsize=1024)
def locale_of(tag: str) -> Locale | None:
    """Return what Unicode knows of a language; None where that is nothing."""
    return parse_locale(tag)


def parse_locale(tag: str, *, completes: bool = False) -> Locale | None:
    """Return what Unicode knows of a language; None where that is nothing.

    Args:
        completes: whether a script or region that is missing, or that Unicode has no locale of, is the likely one.
    """
    # Babel looks for names through what it has loaded, without its own lock (docs/upstream.md).
    with localedata._cache_lock:
        try:
            return Locale.parse(tag, sep="-", resolve_likely_subtags=completes)
        except (UnknownLocaleError, ValueError):
            return None


def name_few(names: Collection[str], *, most: int = MOST_NAMED) -> str:
    """The first of some names in order, and how many more there are."""
    shown = sorted(names)
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest or "none"
