"""Templates that are filled with the sentences of articles: the same documents in each run."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Protocol

from bench.quality.sets import DataFolder

PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
LANGUAGES = ("en", "pt")
LEAST_SENTENCES = 8


@dataclass(frozen=True, slots=True)
class Document:
    """A document to be translated.

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


class Markup(Protocol):
    """How sentences are written in one kind of document; `random` is what it chooses by."""

    random: Random

    def mark_up(self, sentence: str, value: str) -> str:
        """Return a sentence with markup among its words; `value` is what attributes may say."""

    def escape(self, text: str) -> str:
        """Return text without markup."""

    def quote(self, text: str) -> str:
        """Return text as a value in double quotes."""

    def paragraphs(self, sentences: Sequence[Sequence[str]]) -> str:
        """Return paragraphs of sentences with markup."""


class Filler:
    """Fills a template with the sentences of an article, over again from its start where they do not suffice."""

    def __init__(self, language: str, sentences: Sequence[str], markup: Markup) -> None:
        self.language = language
        self.sentences = cycle(sentences)
        self.markup = markup
        self.makes: dict[str, Callable[[], str]] = {
            "language": lambda: self.language,
            "sentence": self.sentence,
            "plain": lambda: self.markup.escape(next(self.sentences)),
            "value": lambda: self.markup.quote(next(self.sentences)),
            "paragraphs": self.paragraphs,
        }

    def fill(self, template: str) -> str:
        """Return the template with its placeholders filled; "{{a|b}}" is English and Portuguese."""
        return PLACEHOLDER.sub(lambda found: self.make(found.group(1)), template)

    def make(self, placeholder: str) -> str:
        """Return what a placeholder stands for."""
        if "|" in placeholder:
            return placeholder.split("|")[LANGUAGES.index(self.language)]
        return self.makes[placeholder]()

    def sentence(self) -> str:
        """Return the next sentence with markup, in which values are made of its first words."""
        sentence = next(self.sentences)
        return self.markup.mark_up(sentence, " ".join(re.findall(r"[^\W\d_]{2,}", sentence)[:2]))

    def paragraphs(self) -> str:
        """Return one to three paragraphs of one to four sentences."""
        random = self.markup.random
        counts = [random.randint(1, 4) for _ in range(random.randint(1, 3))]
        return self.markup.paragraphs([[self.sentence() for _ in range(count)] for count in counts])


def fill_templates(
    data: DataFolder, paths: Sequence[Path], each: int, markup: Callable[[Random], Markup]
) -> Iterator[tuple[int, Document]]:
    """Yield so many documents of every template in both languages, each with its number.

    Args:
        paths: of the templates.
        markup: makes what writes the sentences of one document.
    """
    for language in LANGUAGES:
        articles = cycle(read_articles(data, language))
        for path in paths:
            for number in range(each):
                filler = Filler(language, next(articles), markup(Random(f"{path.stem} {language} {number}")))
                text = filler.fill(path.read_text("utf-8"))
                yield number, Document(path.stem, f"{language} {number}", language, text)


def read_articles(data: DataFolder, language: str) -> list[list[str]]:
    """Return the sentences of each article that has enough of them."""
    records = data.records("articles/ntrex_docs.public.jsonl")
    sides = ["en"] if language == "en" else ["pt", "pt-BR"]
    articles = [record[side] for side in sides for record in records]
    return [sentences for sentences in articles if len(sentences) >= LEAST_SENTENCES]
