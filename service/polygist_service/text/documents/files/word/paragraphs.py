"""A paragraph as HTML, and written again from HTML with other words: its marks are tags that go with the words."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape, unescape

from polygist_service.text.documents.files.word.formats import Looks, find_tag, goes_right_to_left, turn_paragraph
from polygist_service.text.documents.files.word.markup import Element, name_of
from polygist_service.text.documents.files.word.pieces import (
    FieldReader,
    Piece,
    PieceKind,
    find_ends,
    pair_ranges,
    read_pieces,
    turn_ranges,
)
from polygist_service.text.documents.files.word.runs import RunWriter
from polygist_service.text.documents.files.word.styles import Styles
from polygist_service.text.documents.html.tokens import Token, TokenKind, read_attributes
from polygist_service.text.languages import is_right_to_left

# So many spaces are no space between words: they are there for where words stand. The others are signs of one font.
WORDLESS = re.compile(" {3,}|[\uf000-\uf0ff]+")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph.

    Attributes:
        element: it.
        base: a run that looks as most of its words do.
        off: switches of runs that say nothing where they are off.
        marks: what the tags of its HTML stand for: pieces, and for how words look a run, by the tags' numbers.
        html: it as HTML, without the tags around it; empty where it has nothing to be translated.
    """

    element: Element
    base: Element | None
    off: frozenset[str]
    marks: Sequence[Piece | Element]
    html: str

    @classmethod
    def read(cls, element: Element, styles: Styles) -> "Paragraph":
        """Read a paragraph."""
        pieces = pair_ranges(FieldReader(read_pieces(element)).pieces)
        whole = Piece(PieceKind.BEGIN, slot=element)
        pieces = part_words(pieces)
        off = styles.find_off(element)
        looks = Looks(off)
        find_bases(whole, pieces, looks)
        if not any(map(str.isalnum, "".join(each.text for each in pieces if each.kind is PieceKind.WORDS))):
            return cls(element, whole.base, off, (), "")
        writer = HtmlWriter(styles.code, looks)
        writer.write(whole, pieces)
        return cls(element, whole.base, off, writer.marks, "".join(writer.parts))

    def write(self, text: str, tokens: Sequence[Token], language: str) -> None:
        """Write the paragraph again.

        Args:
            text: a page with other words for it.
            tokens: of it there.
            language: that it is in, a canonical tag.
        """
        ended = find_ends(self.element)
        turns = is_right_to_left(language) != goes_right_to_left(re.sub("<[^>]*>", "", self.html))
        runs = RunWriter(self.element, self.base, self.off, language, turns=turns)
        if turns:
            turn_paragraph(self.element, language)
        is_kept = False
        for token in tokens:
            if token.kind is TokenKind.TEXT and not is_kept:
                runs.put_words(unescape(text[token.start : token.end]))
            elif token.kind is TokenKind.START:
                mark = self.marks[int(read_attributes(text, token)["id"].value)]
                if isinstance(mark, Piece) and mark.kind is PieceKind.MARK:
                    runs.replay(mark)
                    is_kept = token.name == "span"
                else:
                    runs.begin(mark)
            elif token.kind is TokenKind.END:
                if not is_kept:
                    runs.end()
                is_kept = False
        runs.finish()
        turn_ranges(self.element, ended)


def part_words(pieces: Sequence[Piece]) -> list[Piece]:
    """Return pieces with what is in words and is none by itself."""
    parted: list[Piece] = []
    for piece in pieces:
        if piece.kind is not PieceKind.WORDS or not WORDLESS.search(piece.text):
            parted.append(piece)
            continue
        at = 0
        for found in WORDLESS.finditer(piece.text):
            parted.append(Piece(PieceKind.WORDS, piece.text[at : found.start()], run=piece.run))
            shown = Piece(PieceKind.WORDS, found[0], run=piece.run)
            parted.append(Piece(PieceKind.MARK, group=[shown], is_break=found[0].isspace()))
            at = found.end()
        parted.append(Piece(PieceKind.WORDS, piece.text[at:], run=piece.run))
    return parted


def find_bases(whole: Piece, pieces: Sequence[Piece], looks: Looks) -> None:
    """Note of each element that is around others, and of each field, which run looks as most of their words do."""
    levels: list[tuple[Piece, Counter[int], dict[int, Element]]] = [(whole, Counter(), {})]
    around: list[Piece] = []
    for piece in pieces:
        if piece.kind is PieceKind.BEGIN:
            around.append(piece)
            if has_base(piece):
                levels.append((piece, Counter(), {}))
        elif piece.kind is PieceKind.END:
            if has_base(around.pop()):
                set_base(*levels.pop())
        elif piece.kind is PieceKind.WORDS and piece.run is not None:
            key = looks.find(piece.run)
            levels[-1][1][key] += len(piece.text.strip())
            levels[-1][2].setdefault(key, piece.run)
    set_base(*levels.pop())


