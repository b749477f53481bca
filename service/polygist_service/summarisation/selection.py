"""Greedy selection of the sentences that say most of an article.

Facility location with a position prior: the next sentence is the one that raises most the mean, over all sentences
that may be picked, of the similarity to their nearest picked one. Similarity is half that of sentence embeddings, half
TF-IDF cosine. On news no unsupervised method beats the article's own lead, which the prior knows; what the similarity
adds is text without such a lead, less redundancy, and queries.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from polygist_service.engine.interface import Vector
from polygist_service.summarisation.boilerplate import ends_sentence, find_boilerplate
from polygist_service.summarisation.prompt_injection import find_instructions
from polygist_service.summarisation.tfidf import TfidfVectors
from polygist_service.text.documents.base import Segment

# Fewer words are a headline, a caption or a fragment.
MIN_WORDS = 8
# What still says something in an article without proper sentences.
FALLBACK_WORDS = 3
# Of a long article so many sentences are compared in full: the first ones, and the best of equal sections.
MOST = 400
FIRST = 100
SECTIONS = 50

# Characters of scripts that part no words with white space, as many as a word has of them.
IDEOGRAPHS = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{1,2}"
UNPARTED = re.compile(rf"{IDEOGRAPHS}|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]{{1,5}}")


def count_words(text: str) -> int:
    """Count the words of `text`, as white space parts them; where a script does not, about so many."""
    if text.isascii() or not UNPARTED.search(text):
        return len(text.split())
    others = UNPARTED.sub(" ", text).split()
    return len(UNPARTED.findall(text)) + sum(any(map(str.isalnum, word)) for word in others)


def keep_proper(sentences: Sequence[Segment]) -> list[Segment]:
    """Return the sentences that are part of an article, no boilerplate nor meant for a model; all where none is."""
    barred = find_boilerplate(sentences) | find_instructions(sentences)
    return [sentence for at, sentence in enumerate(sentences) if at not in barred] or list(sentences)


def find_eligible(sentences: Sequence[str], *, count: int, query: str = "") -> list[int]:
    """Return the indices of the sentences that may stand in a summary, in order; not empty unless `sentences` is.

    What does not end as a sentence does is a heading, a caption or the item of a list, which are eligible where there
    is little else.

    Args:
        sentences: those of an article, without boilerplate.
        count: with fewer long sentences than that, shorter ones count too.
        query: keeps sentences that share its words when an article is too long to compare all.
    """
    first: dict[str, int] = {}
    for at, sentence in enumerate(sentences):
        first.setdefault(" ".join(sentence.split()), at)
    found = list(first.values())
    lengths = [count_words(sentence) for sentence in sentences]
    ended = [at for at in found if ends_sentence(sentences[at])]
    if 2 * sum(lengths[at] for at in ended) > sum(lengths[at] for at in found):
        found = ended
    kept = [at for at in found if lengths[at] >= MIN_WORDS]
    if len(kept) < count:
        kept = [at for at in found if lengths[at] >= FALLBACK_WORDS] or found
    if len(kept) <= MOST:
        return kept
    return [kept[at] for at in preselect([sentences[at] for at in kept], query)]


def preselect(sentences: Sequence[str], query: str) -> list[int]:
    """Return the first sentences, and from each section of the rest those nearest to the whole and to the query."""
    vectors = TfidfVectors.of(sentences)
    centroid = vectors.centroid()
    scores = vectors.project(centroid / np.linalg.norm(centroid)) + vectors.project(vectors.direction(query))
    kept = list(range(FIRST))
    each = (MOST - FIRST) // SECTIONS
    for section in np.array_split(np.arange(FIRST, len(sentences)), SECTIONS):
        best = section[np.argsort(-scores[section].round(5), kind="stable")[:each]]
        kept += sorted(int(at) for at in best)
    return kept


# How much an early place counts, falling to nothing at the article's end.
POSITION_WEIGHT = 0.30
# How much likeness to the query counts: enough to win against any place.
QUERY_WEIGHT = 2.0
# Longer texts are seldom news, whose first sentences tell the rest.
MOST_NEWS_WORDS = 1500
# Gains are compared to so many decimals, so that ties fall the same way on every machine.
DECIMALS = 5


class Preset(Enum):
    """How much the very first sentences count: a bonus that falls by e from each to the next."""

    NEWS = 0.20
    COVERAGE = 0.0

    @classmethod
    def for_words(cls, count: int) -> "Preset":
        """Return the preset for an article of `count` words."""
        return cls.NEWS if count <= MOST_NEWS_WORDS else cls.COVERAGE


@dataclass(frozen=True, slots=True)
class Selection:
    """Indices of the picked sentences and what each added, in the order of picking; gains do not rise."""

    indices: tuple[int, ...]
    gains: tuple[float, ...]


def select(
    sentences: Sequence[str],
    embeddings: Vector,
    *,
    preset: Preset,
    count: int = 0,
    max_words: int = 0,
    query_embedding: Vector | None = None,
) -> Selection:
    """Pick sentences; at least one where there is any.

    Args:
        sentences: those to pick from, in the order of the article.
        embeddings: theirs, of shape (len(sentences), dimension) and L2 norm 1.
        preset: what the first places are worth.
        count: at most so many; 0 is no limit.
        max_words: at most so many words together, but for the first pick; 0 is no limit. A sentence that does not
            fit is skipped, never cut.
        query_embedding: of what the reader wants to know, L2 norm 1.
    """
    places = np.arange(len(sentences), dtype=float)
    prior = POSITION_WEIGHT * (1 - places / max(len(sentences), 1)) + preset.value * np.exp(-places)
    if query_embedding is not None:
        prior += QUERY_WEIGHT * np.maximum(0, embeddings @ query_embedding)
    similarity = np.maximum(0, 0.5 * (embeddings @ embeddings.T) + 0.5 * TfidfVectors.of(sentences).similarities())
    lengths = [count_words(sentence) for sentence in sentences]
    best = np.zeros(len(sentences), np.float32)
    is_open = np.ones(len(sentences), bool)
    indices: list[int] = []
    gains: list[float] = []
    used = 0
    while len(indices) < (count or len(sentences)) and is_open.any():
        gain = np.maximum(0, similarity - best[:, None]).mean(axis=0) + prior
        at = int(np.argmax(np.where(is_open, gain.round(DECIMALS), -np.inf)))
        is_open[at] = False
        if max_words and indices and used + lengths[at] > max_words:
            continue
        indices.append(at)
        gains.append(float(gain[at]))
        used += lengths[at]
        best = np.maximum(best, similarity[:, at])
    return Selection(tuple(indices), tuple(gains))
