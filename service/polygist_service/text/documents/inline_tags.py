"""Tags of a block, and which of them belong to which of its sentences."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from polygist_service.text.documents.inline import Inline, Placement
from polygist_service.text.segmentation import Span


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a block, or another thing without words, as a comment.

    Attributes:
        at: offset in the text of the block, which is without tags, at which it stands.
        partner: index of the tag that ends what it begins, or begins what it ends; None where it stands alone.
    """

    at: int
    partner: int | None = None


@dataclass(slots=True)
class SentenceTags:
    """The tags that move with the words of a sentence.

    Attributes:
        inlines: its elements, in the order in which they begin.
        openings, closings: for each of `inlines` the index of its tag; None where that does not move with the sentence.
            They are the same for what stands alone.
        leading, trailing: the tags among them, in order, that stand before the first and behind the last character of
            the sentence.
    """

    inlines: list[Inline] = field(default_factory=list)
    openings: list[int | None] = field(default_factory=list)
    closings: list[int | None] = field(default_factory=list)
    leading: list[int] = field(default_factory=list)
    trailing: list[int] = field(default_factory=list)

    def add(self, inline: Inline, opening: int | None, closing: int | None) -> int:
        """Take another element; return its index."""
        self.inlines.append(inline)
        self.openings.append(opening)
        self.closings.append(closing)
        return len(self.inlines) - 1


def divide(tags: Sequence[Tag], sentences: Sequence[Span]) -> list[SentenceTags]:
    """Divide the tags of a block among its sentences.

    A tag that stands in a sentence belongs to it. One between two belongs to the one in which its partner is, as does
    all that is between it and that one; others between them belong to none: they are around whole sentences.

    Args:
        tags: in order; pairs of them nest.
        sentences: half-open spans in the text of the block, in order.
    """
    groups: list[list[int]] = [[] for _ in sentences]
    for index, owner in enumerate(find_owners(tags, sentences)):
        if owner is not None:
            groups[owner].append(index)
    return [collect(tags, group, span) for group, span in zip(groups, sentences, strict=True)]


def find_owners(tags: Sequence[Tag], sentences: Sequence[Span]) -> list[int | None]:
    """Return for each tag the index of the sentence that it belongs to; None where it belongs to none."""
    starts, ends = [start for start, _ in sentences], [end for _, end in sentences]
    owners: list[int | None] = []
    # The sentences of the elements that are open, innermost last, each of an element that is in one with both tags.
    around: list[int | None] = [None]
    for index, tag in enumerate(tags):
        own = find_owner(tags, tag, starts, ends)
        partner = index if tag.partner is None else tag.partner
        if partner < index:
            around.pop()
        owners.append(around[-1] if own is None else own)
        if partner > index:
            is_whole = own is not None and find_owner(tags, tags[partner], starts, ends) == own
            around.append(own if is_whole else around[-1])
    return owners


def find_owner(tags: Sequence[Tag], tag: Tag, starts: Sequence[int], ends: Sequence[int]) -> int | None:
    """Return the sentence in which a tag stands or next to which it does, if its partner stands in that."""
    behind = bisect_left(starts, tag.at)
    if behind and tag.at < ends[behind - 1]:
        return behind - 1
    if tag.partner is None:
        return None
    other = tags[tag.partner].at
    for sentence in (behind - 1, behind):
        if 0 <= sentence < len(starts) and starts[sentence] < other < ends[sentence]:
            return sentence
    return None


def collect(tags: Sequence[Tag], group: Sequence[int], sentence: Span) -> SentenceTags:
    """Return the elements that the tags of one sentence are of.

    Args:
        tags: of the block.
        group: indices of those that belong to the sentence, in order.
        sentence: its span in the text of the block.
    """
    start, end = sentence
    own = set(group)
    found = SentenceTags(
        leading=[index for index in group if tags[index].at <= start],
        trailing=[index for index in group if tags[index].at >= end],
    )
    around = [-1]
    for index in reversed(group):
        partner = tags[index].partner
        if partner is not None and partner < index and partner not in own:
            around.append(found.add(Inline(0, tags[index].at - start, begins=False, parent=around[-1]), None, index))
    for index in group:
        at, partner = min(max(start, tags[index].at), end) - start, tags[index].partner
        if partner is None:
            found.add(Inline(at, at, parent=around[-1], is_alone=True), index, index)
        elif partner < index:
            around.pop()
        else:
            ends = partner in own
            last = min(max(start, tags[partner].at), end) if ends else end
            inline = Inline(at, last - start, ends=ends, parent=around[-1])
            around.append(found.add(inline, index, partner if ends else None))
    return found


def write(written: str, placements: Sequence[Placement]) -> Iterator[Span | Placement]:
    """Yield the stretches of what was written and the edges in it, in order."""
    at = 0
    for placement in placements:
        if at < placement.at:
            yield at, placement.at
            at = placement.at
        yield placement
    if at < len(written):
        yield at, len(written)
