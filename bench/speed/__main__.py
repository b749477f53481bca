"""Measure the service beside CTranslate2 alone and beside other programs; print and save what comes of it."""

import argparse
import os
import sys
from pathlib import Path

from platformdirs import user_data_path

from bench.quality.process import exit_on_signals
from bench.quality.report import say
from bench.speed import protocol, quick
from bench.speed.layouts import whole_box
from bench.speed.sides import Setting, program_of

QUICK_RESULTS = Path(__file__).parents[1] / "results"
RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Read the command line, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("POLYGIST_DATA"), help="folder of the data sets")
    parser.add_argument("--home", type=Path, help="folder of the installed models (default: the server's own)")
    parser.add_argument("--quick", action="store_true", help="two loads beside CTranslate2, in three minutes")
    parser.add_argument("--only", type=read_names, metavar="B1,B5", help="these benchmarks only")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout, with a .venv of its own")
    parser.add_argument("--detect", action="store_true", help="let the server detect the language of each text")
    parser.add_argument("--rounds", type=int, default=5, help="windows of each side under each load")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a window")
    parser.add_argument("--warm-up", type=float, default=1.5, help="seconds of the same load before each window")
    parser.add_argument("--results", type=Path, help="where the report goes")
    arguments = parser.parse_args()
    if arguments.against and not program_of(arguments.against).is_file():
        parser.error(f"--against {arguments.against}: {program_of(arguments.against)} is not there")
    exit_on_signals()
    is_quick = arguments.quick or arguments.against or arguments.detect
    setting = Setting(
        home=arguments.home or Path(os.environ.get("POLYGIST_HOME") or user_data_path("polygist")),
        layout=whole_box(),
        seconds=arguments.seconds,
        warm_up=arguments.warm_up,
    )
    if is_quick:
        report = quick.measure(arguments, setting)
        print(report.to_markdown())
        say(f"saved as {' and '.join(map(str, report.save(arguments.results or QUICK_RESULTS)))}")
        return
    arguments.results = arguments.results or RESULTS
    is_whole = protocol.measure(arguments, setting)
    print((arguments.results / "speed.md").read_text(encoding="utf-8"))
    sys.exit(not is_whole)


def read_names(text: str) -> list[str]:
    """The names of benchmarks; raises argparse.ArgumentTypeError where one is none."""
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in protocol.BENCHMARKS]:
        raise argparse.ArgumentTypeError(
            f"no benchmark: {', '.join(unknown)}; there are {', '.join(protocol.BENCHMARKS)}"
        )
    return names


if __name__ == "__main__":
    main()
