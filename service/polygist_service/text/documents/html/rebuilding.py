"""A page put together again: outputs in the places of its sentences, with the tags that go with their words."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from polygist_service.text.documents.base import Output
from polygist_service.text.documents.html.characters import Spelling
from polygist_service.text.documents.html.sentences import keep_spaces, write_sentence
from polygist_service.text.documents.html.text import HtmlSegment, RunText
from polygist_service.text.documents.inline_tags import SentenceTags, divide
from polygist_service.text.segmentation import Span

# A value without quotes has none of these.
NEEDS_QUOTES = re.compile(r"[\s\"'=<>`]|\A\Z")

# Behind one of these a letter or a sign may begin a tag or a character reference.
MARK, BEHIND_MARK = re.compile(r"<\Z|&#?\Z"), re.compile("[A-Za-z0-9/!?#]")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of an output, and where it stands in the document.

    Attributes:
        low, high: half-open span in the output.
        start, end: in the document, or in what becomes part of it.
    """

    low: int
    high: int
    start: int
    end: int

    @property
    def is_plain(self) -> bool:
        """Whether each of its characters stands for itself."""
        return self.high - self.low == self.end - self.start

    def moved(self, by: int) -> "Stretch":
        """Return the stretch, so many characters later in the document."""
        return Stretch(self.low, self.high, self.start + by, self.end + by)


