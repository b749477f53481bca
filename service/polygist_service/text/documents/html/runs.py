"""Runs of text of a page: what stands between two borders of blocks, cells or controls, with the tags inside it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from html import unescape
from itertools import pairwise

from polygist_service.text.documents.base import BlockKind
from polygist_service.text.documents.html.elements import (
    ENDS_FOREIGN,
    FOREIGN,
    FORMATTING,
    HTML_IN_FOREIGN,
    READ_ATTRIBUTES,
    SKIPPED,
    UNREAD_TITLES,
    VOID,
)
from polygist_service.text.documents.html.nesting import Element, Nesting
from polygist_service.text.documents.html.tokens import Attribute, Token, TokenKind, read_attributes, read_tokens
from polygist_service.text.languages import BadTag, parse_tag
from polygist_service.text.segmentation import Span, has_letters

# What programs fill in: parts of templates, with the marks of the usual kinds.
TEMPLATE = re.compile(r"<%[^<%]*+%>|\{\{[^{}]*+\}\}|\{%[^{}%]*+%\}")
# Numbers and signs, set higher or lower.
RAISED = re.compile(r"\s*(?:[\d()\[\]*†‡§¶#,;.–−+-]{1,12}|\[[^\[\]]{1,20}\]|TM|SM|[®©™℠])\s*")
NOTE_LETTER, WORD_END = re.compile("[a-z]"), re.compile(r"[^\W\d_]{3}[.,;:!?)]?\Z")
# Of a link, this is a reference to a note, too.
BRACKETED = re.compile(r"\s*\[(?:\d{1,3}|[a-z])\]\s*")
LONGEST_RAISED = 40
# Word processors part words by such elements.
LOOKS = re.compile(r"mso-|font|color|\blang=|SpellE|GramE", re.IGNORECASE)
QUOTE = re.compile("[\"'`]")


class ItemKind(Enum):
    """What an item of a run is.

    TEXT: what is read. OBJECT: what is shown and never translated. OPENING, CLOSING: tags. ALONE: another tag, a
    comment, a drawing. LINE: a line break.
    """

    TEXT = 0
    OBJECT = 1
    OPENING = 2
    CLOSING = 3
    ALONE = 4
    LINE = 5


@dataclass(slots=True)
class Item:
    """A piece of a run; together they are all of its source.

    Attributes:
        start, end: its half-open span in the source, in code points.
        partner: index of the tag that belongs to a tag; None where it is in another run.
        is_blank: whether a text is white space.
        is_kept: whether a text is never translated.
        is_raised: whether a text is set higher or lower.
        raised: `sup` or `sub` where a text is a number or a sign that is set higher or lower: a reference to a note, an
            exponent.
        is_space: whether a text is spaces that are not folded.
        is_crossing: whether an end tag has another name than the start tag that it goes with.
        is_format: whether a start tag is of an element that says how words look.
        link: that a text belongs to.
        language: the element that declares what a text is in, where that is not its block, and the canonical tag.
        texts: spans of what is read of an object.
    """

    kind: ItemKind
    start: int
    end: int
    partner: int | None = None
    is_blank: bool = False
    is_kept: bool = False
    is_raised: bool = False
    raised: str = ""
    is_space: bool = False
    is_crossing: bool = False
    is_format: bool = False
    link: Element | None = None
    language: tuple[Element, str] | None = None
    texts: Sequence[Span] = ()


@dataclass(slots=True)
class Run:
    """A run of text.

    Attributes:
        start: where a document may be parted before it: at the first start tag behind the run before.
        items: in order.
        kind, level: of the block.
        language: the element that declares what it is in, if one does, and the canonical tag.
        is_hidden, is_aside, is_main: see `base.Passage`.
        row: of the table that it is in.
        quote: around it where it is the value of an attribute; None where it is none.
        inner: what stands inside of it and is read apart: values of attributes, and what is hidden.
    """

    start: int = -1
    items: list[Item] = field(default_factory=list)
    kind: BlockKind = BlockKind.PARAGRAPH
    level: int = 0
    language: tuple[Element, str] | None = None
    is_hidden: bool = False
    is_aside: bool = False
    is_main: bool = False
    row: Element | None = None
    quote: str | None = None
    inner: list["Run"] = field(default_factory=list)

    @property
    def end(self) -> int:
        """Where the last that is read of it ends."""
        ends = [item.end for item in self.items if item.kind in (ItemKind.TEXT, ItemKind.OBJECT)]
        return max([*ends[-1:], *(each.end for each in self.inner[-1:])], default=self.start)

    def moved(self, by: int) -> "Run":
        """Return the run as it stands in a source that begins so many characters later."""
        items = [
            replace(item, start=item.start - by, end=item.end - by, texts=move(item.texts, by)) for item in self.items
        ]
        return replace(self, start=self.start - by, items=items, inner=[each.moved(by) for each in self.inner])


def move(spans: Sequence[Span], by: int) -> list[Span]:
    """Return spans that begin so many characters earlier."""
    return [(start - by, end - by) for start, end in spans]


@dataclass(slots=True)
class LanguageDeclaration:
    """A place where a page says what language something is in, or where it may.

    Attributes:
        start, end: span of the value in the source.
        element: what is in that language.
        tag: canonical; empty where there is none that is one.
        opening, closing: what stands around a value that is put there.
    """

    start: int
    end: int
    element: Element
    tag: str
    opening: str = ""
    closing: str = ""

    def moved(self, by: int) -> "LanguageDeclaration":
        """Return the declaration as it stands in a source that begins so many characters later."""
        return replace(self, start=self.start - by, end=self.end - by)


@dataclass(slots=True)
class Skip:
    """An element whose content is not looked at, while it is open.

    Attributes:
        name: of the element.
        start: where it begins.
        is_border: whether it is read apart.
        open: how many elements of each name are open inside, with itself.
        inside: how many elements with HTML in them are open inside.
        texts: spans of the text inside.
    """

    name: str
    start: int
    is_border: bool = False
    open: Counter[str] = field(default_factory=Counter)
    inside: int = 0
    texts: list[Span] = field(default_factory=list)


class RunReader:
    """Reads the runs of a page, and where it says what it is in.

    Attributes:
        runs: in order.
        declarations: of languages, in order.
        root: the element that is all of the page, if there is one.

    Raises:
        InvalidDocument: it is nested too deep, or has too many tags or attributes.
    """

    def __init__(self, text: str) -> None:
        self.runs: list[Run] = []
        self.declarations: list[LanguageDeclaration] = []
        self.root: Element | None = None
        self._text = text
        self._nesting = Nesting()
        self._run = Run()
        self._unmatched: list[int] = []
        self._first_tag = -1  # behind the run before
        self._skip: Skip | None = None
        for token in [*read_tokens(text)]:  # counted before any is looked at
            self._read(token)
        if self._skip:
            self._leave(len(text))
        self._finish_run()
        if self.root and self.runs and self.root.end < self.runs[-1].end:
            self.root = None

    def _read(self, token: Token) -> None:
        if self._skip and self._read_skipped(token):
            return
        if token.kind is TokenKind.TEXT:
            self._read_text(token)
        elif token.kind is TokenKind.START:
            self._read_start(token)
        elif token.kind is TokenKind.END:
            self._read_end(token)
        else:
            self._add(ItemKind.ALONE, token.start, token.end)

    def _read_skipped(self, token: Token) -> bool:
        """Take a token in an element whose content is not looked at; return whether it is one."""
        skip = self._skip
        assert skip
        if token.kind is TokenKind.TEXT:
            skip.texts.append((token.start, token.end))
        elif token.kind is TokenKind.START:
            if skip.name in FOREIGN and not skip.inside and token.name in ENDS_FOREIGN:
                self._leave(token.start)
                return False
            if not (skip.name in FOREIGN and token.is_closed):
                skip.open[token.name] += 1
                skip.inside += token.name in HTML_IN_FOREIGN
        elif token.kind is TokenKind.END and skip.open[token.name]:
            skip.open[token.name] -= 1
            skip.inside -= token.name in HTML_IN_FOREIGN
            if not skip.open[skip.name]:
                self._leave(token.end)
        elif token.kind is TokenKind.END and skip.name in FOREIGN and not skip.inside:
            is_around = token.name in ("br", "p") or self._nesting.has(token.name)
            if is_around:  # a drawing that has no end tag
                self._leave(token.start)
                return False
        return True

    def _leave(self, end: int) -> None:
        """Add the element whose content was not looked at."""
        skip, self._skip = self._skip, None
        assert skip
        shown = [span for span in skip.texts if self._text[slice(*span)].strip()] if skip.name == "math" else []
        if shown:
            self._place(skip.start)
        item = self._add(ItemKind.OBJECT if shown else ItemKind.ALONE, skip.start, end)
        item.texts = shown
        if skip.is_border:
            self._finish_run()

    def _read_text(self, token: Token) -> None:
        """Take text: of the run, or of what is read apart."""
        nesting, fact = self._nesting, self._nesting.fact
        is_blank = not self._text[token.start : token.end].strip()
        if fact("is_note") or (nesting.is_hidden and not nesting.is_hidden_block and not is_blank):
            if not fact("is_note"):
                self._read_apart(token.start, token.end)
            self._add(ItemKind.ALONE, token.start, token.end)
            return
        if not is_blank:
            self._place(token.start)
        marks = [place for found in TEMPLATE.finditer(self._text, token.start, token.end) for place in found.span()]
        for count, (start, end) in enumerate(pairwise((token.start, *marks, token.end))):
            if start < end:
                item = self._add(ItemKind.TEXT, start, end)
                item.is_blank = is_blank or not self._text[start:end].strip()
                item.is_kept = self._nesting.is_kept or count % 2 == 1
                item.link = fact("link")
                item.language = fact("language")
                read = unescape(self._text[start:end]) if end - start <= LONGEST_RAISED else "a"
                item.is_space = not (item.is_blank or read.strip())
                item.is_raised = bool(fact("raised"))
                if fact("raised") and RAISED.fullmatch(read):
                    item.raised = fact("raised")
                elif (fact("raised") == "sup" and NOTE_LETTER.fullmatch(read) and self._is_behind_word()) or (
                    item.link and BRACKETED.fullmatch(read)
                ):
                    item.raised = "sup"

    def _is_behind_word(self) -> bool:
        """Whether what was added last stands in tags right behind a word, which is no ordinal number."""
        items = self._run.items
        at = len(items) - 2
        while at >= max(0, len(items) - 5) and items[at].kind is ItemKind.OPENING:
            at -= 1
        if at < 0 or items[at].kind is not ItemKind.TEXT:
            return False
        return bool(WORD_END.search(self._text, max(items[at].start, items[at].end - 4), items[at].end))

    def _read_start(self, token: Token) -> None:
        name, nesting = token.name, self._nesting
        if name == "br":
            self._add(ItemKind.LINE, token.start, token.end)
            return
        if name in ("html", "head", "body") and nesting.has(name):
            self._add(ItemKind.ALONE, token.start, token.end)
            return
        if name == "body":
            nesting.end("head", token.start)
        attributes = read_attributes(self._text, token)
        element = Element.of(name, self._text[token.start : token.end], token.start, len(self._text), attributes)
        if element.is_border:
            self._finish_run()
        nesting.begin(element)
        if name == "html" or (not self.root and not self.runs and self._run.start < 0 and nesting.root is element):
            self.root = element
        self._first_tag = token.start if self._first_tag < 0 else self._first_tag
        if name in ("html", "head", "body"):
            self._first_tag = -1
        if not nesting.is_kept and (name not in SKIPPED or element.is_border):
            self._read_attributes(element, token, attributes)
        is_skipped = name in SKIPPED and not (name in FOREIGN and token.is_closed)
        if name in VOID or name in SKIPPED:
            nesting.leave(element, token.end)
        if is_skipped:
            self._skip = Skip(name, token.start, element.is_border, Counter((name,)))
        elif name in VOID or name in FOREIGN:
            self._add(ItemKind.ALONE, token.start, token.end)
            if element.is_border:
                self._finish_run()
        elif not element.is_border:
            self._unmatched.append(len(self._run.items))
            opening = self._add(ItemKind.OPENING, token.start, token.end)
            opening.is_format = name in FORMATTING - {"a"} or bool(LOOKS.search(element.source))

    def _read_attributes(self, element: Element, token: Token, attributes: dict[str, Attribute]) -> None:
        """Take the values of attributes that are read, and those that say what something is in."""
        name = element.name
        for key in ("lang", "xml:lang"):
            if key in attributes:
                self.declarations.append(declare(attributes[key], element))
        if name == "html" and not {"lang", "xml:lang"} & attributes.keys():
            at = token.start + 1 + len(name)
            self.declarations.append(LanguageDeclaration(at, at, element, "", ' lang="', '"'))
        keys: Sequence[str] = READ_ATTRIBUTES if name not in UNREAD_TITLES else ()
        if name == "meta":
            is_description = "name" in attributes and attributes["name"].value.strip().lower() == "description"
            keys = ("content",) if is_description else ()
        for attribute in sorted((attributes[key] for key in keys if key in attributes), key=lambda each: each.start):
            is_bare = attribute.has_value and not attribute.quote
            if has_letters(attribute.value) and not (is_bare and QUOTE.search(attribute.value)):
                self._read_apart(attribute.start, attribute.end, attribute.quote)

    def _read_end(self, token: Token) -> None:
        name = token.name
        if name == "br":
            self._add(ItemKind.LINE, token.start, token.end)
        elif name in ("html", "head", "body") or (name == "p" and not self._nesting.has("p")):
            self._finish_run()
            if name == "head":
                self._nesting.end(name, token.end)
        elif not (closed := self._nesting.end(name, token.end)):
            self._add(ItemKind.ALONE, token.start, token.end)
        elif closed.is_border:
            self._finish_run()
        else:
            item = self._add(ItemKind.CLOSING, token.start, token.end)
            if self._unmatched:
                # Where tags cross, the last one that was opened goes with the first one that closes, whatever their
                # names: what is between the two tags is what both are around.
                item.partner = self._unmatched.pop()
                opening = self._run.items[item.partner]
                begun = self._text[opening.start + 1 : opening.start + 1 + len(name)]
                item.is_crossing = begun.lower() != name
                self._run.items[item.partner].partner = len(self._run.items) - 1

    def _add(self, kind: ItemKind, start: int, end: int) -> Item:
        item = Item(kind, start, end)
        self._run.items.append(item)
        return item

    def _read_apart(self, start: int, end: int, quote: str | None = None) -> None:
        """Take a stretch that is read apart from the text that it stands in."""
        self._place(start)
        item = Item(ItemKind.TEXT, start, end, is_kept=self._nesting.is_kept)
        language = self._nesting.fact("language")
        self._run.inner.append(Run(start, [item], BlockKind.OTHER, language=language, is_hidden=True, quote=quote))

    def _place(self, at: int) -> None:
        """Note where the run begins, and what holds there, unless that is known."""
        run, fact = self._run, self._nesting.fact
        if run.start >= 0:
            return
        own = next((item.start for item in run.items if item.kind is not ItemKind.TEXT or not item.is_blank), at)
        run.start = min(own, at if self._first_tag < 0 else self._first_tag)
        run.kind, run.level = fact("kind", (BlockKind.PARAGRAPH, 0))
        run.language = fact("block_language")
        run.is_hidden = self._nesting.is_hidden_block
        run.row = fact("row")
        run.is_main = bool(fact("is_main"))
        run.is_aside = bool(fact("is_aside") or (fact("is_footer") and not run.is_main))

    def _finish_run(self) -> None:
        """End the run at a border."""
        run, self._run = self._run, Run()
        self._unmatched = []
        if run.start < 0:
            return
        self._first_tag = -1
        blank = next((at for at, item in enumerate(run.items) if item.start >= run.start), 0)
        run.items = run.items[blank:]
        for item in run.items if blank else ():
            item.partner = None if item.partner is None else item.partner - blank
        own = [item for item in run.items if item.kind is ItemKind.TEXT and not item.is_blank and not item.is_kept]
        if own and own[0].language and all(item.language is own[0].language for item in own):
            run.language = own[0].language
        self.runs.append(run)


def declare(attribute: Attribute, element: Element) -> LanguageDeclaration:
    """Return what an attribute says of the language of its element."""
    try:
        tag = parse_tag(attribute.value.strip())
    except BadTag:
        tag = ""
    opening, closing = ("", "") if attribute.has_value else ('="', '"')
    return LanguageDeclaration(attribute.start, attribute.end, element, tag, opening, closing)
