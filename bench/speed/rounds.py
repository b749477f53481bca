"""Sides measured in turn, A B A B: the machine's moods fall on all, and only their ratios count."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from bench.quality.report import Cell, Say, Table
from bench.speed.figures import Spread
from bench.speed.sides import Load, Side
from bench.speed.window import Window, read_cpu_seconds

# An idle server that takes more of a core than this would slow the side that is measured.
IDLE_SHARE = 0.02
WORDS_PER_SECOND: Callable[[Window], float] = attrgetter("words_per_second")
WORDS_PER_CPU_SECOND: Callable[[Window], float] = attrgetter("words_per_cpu_second")


@dataclass(frozen=True, slots=True)
class Round:
    """One window of each side under the same load.

    Attributes:
        windows: by the name of the side.
        idle_cores: the most that servers whose turn it was not took together, in cores.
    """

    load: Load
    windows: Mapping[str, Window]
    idle_cores: float

    def ratio(self, candidate: str, baseline: str, value: Callable[[Window], float] = WORDS_PER_SECOND) -> float:
        """What one side did to what another did."""
        return value(self.windows[candidate]) / value(self.windows[baseline])


def measure_rounds(sides: Sequence[Side], load: Load, *, count: int, say: Say) -> list[Round]:
    """So many rounds of a load, the sides in the same order in each; the last is told beside the first."""
    rounds = []
    for number in range(1, count + 1):
        windows, idle = {}, 0.0
        for side in sides:
            windows[side.name], took = _measure(side, load, others=sides)
            idle = max(idle, took)
        rounds.append(Round(load, windows, idle))
        told = ", ".join(f"{side.name} {windows[side.name].words_per_second:.0f}" for side in sides)
        say(f"{load.name}: round {number} of {count}: words/s: {told}")
    return rounds


def _measure(side: Side, load: Load, *, others: Sequence[Side]) -> tuple[Window, float]:
    """A window, and how many cores the servers of other sides took meanwhile."""

    def read() -> float:
        return sum(read_cpu_seconds(other.pid) for other in others if other.pid not in (None, side.pid))

    before, start = read(), time.monotonic()
    window = side.measure(load)
    return window, (read() - before) / (time.monotonic() - start)


def make_tables(rounds: Sequence[Round], *, baseline: str, candidate: str) -> tuple[Table, Table]:
    """The ratios with their spread, and every window."""
    by_load: Mapping[Load, list[Round]] = {
        load: [each for each in rounds if each.load == load] for load in dict.fromkeys(each.load for each in rounds)
    }
    ratios = tuple(_ratio_row(load, of_load, baseline, candidate) for load, of_load in by_load.items())
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
            _window_row(each.load, number, baseline, each.windows[baseline]),
            _window_row(each.load, number, candidate, each.windows[candidate]),
        )
    )
    window_columns = (
        "load", "round", "side", "seconds", "words/s", "target tokens/s", "CPU seconds", "generator's CPU seconds"
    )  # fmt: skip
    return Table("Ratios", columns, ratios, notes), Table("Windows", window_columns, windows)


def _ratio_row(load: Load, rounds: Sequence[Round], baseline: str, candidate: str) -> tuple[Cell, ...]:
    def median(side: str, value: Callable[[Window], float]) -> float:
        return Spread.of(value(each.windows[side]) for each in rounds).median

    ratio = Spread.of(each.ratio(candidate, baseline) for each in rounds)
    return (
        load.name,
        round(median(baseline, WORDS_PER_SECOND)),
        round(median(candidate, WORDS_PER_SECOND)),
        ratio.median,
        ratio.least,
        ratio.greatest,
        Spread.of(each.ratio(candidate, baseline, WORDS_PER_CPU_SECOND) for each in rounds).median,
        median(candidate, lambda window: window.cpu_seconds / window.seconds),
        median(candidate, lambda window: window.generator_cpu_seconds / window.seconds),
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
