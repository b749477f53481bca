"""What is read of a run of a page: its text, where its characters stand, and where in it are tags and objects."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from itertools import islice

from polygist_service.text.documents.base import Segment
from polygist_service.text.documents.html.borders import Borders
from polygist_service.text.documents.html.characters import LINE, WHITE_CHARACTERS, PlacedText
from polygist_service.text.documents.html.runs import Item, ItemKind, Run
from polygist_service.text.documents.inline import free_objects
from polygist_service.text.documents.inline_tags import Tag
from polygist_service.text.languages import is_kin, letters_outside, script_of
from polygist_service.text.segmentation import Span, has_letters, strip

# Figures that are set higher or lower are none of the number or the word before.
FIGURES = {
    "sup": str.maketrans("0123456789+-=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾"),
    "sub": str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎"),
}
BRACKET = re.compile(r"[\[\]]")
# So many objects have a character of their own; a sentence with more is none.
MOST_OBJECTS = 1000


@dataclass(slots=True)
class RunText:
    """The text of a run, or of what stands inside one and is read apart.

    Attributes:
        placed: its characters, and where they stand in the source.
        text: what is read; a character of private use stands for each object.
        tags: of its elements, where they stand in `text`, and what else has no words.
        tag_spans: where they stand in the source.
        quote: around it where it is the value of an attribute; None where it is none.
        block: index of the block that it is of.
        span: of all of it in the source.
        is_apart: whether it stands inside of what is read of the block.
        objects: where in `text` the characters stand that are for objects.
        parts: spans in `text` that are read each by itself.
        alone_at: where in `text` the last thing without words stands, as an image.
        crossing: indices of the tags that begin what a tag of another name ends: two elements overlap there.
        lines: indices of the tags that break lines.
        spaced: indices of the tags that have the white space behind them.
        figures: how figures are written in the source that are read as such that are set higher or lower.
    """

    placed: PlacedText
    text: str = ""
    tags: list[Tag] = field(default_factory=list)
    tag_spans: list[Span] = field(default_factory=list)
    quote: str | None = None
    block: int = 0
    span: Span = (0, 0)
    is_apart: bool = False
    objects: list[int] = field(default_factory=list)
    parts: Sequence[Span] = ()
    alone_at: int = -1
    crossing: set[int] = field(default_factory=set)
    figures: dict[str, str] = field(default_factory=dict)
    lines: set[int] = field(default_factory=set)
    spaced: set[int] = field(default_factory=set)

    def put_tag(self, item: Item, partner: int | None) -> int:
        """Add a tag, or what else has no words; return its index.

        Args:
            item: of the run.
            partner: index of the tag that begins what this one ends.
        """
        index = len(self.tags)
        if partner is not None:
            self.tags[partner] = Tag(self.tags[partner].at, index)
            if item.is_crossing:
                self.crossing.add(partner)
        self.tags.append(Tag(self.placed.length, partner))
        self.tag_spans.append((item.start, item.end))
        self.alone_at = self.placed.length if item.kind is ItemKind.ALONE else self.alone_at
        if item.kind is ItemKind.LINE:
            self.lines.add(index)
            self.placed.put(LINE, item.start, item.end)
        return index

    def put_space_behind_alone(self, source: str, item: Item) -> int:
        """Let white space that a text begins with go with the tags before it; return where the text goes on.

        Where there is white space on both sides of an image or its like, one of them is read and the other one is its.
        """
        start = item.start
        if self.alone_at == self.placed.length and self.placed.ends_in_space:
            start = item.end - len(source[start : item.end].lstrip(WHITE_CHARACTERS))
            if item.start < start and self.tag_spans and self.tag_spans[-1][1] == item.start:
                self.tag_spans[-1] = self.tag_spans[-1][0], start
                self.spaced.add(len(self.tag_spans) - 1)
        return start

    def objects_in(self, low: int, high: int) -> Sequence[int]:
        """Return where in a span of the text objects stand."""
        return self.objects[bisect_left(self.objects, low) : bisect_left(self.objects, high)]

    def source_of(self, source: str, low: int, high: int) -> str:
        """Return how the characters of a span are written in the source, without tags and objects."""
        starts, ends, objects = self.placed.starts, self.placed.ends, set(self.objects_in(low, high))
        if ends[high - 1] - starts[low] == high - low:
            return source[starts[low] : ends[high - 1]]
        return "".join(source[starts[at] : ends[at]] for at in range(low, high) if at not in objects)


@dataclass(frozen=True, slots=True)
class HtmlSegment(Segment):
    """A segment of a page.

    Attributes:
        run: index of the text that it is of, in its document.
        low, high: its half-open span there.
        is_apart: whether it is of an attribute, or hidden inside of a text that is shown.
    """

    run: int = 0
    low: int = 0
    high: int = 0
    is_apart: bool = False


def read_out(source: str, run: Run) -> PlacedText:
    """Return all that is shown of a run but for references to notes, with what is never translated written out."""
    placed = PlacedText()
    for item in run.items:
        if item.raised == "sup" and (item.link or BRACKET.search(unescape(source[item.start : item.end]))):
            continue
        if item.raised and not placed.ends_in_bracket:
            placed.read_raised(source, item.start, item.end, FIGURES[item.raised])
        elif item.kind is ItemKind.TEXT:
            placed.read(source, item.start, item.end, in_attribute=run.quote is not None)
        elif item.kind is ItemKind.LINE:
            placed.put(LINE, item.start, item.end)
        for start, end in item.texts:
            placed.read(source, start, end)
    return placed


def is_kept(run: Run) -> bool:
    """Whether nothing of a run is ever translated, neither its words nor what is read apart."""
    texts = [item for item in run.items if item.kind is ItemKind.TEXT and not item.is_blank]
    return all(item.is_kept for item in texts) and all(map(is_kept, run.inner))


def find_link_share(source: str, run: Run) -> float:
    """Return what share of the letters of a run belong to links."""
    counts = [0, 0]
    for item in run.items:
        if item.kind is ItemKind.TEXT:
            counts[item.link is not None] += sum(map(str.isalpha, source[item.start : item.end]))
    return counts[1] / (sum(counts) or 1)


class RunTexts:
    """Reads the runs of a page in one language.

    Args:
        source: the page.
        language: canonical tag of the language that it is read in.
    """

    def __init__(self, source: str, language: str) -> None:
        self._source = source
        self._language = language
        self._objects = list(islice(free_objects(source), MOST_OBJECTS))

    def read(self, run: Run, block: int, *, is_apart: bool = False) -> RunText:
        """Return what is read of a run.

        Args:
            run: one of the page, or of what is read apart.
            block: index of the block.
            is_apart: whether it stands inside of what is read of the block.
        """
        items = run.items
        kept = [self._is_kept(item, run) for item in items]
        units = {
            first: (last, kind)
            for first, last, kind in find_units(items, kept)
            if not (kind is ItemKind.ALONE and self._is_in_formula(items, first, last))
        }
        found = RunText(PlacedText(), quote=run.quote, block=block, is_apart=is_apart)
        found.span = (items[0].start, items[-1].end) if items else (run.start, run.start)
        places: dict[int, int] = {}  # of tags, by their places among the items
        borders = Borders()
        at = 0
        while at < len(items):
            item = items[at]
            if at in units:
                at, kind = units[at]
                self._put_unit(found, item, items[at], kind)
                if kind is ItemKind.OBJECT:
                    borders.pass_object(found.placed.length - 1)
                elif kind is ItemKind.TEXT and not self._begins_with_space(items, at + 1):
                    found.placed.put_space(item.start, items[at].end)
            elif item.kind is ItemKind.TEXT and not kept[at]:
                start = found.put_space_behind_alone(self._source, item)
                begun = found.placed.length
                if item.raised:
                    self._read_figures(found, item)
                else:
                    found.placed.read(self._source, start, item.end, in_attribute=run.quote is not None)
                borders.read(item, found.placed.text_from(begun), begun)
            else:
                borders.pass_tag(item)
                places[at] = found.put_tag(item, places.get(item.partner) if item.partner is not None else None)
            at += 1
        found.text = found.placed.text
        found.parts = borders.parts(found.text)
        return found

    def _read_figures(self, found: RunText, item: Item) -> None:
        """Read figures inside of a formula, as in H₂O."""
        placed, begun = found.placed, found.placed.length
        placed.read_raised(self._source, item.start, item.end, FIGURES[item.raised])
        for at, figure in enumerate(placed.text_from(begun), begun):
            found.figures[figure] = self._source[placed.starts[at] : placed.ends[at]]

    def _put_unit(self, found: RunText, first: Item, last: Item, kind: ItemKind) -> None:
        """Put what stands as one, without the white space at its edges where it is text."""
        start, end, placed = first.start, last.end, found.placed
        if first.kind is ItemKind.TEXT:
            start, end = strip(self._source, start, end)
            if first.start < start:
                placed.put_space(first.start, start)
        if kind is ItemKind.OBJECT:
            found.objects.append(placed.length)
            placed.put(self._objects[len(found.objects) % len(self._objects)], start, end)
        else:
            found.put_tag(Item(ItemKind.ALONE, start, end), None)
        if end < last.end:
            placed.put_space(end, last.end)

    def _begins_with_space(self, items: Sequence[Item], at: int) -> bool:
        """Whether the first text from an item on begins with white space, or there is none."""
        while at < len(items) and items[at].kind is not ItemKind.TEXT:
            at += 1
        return at == len(items) or self._source[items[at].start] in WHITE_CHARACTERS

    def _is_in_formula(self, items: Sequence[Item], first: int, last: int) -> bool:
        """Whether letters stand right before and behind some figures."""
        before = items[first - 1] if first else None
        behind = items[last + 1] if last + 1 < len(items) else None
        if not before or before.kind is not ItemKind.TEXT or not self._source[before.end - 1].isalpha():
            return False
        return bool(behind and behind.kind is ItemKind.TEXT and self._source[behind.start].isalpha())

    def _is_kept(self, item: Item, run: Run) -> bool:
        """Whether a text is never translated, or is in another language than its run, as it is said.

        Word processors say of every few words what keyboard they were typed on, with a language and a region in a
        `span`: that is no language of the words.
        """
        if item.kind is not ItemKind.TEXT:
            return False
        if item.is_kept or not item.language or item.language is run.language:
            return item.is_kept
        element, tag = item.language
        shown = self._source[item.start : item.end]
        if not tag or element.is_border or is_kin(tag, self._language) or not has_letters(shown):
            return False
        is_typed = element.name in ("span", "font") and "-" in tag
        return not is_typed or len(letters_outside(shown, script_of(self._language))) * 2 > len(shown.strip())


def find_units(items: Sequence[Item], kept: Sequence[bool]) -> Iterator[tuple[int, int, ItemKind]]:
    """Yield the first and last items of what stands in a run as one, and what it is.

    OBJECT: an element of which nothing is to be translated. ALONE: a reference to a note or an exponent, which would be
    taken for a part of the number or the word before. TEXT: an element with nothing but spaces.

    Args:
        items: of a run.
        kept: whether each is a text that is never translated.
    """
    kinds = (ItemKind.OBJECT, ItemKind.ALONE, ItemKind.TEXT)
    sums: list[tuple[int, ...]] = [(0, 0, 0, 0)]
    for item, is_kept in zip(items, kept, strict=True):
        is_text = item.kind is ItemKind.TEXT and not item.is_blank
        is_object = item.kind is ItemKind.OBJECT or (is_text and is_kept)
        is_raised = is_text and not is_object and item.raised != ""
        is_space = is_text and not is_object and item.is_space
        is_read = item.kind is ItemKind.LINE or (is_text and not (is_object or is_raised or is_space))
        counts = (is_object, is_raised, is_space, is_read)
        sums.append(tuple(total + count for total, count in zip(sums[-1], counts, strict=True)))
    at = 0
    while at < len(items):
        last = items[at].partner
        last = at if last is None or last < at else last
        *unread, read = (after - before for before, after in zip(sums[at], sums[last + 1], strict=True))
        kind = next((kind for kind, count in zip(kinds, unread, strict=True) if count), None)
        if kind and not read and not (kind is ItemKind.TEXT and last == at):
            yield at, last, kind
            at = last
        at += 1
