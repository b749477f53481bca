"""Sentences of the public sets in plain text, HTML and Markdown, with marks at words drawn by chance."""

import html
import random
import re
from collections.abc import Iterator

from bench.quality.sets import DataFolder, read_translation_sets

PLAIN, HTML, MARKDOWN = MIME_TYPES = ("text/plain", "text/html", "text/markdown")
SETS = ("ntrex128", "flores_devtest", "flores_dev", "tico19")
# What means something in a syntax, and sentences that are too short or too long to be like most.
SPECIAL = re.compile(r"[*_#\[\]<>|~`\\&@^{}$%=/]")
SHORTEST, LONGEST = 40, 220
PLAIN_WORD = re.compile(r"[^\W\d_]{2,}")


def read_pairs(data: DataFolder) -> Iterator[tuple[str, str, str]]:
    """Yield language, sentence and translation of all sentences that have no marks of their own."""
    for each in read_translation_sets(data):
        if each.name in SETS:
            for source, reference in zip(each.sources, each.references[0], strict=True):
                if SHORTEST <= len(source) <= LONGEST and not SPECIAL.search(source):
                    yield each.source, source, reference


def mark(sentence: str, mime_type: str, draw: random.Random, phrase: str = "") -> str:
    """Return a sentence as a document of a MIME type, with marks at one word: often one of `phrase`."""
    if mime_type == PLAIN:
        return sentence
    words = sentence.split(" ")
    inside = [at for at, word in enumerate(words) if word in phrase.split(" ") and PLAIN_WORD.fullmatch(word)]
    others = [at for at, word in enumerate(words) if PLAIN_WORD.fullmatch(word)]
    chosen = draw.choice(inside if inside and draw.random() < 0.5 else others) if others else -1
    if mime_type == HTML:
        tag = draw.choice(("b", "em", "a"))
        shown = (f"<{tag}>{html.escape(word, False)}</{tag}>" if at == chosen else html.escape(word, False)
                 for at, word in enumerate(words))  # fmt: skip
        return f"<p>{' '.join(shown)}</p>"
    return f"- {' '.join(f'**{word}**' if at == chosen else word for at, word in enumerate(words))}"


def unmark(document: str, mime_type: str) -> str:
    """Return the words of a document that `mark` made, or of its translation."""
    if mime_type == HTML:
        return html.unescape(re.sub(r"</?\w+>", "", document))
    if mime_type == MARKDOWN:
        return re.sub(r"\\([^\w\s])", r"\1", document.removeprefix("- ").replace("**", ""))
    return document
