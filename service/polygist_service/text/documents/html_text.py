"""What is read of a run of a page: its text, where its characters stand, and where in it are tags and objects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from polygist_service.text.documents.base import Segment
from polygist_service.text.documents.html_characters import LINE, PlacedText
from polygist_service.text.documents.html_runs import Item, ItemKind, Run
from polygist_service.text.documents.inline import FIRST_OBJECT, LAST_OBJECT, OBJECT
from polygist_service.text.documents.inline_tags import Tag
from polygist_service.text.languages import is_kin, letters_outside, script_of
from polygist_service.text.segmentation import Span, has_letters

# So many objects have a character of their own; a sentence with more is none.
MOST_OBJECTS = 1000


@dataclass(slots=True)
class RunText:
    """The text of a run, or of what stands inside one and is read apart.

    Attributes:
        text: what is read; a character of private use stands for each object.
        placed: where its characters stand in the source.
        tags: of its elements, where they stand in `text`, and what else has no words.
        tag_spans: where they stand in the source.
        quote: around it where it is the value of an attribute; None where it is none.
        block: index of the block that it is of.
        span: of all of it in the source.
        is_apart: whether it stands inside of what is read of the block.
        objects: where in `text` the characters stand that are for objects.
    """

    text: str
    placed: PlacedText
    tags: list[Tag] = field(default_factory=list)
    tag_spans: list[Span] = field(default_factory=list)
    quote: str | None = None
    block: int = 0
    span: Span = (0, 0)
    is_apart: bool = False
    objects: list[int] = field(default_factory=list)

    def source_of(self, source: str, low: int, high: int) -> str:
        """Return how the characters of a span are written in the source, without tags and objects."""
        starts, ends, objects = self.placed.starts, self.placed.ends, set(self.objects)
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
    """Return all that is shown of a run, with what is never translated written out."""
    placed = PlacedText()
    for item in run.items:
        if item.kind is ItemKind.TEXT:
            placed.read(source, item.start, item.end, in_attribute=run.quote is not None)
        elif item.kind is ItemKind.LINE:
            placed.put(LINE, item.start, item.end)
        for start, end in item.texts:
            placed.read(source, start, end)
    return placed


def find_link_share(source: str, run: Run) -> float:
    """Return what share of the letters of a run belong to links."""
    counts = [0, 0]
    for item in run.items:
        if item.kind is ItemKind.TEXT:
            counts[item.is_link] += sum(map(str.isalpha, source[item.start : item.end]))
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
        # Some may be characters of the page.
        taken = set(OBJECT.findall(source))
        self._objects = list(
            islice(
                (each for code in range(FIRST_OBJECT, LAST_OBJECT + 1) if (each := chr(code)) not in taken),
                MOST_OBJECTS,
            )
        )

    def read(self, run: Run, block: int, *, is_apart: bool = False) -> RunText:
        """Return what is read of a run.

        Args:
            run: one of the page, or of what is read apart.
            block: index of the block.
            is_apart: whether it stands inside of what is read of the block.
        """
        items = run.items
        kept = [self._is_kept(item, run) for item in items]
        objects = dict(find_objects(items, kept))
        placed, found = PlacedText(), RunText("", PlacedText(), quote=run.quote, block=block, is_apart=is_apart)
        found.span = (items[0].start, items[-1].end) if items else (run.start, run.start)
        places: dict[int, int] = {}  # of tags, by their places among the items
        at = count = 0
        while at < len(items):
            item, last = items[at], objects.get(at)
            if last is not None:
                start, end = item.start, items[last].end
                if item.kind is ItemKind.TEXT:
                    start, end = self._put_edge_spaces(placed, item)
                found.objects.append(placed.length)
                placed.put(self._objects[count % len(self._objects)], start, end)
                if item.kind is ItemKind.TEXT and end < item.end:
                    placed.put_space(end, item.end)
                count += 1
                at = last + 1
                continue
            if item.kind is ItemKind.TEXT and not kept[at]:
                placed.read(self._source, item.start, item.end, in_attribute=run.quote is not None)
            else:
                partner = places.get(item.partner) if item.partner is not None and item.partner < at else None
                if partner is not None:
                    found.tags[partner] = Tag(found.tags[partner].at, len(found.tags))
                places[at] = len(found.tags)
                found.tags.append(Tag(placed.length, partner))
                found.tag_spans.append((item.start, item.end))
                if item.kind is ItemKind.LINE:
                    placed.put(LINE, item.start, item.end)
            at += 1
        found.text, found.placed = placed.text, placed
        return found

    def _put_edge_spaces(self, placed: PlacedText, item: Item) -> Span:
        """Add the white space before a text that is an object; return where that stands without any."""
        shown = self._source[item.start : item.end]
        start = item.end - len(shown.lstrip())
        if item.start < start:
            placed.put_space(item.start, start)
        return start, item.start + len(shown.rstrip())

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


def find_objects(items: Sequence[Item], kept: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield the first and last items of what stands in a run as one: elements of which nothing is to be translated.

    Args:
        items: of a run.
        kept: whether each is a text that is never translated.
    """
    shown, read = [0], [0]
    for item, is_kept in zip(items, kept, strict=True):
        is_shown = item.kind is ItemKind.OBJECT or (is_kept and not item.is_blank)
        is_read = item.kind is ItemKind.LINE or (item.kind is ItemKind.TEXT and not is_kept and not item.is_blank)
        shown.append(shown[-1] + is_shown)
        read.append(read[-1] + is_read)
    at = 0
    while at < len(items):
        last = items[at].partner
        last = at if last is None or last < at else last
        if shown[last + 1] > shown[at] and read[last + 1] == read[at]:
            yield at, last
            at = last
        at += 1
