"""A sentence of a page as it is written again: an output, and between its words the tags and objects of the source."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from polygist_service.text.documents.arrangement import arrange
from polygist_service.text.documents.base import Output
from polygist_service.text.documents.html.text import HtmlSegment, RunText
from polygist_service.text.documents.inline import OBJECT, Arrangement, Edge, Inline, Placement
from polygist_service.text.documents.inline_tags import SentenceTags
from polygist_service.text.segmentation import Span

# Of a sentence with more elements and drawings than that, their words are no longer looked for: it is none.
MOST_INLINES = 2000
WORD = re.compile(r"\S+")
# A number, and what is between it and its unit.
BEHIND_NUMBER = re.compile("(?<![\\d.,])(\\d[\\d.,]*+)(?<=\\d)([ \u00a0\u2009\u202f])(?=[^\\W_]|[%°€$£])")
# Before these some languages have a space, and others none.
SPACED = ":;!?%»«"
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
    arrangement, lost = place_inlines(segment.text, tags.inlines, objects, found, output)
    unread += [found.pop(place) for place in lost if place in found]
    crossing = [at for at, tag in enumerate(tags.openings) if tag in run.crossing]
    edges: list[tuple[int, int | None, Span]] = []
    placements = keep_overlaps(segment.text, tags.inlines, crossing, output.text, arrangement.placements)
    if run.figures:
        placements = follow_figures(run, segment.text, tags.inlines, output.text, placements)
    for placement in placements:
        if placement.index >= len(tags.inlines):
            place = segment.low + lost[placement.index - len(tags.inlines)]
            edges.append((placement.at, None, run.placed.span(place, place + 1)))
            continue
        tag = (tags.closings if placement.edge is CLOSING else tags.openings)[placement.index]
        assert tag is not None
        edges.append((placement.at, tag, run.tag_spans[tag]))
    leading = count_staying(edges, tags.leading, 0)
    trailing = count_staying(edges[leading:][::-1], tags.trailing[::-1], len(output.text))
    staying = {*tags.leading[:leading], *tags.trailing[::-1][:trailing]}
    pieces = [
        Piece(*(find_space(output.text, at) if tag in run.lines else (at, at)), source)
        for at, tag, source in keep_sides(run, segment, output.text, edges[leading : len(edges) - trailing])
    ]
    pieces += [Piece(*span, run.placed.span(segment.low + at, segment.low + at + 1)) for at, span in found.items()]
    pieces += [Piece(*span, (0, 0)) for span in unread]
    pieces += keep_spaces_around(run, segment, output.text, found)
    return Sentence(tuple(join_pieces(len(output.text), pieces)), frozenset(staying), bool(arrangement.doubtful))


def find_space(written: str, at: int) -> Span:
    """Return the span of a space at a place or before it, which a line break takes the place of; empty without one."""
    if written[at : at + 1] == " ":
        return at, at + 1
    return (at - 1, at) if at and written[at - 1] == " " else (at, at)


def keep_spaces(text: str, written: str) -> str:
    """Return what was written of a text with the spaces that it has behind the same numbers, or behind all."""
    own: dict[str, list[str]] = defaultdict(list)
    for number, space in BEHIND_NUMBER.findall(text):
        own[digits_of(number)].append(space)
    spaces = {space for each in own.values() for space in each}
    if not spaces - {" "}:
        return written
    usual = spaces.pop() if len(spaces) == 1 else ""

    def spell(found: re.Match[str]) -> str:
        known = own.get(digits_of(found[1]))
        return found[1] + (known.pop(0) if known else usual or found[2])

    return BEHIND_NUMBER.sub(spell, written)


def digits_of(number: str) -> str:
    """Return the digits of a number, which are the same in all languages."""
    return "".join(filter(str.isdecimal, number))


def keep_sides(
    run: RunText, segment: HtmlSegment, written: str, edges: Sequence[tuple[int, int | None, Span]]
) -> Iterator[tuple[int, int | None, Span]]:
    """Yield edges so that what has no words has spaces on the sides on which it had some, and stays next to no word.

    It changes sides with a space beside it where that has to be; where none is, it comes with one.
    """
    last = 0
    for count, (at, tag, source) in enumerate(edges):
        place = -1 if tag is None or run.tags[tag].partner is not None or tag in run.lines else run.tags[tag].at
        if not segment.low < place < segment.high:
            yield at, tag, source
            last = at
            continue
        left, right = run.text[place - 1], run.text[place]
        limit = edges[count + 1][0] if count + 1 < len(edges) else len(written)
        if left == " " and at < limit and written[at] == " " != written[max(0, at - 1)]:
            at += 1
        elif right == " " and last < at and written[at - 1] == " " != written[at : at + 1]:
            at -= 1
        space = run.placed.span(place - 1, place)
        if left == " " and written[max(0, at - 1) : at].isalnum() and written[at : at + 1] != " ":
            yield at, None, space
        yield at, tag, source
        is_word = right.isalnum() or tag in run.spaced
        if left == " " and not is_word and written[at : at + 1].isalnum():
            yield at, None, space
        last = at


def keep_spaces_around(run: RunText, segment: HtmlSegment, written: str, found: Mapping[int, Span]) -> Iterator[Piece]:
    """Yield the spaces beside objects that were left out, and those that were added where the same marks are."""
    text = segment.text
    for place, (low, high) in found.items():
        start = segment.low + place
        if text[max(0, place - 1) : place] == " " and written[max(0, low - 1) : low].isalnum():
            yield Piece(low, low, run.placed.span(start - 1, start))
        if text[place + 1 : place + 2] == " " and written[high : high + 1].isalnum():
            yield Piece(high, high, run.placed.span(start + 1, start + 2))
        mark = text[place + 1 : place + 2]
        if mark not in ("", " ", *SPACED) and written[high : high + 2] == f" {mark}":
            yield Piece(high, high + 1, (0, 0))


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


def place_inlines(
    text: str, inlines: Sequence[Inline], objects: Sequence[int], found: Mapping[int, Span], output: Output
) -> tuple[Arrangement, Sequence[int]]:
    """Return the places of elements in an output, and of objects that are lost or stand where they may not.

    Args:
        text: the sentence.
        inlines: its elements.
        objects: where in it objects stand.
        found: where those stand in the output that are not lost.
        output: its words.
    """
    lost = [place for place in objects if place not in found]
    every = add_alone(inlines, lost)
    if len(every) > MOST_INLINES:
        return spread(text, every, output.text), lost
    if not every:
        return Arrangement(()), lost
    arrangement = arrange(text, every, output.text, output.alignment)
    if arrangement.strays:
        lost = [place for place in objects if place not in found or found[place][0] in arrangement.strays]
        arrangement = arrange(text, add_alone(inlines, lost), output.text, output.alignment)
    return arrangement, lost


def add_alone(inlines: Sequence[Inline], places: Sequence[int]) -> list[Inline]:
    """Return elements with others that stand alone at some places, each in the innermost one there."""
    return [*inlines, *(Inline(at, at, parent=find_parent(inlines, at), is_alone=True) for at in places)]


def spread(text: str, inlines: Sequence[Inline], written: str) -> Arrangement:
    """Return places for very many elements, each with as much text before it as it had."""
    share = len(written) / max(1, len(text))
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


def follow_figures(
    run: RunText, text: str, inlines: Sequence[Inline], written: str, placements: Sequence[Placement]
) -> Sequence[Placement]:
    """Return placements by which elements around figures that are set higher or lower are around the same figures."""
    moved = list(placements)
    for index, each in enumerate(inlines):
        figures = text[each.start : each.end]
        if not figures or not run.figures.keys() >= set(figures):
            continue
        start = -1
        for _ in range(text.count(figures, 0, each.end)):
            start = written.find(figures, start + 1)
            if start < 0:
                break
        if start >= 0:
            moved = [placement for placement in moved if placement.index != index]
            place = bisect_right(moved, start, key=lambda placement: placement.at)
            moved[place:place] = [Placement(start, index, OPENING), Placement(start + len(figures), index, CLOSING)]
    return moved


def count_staying(edges: Sequence[tuple[int, int | None, Span]], gap: Sequence[int], edge: int) -> int:
    """Return how many of the tags that come first are those next to the sentence, in their order, at its edge.

    Args:
        edges: places of tags in what was written, and the tags, from that edge on.
        gap: the tags before or behind the sentence in the source, from outside on.
        edge: the place of the edge.
    """
    pairs = zip(edges, gap, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0][0] == edge and pair[0][1] == pair[1], pairs))


def join_pieces(length: int, pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Yield the pieces of an output of some length, with the words between them, in order."""
    at = 0
    for piece in sorted(pieces, key=lambda each: (each.low, each.high)):
        if at < piece.low:
            yield Piece(at, piece.low)
        yield piece
        at = piece.high
    if at < length:
        yield Piece(at, length)
