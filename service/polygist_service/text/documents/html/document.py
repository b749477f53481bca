"""Pages: HTML in which only the words change, and the tags that go with them."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise

from polygist_service.text.documents.base import PROSE, Block, BlockKind, Passage, Segment, Splitting
from polygist_service.text.documents.html.characters import LINE, PlacedText
from polygist_service.text.documents.html.rebuilding import HtmlRebuilder, Patch
from polygist_service.text.documents.html.runs import LanguageDeclaration, Run, RunReader
from polygist_service.text.documents.html.text import HtmlSegment, RunText, RunTexts, find_link_share, is_kept, read_out
from polygist_service.text.documents.number_cells import find_cell_numbers, find_sections
from polygist_service.text.documents.plain import with_letters
from polygist_service.text.languages import is_kin
from polygist_service.text.segmentation import (
    MOST_CHARACTERS,
    FindSpans,
    Fits,
    Span,
    break_anywhere,
    has_letters,
    split_long,
    split_sentences,
    strip,
)

BLANK_LINE = re.compile(r"\n[ \n]*\n")
# A line break behind which a sentence may go on, and what it goes on with.
INSIDE_SENTENCE = re.compile(rf"(?<=[\w,–—-]){LINE}(?=(\w))")


@dataclass(frozen=True)
class HtmlLayout:
    """A page, its runs of text, and where it says what language it is in. See `base.Layout`."""

    text: str
    runs: Sequence[Run]
    declarations: Sequence[LanguageDeclaration]
    root: object = None

    @classmethod
    def read(cls, text: str) -> "HtmlLayout":
        """Read a page, or a part of one, as browsers do.

        Raises:
            InvalidDocument: it is nested too deep, or has too many tags or attributes.
        """
        reader = RunReader(text)
        return cls(text, reader.runs, reader.declarations, reader.root)

    @property
    def language(self) -> str | None:
        """See `base.Layout.language`."""
        return next((each.tag for each in self.declarations if each.element is self.root and each.tag), None)

    @property
    def passages(self) -> Sequence[Passage]:
        """See `base.Layout.passages`: one for each run that has something to be read, but for listings of code."""
        return [passage for passage, _ in self._read]

    @cached_property
    def _read(self) -> Sequence[tuple[Passage, PlacedText]]:
        return [pair for run in self.runs if run.kind is not BlockKind.CODE for pair in self._read_run(run)]

    @cached_property
    def _placed(self) -> Mapping[int, PlacedText]:
        return {passage.start: placed for passage, placed in self._read}

    def _read_run(self, run: Run) -> Iterator[tuple[Passage, PlacedText]]:
        """Yield what is read of a run; of one without words of its own, what is read apart."""
        placed, is_hidden, kind = read_out(self.text, run), run.is_hidden, run.kind
        if not placed.text.strip():
            is_hidden, kind = True, BlockKind.OTHER
            placed = next((apart for each in run.inner if (apart := read_out(self.text, each)).text.strip()), placed)
        shown = INSIDE_SENTENCE.sub(lambda found: " " if found[1].islower() else found[0][0], placed.text)
        if shown.strip():
            declared = run.language if run.language and run.language[0] is not self.root else None
            passage = Passage(
                run.start,
                placed.ends[-1],
                shown,
                declared[1] or None if declared else None,
                kind=kind,
                level=run.level,
                is_hidden=is_hidden,
                is_aside=run.is_aside,
                is_main=run.is_main,
                link_share=find_link_share(self.text, run),
                is_kept=is_kept(run),
            )
            yield passage, placed

    def source_span(self, passage: Passage, span: Span) -> Span:
        """See `base.Layout.source_span`."""
        return self._placed[passage.start].span(*span)

    def starts(self, passage: Passage) -> Sequence[int]:
        """See `base.Layout.starts`."""
        return self._placed[passage.start].starts

    def part(self, start: int, end: int) -> "HtmlLayout":
        """See `base.Layout.part`."""
        return HtmlLayout(
            self.text[start:end],
            [run.moved(start) for run in self.runs if start <= run.start and run.end <= end],
            [each.moved(start) for each in self.declarations if start <= each.start < end],
            self.root,
        )

    def split(self, language: str, splitting: Splitting, unbroken: FindSpans = break_anywhere) -> "HtmlDocument":
        """See `base.Layout.split`."""
        texts = RunTexts(self.text, language)
        found: list[RunText] = []
        for block, run in enumerate(self.runs):
            found += (texts.read(each, block, is_apart=each is not run) for each in (run, *run.inner))
        sections = find_section_cells(self.runs, found)
        segments: list[HtmlSegment] = []
        for block, group in groupby(enumerate(found), key=lambda pair: pair[1].block):
            own: list[HtmlSegment] = []
            for index, each in group:
                is_cell = self.runs[block].kind is BlockKind.ROW and index not in sections
                own += read_segments(each, index, language, splitting, unbroken, is_cell=is_cell)
            segments += sorted(own, key=lambda each: (each.start, -each.end))
        blocks = tuple(Block(run.kind, run.start, run.end) for run in self.runs)
        return HtmlDocument(self, language, blocks, tuple(segments), tuple(found))


@dataclass(frozen=True, slots=True)
class HtmlDocument:
    """A page whose blocks are its runs; see `base.Document`.

    Attributes:
        layout: of the page.
        language: that it is split in, a canonical tag.
        texts: of its runs, and of what is read apart, at the indices that segments have.
    """

    layout: HtmlLayout
    language: str
    blocks: tuple[Block, ...]
    segments: tuple[HtmlSegment, ...]
    texts: tuple[RunText, ...]

    @property
    def text(self) -> str:
        """See `base.Document.text`."""
        return self.layout.text

    def source_span(self, segment: Segment, span: Span) -> Span:
        """See `base.Document.source_span`."""
        assert isinstance(segment, HtmlSegment)
        low, high = span
        placed = self.texts[segment.run].placed
        if low < high:
            return placed.span(segment.low + low, segment.low + high)
        at = placed.starts[segment.low + low] if segment.low + low < placed.length else segment.end
        return at, at

    def cut(self, segment: Segment, fits: Fits, kept: Sequence[Span] = ()) -> list[Segment]:
        """See `base.Document.cut`."""
        if segment.is_number or (len(segment.text) <= MOST_CHARACTERS and fits(segment.text)):
            return [segment]
        assert isinstance(segment, HtmlSegment)
        own = self.texts[segment.run]
        pieces: list[Segment] = []
        for low, high in split_long(segment.text, lambda piece: fits(piece.strip()), kept):
            start, end = strip(segment.text, low, high)
            if has_letters(segment.text[start:end]):
                place = segment.low + start, segment.low + end
                pieces.append(
                    replace(make_segment(own, segment.run, place), text=segment.text[start:end], hard_split=True)
                )
        return pieces

    def with_segments(self, segments: Sequence[Segment]) -> "HtmlDocument":
        """See `base.Document.with_segments`."""
        return replace(self, segments=tuple(each for each in segments if isinstance(each, HtmlSegment)))

    def prose(self, kinds: Collection[BlockKind] = PROSE) -> Sequence[Segment]:
        """See `base.Document.prose`; what is hidden, and what is written in attributes, is none."""
        runs = self.layout.runs
        return [
            each
            for each in self.segments
            if self.blocks[each.block].kind in kinds
            and not (each.is_number or each.is_apart or runs[each.block].is_hidden)
        ]

    def rebuild(self, language: str = "") -> HtmlRebuilder:
        """See `base.Document.rebuild`.

        What is said to be in the language of the page is said to be in the other one, and so is the whole.
        """
        return HtmlRebuilder(self.text, self.texts, self.segments, list(self._declare(language)) if language else [])

    def _declare(self, language: str) -> Iterator[Patch]:
        """Yield what is to be written where the page says what language it is in."""
        for each in self.layout.declarations:
            if each.element is self.layout.root or (each.tag and is_kin(each.tag, self.language)):
                yield Patch(each.start, each.end, f"{each.opening}{language}{each.closing}")


def find_section_cells(runs: Sequence[Run], texts: Sequence[RunText]) -> frozenset[int]:
    """Return the indices of the texts of cells that number sections or versions, as in "1.1", "2.3"."""
    joined, at = [], 0
    places: dict[Span, int] = {}
    rows: list[list[Span]] = []
    last: object = None
    for index, each in enumerate(texts):
        run = runs[each.block]
        if run.kind is not BlockKind.ROW or each.is_apart:
            continue
        if run.row is None or run.row is not last:
            rows.append([])
        last = run.row
        shown = each.text.strip()
        rows[-1].append((at, at + len(shown)))
        places[rows[-1][-1]] = index
        joined.append(shown)
        at += len(shown) + 1
    return frozenset(places[span] for span in find_sections(LINE.join(joined), rows))


def read_segments(
    own: RunText, run: int, language: str, splitting: Splitting, unbroken: FindSpans, *, is_cell: bool
) -> Iterator[HtmlSegment]:
    """Yield the segments of the text of the run at an index."""
    numbers = find_cell_numbers(own.text, 0, len(own.text)) if is_cell else []
    if numbers:
        yield from (replace(make_segment(own, run, span), is_number=True) for span in numbers)
        return
    if has_letters(own.text):
        for span in with_letters(own.text, find_sentences(own, language, splitting, unbroken)):
            yield make_segment(own, run, span)


def make_segment(own: RunText, run: int, span: Span) -> HtmlSegment:
    """Return a span of the text of the run at an index as a segment."""
    low, high = span
    start, end = own.placed.span(low, high)
    inside = bisect_right(own.tags, low, key=lambda tag: tag.at) < bisect_left(own.tags, high, key=lambda tag: tag.at)
    return HtmlSegment(
        start,
        end,
        own.text[low:high].replace(LINE, " "),
        own.block,
        needs_alignment=inside,
        run=run,
        low=low,
        high=high,
        is_apart=own.is_apart,
    )


def find_sentences(own: RunText, language: str, splitting: Splitting, unbroken: FindSpans) -> Iterator[Span]:
    """Yield the spans of the sentences of the text of a run; its line breaks are those that are meant."""
    lines = splitting in (Splitting.AUTOMATIC, Splitting.PUNCTUATION_AND_NEWLINES)
    for start, end in own.parts:
        text = own.text[start:end]
        blanks = [] if lines else [found.span() for found in BLANK_LINE.finditer(text)]
        for low, high in pairwise((0, *(place for span in blanks for place in span), len(text))):
            flat = text[low:high] if lines else text[low:high].replace(LINE, " ")
            spans = [(0, len(flat))] if splitting is Splitting.NONE else split_sentences(flat, language, unbroken)
            yield from ((start + low + first, start + low + last) for first, last in spans)
