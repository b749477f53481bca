"""Regular plurals of nouns and of phrases with a noun, for languages whose rules are certain enough.

A rule gives a plural where there is but one, by the ending of the word alone, and nothing in doubt: a wrong form in a
translation is worse than a term that is not found in its plural. Nothing here knows what a noun is; a word that is none
has a "plural" that no text has, or one that `is_other_word` knows.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

from polygist_service.text.abbreviations import words
from polygist_service.text.languages import base_language

# A word of letters that begins with a capital or has none; others are brands and codes, and acronyms.
WORD = re.compile(r"[^\W\d_]?[^\W\d_A-ZÀ-ÖØ-Þ]{2,}")
ACRONYM = re.compile(r"[A-Z]{2,5}")

# What looks like the plural of an English word and is, or may be, another word.
OTHER_ENGLISH = words(
    """
    news means goods customs arms glasses works manners savings woods damages securities premises grounds spectacles
    thanks odds headquarters barracks his its this thus has was does ours yours hers theirs always perhaps us as is
    contents remains savings earnings minutes forces colors colours airs letters waters brains nuts bananas generals
    commercials principals finals initials terminals ones others says lots downs ups goes comes
    """
)
OTHER_PORTUGUESE = words(
    """
    os as aos mais menos pais costas férias bens depois antes apenas atrás meios fins restos fezes seus suas lhes eles
    elas
    """
)
OTHER_SPANISH = words(
    """
    los las más menos padres bienes después antes esposas gafas entonces celos restos medios dios estos estas ellos unos
    unas
    """
)
OTHER_FRENCH = words(
    """
    les des ses mes tes plus moins ciseaux lunettes vacances dans sans lors alors affaires gens moeurs mais fois cours
    mois pois puis trois vers fils fonds biens corps temps pays sens leurs elles
    """
)

ENGLISH_VES = words("leaf loaf knife life wife shelf half calf elf wolf thief self yourself")
ENGLISH_OES = words("hero potato tomato echo veto torpedo embargo")
ENGLISH_HARD_CH = words("stomach monarch epoch patriarch eunuch matriarch tech")
PORTUGUESE_ÃOS = words("mão irmão cidadão órgão bênção órfão grão cristão pagão artesão sótão chão vão concidadão")
PORTUGUESE_ÃES = words("pão alemão cão capitão escrivão catalão")
# Nouns that are as common as verbs, in their plural: they are one only beside what stands beside nouns.
ENGLISH_VERBS = words(
    """
    accesses accounts acts addresses aims answers appeals asks attacks backs balances bans benefits bets bids blocks
    books breaks calls cares causes challenges changes charges checks claims closes comments compares conflicts contacts
    contracts contrasts controls copies costs counts covers crosses cuts damages dates deals decreases delays demands
    designs displays documents doubts drafts drives drops ends estimates exercises experiences experiments exports
    extracts faces falls fears features feeds fights figures files finds fires fits flows focuses forces forecasts forms
    functions funds gains grants guides hands heads helps hits holds hopes hosts imports increases influences insults
    interests invoices issues judges jumps keeps kicks kills labels lacks lands laughs leads leaves lends licences
    licenses lifts lights limits links lists loads locks looks loves makes manages marks matches matters means measures
    meets merges minds moves names needs notes notices objects offers opens orders outlines outputs parks parts passes
    pays permits phones plans plants plays points ports practices presents prices prints processes produces profits
    programs progresses projects promises protests purchases puts quotes raises ranges ranks rates reaches reads
    rebels records refunds refuses rejects releases remarks repairs replies reports requests rescues researches reserves
    rests results returns reviews rewards rides rings rises risks rolls rules runs sales samples saves scans scores
    searches seats sees sells sends sentences serves services sets shares shifts ships shops shows signals signs sites
    smiles sounds sources speeds spends spreads stands starts states stays steps stocks stops stores strikes studies
    subjects suits supplies supports surprises surveys suspects switches takes talks tapes targets tasks tastes taxes
    tests thinks threats times tops touches tours tracks trades trains transfers transports traps travels treats trips
    trusts turns types updates upgrades uses values views visits voices votes waits walks wants warrants wastes watches
    waves wins wishes wonders works worries
    """
)
SUBJECT = re.compile(
    r"(?i)(?<!\w)(?:he|she|it|who|which|everyone|everybody|someone|nobody|never|often|usually|also|now|still) \Z"
)
OBJECT = re.compile(r"(?i) (?:the|an?|him|it|them|us|me|you|himself|herself|itself|that|this|these|all|every)(?!\w)")
DETERMINER = re.compile(
    r"(?i)(?:(?<!\w)(?:the|these|those|all|some|any|no|many|few|several|various|both|other|more|most|new|such|of|for|with|in"
    r"|on|at|by|from|between|about|without|under|into|per|my|your|his|her|its|our|their|whose|different|two|three|four"
    r"|five|six|seven|eight|nine|ten|twelve|hundred|thousand)|\d|['’]s) \Z"
)
PREDICATE = re.compile(r" (?:of|are|were|have|can|could|will|would|may|might|must|should|which|who|between)(?!\w)")
PUNCTUATION = frozenset('.,;:!?)]"”')
# Those in -ar that are no verbs; all others may be.
PORTUGUESE_ARS = words(
    """
    celular militar lugar par mar bar lar dólar popular escolar similar particular regular familiar titular pilar
    exemplar auxiliar solar lunar polar nuclear linear molecular hospitalar curricular disciplinar complementar
    parlamentar alimentar muscular ocular circular singular modular avatar hangar
    """
)
SPANISH_ARS = words(
    """
    celular militar lugar par mar bar dólar popular escolar similar particular regular familiar titular pilar
    ejemplar auxiliar solar lunar polar nuclear molecular curricular circular modular avatar hogar glaciar
    """
)

# Behind these a phrase goes on with what its noun is of, which stays as it is.
PREPOSITIONS = {
    "pt": words("de do da dos das em no na nos nas com para por pelo pela a à ao aos às sem sobre entre sob"),
    "es": words("de del en con para por a al sin sobre entre bajo"),
    "fr": words("de du des d l en au aux à avec pour par sans sur sous entre"),
}
# Words behind a noun that are adjectives by their ending, and so have a plural beside it.
ADJECTIVES = {
    "pt": re.compile(r"(?:al|ar|[áí]vel|ic[oa]|os[oa]|[aid][dt][oa]|iv[oa]|ári[oa]|ente|ante|nte|ês|eir[oa]|n[oa])$"),
    "es": re.compile(r"(?:al|ar|ble|ic[oa]|os[oa]|[aid][dt][oa]|iv[oa]|ari[oa]|ente|ante|nte|és|er[oa]|n[oa])$"),
    "fr": re.compile(r"(?:al|ale|able|ible|ique|eux|euse|[ié]e?|if|ive|aire|ent|ant|ois|ais|el|elle)$"),
}

# Plurals differ from singulars in these letters alone, at the end of a word.
ENDINGS = {
    "en": "sefviyan",
    "pt": "saeionlmrzuãõéóíáúêôx",
    "es": "saeizcdrnlyóáéíúuo",
    "fr": "sxaul",
}


def plural(phrase: str, language: str) -> str | None:
    """Return the plural of a noun, or of a phrase with one; None where it is not certain.

    Args:
        phrase: in the singular.
        language: its canonical tag.
    """
    rule = RULES.get(base_language(language))
    return rule(phrase) if rule else None


def is_other_word(form: str, language: str) -> bool:
    """Whether a form that looks like a plural is a word of its own."""
    return form.lower() in OTHER_WORDS.get(base_language(language), ())


def endings(language: str) -> str:
    """Return the letters at the end of a word that its plural may not share; none where no plural is known."""
    return ENDINGS.get(base_language(language), "")


def reads_as_verb(word: str, before: str, behind: str) -> bool:
    """Whether an English word that may be a plural is, or may be, a verb where it stands: "she orders", "it runs".

    Args:
        word: what may be the plural of one word.
        before, behind: what stands beside it.
    """
    if SUBJECT.search(before) or OBJECT.match(behind):
        return True
    if word.lower() not in ENGLISH_VERBS:
        return False
    is_last = not behind or behind[0] in PUNCTUATION
    return not (is_last or DETERMINER.search(before) or PREDICATE.match(behind))


def english(phrase: str) -> str | None:
    """Return the plural of an English phrase, whose last word is its noun; of "proof of concept" none."""
    *before, noun = phrase.split(" ")
    if any(word in ("of", "in", "to", "for", "and", "on", "with", "at", "by", "the") for word in before):
        return None
    found = english_noun(noun)
    return None if found is None else " ".join((*before, found))


def english_noun(noun: str) -> str | None:
    """Return the plural of an English word."""
    low = noun.lower()
    if ACRONYM.fullmatch(noun):
        return f"{noun}s"
    if not WORD.fullmatch(noun) or not noun.isascii() or len(noun) < 3:
        return None
    if low.endswith(("ss", "x", "sh")) or (low.endswith("ch") and low not in ENGLISH_HARD_CH):
        return f"{noun}es"
    if low.endswith("sis"):
        return f"{noun[:-2]}es"
    if low.endswith(("s", "z")):
        return None
    if low.endswith("y"):
        return f"{noun}s" if low[-2] in "aeiou" else f"{noun[:-1]}ies"
    if low.endswith("man"):
        return None if low in ("human", "german", "roman", "shaman", "talisman", "ottoman") else f"{noun[:-2]}en"
    if low in ENGLISH_VES:
        return f"{noun.removesuffix('e')[:-1]}ves"
    return f"{noun}es" if low in ENGLISH_OES else f"{noun}s"


def romance(language: str, inflect: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """Return what gives the plural of a phrase whose first word is its noun.

    Args:
        language: its code.
        inflect: gives the plural of a word.
    """

    def pluralise(phrase: str) -> str | None:
        parts = phrase.split(" ")
        heads = (at for at, word in enumerate(parts) if re.split("['’]", word.lower())[0] in PREPOSITIONS[language])
        of = next(heads, len(parts))
        changing = parts[:of]
        if not changing or not all(ADJECTIVES[language].search(word) for word in changing[1:]):
            return None
        found = [inflect(word) if WORD.fullmatch(word) else None for word in changing]
        return None if None in found else " ".join([*map(str, found), *parts[of:]])

    return pluralise


def portuguese_word(word: str) -> str | None:
    """Return the plural of a Portuguese noun or adjective."""
    low = word.lower()
    if low.endswith("ão"):
        if low in PORTUGUESE_ÃOS:
            return f"{word}s"
        if low in PORTUGUESE_ÃES:
            return f"{word[:-2]}ães"
        return f"{word[:-2]}ões"
    if low == "mal" or low.endswith(("cônsul", "álcool", "mel", "fel")):
        return None
    if low.endswith(("al", "ol", "ul", "el")):
        is_stressed = not has_accent(word[:-2])
        vowel = {"e": "é", "o": "ó"}.get(low[-2], low[-2]) if is_stressed else low[-2]
        return f"{word[:-2]}{vowel}is"
    if low.endswith("il"):
        return f"{word[:-2]}eis" if has_accent(word[:-2]) else f"{word[:-1]}s"
    if low.endswith("m"):
        return f"{word[:-1]}ns"
    if low.endswith(("or", "lher", "z")) or low in PORTUGUESE_ARS:
        return f"{word}es"
    if low.endswith("ês"):
        return f"{word[:-2]}eses"
    return f"{word}s" if low[-1] in "aeiouãéêôóáí" else None


def spanish_word(word: str) -> str | None:
    """Return the plural of a Spanish noun or adjective."""
    low = word.lower()
    if low.endswith(("ión", "ón", "án")):
        return f"{word[:-2]}{bare(word[-2])}nes"
    if low.endswith("és"):
        return f"{word[:-2]}eses"
    if low.endswith("z"):
        return f"{word[:-1]}ces"
    if low.endswith("ail"):
        return None
    if low.endswith(("al", "el", "or", "dad", "tad", "tud", "ley", "mujer")) or low in SPANISH_ARS:
        return f"{word}es"
    return f"{word}s" if low[-1] in "aeoáéó" or (low[-1] in "iu" and len(word) > 4) else None


def french_word(word: str) -> str | None:
    """Return the plural of a French noun or adjective."""
    low = word.lower()
    if low[-1] in "sxz":
        return word
    if low.endswith(("eau", "eu", "au")):
        return None if low in ("bleu", "pneu", "landau", "sarrau", "émeu") else f"{word}x"
    if low.endswith("al"):
        known = (
            "bal",
            "carnaval",
            "festival",
            "récital",
            "régal",
            "chacal",
            "final",
            "naval",
            "fatal",
            "banal",
            "natal",
        )
        return None if low in known else f"{word[:-1]}ux"
    if low.endswith(("ail", "ou")):
        return None
    return f"{word}s"


def has_accent(text: str) -> bool:
    """Whether a letter of a text has an acute or a circumflex: of a Portuguese word, its stress is there."""
    return any(mark in unicodedata.normalize("NFD", text) for mark in "\u0301\u0302")


def bare(letter: str) -> str:
    """Return a letter without its accent."""
    return unicodedata.normalize("NFD", letter)[0]


RULES: Mapping[str, Callable[[str], str | None]] = {
    language: lru_cache(maxsize=4096)(rule)
    for language, rule in (
        ("en", english),
        ("pt", romance("pt", portuguese_word)),
        ("es", romance("es", spanish_word)),
        ("fr", romance("fr", french_word)),
    )
}
OTHER_WORDS = {"en": OTHER_ENGLISH, "pt": OTHER_PORTUGUESE, "es": OTHER_SPANISH, "fr": OTHER_FRENCH}
