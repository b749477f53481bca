"""What the scheduler and the slots see of a loaded model."""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from polygist_service.engine.interface import Options, Result, Tokens
from polygist_service.text.segmentation import Span

# Of shorter segments, in tokens, it is not found out which lengths may share a batch: hardly any of them shows a seam
# (on processors with AMX one of two tokens does, now and then, in the last bit of its score).
SHORTEST_PROBED = 5


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large a batch may be.

    Attributes:
        segments: at most so many segments.
        tokens: at most so many padded tokens: segments times the longest, CTranslate2's own rule for
            ``batch_type="tokens"``.
        mixed_segments: segments of other lengths are added only up to so many, unless they answer alike.
        seams: lengths in tokens, ascending, from each of which on the machine calculates otherwise: below the first,
            and between two, segments of any lengths answer in one batch what they answer alone. Below
            `SHORTEST_PROBED`, from the last on, and where there are none, it is known of equal lengths only. See
            `invariance`.
    """

    segments: int
    tokens: int
    mixed_segments: int
    seams: tuple[int, ...] = ()

    def answer_alike(self, length: int, other: int) -> bool:
        """Whether segments of these lengths answer in one batch what they answer alone."""
        if length == other:
            return True
        stretch = bisect(self.seams, length)
        is_known = min(length, other) >= SHORTEST_PROBED and stretch < len(self.seams)
        return is_known and stretch == bisect(self.seams, other)


class Listener(Protocol):
    """Whoever waits for the outputs of a batch, each named by its index there, while they are written.

    Is asked and told on a thread of CTranslate2, between two tokens: has to be quick.

    Attributes:
        stops_early: whether an output that nobody wants any more has to end before its batch; to ask costs a small
            model a third of its speed.
    """

    stops_early: bool

    def is_wanted(self, at: int) -> bool:
        """Whether anybody still wants an output: else the model stops writing it."""
        ...

    def is_followed(self, at: int) -> bool:
        """Whether anybody wants to know of an output before it is whole."""
        ...

    def tell(self, at: int, text: str) -> None:
        """Take the start of an output."""
        ...

    def is_aligned(self, at: int) -> bool:
        """Whether anybody wants to know where an output comes from, though the options of the batch do not ask."""
        ...


class Model(Protocol):
    """A loaded model: it owns one native CTranslate2 object and says how that is fed."""

    def tokenise(self, text: str, options: Options) -> Tokens | None:
        """Return the tokens of one segment; None where it does not fit the window."""
        ...

    def batch_limits(self, options: Options) -> BatchLimits:
        """Return how large a batch may be."""
        ...

    def most_output_tokens(self, batch: Sequence[Tokens], options: Options) -> int:
        """Return the most tokens that one output of a batch may have; 0 where there are no tokens to write."""
        ...

    def run(self, batch: Sequence[Tokens], options: Options, listener: Listener | None = None) -> list[Result]:
        """Run one batch, results in its order. Blocks, and releases the GIL while the model works.

        What nobody wants any more, by the `listener`, may end early; its result is worth nothing then.
        """
        ...

    def count(self, text: str) -> int:
        """Return the number of tokens of `text`."""
        ...

    def unknown_spans(self, text: str) -> list[Span]:
        """Return the spans of `text` that the vocabulary lacks."""
        ...

    def likelihood(self, text: str) -> float:
        """Return the log-probability of a few words by the vocabulary alone."""
        ...
