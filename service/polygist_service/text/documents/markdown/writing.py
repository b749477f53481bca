"""Writes what became of the sentences of a block of Markdown, so that a parser finds the same marks around them."""

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from polygist_service.text.alignment import AlignedPair
from polygist_service.text.documents.arrangement import arrange
from polygist_service.text.documents.base import Output
from polygist_service.text.documents.inline import Arrangement, Edge, Inline, Placement
from polygist_service.text.documents.markdown.atoms import AtomKind, Sign
from polygist_service.text.documents.markdown.content import Content, Place
from polygist_service.text.documents.markdown.escapes import (
    find_escapes,
    find_title_escapes,
    find_value_escapes,
)
from polygist_service.text.documents.markdown.marks import settle, spread
from polygist_service.text.documents.markdown.outputs import Line, read_line
from polygist_service.text.documents.markdown.parsing import References, Shape
from polygist_service.text.documents.markdown.pieces import WRAPPED, Piece, WrittenBlock, put_in_quotes, wrap
from polygist_service.text.documents.markdown.reading import is_read_as
from polygist_service.text.documents.markdown.sentences import (
    MarkdownBlock,
    MarkedSegment,
    Sentence,
    is_shortcut,
    read_sentences,
)

SPACES = re.compile(r" +")


@dataclass(frozen=True, slots=True)
class Effort:
    """How far a block is changed so that it is read as it should be.

    Attributes:
        escapes_all: whether every character is escaped that may mean something.
        changes_marks: whether "*" stands for "_", and "_" where it would touch another "*".
        spreads_marks: whether marks stand at words in proportion, wherever they belonged.
    """

    escapes_all: bool = False
    changes_marks: bool = False
    spreads_marks: bool = False


