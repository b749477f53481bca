"""The sentences that both sides translate."""

import hashlib
import json
import os
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from polygist_client import Client

from bench.quality.environment import REPOSITORY
from bench.quality.sets import DataFolder

SOURCE, TARGET = "en", "pt"
# News that no model was trained or tuned on.
HELD_OUT = "translation/ntrex128.en.txt"
SHIPPED = REPOSITORY / "examples" / "article.txt"
SENTENCES = 1024
# Well above what the service refuses to guess from: no call may fail where the language is left out.
SURE = 0.5


PARAGRAPH = 4
# For one answer after another while the texts are split: nothing is measured then, and the machine may be busy.
SPLIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Article:
    """Sentences in paragraphs."""

    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        """As it is sent: one space between sentences, a line break between paragraphs."""
        starts = range(0, len(self.sentences), PARAGRAPH)
        return "\n".join(" ".join(self.sentences[start : start + PARAGRAPH]) for start in starts)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Sentences as the service splits them.

    Attributes:
        model: the name of the one that translates them.
        origin: where they are from, for the report.
    """

    sentences: tuple[str, ...]
    model: str
    origin: str

    def write(self, folder: Path, *, sentences_per_text: int) -> Path:
        """A JSON file of texts in `folder`: a line for each sentence, so that none is split otherwise than before."""
        starts = range(0, len(self.sentences), sentences_per_text)
        texts = ["\n".join(self.sentences[start : start + sentences_per_text]) for start in starts]
        path = folder / f"{sentences_per_text}.json"
        path.write_text(json.dumps(texts), encoding="utf-8")
        return path

    def article(self, words: int, *, start: int = 0) -> Article:
        """An article of at least so many words, of the sentences from `start` on, and from the first after the last."""
        chosen: list[str] = []
        count = 0
        while count < words:
            chosen.append(self.sentences[(start + len(chosen)) % len(self.sentences)])
            count += len(chosen[-1].split())
        return Article(tuple(chosen))

    def describe(self) -> str:
        """What they are, in a line."""
        digest = hashlib.sha256("\n".join(self.sentences).encode()).hexdigest()
        words = sum(len(sentence.split()) for sentence in self.sentences)
        return f"{len(self.sentences)} with {words} words, {self.origin}, sha256 {digest[:12]}"


def read_corpus(client: Client, data: Path | None, *, detects: bool = False) -> Corpus:
    """Held-out news where there is a folder of data, else the text that the repository has.

    Args:
        detects: take only sentences whose language is detected, and is the right one.

    Raises:
        FileNotFoundError: the folder has no such file.
    """
    if data is None:
        lines = SHIPPED.read_text(encoding="utf-8").splitlines()
        origin = f"{os.path.relpath(SHIPPED, REPOSITORY)} again and again: no DATA was given"
    else:
        folder = DataFolder(data)
        lines, origin = folder.lines(HELD_OUT), HELD_OUT
        if folder.missing:
            raise FileNotFoundError(f"{data / HELD_OUT} is not there")
    lines = [line for line in lines if line.strip()]
    # The service splits, so that raw gets what its models would.
    translations = list(client.translate_many(lines, to=TARGET, source=SOURCE, segments=True, timeout=SPLIT_SECONDS))
    sentences = [
        line[segment.source_span.start : segment.source_span.end]
        for line, translation in zip(lines, translations, strict=True)
        for segment in translation.segments
    ]
    sentences = sentences[:SENTENCES]
    if detects:
        best = [detection.best for detection in client.detect_language(sentences)]
        sure = [guess.code == SOURCE and guess.confidence >= SURE for guess in best]
        sentences = list(compress(sentences, sure))
    return Corpus(tuple(sentences), translations[0].model.removeprefix("models/"), origin)
