"""Sentence encoders: text in, one vector out."""

from collections.abc import Sequence
from typing import cast

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from polygist_service.engine.interface import Encoding, Options, Result, Tokens, Vector
from polygist_service.engine.models.base import BatchLimits, Listener
from polygist_service.engine.models.decoding import ENCODER
from polygist_service.engine.models.tokenizers import TemplateTokenizer
from polygist_service.text.segmentation import Span


class SentenceEncoder:
    """An encoder of sentences: text in, one vector of L2 norm 1 out.

    Args:
        encoder: the converted model.
        tokenizer: splits texts.
        max_input_tokens: the window; more is left out.
        pooling: ``mean`` of all states, or ``cls``, the first one.
    """

    def __init__(
        self,
        encoder: ctranslate2.Encoder,
        tokenizer: TemplateTokenizer,
        *,
        max_input_tokens: int,
        pooling: str = "mean",
    ) -> None:
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._window = max_input_tokens
        self._pooling = pooling

    def tokenise(self, text: str, options: Options) -> list[int]:
        assert isinstance(options, Encoding)
        return self._tokenizer.encode(text, max_tokens=min(options.max_tokens, self._window))

    def batch_limits(self, options: Options) -> BatchLimits:
        return ENCODER

    def most_output_tokens(self, batch: Sequence[Tokens], options: Options) -> int:
        return 0

    def run(self, batch: Sequence[Tokens], options: Options, listener: Listener | None = None) -> list[Result]:
        output = self._encoder.forward_batch(cast(list[list[int]], batch))
        states = np.asarray(output.last_hidden_state)
        lengths = np.array([len(tokens) for tokens in batch])
        pooled = states[:, 0] if self._pooling == "cls" else mean_states(states, lengths)
        vectors = (pooled / np.linalg.norm(pooled, axis=1, keepdims=True)).astype(np.float32)
        return [Result(int(length), vector=vector) for length, vector in zip(lengths, vectors, strict=True)]

    def count(self, text: str) -> int:
        return self._tokenizer.count(text)

    def unknown_spans(self, text: str) -> list[Span]:
        return self._tokenizer.unknown_spans(text)

    def likelihood(self, text: str) -> float:
        return self._tokenizer.likelihood(text)


def mean_states(states: Vector, lengths: NDArray[np.int64]) -> Vector:
    """The mean of each row's own states, of shape (rows, dimension); what was padded does not count."""
    real = np.arange(states.shape[1]) < lengths[:, None]
    mean: Vector = (states * real[:, :, None]).sum(axis=1) / lengths[:, None]
    return mean
