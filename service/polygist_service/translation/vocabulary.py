"""What a model can read, and how well it knows a spelling."""

from typing import Protocol

from polygist_service.text.segmentation import Span

# No longer text is a word.
LONGEST_WORD = 40


class Vocabulary(Protocol):
    """What a model can read; see `engine.interface.HeldModel`."""

    def unknown_spans(self, text: str) -> list[Span]:
        """Return the spans of `text` that the vocabulary lacks."""
        ...

    def likelihood(self, text: str) -> float:
        """Return how likely a few words are by the vocabulary alone, as a logarithm."""
        ...


class RememberedVocabulary:
    """A vocabulary that is asked about a character or a word once.

    Args:
        vocabulary: the one that is asked.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._unknown: dict[str, list[Span]] = {}
        self._likelihoods: dict[str, float] = {}

    def unknown_spans(self, text: str) -> list[Span]:
        """See `Vocabulary`; what is longer than a word is not remembered."""
        if len(text) > LONGEST_WORD:
            return self._vocabulary.unknown_spans(text)
        if text not in self._unknown:
            self._unknown[text] = self._vocabulary.unknown_spans(text)
        return self._unknown[text]

    def likelihood(self, text: str) -> float:
        """See `Vocabulary`."""
        if text not in self._likelihoods:
            self._likelihoods[text] = self._vocabulary.likelihood(text)
        return self._likelihoods[text]
