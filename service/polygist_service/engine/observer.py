"""Who is told of the engine's work: for metrics, without knowing what collects them."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class BatchReport:
    """What one batch was, and what it took.

    Attributes:
        padded_tokens: segments times the tokens of the longest: what the model computes.
        source_tokens: of all segments, without padding.
        target_tokens: of the best hypothesis of each segment; 0 for an encoder.
        seconds: the model's time.
    """

    model: str
    segments: int
    padded_tokens: int
    source_tokens: int
    target_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class QueueState:
    """What waits for a slot; segments that nobody wants any more are not counted."""

    segments: int = 0
    requests: int = 0
    oldest_seconds: float = 0.0


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


class Unobserved:
    """Nobody is told."""

    def batch_ran(self, report: BatchReport) -> None: ...

    def batch_failed(self, segments: int) -> None: ...

    def segment_refused(self) -> None: ...
