"""TF-IDF vectors of the sentences of one document."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polygist_service.engine.interface import Vector
from polygist_service.text.words import split_terms

# Terms made dense at once: bounds the memory of a similarity, however many words a document has.
BLOCK = 4096

Split = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class TfidfVectors:
    """Rows of L2 norm 1 in coordinates: `values[k]` stands at row `rows[k]`, column `columns[k]`.

    The weight of a term is (1 + log tf) * log((n + 1) / (df + 0.5)), df counted among these `count` = n sentences.
    `split` finds the terms of a text.
    """

    count: int
    vocabulary: dict[str, int]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Vector
    split: Split

    @classmethod
    def of(cls, sentences: Sequence[str], split: Split = split_terms) -> "TfidfVectors":
        """Return the vectors of `sentences`, one row each, over the terms that `split` finds in them."""
        vocabulary: dict[str, int] = {}
        rows, columns, frequencies = [], [], []
        for row, sentence in enumerate(sentences):
            for term, frequency in Counter(split(sentence)).items():
                rows.append(row)
                columns.append(vocabulary.setdefault(term, len(vocabulary)))
                frequencies.append(frequency)
        at_rows, at_columns = np.array(rows, np.int64), np.array(columns, np.int64)
        spread = np.bincount(at_columns, minlength=len(vocabulary))
        weights = (1 + np.log(np.array(frequencies, float))) * np.log((len(sentences) + 1) / (spread + 0.5))[at_columns]
        norms = np.sqrt(np.bincount(at_rows, weights**2, minlength=len(sentences)))
        values = (weights / norms[at_rows]).astype(np.float32)
        return cls(len(sentences), vocabulary, at_rows, at_columns, values, split)

    def centroid(self) -> NDArray[np.float64]:
        """Return the sum of all rows."""
        return np.bincount(self.columns, self.values, len(self.vocabulary)).astype(float)

    def direction(self, text: str) -> NDArray[np.float64]:
        """Return `text` as a 0/1 vector of norm 1 over the document's terms; zero where it shares none."""
        vector = np.zeros(len(self.vocabulary))
        known = [self.vocabulary[term] for term in set(self.split(text)) if term in self.vocabulary]
        if known:
            vector[known] = 1 / np.sqrt(len(known))
        return vector

    def project(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the dot product of each row with `vector`."""
        return np.bincount(self.rows, self.values * vector[self.columns], self.count).astype(float)

    def similarities(self) -> Vector:
        """Return the cosines of all pairs of rows, shape (count, count)."""
        result = np.zeros((self.count, self.count), np.float32)
        order = np.argsort(self.columns, kind="stable")
        rows, columns, values = self.rows[order], self.columns[order], self.values[order]
        for start in range(0, len(self.vocabulary), BLOCK):
            low, high = np.searchsorted(columns, [start, start + BLOCK])
            dense = np.zeros((self.count, BLOCK), np.float32)
            dense[rows[low:high], columns[low:high] - start] = values[low:high]
            result += dense @ dense.T
        return result
