"""Loaded models: each class owns one native CTranslate2 object and says how it is fed."""

from collections.abc import Sequence
from typing import Protocol, cast

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from polygist_service.engine.interface import Decoding, Encoding, Hypothesis, Options, Result, Span, Vector
from polygist_service.engine.models.decoding import (
    ENCODER,
    FULL_VOCABULARY,
    SHORTLIST,
    USUAL,
    BatchLimits,
    Generation,
    check_window,
    read_hypotheses,
)
from polygist_service.engine.models.prompt_format import PLAIN_FORMAT, Prompt, PromptFormat
from polygist_service.engine.models.tokenizers import TemplateTokenizer, Tokenizer

Tokens = Prompt | Sequence[int]


class Model(Protocol):
    """A loaded model, as the scheduler and the slots see it."""

    def tokenise(self, text: str, options: Options) -> Tokens:
        """Tokens of one segment; raises InferenceFailed above the window."""
        ...

    def batch_limits(self, options: Options) -> BatchLimits:
        """How large a batch may be."""
        ...

    def run(self, batch: Sequence[Tokens], options: Options) -> list[Result]:
        """Run one batch, results in its order. Blocks, and releases the GIL while the model works."""
        ...

    def count(self, text: str) -> int:
        """Number of tokens of `text`."""
        ...

    def unknown_spans(self, text: str) -> list[Span]:
        """Spans of `text` that the vocabulary lacks."""
        ...


class SequenceToSequence:
    """An encoder-decoder: text in, hypotheses out.

    Args:
        translator: the converted model.
        tokenizer: splits texts and joins outputs.
        max_input_tokens: the window, end of sentence included, what the layout adds left out.
        layout: how a text enters.
        generation: how the model's own settings have it write.
    """

    def __init__(
        self,
        translator: ctranslate2.Translator,
        tokenizer: Tokenizer,
        *,
        max_input_tokens: int,
        layout: PromptFormat = PLAIN_FORMAT,
        generation: Generation = USUAL,
    ) -> None:
        self._translator = translator
        self._tokenizer = tokenizer
        self._window = max_input_tokens
        self._layout = layout
        self._generation = generation

    def tokenise(self, text: str, options: Options) -> Prompt:
        assert isinstance(options, Decoding)
        count = self._tokenizer.count(text) if self._layout.text_prefix else 0
        tokens = self._tokenizer.encode(self._layout.text_prefix + text)
        check_window(count or len(tokens), self._window)
        return self._layout.arrange(tokens, options)

    def batch_limits(self, options: Options) -> BatchLimits:
        return SHORTLIST if isinstance(options, Decoding) and options.shortlist else FULL_VOCABULARY

    def run(self, batch: Sequence[Tokens], options: Options) -> list[Result]:
        """See `Model.run`: hypotheses of each segment, best first, without what their decoder had to begin with."""
        assert isinstance(options, Decoding)
        prompts, generation = cast(Sequence[Prompt], batch), self._generation
        limits = [generation.limit(options, len(prompt)) for prompt in prompts]
        outputs = self._translator.translate_batch(
            [prompt.tokens for prompt in prompts],
            target_prefix=[prompt.prefix for prompt in prompts] if prompts[0].prefix else None,
            max_batch_size=0,
            use_vmap=options.shortlist,
            disable_unk=True,
            # 0: CTranslate2 then raises on an over-long input instead of cutting it silently.
            max_input_length=0,
            # What the decoder is made to begin with counts for CTranslate2, not for us.
            max_decoding_length=max(limits) + len(prompts[0].prefix),
            min_decoding_length=generation.least(options) or 1,
            **generation.arguments(options),
        )
        return [
            Result(len(prompt), self._read_hypotheses(output, len(prompt.prefix), limit))
            for prompt, output, limit in zip(prompts, outputs, limits, strict=True)
        ]

    def _read_hypotheses(
        self, output: ctranslate2.TranslationResult, prefix: int, limit: int
    ) -> tuple[Hypothesis, ...]:
        """The batch shares the largest limit; each segment is held to its own, so its answer is the same alone."""
        return read_hypotheses(self._tokenizer, [tokens[prefix:] for tokens in output.hypotheses], output.scores, limit)

    def count(self, text: str) -> int:
        return self._tokenizer.count(text)

    def unknown_spans(self, text: str) -> list[Span]:
        return self._tokenizer.unknown_spans(text)


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

    def run(self, batch: Sequence[Tokens], options: Options) -> list[Result]:
        output = self._encoder.forward_batch(cast(Sequence[list[int]], batch))
        states = np.asarray(output.last_hidden_state)
        lengths = np.array([len(tokens) for tokens in batch])
        pooled = states[:, 0] if self._pooling == "cls" else _mean(states, lengths)
        vectors = (pooled / np.linalg.norm(pooled, axis=1, keepdims=True)).astype(np.float32)
        return [Result(int(length), vector=vector) for length, vector in zip(lengths, vectors, strict=True)]

    def count(self, text: str) -> int:
        return self._tokenizer.count(text)

    def unknown_spans(self, text: str) -> list[Span]:
        return self._tokenizer.unknown_spans(text)


def _mean(states: Vector, lengths: NDArray[np.int64]) -> Vector:
    """The mean of each row's own states, of shape (rows, dimension); what was padded does not count."""
    real = np.arange(states.shape[1]) < lengths[:, None]
    mean: Vector = (states * real[:, :, None]).sum(axis=1) / lengths[:, None]
    return mean
