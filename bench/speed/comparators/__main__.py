"""Measure the service beside everything else that translates with the same weights; print the ratios and save them."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from platformdirs import user_data_path
from polygist_client import Client
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from bench.quality.environment import describe
from bench.quality.process import exit_on_signals
from bench.quality.report import Cell, Report, Table, say
from bench.quality.sets import DataFolder
from bench.speed.comparators.candidates import CANDIDATES, GATHERING, Opened, open_address
from bench.speed.comparators.contract import compiled_side, translate_all
from bench.speed.comparators.processes import find_port
from bench.speed.corpus import HELD_OUT, Corpus, read_corpus
from bench.speed.layouts import whole_box
from bench.speed.rounds import IDLE_SHARE, Spread
from bench.speed.sides import Load, NotInstalled, Setting, Side, raw_side, serve
from bench.speed.window import Window, read_cpu_seconds

RESULTS = Path(__file__).parents[2] / "results"
REFERENCES = ("translation/ntrex128.pt.txt", "translation/ntrex128.pt-BR.txt")
SERVICE = "service"
RAW, FOR_SPEED, BY_HTTP = "raw", "service, SPEED", "service, HTTP"
NAMES = (RAW, FOR_SPEED, BY_HTTP, *(each.name for each in CANDIDATES))


@dataclass(slots=True)
class Measured:
    """What became of one of those that are compared.

    Attributes:
        windows: one for each round.
        idle_cores: the most that its server took while others were measured.
        bleu: of its outputs on the held-out set; None where it was not looked for.
        chrf: the same.
    """

    windows: list[Window] = field(default_factory=list)
    idle_cores: float = 0.0
    bleu: float | None = None
    chrf: float | None = None


def main() -> None:
    """Read the command line, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.comparators", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("POLYGIST_DATA"), help="folder of the data sets")
    parser.add_argument("--home", type=Path, help="folder of the installed models (default: the server's own)")
    parser.add_argument(
        "--only", nargs="*", choices=NAMES, default=NAMES, metavar="NAME", help="these, beside the service"
    )
    parser.add_argument("--sentences", type=int, default=1, help="in each call, a line for each")
    parser.add_argument("--callers", type=int, default=64, help="calls at the same time, where there are calls")
    parser.add_argument("--rounds", type=int, default=5, help="windows of each; 0 for quality alone")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a window")
    parser.add_argument("--warm-up", type=float, default=1.5, help="seconds of the same load before each window")
    parser.add_argument("--no-quality", action="store_true", help="measure speed alone")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where comparators.md and comparators.json go")
    arguments = parser.parse_args()
    exit_on_signals()
    report = measure(arguments)
    print(report.to_markdown())
    say(f"saved as {' and '.join(map(str, report.save(arguments.results)))}")


def measure(arguments: argparse.Namespace) -> Report:
    """Start all that is compared, gather the outputs, and measure in turn."""
    began = datetime.now().astimezone()
    home = arguments.home or Path(os.environ.get("POLYGIST_HOME") or user_data_path("polygist"))
    setting = Setting(home=home, layout=whole_box(), seconds=arguments.seconds, warm_up=arguments.warm_up)
    load = Load("", arguments.sentences, arguments.callers)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        http_address = f"127.0.0.1:{find_port()}"
        program = Path(sys.executable).with_name("polygist-server")
        server = stack.enter_context(serve(program, setting, "--http-listen", http_address))
        client = stack.enter_context(Client(server.address))
        corpus = read_corpus(client, arguments.data)
        ours = open_ours(server.address, server.pid, corpus, setting, folder)
        # As LibreTranslate is asked, and by the same generator.
        ours[BY_HTTP] = open_address(BY_HTTP, http_address, server.pid, corpus, setting, folder)
        opened = {name: each for name, each in ours.items() if name in (SERVICE, *arguments.only)}
        missing = open_others(arguments.only, corpus, setting, folder, stack, opened)
        measured = {name: Measured() for name in opened}
        if arguments.data and not arguments.no_quality:
            score(opened, measured, DataFolder(arguments.data))
        sides = [each.side for each in opened.values()]
        measure_in_turn(sides, measured, load, count=arguments.rounds)
        environment = describe(client, began, (datetime.now().astimezone() - began).total_seconds())
    environment |= {
        "sentences": corpus.describe(),
        "load": f"{load.sentences} sentences in a call, {load.callers} callers; libraries have all at once",
    }
    words = sum(len(sentence.split()) for sentence in corpus.sentences) / len(corpus.sentences)
    return Report(environment, (make_table(measured, words=words),), missing, subject="comparators")


