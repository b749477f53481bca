"""What an examination finds. Stdlib only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MEGA, GIGA = 1e6, 1e9


class State(StrEnum):
    """How bad it is: only a fault keeps a server from its work."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        state: how bad it is.
        name: what was looked at: cores, memory, the setting of an address.
        text: what is there, or what is wrong with it and what to do.
        figures: the same for programs, as far as it is numbers and names.
    """

    state: State
    name: str
    text: str
    figures: Mapping[str, object] = field(default_factory=dict)


def write_size(size: float) -> str:
    """A number of bytes for people: 1.25 GB, 17 MB."""
    return f"{size / GIGA:.2f} GB" if size >= GIGA else f"{size / MEGA:.0f} MB"


def write_seconds(seconds: float) -> str:
    """A time for people: 2.4 s, 31 ms."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
