"""How models write: how much at a time, how long, and when they stop."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ctranslate2
import structlog

from polygist_service.engine.interface import Decoding, Hypothesis
from polygist_service.engine.models.base import BatchLimits, Listener
from polygist_service.engine.models.tokenizers import Tokenizer

log = structlog.get_logger(__name__)

# An output longer than this many times its source (plus the offset) is a loop, not a translation.
OUTPUT_FACTOR = 2
OUTPUT_OFFSET = 16


# Measured on two cores without VNNI. A full vocabulary: 8 to 64 segments are nearly level; of 1,000 sentences, batches
# of equal lengths answer all as alone, freely mixed ones 978, these 996 (an int8 rounding falls the other way now and
# then). With the shortlist, whose candidates depend on the batch anyway, 16 are fastest. An encoder: 32 are a third
# slower than 8.
FULL_VOCABULARY = BatchLimits(segments=32, tokens=2048, mixed_segments=8)
SHORTLIST = BatchLimits(segments=16, tokens=1024, mixed_segments=8)
ENCODER = BatchLimits(segments=8, tokens=1024, mixed_segments=8)
# A causal model on a CPU gains nothing from batches, and padded prompts of unequal length changed its texts at int8.
ALONE = BatchLimits(segments=1, tokens=1 << 30, mixed_segments=1)


@dataclass(frozen=True, slots=True)
class Generation:
    """How a model's own settings have it write, beside the options of a request.

    Attributes:
        max_output_tokens: at most so many; 0 goes by the length of the source.
        min_output_tokens, no_repeat_ngram_size, repetition_penalty, length_penalty: as CTranslate2 takes them.
        end_tokens: what ends an output; empty for the model's own end of sentence.
        positions: how many tokens the decoder has positions for, those that it is made to begin with left out; 0 for no
            end. CTranslate2 raises on the first token beyond them.
    """

    max_output_tokens: int = 0
    min_output_tokens: int = 0
    no_repeat_ngram_size: int = 0
    repetition_penalty: float = 1.0
    length_penalty: float = 1.0
    end_tokens: tuple[str, ...] = ()
    positions: int = 0

    def limit(self, options: Decoding, source_tokens: int) -> int:
        """The most tokens that one output may have."""
        wanted = options.max_output_tokens or self.max_output_tokens or OUTPUT_FACTOR * source_tokens + OUTPUT_OFFSET
        return min(wanted, self.positions or wanted)

    def arguments(self, options: Decoding) -> Mapping[str, Any]:
        """The keyword arguments that ``translate_batch`` and ``generate_batch`` share."""
        return {
            "beam_size": max(options.beam_size, options.hypothesis_count),
            "num_hypotheses": options.hypothesis_count,
            "return_scores": options.scores,
            "no_repeat_ngram_size": options.no_repeat_ngram_size or self.no_repeat_ngram_size,
            "repetition_penalty": options.repetition_penalty or self.repetition_penalty,
            "length_penalty": self.length_penalty,
            "end_token": list(self.end_tokens) or None,
        }

    def least(self, options: Decoding) -> int:
        """The least tokens that one output has."""
        wanted = options.min_output_tokens or self.min_output_tokens
        return min(wanted, self.positions or wanted)


USUAL = Generation()


@contextmanager
def follow(
    listener: Listener | None,
    decode: Callable[[Sequence[str]], str],
    *,
    limits: Sequence[int],
    prefixes: Sequence[int] = (),
) -> Iterator["Following | None"]:
    """Give the ``callback`` of a greedy batch that tells a listener of its outputs; None where there is no listener."""
    following = Following(listener, decode, limits=limits, prefixes=prefixes) if listener else None
    try:
        yield following
    finally:
        if following:
            following.close()


class Following:
    """Follows the outputs of a greedy batch token by token.

    Args:
        listener: is told of them.
        decode: from tokens to the text that a result has.
        limits: the most tokens of each output.
        prefixes: how many tokens each output is made to begin with.
    """

    def __init__(
        self,
        listener: Listener,
        decode: Callable[[Sequence[str]], str],
        *,
        limits: Sequence[int],
        prefixes: Sequence[int] = (),
    ) -> None:
        self._listener: Listener | None = listener
        self._decode: Callable[[Sequence[str]], str] | None = decode
        self._limits = limits
        self._prefixes = prefixes or [0] * len(limits)
        self._written: list[list[str]] = [[] for _ in limits]

    def __call__(self, step: ctranslate2.GenerationStepResult) -> bool:
        """Take a token; return whether its output is to end there."""
        try:
            return self._take(step.batch_id, step.token)
        except Exception:  # CTranslate2 would fail the whole batch
            log.exception("batch_not_followed")
            return False

    def close(self) -> None:
        """Let go of everybody.

        CTranslate2 drops its callback when it likes, on a thread of the model. Were that the last to know of the model,
        the thread would wait for its own end, and the process abort.
        """
        self._listener = self._decode = None

    def _take(self, at: int, token: str) -> bool:
        if not self._listener or not self._decode or not self._listener.is_wanted(at):
            return True
        if self._listener.is_followed(at):
            written = self._written[at]
            written.append(token)
            # What a batch writes beyond the limit of one segment is no part of its answer.
            if 0 < len(written) - self._prefixes[at] <= self._limits[at]:
                self._listener.tell(at, self._decode(written[self._prefixes[at] :]))
        return False


def read_hypotheses(
    tokenizer: Tokenizer, outputs: Sequence[Sequence[str]], scores: Sequence[float] | None, limit: int
) -> tuple[Hypothesis, ...]:
    """The texts of `outputs`, each held to `limit` tokens."""
    known: Sequence[float | None] = scores or [None] * len(outputs)
    return tuple(
        Hypothesis(tokenizer.decode(tokens[:limit]), len(tokens[:limit]), score, len(tokens) >= limit)
        for tokens, score in zip(outputs, known, strict=True)
    )