def open_ours(address: str, pid: int, corpus: Corpus, setting: Setting, folder: Path) -> dict[str, Opened]:
    """CTranslate2 alone, and the service with its default and for speed, by name."""
    opened = {RAW: Opened(raw_side(corpus, setting, folder), None)}
    for name, preference in ((SERVICE, ""), (FOR_SPEED, "SPEED")):
        side = compiled_side(name, address, pid, corpus, setting, folder, preference=preference)
        opened[name] = Opened(side, partial(translate_all, address, callers=GATHERING, preference=preference))
    return opened


def open_others(
    wanted: Sequence[str], corpus: Corpus, setting: Setting, folder: Path, stack: ExitStack, opened: dict[str, Opened]
) -> tuple[str, ...]:
    """Add the comparators to `opened`; what could not be installed, and why."""
    missing = []
    for each in CANDIDATES:
        if each.name not in wanted:
            continue
        own = folder / each.name.replace(" ", "-")
        own.mkdir()
        try:
            opened[each.name] = stack.enter_context(each.open(corpus, setting, own))
        except NotInstalled as error:
            say(str(error))
            missing.append(f"{each.name}: {error}")
    return tuple(missing)


def score(opened: Mapping[str, Opened], measured: Mapping[str, Measured], data: DataFolder) -> None:
    """Translate the held-out set with each and compare with both references; this warms all of them too."""
    sentences, references = data.lines(HELD_OUT), [data.lines(name) for name in REFERENCES]
    for name, each in opened.items():
        if each.translate is not None:
            start = time.monotonic()
            outputs = each.translate(sentences)
            measured[name].bleu = BLEU().corpus_score(outputs, references).score
            measured[name].chrf = CHRF().corpus_score(outputs, references).score
            say(f"{name}: BLEU {measured[name].bleu:.1f}, {time.monotonic() - start:.0f} s")


def measure_in_turn(sides: Sequence[Side], measured: Mapping[str, Measured], load: Load, *, count: int) -> None:
    """So many rounds, in each a window of every side."""
    for number in range(1, count + 1):
        for side in sides:
            others = {other.name: other.pid for other in sides if other.pid and other.pid != side.pid}
            before, start = {name: read_cpu_seconds(pid) for name, pid in others.items()}, time.monotonic()
            window = side.measure(load)
            for name, pid in others.items():
                idle = (read_cpu_seconds(pid) - before[name]) / (time.monotonic() - start)
                measured[name].idle_cores = max(measured[name].idle_cores, idle)
            measured[side.name].windows.append(window)
            say(f"round {number} of {count}: {side.name}: {window.words_per_second:.0f} words/s")


def make_table(measured: Mapping[str, Measured], *, words: float) -> Table:
    """A row for each: speed, the service's ratio to it, quality.

    Args:
        measured: by name; the service's is there.
        words: of a sentence, in the mean.
    """
    columns = (
        "what", "sentences/s", "least", "greatest", "service / it", "ratio, least", "ratio, greatest", "SPEED / it",
        "HTTP / it", "cores", "generator, cores", "BLEU", "chrF",
    )  # fmt: skip
    rows = tuple(_row(name, each, measured, words) for name, each in measured.items())
    idle = max(each.idle_cores for each in measured.values())
    notes = (
        "Medians over the rounds; a ratio is of windows of the same round. Sentences/s are words/s by the mean length. "
        "BLEU and chrF: the held-out set, European and Brazilian references together.",
        f"A server whose turn it was not took at most {idle:.3f} cores"
        + (": too much, the ratios are void." if idle > IDLE_SHARE else "."),
    )
    return Table("Comparators", columns, rows, notes)


def _row(name: str, each: Measured, measured: Mapping[str, Measured], words: float) -> tuple[Cell, ...]:
    def spread(value: Callable[[Window], float]) -> Spread:
        return Spread.of(map(value, each.windows))

    if not each.windows:
        return name, *[None] * 10, each.bleu, each.chrf
    speed = spread(lambda window: window.words_per_second / words)
    ratio, fast, http = (compare(measured.get(ours), each) for ours in (SERVICE, FOR_SPEED, BY_HTTP))
    cores = spread(lambda window: window.cpu_seconds / window.seconds).median
    generator = spread(lambda window: window.generator_cpu_seconds / window.seconds).median
    speeds = (round(speed.median), round(speed.least), round(speed.greatest))
    ratios = (ratio and ratio.median, ratio and ratio.least, ratio and ratio.greatest)
    others = (fast and fast.median, http and http.median)
    return name, *speeds, *ratios, *others, cores, generator, each.bleu, each.chrf


def compare(ours: Measured | None, other: Measured) -> Spread | None:
    """Our throughput divided by another's, round by round; None where ours was not measured."""
    if ours is None:
        return None
    rounds = zip(ours.windows, other.windows, strict=True)
    return Spread.of(own.words_per_second / its.words_per_second for own, its in rounds)


if __name__ == "__main__":
    main()
