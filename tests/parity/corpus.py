"""Texts for tiny models: what their vocabularies are made of, and what they are asked."""

import random
from collections.abc import Iterator

WORDS = [
    "the", "river", "town", "school", "bridge", "market", "opened", "closed", "because", "people",
    "wanted", "a", "new", "old", "house", "near", "every", "road", "der", "Fluss",
    "Stadt", "Schule", "Brücke", "Markt", "geöffnet", "weil", "Leute", "wollten", "neu", "alt",
    "Haus", "nahe", "jede", "Straße", "und", "nicht", "o", "rio", "cidade", "escola",
    "ponte", "mercado", "abriu", "fechou", "porque", "pessoas", "queriam", "nova", "velha", "casa",
    "perto", "estrada", "é", "não",
]  # fmt: skip
# Of these a vocabulary has no piece, or only those of single characters.
STRANGE = ["2,024.5", "€40", "漢字", "naïve", "x=y", "O'Neill", "(so-called)", "«quoted»", "https://a.example/?q=1"]


def make_corpus() -> list[str]:
    """Sentences of common words, always the same."""
    source = random.Random(3)
    return [_sentence(source, WORDS) for _ in range(600)]


def make_texts(count: int) -> Iterator[str]:
    """Other sentences, with a strange word in every third."""
    source = random.Random(4)
    for number in range(count):
        yield _sentence(source, WORDS if number % 3 else [*WORDS, *STRANGE * 4])


def _sentence(source: random.Random, words: list[str]) -> str:
    chosen = [source.choice(words) for _ in range(source.randint(3, 14))]
    return " ".join(chosen).capitalize() + source.choice(".!?")
