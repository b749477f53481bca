"""Plain text: what stands between the segments is kept to the letter, but for the line breaks of wrapped paragraphs."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from polygist_service.text.alignment import Change
from polygist_service.text.documents.base import PROSE, Block, BlockKind, Output, Passage, Segment, Splitting
from polygist_service.text.documents.blocks import PlainBlock, read_blocks
from polygist_service.text.documents.columns import TableBlock
from polygist_service.text.documents.joining import fold_lines
from polygist_service.text.documents.number_cells import find_cell_numbers
from polygist_service.text.documents.wrapping import WrappedBlock
from polygist_service.text.segmentation import (
    LINE_BREAKS,
    MOST_CHARACTERS,
    FindSpans,
    Fits,
    Span,
    break_anywhere,
    fold,
    has_letters,
    split_long,
    split_sentences,
    strip,
)

# Two line breaks with nothing but white space between, and what Unicode calls a paragraph separator. Atomic, or
# "\r\n" would count as two.
BLANK_LINES = re.compile(r"(?>\r\n|[\r\n\x85\u2028])[^\S\r\n]*(?>\r\n|[\r\n])\s*|\u2029\s*")
# Options of programmes, as manual pages list them: "-a, --all", "--size=NUMBER".
OPTION = re.compile(r"-{1,2}[A-Za-z?][\w-]*(?:\[?=\S+)?(?:, ?-{1,2}[A-Za-z?][\w-]*(?:\[?=\S+)?)*")


@dataclass(frozen=True, slots=True)
class PlainLayout:
    """A text without marks: all of it is one passage. See `base.Layout`."""

    text: str
    language: None = None

    @property
    def passages(self) -> tuple[Passage, ...]:
        """See `base.Layout.passages`."""
        return (Passage(0, len(self.text), self.text),)

    def part(self, start: int, end: int) -> "PlainLayout":
        """See `base.Layout.part`; it may be parted anywhere."""
        return PlainLayout(self.text[start:end])

    def source_span(self, passage: Passage, span: Span) -> Span:
        """See `base.Layout.source_span`."""
        return passage.start + span[0], passage.start + span[1]

    def starts(self, passage: Passage) -> Sequence[int]:
        """See `base.Layout.starts`."""
        return range(passage.start, passage.end)

    def split(self, language: str, splitting: Splitting, unbroken: FindSpans = break_anywhere) -> "PlainDocument":
        """See `base.Layout.split`."""
        return PlainDocument.parse(self.text, language=language, splitting=splitting, unbroken=unbroken)


@dataclass(frozen=True, slots=True)
class PlainDocument:
    """A text whose blocks are its lines, wrapped paragraphs and tables; see `base.Document`.

    Where line breaks mean nothing, every block is what stands between blank lines.
    """

    text: str
    blocks: tuple[Block, ...]
    segments: tuple[Segment, ...]

    @classmethod
    def parse(
        cls, text: str, *, language: str, splitting: Splitting, unbroken: FindSpans = break_anywhere
    ) -> "PlainDocument":
        """Split `text`; what has no letter (white space, rules, bare numbers, emoji) is in no segment and stays.

        So do list markers, quote marks and what parts the cells of a line. In lines and cells of nothing but numbers
        each is a segment.

        Args:
            text: any text.
            language: canonical tag, for the abbreviations.
            splitting: where segments begin.
            unbroken: see `split_sentences`.

        Raises:
            UnicodeEncodeError: `text` holds a lone surrogate, so it is no text.
        """
        blocks: list[Block] = []
        segments: list[Segment] = []
        if splitting in (Splitting.AUTOMATIC, Splitting.PUNCTUATION_AND_NEWLINES):
            for block in read_blocks(text, language=language, unwrap=splitting is Splitting.AUTOMATIC):
                found = list(read_segments(text, block, language, len(blocks), unbroken))
                if found:
                    blocks.append(block)
                    segments += found
            return cls(text, tuple(blocks), tuple(segments))
        for start, end in paragraphs(text):
            if not has_letters(text[start:end]):
                continue
            # Each break becomes one space, so that offsets stay: only punctuation may end a sentence there.
            flat = LINE_BREAKS.sub(" ", text[start:end])
            sentences = [(0, end - start)] if splitting is Splitting.NONE else split_sentences(flat, language, unbroken)
            segments += (
                Segment(at, to, fold(text[at:to]), len(blocks))
                for at, to in with_letters(text, ((start + low, start + high) for low, high in sentences))
            )
            blocks.append(Block(BlockKind.PARAGRAPH, start, end))
        return cls(text, tuple(blocks), tuple(segments))

    def with_segments(self, segments: Sequence[Segment]) -> "PlainDocument":
        """See `base.Document.with_segments`."""
        return replace(self, segments=tuple(segments))

    def source_span(self, segment: Segment, span: Span) -> Span:
        """See `base.Document.source_span`."""
        return self._find_places(segment)(*span)

    def _find_places(self, segment: Segment) -> Callable[[int, int], Span]:
        """Return what tells where a span of the text of a segment stands in the source; made once for many spans."""
        block = self.blocks[segment.block]
        if isinstance(block, WrappedBlock):
            joined, start = block.joined, block.joined.position(segment.start)
            return lambda low, high: joined.source_span(start + low, start + high)
        if segment.end - segment.start == len(segment.text):
            return lambda low, high: (segment.start + low, segment.start + high)
        return fold_lines(self.text, segment.start, segment.end).source_span

    def cut(self, segment: Segment, fits: Fits, kept: Sequence[Span] = ()) -> list[Segment]:
        """See `base.Document.cut`."""
        if segment.is_number or (len(segment.text) <= MOST_CHARACTERS and fits(segment.text)):
            return [segment]
        pieces = []
        places = self._find_places(segment)
        for low, high in split_long(segment.text, lambda piece: fits(piece.strip()), kept):
            start, end = strip(segment.text, low, high)
            if has_letters(segment.text[start:end]):
                at, to = places(start, end)
                pieces.append(Segment(at, to, segment.text[start:end], segment.block, hard_split=True))
        return pieces

    def prose(self, kinds: Collection[BlockKind] = PROSE) -> Sequence[Segment]:
        """See `base.Document.prose`; kinds are guesses here, and whoever wants paragraphs gets all that may be one."""
        if BlockKind.PARAGRAPH in kinds:
            kinds = frozenset(BlockKind)
        return [each for each in self.segments if self.blocks[each.block].kind in kinds and not each.is_number]

    def rebuild(self, language: str = "") -> "PlainRebuilder":
        """See `base.Document.rebuild`."""
        return PlainRebuilder(self)


def read_segments(text: str, block: PlainBlock, language: str, index: int, unbroken: FindSpans) -> Iterator[Segment]:
    """Yield the segments of the block at `index`."""
    if isinstance(block, WrappedBlock):
        joined = block.joined
        for start, end in with_letters(joined.text, split_sentences(joined.text, language, unbroken)):
            at, to = joined.source_span(start, end)
            yield Segment(at, to, joined.text[start:end], index)
        return
    for cell in block.cells:
        shown = text[cell[0] : cell[1]]
        numbers = [] if cell in block.sections else find_cell_numbers(text, *cell)
        if numbers:
            yield from (Segment(start, end, text[start:end], index, is_number=True) for start, end in numbers)
        elif has_letters(shown) and not (block.kind is BlockKind.ROW and OPTION.fullmatch(shown)):
            for start, end in with_letters(shown, split_sentences(shown, language, unbroken)):
                yield Segment(cell[0] + start, cell[0] + end, shown[start:end], index)


def with_letters(text: str, spans: Iterator[Span] | Sequence[Span]) -> Iterator[Span]:
    """Yield those of `spans` that have letters, without the white space at their ends."""
    for start, end in spans:
        if has_letters(text[start:end]):
            yield strip(text, start, end)


class PlainRebuilder:
    """Puts outputs in the places of their segments. See `base.Rebuilder`.

    Those of lines are settled as they come, those of a wrapped paragraph or a table when all of the block are there.
    """

    def __init__(self, document: PlainDocument) -> None:
        self._document = document
        self._at = self._length = self._count = 0
        self._pending: list[str] = []
        self._outputs: list[str] = []
        self._written: list[str] = []
        self._changed = (-1, Change("", ""))  # of the segment that was asked for last
        self.spans: list[Span] = []
        self.doubts: tuple[Span, ...] = ()
        self.refused: tuple[Span, ...] = ()

    def add(self, output: Output) -> str:
        """See `base.Rebuilder.add`: what stands before the segment, and the output on one line."""
        segments, shown = self._document.segments, fold(output.text)
        self._outputs.append(output.text)
        segment = segments[self._count]
        self._count += 1
        block = self._document.blocks[segment.block]
        if not isinstance(block, WrappedBlock | TableBlock):
            if shown == segment.text:
                shown = self._document.text[segment.start : segment.end]  # with its line breaks, where it has some
            return self._settle(segment.start, segment.end, shown, [(0, len(shown))])
        self._pending.append(shown)
        if self._count < len(segments) and segments[self._count].block == segment.block:
            return ""
        own = segments[self._count - len(self._pending) : self._count]
        outputs, self._pending = self._pending, []
        if outputs == [each.text for each in own]:
            # Wrapped by another hand, or aligned in another way: what did not change stays as it is.
            text = self._document.text[block.start : block.end]
            spans = [(each.start - block.start, each.end - block.start) for each in own]
        else:
            text, spans = block.write(self._document.text, own, outputs)
        return self._settle(block.start, block.end, text, spans)

    def finish(self) -> str:
        """See `base.Rebuilder.finish`."""
        if self._count < len(self._document.segments):
            raise ValueError(
                f"{self._count} of {len(self._document.segments)} segments have an output; add the others first"
            )
        return self._document.text[self._at :]

    def _settle(self, start: int, end: int, shown: str, spans: Sequence[Span]) -> str:
        """Return what follows of the document where `shown`, with `spans` of outputs, is in the place of start:end."""
        between = self._document.text[self._at : start]
        self._at = end
        length = self._length + len(between)
        self._length = length + len(shown)
        self.spans += [(length + low, length + high) for low, high in spans]
        self._written += [shown[low:high] for low, high in spans]
        return between + shown

    def target_span(self, index: int, span: Span) -> Span:
        """See `base.Rebuilder.target_span`."""
        if index != self._changed[0]:
            self._changed = (index, Change(self._outputs[index], self._written[index]))
        start = self.spans[index][0]
        low, high = self._changed[1].follow(span)
        return start + low, start + high


def paragraphs(text: str) -> Iterator[Span]:
    """Yield the spans of what blank lines part in `text`."""
    start = 0
    for blank in BLANK_LINES.finditer(text):
        yield start, blank.start()
        start = blank.end()
    yield start, len(text)
