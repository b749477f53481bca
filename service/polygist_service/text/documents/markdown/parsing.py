"""The blocks of a Markdown text: CommonMark with tables, strikethrough, footnotes and definition lists, by markdown-it.

Its tokens say which lines a block stands on. The rules are wrapped here so that they say more: where the words of a
line begin behind the marks of quotes and lists, and where in a block each inline token stands.
"""

import re
from bisect import bisect_right
from collections import ChainMap
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cache
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import MD_TRIM_CHARS, mdTrim
from markdown_it.helpers import parseLinkLabel
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from polygist_service.text.documents.base import BlockKind
from polygist_service.text.documents.markdown.dialects import extend

# Deeper lists and quotes are kept as they are: the parser calls itself for each level, and so may Python's stack end.
MOST_NESTING = 100
# Of links in links; and of brackets, each of which the parser looks through up to the depth of links.
MOST_INLINE_NESTING, MOST_BRACKETS = 20, 60
BRACKET = re.compile(r"[\[\]]")
BLOCK_RULES = ("heading", "lheading", "paragraph", "table", "deflist", "reference")
LINE_BREAK = re.compile(r"\r\n|\r|\n")
WHITE = " \t"

# Of MDX: what is read as a program.
IMPORTS = re.compile(r"(?:import\b.+\bfrom\s+|import\s+|export\b.+\bfrom\s+)(['\"])[^'\"\n]*\1;?\s*")
EXPORTS = re.compile(r"export\s+(?:const|let|var|default|(?:async\s+)?function\*?)\s")


class Shape(Enum):
    """What else the parser has to read where a block's words are read for themselves."""

    PARAGRAPH = auto()
    UNDERLINED = auto()
    HEADING = auto()
    LABEL = auto()
    CELL = auto()
    TERM = auto()
    DEFINITION = auto()
    VALUE = auto()


@dataclass(frozen=True, slots=True)
class References:
    """What a text says elsewhere than where it is named.

    Attributes:
        links: by their labels, addresses as the parser knows them.
        notes: by their labels, footnotes; their numbers are nothing here.
    """

    links: MutableMapping[str, Any] = field(default_factory=dict)
    notes: MutableMapping[str, int] = field(default_factory=dict)

    def environment(self) -> dict[str, Any]:
        """Return what the parser knows of a block of the text; what it learns is not written to the references."""
        notes = {"refs": ChainMap({}, self.notes), "list": {}}
        return {"references": ChainMap({}, self.links), "footnotes": notes}


@dataclass(frozen=True, slots=True)
class Letters:
    """What a block's words are parsed from: its lines without what stands in front of them, joined by "\\n".

    Attributes:
        text: the letters.
        starts: where the runs of them begin that stand together in the source too.
        sources: where they begin in the source.
    """

    text: str
    starts: tuple[int, ...]
    sources: tuple[int, ...]

    def source(self, at: int) -> int:
        """Return where the source goes on with the letters from `at`."""
        run = max(0, bisect_right(self.starts, at) - 1)
        return self.sources[run] + at - self.starts[run]

    def moved(self, by: int) -> "Letters":
        """Return the same letters of a source in front of which `by` characters were added."""
        return replace(self, sources=tuple(each + by for each in self.sources))


@dataclass(frozen=True, slots=True)
class ParsedBlock:
    """A block of inline content.

    Attributes:
        first: where its first line begins in the source.
        tokens: what its letters are, in order; each has its "span" in them, but for text.
        level: of a heading.
        quote: of a value of front matter: what it is quoted with, or the sign of a value on further lines.
    """

    kind: BlockKind
    shape: Shape
    letters: Letters
    first: int
    tokens: Sequence[Token] = ()
    level: int = 0
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """All blocks of a text, and the references that its links may name."""

    blocks: tuple[ParsedBlock, ...]
    references: References = field(default_factory=References)


@cache
def parser(most_nesting: int) -> MarkdownIt:
    """Return a parser, which keeps nothing of what it parsed; it leaves inline tokens as they are."""
    options = {"maxNesting": most_nesting, "inline_definitions": True, "store_labels": True}
    markdown = MarkdownIt("commonmark", {**options, "strikethrough_single_tilde": True})
    markdown.enable(["table", "strikethrough"])
    markdown.core.ruler.disable(["inline", "text_join"])
    markdown.use(footnote_plugin, inline=False, move_to_end=False).use(deflist_plugin)
    extend(markdown)
    for ruler, locate in ((markdown.block.ruler, locate_lines), (markdown.inline.ruler, locate_tokens)):
        for rule in ruler.__rules__:
            if locate is locate_tokens or rule.name in BLOCK_RULES:
                rule.fn = locate(rule.fn)
        ruler.__cache__ = None
    return markdown


