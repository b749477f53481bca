"""Measure the quality of everything, print it, and save it."""

import argparse
import os
import time
from datetime import datetime
from pathlib import Path

from polygist_client import Client

from bench.quality.detection import measure_detection
from bench.quality.environment import describe
from bench.quality.invariance import measure_invariance
from bench.quality.picks import measure_picks
from bench.quality.process import measure_process, measure_starts, start_server
from bench.quality.report import Report, say
from bench.quality.sentences import measure_sentences
from bench.quality.sets import DataFolder
from bench.quality.short_texts import measure_short_texts
from bench.quality.summarisation import measure_summarisation
from bench.quality.translation import measure_translation
from bench.quality.trust import measure_trust

RESULTS = Path(__file__).parents[1] / "results"


def main() -> None:
    """Read the command line, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("POLYGIST_DATA"), help="folder of the data sets")
    parser.add_argument("--home", type=Path, help="folder of the installed models (default: the server's own)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where quality.md and quality.json go")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("no data: give --data FOLDER (make quality DATA=FOLDER) or set POLYGIST_DATA")
    if not arguments.data.is_dir():
        parser.error(f"--data {arguments.data} is not a folder")
    start = time.monotonic()
    report = measure(DataFolder(arguments.data), home=arguments.home)
    print(report.to_markdown())
    saved = report.save(arguments.results)
    say(f"{time.monotonic() - start:.0f} s in all; saved as {' and '.join(map(str, saved))}")
    if report.missing:
        say(f"data not found in {arguments.data}: {', '.join(report.missing)}")


def measure(data: DataFolder, *, home: Path | None) -> Report:
    """Everything there is to measure, with a server of our own."""
    began = datetime.now().astimezone()
    say("start and memory")
    starts = measure_starts(home)
    trust = measure_trust(data, home=home, say=say)
    picks = measure_picks(data, home=home, say=say)
    with start_server(home) as server, Client(server.address) as client:
        process = measure_process(server, data, [*starts, server.start_seconds])
        tables = (
            *measure_translation(client, data, say),
            measure_invariance(client, data, say),
            measure_summarisation(client, data, say),
            trust,
            *picks,
            measure_detection(client, data, say),
            *measure_short_texts(client, data, say),
            measure_sentences(data),
            process,
        )
        seconds = (datetime.now().astimezone() - began).total_seconds()
        return Report(describe(client, began, seconds), tables, tuple(data.missing))


if __name__ == "__main__":
    main()
