"""The seam of the engine: what the rooms above may ask of it, and the values that pass through."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from polygist_service.context import CallContext, Trace
from polygist_service.text.alignment import Alignment
from polygist_service.text.segmentation import Span

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Decoding:
    """How a sequence-to-sequence model decodes; segments with equal options share batches.

    Attributes:
        beam_size: 1 is greedy.
        hypothesis_count: how many hypotheses a segment gets, best first.
        shortlist: restrict the output vocabulary to the model's shortlist, where it has one.
        scores: compute the score of each hypothesis.
        max_output_tokens: at most so many tokens a segment; 0 is the model's own rule.
        source, target: languages, spelt as in the model's `ModelInfo`; a model of one pair needs neither.
        instruction: what a model that follows instructions is told to do with the text; others take none.
        no_repeat_ngram_size: no run of so many tokens twice in one output; 0 is the model's own rule.
        min_output_tokens: at least so many tokens; 0 is the model's own rule.
        repetition_penalty: divides the score of tokens that an output has already; 0 is the model's own rule.
        alignment: tell which words of each output come from which of its text, where the model can.
        no_parentheses: open no parenthesis, for texts that have none; an encoder-decoder obeys.
    """

    beam_size: int = 1
    hypothesis_count: int = 1
    shortlist: bool = False
    scores: bool = False
    max_output_tokens: int = 0
    source: str = ""
    target: str = ""
    instruction: str = ""
    no_repeat_ngram_size: int = 0
    min_output_tokens: int = 0
    repetition_penalty: float = 0.0
    alignment: bool = False
    no_parentheses: bool = False


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a sentence encoder encodes: sentences are cut after `max_tokens` tokens."""

    max_tokens: int = 128


Options = Decoding | Encoding


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One output text.

    Attributes:
        score: the mean log-probability per target token (<= 0); None where not asked for.
        limited: whether the output limit ended it, not the model.
        alignment: each piece of the output, in order, with the pieces of the text that the model looked at when it
            wrote that, at the least the one that it looked at most; empty where not asked for, and where the model
            tells none.
    """

    text: str
    token_count: int
    score: float | None = None
    limited: bool = False
    alignment: Alignment = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What one segment became: hypotheses (Decoding) or a vector (Encoding, L2 norm 1)."""

    input_token_count: int
    hypotheses: tuple[Hypothesis, ...] = ()
    vector: Vector | None = None

    @property
    def output_token_count(self) -> int:
        """Tokens of the best hypothesis; 0 where there is none."""
        return self.hypotheses[0].token_count if self.hypotheses else 0


@dataclass(frozen=True, slots=True)
class Partial:
    """What a model has written of a segment so far: the start of what comes of it, but for the last few characters."""

    text: str


class Role(Enum):
    """What a model is for."""

    TRANSLATION = "translation"
    ENCODER = "encoder"
    SUMMARISATION = "summarisation"


class State(Enum):
    """Where a model stands in its life."""

    UNLOADED = "unloaded"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the rooms above may know of a model; `name` is without the ``models/`` prefix.

    Attributes:
        max_input_tokens: the window; a longer segment is refused by the engine, so split before.
        quality_beam_size: the beam of the QUALITY preset.
        license: SPDX expression or the licence's name.
        revision: digest of the weights.
        fingerprint: digest of all that its answers depend on: its weights, how it is described, where it runs.
        memory_bytes: what it takes once loaded, estimated.
        family: the rules by which languages and special tokens enter.
        last_used: when a request last used it, in seconds since 1970; None before the first.
        follows_instructions: whether it does what `Decoding.instruction` says.
        is_experimental: whether it is unfit to be the server's own choice.
        max_output_tokens: at most so many tokens an output by its own rule; 0 goes by the length of the source.
        aligns: whether it tells which words of an output come from which of its text.
    """

    name: str
    display_name: str
    role: Role
    source_languages: tuple[str, ...]
    target_languages: tuple[str, ...]
    max_input_tokens: int
    has_shortlist: bool
    quality_beam_size: int
    compute_type: str
    device: str
    revision: str
    license: str
    size_bytes: int
    state: State
    memory_bytes: int = 0
    family: str = ""
    follows_instructions: bool = False
    is_experimental: bool = False
    max_output_tokens: int = 0
    aligns: bool = False
    fingerprint: str = ""
    last_used: float | None = field(default=None, compare=False)

    @property
    def is_multilingual(self) -> bool:
        """Whether it serves more than one pair of languages."""
        return len(self.source_languages) * len(self.target_languages) > 1


class Tokens(Protocol):
    """What a model reads of one segment; only the engine looks inside, `len` is the number of tokens."""

    def __len__(self) -> int:
        """Number of tokens, those that the model's prompt format adds included."""
        ...


class HeldModel(Protocol):
    """A loaded model that stays as it is while it is held, whatever is loaded or unloaded meanwhile.

    All but `info`, `submit` and `write` block: they are for the threads of a `concurrency.TextPool`.
    """

    @property
    def info(self) -> ModelInfo:
        """What may be known of it."""
        ...

    def count(self, text: str) -> int:
        """Number of tokens of `text`."""
        ...

    def tokenise(self, text: str, options: Options) -> Tokens | None:
        """The tokens of one segment, for `submit` with the same options; None where it does not fit the window."""
        ...

    def unknown_spans(self, text: str) -> list[Span]:
        """Half-open spans of `text` that the vocabulary lacks."""
        ...

    def likelihood(self, text: str) -> float:
        """Log-probability of a few words by the vocabulary alone: of two spellings the model knows the likelier."""
        ...

    def submit(
        self, segments: Sequence[str | Tokens], *, options: Options, context: CallContext
    ) -> AsyncGenerator[tuple[int, Result], None]:
        """Yield `(index, result)` as segments finish, in any order; closing the iterator cancels what is queued.

        Args:
            segments: texts or their tokens, each of which fits the window; texts are tokenised first.
            options: what shares a batch; `Decoding` or `Encoding`, as the model's role asks.
            context: whose work this is, and until when it is wanted.

        Raises:
            InferenceFailed: a text does not fit the window, or the model failed on a segment.
        """
        ...

    def write(self, segment: str, *, options: Decoding, context: CallContext) -> AsyncGenerator[Partial | Result, None]:
        """Yield what a model writes of one segment while it writes, and at last its result, which is that of `submit`.

        A beam search has no text before its end, and gives the result alone. Closing the iterator stops the model.
        """
        ...


