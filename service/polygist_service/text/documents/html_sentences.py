"""A sentence of a page as it is written again: an output, and between its words the tags and objects of the source."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from polygist_service.text.documents.arrangement import arrange
from polygist_service.text.documents.base import Output
from polygist_service.text.documents.html_text import HtmlSegment, RunText
from polygist_service.text.documents.inline import OBJECT, Arrangement, Edge, Inline, Placement
from polygist_service.text.documents.inline_tags import SentenceTags
from polygist_service.text.segmentation import Span

# Of a sentence with more elements and drawings than that, their words are no longer looked for: it is none.
MOST_INLINES = 300
WORD = re.compile(r"\S+")
OPENING, CLOSING = Edge.OPENING, Edge.CLOSING


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a sentence.

    Attributes:
        low, high: half-open span in the output; empty where nothing in it stands for the piece.
        source: span in the source of what is copied; None for words.
    """

    low: int
    high: int
    source: Span | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with other words.

    Attributes:
        pieces: in the order in which they are written.
        staying: the tags before and behind it, of those that go with it, that stay where they are.
        is_doubtful: whether something may stand at other words than its own.
    """

    pieces: Sequence[Piece]
    staying: frozenset[int]
    is_doubtful: bool


def write_sentence(run: RunText, segment: HtmlSegment, tags: SentenceTags, output: Output) -> Sentence:
    """Return how a sentence is written with other words.

    Args:
        run: what it is of.
        segment: the sentence.
        tags: that go with its words.
        output: its words.
    """
    objects = [place - segment.low for place in run.objects_in(segment.low, segment.high)]
    found, unread = find_objects(segment.text, objects, output.text)
    # An object is an element, too: it stays in the one that it is in.
    inlines = [*tags.inlines]
    for at in objects:
        inlines.append(Inline(at, at + (at in found), parent=find_parent(tags.inlines, at), is_alone=at not in found))
    arrangement = place_inlines(segment.text, inlines, output)
    crossing = [at for at, tag in enumerate(tags.openings) if tag in run.crossing]
    placements = keep_overlaps(segment.text, inlines, crossing, output.text, arrangement.placements)
    edges: list[tuple[int, int | None, Piece]] = []
    for placement in placements:
        if placement.index >= len(tags.inlines):
            if placement.edge is not CLOSING:
                place = objects[placement.index - len(tags.inlines)]
                low, high = found.get(place, (0, 0))
                source = run.placed.span(segment.low + place, segment.low + place + 1)
                edges.append((placement.at, None, Piece(low, high, source)))
            continue
        tag = (tags.closings if placement.edge is CLOSING else tags.openings)[placement.index]
        assert tag is not None
        edges.append((placement.at, tag, Piece(0, 0, run.tag_spans[tag])))
    leading = count_staying(edges, tags.leading, 0)
    trailing = count_staying(edges[leading:][::-1], tags.trailing[::-1], len(output.text))
    staying = {*tags.leading[:leading], *tags.trailing[::-1][:trailing]}
    pieces = join_pieces(len(output.text), [*found.values(), *unread], edges[leading : len(edges) - trailing])
    return Sentence(tuple(pieces), frozenset(staying), bool(arrangement.doubtful))


def find_objects(text: str, objects: Sequence[int], written: str) -> tuple[dict[int, Span], list[Span]]:
    """Return where in what was written objects stand, by their places in a sentence, and where one stands again."""
    waiting: dict[str, list[int]] = defaultdict(list)
    for place in reversed(objects):
        waiting[text[place]].append(place)
    found: dict[int, Span] = {}
    again = []
    for match in OBJECT.finditer(written) if objects else ():
        if waiting.get(match[0]):
            found[waiting[match[0]].pop()] = match.span()
        elif match[0] in waiting:
            again.append(match.span())
    return found, again


def find_parent(inlines: Sequence[Inline], at: int) -> int:
    """Return the index of the innermost element around a place; -1 where there is none."""
    around = [index for index, each in enumerate(inlines) if each.start <= at < each.end]
    return around[-1] if around else -1


def place_inlines(text: str, inlines: Sequence[Inline], output: Output) -> Arrangement:
    """Return the places of elements in an output; of very many, those with as much text before them."""
    if not inlines:
        return Arrangement(())
    if len(inlines) <= MOST_INLINES:
        return arrange(text, inlines, output.text, output.alignment)
    share = len(output.text) / max(1, len(text))
    placements: list[Placement] = []
    around: list[int] = []

    def close(parent: int) -> None:
        while around and around[-1] != parent:
            index = around.pop()
            if inlines[index].ends:
                placements.append(Placement(int(inlines[index].end * share), index, CLOSING))

    for index, each in enumerate(inlines):
        close(each.parent)
        if each.is_alone:
            placements.append(Placement(int(each.start * share), index, Edge.EMPTY))
            continue
        if each.begins:
            placements.append(Placement(int(each.start * share), index, OPENING))
        around.append(index)
    close(-1)
    return Arrangement(tuple(placements), tuple(range(len(inlines))))


def keep_overlaps(
    text: str, inlines: Sequence[Inline], crossing: Sequence[int], written: str, placements: Sequence[Placement]
) -> Sequence[Placement]:
    """Return placements by which elements that overlap still do, if there are words enough.

    Of two that overlap, the inner tags are around what both have, the outer ones around what either has: browsers make
    other elements of them where nothing is left that only one has.

    Args:
        crossing: indices of elements of which the tags have different names.
    """
    moved = list(placements)
    for inner in crossing:
        outer = inlines[inner].parent
        if outer not in crossing:
            continue
        order = {(each.index, each.edge): at for at, each in enumerate(moved)}
        first, begin = order.get((outer, OPENING)), order.get((inner, OPENING))
        end, last = order.get((inner, CLOSING)), order.get((outer, CLOSING))
        if first is None or begin is None or end is None or last is None:
            continue
        words = [found.span() for found in WORD.finditer(written, moved[first].at, moved[last].at)]
        if not words:
            continue
        if text[inlines[inner].end : inlines[outer].end].strip() and moved[end].at > words[-1][0]:
            moved[: end + 1] = [replace(each, at=min(each.at, words[-1][0])) for each in moved[: end + 1]]
        if text[inlines[outer].start : inlines[inner].start].strip() and moved[begin].at < words[0][1]:
            moved[begin:] = [replace(each, at=max(each.at, words[0][1])) for each in moved[begin:]]
    return moved


def count_staying(edges: Sequence[tuple[int, int | None, Piece]], gap: Sequence[int], edge: int) -> int:
    """Return how many of the tags that come first are those next to the sentence, in their order, at its edge.

    Args:
        edges: places of tags in what was written, and the tags, from that edge on.
        gap: the tags before or behind the sentence in the source, from outside on.
        edge: the place of the edge.
    """
    pairs = zip(edges, gap, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0][0] == edge and pair[0][1] == pair[1], pairs))


def join_pieces(length: int, unread: Sequence[Span], edges: Sequence[tuple[int, int | None, Piece]]) -> Iterator[Piece]:
    """Yield all pieces of a sentence, in order.

    Args:
        length: of what was written.
        unread: what stands for objects in it, which are written where the tags are.
        edges: of elements, and objects, in order.
    """
    cuts = [*((at, at, piece) for at, _, piece in edges), *((low, high, None) for low, high in unread)]
    at = 0
    for low, high, piece in sorted(cuts, key=lambda each: each[0]):
        if at < low:
            yield Piece(at, low)
        if piece:
            yield piece
        at = max(at, high)
    if at < length:
        yield Piece(at, length)
