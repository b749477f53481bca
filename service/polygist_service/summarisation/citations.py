"""Which sentences of an article a written sentence rests on."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from polygist_service.engine.interface import Span
from polygist_service.summarisation.tfidf import split_terms
from polygist_service.summarisation.types import Citation

# A sentence often merges two of the source; more are seldom needed and hard to check.
MOST_CITATIONS = 2
# A second source has to hold at least this share of the best one's support.
SECOND_SHARE = 0.5


class Citer:
    """Finds support in the sentences of one article.

    Args:
        sentences: the article's.
        spans: where they stand in it.
    """

    def __init__(self, sentences: Sequence[str], spans: Sequence[Span]) -> None:
        self._spans = spans
        self._holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for at, sentence in enumerate(sentences):
            for feature in _features(sentence):
                self._holders[feature].append(at)

    def overlap(self, sentence: str) -> NDArray[np.float64]:
        """For each sentence of the article the share of the words and word pairs of `sentence` that stand in it."""
        features = _features(sentence)
        holders = [at for feature in features for at in self._holders.get(feature, ())]
        counts = np.bincount(np.array(holders, np.int64), minlength=len(self._spans))
        return counts / max(1, len(features))

    def cite(self, sentence: str, similarities: NDArray[np.float64] | None = None) -> tuple[Citation, ...]:
        """The passages nearest to `sentence`, best first; none where none is.

        Args:
            sentence: a written one.
            similarities: by a sentence encoder, to each sentence of the article; by them and the wording alike a
                passage supports the sentence, or where there are none by the wording alone.
        """
        support = self.overlap(sentence)
        if similarities is not None:
            support = (support + np.maximum(0, similarities)) / 2
        nearest = np.argsort(-support, kind="stable")[:MOST_CITATIONS]
        return tuple(
            Citation(self._spans[at], min(1.0, float(support[at])))
            for at in nearest
            if support[at] > 0 and support[at] >= SECOND_SHARE * support[nearest[0]]
        )


def _features(sentence: str) -> set[tuple[str, ...]]:
    """Words and neighbouring pairs of words: pairs tell most about whether a summary keeps to its source."""
    terms = split_terms(sentence)
    return {(term,) for term in terms} | set(pairwise(terms))
