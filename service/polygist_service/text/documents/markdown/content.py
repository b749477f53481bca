"""What a block of Markdown says, and the marks in it: each character of what is read knows its place in the source."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import NamedTuple

from markdown_it.common.utils import unescapeAll
from markdown_it.helpers import parseLinkDestination, parseLinkTitle
from markdown_it.token import Token

from polygist_service.text.documents.inline import OBJECT, free_objects
from polygist_service.text.documents.inline_tags import Tag
from polygist_service.text.documents.joining import UNSPACED
from polygist_service.text.documents.markdown.atoms import (
    MARKS,
    Atom,
    AtomKind,
    Sign,
    find_objects,
    find_partners,
    keep_elements,
    pair_elements,
    part_lines,
)
from polygist_service.text.documents.markdown.parsing import Letters, ParsedBlock, Shape
from polygist_service.text.segmentation import LINE_BREAKS, Span

ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~]|&(?:#[xX][0-9a-fA-F]{1,6}|#\d{1,7}|[A-Za-z][A-Za-z0-9]{1,31});|[ \t]*\n[ \t]*")
# In front matter: of values in quotes, and of those on several lines.
VALUE_ESCAPES = {
    '"': re.compile(
        r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|\\[\"\\/]"
    ),
    "'": re.compile(r"''"),
}
VALUE_BREAK = re.compile(r"[ \t]*\n[ \t]*")
BREAK = re.compile(r"<br\b", re.IGNORECASE)
# What is written again as it was in the source: entities and escapes, but for those of letters, digits and spaces.
REWRITTEN = re.compile(r"[^\sA-Za-z0-9]|\xa0|[\u2000-\u200f\u202f]")
DELIMITERS = frozenset(f"{name}_{end}" for name in ("em", "strong", "s") for end in ("open", "close"))


class Place(NamedTuple):
    """A border in a content: in front of the character `at` of the text of an atom, of which the index is told."""

    atom: int
    at: int = 0


@dataclass(frozen=True, slots=True)
class Content:
    """A stretch of a block's letters that is read for itself: the whole, or what an image shows instead.

    Attributes:
        letters: of the block.
        start, end: its half-open span in them.
        atoms: what they are made of, without gap.
        text: what is read, with one character for each object.
        offsets: where the text of each atom begins, and the length of all.
        is_title: whether its text is that of a title, in quotes.
    """

    letters: Letters
    start: int
    end: int
    atoms: tuple[Atom, ...]
    text: str
    offsets: tuple[int, ...]
    is_title: bool = False

    @classmethod
    def of(cls, letters: Letters, start: int, end: int, atoms: Sequence[Atom], *, is_title: bool = False) -> "Content":
        """Return the content that atoms make."""
        objects = free_objects(letters.text[start:end])
        atoms, texts = list(atoms), []
        for index, atom in enumerate(atoms):
            if atom.kind is AtomKind.OBJECT:
                texts.append(next(objects, ""))
                if not texts[-1]:
                    atoms[index] = replace(atom, kind=AtomKind.ALONE)
            elif atom.kind is AtomKind.SPACE:
                before, after = letters.text[atom.start - 1 : atom.start], letters.text[atom.end : atom.end + 1]
                texts.append("" if UNSPACED.match(before) and UNSPACED.match(after) else " ")
            elif atom.kind is AtomKind.LINE:
                texts.append("\n")
            else:
                texts.append(LINE_BREAKS.sub(" ", atom.text) if atom.kind is AtomKind.TEXT else "")
        offsets = (0, *accumulate(map(len, texts)))
        return cls(letters, start, end, tuple(atoms), "".join(texts), offsets, is_title)

    @property
    def lines(self) -> Iterator[Span]:
        """The spans of the text that hard breaks part."""
        start = 0
        for index, atom in enumerate(self.atoms):
            if atom.kind is AtomKind.LINE:
                yield start, self.offsets[index]
                start = self.offsets[index + 1]
        yield start, len(self.text)

    @property
    def depth(self) -> int:
        """How many marks are around one another at most."""
        steps = {AtomKind.OPENING: 1, AtomKind.CLOSING: -1}
        return max(accumulate((steps.get(atom.kind, 0) for atom in self.atoms), initial=0))

    def tags(self) -> tuple[list[Tag], list[int]]:
        """Return the marks, and the index of the atom that each is."""
        indices = [index for index, atom in enumerate(self.atoms) if atom.kind in MARKS]
        place = {index: at for at, index in enumerate(indices)}
        tags = []
        for index in indices:
            partner = self.atoms[index].partner
            tags.append(Tag(self.offsets[index], None if partner is None else place[partner]))
        return tags, indices

    def written(self, start: int, end: int) -> dict[str, list[str]]:
        """Return how the source writes the characters of the text start:end of which it escapes one: by characters, in
        order; empty where it is the character itself. Letters, digits and spaces are left out.
        """
        first, last = self.place(start).atom, self.place(end - 1).atom
        pieces = [atom for atom in self.atoms[first : last + 1] if atom.kind is AtomKind.TEXT]
        own = {atom.text for atom in pieces if not atom.is_plain and REWRITTEN.fullmatch(atom.text)}
        found: dict[str, list[str]] = {character: [] for character in own}
        for atom in pieces if own else ():
            for character in atom.text:
                if character in own:
                    found[character].append("" if atom.is_plain else self.letters.text[atom.start : atom.end])
        return found

    def is_delimiter(self, index: int) -> bool:
        """Whether nothing tells an atom from text but what is around it: "*", "_" and "~"; none is at -1."""
        return index >= 0 and self.atoms[index].signs[0][0] in DELIMITERS

    def place(self, at: int) -> Place:
        """Return where the character at `at` of the text is."""
        index = bisect_right(self.offsets, at, hi=len(self.atoms)) - 1
        return Place(index, at - self.offsets[index])

    def source(self, place: Place) -> int:
        """Return where the source goes on at a border, behind what else may stand there."""
        return self.letters.source(self._letters_at(place))

    def source_end(self, place: Place) -> int:
        """Return where in the source ends what stands before a border."""
        if place.at == 0 and place.atom:
            return self.letters.source(self.atoms[place.atom - 1].end)
        return self.letters.source(self._letters_at(place))

    def _letters_at(self, place: Place) -> int:
        """Return where in the letters a border is."""
        atom = self.atoms[place.atom]
        if atom.is_plain:
            return atom.start + place.at
        return atom.end if place.at else atom.start

    def source_span(self, start: int, end: int) -> Span:
        """Return where the characters start:end of the text stand in the source; there is one at least."""
        low, high = self.place(start), self.place(end - 1)
        return self.source(low), self.source_end(Place(high.atom, high.at + 1))

    @property
    def display(self) -> tuple[str, tuple[int, ...]]:
        """What a reader sees, objects written out, and where in it each atom begins."""
        shown = [
            atom.text if atom.kind is AtomKind.OBJECT else self.text[low:high].replace("\n", " ")
            for atom, (low, high) in zip(self.atoms, pairwise(self.offsets), strict=True)
        ]
        return "".join(shown), (0, *accumulate(map(len, shown)))

    def shown(self, start: int, end: int) -> str:
        """Return what a reader sees of the text start:end."""
        if not OBJECT.search(self.text, start, end):
            return self.text[start:end]
        parts = []
        for at in range(start, end):
            atom = self.atoms[self.place(at).atom]
            parts.append(atom.text if atom.kind is AtomKind.OBJECT else self.text[at])
        return "".join(parts)


def read_contents(block: ParsedBlock) -> tuple[Content, ...]:
    """Return what is to be read of a block: the whole first, then what is inside images, links and notes of it."""
    reader = ContentReader(block.letters)
    if block.shape is Shape.DEFINITION:
        found = find_definition_title(block.letters.text)
        return (reader.read_title(*found),) if found else ()
    if block.shape is Shape.VALUE:
        return (reader.read_value(block.quote),)
    reader.read(block.tokens, 0, len(block.letters.text))
    return tuple(reader.contents)


def find_definition_title(text: str) -> Span | None:
    """Return the span of the title of a reference's definition in its letters."""
    found = re.match(r"\[(?:[^\[\]\\]|\\.)*\]:", text, re.DOTALL)
    return find_title(text, found.end(), len(text)) if found else None


