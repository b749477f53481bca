"""Markdown documents made of templates and the sentences of articles, with marks among the words."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from bench.fidelity.documents.templates import Document, fill_templates
from bench.quality.sets import DataFolder

TEMPLATES = Path(__file__).parents[1] / "cases" / "markdown_documents"
NUMBER = re.compile(r"[$€£]?\d+(?:[.,]\d+)*%?")
SIGNS = re.compile(r"([\\`*_\[\]<$~|#])")
BOLD = ("**", "__")
WRAPPERS = (
    ("*", "*"),
    ("_", "_"),
    ("**", "**"),
    ("__", "__"),
    ("***", "***"),
    ("~~", "~~"),
    ("[", "](https://example.org/a?b=1&c=2)"),
    ("[", "](/x 'It is \"%s\"')"),
    ("[", '](<a page.html#top> "%s")'),
    ("[*", "*](../b_(c).md)"),
    ("**[", "](#d)**"),
    ("*a **", "***"),
)
INSERTIONS = (
    "`a * b`",
    "`` x ` y ``",
    "<kbd>Ctrl</kbd>",
    "<br>",
    "![%s](i.png)",
    '![](a.gif "%s")',
    "<https://example.org/?q=a_b_c>",
    "<!-- a note -->",
    "&copy;",
    "\\*",
)
# Every other document of a template has the line ends of Windows.
CRLF = 4


def templated_documents(data: DataFolder, each: int, articles: int) -> Iterator[Document]:
    """Yield so many documents of each template in both languages, and so many articles."""
    paths = sorted(TEMPLATES.glob("*.md"))
    for path in paths:
        count = articles if path.stem == "article" else each
        for number, document in fill_templates(data, [path], count, MarkdownMarkup):
            text = document.text.replace("\n", "\r\n") if number % CRLF == CRLF - 1 else document.text
            yield Document(document.group, document.name, document.language, text)


class MarkdownMarkup:
    """Writes sentences with emphasis, links and code among their words."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def paragraphs(self, sentences: Sequence[Sequence[str]]) -> str:
        """Return paragraphs of sentences with markup."""
        gaps = (" ", " ", "\n", "  \n", "\\\n")
        return "\n\n".join(self.random.choice(gaps).join(paragraph) for paragraph in sentences)

    def quote(self, text: str) -> str:
        """Return text as a value in double quotes."""
        return text.replace("\\", "\\\\").replace('"', '\\"')

    def escape(self, text: str) -> str:
        """Return text in which no sign is a mark."""
        return SIGNS.sub(r"\\\1", text)

    def mark_up(self, sentence: str, value: str) -> str:
        """Return a sentence with marks around its words and code between them; `value` is what their titles say."""
        words, out, place = sentence.split(), [], 0
        while place < len(words):
            part = words[place : place + self.random.randint(1, 4)]
            if place and len(part) < len(words) and self.random.random() < 0.15:
                out.append(self.element(part, value))
                place += len(part)
                continue
            out.append(self.word(words[place]))
            place += 1
            if place < len(words) and self.random.random() < 0.02:
                out.append(self.random.choice(INSERTIONS).replace("%s", value))
        return " ".join(out)

    def element(self, words: Sequence[str], value: str) -> str:
        """Return words with marks around them; signs at their ends stay outside."""
        text = " ".join(words)
        found = re.fullmatch(r"(\W*)(.*?)(\W*)", text, re.DOTALL)
        assert found
        before, inner, after = map(self.escape, found.groups())
        if not inner:
            return self.escape(text)
        start, end = self.random.choice(WRAPPERS)
        return f"{before}{start}{inner}{end.replace('%s', value)}{after}"

    def word(self, word: str) -> str:
        """Return a word, now and then in bold where it is a number."""
        found = NUMBER.fullmatch(word.rstrip(".,"))
        if not found or self.random.random() < 0.5:
            return self.escape(word)
        mark = self.random.choice(BOLD)
        return f"{mark}{self.escape(found.group())}{mark}{word[found.end() :]}"
