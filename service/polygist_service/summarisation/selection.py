"""Greedy selection of the sentences that say most of an article.

Facility location with a position prior: the next sentence is the one that raises most the mean, over all sentences
that may be picked, of the similarity to their nearest picked one. Similarity is half that of sentence embeddings, half
TF-IDF cosine; without embeddings it is made of the TF-IDF of pieces of words. On news no unsupervised method beats the
article's own lead, which the prior knows; what the similarity adds is text without such a lead, less redundancy, and
queries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from polygist_service.engine.interface import Vector
from polygist_service.summarisation.boilerplate import ends_sentence, find_boilerplate
from polygist_service.summarisation.prompt_injection import find_instructions
from polygist_service.summarisation.tfidf import Split, TfidfVectors
from polygist_service.text.abbreviations import lexicon
from polygist_service.text.documents.base import Segment
from polygist_service.text.words import WordForms, count_letters, count_words, split_pieces, split_terms

# Fewer words are a headline, a caption or a fragment; what still says something in an article without proper sentences.
MIN_WORDS, FALLBACK_WORDS = 8, 3
# The languages that these were fitted on. Others have as few as three words in a sentence of eight English ones, for a
# word of them says more; but letters are as many, and nearly no such sentence has fewer.
FITTED = ("en", "pt")
MIN_LETTERS, FALLBACK_LETTERS = 18, 8
# Of a long article so many sentences are compared in full: the first ones, and the best of equal sections.
MOST = 400
FIRST = 100
SECTIONS = 50


def keep_proper(sentences: Sequence[Segment], text: str) -> list[Segment]:
    """Return the sentences of an article that are part of it, no boilerplate nor meant for a model; all where none is.

    Args:
        sentences: all of the article, in order.
        text: of the article.
    """
    barred = find_boilerplate(sentences, text) | find_instructions(sentences, text)
    return [sentence for at, sentence in enumerate(sentences) if at not in barred] or list(sentences)


def find_eligible(
    sentences: Sequence[str], *, language: str, count: int, query: str = "", split: Split = split_terms
) -> list[int]:
    """Return the indices of the sentences that may stand in a summary, in order; not empty unless `sentences` is.

    What does not end as a sentence does is a heading, a caption or the item of a list, which are eligible where there
    is little else. To a query any sentence may be the answer, however short, and so may a heading or an item that has
    what no sentence has.

    Args:
        sentences: those of an article, without boilerplate.
        language: theirs, a canonical tag.
        count: with fewer long sentences than that, shorter ones count too.
        query: what the reader wants to know; of an article that is too long to compare all, sentences are kept that
            share its terms.
        split: finds the terms.
    """
    first: dict[str, int] = {}
    for at, sentence in enumerate(sentences):
        first.setdefault(" ".join(sentence.split()), at)
    found = list(first.values())
    lengths = [count_words(sentence) for sentence in sentences]
    ended = [at for at in found if ends_sentence(sentences[at])]
    prose = ended if 2 * sum(lengths[at] for at in ended) > sum(lengths[at] for at in found) else found
    if query:
        kept = add_answers(sentences, prose, others=sorted(set(found).difference(prose)), query=query)
    else:
        kept = keep_long(sentences, prose, language=language, count=count)
    if len(kept) <= MOST:
        return kept
    return [kept[at] for at in preselect([sentences[at] for at in kept], query, split)]


def keep_long(sentences: Sequence[str], places: Sequence[int], *, language: str, count: int) -> list[int]:
    """Return those of `places` whose sentences are long enough; with fewer than `count`, shorter ones too."""
    measure, least, fallback = (
        (count_words, MIN_WORDS, FALLBACK_WORDS)
        if language.partition("-")[0] in FITTED
        else (count_letters, MIN_LETTERS, FALLBACK_LETTERS)
    )
    lengths = {at: measure(sentences[at]) for at in places}
    kept = [at for at in places if lengths[at] >= least]
    if len(kept) < count:
        kept = [at for at in places if lengths[at] >= fallback] or list(places)
    return kept


def add_answers(sentences: Sequence[str], places: Sequence[int], *, others: Sequence[int], query: str) -> list[int]:
    """Return `places` with those of `others` that have more of the query than any of them has."""
    every = [*places, *others]
    shares = find_shares([sentences[at] for at in every], query)
    most = shares[: len(places)].max(initial=0)
    return sorted([*places, *(at for at, share in zip(others, shares[len(places) :], strict=True) if share > most)])


def preselect(sentences: Sequence[str], query: str, split: Split) -> list[int]:
    """Return the first sentences, and from each section of the rest those nearest to the whole and to the query."""
    vectors = TfidfVectors.of(sentences, split)
    centroid = vectors.centroid()
    scores = vectors.project(centroid / np.linalg.norm(centroid)) + vectors.project(vectors.direction(query))
    kept = list(range(FIRST))
    each = (MOST - FIRST) // SECTIONS
    for section in np.array_split(np.arange(FIRST, len(sentences)), SECTIONS):
        best = section[np.argsort(-scores[section].round(5), kind="stable")[:each]]
        kept += sorted(int(at) for at in best)
    return kept


# An article that has less of a query has none of it but what stands in any text.
LEAST_SHARE = 0.05


def keep_telling(query: str, language: str) -> str:
    """Return the terms of a query less pronouns, articles, question words and auxiliaries; all where none is left."""
    known = lexicon(language.partition("-")[0])
    plain = known.certain_starters | known.auxiliaries | known.subjects
    return " ".join(term for term in split_terms(query) if term not in plain) or query


def find_shares(sentences: Sequence[str], query: str) -> NDArray[np.float64]:
    """Return what share of a query stands in each sentence, 0 to 1, in linear time; next to none is none.

    Of its words those that stand in few sentences count more, and most those that stand in none: of a question without
    an answer, the words that any text has are next to nothing.

    Args:
        sentences: of an article.
        query: what the reader wants to know.
    """
    words = WordForms(query)
    shares = np.zeros((len(sentences), words.count), np.float32)
    for row, sentence in enumerate(sentences):
        for term in set(split_terms(sentence)):
            for at, likeness in words.find(term).items():
                shares[row, at] = max(shares[row, at], likeness)
    weights = np.log((len(sentences) + 1) / ((shares > 0).sum(axis=0) + 0.5))
    found: NDArray[np.float64] = (shares @ weights / (weights.sum() or 1.0)).astype(float)
    return found if found.max(initial=0) >= LEAST_SHARE else np.zeros(len(sentences))


# How much an early place counts, falling to nothing at the article's end.
POSITION_WEIGHT = 0.30
# How much likeness to the query counts: enough to win against any place.
QUERY_WEIGHT = 2.0
# Without embeddings: this times the root of the cosine is about as high as the mean of both similarities. Fitted on
# English and Portuguese news, and on health texts in six languages, to the picks that embeddings make of the English.
ROOT_SHARE = 0.6
# The relevance of the sentence that is nearest to a query by its words, where it has enough of them; others have their
# share of it. Fitted on the first lines of documents in six languages, put to those and others.
NEAREST, ENOUGH, FLOOR = 0.5, 0.3, 0.1
# What the words of a query count beside its meaning.
WORDING_WEIGHT = 0.5
# Longer texts are seldom news, whose first sentences tell the rest.
MOST_NEWS_WORDS = 1500
# What stands before an article and was not known as boilerplate is unlike its sentences: of the 95 % nearest sentences
# of articles all have over .75 of the likeness of the median one to all others, a third of the lines around them under
# .4. A higher limit would change the summaries of articles without such lines.
UNLIKE, LIKE = 0.2, 0.4
FEWEST_TO_COMPARE = 4
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


def find_relevance(similarity: Vector) -> NDArray[np.float64]:
    """Return what share of its prior each sentence keeps, 0 to 1: one that is unlike all others is no lead.

    Args:
        similarity: of all pairs of sentences.
    """
    likeness = similarity.sum(axis=0) - np.diag(similarity)
    usual = float(np.median(likeness))
    if len(likeness) < FEWEST_TO_COMPARE or not usual:
        return np.ones(len(likeness))
    shares: NDArray[np.float64] = np.clip((likeness / usual - UNLIKE) / (LIKE - UNLIKE), 0, 1).astype(float)
    return shares


@dataclass(frozen=True, slots=True)
class Selection:
    """Indices of the picked sentences and what each added, in the order of picking; gains do not rise."""

    indices: tuple[int, ...]
    gains: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike sentences are.

    Attributes:
        similarity: of all pairs, 0 to 1, shape (count, count).
        relevance: to the query, at least 0; None where there is none.
    """

    similarity: Vector
    relevance: NDArray[np.floating] | None = None

    @classmethod
    def by_meaning(
        cls, sentences: Sequence[str], embeddings: Vector, *, query: str = "", query_embedding: Vector | None = None
    ) -> "Likeness":
        """Compare sentences by their embeddings and their words.

        Args:
            sentences: in the order of the article.
            embeddings: theirs, of shape (len(sentences), dimension) and L2 norm 1.
            query: what the reader wants to know.
            query_embedding: its embedding, L2 norm 1.
        """
        cosines = 0.5 * (embeddings @ embeddings.T) + 0.5 * TfidfVectors.of(sentences).similarities()
        similarity = np.maximum(0, cosines)
        if query_embedding is None:
            return cls(similarity)
        meaning = np.maximum(0, embeddings @ query_embedding)
        return cls(similarity, meaning + WORDING_WEIGHT * find_shares(sentences, query))

    @classmethod
    def by_words(cls, sentences: Sequence[str], query: str = "") -> "Likeness":
        """Compare sentences by their words alone; the relevance is 0 where the query has none of them."""
        vectors = TfidfVectors.of(sentences, split_pieces)
        similarity = (ROOT_SHARE * np.sqrt(np.maximum(0, vectors.similarities()))).astype(np.float32)
        if not query:
            return cls(similarity)
        shares = find_shares(sentences, query)
        # What has words of the query in forms that share no pieces with them is near it all the same.
        relevance = np.maximum(vectors.project(vectors.direction(query)), FLOOR * shares) * np.sqrt(shares)
        scale = NEAREST * min(1.0, shares.max(initial=0) / ENOUGH)
        return cls(similarity, scale * relevance / (relevance.max(initial=0) or 1.0))

    @property
    def is_asked(self) -> bool:
        """Whether there is a query that any of the sentences has to do with."""
        return self.relevance is not None and bool(self.relevance.any())


def select(
    sentences: Sequence[str], likeness: Likeness, *, preset: Preset, count: int = 0, max_words: int = 0
) -> Selection:
    """Pick sentences; at least one where there is any.

    Args:
        sentences: those to pick from, in the order of the article.
        likeness: theirs.
        preset: what the first places are worth.
        count: at most so many; 0 is no limit.
        max_words: at most so many words together, but for the first pick; 0 is no limit. A sentence that does not
            fit is skipped, never cut.
    """
    places = np.arange(len(sentences), dtype=float)
    similarity = likeness.similarity
    prior = POSITION_WEIGHT * (1 - places / max(len(sentences), 1)) + preset.value * np.exp(-places)
    prior *= find_relevance(similarity)
    if likeness.relevance is not None:
        prior += QUERY_WEIGHT * likeness.relevance
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