def find_title(text: str, start: int, end: int) -> Span | None:
    """Return the span of a title between its quotes, which follows the address that begins behind `start`."""
    start = skip_white(text, start, end)
    found = parseLinkDestination(text, start, end)
    behind = skip_white(text, found.pos, end)
    if not found.ok or behind == found.pos:
        return None
    title = parseLinkTitle(text, behind, end)
    return (behind + 1, title.pos - 1) if title.ok else None


def skip_white(text: str, at: int, end: int) -> int:
    """Return where the white space ends that begins at `at`."""
    while at < end and text[at] in " \t\n":
        at += 1
    return at


class ContentReader:
    """Reads contents from the tokens of a block.

    Args:
        letters: of the block.
    """

    def __init__(self, letters: Letters) -> None:
        self._letters = letters
        self._text = letters.text
        self.contents: list[Content] = []

    def read(self, tokens: Sequence[Token], start: int, end: int) -> int:
        """Read the stretch start:end of the letters, which `tokens` are of; return the index of its content."""
        index = len(self.contents)
        self.contents.append(Content(self._letters, start, end, (), "", (0,)))
        atoms = pair_elements(self._fill(self._read_tokens(tokens, start), start, end))
        atoms = [each for atom in keep_elements(find_partners(atoms)) for each in find_objects(atom)]
        atoms = find_partners(part_lines(atoms))
        self.contents[index] = Content.of(self._letters, start, end, atoms)
        return index

    def read_title(self, start: int, end: int) -> Content:
        """Return the content of a title: text and escapes."""
        atoms = []
        for found in ESCAPED.finditer(self._text, start, end):
            if "\n" in found[0]:
                atoms.append(Atom(AtomKind.SPACE, *found.span()))
            elif (text := unescapeAll(found[0])) != found[0]:
                atoms.append(Atom(AtomKind.TEXT, *found.span(), text, (("text", text),)))
        return Content.of(self._letters, start, end, self._fill(iter(atoms), start, end), is_title=True)

    def read_value(self, quote: str) -> Content:
        """Return the content of a value of front matter; see `ParsedBlock.quote`."""
        atoms = []
        for found in VALUE_ESCAPES.get(quote, VALUE_BREAK).finditer(self._text):
            if "\n" in found[0]:
                atoms.append(Atom(AtomKind.SPACE, *found.span()))
            else:
                text = json.loads(f'"{found[0]}"') if quote == '"' else "'"
                atoms.append(Atom(AtomKind.TEXT, *found.span(), text, (("text", text),)))
        end = len(self._text)
        return Content.of(self._letters, 0, end, self._fill(iter(atoms), 0, end))

    def _fill(self, atoms: Iterator[Atom], start: int, end: int) -> list[Atom]:
        """Return the atoms with the plain text between them."""
        filled: list[Atom] = []
        at = start
        for atom in (*atoms, Atom(AtomKind.TEXT, end, end)):
            if at < atom.start:
                text = self._text[at : atom.start]
                filled.append(Atom(AtomKind.TEXT, at, atom.start, text, (("text", text),), is_plain=True))
            if atom.start < atom.end:
                filled.append(atom)
            at = atom.end
        return filled

    def _read_tokens(self, tokens: Sequence[Token], offset: int) -> Iterator[Atom]:
        """Yield the atoms of the tokens that say where they stand; `offset` is of what they were parsed from."""
        end = offset
        titles: list[str] = []
        for token in tokens:
            if token.type == "link_open" and token.markup != "autolink":
                titles.append("" if token.meta.get("label") else str(token.attrs.get("title", "")))
            if "span" not in token.meta or token.type == "text":
                continue
            start, stop = (each + offset for each in token.meta["span"])
            if token.type in ("strong_open", "strong_close"):
                start, stop = (start - 1, stop) if token.nesting > 0 else (start, stop + 1)
            elif token.type in ("softbreak", "hardbreak"):
                while start > end and self._text[start - 1] == " ":
                    start -= 1
                while stop < len(self._text) and self._text[stop] in " \t":
                    stop += 1
            title = titles.pop() if token.type == "link_close" else ""
            yield self._atom(token, start, stop, title)
            end = stop

    def _atom(self, token: Token, start: int, end: int, title: str) -> Atom:
        """Return the atom that a token is of."""
        signs: tuple[Sign, ...] = (sign_of(token),)
        if token.type == "text_special":
            is_plain = token.content == self._text[start:end]  # a backslash before a letter is one
            return Atom(AtomKind.TEXT, start, end, token.content, signs, is_plain=is_plain)
        if token.type == "softbreak":
            return Atom(AtomKind.SPACE, start, end)
        if token.type == "hardbreak" or (token.type == "html_inline" and BREAK.match(token.content)):
            return Atom(AtomKind.LINE, start, end, signs=signs)
        if token.markup == "autolink":
            return Atom(AtomKind.OBJECT, start, end, self._text[start + 1 : end - 1], (*signs, ("link_close", "")))
        if token.type == "code_inline" or (token.type == "kept" and not token.info):
            return Atom(AtomKind.OBJECT, start, end, token.content, signs)
        contents = []
        if token.type in ("image", "note"):
            start_of_words = start + 2
            contents.append(self.read(token.children or (), start_of_words, start_of_words + len(token.content)))
            title = "" if token.meta.get("label") else str(token.attrs.get("title", ""))
            signs = (*signs, (f"{token.type}_close", ""))
            address = start_of_words + len(token.content) + 2
        else:
            address = start + 2
        if title and (found := find_title(self._text, address, end)):
            self.contents.append(self.read_title(*found))
            contents.append(len(self.contents) - 1)
        kind = {1: AtomKind.OPENING, -1: AtomKind.CLOSING, 0: AtomKind.ALONE}[token.nesting]
        return Atom(kind, start, end, signs=signs, contents=tuple(contents))


def sign_of(token: Token) -> Sign:
    """Return what tells an inline token from others."""
    if token.type == "text_special":
        return "text", token.content
    return token.type, str(token.attrs.get("href", token.attrs.get("src", ""))) or token.content


def read_signs(tokens: Sequence[Token]) -> Iterator[Sign]:
    """Yield the signs of inline tokens and of what is inside them, in the order in which atoms have them."""
    titles: list[str] = []
    is_address = False
    for token in tokens:
        title = "" if token.meta.get("label") else str(token.attrs.get("title", ""))
        if token.type == "link_open":
            titles.append(title)
            is_address = token.markup == "autolink"
        if token.type != "softbreak" and not (is_address and token.type == "text"):
            yield sign_of(token)
        if token.type == "link_close":
            title, is_address = titles.pop(), False
        elif token.type in ("image", "note"):
            yield from read_signs(token.children or ())
        if title and token.type != "link_open":
            yield "title", title
        if token.type in ("image", "note"):
            yield f"{token.type}_close", ""