# Each goes further than those before.
EFFORTS = (
    Effort(),
    Effort(escapes_all=True),
    Effort(changes_marks=True),
    Effort(escapes_all=True, changes_marks=True),
    Effort(escapes_all=True, spreads_marks=True),
    Effort(escapes_all=True, changes_marks=True, spreads_marks=True),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a sentence is written.

    Attributes:
        sentence: it.
        index: of its segment among those of the block.
        line: what is written; None where the source is copied.
        placements: of marks in the line, each with the atom that it is.
        moved: atoms around the words that are written among them instead.
    """

    sentence: Sentence
    index: int
    line: Line | None = None
    placements: tuple[tuple[Placement, int], ...] = ()
    moved: frozenset[int] = frozenset()


def write_block(
    block: MarkdownBlock,
    text: str,
    segments: Sequence[MarkedSegment],
    outputs: Sequence[Output],
    references: References,
) -> WrittenBlock:
    """Put outputs in the places of the segments of a block.

    Args:
        block: of a document.
        text: the source of that.
        segments: all of the block.
        outputs: what each became.
        references: what links may name.
    """
    for effort in EFFORTS:
        writer = BlockWriter(block, text, segments, outputs, effort)
        writer.write()
        if not writer.is_changed or is_read_as(block, writer.letters, writer.signs, references):
            return writer.written()
    # However it is written, it would be read as something else.
    kept = [Output(segment.text) for segment in segments]
    writer = BlockWriter(block, text, segments, kept, Effort())
    writer.write()
    changed = [at for at, (kept, own) in enumerate(zip(kept, outputs, strict=True)) if kept.text != own.text]
    return replace(writer.written(), refused=frozenset(changed))


class BlockWriter:
    """Writes a block once; see `write_block`.

    Args:
        effort: how.
    """

    def __init__(
        self,
        block: MarkdownBlock,
        text: str,
        segments: Sequence[MarkedSegment],
        outputs: Sequence[Output],
        effort: Effort,
    ) -> None:
        self._block = block
        self._text = text
        self._segments = segments
        self._own: dict[int, list[int]] = {}
        for at, segment in enumerate(segments):
            self._own.setdefault(segment.content, []).append(at)
        self._outputs = outputs
        self._effort = effort
        self._lines: list[Line | None] = [None] * len(segments)
        self._doubts: set[int] = set()
        self._segment = -1
        self._is_line_start = True
        # Of marks that were written: how many pieces stood before each.
        self._begun: dict[tuple[int, int], int] = {}
        self.pieces: list[Piece] = []
        self.signs: list[Sign] = []

    @property
    def is_changed(self) -> bool:
        """Whether anything is not copied from the source."""
        return any(line is not None for line in self._lines)

    @property
    def letters(self) -> str:
        """What the parser is to read of it; of a cell, as it stands in the table."""
        is_cell = self._block.shape is Shape.CELL
        return "".join(piece.source if is_cell else piece.letters for piece in self.pieces)

    def write(self) -> None:
        """Write all of it."""
        self._write_content(0)
        if self.is_changed:
            wrap(self.pieces, self._block, self._text, self._segments)
            if self._block.shape is Shape.VALUE and not self._block.quote:
                put_in_quotes(self.pieces)

    def written(self) -> WrittenBlock:
        """Return what was written."""
        return WrittenBlock.of(self.pieces, tuple(self._lines), frozenset(self._doubts))

    def _write_content(self, index: int) -> None:
        """Write one of the contents."""
        content, begun = self._block.contents[index], len(self.signs)
        own = self._own.get(index, [])
        spans = [(self._segments[at].low, self._segments[at].high) for at in own]
        plans = [self._plan(content, *pair) for pair in zip(read_sentences(content, spans), own, strict=True)]
        moved = frozenset().union(*(plan.moved for plan in plans))
        outer, place = self._segment, Place(0)
        for plan in plans:
            sentence = plan.sentence
            self._segment = outer
            self._copy(content, place, sentence.first, moved)
            self._segment = plan.index
            self._copy(content, sentence.first, sentence.start, moved)
            if plan.line is None:
                self._copy(content, sentence.start, sentence.end, moved, low=sentence.low)
            else:
                self._write_line(content, plan, plan.line)
            self._copy(content, sentence.end, sentence.last, moved)
            place = sentence.last
        self._segment = outer
        self._copy(content, place, Place(len(content.atoms)), moved)
        if content.is_title:
            self.signs[begun:] = [("title", words) for _, words in self.signs[begun:]]

    def _plan(self, content: Content, sentence: Sentence, at: int) -> Plan:
        """Return how a sentence of a content is written, of which the segment is at an index."""
        segment, output = self._segments[at], self._outputs[at]
        if output.text == segment.text or not output.text.strip():
            return Plan(sentence, at)
        line, placed = self._place(content, sentence, at, read_line(output.text, segment.text))
        if not line.is_complete:
            self._doubts.add(at)
        self._lines[at] = line
        tags = sentence.tags
        leading, trailing = ({sentence.atoms[tag] for tag in each} for each in (tags.leading, tags.trailing))
        before = list(takewhile(lambda each: each[0].at == 0 and each[1] in leading, placed))
        end, rest = len(line.text), reversed(placed[len(before) :])
        behind = list(takewhile(lambda each: each[0].at == end and each[1] in trailing, rest))
        inner = placed[len(before) : len(placed) - len(behind)]
        return Plan(sentence, at, line, tuple(inner), frozenset((leading | trailing) & {atom for _, atom in inner}))

    def _place(
        self, content: Content, sentence: Sentence, at: int, line: Line
    ) -> tuple[Line, list[tuple[Placement, int]]]:
        """Return where the marks of a sentence, of which the segment is at an index, come in its line.

        Objects that were written inside of marks of others are taken out of the line and placed as marks are.
        """
        text, inlines = self._segments[at].text, list(sentence.tags.inlines)
        atoms = sentence.pairs()
        if not inlines:
            return line, []
        if self._effort.spreads_marks:
            self._doubts.add(at)
            placements: Sequence[Placement] = spread(inlines, line.text)
        else:
            found = self._arrange(inlines, at, line)
            if found.strays:
                for object_at in found.strays:
                    here = text.index(line.text[object_at])
                    around = (index for index, each in enumerate(inlines) if each.start <= here < each.end)
                    inlines.append(Inline(here, here, parent=max(around, default=-1), is_alone=True))
                    atoms.append((content.place(sentence.low + here).atom,) * 2)
                line = line.without(found.strays)
                found = self._arrange(inlines, at, line)
            if found.doubtful:
                self._doubts.add(at)
            delimiters = [
                index
                for index, pair in enumerate(atoms)
                if any(each >= 0 and content.is_delimiter(each) for each in pair)
            ]
            placements = settle(found.placements, line.text, frozenset(delimiters))
        return line, [(each, atoms[each.index][each.edge is Edge.CLOSING]) for each in placements]

    def _arrange(self, inlines: Sequence[Inline], at: int, line: Line) -> Arrangement:
        """Return where elements come in the line of the segment at an index."""
        alignment = tuple(
            AlignedPair(pair.source, (line.place(pair.target[0]), line.place(pair.target[1])), pair.probability)
            for pair in self._outputs[at].alignment
        )
        filled = [index for index, each in enumerate(inlines) if each.start < each.end]
        return arrange(self._segments[at].text, inlines, line.text, alignment, filled=filled)

    def _copy(self, content: Content, start: Place, end: Place, moved: frozenset[int], low: int = 0) -> None:
        """Copy what stands from one border to another but what has moved.

        Args:
            low: where the sentence that is copied begins in the text of the content.
        """
        for index in range(start.atom, min(end.atom + 1, len(content.atoms))):
            atom = content.atoms[index]
            first = start.at if index == start.atom else 0
            last = end.at if index == end.atom else len(atom.text)
            if index in moved or (index == end.atom and not last) or (first and not atom.is_plain):
                continue
            at = content.offsets[index] + first - low
            if atom.is_plain:
                self.signs.append(("text", atom.text[first:last]))
                self._put_letters(content, atom.start + first, atom.start + last, at, is_plain=True)
            else:
                self._put_atom(content, index, at)

    def _put_atom(self, content: Content, index: int, low: int = 0) -> None:
        """Write an atom as it stands in the source, with what became of the contents in it."""
        atom = content.atoms[index]
        self._begun[content.start, index] = len(self.pieces) + 1
        self.signs += atom.signs[:1]
        at = atom.start
        if atom.contents:
            begun = len(self.pieces) + 1
            for nested in atom.contents:
                inner = self._block.contents[nested]
                self._put_letters(content, at, inner.start, high=0)
                self._write_content(nested)
                at = inner.end
            if content.letters.text[at : atom.end] in ("]", "][]"):
                self._put_label(content, self._block.contents[atom.contents[0]].start, at, atom.end, begun)
                at = atom.end
        elif atom.partner is not None and is_shortcut(content, index):
            opening = content.atoms[atom.partner].end
            self._put_label(content, opening, atom.start, atom.end, self._begun[content.start, atom.partner])
            at = atom.end
        self._put_letters(content, at, atom.end, low, low + content.offsets[index + 1] - content.offsets[index])
        self.signs += atom.signs[1:]

    def _put_label(self, content: Content, start: int, end: int, stop: int, begun: int) -> None:
        """End a link or an image of which the words are the label, which stays where the words have changed.

        Args:
            start, end: span of the words in the letters; what ends the link follows up to `stop`.
            begun: how many pieces were written when its words began.
        """
        own = content.letters.text[start:end].split()
        if "".join(piece.letters for piece in self.pieces[begun:]).split() == own:
            self._put_letters(content, end, stop, high=0)
            return
        label = f"][{' '.join(own)}]"
        self._put(label, label.replace("|", "\\|") if self._block.shape is Shape.CELL else label)

    def _put_letters(
        self, content: Content, start: int, end: int, low: int = 0, high: int | None = None, *, is_plain: bool = False
    ) -> None:
        """Write some letters of the block."""
        letters = content.letters
        source = self._text[letters.source(start) : letters.source(end)]
        self._put(letters.text[start:end], source, low, low + end - start if high is None else high, is_plain=is_plain)

    def _put(
        self,
        letters: str,
        source: str,
        low: int = 0,
        high: int = 0,
        *,
        is_plain: bool = False,
        is_space: bool = False,
    ) -> None:
        """Write a piece; see `Piece`."""
        if letters or source:
            self.pieces.append(Piece(letters, source, self._segment, low, high, is_plain, is_space))
            self._is_line_start = letters.rstrip(" \t").endswith("\n")

    def _write_line(self, content: Content, plan: Plan, line: Line) -> None:
        """Write a line with the marks in it."""
        own = range(plan.sentence.start.atom, plan.sentence.end.atom + 1)
        objects = {content.text[content.offsets[at]]: at for at in own if content.atoms[at].kind is AtomKind.OBJECT}
        escapes = self._find_escapes(content, plan, line)
        special = {**escapes, **{at: each for at, each in enumerate(line.text) if each in objects}}
        spaces = {found.start(): found[0] for found in SPACES.finditer(line.text)}
        order = sorted({*special, *spaces})
        inner = {atom for _, atom in plan.placements}
        open_marks: dict[int, str] = {}
        at = 0
        for stop, atom in (*((each.at, atom) for each, atom in plan.placements), (len(line.text), None)):
            for place in order[bisect_left(order, at) : bisect_left(order, stop)]:
                self._put_text(line, at, place)
                at = place + 1
                if line.text[place] in objects:
                    self._put_atom(content, objects[line.text[place]], place)
                elif place in special:
                    self.signs.append(("text", line.text[place]))
                    source = special[place]
                    self._put(source, source, place, at)
                else:
                    at = min(place + len(spaces[place]), stop)
                    is_space = content is self._block.contents[0] and self._block.shape in WRAPPED
                    self._put(line.text[place:at], line.text[place:at], place, at, is_plain=True, is_space=is_space)
            self._put_text(line, at, stop)
            at = stop
            if atom is not None and content.atoms[atom].kind in (AtomKind.ALONE, AtomKind.OBJECT):
                self._put_alone(content, atom, line, at)
            elif atom is not None:
                self._put_mark(content, atom, inner, open_marks)

    def _put_alone(self, content: Content, index: int, line: Line, at: int) -> None:
        """Write what has no words at a place of a line, with the spaces that were around it."""
        atom, letters = content.atoms[index], content.letters.text
        is_behind_space = letters[max(0, atom.start - 1) : atom.start].isspace()
        if is_behind_space and at and not self.pieces[-1].letters[-1:].isspace():
            self._put(" ", " ", at, at)
        self._put_atom(content, index)
        if letters[atom.end : atom.end + 1].isspace() and line.text[at : at + 1].isalnum():
            self._put(" ", " ", at, at)

    def _put_text(self, line: Line, start: int, end: int) -> None:
        """Write a stretch of a line that means itself."""
        text = line.text[start:end]
        self.signs.append(("text", text))
        self._put(text, text, start, end, is_plain=True)

    def _put_mark(self, content: Content, index: int, inner: Collection[int], written: dict[int, str]) -> None:
        """Write a mark, with other letters where the usual ones would not do.

        Args:
            inner: the marks of the sentence that are written in it.
            written: the letters of marks that have begun.
        """
        atom = content.atoms[index]
        is_emphasis = atom.signs[0][0].startswith(("em_", "strong_")) and atom.partner in inner
        if not is_emphasis or not self._effort.changes_marks:
            self._put_atom(content, index)
            return
        if atom.kind is AtomKind.OPENING:
            is_behind_star = bool(self.pieces) and self.pieces[-1].letters.endswith("*")
            written[index] = ("_" if is_behind_star else "*") * (atom.end - atom.start)
        letters = written[index if atom.kind is AtomKind.OPENING else atom.partner or 0]
        self.signs += atom.signs
        self._put(letters, letters)

    def _find_escapes(self, content: Content, plan: Plan, line: Line) -> dict[int, str]:
        """Return what is written for characters of a line that would not mean themselves, by their offsets."""
        is_cell = self._block.shape is Shape.CELL
        if self._block.shape is Shape.VALUE:
            escapes = find_value_escapes(line.text, self._block.quote)
        elif content.is_title:
            escapes = find_title_escapes(line.text, content.letters.text[content.start - 1])
        else:
            is_first = self._is_line_start and (not plan.placements or plan.placements[0][0].at > 0)
            # What began a line before may do so again.
            source = content.text[plan.sentence.low : plan.sentence.high]
            is_first &= self._effort.escapes_all or source[:2] != line.text[:2]
            escapes = find_escapes(line.text, is_full=self._effort.escapes_all, is_line_start=is_first)
        for character, letters in content.written(plan.sentence.low, plan.sentence.high).items():
            places = [at for at, each in enumerate(line.text) if each == character]
            if len(set(letters)) == 1 and letters[0]:
                escapes.update((at, letters[0]) for at in places)
            elif len(places) == len(letters):  # as often as in the source: each as there
                escapes.update((at, own) for at, own in zip(places, letters, strict=True) if own)
        if self._block.shape is Shape.LABEL:
            escapes.update((at, f"&#{ord(each)};") for at, each in enumerate(line.text) if each in '"[]')
        if self._block.shape is Shape.UNDERLINED and self._effort.escapes_all:
            # With a line of "-" below, any bar makes a table of it.
            escapes.update((at, "&#124;") for at, each in enumerate(line.text) if each == "|")
        if is_cell:
            escapes.update((at, "\\|") for at, each in enumerate(line.text) if each == "|")
        return escapes