class Offers(Protocol):
    """What could be installed, by the names that ``polygist-server models pull`` takes; the store's catalogue tells."""

    def has(self, name: str) -> bool:
        """Whether there is a model of this very name."""
        ...

    def translation(self, source: str, target: str) -> str | None:
        """Return the model for one pair of languages that may be recommended; None where there is none."""
        ...

    def multilingual(self, source: str, target: str) -> str | None:
        """Return the model of many languages that may be recommended for a pair; None where there is none."""
        ...

    def guess(self, source: str, target: str) -> str | None:
        """Return a name that there may be a model of a pair under; None where there is no such name."""
        ...

    def reader(self, role: str, language: str) -> str | None:
        """Return the model of a role that reads a language and may be recommended; None where there is none.

        Args:
            role: the value of a `Role`.
            language: a canonical tag.
        """
        ...


def advise_pull(*names: str) -> str:
    """Say how to install models, in words to stand behind a sentence; empty without names."""
    return (
        f"; install {'it' if len(names) == 1 else 'them'}: polygist-server models pull {' '.join(names)}"
        if names
        else ""
    )


def pull_metadata(*names: str) -> dict[str, str]:
    """Return what an error that `advise_pull` ends tells programs."""
    return {"pull": " ".join(names)} if names else {}


class Engine(Protocol):
    """Runs models; every caller's segments share the same batches."""

    def hold(self, model: str, context: CallContext) -> AbstractAsyncContextManager[HeldModel]:
        """Load a model if need be, and keep it while the block runs.

        Hold one model at a time: who holds one and waits for another may wait for room that it takes itself.

        Raises:
            NotFound: no such model. ModelLoading: it is not ready before the deadline.
            InferenceFailed: it does not load.
        """
        ...

    @property
    def offers(self) -> Offers:
        """What could be installed beside them."""
        ...

    def models(self) -> tuple[ModelInfo, ...]:
        """All models that are installed here, loaded or not, sorted by name."""
        ...

    def model(self, name: str) -> ModelInfo:
        """One model; raises NotFound, naming those there are."""
        ...


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one batch was, and what it took.

    Attributes:
        padded_tokens: segments times the tokens of the longest: what the model computes.
        source_tokens: of all segments, without padding.
        target_tokens: of the best hypothesis of each segment; 0 for an encoder.
        unclaimed_tokens: of them, those of segments that nobody waited for any more when the batch ended.
        seconds: the model's time.
    """

    model: str
    segments: int
    padded_tokens: int
    source_tokens: int
    target_tokens: int
    unclaimed_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class QueueState:
    """What waits for a slot; segments that nobody wants any more are not counted.

    Attributes:
        seconds: what it may be expected to take of slots.
    """

    segments: int = 0
    requests: int = 0
    oldest_seconds: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CacheState:
    """What the sentence cache holds, and how often it was of use.

    Attributes:
        hits, misses: segments that were in it, and others, since the start.
        entries: results that it has.
        bytes: what they take.
        capacity: the most bytes that they may take; 0 where there is no cache.
    """

    hits: int = 0
    misses: int = 0
    entries: int = 0
    bytes: int = 0
    capacity: int = 0


class Observer(Protocol):
    """Is called on the threads of the slots, once a batch: has to be quick, and safe to share between threads."""

    def batch_ran(self, report: BatchReport) -> None:
        """A batch is done."""
        ...

    def batch_failed(self, segments: int) -> None:
        """A batch failed: one segment fails for good, more are run again in halves."""
        ...

    def segment_refused(self) -> None:
        """A segment was longer than its model's window."""
        ...


@dataclass(frozen=True, slots=True)
class TracedPart:
    """The segments in a batch that were handed in together, of a call that is traced.

    Attributes:
        since: when they were queued, on the clock of `time.monotonic`, as all times here.
        segments: how many there are.
    """

    trace: Trace
    since: float
    segments: int


@dataclass(frozen=True, slots=True)
class TracedRun:
    """One run of a model for a batch, or for a half of one that failed.

    Attributes:
        report: what it took; None where it failed.
    """

    began: float
    ended: float
    parts: Sequence[TracedPart]
    report: BatchReport | None


@dataclass(frozen=True, slots=True)
class TracedBatch:
    """A batch with segments of calls that are traced.

    Attributes:
        began: when a slot took it.
        ended: when its outcomes were there.
        parts: what is in it of these calls; one at least.
        segments: how many there are in all.
        calls: of how many calls they are.
    """

    model: str
    began: float
    ended: float
    parts: Sequence[TracedPart]
    runs: Sequence[TracedRun]
    segments: int
    calls: int


class BatchTracer(Protocol):
    """Is called on the threads of the slots, as an `Observer` is."""

    def batch_ended(self, batch: TracedBatch) -> None:
        """A batch with segments of traced calls is done, and what came of it is on its way."""
        ...


class Unobserved:
    """Nobody is told."""

    def batch_ran(self, report: BatchReport) -> None: ...

    def batch_failed(self, segments: int) -> None: ...

    def segment_refused(self) -> None: ...
