"""What one measured stretch of time holds."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

# What counts of CTranslate2 alone, beside the engine: nothing; tokenising and detokenising; and splitting articles into
# sentences, too.
ENGINE, TOKENS, WHOLE = "engine", "tokens", "whole"

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Window:
    """Work that one process did in one stretch of time.

    Attributes:
        seconds: how long the stretch was.
        words: source words that were translated, shares of a text included.
        tokens: target tokens that were written.
        cpu_seconds: of the process that translated.
        generator_cpu_seconds: of the process that sent the calls; 0 where there were none.
    """

    seconds: float
    words: float
    tokens: float
    cpu_seconds: float
    generator_cpu_seconds: float = 0.0

    @property
    def words_per_second(self) -> float:
        """Throughput."""
        return self.words / self.seconds

    @property
    def words_per_cpu_second(self) -> float:
        """Throughput that other processes on the machine touch less; the generator's time does not count."""
        return self.words / self.cpu_seconds

    def to_json(self) -> str:
        """What `from_json` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Window":
        """The window that another process printed."""
        return cls(**json.loads(text))


def share_within(call: tuple[float, float], window: tuple[float, float]) -> float:
    """The share of a call, from start to end, that lies in a window.

    Whole calls would not do: an article takes a good part of a window, so that one more or less would be some per cent.
    """
    (start, end), (opened, closed) = call, window
    return max(0.0, min(end, closed) - max(start, opened)) / (end - start)


def read_cpu_seconds(pid: int) -> float:
    """CPU time of a process and all its threads since its start."""
    return read_ticks(Path(f"/proc/{pid}/stat"))


def read_ticks(stat: Path) -> float:
    """CPU seconds that a ``stat`` file of a process or thread tells."""
    # The name, in brackets, may hold anything: the figures begin behind it.
    fields = stat.read_text().rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / TICKS_PER_SECOND
