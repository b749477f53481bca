"""Markdown: a parser says what is text, and all else is kept to the letter.

Blocks are told by markdown-it, and so are the marks in them; what is written in the place of sentences is parsed again
and must be read with the same marks around it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from polygist_service.text.documents.base import PROSE, BlockKind, Output, Passage, Segment, Splitting
from polygist_service.text.documents.markdown.content import Content, Place, read_contents
from polygist_service.text.documents.markdown.front_matter import read_front_matter
from polygist_service.text.documents.markdown.parsing import ParsedBlock, References, Shape, parse_blocks
from polygist_service.text.documents.markdown.pieces import WrittenBlock
from polygist_service.text.documents.markdown.sentences import (
    MarkdownBlock,
    MarkedSegment,
    find_numbers,
    make_segment,
    reachable,
    read_segments,
    read_sentences,
)
from polygist_service.text.documents.markdown.writing import write_block
from polygist_service.text.segmentation import (
    MOST_CHARACTERS,
    FindSpans,
    Fits,
    Span,
    break_anywhere,
    has_letters,
    split_long,
    strip,
)

BYTE_ORDER_MARK = "\ufeff"
# A block with more marks around one another is no text: it is kept as it is.
MOST_MARKS = 100


@dataclass(frozen=True, slots=True)
class MarkdownLayout:
    """A text in Markdown; see `base.Layout`.

    Attributes:
        blocks: those that have words.
        references: what links may name.
        language: canonical tag of the language that front matter declares.
        declared: where that stands.
    """

    text: str
    blocks: tuple[MarkdownBlock, ...]
    references: References = field(default_factory=References, repr=False)
    language: str | None = None
    declared: Span | None = None

    @classmethod
    def read(cls, text: str) -> "MarkdownLayout":
        """Parse a text; any text is Markdown."""
        front = read_front_matter(text, len(BYTE_ORDER_MARK) if text.startswith(BYTE_ORDER_MARK) else 0)
        parsed = parse_blocks(text[front.end :], front.end)
        blocks = (make_block(block) for block in (*front.blocks, *parsed.blocks))
        own = tuple(block for block in blocks if block is not None)
        return cls(text, own, parsed.references, front.language, front.declared)

    @property
    def passages(self) -> tuple[Passage, ...]:
        """See `base.Layout.passages`: one for each block, in the same order."""
        found = []
        end = 0
        for block in self.blocks:
            index = main_content(block)
            text, _ = block.contents[index].display
            start = max(end, block.first)
            is_hidden = block.is_hidden or index > 0
            kind = BlockKind.OTHER if index else block.kind
            share = link_share(block.contents[index])
            found.append(Passage(start, block.end, text, None, kind, block.level, is_hidden, link_share=share))
            end = block.end
        return tuple(found)

    def source_span(self, passage: Passage, span: Span) -> Span:
        """See `base.Layout.source_span`."""
        content = self._content(passage)
        _, offsets = content.display

        def place(at: int) -> Place:
            index = bisect_right(offsets, at, hi=len(content.atoms)) - 1
            return Place(index, at - offsets[index])

        last = place(span[1] - 1)
        return content.source(place(span[0])), content.source_end(Place(last.atom, last.at + 1))

    def starts(self, passage: Passage) -> Sequence[int]:
        """See `base.Layout.starts`."""
        content = self._content(passage)
        _, offsets = content.display
        return [
            content.source(Place(index, at if atom.is_plain else 0))
            for index, (atom, (low, high)) in enumerate(zip(content.atoms, pairwise(offsets), strict=True))
            for at in range(high - low)
        ]

    def _content(self, passage: Passage) -> Content:
        """Return the content that a passage is the text of."""
        block = self.blocks[bisect_left(self.blocks, passage.end, key=lambda each: each.end)]
        return block.contents[main_content(block)]

    def part(self, start: int, end: int) -> "MarkdownLayout":
        """See `base.Layout.part`."""
        blocks = [move_block(block, -start) for block in self.blocks if start <= block.start and block.end <= end]
        declared = self.declared
        if declared:
            is_inside = start <= declared[0] and declared[1] <= end
            declared = (declared[0] - start, declared[1] - start) if is_inside else None
        return replace(self, text=self.text[start:end], blocks=tuple(blocks), declared=declared)

    def split(self, language: str, splitting: Splitting, unbroken: FindSpans = break_anywhere) -> "MarkdownDocument":
        """See `base.Layout.split`; where lines of the source end means nothing."""
        segments = [
            segment
            for index, block in enumerate(self.blocks)
            for segment in read_segments(block, index, language, splitting, unbroken)
        ]
        return MarkdownDocument(self.text, self.blocks, tuple(segments), self.references, self.declared)


def make_block(parsed: ParsedBlock) -> MarkdownBlock | None:
    """Return a block with what is to be read of it; None where there is nothing."""
    contents = read_contents(parsed)
    if not contents:
        return None
    first = contents[0]
    source, text = first.letters, first.letters.text
    start, end = source.source(first.start), source.source(first.end)
    is_hidden = parsed.shape is Shape.DEFINITION or (parsed.shape is Shape.VALUE and not parsed.level)
    block = MarkdownBlock(
        parsed.kind, start, end, parsed.shape, contents, parsed.first, parsed.level, is_hidden, parsed.quote
    )
    has_words = any(has_letters(contents[at].text) for at in reachable(contents))
    is_read = text and (has_words or find_numbers(block, first)) and first.depth <= MOST_MARKS
    return block if is_read else None


def move_block(block: MarkdownBlock, by: int) -> MarkdownBlock:
    """Return a block of a source in front of which `by` characters were added."""
    letters = block.contents[0].letters.moved(by)
    contents = tuple(replace(content, letters=letters) for content in block.contents)
    return replace(block, start=block.start + by, end=block.end + by, first=block.first + by, contents=contents)


def main_content(block: MarkdownBlock) -> int:
    """Return the index of the content that is read of a block: the whole, if that has words."""
    return next((at for at in reachable(block.contents) if has_letters(block.contents[at].text)), 0)


def link_share(content: Content) -> float:
    """Return what share of the letters of a content belong to links."""
    letters, inside, depth = 0, 0, 0
    for atom, low, high in zip(content.atoms, content.offsets, content.offsets[1:], strict=False):
        if atom.signs and atom.signs[0][0] in ("link_open", "link_close") and atom.partner is not None:
            depth += 1 if atom.signs[0][0] == "link_open" else -1
        count = sum(map(str.isalpha, content.text[low:high]))
        letters, inside = letters + count, inside + count * (depth > 0)
    return inside / letters if letters else 0.0


@dataclass(frozen=True, slots=True)
class MarkdownDocument:
    """A text in Markdown and its sentences; see `base.Document`."""

    text: str
    blocks: tuple[MarkdownBlock, ...]
    segments: tuple[MarkedSegment, ...]
    references: References = field(default_factory=References, repr=False)
    declared: Span | None = None

    def with_segments(self, segments: Sequence[Segment]) -> "MarkdownDocument":
        """See `base.Document.with_segments`."""
        own = [each for each in segments if isinstance(each, MarkedSegment)]
        groups: dict[tuple[int, int], list[int]] = {}
        for index, segment in enumerate(own):
            groups.setdefault((segment.block, segment.content), []).append(index)
        for (block, at), group in groups.items():
            if any(own[index].hard_split for index in group):
                # Which marks move with a piece depends on the pieces around it.
                content = self.blocks[block].contents[at]
                sentences = read_sentences(content, [(own[index].low, own[index].high) for index in group])
                for index, sentence in zip(group, sentences, strict=True):
                    start, end = content.source(sentence.first), content.source_end(sentence.last)
                    own[index] = replace(own[index], start=start, end=end)
        return replace(self, segments=tuple(own))

    def source_span(self, segment: Segment, span: Span) -> Span:
        """See `base.Document.source_span`."""
        content, low = self._content(segment)
        return content.source_span(low + span[0], low + max(span[1], span[0] + 1))

    def plain_text(self, segment: Segment) -> str:
        """Return what a reader sees of a segment: what is kept in it is written out, its marks are not."""
        content, low = self._content(segment)
        return content.shown(low, low + len(segment.text))

    def _content(self, segment: Segment) -> tuple[Content, int]:
        """Return the content that a segment is of, and where it begins in the text of that."""
        assert isinstance(segment, MarkedSegment)
        return self.blocks[segment.block].contents[segment.content], segment.low

    def cut(self, segment: Segment, fits: Fits, kept: Sequence[Span] = ()) -> list[Segment]:
        """See `base.Document.cut`."""
        assert isinstance(segment, MarkedSegment)
        if segment.is_number or (len(segment.text) <= MOST_CHARACTERS and fits(segment.text)):
            return [segment]
        content, base = self._content(segment)
        spans = []
        for low, high in split_long(segment.text, lambda piece: fits(piece.strip()), kept):
            start, end = strip(segment.text, low, high)
            if has_letters(segment.text[start:end]):
                spans.append((base + start, base + end))
        found: list[Segment] = []
        for sentence in read_sentences(content, spans):
            piece = make_segment(content, sentence, segment.block, segment.content, is_attribute=segment.is_attribute)
            # Marks of other sentences are none of this one's.
            start, end = max(piece.start, segment.start), min(piece.end, segment.end)
            found.append(replace(piece, start=start, end=end, hard_split=True))
        return found

    def prose(self, kinds: Collection[BlockKind] = PROSE) -> list[Segment]:
        """See `base.Document.prose`; what no reader sees is left out."""
        return [
            each
            for each in self.segments
            if self.blocks[each.block].kind in kinds and not each.is_number and not each.is_attribute
        ]

    def rebuild(self, language: str = "") -> "MarkdownRebuilder":
        """See `base.Document.rebuild`."""
        return MarkdownRebuilder(self, language)


class MarkdownRebuilder:
    """Puts outputs in the places of their segments, block by block. See `base.Rebuilder`."""

    def __init__(self, document: MarkdownDocument, language: str) -> None:
        self._document = document
        self._language = language
        self._at = self._length = self._settled = 0
        self._outputs: list[Output] = []
        self._written: list[tuple[WrittenBlock, int, int]] = []
        self.spans: list[Span] = []
        self.doubts: list[Span] = []
        self.refused: list[Span] = []

    def add(self, output: Output) -> str:
        """See `base.Rebuilder.add`: a block is settled with its last segment."""
        segments = self._document.segments
        self._outputs.append(output)
        count = len(self._outputs)
        block = segments[count - 1].block
        if count < len(segments) and segments[count].block == block:
            return ""
        own, outputs = segments[self._settled : count], self._outputs[self._settled :]
        self._settled = count
        return self._settle(self._document.blocks[block], own, outputs)

    def finish(self) -> str:
        """See `base.Rebuilder.finish`."""
        if len(self._outputs) < len(self._document.segments):
            raise ValueError(
                f"{len(self._outputs)} of {len(self._document.segments)} segments have an output; add the others first"
            )
        return self._between(len(self._document.text))

    def target_span(self, index: int, span: Span) -> Span:
        """See `base.Rebuilder.target_span`."""
        written, start, own = self._written[index]
        low, high = written.target_span(own, span)
        return start + low, start + high

    def _settle(self, block: MarkdownBlock, segments: Sequence[MarkedSegment], outputs: Sequence[Output]) -> str:
        """Return what follows of the document up to the end of a block."""
        text = self._document.text
        written = write_block(block, text, segments, outputs, self._document.references)
        between = self._between(block.start)
        self._at = block.end
        start, shown = self._length + len(between), written.text
        self._length = start + len(shown)
        self._written += ((written, start, own) for own in range(len(segments)))
        self.spans += ((start + low, start + high) for low, high in map(written.span, range(len(segments))))
        self.doubts += (segments[at].span for at in sorted(written.doubts))
        self.refused += (segments[at].span for at in sorted(written.refused))
        return between + shown

    def _between(self, end: int) -> str:
        """Return what stands in the source up to `end`, with the language that the document is in now."""
        text, start, declared = self._document.text, self._at, self._document.declared
        if self._language and declared and start <= declared[0] and declared[1] <= end:
            return f"{text[start : declared[0]]}{self._language}{text[declared[1] : end]}"
        return text[start:end]