def parse_tokens(text: str, references: References | None = None) -> tuple[list[Token], References]:
    """Return the tokens of a text, and the references of it.

    Args:
        text: of a document or of one block.
        references: that are known already.
    """
    environment: dict[str, Any] = references.environment() if references else {}
    tokens = parser(MOST_NESTING).parse(text, environment)
    inline = parser(MOST_INLINE_NESTING)
    for token in tokens:
        if token.type == "inline":
            if is_parsable(token.content):
                token.children = inline.inline.parse(token.content, inline, environment, [])
            else:
                token.meta["kept"] = True
    notes = environment.get("footnotes", {}).get("refs", {})
    return tokens, References(environment.get("references", {}), dict.fromkeys(notes, -1))


def is_parsable(content: str) -> bool:
    """Whether the parser, which looks for what ends each open bracket, reads some inline content in linear time."""
    depth = 0
    for bracket in BRACKET.findall(content):
        depth = max(0, depth - 1) if bracket == "]" else depth + 1
        if depth > MOST_BRACKETS:
            return False
    return True


def locate_lines(rule: Callable[..., bool]) -> Callable[..., bool]:
    """Return a block rule that tells of inline tokens where the words of each of their lines begin."""

    def run(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
        count = len(state.tokens)
        if not rule(state, start_line, end_line, silent):
            return False
        if not silent:
            for token in state.tokens[count:]:
                if token.type in ("inline", "definition") and "starts" not in token.meta and token.map:
                    first, last = token.map
                    lines = range(first, max(last, first + 1))
                    token.meta["starts"] = [state.bMarks[line] + state.tShift[line] for line in lines]
        return True

    return run


def locate_tokens(rule: Callable[..., bool]) -> Callable[..., bool]:
    """Return an inline rule that tells of the tokens that it makes where they stand."""

    def run(state: StateInline, silent: bool) -> bool:
        """Apply the rule; the tokens that it made know their half-open spans in the content afterwards."""
        start, count = state.pos, len(state.tokens)
        if silent or not rule(state, False):
            return silent and rule(state, True)
        new = [token for token in state.tokens[count:] if "span" not in token.meta]
        if not new:
            return True
        end = state.pos
        if new[-1].type == "text":
            for token in reversed(new):  # delimiters, of which a pair may be made later
                if token.type != "text" or end <= start:
                    break
                token.meta["span"] = (end - len(token.content), end)
                end -= len(token.content)
        elif new[-1].type == "link_close" and new[-1].markup != "autolink":
            opening = next(token for token in new if token.type == "link_open")
            opening.meta["span"] = (start, start + 1)
            new[-1].meta["span"] = (parseLinkLabel(state, start, True), end)
        else:
            next(token for token in new if token.type != "text").meta["span"] = (start, end)
        return True

    return run


def parse_blocks(text: str, offset: int = 0) -> Parsed:
    """Return the blocks of a text that have inline content, in order.

    Args:
        text: of a document from `offset` on.
    """
    tokens, references = parse_tokens(text)
    return Parsed(tuple(BlockReader(Lines(text, offset), tokens)), references)


class Lines:
    """The lines of a text, each of whose breaks the parser reads as one character.

    Args:
        text: the source.
        offset: of the text in the document.
    """

    def __init__(self, text: str, offset: int) -> None:
        self._text = text
        self._offset = offset
        self._starts = [0, *(found.end() for found in LINE_BREAK.finditer(text)), len(text) + 1]
        # Of each "\r\n" the parser sees one character.
        self._parsed = [0]
        for start, end in pairwise(self._starts):
            self._parsed.append(self._parsed[-1] + end - start - text.endswith("\r\n", start, end))

    def start(self, line: int) -> int:
        """Return where in the document a line begins."""
        return self._offset + self._starts[line]

    def source(self, line: int, parsed: int) -> int:
        """Return where in the document a character of a line stands, of which the parser says the offset."""
        return self._offset + self._starts[line] + parsed - self._parsed[line]

    def words(self, line: int, parsed: int) -> str:
        """Return a line from a character on, of which the parser says the offset; without the line break."""
        start = self._starts[line] + parsed - self._parsed[line]
        return self._text[start : self._starts[line + 1]].rstrip("\r\n").replace("\0", "\ufffd")

    def join(self, words: Sequence[str], starts: Sequence[int], first: int) -> Letters:
        """Return the letters of some lines.

        Args:
            words: the lines, perhaps with white space in front.
            starts: where the words of each begin, as the parser says.
            first: the number of the first one.
        """
        at, runs = 0, []
        for line, (each, start) in enumerate(zip(words, starts, strict=False), first):
            runs.append((at + len(each) - len(each.lstrip(WHITE)), self.source(line, start)))
            at += len(each) + 1
        return Letters("\n".join(words), tuple(at for at, _ in runs), tuple(source for _, source in runs))


class BlockReader:
    """Finds the blocks of inline content among tokens, and where they stand.

    Args:
        lines: of the text.
        tokens: of the text.
    """

    def __init__(self, lines: Lines, tokens: Sequence[Token]) -> None:
        self._lines = lines
        self._tokens = tokens
        # The kinds of the tokens around, and the cells of the row that is read with the number of those that were.
        self._around: list[Token] = []
        self._cells: Sequence[Letters] = ()
        self._cell_count = 0

    def __iter__(self) -> Iterator[ParsedBlock]:
        for token in self._tokens:
            if token.nesting > 0:
                self._around.append(token)
                if token.type == "tr_open":
                    self._cells, self._cell_count = (), 0
            elif token.nesting < 0:
                self._around.pop()
            elif token.map and (starts := token.meta.get("starts")):
                if token.type == "definition":
                    words = [self._lines.words(line, at) for line, at in enumerate(starts, token.map[0])]
                    yield self._block(token, BlockKind.OTHER, Shape.DEFINITION, words)
                elif (block := self._read(token)) and "kept" not in token.meta:
                    yield block

    def _read(self, token: Token) -> ParsedBlock | None:
        """Return the block of an inline token; None where none of it is text."""
        outer = self._around[-1] if self._around else None
        kinds = {each.type for each in self._around}
        words = token.content.split("\n")
        if outer and outer.type in ("th_open", "td_open"):
            return self._read_cell(token)
        if outer and outer.type == "heading_open":
            level = int(outer.tag[1:])
            if not outer.markup.startswith("#"):
                return self._block(token, BlockKind.HEADING, Shape.UNDERLINED, words, level)
            assert token.map
            line, parsed = token.map[0], token.meta["starts"][0]
            parsed += self._lines.words(line, parsed).find(token.content, level)
            token.meta["starts"] = [parsed]
            return self._block(token, BlockKind.HEADING, Shape.HEADING, words, level)
        if outer and outer.type == "label_open":
            return self._block(token, BlockKind.CAPTION, Shape.LABEL, words)
        if outer and outer.type == "dt_open":
            return self._block(token, BlockKind.LIST_ITEM, Shape.TERM, words)
        if all(map(IMPORTS.fullmatch, words)) or EXPORTS.match(words[0]):
            return None
        kind = BlockKind.LIST_ITEM if kinds & {"list_item_open", "dd_open"} else BlockKind.PARAGRAPH
        kind = BlockKind.CAPTION if "footnote_reference_open" in kinds else kind
        return self._block(token, kind, Shape.PARAGRAPH, words)

    def _read_cell(self, token: Token) -> ParsedBlock | None:
        """Return the block of the next cell of a row; None where it is empty."""
        assert token.map
        line, parsed = token.map[0], token.meta["starts"][0]
        if not self._cell_count:
            row = self._lines.words(line, parsed)
            self._cells = list(read_cells(row, self._lines.source(line, parsed)))
        self._cell_count += 1
        if not token.content or self._cell_count > len(self._cells):
            return None
        letters, first = self._cells[self._cell_count - 1], self._lines.start(line)
        return ParsedBlock(BlockKind.ROW, Shape.CELL, letters, first, token.children or ())

    def _block(self, token: Token, kind: BlockKind, shape: Shape, words: Sequence[str], level: int = 0) -> ParsedBlock:
        """Return a block of whole lines, of which the parser leaves out the white space around all."""
        assert token.map
        line, starts = token.map[0], list(token.meta["starts"])
        while len(starts) > 1 and not mdTrim(self._lines.words(line, starts[0])):
            del starts[0]
            line += 1
        starts[0] += max(0, self._lines.words(line, starts[0]).find(words[0]))
        letters = self._lines.join(words, starts, line)
        return ParsedBlock(kind, shape, letters, self._lines.start(line), token.children or (), level)


def read_cells(row: str, source: int) -> Iterator[Letters]:
    """Yield the letters of each cell of a table's row, in which "\\|" is one character.

    Args:
        row: its line, without what stands in front of it.
        source: where it begins in the document.
    """
    row, lead = mdTrim(row), len(row) - len(row.lstrip(MD_TRIM_CHARS))
    borders = [-1, *(at for at, each in enumerate(row) if each == "|" and row[at - 1 : at] != "\\"), len(row)]
    cells = [(low + 1, high) for low, high in pairwise(borders)]
    for low, high in cells[cells[0][0] == cells[0][1] :]:
        text = row[low:high]
        start = low + len(text) - len(text.lstrip(MD_TRIM_CHARS))
        runs, at, length = [], start, 0
        parts = mdTrim(text).split("\\|")
        for part in parts[:-1]:
            runs += [(length, at), (length + len(part), at + len(part))]
            length, at = length + len(part) + 1, at + len(part) + 2
        runs.append((length, at))
        yield Letters("|".join(parts), tuple(at for at, _ in runs), tuple(source + lead + at for _, at in runs))
