"""How words look: properties of runs, which of them are alike, and what another language changes of them."""

import unicodedata
from collections import Counter
from copy import deepcopy
from functools import lru_cache

from lxml import etree

from polygist_service.errors import InvalidDocument
from polygist_service.text.documents.files.word.markup import (
    Element,
    find_child,
    is_on,
    name_of,
    named,
    shorten,
    value_of,
)
from polygist_service.text.documents.html.elements import names
from polygist_service.text.languages import is_kin, is_right_to_left

# What says nothing of how words look: what they were typed on, and what a speller made of them.
UNSEEN = frozenset(("w:lang", "w:noProof"))
UNSEEN_ATTRIBUTES = frozenset(("w:hint", "lang", "altLang", "dirty", "err", "smtClean", "noProof", "bmk"))
SWITCHES = names(
    "w:b w:bCs w:i w:iCs w:caps w:smallCaps w:strike w:dstrike w:outline w:shadow w:emboss w:imprint w:vanish w:u"
)
# Whose letters are no letters.
SYMBOLIC = frozenset(
    ("symbol", "wingdings", "wingdings 2", "wingdings 3", "webdings", "zapf dingbats", "mt extra", "marlett")
)
# What a run says of its looks takes some hundreds, and is written again with each of its parts.
MOST_CHARACTERS = 10_000
RAISED = {"superscript": "sup", "subscript": "sub"}
# The order of properties that the standard asks for, up to those that are put in here.
BEFORE_RUN_DIRECTION = names(
    "w:rStyle w:rFonts w:b w:bCs w:i w:iCs w:caps w:smallCaps w:strike w:dstrike w:outline w:shadow w:emboss w:imprint"
    " w:noProof w:snapToGrid w:vanish w:webHidden w:color w:spacing w:w w:kern w:position w:sz w:szCs w:highlight w:u"
    " w:effect w:bdr w:shd w:fitText w:vertAlign"
)
BEFORE_PARAGRAPH_DIRECTION = names(
    "w:pStyle w:keepNext w:keepLines w:pageBreakBefore w:framePr w:widowControl w:numPr w:suppressLineNumbers w:pBdr"
    " w:shd w:tabs w:suppressAutoHyphens w:kinsoku w:wordWrap w:overflowPunct w:topLinePunct"
    " w:autoSpaceDE w:autoSpaceDN"
)
# Properties, and what they are called for scripts like Arabic.
COMPLEX = (("b", "bCs"), ("i", "iCs"), ("sz", "szCs"))
EAST_ASIAN = frozenset(("zh", "ja", "ko"))


def properties_of(run: Element | None) -> Element | None:
    """Return the properties of a run."""
    return None if run is None else next((each for each in run if name_of(each) in ("w:rPr", "a:rPr")), None)


class Looks:
    """Numbers what runs look like: those that look alike have the same number, those of which nothing is said 0.

    Args:
        off: switches that say nothing where they are off.
    """

    def __init__(self, off: frozenset[str]) -> None:
        self._off = off
        self._numbers = {"": 0}
        self._known: dict[Element | None, int] = {None: 0}

    def find(self, run: Element | None) -> int:
        """Return the number of a run, or of what has no words and stands in none.

        Raises:
            InvalidDocument: it says more of itself than anybody would.
        """
        if run not in self._known:
            written = self._write(run)
            if len(written) > MOST_CHARACTERS:
                raise InvalidDocument(f"has a run with {len(written):,} characters of properties; clear its formatting")
            self._known[run] = self._numbers.setdefault(written, len(self._numbers))
        return self._known[run]

    def _write(self, run: Element | None) -> str:
        properties = properties_of(run)
        if properties is None:
            return ""
        off = self._off if find_child(properties, "w:rStyle") is None else ()
        seen = [
            write_property(each)
            for each in properties
            if name_of(each) not in UNSEEN and not (name_of(each) in off and not is_on(each))
        ]
        return " ".join(filter(None, (write_attributes(properties), *sorted(seen))))


def is_symbolic(run: Element) -> bool:
    """Whether the letters of a run stand for signs, by its font."""
    fonts = find_child(properties_of(run), "w:rFonts")
    return (value_of(fonts, "ascii") or "").lower() in SYMBOLIC


def write_attributes(element: Element) -> str:
    """Return the attributes of an element that say how words look, in one order."""
    shown = sorted((str(name), str(value)) for name, value in element.attrib.items())
    return " ".join(f"{name}={value!r}" for name, value in shown if shorten(name) not in UNSEEN_ATTRIBUTES)


def write_property(element: Element) -> str:
    """Return an element in a form that is the same for those that are alike."""
    if name_of(element) == "w:rFonts" and not write_attributes(element):
        return ""
    inner = [f"{each.tag} {write_attributes(each)}" for each in element.iterdescendants()]
    return f"<{element.tag} {write_attributes(element)}>{inner or ''}"


