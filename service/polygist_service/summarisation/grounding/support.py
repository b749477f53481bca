"""How well an article bears out a written sentence: by a sentence encoder, by its wording, or by both."""

from dataclasses import dataclass
from itertools import pairwise

from polygist_service.summarisation.tfidf import split_terms

# Half of each. By wording alone, every paraphrase would be replaced; it agrees a little better with SummEval's experts
# (Kendall's tau .34; .30 for both together, .28 for similarity alone) only as the systems that they judged copy much.
SIMILARITY_WEIGHT = 0.5
# The least of both, of wording alone and of similarity alone. Each keeps 95 % of the 1,946 sentences of the 648
# summaries that all experts call fully consistent, and replaces 21, 21 and 15 % of the 498 of the other 152 (not all
# of which are wrong). Fitted on half of the articles, the first is .67 or .55, and keeps 92 or 99 % in the other half:
# `python -m bench.quality.support_fit` prints it all and draws bench/quality/support_fit.svg.
LEAST_SUPPORT = 0.64
LEAST_WORDING = 0.64
LEAST_SIMILARITY = 0.57


class Wording:
    """The neighbouring pairs of words of one article.

    Args:
        text: the article.
    """

    def __init__(self, text: str) -> None:
        terms = split_terms(text)
        self._words, self._pairs = set(terms), set(pairwise(terms))

    def found_share(self, sentence: str) -> float:
        """The share of the word pairs of `sentence` that the article has; of a single word, whether it has that."""
        terms = split_terms(sentence)
        pairs = list(pairwise(terms))
        if not pairs:
            return float(bool(terms) and terms[0] in self._words)
        return sum(pair in self._pairs for pair in pairs) / len(pairs)


@dataclass(frozen=True, slots=True)
class Support:
    """What bears out a written sentence.

    Attributes:
        similarity: the highest cosine to a sentence of the article; None where no encoder reads both.
        wording: the share of word pairs that the article has; None where the two are in different languages.
    """

    similarity: float | None
    wording: float | None

    @property
    def score(self) -> float:
        """Both measures, or the one there is, 0 to 1; 0 where there is none."""
        similarity = None if self.similarity is None else min(1.0, max(0.0, self.similarity))
        if similarity is None:
            return self.wording or 0.0
        if self.wording is None:
            return similarity
        return SIMILARITY_WEIGHT * similarity + (1 - SIMILARITY_WEIGHT) * self.wording

    @property
    def threshold(self) -> float:
        """The least score of a sentence that is shown; without any measure none is."""
        if self.similarity is None:
            return LEAST_WORDING
        return LEAST_SIMILARITY if self.wording is None else LEAST_SUPPORT

    @property
    def is_enough(self) -> bool:
        """Whether the sentence may be shown."""
        return self.score >= self.threshold
