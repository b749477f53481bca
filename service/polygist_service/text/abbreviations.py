"""Abbreviations that end in a full stop and do not end a sentence, by language."""

import re
from collections.abc import Mapping

# Titles and references that always stand before a name or a number.
ENGLISH = "mr mrs ms mx dr prof rev hon gen col maj capt lt sgt gov sen rep pres st sr jr messrs mt ft vs no nos vol pp fig figs eq art sec ch ed eds approx est cf viz i.e e.g jan feb mar apr jun jul aug sep sept oct nov dec"
PORTUGUESE = "sr sra srs sras srta dr dra drs dras prof profa profs eng arq adv exmo exma ilmo ilma v.exa v.sa d dom fr pe st sto sta gen cel maj cap ten sgt gov dep sen pres min des av r tv al pç pça rod km n nº num núm art arts inc par fls fl pág págs p pp vol vols cap caps ed eds cf vs ex p.ex i.e aprox tel jan fev mar abr mai jun jul ago set out nov dez séc"

WORDS: Mapping[str, frozenset[str]] = {"en": frozenset(ENGLISH.split()), "pt": frozenset(PORTUGUESE.split())}

# The last word of a span, with inner full stops: "Dr", "p.ex", "J".
LAST_WORD = re.compile(r"(?:^|[\s(\[\"'“‘«])([^\W\d_][\w.]{0,12})\.$")


def ends_in_abbreviation(text: str, language: str) -> bool:
    """Whether `text`, a sentence by its punctuation, ends in an abbreviation or an initial instead."""
    found = LAST_WORD.search(text[-20:])
    if not found:
        return False
    word = found.group(1)
    if len(word) == 1 and word.isupper() and word != "I":
        return True
    return word.lower() in WORDS.get(language.partition("-")[0], frozenset())
