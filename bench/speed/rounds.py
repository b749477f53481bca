"""Two sides measured in turn, A B A B: the machine's moods fall on both, and only their ratio counts."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.quality.report import Cell, Say, Table
from bench.speed.sides import LOADS, Load, Side
from bench.speed.window import Window, read_cpu_seconds

# An idle server that takes more of a core than this would slow the side that is measured.
IDLE_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Round:
    """One window of each side under the same load.

    Attributes:
        idle_cores: the most that the server whose turn it was not took, in cores.
    """

    load: Load
    baseline: Window
    candidate: Window
    idle_cores: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Several figures for the same thing."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Raises ValueError where there are no values."""
        if not (ordered := sorted(values)):
            raise ValueError("no values")
        return cls(statistics.median(ordered), ordered[0], ordered[-1])


def measure_rounds(baseline: Side, candidate: Side, *, count: int, say: Say) -> list[Round]:
    """So many rounds of each load, the baseline first in each."""
    rounds = []
    for load in LOADS:
        for number in range(1, count + 1):
            first, idle_first = _measure(baseline, load, idle=candidate)
            second, idle_second = _measure(candidate, load, idle=baseline)
            rounds.append(Round(load, first, second, max(idle_first, idle_second)))
            ratio = second.words_per_second / first.words_per_second
            say(f"{load.name}: round {number} of {count}: {candidate.name} / {baseline.name} = {ratio:.2f}")
    return rounds


def _measure(side: Side, load: Load, *, idle: Side) -> tuple[Window, float]:
    """A window, and the share of a core that the other's server took meanwhile."""
    if idle.pid is None:
        return side.measure(load), 0.0
    before, start = read_cpu_seconds(idle.pid), time.monotonic()
    window = side.measure(load)
    return window, (read_cpu_seconds(idle.pid) - before) / (time.monotonic() - start)


def make_tables(rounds: Sequence[Round], *, baseline: str, candidate: str) -> tuple[Table, Table]:
    """The ratios with their spread, and every window."""
    by_load: Mapping[Load, list[Round]] = {
        load: [each for each in rounds if each.load == load] for load in dict.fromkeys(each.load for each in rounds)
    }
    ratios = tuple(_ratio_row(load, of_load) for load, of_load in by_load.items())
    columns = (
        "load", f"{baseline}, words/s", f"{candidate}, words/s", f"{candidate} / {baseline}", "least", "greatest",
        "ratio for a CPU second", f"{candidate}, cores", "generator, cores",
    )  # fmt: skip
    idle = max(each.idle_cores for each in rounds)
    notes = (
        "Medians over the rounds; least and greatest are the ratio's. Words are the source's. A CPU second is one of "
        "the process that translates; the generator, a process of its own, is not in it.",
        f"A server whose turn it was not took at most {idle:.3f} cores"
        + (": too much, the ratios are void." if idle > IDLE_SHARE else "."),
    )
    windows = tuple(
        row
        for of_load in by_load.values()
        for number, each in enumerate(of_load, 1)
        for row in (
            _window_row(each.load, number, baseline, each.baseline),
            _window_row(each.load, number, candidate, each.candidate),
        )
    )
    window_columns = (
        "load", "round", "side", "seconds", "words/s", "target tokens/s", "CPU seconds", "generator's CPU seconds"
    )  # fmt: skip
    return Table("Ratios", columns, ratios, notes), Table("Windows", window_columns, windows)


def _ratio_row(load: Load, rounds: Sequence[Round]) -> tuple[Cell, ...]:
    def median(value: Callable[[Round], float]) -> float:
        return Spread.of(map(value, rounds)).median

    ratio = Spread.of(each.candidate.words_per_second / each.baseline.words_per_second for each in rounds)
    return (
        load.name,
        round(median(lambda each: each.baseline.words_per_second)),
        round(median(lambda each: each.candidate.words_per_second)),
        ratio.median,
        ratio.least,
        ratio.greatest,
        median(lambda each: each.candidate.words_per_cpu_second / each.baseline.words_per_cpu_second),
        median(lambda each: each.candidate.cpu_seconds / each.candidate.seconds),
        median(lambda each: each.candidate.generator_cpu_seconds / each.candidate.seconds),
    )


def _window_row(load: Load, number: int, side: str, window: Window) -> tuple[Cell, ...]:
    return (
        load.name,
        number,
        side,
        window.seconds,
        round(window.words_per_second),
        round(window.tokens / window.seconds),
        window.cpu_seconds,
        window.generator_cpu_seconds,
    )
