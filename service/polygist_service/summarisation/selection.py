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
from polygist_service.summarisation.tfidf import TfidfVectors

# Fewer words are a headline, a caption or a fragment.
MIN_WORDS = 8
# Boilerplate is short; a longer sentence that begins with "By" is a sentence.
BOILERPLATE_WORDS = 12
# What still says something in an article without proper sentences.
FALLBACK_WORDS = 3
# Of a long article so many sentences are compared in full: the first ones, and the best of equal sections.
MOST = 400
FIRST = 100
SECTIONS = 50

BOILERPLATE = re.compile(
    r"""^\W*(?:
        (?:by|por)\s+(?-i:[A-ZÀ-Ý.])
      | (?:photos?|pictures?|image|video|watch|caption|credits?|source|share|related|topics|tags|contact)\s*[:|]
      | (?:fotos?|fotografia|imagem|vídeo|legenda|créditos?|fonte|partilhar|compartilhar|temas|contacto|contato)\s*[:|]
      | (?:first\s+)?published\b | (?:last\s+)?(?:updated|modified)\b | copyright\b | advertisement\b
      | (?:publicad|atualizad)[oa]\s+(?:em|a|às|há|por)\b | publicidade\b
      | (?:share|tweet|email|print)\s+(?:this|on|via|it)\b | (?:partilhe|compartilhe)\b
      | (?:click|tap|scroll|swipe|sign\s+up|subscribe|follow\s+us|read\s+(?:more|also|next)|see\s+also)\b
      | (?:clique|assine|subscreva|siga-nos|leia\s+(?:mais|também)|ler\s+mais|veja\s+(?:mais|também))\b
      | media\s+playback\b
    )
    | \| | © | \b(?:all\s+rights\s+reserved|todos\s+os\s+direitos\s+reservados)\b""",
    re.IGNORECASE | re.VERBOSE,
)


def count_words(text: str) -> int:
    """Count the words of `text`, as white space parts them."""
    return len(text.split())


def find_eligible(sentences: Sequence[str], *, count: int, query: str = "") -> list[int]:
    """Return the indices of the sentences that may stand in a summary, in order; not empty unless `sentences` is.

    Args:
        sentences: all sentences of an article.
        count: with fewer proper sentences than that, shorter ones count too.
        query: keeps sentences that share its words when an article is too long to compare all.
    """
    first: dict[str, int] = {}
    for at, sentence in enumerate(sentences):
        first.setdefault(" ".join(sentence.split()), at)
    distinct = list(first.values())
    kept = [at for at in distinct if is_proper(sentences[at])]
    if len(kept) < count:
        kept = [at for at in distinct if count_words(sentences[at]) >= FALLBACK_WORDS] or distinct
    if len(kept) <= MOST:
        return kept
    return [kept[at] for at in preselect([sentences[at] for at in kept], query)]


def is_proper(sentence: str) -> bool:
    """Whether it is long enough for a sentence, and no boilerplate."""
    words = count_words(sentence)
    return words >= MIN_WORDS and not (words < BOILERPLATE_WORDS and BOILERPLATE.search(sentence))


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
