"""What has to agree with words that took the place of others: the article before them, where it is certain."""

import re
from collections.abc import Mapping

from polygist_service.text.abbreviations import words
from polygist_service.text.languages import base_language

# An article, or a preposition with one, of each gender. "a" may be a preposition alone, but seldom is before a noun.
FEMININE: Mapping[str, str] = {
    **{"o": "a", "os": "as", "um": "uma", "uns": "umas", "do": "da", "dos": "das", "no": "na", "nos": "nas"},
    **{"ao": "à", "aos": "às", "pelo": "pela", "pelos": "pelas", "num": "numa", "dum": "duma"},
    **{"este": "esta", "esse": "essa", "aquele": "aquela", "deste": "desta", "neste": "nesta"},
}
MASCULINE: Mapping[str, str] = {feminine: masculine for masculine, feminine in FEMININE.items()}
# By these endings nearly all Portuguese nouns are of one gender; by others too many are of either.
FEMININE_NOUN = re.compile(r"(?:ção|ções|são|sões|dades?|gem|gens|tudes?|(?<!m)(?<!ist)as?)\Z")
MASCULINE_NOUN = re.compile(r"(?:(?<!ã)os?|or|ores)\Z")
EXCEPTIONS = words(
    "dia dias mapa mapas planeta planetas foto fotos moto motos tribo tribos flor flores cor cores dor dores"
)
WORD_BEFORE = re.compile(r"(?<!\w)\w+(?=\s\Z)")
# English words that begin with the sound of a vowel: not those whose first letter is spoken as in "you" and "won".
VOWEL = re.compile(r"(?!uni|us[aeiu]|eu|once?\b|ute|uti)[aeiou]|hour|honest|honou?r|heir", re.IGNORECASE)


def fit_article(text: str, start: int, noun: str, language: str) -> tuple[int, str]:
    """Return where a translation has to be changed for a noun that comes to `start`, and what comes before that then.

    Args:
        text: the translation.
        start: where the noun comes.
        noun: that, with the words behind it.
        language: of the translation, a canonical tag.
    """
    found = WORD_BEFORE.search(text, max(0, start - 10), start)
    article = found[0].lower() if found else ""
    fitting = choose_article(article, noun.split(maxsplit=1)[0].lower(), base_language(language))
    if not found or fitting == article:
        return start, ""
    is_capital = found[0][0].isupper()
    return found.start(), (fitting.capitalize() if is_capital else fitting) + text[found.end() : start]


def choose_article(article: str, noun: str, language: str) -> str:
    """Return the article that a noun wants in place of another one; the same where that is not certain."""
    if language == "en" and article in ("a", "an"):
        return "an" if VOWEL.match(noun) else "a"
    if language == "pt" and noun not in EXCEPTIONS:
        if FEMININE_NOUN.search(noun):
            return FEMININE.get(article, article)
        if MASCULINE_NOUN.search(noun):
            return MASCULINE.get(article, article)
    return article


def other_gender(word: str, language: str) -> str | None:
    """Return the form of an adjective in the other gender, where its ending would tell; None for other words."""
    if base_language(language) not in ("pt", "es", "it") or " " in word:
        return None
    found = re.search(r"[oa](?=s?\Z)", word)
    return None if not found else f"{word[: found.start()]}{'a' if found[0] == 'o' else 'o'}{word[found.end() :]}"
