"""Language tags: BCP-47 as `langcodes` reads it, names as Unicode has them."""

from functools import lru_cache

import langcodes
from babel import Locale, UnknownLocaleError

# Longer than any tag in use; no parser is asked about more.
MOST_CHARACTERS = 35


class BadTag(ValueError):
    """A value that is no language tag; the message says what one looks like."""

    def __init__(self, value: str) -> None:
        shown = value if len(value) <= MOST_CHARACTERS else f"{value[:MOST_CHARACTERS]}…"
        super().__init__(f"{shown!r} is not a language code; give BCP-47 such as en or pt-BR, or FLORES such as por_Latn")


@lru_cache(maxsize=1024)
def parse_tag(value: str) -> str:
    """Return the canonical BCP-47 tag: ``pt-BR`` for ``pt_br``, ``pt`` for ``por_Latn``; raises BadTag."""
    try:
        if len(value) > MOST_CHARACTERS:
            raise BadTag(value)
        tag = langcodes.standardize_tag(value)
        valid = langcodes.Language.get(tag).is_valid()
    except (langcodes.LanguageTagError, RuntimeError):
        raise BadTag(value) from None
    if not valid or tag == "und":
        raise BadTag(value)
    return tag


@lru_cache(maxsize=4096)
def matches(requested: str, served: str) -> bool:
    """Whether a model for `served` serves `requested`: pt serves pt-BR, zh does not serve zh-Hant.

    Both are canonical tags. Language and script (the likely one where none is named) have to be equal; a region
    has to be only where both name one.
    """
    wanted, offered = langcodes.Language.get(requested), langcodes.Language.get(served)
    if wanted.language != offered.language or wanted.maximize().script != offered.maximize().script:
        return False
    return wanted.territory is None or offered.territory is None or wanted.territory == offered.territory


def display_name(tag: str, shown_in: str) -> str:
    """The name of a language in another language, in English or as the tag itself where Unicode has none."""
    locale, reader = _locale(tag), _locale(shown_in) or Locale("en")
    return (locale and (locale.get_display_name(reader) or locale.get_display_name("en"))) or tag


def native_name(tag: str) -> str:
    """The name of a language in that language."""
    locale = _locale(tag)
    return (locale and locale.get_display_name(locale)) or tag


def is_right_to_left(tag: str) -> bool:
    """Whether the language is written from right to left."""
    locale = _locale(tag)
    return locale is not None and locale.text_direction == "rtl"


@lru_cache(maxsize=1024)
def _locale(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag, sep="-", resolve_likely_subtags=False)
    except (UnknownLocaleError, ValueError):
        return None
