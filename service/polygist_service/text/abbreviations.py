"""Abbreviations that end in a full stop and do not end a sentence, by language."""

import re
from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Titles and the like, which a name follows: their full stop hardly ever ends a sentence.
TITLES: Mapping[str, frozenset[str]] = {
    "en": _words(
        "mr mrs ms mx messrs dr drs prof rev fr hon gen col maj capt cpt cmdr lt sgt cpl gov sen rep pres supt insp st"
        " mt ft vs cf viz approx i.e e.g esp incl"
    ),
    "pt": _words(
        "sr sra srs sras srta dr dra drs dras prof profa profs eng engª arq adv exmo exma ilmo ilma v.exa v.sa d fr pe"
        " sto sta gen cel cap ten sgt gov dep min des av r pç pça trav rod vs cf ex p.ex i.e aprox"
    ),
}
# References, which a number follows; before anything else their full stop may well end a sentence ("No." "mar.").
REFERENCES: Mapping[str, frozenset[str]] = {
    "en": _words(
        "no nos vol vols p pp fig figs eq eqs art arts sec ch chap ed c ca jan feb mar apr jun jul aug sep sept oct"
        " nov dec"
    ),
    "pt": _words(
        "n nº num núm art arts inc p pp pág págs fl fls vol vols cap ed séc fig figs c tel km jan fev mar abr mai jun"
        " jul ago set out nov dez"
    ),
}

# The last word in front of a full stop, with inner ones: "Dr", "p.ex", "J".
LAST_WORD = re.compile(r"(?:^|[\s(\[\"'“‘«\-–—])([^\W\d_][\w.]{0,12})\.$")
# Longer than any last word and what stands before it.
REACH = 20


def ends_in_abbreviation(text: str, following: str, language: str) -> bool:
    """Whether the full stop at the end of `text` belongs to an abbreviation or an initial.

    Args:
        text: a sentence by its punctuation, without white space at its end.
        following: what comes next.
        language: canonical tag; initials are known in any.
    """
    found = LAST_WORD.search(text[-REACH:])
    if not found:
        return False
    word = found.group(1)
    if len(word) == 1 and word.isupper() and word != "I":
        return True
    base, word = language.partition("-")[0], word.lower()
    return word in TITLES.get(base, ()) or (following[:1].isdigit() and word in REFERENCES.get(base, ()))
