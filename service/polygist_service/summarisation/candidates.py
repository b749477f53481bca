"""Which sentences of an article may stand in its summary."""

import re
from collections.abc import Sequence

import numpy as np

from polygist_service.summarisation.tfidf import TermVectors

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
    """Words as white space parts them."""
    return len(text.split())


def find_candidates(sentences: Sequence[str], *, count: int, query: str = "") -> list[int]:
    """Indices of the sentences to choose from, in order; not empty unless `sentences` is.

    Args:
        sentences: all sentences of an article.
        count: with fewer proper sentences than that, shorter ones count too.
        query: keeps sentences that share its words when an article is too long to compare all.
    """
    distinct = _drop_duplicates(sentences)
    proper = [at for at in distinct if _is_proper(sentences[at])]
    if len(proper) < count:
        proper = [at for at in distinct if count_words(sentences[at]) >= FALLBACK_WORDS] or distinct
    if len(proper) <= MOST:
        return proper
    kept = _preselect([sentences[at] for at in proper], query)
    return [proper[at] for at in kept]


def _drop_duplicates(sentences: Sequence[str]) -> list[int]:
    first: dict[str, int] = {}
    for at, sentence in enumerate(sentences):
        first.setdefault(" ".join(sentence.split()), at)
    return list(first.values())


def _is_proper(sentence: str) -> bool:
    words = count_words(sentence)
    return words >= MIN_WORDS and not (words < BOILERPLATE_WORDS and BOILERPLATE.search(sentence))


def _preselect(sentences: Sequence[str], query: str) -> list[int]:
    """The first sentences, and from each section of the rest those nearest to the whole and to the query."""
    vectors = TermVectors.of(sentences)
    centroid = vectors.centroid()
    scores = vectors.project(centroid / np.linalg.norm(centroid)) + vectors.project(vectors.direction(query))
    kept = list(range(FIRST))
    each = (MOST - FIRST) // SECTIONS
    for section in np.array_split(np.arange(FIRST, len(sentences)), SECTIONS):
        best = section[np.argsort(-scores[section].round(5), kind="stable")[:each]]
        kept += sorted(int(at) for at in best)
    return kept