def has_base(piece: Piece) -> bool:
    """Whether words inside look as most others there do; not inside of a range of a comment or a bookmark."""
    return piece.node is not None or len(piece.group) > 1


def set_base(piece: Piece, counts: Counter[int], runs: dict[int, Element]) -> None:
    """Note of what is around others which run looks as most of their words do."""
    if counts:
        piece.base = runs[counts.most_common(1)[0][0]]


@dataclass(slots=True)
class HtmlWriter:
    """Writes the pieces of a paragraph as HTML.

    Attributes:
        code_styles: styles of characters that are code.
        looks: of its runs.
        parts: what is written.
        marks: what its tags stand for, by their numbers.
    """

    code_styles: frozenset[str]
    looks: Looks
    parts: list[str] = field(default_factory=list)
    marks: list[Piece | Element] = field(default_factory=list)
    _bases: list[int] = field(default_factory=list)
    _tags: list[str] = field(default_factory=list)  # of what is around
    _format: tuple[int, str] | None = None  # the number and the tag of how the words look that are written
    _waiting: list[Piece] = field(default_factory=list)  # marks

    def write(self, whole: Piece, pieces: Sequence[Piece]) -> None:
        """Write pieces; `whole` is around all of them."""
        self._bases.append(self.looks.find(whole.base))
        for piece in pieces:
            if piece.kind is PieceKind.WORDS:
                self._write_words(piece)
            elif piece.kind is PieceKind.MARK:
                self._waiting.append(piece)
            elif piece.kind is PieceKind.BEGIN:
                self._end_format()
                self._begin(piece)
            else:
                self._end_format()
                self._bases.pop()
                self.parts.append(f"</{self._tags.pop()}>")
        self._end_format()

    def _write_words(self, piece: Piece) -> None:
        """Write words; spaces look as what is before them."""
        if not piece.text:
            return
        key = self.looks.find(piece.run)
        now = self._format[0] if self._format else self._bases[-1]
        if key != now and piece.text.strip():
            self._end_format()
            if key != self._bases[-1] and piece.run is not None:
                tag, *attributes = find_tag(piece.run, self.code_styles).split()
                self.parts.append(f"<{' '.join((tag, *attributes))} id={self._number(piece.run)}>")
                self._format = key, tag
        self._write_marks()
        self.parts.append(escape(piece.text, quote=False))

    def _begin(self, piece: Piece) -> None:
        tag, attributes = "span", ""
        if piece.node is not None and name_of(piece.node) == "w:hyperlink" and "a" not in self._tags:
            tag, attributes = "a", ' href="#"'
        elif piece.node is not None and name_of(piece.node) == "w:ins":
            tag = "ins"
        self.parts.append(f"<{tag}{attributes} id={self._number(piece)}>")
        self._tags.append(tag)
        self._bases.append(self.looks.find(piece.base) if has_base(piece) else self._bases[-1])

    def _end_format(self) -> None:
        """End what is around words that look in a certain way; marks behind the last word stand outside."""
        if self._format:
            self.parts.append(f"</{self._format[1]}>")
            self._format = None
        self._write_marks()

    def _write_marks(self) -> None:
        """Write marks; those without anything to be read that stand side by side are one."""
        for group in join_marks(self._waiting):
            number = self._number(group)
            if group.text:
                self.parts.append(f"<span translate=no id={number}>{escape(group.text, quote=False)}</span>")
            else:
                self.parts.append(f"<{'br' if group.is_break else 'img'} id={number}>")
        self._waiting = []

    def _number(self, mark: Piece | Element) -> int:
        self.marks.append(mark)
        return len(self.marks) - 1


def join_marks(marks: Sequence[Piece]) -> Iterator[Piece]:
    """Yield marks; those without anything to be read that stand side by side are one."""
    joined: list[Piece] = []
    for mark in marks:
        if mark.text:
            if joined:
                yield join(joined)
            joined = []
            yield mark
        else:
            joined.append(mark)
    if joined:
        yield join(joined)


def join(marks: list[Piece]) -> Piece:
    """Return marks as one."""
    return Piece(PieceKind.MARK, group=marks, is_break=any(each.is_break for each in marks))
