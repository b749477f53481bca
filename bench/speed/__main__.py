"""Measure the service beside CTranslate2 alone, or beside another version of it; print the ratios and save them."""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from platformdirs import user_data_path
from polygist_client import Client

from bench.quality.environment import describe, read_commit
from bench.quality.report import Report, say
from bench.speed.corpus import SOURCE, TARGET, read_corpus
from bench.speed.layouts import whole_box
from bench.speed.rounds import make_tables, measure_rounds
from bench.speed.sides import Setting, program_of, raw_side, serve, server_side

RESULTS = Path(__file__).parents[1] / "results"
LIBRARIES = ("ctranslate2", "sentencepiece", "icu4py", "grpcio", "protobuf")
OF_QUALITY = ("libraries", "BLEU", "chrF", "ROUGE")
# What int8 is fast with.
INSTRUCTIONS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8")
THREAD_VARIABLES = ("OMP_", "MKL_", "CT2_", "MALLOC_")


def main() -> None:
    """Read the command line, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("POLYGIST_DATA"), help="folder of the data sets")
    parser.add_argument("--home", type=Path, help="folder of the installed models (default: the server's own)")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout, with a .venv of its own")
    parser.add_argument("--detect", action="store_true", help="let the server detect the language of each text")
    parser.add_argument("--rounds", type=int, default=5, help="windows of each side under each load")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a window")
    parser.add_argument("--warm-up", type=float, default=1.5, help="seconds of the same load before each window")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where speed.md and speed.json go")
    arguments = parser.parse_args()
    if arguments.against and not program_of(arguments.against).is_file():
        parser.error(f"--against {arguments.against}: {program_of(arguments.against)} is not there")
    # Left to itself, Python would end at once and leave the servers behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    report = measure(arguments)
    print(report.to_markdown())
    say(f"saved as {' and '.join(map(str, report.save(arguments.results)))}")


def measure(arguments: argparse.Namespace) -> Report:
    """Start what is compared, and measure it in turn."""
    began, load_before = datetime.now().astimezone(), os.getloadavg()[0]
    setting = Setting(
        home=arguments.home or Path(os.environ.get("POLYGIST_HOME") or user_data_path("polygist")),
        layout=whole_box(),
        seconds=arguments.seconds,
        warm_up=arguments.warm_up,
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(serve(Path(sys.executable).with_name("polygist-server"), setting))
        client = stack.enter_context(Client(server.address))
        corpus = read_corpus(client, arguments.data, detects=arguments.detect)
        this = server_side(
            "this" if arguments.against else "service", server, corpus, setting, folder, detects=arguments.detect
        )
        if arguments.against:
            other = stack.enter_context(serve(program_of(arguments.against), setting))
            baseline = server_side("other", other, corpus, setting, folder, detects=arguments.detect)
        else:
            baseline = raw_side(corpus, setting, folder)
        rounds = measure_rounds(baseline, this, count=arguments.rounds, say=say)
        general = describe(client, began, (datetime.now().astimezone() - began).total_seconds())
    language = "language detected" if arguments.detect else "language given"
    environment = {
        **{name: value for name, value in general.items() if name not in OF_QUALITY},
        "load, 1 minute, before": f"{load_before:.1f}",
        **describe_machine(setting),
        "calls": f"{SOURCE} to {TARGET} by {corpus.model}, default preset, {language}, 127.0.0.1, closed loop",
        "sentences": corpus.describe(),
    }
    if arguments.against:
        environment["other"] = describe_other(arguments.against)
    return Report(environment, make_tables(rounds, baseline=baseline.name, candidate=this.name), subject="speed")


def describe_machine(setting: Setting) -> dict[str, str]:
    """What speed depends on and quality does not."""
    flags, slots = set(Path("/proc/cpuinfo").read_text().split()), setting.layout.slots
    variables = [f"{name}={value}" for name, value in os.environ.items() if name.startswith(THREAD_VARIABLES)]
    return {
        "instructions": ", ".join(f"{name} {'yes' if name in flags else 'no'}" for name in INSTRUCTIONS),
        "threads": f"{slots} slots or inter_threads, 1 intra_thread; {' '.join(variables) or 'none set'}",
        "windows": f"{setting.seconds:g} s each after {setting.warm_up:g} s of warm-up",
        "libraries": read_libraries(Path(sys.executable)),
    }


def describe_other(checkout: Path) -> str:
    """Which version the other server is."""
    return f"commit {read_commit(checkout)}; {read_libraries(program_of(checkout).with_name('python'))}"


def read_libraries(python: Path) -> str:
    """The versions that an environment has."""
    program = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    done = subprocess.run([python, "-c", program, *LIBRARIES], capture_output=True, text=True, check=True)
    return ", ".join(map(" ".join, zip(LIBRARIES, done.stdout.split(), strict=True)))


if __name__ == "__main__":
    main()
