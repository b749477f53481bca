"""A sentence of a page as it is written again: an output, and between its words the tags and objects of the source."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from polygist_service.text.documents.arrangement import arrange
from polygist_service.text.documents.base import Output
from polygist_service.text.documents.html_text import HtmlSegment, RunText
from polygist_service.text.documents.inline import OBJECT, Arrangement, Edge, Inline, Placement
from polygist_service.text.documents.inline_tags import SentenceTags
from polygist_service.text.segmentation import Span

# Of a sentence with more elements and drawings than that, their words are no longer looked for: it is none.
MOST_INLINES = 300


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
    objects, lost = find_objects(run, segment, output.text)
    inlines = [*tags.inlines]
    for at, _ in lost:
        inlines.append(Inline(at, at, parent=find_parent(tags.inlines, at), is_alone=True))
    arrangement = place_inlines(segment.text, inlines, output)
    moved = [find_tag(tags, placement) for placement in arrangement.placements]
    places = [each.at for each in arrangement.placements]
    leading = count_staying(places, moved, tags.leading, 0)
    end = len(output.text)
    trailing = count_staying(places[leading:][::-1], moved[leading:][::-1], tags.trailing[::-1], end)
    sources = [
        run.tag_spans[tag] if tag is not None else lost[placement.index - len(tags.inlines)][1]
        for tag, placement in zip(moved, arrangement.placements, strict=True)
    ]
    last = len(places) - trailing
    pieces = [Piece(at, at, source) for at, source in zip(places[leading:last], sources[leading:last], strict=True)]
    return Sentence(
        tuple(join_pieces(output.text, objects, pieces)),
        frozenset((*tags.leading[:leading], *(tags.trailing[::-1][:trailing]))),
        bool(arrangement.doubtful),
    )


def find_objects(run: RunText, segment: HtmlSegment, written: str) -> tuple[list[Piece], list[tuple[int, Span]]]:
    """Return where in what was written objects stand, and those that do not, at their places in the sentence.

    One that was written again is nothing.
    """
    own = run.objects[bisect_left(run.objects, segment.low) : bisect_left(run.objects, segment.high)]
    waiting: dict[str, list[int]] = defaultdict(list)
    for place in reversed(own):
        waiting[run.text[place]].append(place)
    found = []
    for match in OBJECT.finditer(written) if own else ():
        if match[0] in waiting:
            left = waiting[match[0]]
            source = run.placed.span(left[-1], left[-1] + 1) if left else (0, 0)
            del left[-1:]
            found.append(Piece(*match.span(), source))
    lost = sorted(place for left in waiting.values() for place in left)
    return found, [(place - segment.low, run.placed.span(place, place + 1)) for place in lost]


def find_parent(inlines: Sequence[Inline], at: int) -> int:
    """Return the index of the innermost element around a place; -1 where there is none."""
    around = [index for index, each in enumerate(inlines) if each.start <= at < each.end]
    return around[-1] if around else -1


def place_inlines(text: str, inlines: Sequence[Inline], output: Output) -> Arrangement:
    """Return the places of elements in an output; of very many, those with as much text before them."""
    if len(inlines) <= MOST_INLINES:
        return arrange(text, inlines, output.text, output.alignment)
    share = len(output.text) / max(1, len(text))
    placements: list[Placement] = []
    around: list[int] = []

    def close(parent: int) -> None:
        while around and around[-1] != parent:
            index = around.pop()
            if inlines[index].ends:
                placements.append(Placement(int(inlines[index].end * share), index, Edge.CLOSING))

    for index, each in enumerate(inlines):
        close(each.parent)
        if each.is_alone:
            placements.append(Placement(int(each.start * share), index, Edge.EMPTY))
            continue
        if each.begins:
            placements.append(Placement(int(each.start * share), index, Edge.OPENING))
        around.append(index)
    close(-1)
    return Arrangement(tuple(placements), tuple(range(len(inlines))))


def find_tag(tags: SentenceTags, placement: Placement) -> int | None:
    """Return the index of the tag that is put at a place; None where it is an object."""
    if placement.index >= len(tags.inlines):
        return None
    return (tags.closings if placement.edge is Edge.CLOSING else tags.openings)[placement.index]


def count_staying(places: Sequence[int], moved: Sequence[int | None], gap: Sequence[int], edge: int) -> int:
    """Return how many of the tags that come first are those next to the sentence, in their order, at its edge.

    Args:
        places: of tags in what was written, from that edge on.
        moved: the tags there.
        gap: the tags before or behind the sentence in the source, from outside on.
        edge: the place of the edge.
    """
    pairs = zip(places, moved, gap, strict=False)
    return sum(1 for _ in takewhile(lambda each: each[0] == edge and each[1] == each[2], pairs))


def join_pieces(written: str, objects: Sequence[Piece], tags: Sequence[Piece]) -> Iterator[Piece]:
    """Yield all pieces of a sentence, in order."""
    at = 0
    for piece in sorted([*objects, *tags], key=lambda each: (each.low, each.high)):
        if at < piece.low:
            yield Piece(at, piece.low)
        yield piece
        at = max(at, piece.high)
    if at < len(written):
        yield Piece(at, len(written))
