"""Which sentences of an article a written sentence rests on, by its wording."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from polygist_service.engine.api import Span
from polygist_service.summarisation.terms import split_terms
from polygist_service.summarisation.values import Citation

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

    def cite(self, sentence: str) -> tuple[Citation, ...]:
        """The passages that share most words and word pairs with `sentence`, best first; none where none does."""
        features = _features(sentence)
        shared = Counter(at for feature in features for at in self._holders.get(feature, ()))
        ranked = sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:MOST_CITATIONS]
        return tuple(
            Citation(self._spans[at], count / len(features))
            for at, count in ranked
            if count >= SECOND_SHARE * ranked[0][1]
        )


def _features(sentence: str) -> set[tuple[str, ...]]:
    """Words and neighbouring pairs of words: pairs tell most about whether a summary keeps to its source."""
    terms = split_terms(sentence)
    return {(term,) for term in terms} | set(pairwise(terms))
