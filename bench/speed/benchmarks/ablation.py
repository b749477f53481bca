"""What each part of the server gives: the server beside itself without it."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from bench.quality.process import start_server
from bench.quality.report import Cell, Table
from bench.speed.ablated import PARTS, WHOLE
from bench.speed.bench import Bench
from bench.speed.figures import Spread
from bench.speed.findings import Finding, Result
from bench.speed.layouts import on_cores
from bench.speed.rounds import WORDS_PER_CPU_SECOND, Round, measure_rounds
from bench.speed.sides import NATIVE, Load, Side, server_side

LOADS = (Load("articles of 16 sentences, 32 callers", 16, 32), Load("single sentences, 64 callers", 1, 64))
# Before anything is measured, each server has had so many callers for a window.
WARM_UP = Load("warm-up", 16, 16)


def measure_ablation(bench: Bench) -> Result:
    """The throughput of the server beside its own without one part at a time, all in turn in one run."""
    with ExitStack() as stack:
        sides = [stack.enter_context(open_side(part, bench)) for part in PARTS]
        for side in sides:
            side.measure(WARM_UP)
        of_loads = [measure_rounds(sides, load, count=bench.rounds, say=bench.say) for load in LOADS]
    findings = [
        Finding(f"{rounds[0].load.name}: with / without {part}", spread.median, "", spread)
        for rounds in of_loads
        for part in PARTS
        if part != WHOLE and (spread := Spread.of(each.ratio(WHOLE, part) for each in rounds))
    ]
    return Result(findings, [make_table(rounds) for rounds in of_loads])


@contextmanager
def open_side(part: str, bench: Bench) -> Iterator[Side]:
    """The server without a part, for the length of the block."""
    layout = bench.setting.layout
    native = [f"{name}={value}" for name, value in NATIVE.items() if name.startswith("OMP_")]
    program = ("env", *native, sys.executable, "-m", "bench.speed.ablated", part, "serve")
    flags = ("--listen", "127.0.0.1:0", "--slots", str(layout.slots), "--preload", bench.corpus.model)
    with start_server(bench.setting.home, (*on_cores(layout.rest), *program, *flags)) as server:
        yield server_side(part, server, bench.corpus, bench.setting, bench.folder)


def make_table(rounds: Sequence[Round]) -> Table:
    """What is left without each part, as medians of the rounds."""
    rows: list[tuple[Cell, ...]] = []
    for part in PARTS:
        spread = Spread.of(each.ratio(part, WHOLE) for each in rounds)
        for_cpu = Spread.of(each.ratio(part, WHOLE, WORDS_PER_CPU_SECOND) for each in rounds)
        words = Spread.of(each.windows[part].words_per_second for each in rounds)
        rows.append((part, round(words.median), spread.median, spread.least, spread.greatest, for_cpu.median))
    columns = ("without", "words/s", "of what it is with it", "least", "greatest", "for a CPU second")
    idle = max(each.idle_cores for each in rounds)
    notes = (f"{len(rounds)} rounds. Servers whose turn it was not took at most {idle:.3f} cores together.",)
    return Table(f"Parts left out: {rounds[0].load.name}", columns, tuple(rows), notes)
