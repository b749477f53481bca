"""HTML pages made of templates and the sentences of articles, with elements among the words; the same in each run."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html.entities import codepoint2name
from itertools import cycle, islice
from pathlib import Path
from random import Random

from bench.fidelity.markup import MARKUP, RAW, tag_name
from bench.quality.sets import DataFolder

TEMPLATES = Path(__file__).parent / "cases" / "html_pages"
PLACEHOLDER = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
NUMBER = re.compile(r"[$€£]?\d+(?:[.,]\d+)*%?")
WORD = re.compile(r"[^\W\d_]{2,}(?:['’-][^\W\d_]+)*")
DEPTH = 3
PARAGRAPHS = (1, 3)
SENTENCES = (1, 4)
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


@dataclass(frozen=True, slots=True)
class Page:
    """A page to be translated.

    Attributes:
        group: the template that it is made of, or what it is an example of.
        name: tells it from the others of its group.
        language: "en" or "pt".
        text: its letters.
    """

    group: str
    name: str
    language: str
    text: str


def templated_pages(data: DataFolder, count: int) -> Iterator[Page]:
    """Yield pages of every template in both languages, as many of each."""
    templates = sorted(TEMPLATES.glob("*.html"))
    each = count // (2 * len(templates))
    for language in ("en", "pt"):
        articles = cycle(read_articles(data, language))
        for template in templates:
            for number, sentences in enumerate(islice(articles, each)):
                random = Random(f"{template.stem} {language} {number}")
                text = Writer(language, sentences, random).fill(template.read_text("utf-8"))
                change = CHANGES[number % len(CHANGES)]
                yield Page(template.stem, f"{language} {number}, {change.__name__}", language, change(text))


def read_articles(data: DataFolder, language: str) -> list[list[str]]:
    """Return the sentences of each article that has enough of them."""
    records = data.records("articles/ntrex_docs.public.jsonl")
    sides = ["en"] if language == "en" else ["pt", "pt-BR"]
    articles = [record[side] for side in sides for record in records]
    return [sentences for sentences in articles if len(sentences) >= 8]


class Writer:
    """Fills a template with the sentences of an article, over again from its start where they do not suffice."""

    def __init__(self, language: str, sentences: Sequence[str], random: Random) -> None:
        self.language = language
        self.sentences = cycle(sentences)
        self.random = random
        self.makes: dict[str, Callable[[], str]] = {
            "language": lambda: self.language,
            "sentence": lambda: self.mark_up(next(self.sentences)),
            "plain": lambda: self.escape(next(self.sentences)),
            "value": lambda: html.escape(next(self.sentences)),
            "paragraphs": self.paragraphs,
        }

    def fill(self, template: str) -> str:
        """Return the template with its placeholders filled; "[[a|b]]" is English and Portuguese."""
        return PLACEHOLDER.sub(lambda found: self.make(found.group(1)), template)

    def make(self, placeholder: str) -> str:
        """Return what a placeholder stands for."""
        if "|" in placeholder:
            return placeholder.split("|")[("en", "pt").index(self.language)]
        return self.makes[placeholder]()

    def paragraphs(self) -> str:
        """Return some paragraphs."""
        gap = self.random.choice(("\n", "\n\n    ", " "))
        return gap.join(self.paragraph() for _ in range(self.random.randint(*PARAGRAPHS)))

    def paragraph(self) -> str:
        """Return a paragraph of some sentences."""
        start = self.random.choice(("<p>", "<p>", '<p class="lead">', "<p style='margin:0'>", "<p>\n\t", "<p> "))
        gap = self.random.choice((" ", " ", "\n", "\n      ", "<br>\n", "  "))
        count = self.random.randint(*SENTENCES)
        sentences = gap.join(self.mark_up(next(self.sentences)) for _ in range(count))
        return f"{start}{sentences}{self.random.choice(('', '', ' ', chr(10)))}</p>"

    def mark_up(self, sentence: str) -> str:
        """Return a sentence with elements around its words."""
        return self.wrap(sentence.split(), 0, frozenset())

    def wrap(self, words: Sequence[str], depth: int, around: frozenset[str]) -> str:
        """Return words with elements around some of them.

        Args:
            depth: how many elements are around them.
            around: the names of these.
        """
        out: list[str] = []
        place = 0
        while place < len(words):
            length = self.random.randint(1, 5)
            rest = words[place : place + length]
            if depth < DEPTH and len(rest) < len(words) and self.random.random() < 0.25:
                out.append(self.element(rest, depth, around))
                place += length
                continue
            out.append(self.word(words[place], around))
            place += 1
            if not depth and place < len(words) and self.random.random() < 0.02:
                out.append(self.with_value(self.random.choice(INSERTIONS)))
        return self.soft_lines(out)

    def element(self, words: Sequence[str], depth: int, around: frozenset[str]) -> str:
        """Return words in an element that may stand where they do; marks at their end stay outside."""
        start, end = self.random.choice(WRAPPERS)
        name = tag_name(start)
        if name in around:
            return " ".join(self.word(word, around) for word in words)
        bare = words[-1].rstrip('.,;:!?"”’)')
        if not bare or bare[0] in '"“(':
            return " ".join(self.word(word, around) for word in words)
        mark = words[-1][len(bare) :]
        inner = self.wrap([*words[:-1], bare], depth + 1, around | {name})
        return f"{self.with_value(start)}{inner}{end}{self.escape(mark)}"

    def word(self, word: str, around: frozenset[str]) -> str:
        """Return a word, in bold where it is a number and nothing around it is."""
        found = NUMBER.search(word)
        if not found or around & {"b", "strong"} or self.random.random() < 0.5:
            return self.escape(word)
        name = self.random.choice(("b", "strong"))
        before, after = word[: found.start()], word[found.end() :]
        return f"{self.escape(before)}<{name}>{found.group()}</{name}>{self.escape(after)}"

    def with_value(self, tag: str) -> str:
        """Return a tag with a value of two words where it has room for one."""
        words = WORD.findall(next(self.sentences))[:2] if "%s" in tag else []
        return tag.replace("%s", html.escape(" ".join(words)))

    def soft_lines(self, words: Sequence[str]) -> str:
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