@dataclass(frozen=True, slots=True)
class Patch:
    """What is written in place of start:end of the source.

    Attributes:
        index: of the segment that it is of; negative where it is of none.
        stretches: of its output.
    """

    start: int
    end: int
    text: str
    index: int = -1
    stretches: Sequence[Stretch] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A sentence that is not written yet.

    Attributes:
        index: of the segment.
        last: index of the segment by which all is there that stands in the sentence or before it.
        tags: that go with its words.
    """

    index: int
    last: int
    tags: SentenceTags


class Writer:
    """Writes a document, mostly by copying its source.

    Attributes:
        length: of what is written, in code points.
        last: the last characters of it.
        copied: where in the source, and in what is written, each stretch begins that was copied.
        spans: of the outputs of segments that were patched in, by their indices.
        stretches: of these outputs.
    """

    def __init__(self, source: str, patches: Sequence[Patch]) -> None:
        self._source = source
        self._everywhere = patches
        self._parts: list[str] = []
        self.last = ""
        self.patches: list[Patch] = []
        self.length = 0
        self.copied: list[Span] = []
        self.spans: dict[int, Span] = {}
        self.stretches: dict[int, Sequence[Stretch]] = {}

    def take(self) -> str:
        """Return what was written since this was called before."""
        parts, self._parts = self._parts, []
        return "".join(parts)

    def put(self, text: str) -> Span:
        """Write a text; return where it stands."""
        start = self.length
        self._parts.append(text)
        self.length += len(text)
        self.last = (self.last + text)[-2:] if len(text) < 2 else text[-2:]
        return start, self.length

    def put_words(self, shown: str) -> Span:
        """Write a text, as HTML, so that no mark before it becomes a part of a tag or a reference with it."""
        if MARK.search(self.last) and BEHIND_MARK.match(shown):
            shown = f"&#{ord(shown[0])};{shown[1:]}"
        return self.put(shown)

    def copy(self, start: int, end: int) -> None:
        """Write a stretch of the source, with `patches` in their places."""
        due = [patch for patches in (self._everywhere, self.patches) for patch in within(patches, start, end)]
        for patch in sorted(due, key=lambda each: each.start):
            self._copy_plain(start, patch.start)
            at, to = self.put(patch.text)
            if patch.index >= 0:
                self.spans[patch.index] = at, to
                self.stretches[patch.index] = [each.moved(at) for each in patch.stretches]
            start = patch.end
        self._copy_plain(start, end)

    def _copy_plain(self, start: int, end: int) -> None:
        if start < end:
            self.copied.append((start, self.length))
            self.put(self._source[start:end])


def within(patches: Sequence[Patch], start: int, end: int) -> Sequence[Patch]:
    """Return those of some patches, in order, that begin in start:end."""
    first = bisect_left(patches, start, key=lambda each: each.start)
    return patches[first : bisect_left(patches, end, lo=first, key=lambda each: each.start)]


class HtmlRebuilder:
    """Puts outputs in the places of their segments. See `base.Rebuilder`.

    Args:
        source: the page.
        texts: of its runs.
        segments: of it.
        patches: what changes besides them, in order.
    """

    def __init__(
        self, source: str, texts: Sequence[RunText], segments: Sequence[HtmlSegment], patches: Sequence[Patch]
    ) -> None:
        self._source = source
        self._texts = texts
        self._segments = segments
        self._writer = Writer(source, patches)
        self._outputs: list[Output] = []
        self._at = 0
        self._waiting: list[Waiting] = []  # of the block that is written, the next one last
        # Of outputs that are as they were read: where they were copied from and to.
        self._copied: dict[int, Sequence[Span]] = {}
        self.spans: list[Span] = []
        self.doubts: list[Span] = []
        self.refused: tuple[Span, ...] = ()

    def add(self, output: Output) -> str:
        """See `base.Rebuilder.add`; a sentence is settled as soon as all that stands inside of it is there."""
        index, segments = len(self._outputs), self._segments
        self._outputs.append(output)
        if not index or segments[index].block != segments[index - 1].block:
            self._begin(index)
        behind = segments[index + 1] if index + 1 < len(segments) else None
        if segments[index].is_apart:
            self._patch(index, is_last=behind is None or behind.run != segments[index].run)
        while self._waiting and self._waiting[-1].last <= index:
            self._write_sentence(self._waiting.pop())
        if behind is None or behind.block != segments[index].block:
            for patch in self._writer.patches[-1:]:
                # A quote that is missing stands before what is behind the value, which is of the same tag.
                self._copy_to(patch.end + (patch.start == patch.end))
            self._writer.patches = []
        self.spans += [self._writer.spans[each] for each in self._placed(index + 1)]
        return self._writer.take()

    def _begin(self, index: int) -> None:
        """Note which sentences of a block, whose first segment is at `index`, wait for what."""
        segments, block = self._segments, self._segments[index].block
        every = [*takewhile(lambda each: segments[each].block == block, range(index, len(segments)))]
        own = [each for each in every if not segments[each].is_apart]
        apart = [each for each in every if segments[each].is_apart]
        groups = []
        if own:
            run = self._texts[segments[own[0]].run]
            groups = divide(run.tags, [(segments[each].low, segments[each].high) for each in own])
        for each, tags in zip(own, groups, strict=True):
            end = run.tag_spans[tags.trailing[-1]][1] if tags.trailing else segments[each].end
            count = bisect_left(apart, end, key=lambda one: segments[one].start)
            self._waiting.append(Waiting(each, max(each, apart[count - 1]) if count else each, tags))
        self._waiting.reverse()

    def _placed(self, end: int) -> Iterator[int]:
        """Yield the segments before `end` that are placed since the last ones, and all before them, too."""
        return takewhile(lambda each: each in self._writer.spans, range(len(self.spans), end))

    def finish(self) -> str:
        """See `base.Rebuilder.finish`."""
        if len(self._outputs) < len(self._segments):
            raise ValueError(
                f"{len(self._outputs)} of {len(self._segments)} segments have an output; add the others first"
            )
        self._writer.copy(self._at, len(self._source))
        return self._writer.take()

    def target_span(self, index: int, span: Span) -> Span:
        """See `base.Rebuilder.target_span`."""
        if index in self._copied and span[0] < span[1]:
            segment = self._segments[index]
            source = self._texts[segment.run].placed.span(segment.low + span[0], segment.low + span[1])
            start, end = (follow(self._copied[index], place) for place in source)
            return start, end
        return find_span(self._writer.stretches.get(index, ()), span) or self.spans[index]

    def _copy_to(self, end: int) -> None:
        if self._at < end:
            self._writer.copy(self._at, end)
            self._at = end

    def _patch(self, index: int, *, is_last: bool) -> None:
        """Note what is written for a segment of an attribute, or of what is hidden inside of a sentence.

        Args:
            index: of the segment.
            is_last: whether it is the last one there.
        """
        own, patches = self._texts[self._segments[index].run], self._writer.patches
        patches.append(self._patch_one(own, index))
        if own.quote == "" and is_last:
            first = bisect_left(patches, own.span[0], key=lambda each: each.start)
            if any(NEEDS_QUOTES.search(patch.text) for patch in patches[first:]):
                start, end = own.span
                patches[first:] = [Patch(start, start, '"'), *patches[first:], Patch(end, end, '"')]

    def _patch_one(self, own: RunText, index: int) -> Patch:
        segment, output = self._segments[index], self._outputs[index]
        start, end = segment.span
        if output.text == segment.text:
            places = range(segment.low, segment.high)
            stretches = [
                Stretch(at, at + 1, own.placed.starts[place] - start, own.placed.ends[place] - start)
                for at, place in enumerate(places)
            ]
            return Patch(start, end, self._source[start:end], index, stretches)
        spelling = Spelling(self._source[start:end], quote=None if own.quote is None else own.quote or '"')
        writer = Writer("", ())
        writer.last = self._source[max(own.span[0], start - 2) : start]
        stretches = write_words(writer, output.text, 0, spelling)
        return Patch(start, end, writer.take(), index, stretches)

    def _write_sentence(self, waiting: Waiting) -> None:
        """Write what stands before a sentence, the sentence, and the tags behind it that go with it."""
        index, tags, writer = waiting.index, waiting.tags, self._writer
        segment, output = self._segments[index], self._outputs[index]
        run = self._texts[segment.run]
        if output.text == segment.text:
            self._copy_to(segment.start)
            start, first = writer.length, len(writer.copied)
            self._copy_to(segment.end)
            writer.spans[index] = start, writer.length
            self._copied[index] = writer.copied[first:]
            return
        output = replace(output, text=keep_spaces(segment.text, output.text))
        sentence = write_sentence(run, segment, tags, output)
        if sentence.is_doubtful:
            self.doubts.append(segment.span)
        self._copy_gap(segment.start, [(run.tag_spans[tag], tag in sentence.staying) for tag in tags.leading])
        start = writer.length
        spelling = Spelling(run.source_of(self._source, segment.low, segment.high), figures=run.figures)
        stretches: list[Stretch] = []
        for piece in sentence.pieces:
            if piece.source is None:
                stretches += write_words(writer, output.text[piece.low : piece.high], piece.low, spelling)
                continue
            at = writer.length
            writer.copy(*piece.source)
            if piece.low < piece.high:
                stretches.append(Stretch(piece.low, piece.high, at, writer.length))
        writer.spans[index] = start, writer.length
        writer.stretches[index] = stretches
        self._at = segment.end
        end = run.tag_spans[tags.trailing[-1]][1] if tags.trailing else segment.end
        self._copy_gap(end, [(run.tag_spans[tag], tag in sentence.staying) for tag in tags.trailing])

    def _copy_gap(self, end: int, tags: Sequence[tuple[Span, bool]]) -> None:
        """Copy what stands before `end`, without those of some tags there that do not stay."""
        for (low, high), stays in tags:
            if not stays:
                self._copy_to(low)
                self._at = high
        self._copy_to(end)


def write_words(writer: Writer, words: str, at: int, spelling: Spelling) -> list[Stretch]:
    """Write a part of an output that begins there at `at`; return its stretches."""
    return [
        Stretch(at + low, at + high, *(writer.put(shown) if low else writer.put_words(shown)))
        for low, high, shown in spelling.write(words)
    ]


def follow(copied: Sequence[Span], at: int) -> int:
    """Return where a place of the source stands, by where stretches of it begin there and in what is written."""
    start, place = copied[max(0, bisect_right(copied, at, key=lambda pair: pair[0]) - 1)]
    return place + at - start


def find_span(stretches: Sequence[Stretch], span: Span) -> Span | None:
    """Return where a span of an output stands; None where nothing of it does."""
    low, high = span
    over = [each for each in stretches if each.low < high and low < each.high]
    if not over:
        return None
    first, last = over[0], over[-1]
    start = first.start + (max(0, low - first.low) if first.is_plain else 0)
    end = last.end - (max(0, last.high - high) if last.is_plain else 0)
    return start, end
