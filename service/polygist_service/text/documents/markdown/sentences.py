"""The sentences of a block of Markdown, each with the marks that move with its words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polygist_service.text.documents.base import Block, BlockKind, Segment, Splitting
from polygist_service.text.documents.inline_tags import SentenceTags, divide
from polygist_service.text.documents.markdown.atoms import MARKS, AtomKind
from polygist_service.text.documents.markdown.content import Content, Place
from polygist_service.text.documents.markdown.parsing import Shape
from polygist_service.text.documents.number_cells import find_cell_numbers
from polygist_service.text.segmentation import FindSpans, Span, has_letters, split_sentences, strip


@dataclass(frozen=True, slots=True)
class MarkdownBlock(Block):
    """A block of inline content.

    Attributes:
        shape: what its words are parsed as.
        contents: what is read of it: the whole first, then what is inside images, links and notes of it.
        first: where its first line begins in the source.
        level: of a heading.
        is_hidden: whether no reader sees it.
        quote: of a value of front matter: see `ParsedBlock`.
    """

    shape: Shape
    contents: tuple[Content, ...]
    first: int
    level: int = 0
    is_hidden: bool = False
    quote: str = ""


@dataclass(frozen=True, slots=True)
class MarkedSegment(Segment):
    """A segment of one content of a block.

    Attributes:
        content: index of the content in its block.
        low, high: its half-open span in the text of that.
        is_attribute: whether it is no text of the page: that of an image, a link's title.
    """

    content: int = 0
    low: int = 0
    high: int = 0
    is_attribute: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a content, or a piece of one.

    Attributes:
        low, high: its half-open span in the text of the content.
        tags: the marks that move with it.
        atoms: the atom of each mark of the content.
        first, last: where what belongs to it begins and ends, marks that lead or trail it included.
        start, end: where its words do.
    """

    low: int
    high: int
    tags: SentenceTags
    atoms: Sequence[int]
    first: Place
    start: Place
    end: Place
    last: Place

    def pairs(self) -> list[tuple[int, int]]:
        """Return the atoms that begin and end each element; -1 for one that does not move with the sentence."""
        both = zip(self.tags.openings, self.tags.closings, strict=True)
        found = ([-1 if each is None else self.atoms[each] for each in pair] for pair in both)
        return [(opening, closing) for opening, closing in found]


def read_sentences(content: Content, spans: Sequence[Span]) -> list[Sentence]:
    """Return the sentences of a content, of which the spans in its text are known; they are in order and not empty."""
    tags, atoms = content.tags()
    found = []
    for (low, high), own in zip(spans, divide(tags, spans), strict=True):
        start, end = content.place(low), content.place(high - 1)
        end = Place(end.atom, end.at + 1)
        first = Place(atoms[own.leading[0]]) if own.leading else start
        behind = max(find_labelled(content, end), *(atoms[each] for each in own.trailing), end.atom)
        last = Place(behind + 1) if behind > end.atom else end
        found.append(Sentence(low, high, own, atoms, first, start, end, last))
    return found


def find_labelled(content: Content, end: Place) -> int:
    """Return the index of the last mark right behind `end` that ends a link whose text is its label; 0 without one.

    The label is written behind the words when they change, so the mark belongs to them.
    """
    if content.offsets[end.atom] + end.at < content.offsets[end.atom + 1]:
        return 0
    found, at = 0, end.atom + 1
    while at < len(content.atoms) and content.atoms[at].kind in MARKS:
        found = at if is_shortcut(content, at) else found
        at += 1
    return found


def is_shortcut(content: Content, index: int) -> bool:
    """Whether an atom ends a link whose text is its label."""
    atom = content.atoms[index]
    is_link = atom.kind is AtomKind.CLOSING and atom.signs[0][0] == "link_close"
    return is_link and content.letters.text[atom.start : atom.end] in ("]", "][]")


def read_segments(
    block: MarkdownBlock, index: int, language: str, splitting: Splitting, unbroken: FindSpans
) -> list[MarkedSegment]:
    """Return the segments of the block at `index`; what is inside a sentence comes behind it."""
    found = []
    for at in reachable(block.contents):
        content = block.contents[at]
        numbers = find_numbers(block, content)
        spans = numbers or list(find_spans(content, language, splitting, unbroken))
        is_attribute = at > 0 or block.is_hidden
        for sentence in read_sentences(content, spans):
            found.append(make_segment(content, sentence, index, at, is_attribute=is_attribute, is_number=bool(numbers)))
    return sorted(found, key=lambda segment: (segment.start, segment.content))


def make_segment(
    content: Content, sentence: Sentence, block: int, index: int, *, is_attribute: bool, is_number: bool = False
) -> MarkedSegment:
    """Return the segment that a sentence of the content at `index` of a block is."""
    return MarkedSegment(
        content.source(sentence.first),
        content.source_end(sentence.last),
        content.text[sentence.low : sentence.high],
        block,
        is_number=is_number,
        needs_alignment=bool(sentence.tags.inlines),
        content=index,
        low=sentence.low,
        high=sentence.high,
        is_attribute=is_attribute,
    )


def find_spans(content: Content, language: str, splitting: Splitting, unbroken: FindSpans) -> Iterator[Span]:
    """Yield the spans of sentences that have letters in the text of a content."""
    for start, end in content.lines:
        line = content.text[start:end]
        spans = [(0, len(line))] if splitting is Splitting.NONE else split_sentences(line, language, unbroken)
        for low, high in spans:
            if has_letters(line[low:high]):
                low, high = strip(line, low, high)
                yield start + low, start + high


def find_numbers(block: MarkdownBlock, content: Content) -> list[Span]:
    """Return the spans of the numbers of a table's cell that has nothing else."""
    if block.kind is not BlockKind.ROW or len(content.atoms) != 1 or not content.atoms[0].is_plain:
        return []
    return find_cell_numbers(content.text, 0, len(content.text))


def reachable(contents: Sequence[Content]) -> list[int]:
    """Return the indices of contents that are still part of the first one: those in kept elements are not."""
    found, waiting = [], [0]
    while waiting:
        index = waiting.pop()
        found.append(index)
        waiting += (each for atom in contents[index].atoms for each in atom.contents)
    return sorted(found)
