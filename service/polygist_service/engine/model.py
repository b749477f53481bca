"""Loaded models: each class owns one native CTranslate2 object and says how it is fed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import ctranslate2
import numpy as np

from polygist_service.engine.api import Decoding, Encoding, Hypothesis, Options, Result, Span
from polygist_service.engine.devices import Placement
from polygist_service.engine.tokenizer import SentencePieceTokenizer, WordPieceTokenizer
from polygist_service.errors import InferenceFailed

Tokens = Sequence[str] | Sequence[int]

# An output longer than this many times its source (plus the offset) is a loop, not a translation.
OUTPUT_FACTOR = 2
OUTPUT_OFFSET = 16


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large a batch may be.

    Attributes:
        segments: at most so many segments.
        tokens: at most so many padded tokens: segments times the longest, CTranslate2's own rule for
            ``batch_type="tokens"``.
        mixed_segments: segments of other lengths are added only up to so many.
    """

    segments: int
    tokens: int
    mixed_segments: int


# Measured on two cores without VNNI. A full vocabulary: 8 to 64 segments are nearly level; of 1,000 sentences, batches
# of equal lengths answer all as alone, freely mixed ones 978, these 996 (an int8 rounding falls the other way now and
# then). With the shortlist, whose candidates depend on the batch anyway, 16 are fastest. An encoder: 32 are a third
# slower than 8.
FULL_VOCABULARY = BatchLimits(segments=32, tokens=1024, mixed_segments=8)
SHORTLIST = BatchLimits(segments=16, tokens=1024, mixed_segments=8)
ENCODER = BatchLimits(segments=8, tokens=1024, mixed_segments=8)


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
        folder: the converted model and its ``tokenizer.spm``.
        max_input_tokens: the window, end of sentence included.
        slots: how many batches run at the same time.
        placement: where it runs.
    """

    def __init__(self, folder: Path, *, max_input_tokens: int, slots: int, placement: Placement) -> None:
        self._tokenizer = SentencePieceTokenizer(folder / "tokenizer.spm")
        self._window = max_input_tokens
        self._translator = ctranslate2.Translator(
            str(folder), **placement.arguments(), inter_threads=slots, intra_threads=1
        )

    def tokenise(self, text: str, options: Options) -> list[str]:
        pieces = self._tokenizer.encode(text)
        if len(pieces) >= self._window:
            raise InferenceFailed(f"a segment has {len(pieces)} tokens, the model's window is {self._window}")
        return pieces

    def batch_limits(self, options: Options) -> BatchLimits:
        return SHORTLIST if isinstance(options, Decoding) and options.shortlist else FULL_VOCABULARY

    def run(self, batch: Sequence[Tokens], options: Options) -> list[Result]:
        assert isinstance(options, Decoding)
        limits = [options.max_output_tokens or OUTPUT_FACTOR * len(tokens) + OUTPUT_OFFSET for tokens in batch]
        outputs = self._translator.translate_batch(
            cast(Sequence[list[str]], batch),
            max_batch_size=0,
            beam_size=max(options.beam_size, options.hypothesis_count),
            num_hypotheses=options.hypothesis_count,
            return_scores=options.scores,
            use_vmap=options.shortlist,
            disable_unk=True,
            # 0: CTranslate2 then raises on an over-long input instead of cutting it silently.
            max_input_length=0,
            max_decoding_length=max(limits),
        )
        return [
            Result(len(tokens), self._read_hypotheses(output, limit))
            for tokens, output, limit in zip(batch, outputs, limits, strict=True)
        ]

    def _read_hypotheses(self, output: ctranslate2.TranslationResult, limit: int) -> tuple[Hypothesis, ...]:
        """The batch shares the largest limit; each segment is held to its own, so its answer is the same alone."""
        scores: Sequence[float | None] = output.scores or [None] * len(output.hypotheses)
        return tuple(
            Hypothesis(self._tokenizer.decode(pieces[:limit]), len(pieces[:limit]), score, len(pieces) >= limit)
            for pieces, score in zip(output.hypotheses, scores, strict=True)
        )

    def count(self, text: str) -> int:
        return self._tokenizer.count(text)

    def unknown_spans(self, text: str) -> list[Span]:
        return self._tokenizer.unknown_spans(text)


class SentenceEncoder:
    """An encoder with mean pooling: text in, one vector of L2 norm 1 out.

    Args: as those of `SequenceToSequence`; the tokenizer is ``tokenizer.json``.
    """

    def __init__(self, folder: Path, *, max_input_tokens: int, slots: int, placement: Placement) -> None:
        self._tokenizer = WordPieceTokenizer(folder / "tokenizer.json")
        self._window = max_input_tokens
        self._encoder = ctranslate2.Encoder(str(folder), **placement.arguments(), inter_threads=slots, intra_threads=1)

    def tokenise(self, text: str, options: Options) -> list[int]:
        assert isinstance(options, Encoding)
        return self._tokenizer.encode(text, max_tokens=min(options.max_tokens, self._window))

    def batch_limits(self, options: Options) -> BatchLimits:
        return ENCODER

    def run(self, batch: Sequence[Tokens], options: Options) -> list[Result]:
        output = self._encoder.forward_batch(cast(Sequence[list[int]], batch))
        states = np.asarray(output.last_hidden_state)
        lengths = np.array([len(tokens) for tokens in batch])
        real = np.arange(states.shape[1]) < lengths[:, None]
        means = (states * real[:, :, None]).sum(axis=1) / lengths[:, None]
        vectors = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
        return [Result(int(length), vector=vector) for length, vector in zip(lengths, vectors, strict=True)]

    def count(self, text: str) -> int:
        return self._tokenizer.count(text)

    def unknown_spans(self, text: str) -> list[Span]:
        return self._tokenizer.unknown_spans(text)
