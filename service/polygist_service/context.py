"""Who asks, and until when: what is known of a call wherever its work is done. Stdlib only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

# A call whose caller gives no deadline has as many seconds, and one more for so many characters.
BASE_SECONDS = 120.0
CHARACTERS_PER_SECOND = 2000


@dataclass(slots=True, eq=False)
class Usage:
    """What a call has taken of the machine so far.

    Attributes:
        engine_seconds: of the time of slots; of a batch that calls share, each its part. Only the slots add to it, one
            at a time; to all else only the event loop does.
        input_tokens, output_tokens: what models have read and written, attempts that were given up included; of
            alternatives only the best one counts.
        cached_segments: how many needed no model: the cache had the answer, or an equal segment of the same call.
    """

    engine_seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_segments: int = 0

    def count_tokens(self, read: int, written: int) -> None:
        """Count what a model has read and written of a segment."""
        self.input_tokens += read
        self.output_tokens += written


class Trace(Protocol):
    """A call whose time is recorded. Any thread may tell it of what is done for the call.

    Attributes:
        trace_id, span_id: as the log has them, in hexadecimal digits.
    """

    trace_id: str
    span_id: str

    def record(self, name: str, began: float) -> None:
        """A part of its time ends now that began then, by `time.monotonic`; one that took no time is left out."""
        ...


@dataclass(frozen=True, slots=True)
class CallContext:
    """One call, from its interceptor down to the queue of the scheduler.

    Attributes:
        caller: whose call it is, for fairness between callers: its API key, else the peer's address without its port.
        deadline: when the answer is no longer wanted, on the event loop's clock; None without a deadline.
        request_id: what the log and the caller know the call by.
        usage: what it has taken so far.
        weight: its caller's share of the slots beside others.
        trace: the record of its time; None where it is not traced.
    """

    caller: str
    deadline: float | None = None
    request_id: str = ""
    usage: Usage = field(default_factory=Usage, compare=False)
    weight: float = 1.0
    trace: Trace | None = field(default=None, compare=False)

    @staticmethod
    def default_seconds(characters: int) -> float:
        """Return how long a call with so many code points, or bytes of a file, may take if its caller does not say."""
        return BASE_SECONDS + characters / CHARACTERS_PER_SECOND


@dataclass(slots=True, kw_only=True)
class IncomingCall:
    """What comes with a call beside its messages, and what goes back with the answer.

    Attributes:
        metadata: names in small letters, and values.
        peer: who calls, as gRPC writes it: ``ipv4:192.0.2.1:4711``.
        seconds: how long the answer is wanted; None without a deadline.
        trailer: what the answer, or the failure, comes with.
        has_come: whether all of its message is there, if it has one only.
    """

    metadata: Sequence[tuple[str, str]] = ()
    peer: str = ""
    seconds: float | None = None
    trailer: dict[str, str] = field(default_factory=dict)
    has_come: Callable[[], bool] = bool
