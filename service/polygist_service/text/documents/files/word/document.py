"""Documents of Word: all of one is one text of HTML, and each of its paragraphs is one there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from polygist_service.errors import InvalidDocument
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.documents.base import HTML
from polygist_service.text.documents.files.base import (
    FileNotice,
    FileText,
    ReadOptions,
    TranslatedText,
    WrittenFile,
)
from polygist_service.text.documents.files.word.formats import declare_language
from polygist_service.text.documents.files.word.labels import read_labels, read_title
from polygist_service.text.documents.files.word.markup import Element, name_of, write_part
from polygist_service.text.documents.files.word.package import Package
from polygist_service.text.documents.files.word.paragraphs import Paragraph
from polygist_service.text.documents.files.word.styles import Styles
from polygist_service.text.documents.html.tokens import Token, TokenKind, read_tokens

BLOCKS = frozenset(("title", "p", "td", "li", "pre", *(f"h{level}" for level in range(1, 7))))
# The kinds of parts whose text is translated, in the order in which they are read, and what they are of a page.
# Comments are talk about the text: they stay as they are.
HEADER, MAIN, ASIDE = "wordprocessingml.header+xml", "main", "aside"
BEHIND_BODY = ("footnotes+xml", "endnotes+xml", "chart+xml", "diagramData+xml", "diagramDrawing+xml", "footer+xml")
PARAGRAPHS = ("w:p", "a:p")
# Text boxes stand in none in documents that Word writes; each is moved with what it stands in.
MOST_DEPTH = 8
# What a diagram says, and how it was drawn at last.
DIAGRAMS = ("dgm:dataModel", "dsp:drawing")
STYLES, PROPERTIES = "wordprocessingml.styles+xml", "core-properties+xml"


class Text(Protocol):
    """What a block of a page is made of."""

    @property
    def html(self) -> str:
        """It as HTML, without the tags around it."""
        ...

    def write(self, text: str, tokens: Sequence[Token], language: str) -> None:
        """Put other words in its place; see `Paragraph.write`."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page.

    Attributes:
        tag: that it is in.
        texts: what it stands for, and the names of the parts that are of; both texts where there are two that are
            alike, for programs of different age.
        row: of a table, that it is in.
    """

    tag: str
    texts: list[tuple[str, Text]]
    row: Element | None = None

    @property
    def html(self) -> str:
        """It as HTML, without the tags around it."""
        return self.texts[0][1].html


# By what has two forms of some text, and the text.
Twins = dict[tuple[object, str], Block]


@dataclass(frozen=True)
class WordFile:
    """A document of Word; see `base.DocumentFile`. It is written once.

    Attributes:
        package: it.
        roots: of its parts, by their names.
        blocks: of the page that it is as HTML.
        page: it as HTML.
    """

    package: Package
    roots: dict[str, Element]
    blocks: Sequence[Block]
    page: str

    @classmethod
    def read(cls, document: bytes, options: ReadOptions) -> "WordFile":
        """Read a document.

        Raises:
            InvalidDocument: it is damaged, encrypted, hostile, or another kind of file.
        """
        package = Package.read(document, unpacked_bytes=options.unpacked_bytes, members=options.members)
        areas = [(name, ASIDE) for name in package.of_type(HEADER)]
        areas.append((package.main_part, MAIN))
        areas += [(name, ASIDE) for ending in BEHIND_BODY for name in package.of_type(ending)]
        others = [*package.of_type(STYLES), *package.of_type(PROPERTIES)]
        names = [*dict.fromkeys([*(name for name, _ in areas), *others])]
        package.check_parsed(names)
        roots = {name: package.parse(name) for name in names}
        styles = Styles.read(next((roots[name] for name in package.of_type(STYLES)), None))
        blocks: list[Block] = []
        parts: list[str] = []
        for name in package.of_type(PROPERTIES):
            blocks += (Block("title", [(name, title)]) for title in read_title(roots[name]))
        parts += write_blocks(blocks)
        twins: Twins = {}
        for name, area in areas:
            found = [*read_blocks(name, roots[name], styles, twins)]
            blocks += found
            parts += (f"<{area}>", *write_blocks(found), f"</{area}>") if found else ()
        return cls(package, roots, blocks, "".join(parts))

    @property
    def texts(self) -> Sequence[FileText]:
        """See `base.DocumentFile.texts`.

        What a document says of the language of its words is what keyboard they were typed on: nothing is said of it.
        """
        return [FileText(self.page, HTML)] if self.blocks else []

    def write(self, translated: Sequence[TranslatedText], language: str) -> WrittenFile:
        """See `base.DocumentFile.write`; what is as it was is as it was to the byte."""
        text = translated[0].text if translated else self.page
        changed: set[str] = set()
        for block, (tokens, start, end) in zip(self.blocks, find_blocks(text), strict=True):
            if text[start:end] != block.html:
                for part, each in block.texts:
                    changed.add(part)
                    each.write(text, tokens, language)
        if not changed:
            return WrittenFile(self.package.source)
        changed.update(name for name in self.package.of_type(STYLES) if declare_language(self.roots[name], language))
        sources = {name: self.package.read_part(name) for name in changed}
        document = self.package.write({name: write_part(self.roots[name], sources[name]) for name in sources})
        return WrittenFile(document, [FileNotice(0, SIGNED)] if self.package.is_signed else [])


SIGNED = Notice(
    NoticeKind.DOCUMENT_ALTERED, "it was signed, and its signatures are not valid for other words; sign it again"
)


def read_blocks(part: str, root: Element, styles: Styles, twins: Twins) -> Iterator[Block]:
    """Yield what there is to be translated of a part.

    Args:
        part: its name.
        root: of it.
        styles: of the document.
        twins: blocks of all parts that there may be another form of.
    """
    for element in root.iter():
        if name_of(element) not in PARAGRAPHS:
            continue
        paragraph = Paragraph.read(element, styles)
        if not paragraph.html:
            continue
        row, choices, is_other = find_place(element)
        if name_of(root) in DIAGRAMS:
            choices, is_other = [DIAGRAMS], name_of(root) == DIAGRAMS[1]
        keys = [(each, paragraph.html) for each in choices]
        twin = next((twins[key] for key in keys if key in twins), None)
        if is_other and twin:
            twin.texts.append((part, paragraph))
            continue
        tag = styles.find_tag(element)
        block = Block("td" if row is not None and tag != "pre" else tag, [(part, paragraph)], row)
        twins.update(dict.fromkeys(keys, block))
        yield block
    yield from (Block("p", [(part, label)]) for label in read_labels(root))


def find_place(paragraph: Element) -> tuple[Element | None, list[object], bool]:
    """Return the row of a table that a paragraph is in, what around it has two forms, whether it is of the second."""
    row, is_boxed, is_fallback = None, False, False
    choices: list[object] = []
    depth = 0
    for each in paragraph.iterancestors():
        name = name_of(each)
        depth += name in PARAGRAPHS
        if name == "w:tr" and row is None and not is_boxed:
            row = each
        is_boxed |= name == "w:txbxContent"
        is_fallback |= name == "mc:Fallback"
        if name == "mc:AlternateContent":
            choices.append(each)
    if depth > MOST_DEPTH:
        raise InvalidDocument(f"has text boxes nested more than {MOST_DEPTH} deep, which Word does not allow")
    return row, choices, is_fallback


def write_blocks(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield blocks as HTML, those of a row of a table in one."""
    for row, group in groupby(blocks, key=lambda block: block.row):
        inner = "".join(f"<{each.tag}>{each.html}</{each.tag}>" for each in group)
        yield inner if row is None else f"<table><tr>{inner}</tr></table>"


def find_blocks(text: str) -> Iterator[tuple[list[Token], int, int]]:
    """Yield the tokens of each block of a page, and where they begin and end."""
    tokens: list[Token] | None = None
    start = 0
    for token in read_tokens(text):
        if token.name in BLOCKS and token.kind is TokenKind.START:
            tokens, start = [], token.end
        elif token.name in BLOCKS and token.kind is TokenKind.END:
            assert tokens is not None, "a block of a page ends that did not begin"
            yield tokens, start, token.start
            tokens = None
        elif tokens is not None:
            tokens.append(token)
