"""HTML pages made of templates and the sentences of articles, with elements among the words; the same in each run."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from html.entities import codepoint2name
from pathlib import Path
from random import Random

from bench.fidelity.documents.html_structure import BOLD, MARKUP, RAW, tag_name
from bench.fidelity.documents.templates import Document, fill_templates
from bench.quality.sets import DataFolder

TEMPLATES = Path(__file__).parents[1] / "cases" / "html_pages"
NUMBER = re.compile(r"[$€£]?\d+(?:[.,]\d+)*%?")
DEPTH = 3
WRAPPERS = (
    ("<b>", "</b>"),
    ("<strong>", "</strong>"),
    ("<i>", "</i>"),
    ("<em>", "</em>"),
    ("<em class=x>", "</em>"),
    ('<a href="/x?a=1&amp;b=2">', "</a>"),
    ('<a href="https://example.org/a_(b)" title="%s" rel="nofollow">', "</a>"),
    ("<a href='#n' data-a='&quot;x&quot;'>", "</a>"),
    ('<span class="c1 c2">', "</span>"),
    ("<span style=\"color: red; background: url('a.png')\">", "</span>"),
    ('<abbr title="%s">', "</abbr>"),
    ("<mark>", "</mark>"),
    ("<u>", "</u>"),
    ("<small>", "</small>"),
    ("<q>", "</q>"),
    ("<cite>", "</cite>"),
)
INSERTIONS = (
    "<code>a &lt; b</code>",
    "<code>x=1</code>",
    "<kbd>Ctrl</kbd>",
    "<!-- a note -->",
    "<!---->",
    "<wbr>",
    '<img src="i.png" alt="">',
    '<img src="/e.png" alt="%s" class=icon>',
    '<sup><a href="#note-1">[1]</a></sup>',
    '<span translate="no">Blue Harbour</span>',
    '<span lang="he" dir="rtl" class="notranslate">שלום</span>',
    '<i class="icon icon-star" aria-hidden="true"></i>',
    '<svg width="9" height="9"><text>a</text></svg>',
    "<br>",
)


class HtmlMarkup:
    """Writes sentences with elements and references among their words."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def paragraphs(self, sentences: Sequence[Sequence[str]]) -> str:
        """Return paragraphs of sentences with markup."""
        gap = self.random.choice(("\n", "\n\n    ", " "))
        return gap.join(map(self.paragraph, sentences))

    def paragraph(self, sentences: Sequence[str]) -> str:
        """Return a paragraph of some sentences."""
        start = self.random.choice(("<p>", "<p>", '<p class="lead">', "<p style='margin:0'>", "<p>\n\t", "<p> "))
        gap = self.random.choice((" ", " ", "\n", "\n      ", "<br>\n", "  "))
        return f"{start}{gap.join(sentences)}{self.random.choice(('', '', ' ', chr(10)))}</p>"

    def quote(self, text: str) -> str:
        """Return text as a value in double quotes."""
        return html.escape(text)

    def mark_up(self, sentence: str, value: str) -> str:
        """Return a sentence with elements around its words and between them; `value` is what their attributes say."""
        return self.wrap(sentence.split(), html.escape(value), frozenset())

    def wrap(self, words: Sequence[str], value: str, around: frozenset[str]) -> str:
        """Return words with elements around some of them; `around` has the names of those around all of them."""
        out: list[str] = []
        place = 0
        while place < len(words):
            part = words[place : place + self.random.randint(1, 5)]
            if len(around) < DEPTH and len(part) < len(words) and self.random.random() < 0.25:
                out.append(self.element(part, value, around))
                place += len(part)
                continue
            out.append(self.word(words[place], around))
            place += 1
            if not around and place < len(words) and self.random.random() < 0.02:
                out.append(self.random.choice(INSERTIONS).replace("%s", value))
        return self.join(out)

    def element(self, words: Sequence[str], value: str, around: frozenset[str]) -> str:
        """Return words in an element that may stand where they do; marks at their end stay outside."""
        start, end = self.random.choice(WRAPPERS)
        name = tag_name(start)
        bare = words[-1].rstrip('.,;:!?"”’)')
        if name in around or not bare:
            return " ".join(self.word(word, around) for word in words)
        inner = self.wrap([*words[:-1], bare], value, around | {name})
        return f"{start.replace('%s', value)}{inner}{end}{self.escape(words[-1][len(bare) :])}"

    def word(self, word: str, around: frozenset[str]) -> str:
        """Return a word, now and then in bold where it is a number and nothing around it is."""
        found = NUMBER.search(word)
        if not found or around & BOLD or self.random.random() < 0.5:
            return self.escape(word)
        name = self.random.choice(("b", "strong"))
        before, after = word[: found.start()], word[found.end() :]
        return f"{self.escape(before)}<{name}>{found.group()}</{name}>{self.escape(after)}"

    def join(self, words: Sequence[str]) -> str:
        """Join words with spaces, and here and there with the end of a line or a space that does not break."""
        gaps = self.random.choices((" ", "\n", "\n        ", "&nbsp;"), (200, 4, 2, 1), k=len(words))
        return "".join(word + gap for word, gap in zip(words[:-1], gaps, strict=False)) + "".join(words[-1:])

    def escape(self, text: str) -> str:
        """Return text as a page may write it: with references by name, by number, or as few as possible."""
        way = self.random.randrange(6)
        text = text.replace("&", self.random.choice(("&amp;", "&#38;", "&"))).replace("<", "&lt;").replace(">", "&gt;")
        if way < 4:
            return text
        return "".join(letter if ord(letter) < 128 else reference(letter, by_number=way == 5) for letter in text)


