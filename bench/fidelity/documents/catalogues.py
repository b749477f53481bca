"""Catalogues of messages made of the sentences of articles: the same in each run, written by polib."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random

import polib

from bench.fidelity.documents.calls import OTHER
from bench.fidelity.documents.templates import LANGUAGES, read_articles
from bench.quality.sets import DataFolder

REPEATED = 0.5
MESSAGES = 36
LONGEST = 24  # words
# Flags of messages, and placeholders that they may have; of those that take their turn one may be there twice.
SYNTAXES = (
    ("c-format", ("%s", "%d", "%5.2f", "%lu", "%%", "%-10s")),
    ("python-format", ("%(name)s", "%(count)d", "%(size).1f", "%%")),
    ("python-format", ("%s", "%d", "%r")),
    ("python-brace-format", ("{name}", "{count:d}", "{0}", "{path!r}")),
    ("php-format", ("%1$s", "%2$d", "%3$s")),
    ("qt-format", ("%1", "%2", "%L3")),
    ("objc-format", ("%@", "%d", "%.2f")),
    ("sh-format", ("$name", "${folder}")),
    ("", ("{name}", "%(count)d", "{0}", "${home}")),
)
NUMBERS = {"c-format": "%d", "python-format": "%(count)d", "php-format": "%1$d", "objc-format": "%d"}
THINGS = {
    "en": (("file", "files"), ("message", "messages"), ("new page", "new pages"), ("day left", "days left")),
    "pt": (("arquivo", "arquivos"), ("mensagem", "mensagens"), ("página nova", "páginas novas"), ("dia", "dias")),
}
ITEMS = {"en": ("&Open...", "&Save", "E&xit", "Name:"), "pt": ("&Abrir...", "&Salvar", "&Fechar", "Nome:")}
RULES = {"pt": "nplurals=2; plural=(n != 1);", "en": "nplurals=2; plural=(n != 1);"}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue to be translated.

    Attributes:
        name: tells it from the others.
        language: "en" or "pt", that of its messages.
        text: its letters.
        placeholders: those of each entry's message and of its plural, in the order of the entries.
    """

    name: str
    language: str
    text: str
    placeholders: Sequence[Sequence[str]]


def make_catalogues(data: DataFolder, count: int) -> Iterator[Catalogue]:
    """Yield so many catalogues, half of them in each language; every second one is a template."""
    for language in LANGUAGES:
        sentences = cycle(
            sentence
            for article in read_articles(data, language)
            for sentence in article
            if len(sentence.split()) <= LONGEST and not re.search(r"[%{}$&<>]", sentence)
        )
        for number in range(count // len(LANGUAGES)):
            yield Maker(language, number, list(islice(sentences, MESSAGES))).make()


class Maker:
    """Makes a catalogue of some sentences.

    Args:
        language: of them.
        number: of the catalogue.
        sentences: one for each message.
    """

    def __init__(self, language: str, number: int, sentences: Sequence[str]) -> None:
        self.language = language
        self.number = number
        self.sentences = sentences
        self.random = Random(f"{language} {number}")
        self.is_template = number % 2 == 0

    def make(self) -> Catalogue:
        """Return the catalogue."""
        file = polib.POFile(wrapwidth=self.random.choice((0, 78, 78)))
        file.header = "Some title.\nSomebody, 2026."
        file.metadata = self.metadata()
        file.metadata_is_fuzzy = ["fuzzy"] if self.is_template else []
        placeholders: list[Sequence[str]] = []
        for place, sentence in enumerate(self.sentences):
            entry, own = self.entry(place, sentence)
            file.append(entry)
            if not entry.obsolete:
                placeholders.append(own)
        text = f"{file}\n".replace("\n", "\r\n" if self.number % 7 == 3 else "\n")
        return Catalogue(f"{self.language} {self.number}", self.language, text, placeholders)

    def metadata(self) -> dict[str, str]:
        """Return the fields of the header."""
        target = OTHER[self.language]
        charset = "CHARSET" if self.is_template and self.language == "en" else "UTF-8"
        return {
            "Project-Id-Version": "tool 1.0",
            "PO-Revision-Date": "2026-01-01 10:00+0000",
            "Last-Translator": "Somebody <somebody@example.org>",
            "Language-Team": "none",
            "Language": "" if self.is_template else target,
            "MIME-Version": "1.0",
            "Content-Type": f"text/plain; charset={charset}",
            "Content-Transfer-Encoding": "8bit",
            "Plural-Forms": "nplurals=INTEGER; plural=EXPRESSION;" if self.is_template else RULES[target],
            "X-Generator": "by hand",
        }

    def entry(self, place: int, sentence: str) -> tuple[polib.POEntry, Sequence[str]]:
        """Return an entry, and the placeholders of its message."""
        kind = place % 9
        entry = polib.POEntry(msgid=sentence, occurrences=[(f"src/file{place}.c", str(place * 7 + 1))])
        entry.comment = "of the program" if place % 4 == 0 else ""
        entry.tcomment = "of a translator\nand more" if place % 5 == 0 else ""
        entry.msgctxt = f"place {place}" if place % 3 == 0 else None
        own: Sequence[str] = ()
        if kind in (0, 1, 2, 3):
            flag, choice = self.random.choice(SYNTAXES)
            entry.flags = [flag] if flag else []
            entry.msgid, own = self.with_placeholders(sentence, choice)
        elif kind == 4:
            flag = self.random.choice(list(NUMBERS))
            entry.flags.append(flag)
            own = (NUMBERS[flag],)
            one, many = self.random.choice(THINGS[self.language])
            entry.msgctxt = f"counted {place}"
            entry.msgid, entry.msgid_plural = f"{own[0]} {one}", f"{own[0]} {many}"
            entry.msgstr_plural = {0: "", 1: ""}
        elif kind == 5:
            words = sentence.split(" ")
            entry.msgid = " ".join([f"<b>{words[0]}</b>", *words[1:]])
        elif kind == 6:
            entry.msgid = self.random.choice(ITEMS[self.language])
            entry.msgctxt = f"item {place}"
        elif kind == 7:
            entry.msgid = f"{sentence}\n"
        if not self.is_template and kind in (2, 5, 7):
            self.translate(entry, place)
        return entry, own

    def translate(self, entry: polib.POEntry, place: int) -> None:
        """Give an entry a translation: one that is used, a guess, or one of a message that is out of use."""
        entry.msgstr = entry.msgid
        if place % 9 == 5:
            entry.flags.insert(0, "fuzzy")
            entry.previous_msgid = "What it said before."
        elif place % 9 == 7:
            entry.obsolete = True

    def with_placeholders(self, sentence: str, choice: Sequence[str]) -> tuple[str, Sequence[str]]:
        """Return a sentence with one to four of some placeholders between its words."""
        words = sentence.split(" ")
        own = self.random.sample(choice, min(self.random.randint(1, 3), len(choice)))
        if re.fullmatch(r"%[-\d.]*[a-z@]+", own[0]) and self.random.random() < REPEATED:
            own.append(own[0])
        for placeholder in own:
            at = self.random.randint(1, max(1, len(words) - 1))
            words.insert(at, self.random.choice(("{}", "{}", '"{}"', "({})")).replace("{}", placeholder))
        return " ".join(words), own
