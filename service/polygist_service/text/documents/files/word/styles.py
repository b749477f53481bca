"""Styles of a document: which of them are for headings, and which for code."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from polygist_service.text.documents.files.word.formats import SWITCHES
from polygist_service.text.documents.files.word.markup import Element, find_child, is_on, name_of, value_of

HEADING = re.compile(r"heading ([1-6])\b|title$", re.IGNORECASE)
# Programs that write documents name them so, in every language.
CODE = frozenset(
    (
        *("code", "source code", "verbatim char", "macro text", "html code", "html sample", "html keyboard"),
        *("html typewriter", "html variable", "html preformatted", "preformatted text", "source text"),
    )
)
# Styles that are based on one another; nobody has more.
MOST_BASES = 50


@dataclass(frozen=True, slots=True)
class Styles:
    """The styles of a document, by their identifiers.

    Attributes:
        headings: levels of those for headings.
        code: those for code.
        lists: those for items of lists.
        switched: the switches that are on in those for paragraphs; of the one without a name, in those without a style.
    """

    headings: Mapping[str, int]
    code: frozenset[str]
    lists: frozenset[str]
    switched: Mapping[str, frozenset[str]]

    @classmethod
    def read(cls, root: Element | None) -> "Styles":
        """Read the styles of a part."""
        headings: dict[str, int] = {}
        code: set[str] = set()
        lists: set[str] = set()
        styles = [each for each in root if name_of(each) == "w:style"] if root is not None else []
        for style in styles:
            identifier = value_of(style, "styleId") or ""
            name = (value_of(find_child(style, "w:name")) or "").lower()
            properties = find_child(style, "w:pPr")
            heading = HEADING.match(name)
            level = int(heading[1] or 1) if heading else find_level(properties)
            if level:
                headings[identifier] = level
            if name in CODE:
                code.add(identifier)
            if name.startswith("list ") or find_child(properties, "w:numPr") is not None:
                lists.add(identifier)
        return cls(headings, frozenset(code), frozenset(lists - headings.keys()), find_switched(root, styles))

    def find_tag(self, paragraph: Element) -> str:
        """Return the element of HTML that a paragraph is."""
        properties = find_child(paragraph, "w:pPr")
        style = value_of(find_child(properties, "w:pStyle")) or ""
        if style in self.code:
            return "pre"
        level = find_level(properties) or self.headings.get(style)
        if level:
            return f"h{level}"
        return "li" if style in self.lists or find_child(properties, "w:numPr") is not None else "p"

    def find_off(self, paragraph: Element) -> frozenset[str]:
        """Return the switches of runs that say nothing in a paragraph where they are off: nothing switches them on."""
        if any(name_of(each) == "w:tbl" for each in paragraph.iterancestors()):
            return frozenset()  # the style of a table may
        style = value_of(find_child(find_child(paragraph, "w:pPr"), "w:pStyle")) or ""
        return SWITCHES - self.switched.get(style, self.switched[""])


def find_level(properties: Element | None) -> int:
    """Return the level of a heading by the properties of a paragraph; 0 for what is none."""
    level = value_of(find_child(properties, "w:outlineLvl")) or ""
    return int(level) + 1 if level in tuple("012345") else 0


def find_switched(root: Element | None, styles: Sequence[Element]) -> dict[str, frozenset[str]]:
    """Return the switches that are on in styles, by their identifiers; see `Styles.switched`."""
    defaults = find_child(find_child(find_child(root, "w:docDefaults"), "w:rPrDefault"), "w:rPr")
    known = {value_of(each, "styleId") or "": each for each in styles}
    usual = next((key for key, each in known.items() if is_usual(each)), "")
    switched: dict[str, frozenset[str]] = {}
    for key in known:
        on = set(switches_of(defaults))
        at, seen = key, set[str]()
        while at in known and at not in seen and len(seen) < MOST_BASES:
            seen.add(at)
            on.update(switches_of(find_child(known[at], "w:rPr")))
            at = value_of(find_child(known[at], "w:basedOn")) or ""
        switched[key] = frozenset(on)
    return {**switched, "": switched.get(usual, frozenset(switches_of(defaults)))}


def is_usual(style: Element) -> bool:
    """Whether a style is that of paragraphs that name none."""
    return value_of(style, "type") == "paragraph" and value_of(style, "default") in ("1", "true", "on")


def switches_of(properties: Element | None) -> Iterator[str]:
    """Yield the switches that properties of runs turn on."""
    for each in properties if properties is not None else ():
        if name_of(each) in SWITCHES and is_on(each):
            yield name_of(each)
