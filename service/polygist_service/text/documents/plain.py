"""Plain text: what stands between the segments is kept to the letter."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from polygist_service.text.documents.base import PROSE, Block, BlockKind, Output, Segment, Splitting
from polygist_service.text.segmentation import (
    LINE_BREAKS,
    MOST_CHARACTERS,
    Fits,
    Span,
    fold,
    has_letters,
    split_long,
    split_sentences,
    strip,
)

# Two line breaks with nothing but white space between, and what Unicode calls a paragraph separator. Atomic, or
# "\r\n" would count as two.
BLANK_LINES = re.compile(r"(?>\r\n|[\r\n\x85\u2028])[^\S\r\n]*(?>\r\n|[\r\n])\s*|\u2029\s*")


@dataclass(frozen=True, slots=True)
class PlainDocument:
    """A text whose blocks are its lines or, where line breaks mean nothing, its paragraphs; see `base.Document`."""

    text: str
    blocks: tuple[Block, ...]
    segments: tuple[Segment, ...]

    @classmethod
    def parse(cls, text: str, *, language: str, splitting: Splitting) -> "PlainDocument":
        """Split `text`; what has no letter (white space, rules, bare numbers, emoji) is in no segment and stays.

        Args:
            text: any text.
            language: BCP-47 code, for the abbreviations.
            splitting: where segments begin.

        Raises:
            UnicodeEncodeError: `text` holds a lone surrogate, so it is no text.
        """
        by_line = splitting is Splitting.PUNCTUATION_AND_NEWLINES
        blocks: list[Block] = []
        segments: list[Segment] = []
        for start, end in lines(text) if by_line else paragraphs(text):
            if not has_letters(text[start:end]):
                continue
            # Each break becomes one space, so that offsets stay: only punctuation may end a sentence there.
            flat = text[start:end] if by_line else LINE_BREAKS.sub(" ", text[start:end])
            sentences = [(0, end - start)] if splitting is Splitting.NONE else split_sentences(flat, language)
            for low, high in sentences:
                if has_letters(text[start + low : start + high]):
                    at, to = strip(text, start + low, start + high)
                    segments.append(Segment(at, to, fold(text[at:to]), len(blocks)))
            blocks.append(Block(BlockKind.PARAGRAPH, start, end))
        return cls(text, tuple(blocks), tuple(segments))

    def with_segments(self, segments: Sequence[Segment]) -> "PlainDocument":
        """See `base.Document.with_segments`."""
        return replace(self, segments=tuple(segments))

    def cut(self, segment: Segment, fits: Fits) -> list[Segment]:
        """See `base.Document.cut`."""
        if len(segment.text) <= MOST_CHARACTERS and fits(segment.text):
            return [segment]
        source, pieces = self.text[segment.start : segment.end], []
        for low, high in split_long(source, lambda piece: fits(fold(piece.strip()))):
            start, end = strip(self.text, segment.start + low, segment.start + high)
            if has_letters(self.text[start:end]):
                pieces.append(Segment(start, end, fold(self.text[start:end]), segment.block, hard_split=True))
        return pieces

    def prose(self, kinds: Collection[BlockKind] = PROSE) -> Sequence[Segment]:
        """See `base.Document.prose`; every block of a plain text is a paragraph."""
        return self.segments if BlockKind.PARAGRAPH in kinds else ()

    def rebuild(self) -> "PlainRebuilder":
        """See `base.Document.rebuild`."""
        return PlainRebuilder(self)


class PlainRebuilder:
    """Puts outputs in the places of their segments; each is settled as it comes. See `base.Rebuilder`."""

    def __init__(self, document: PlainDocument) -> None:
        self._text = document.text
        self._segments = document.segments
        self._at = self._length = 0
        self.spans: list[Span] = []

    def add(self, output: Output) -> str:
        """See `base.Rebuilder.add`: what stands before the segment, and the output on one line."""
        segment, shown = self._segments[len(self.spans)], fold(output.text)
        between = self._text[self._at : segment.start]
        self._at = segment.end
        start = self._length + len(between)
        self._length = start + len(shown)
        self.spans.append((start, self._length))
        return between + shown

    def finish(self) -> str:
        """See `base.Rebuilder.finish`."""
        if len(self.spans) < len(self._segments):
            raise ValueError(
                f"{len(self.spans)} of {len(self._segments)} segments have an output; add the others first"
            )
        return self._text[self._at :]


def lines(text: str) -> Iterator[Span]:
    """Yield the spans of the lines of `text`, each with its line break."""
    start = 0
    for line in text.splitlines(keepends=True):
        yield start, start + len(line)
        start += len(line)


def paragraphs(text: str) -> Iterator[Span]:
    """Yield the spans of what blank lines part in `text`."""
    start = 0
    for blank in BLANK_LINES.finditer(text):
        yield start, blank.start()
        start = blank.end()
    yield start, len(text)
