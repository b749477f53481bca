"""Which elements of a page are open at a place of its source, as browsers have it where tags are missing or cross."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from polygist_service.errors import InvalidDocument
from polygist_service.text.documents.base import BlockKind
from polygist_service.text.documents.html.elements import (
    ASIDE_ROLES,
    ASIDES,
    BLOCK_KINDS,
    BORDERS,
    ENDS_IN_TABLE,
    ENDS_PARAGRAPH,
    FALLBACKS,
    FORMATTING,
    HEADINGS,
    KEPT,
    LISTS,
    MAINS,
    MARKERS,
    NOTES,
    SCOPES,
    SPECIAL,
    TABLE_PARTS,
)
from polygist_service.text.documents.html.tokens import Attribute
from polygist_service.text.languages import BadTag, parse_tag

# Browsers put what is deeper than that beside what it is in.
MOST_DEPTH = 512
# So many elements that are alike stay open at once where their end tags are missing: the rule of the standard.
MOST_ALIKE = 3

UNSEEN = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:opacity|font-size)\s*:\s*0(?:\.0*)?"
    r"(?:px|p[tc]|r?em|ex|%)?|color\s*:\s*(?:transparent|(?:rgb|hsl)a\([^);]{0,40},\s*0?(?:\.0*)?\))"
    r"|transform\s*:\s*scale\(0\)|clip(?:-path)?\s*:\s*(?:rect\([01](?:px)?[, ][^);]{0,40}\)|inset\((?:50|100)%\))"
    r"|(?:left|right|top|text-indent|margin-left)\s*:\s*-(?:999|\d{4,})[a-z]*)\s*(?:!|;|$)",
    re.IGNORECASE,
)
# Nothing is left of what is in one of these, where what does not fit is cut.
NO_ROOM = re.compile(r"(?:^|;)\s*(?:max-)?(?:height|width)\s*:\s*0(?:px)?\s*(?:!|;|$)", re.IGNORECASE)
CUT = re.compile(r"(?:^|;)\s*overflow\s*:\s*hidden", re.IGNORECASE)
COLOUR = re.compile(r"(?:^|;)\s*(color|background(?:-color)?)\s*:\s*([^;!]+)", re.IGNORECASE)
WHITES = frozenset(("white", "#fff", "#ffffff", "rgb(255,255,255)", "rgba(255,255,255,1)"))
UNSTATED = frozenset(("inherit", "initial", "none", "transparent", "unset", "currentcolor"))
OWN_LINES = re.compile(r"(?:^|;)\s*display\s*:\s*(?:block|flex|grid|table|list-item|inline-block)", re.IGNORECASE)
# Of tags for text in signs for sounds.
NOTATION = re.compile("-fon(?:ipa|upa|xsamp|napa|kirsh)(?:-|$)")
NOT_TRANSLATED = re.compile(r"(?:^|\s)notranslate(?:\s|$)", re.IGNORECASE)


@dataclass(eq=False, slots=True)
class Element:
    """An element of a page.

    Attributes:
        name: in small letters.
        source: its start tag.
        start: where that begins.
        end: where it is ended; the end of the page until then.
        serial: greater than that of any element that was opened before.
        facts: what holds inside of it, until an element inside says otherwise: see `Nesting.fact`.
        is_border: whether it is a block, a cell or a control, whose text is read apart.
    """

    name: str
    source: str
    start: int
    end: int
    serial: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    is_border: bool = False

    @classmethod
    def of(cls, name: str, source: str, start: int, end: int, attributes: dict[str, Attribute]) -> "Element":
        """Read an element from its start tag."""
        style = attributes["style"].value if "style" in attributes else ""
        element = cls(name, source, start, end, is_border=name in BORDERS or bool(OWN_LINES.search(style)))
        element.facts = {key: value for key, value in find_facts(element, attributes, style) if value is not None}
        return element


def find_facts(element: Element, attributes: dict[str, Attribute], style: str) -> Iterator[tuple[str, Any]]:
    """Yield what holds inside of an element, by its tag; None where it says nothing."""
    name, values = element.name, {key: each.value.strip().lower() for key, each in attributes.items()}
    is_kept: bool | None = name in KEPT or None
    if any(NOTATION.search(values.get(key, "")) for key in ("lang", "xml:lang")):
        is_kept = True
    if "translate" in values:
        is_kept = {"no": True, "yes": False, "": False}.get(values["translate"], is_kept)
    yield "is_kept", True if NOT_TRANSLATED.search(values.get("class", "")) else is_kept
    language = read_language(attributes)
    yield "is_listing", name == "pre" or None
    declared = (element, language) if language is not None else None
    yield "language", declared
    yield "block_language", declared if element.is_border else None
    yield "kind", (BLOCK_KINDS[name], HEADINGS.get(name, 0)) if name in BLOCK_KINDS else None
    yield "is_note", name in NOTES or None
    yield "link", element if name == "a" and "href" in values else None
    yield "raised", name if name in ("sub", "sup") else None
    yield "row", element if name == "tr" else None
    yield "is_aside", name in ASIDES or values.get("role") in ASIDE_ROLES or None
    yield "is_footer", name == "footer" or None
    yield "is_main", name in MAINS or values.get("role") in MAINS or None
    stated = ((key.lower()[:5], "".join(value.split()).lower()) for key, value in COLOUR.findall(style))
    colours = {key: value for key, value in stated if value not in UNSTATED}
    background = colours.get("backg") or values.get("bgcolor")
    yield "is_on_white", background in WHITES if background else None
    colour = colours.get("color") or (values.get("color") if name == "font" else None)
    yield "is_white", colour in WHITES if colour else None
    yield "is_white_block", colour in WHITES and element.is_border if colour else None
    is_unseen = "hidden" in values or values.get("aria-hidden") == "true" or bool(UNSEEN.search(style))
    is_unseen |= bool(NO_ROOM.search(style) and CUT.search(style))
    is_unseen |= name in FALLBACKS or (name == "dialog" and "open" not in values)
    yield "is_hidden", is_unseen or None
    yield "is_hidden_block", (is_unseen and element.is_border) or None


def read_language(attributes: dict[str, Attribute]) -> str | None:
    """Return the canonical tag that attributes declare; empty for one that is none, None where they declare nothing."""
    found = attributes.get("lang") or attributes.get("xml:lang")
    if not found:
        return None
    try:
        return parse_tag(found.value.strip())
    except BadTag:
        return ""


class Nesting:
    """The elements that are open, the innermost last.

    What a start tag or an end tag closes is found without looking at all that is open.
    """

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._serial = 0
        self._named: dict[str, list[Element]] = defaultdict(list)
        self._facts: dict[str, list[Element]] = defaultdict(list)
        self._groups: dict[str, list[Element]] = defaultdict(list)
        self._alike: dict[str, list[Element]] = defaultdict(list)

    def fact(self, key: str, default: Any = None) -> Any:
        """Return what the innermost element that says something of `key` says of it.

        Keys: `is_kept`, `is_listing`, `is_note`, `is_hidden`, `is_white`, `is_on_white`, `is_aside`, `is_footer`,
        `is_main`: bool; `link` and `row`: the element; `raised`: `sup` or `sub`; `kind`: a block's and the level of a
        heading; `language`: the element and its canonical tag; `block_language`, `is_hidden_block`, `is_white_block`:
        the same of blocks only.
        """
        stack = self._facts.get(key)
        return stack[-1].facts[key] if stack else default

    @property
    def kind(self) -> tuple[BlockKind, int]:
        """What the block is that is open, and the level where it is a heading."""
        found: tuple[BlockKind, int] = self.fact("kind", (BlockKind.PARAGRAPH, 0))
        return found

    @property
    def is_kept(self) -> bool:
        """Whether text is never translated here; in a listing nothing is, as it would be laid out in another way."""
        return bool(self.fact("is_kept") or self.fact("is_listing"))

    @property
    def is_hidden(self) -> bool:
        """Whether nobody sees what stands here; what nothing is said of is white, as paper is."""
        return bool(self.fact("is_hidden") or (self.fact("is_white") and self.fact("is_on_white", True)))

    @property
    def is_hidden_block(self) -> bool:
        """Whether nobody sees anything of the block that is open."""
        return bool(self.fact("is_hidden_block") or (self.fact("is_white_block") and self.fact("is_on_white", True)))

    @property
    def root(self) -> Element | None:
        """The outermost element."""
        return self._open[0] if self._open else None

    def has(self, name: str) -> bool:
        """Whether an element of that name is open."""
        return bool(self._named.get(name))

    def begin(self, element: Element) -> None:
        """Open an element; close what its start tag ends.

        Raises:
            InvalidDocument: it is nested too deep.
        """
        self._end_implied(element.name, element.start)
        if element.name in FORMATTING:
            alike = self._alike[element.source]
            if len(alike) >= MOST_ALIKE:
                self._remove(alike[0], element.start)
            alike.append(element)
        if len(self._open) >= MOST_DEPTH:
            raise InvalidDocument(f"has elements nested more than {MOST_DEPTH} deep at {element.start:,}; flatten it")
        self._serial += 1
        element.serial = self._serial
        self._open.append(element)
        for stack in self._stacks(element):
            stack.append(element)

    def leave(self, element: Element, at: int) -> None:
        """Close an element that has nothing inside."""
        self._remove(element, at)

    def end(self, name: str, at: int) -> Element | None:
        """Close what an end tag ends; return it, if there is anything."""
        if name in HEADINGS:
            open_headings = [each for heading in HEADINGS for each in self._named[heading][-1:]]
            target = max(open_headings, key=lambda each: each.serial, default=None)
        else:
            target = self._last(self._named, name)
        if target is None:
            return None
        special = self._last(self._groups, "special")
        if name not in FORMATTING and name not in SPECIAL:
            if special and special.serial > target.serial:
                return None
            self._close(target, at)
            return target
        barrier = self._barrier(name)
        if barrier and barrier.serial > target.serial:
            return None
        if name in FORMATTING and special and special.serial > target.serial:
            self._remove(target, at)
        else:
            self._close(target, at)
        return target

    def _barrier(self, name: str) -> Element | None:
        """Return the innermost element that an end tag does not reach beyond."""
        if name in TABLE_PARTS:
            return None if name == "table" else self._last(self._named, "table")
        found = [self._last(self._groups, "scope")]
        if name in ("p", "li"):
            found.append(self._last(self._groups, "list") if name == "li" else self._last(self._named, "button"))
        return max((each for each in found if each), key=lambda each: each.serial, default=None)

    def _end_implied(self, name: str, at: int) -> None:
        """Close what a start tag ends."""
        if name in ENDS_PARAGRAPH:
            self.end("p", at)
        if name in HEADINGS and self._open and self._open[-1].name in HEADINGS:
            self._close(self._open[-1], at)
        elif name in ("li", "dd", "dt"):
            self._end_items(("li",) if name == "li" else ("dd", "dt"), at)
        elif name in ("option", "optgroup") or name in NOTES:
            names = ("option", "optgroup") if name == "optgroup" else ("option",) if name == "option" else NOTES
            while self._open and self._open[-1].name in names:
                self._close(self._open[-1], at)
        elif name in ("a", "nobr", "button"):
            self.end(name, at)
        elif name in ENDS_IN_TABLE:
            table = self._last(self._named, "table")
            for each in ENDS_IN_TABLE[name]:
                found = self._last(self._named, each)
                if found and table and found.serial > table.serial:
                    self._close(found, at)

    def _end_items(self, names: Collection[str], at: int) -> None:
        """Close the innermost of some items of lists, unless it is around another block."""
        items = [each for name in names if (each := self._last(self._named, name))]
        item = max(items, key=lambda each: each.serial, default=None)
        block = self._last(self._groups, "block")
        if item and not (block and block.serial > item.serial):
            self._close(item, at)

    def _close(self, target: Element, at: int) -> None:
        """Close an element and what is inside of it; formatting goes on, unless the element is a world of its own."""
        first = bisect_left(self._open, target.serial, key=lambda each: each.serial)
        goes_on = target.name not in MARKERS
        for element in self._open[first:][::-1]:
            if element is target or not (goes_on and element.name in FORMATTING):
                self._remove(element, at)

    def _remove(self, element: Element, at: int) -> None:
        element.end = at
        del self._open[bisect_left(self._open, element.serial, key=lambda each: each.serial)]
        for stack in self._stacks(element):
            stack.remove(element)
        if element.name in FORMATTING and element in self._alike[element.source]:
            self._alike[element.source].remove(element)

    def _stacks(self, element: Element) -> Iterator[list[Element]]:
        """Yield the lists that an element is in while it is open."""
        name = element.name
        yield self._named[name]
        for key in element.facts:
            yield self._facts[key]
        if name in SPECIAL:
            yield self._groups["special"]
            if name not in ("address", "div", "p"):
                yield self._groups["block"]
        if name in SCOPES:
            yield self._groups["scope"]
        if name in LISTS:
            yield self._groups["list"]

    def _last(self, stacks: dict[str, list[Element]], key: str) -> Element | None:
        stack = stacks.get(key)
        return stack[-1] if stack else None
