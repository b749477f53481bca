"""Try streams and calls of many items on a server of their own, print a table for each part, and save them."""

import argparse
import importlib
import os
import sys
import time
from datetime import datetime
from pathlib import Path

from polygist_client import Client

from bench.bulk.findings import Extent, Finding, Measure
from bench.quality.environment import describe
from bench.quality.process import exit_on_signals, start_server
from bench.quality.report import Report, say
from bench.quality.sets import DataFolder

RESULTS = Path(__file__).parents[1] / "results"
# In the order of their runs: the long ones last.
PARTS = ("pace", "streams", "sleepers", "restarts", "records")
# Needs Ray, which is an extra: only where it is asked for.
EXTRA_PARTS = ("corpus",)
OF_QUALITY = ("BLEU", "chrF", "ROUGE")


def main() -> None:
    """Read the command line, measure, report; exit with 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.bulk", description=__doc__)
    told = f"what to try (default: {', '.join(PARTS)}; {', '.join(EXTRA_PARTS)} needs the extra ray)"
    parser.add_argument("parts", nargs="*", metavar="PART", help=told)
    parser.add_argument("--data", type=Path, default=os.environ.get("POLYGIST_DATA"), help="folder of the data sets")
    parser.add_argument("--home", type=Path, help="folder of the installed models (default: the server's own)")
    parser.add_argument("--records", type=int, default=2000, help="articles of the file of records")
    parser.add_argument("--items", type=int, default=100_000, help="short texts while the server restarts")
    parser.add_argument("--rounds", type=int, default=15, help="times that what is compared is measured in turn")
    parser.add_argument("--sleep", type=float, default=60.0, help="seconds that a reader does not read")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where bulk.md and bulk.json go")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.parts if name not in (*PARTS, *EXTRA_PARTS)]:
        parser.error(f"no part {', '.join(unknown)}; there are: {', '.join((*PARTS, *EXTRA_PARTS))}")
    if not arguments.data or not Path(arguments.data).is_dir():
        parser.error(f"--data {arguments.data}: no such folder; every part is about texts of the data sets")
    exit_on_signals()
    extent = Extent(
        DataFolder(Path(arguments.data)),
        arguments.home,
        arguments.records,
        arguments.items,
        arguments.rounds,
        arguments.sleep,
    )
    began, start = datetime.now().astimezone(), time.monotonic()
    findings = [finding for name in arguments.parts or PARTS for finding in measure_part(name, extent)]
    seconds = time.monotonic() - start
    with start_server(arguments.home) as server, Client(server.address) as client:
        general = describe(client, began, seconds)
    environment = {name: value for name, value in general.items() if name not in OF_QUALITY}
    tables = tuple(finding.table() for finding in findings)
    report = Report(environment, tables, tuple(extent.data.missing), "bulk")
    print(report.to_markdown())
    report.save(arguments.results)
    sys.exit(0 if all(finding.is_met for finding in findings) else 1)


def measure_part(name: str, extent: Extent) -> list[Finding]:
    """Run the part of a module, which has a function ``measure``."""
    say(name)
    measure: Measure = importlib.import_module(f"bench.bulk.{name}").measure
    findings = list(measure(extent))
    for finding in findings:
        say(f"{name}:\n{finding.table().to_markdown()}")
    return findings


if __name__ == "__main__":
    main()