def templated_pages(data: DataFolder, count: int) -> Iterator[Document]:
    """Yield pages of every template in both languages, as many of each, and each with another change."""
    paths = sorted(TEMPLATES.glob("*.html"))
    for number, page in fill_templates(data, paths, count // (2 * len(paths)), HtmlMarkup):
        change = CHANGES[number % len(CHANGES)]
        yield replace(page, name=f"{page.name}, {change.__name__}", text=change(page.text))


def reference(letter: str, *, by_number: bool) -> str:
    """Return a character reference."""
    name = codepoint2name.get(ord(letter))
    return f"&#{ord(letter)};" if by_number or not name else f"&{name};"


def as_it_is(page: str) -> str:
    """Return the page as its template has it."""
    return page


def with_crlf(page: str) -> str:
    """Return the page with line ends as Windows writes them."""
    return page.replace("\n", "\r\n")


def in_capitals(page: str) -> str:
    """Return the page with its names of elements in capitals."""
    return change_tags(page, lambda tag: re.sub(r"^</?[a-z][a-z0-9]*", lambda found: found.group().upper(), tag))


def without_end_tags(page: str) -> str:
    """Return the page without end tags that may be left out."""
    return change_tags(page, lambda tag: "" if re.fullmatch(r"</(?:li|dt|dd|td|th|tr|option|body|html)>", tag) else tag)


def on_one_line(page: str) -> str:
    """Return the page without white space between its tags, as minifiers write it."""
    return re.sub(r">[ \t]*\n\s*<(?=/?(?:p|div|ul|ol|li|table|tbody|tr|td|th|h\d|section|dl|dt|dd)\b)", "><", page)


def with_odd_tags(page: str) -> str:
    """Return the page with spaces in its tags where they may stand."""
    return change_tags(page, lambda tag: re.sub(r"(?<=[\w\"'])>$", " >", re.sub(r"=(?=[\"'])", " = ", tag)))


def with_tabs(page: str) -> str:
    """Return the page with tabs for spaces at the beginning of lines, and spaces at their ends."""
    return re.sub(r"\n {2,}", "  \n\t", page)


CHANGES = (as_it_is, with_crlf, in_capitals, without_end_tags, on_one_line, with_odd_tags, with_tabs)


def change_tags(page: str, change: Callable[[str], str]) -> str:
    """Return the page with its tags changed, but those in elements in which a "<" begins none."""
    out, place, raw = [], 0, ""
    for found in MARKUP.finditer(page):
        tag, name = found.group(), tag_name(found.group())
        is_changed = not raw and not tag.startswith("<!") and name not in RAW and "<" not in tag[1:]
        out += [page[place : found.start()], change(tag) if is_changed else tag]
        place = found.end()
        if raw:
            raw = "" if name == raw and tag[1] == "/" else raw
        elif name in RAW and tag[1] != "/":
            raw = name
    return "".join(out) + page[place:]