def find_tag(run: Element, code_styles: frozenset[str]) -> str:
    """Return the element of HTML, with its attributes, that stands for how a run looks."""
    properties = properties_of(run)
    if properties is None:
        return "font"
    if value_of(find_child(properties, "w:rStyle")) in code_styles:
        return "code"
    if is_on(find_child(properties, "w:vanish")):
        return "font hidden"
    raised = RAISED.get(value_of(find_child(properties, "w:vertAlign")) or "")
    if raised:
        return raised
    if properties.get("baseline", "0") not in ("0", "0%"):
        return "sub" if properties.get("baseline", "").startswith("-") else "sup"
    moved = value_of(find_child(properties, "w:position")) or "0"
    if moved.strip("0") and find_child(properties, "w:sz") is not None:
        return "sub" if moved.startswith("-") else "sup"
    for name in ("b", "i", "u"):
        if is_on(find_child(properties, f"w:{name}")) or properties.get(name) in ("1", "true", "sng"):
            return name
    return "font"


@lru_cache(maxsize=64)
def attribute_of(language: str) -> str:
    """Return the attribute by which properties say that text is in a language, by its script."""
    if is_right_to_left(language):
        return "bidi"
    return "eastAsia" if language.partition("-")[0] in EAST_ASIAN else "val"


def set_language(run: Element, language: str) -> None:
    """Let a run of words say that it is in a language, where it says what it is in."""
    properties = properties_of(run)
    if properties is not None and properties.get("lang"):
        declare(properties, "lang", language)
    declared = find_child(properties, "w:lang")
    if declared is not None:
        declare(declared, named(declared, attribute_of(language)), language)


def turn_run(run: Element, language: str) -> None:
    """Let a run go in the direction of a language, in the weight and size that it has."""
    properties = properties_of(run)
    direction = find_child(properties, "w:rtl")
    is_turned = is_right_to_left(language)
    if is_turned == is_on(direction):
        return
    if properties is None:
        properties = etree.Element(named(run, "rPr"))
        run.insert(0, properties)
    if direction is not None:
        properties.remove(direction)
    for usual, other in COMPLEX:
        own, put = (usual, other) if is_turned else (other, usual)
        found = find_child(properties, f"w:{own}")
        if found is not None and find_child(properties, f"w:{put}") is None:
            copy = deepcopy(found)
            copy.tag = named(run, put)
            (found.addnext if is_turned else found.addprevious)(copy)
    if is_turned:
        insert_behind(properties, etree.Element(named(run, "rtl")), BEFORE_RUN_DIRECTION)


def goes_right_to_left(text: str) -> bool:
    """Whether most letters of a text are of scripts that go from right to left."""
    directions = Counter(unicodedata.bidirectional(letter) for letter in text if letter.isalpha())
    return directions["R"] + directions["AL"] > directions["L"]


def turn_paragraph(paragraph: Element, language: str) -> None:
    """Let a paragraph go in the direction of its language."""
    properties = find_child(paragraph, "w:pPr")
    direction = find_child(properties, "w:bidi")
    if is_right_to_left(language) == is_on(direction):
        return
    if properties is None:
        properties = etree.Element(named(paragraph, "pPr"))
        paragraph.insert(0, properties)
    if direction is not None:
        properties.remove(direction)
    if is_right_to_left(language):
        insert_behind(properties, etree.Element(named(paragraph, "bidi")), BEFORE_PARAGRAPH_DIRECTION)


def insert_behind(properties: Element, added: Element, before: frozenset[str]) -> None:
    """Put a property behind those that stand before it."""
    places = [at for at, each in enumerate(properties, 1) if name_of(each) in before]
    properties.insert(places[-1] if places else 0, added)


def declare_language(styles: Element, language: str) -> bool:
    """Let styles that say that text is in the language of the whole say another one; return whether any does."""
    declared = [each for each in styles.iter() if name_of(each) == "w:lang"]
    local = attribute_of(language)
    whole = next((said for each in declared if is_default(each) and (said := value_of(each, local))), None)
    changed = [
        declare(each, named(each, local), language)
        for each in declared
        if whole and is_kin(value_of(each, local) or "", whole)
    ]
    return any(changed)


def declare(element: Element, name: str, language: str) -> bool:
    """Let an attribute say that text is in a language, in no region; return whether it did not say so."""
    said = element.get(name)
    if said == language or (said and is_kin(said, language) and "-" not in language):
        return False
    element.set(name, language)
    return True


def is_default(declared: Element) -> bool:
    """Whether a language is that of all text of which nothing else is said."""
    return any(name_of(each) == "w:rPrDefault" for each in declared.iterancestors())
