"""Paragraphs of a script as HTML, and what was written of them read again.

A paragraph is a `p`; tags in pairs are elements with the index of their mark as id, what stands alone is a `wbr` with
one, and a `wbr` without is the border between two cues.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape

from polygist_service.text.documents.files.subtitles.marks import (
    HARD_SPACES,
    LANGUAGE,
    REFERENCE,
    STOPS,
    Mark,
    MarkKind,
)
from polygist_service.text.documents.files.subtitles.utterances import Script, Utterance
from polygist_service.text.documents.html.tokens import Token, TokenKind, read_tokens
from polygist_service.text.documents.joining import UNSPACED
from polygist_service.text.segmentation import Span

# A text with more is cut into several: pages have no more tags than that.
MOST_TAGS = 100_000
BORDER = "<wbr>"
BETWEEN_LINES = re.compile(r"[ \t]*(?:\r{0,2}\n|\r)[ \t]*")
AMPERSAND = re.compile(rf"(?!{REFERENCE.pattern})&")
ID = re.compile(r" id=(\d+)")
WRITTEN_LANGUAGE = re.compile(r' lang="([^"]*)"')
WHITE = re.compile(r"[ \t\n\r\f\v]+")
HYPHENATED = re.compile(r"[^\W\d_]-\Z")
FORMATS = frozenset("biusc")


@dataclass(slots=True)
class Page:
    """Paragraphs as one text of HTML.

    Attributes:
        text: the page.
        paragraphs: that it has.
        spans: where in it each utterance of each of them stands.
    """

    text: str
    paragraphs: Sequence[Sequence[Utterance]]
    spans: Sequence[Sequence[Span]]


@dataclass(slots=True)
class PlacedMark:
    """A mark in a paragraph, and the place in its words at which it stands."""

    at: int
    index: int


@dataclass(slots=True)
class Written:
    """A paragraph that was read of a page.

    Attributes:
        text: its words; white space is one space.
        places: where in the page each of its characters begins.
        marks: in order.
        borders: between its utterances, as places in `text`.
        languages: that tags say their words to be in, by the indices of the marks.
    """

    text: str = ""
    places: list[int] = field(default_factory=list)
    marks: list[PlacedMark] = field(default_factory=list)
    borders: list[int] = field(default_factory=list)
    languages: dict[int, str] = field(default_factory=dict)

    def part(self, start: int, end: int) -> tuple[str, Sequence[Span]]:
        """Return the words in a span, and the marks in it with their places there."""
        text = self.text[start:end]
        begin = start + len(text) - len(text.lstrip())
        return text.strip(), [(each.at - begin, each.index) for each in self.marks if begin <= each.at <= end]

    def place(self, at: int) -> int:
        """Return the first character at a place of the page or behind it."""
        return bisect_left(self.places, at)


def write_pages(text: str, script: Script) -> Iterator[Page]:
    """Yield the paragraphs of a script as pages, mostly one."""
    parts: list[str] = []
    paragraphs: list[Sequence[Utterance]] = []
    spans: list[Sequence[Span]] = []
    length = count = 0
    for paragraph in script.paragraphs:
        pieces = [write_utterance(text, script, each) for each in paragraph]
        tags = sum(piece.count("<") for piece in pieces) + len(pieces) + 1
        if parts and count + tags > MOST_TAGS:
            yield Page("".join(parts), paragraphs, spans)
            parts, paragraphs, spans, length, count = [], [], [], 0, 0
        own: list[Span] = []
        shown = "<p>"
        for place, piece in enumerate(pieces):
            if place:
                # Before the space: HTML would put another one behind a border where it has to part a word.
                shown += BORDER if is_unspaced(pieces[place - 1][-1:], piece[:1]) else f"{BORDER} "
            own.append((length + len(shown), length + len(shown) + len(piece)))
            shown += piece
        parts.append(f"{shown}</p>\n")
        paragraphs.append(paragraph)
        spans.append(own)
        length += len(parts[-1])
        count += tags
    if parts:
        yield Page("".join(parts), paragraphs, spans)


def write_utterance(text: str, script: Script, utterance: Utterance) -> str:
    """Return an utterance as HTML."""
    parts = []
    at = utterance.start
    for index, mark in script.marks_in(utterance.start, utterance.end):
        parts += [write_plain(text[at : mark.start]), write_mark(script, index, mark, utterance)]
        at = mark.end
    parts.append(write_plain(text[at : utterance.end]))
    return "".join(parts)


def write_plain(words: str) -> str:
    """Return words between marks as HTML, on one line."""

    def join(found: re.Match[str]) -> str:
        before, behind = words[: found.start()][-2:], words[found.end() : found.end() + 1]
        is_one = is_unspaced(before[-1:], behind) or (HYPHENATED.search(before) and behind.islower())
        return "" if is_one else " "

    joined = BETWEEN_LINES.sub(join, words)
    escaped = AMPERSAND.sub("&amp;", joined).replace("<", "&lt;").replace(">", "&gt;")
    return HARD_SPACES.sub("&nbsp;", escaped)


def is_unspaced(before: str, behind: str) -> bool:
    """Whether two characters are of scripts that have no spaces between words."""
    return bool(UNSPACED.match(before) and UNSPACED.match(behind))


def write_mark(script: Script, index: int, mark: Mark, utterance: Utterance) -> str:
    """Return a mark as a tag; one of a pair that is not whole in its utterance stands alone."""
    partner = mark.partner
    is_pair = partner is not None and utterance.start <= script.marks[partner].start < utterance.end
    if mark.name == "br":
        return f"<br id={index}>"
    if not is_pair:
        return f"<wbr id={index}>"
    name = mark.name if mark.name in ("ruby", "rt") else "i" if mark.name[:1] in FORMATS else "span"
    if mark.kind is MarkKind.CLOSING:
        return f"</{name}>"
    language = LANGUAGE.match(mark.source)
    return f'<span lang="{language[1]}" id={index}>' if language and name == "span" else f"<{name} id={index}>"


def read_page(page: str, script: Script) -> Sequence[Written]:
    """Return the paragraphs of a page that was written by `write_pages`, whatever its words are now."""
    found: list[Written] = []
    reader = ParagraphReader(page, script)
    for token in read_tokens(page):
        if token.name == "p" and token.kind is TokenKind.START:
            reader = ParagraphReader(page, script)
        elif token.name == "p":
            found.append(reader.finish())
        else:
            reader.read(token)
    return found


class ParagraphReader:
    """Reads one paragraph of a page, token by token."""

    def __init__(self, page: str, script: Script) -> None:
        self._page = page
        self._script = script
        self._parts: list[str] = []
        self._open: list[int] = []
        self._length = 0
        self._written = Written()

    def read(self, token: Token) -> None:
        """Take a token."""
        written, source = self._written, self._page[token.start : token.end]
        if token.kind is TokenKind.TEXT:
            self._read_text(token)
        elif token.kind is TokenKind.END:
            if self._open:
                written.marks.append(PlacedMark(self._length, self._script.marks[self._open.pop()].partner or 0))
        elif not (found := ID.search(source)):
            written.borders.append(self._length)
        else:
            index = int(found[1])
            written.marks.append(PlacedMark(self._length, index))
            if token.name not in ("wbr", "br"):
                self._open.append(index)
            if language := WRITTEN_LANGUAGE.search(source):
                written.languages[index] = language[1]

    def _read_text(self, token: Token) -> None:
        at = token.start
        for found in [*REFERENCE.finditer(self._page, token.start, token.end), None]:
            self._put_plain(at, found.start() if found else token.end)
            if found:
                shown = unescape(found[0])
                self._put(shown, [found.start()] * len(shown))
                at = found.end()

    def _put_plain(self, start: int, end: int) -> None:
        if start < end and self._page[start] in STOPS and self._is_behind_mark():
            # HTML puts a space before what stands alone, where it had one; here a mark ends the word.
            self._parts[-1] = self._parts[-1].removesuffix(" ")
            self._length -= 1
            self._written.places.pop()
            for each in reversed(self._written.marks):
                if each.at <= self._length:
                    break
                each.at = self._length
        at = start
        for found in WHITE.finditer(self._page, start, end):
            self._put(self._page[at : found.start()], range(at, found.start()))
            if not self._parts or not self._parts[-1].endswith(" "):
                self._put(" ", [found.start()])
            at = found.end()
        self._put(self._page[at:end], range(at, end))

    def _is_behind_mark(self) -> bool:
        """Whether a space was read, and a mark behind it that stands alone, and behind which no stop was before."""
        marks = self._written.marks
        last = self._script.marks[marks[-1].index] if marks else None
        if not last or last.kind is not MarkKind.ALONE or last.is_before_stop:
            return False
        return marks[-1].at == self._length and bool(self._parts) and self._parts[-1].endswith(" ")

    def _put(self, shown: str, places: Sequence[int]) -> None:
        if shown:
            self._parts.append(shown)
            self._written.places.extend(places)
            self._length += len(shown)

    def finish(self) -> Written:
        """Return what was read."""
        self._written.text = "".join(self._parts)
        return self._written
