"""Try texts of the real world on a server, print a table for each kind, and save them."""

import argparse
import importlib
import os
import pkgutil
import sys
import time
from datetime import datetime
from pathlib import Path

from polygist_client import Client

import bench.fidelity
from bench.fidelity.kinds import Kind, Measure
from bench.quality.environment import describe
from bench.quality.process import start_server
from bench.quality.report import Report, say
from bench.quality.sets import DataFolder

RESULTS = Path(__file__).parents[1] / "results"
# The modules of this package that are no kind; its packages are none either.
OTHERS = frozenset(("__main__", "expectations", "kinds"))


def main() -> None:
    """Read the command line, try everything, report; exit with 1 where a target is missed."""
    found = pkgutil.iter_modules(bench.fidelity.__path__)
    modules = [module.name for module in found if not module.ispkg and module.name not in OTHERS]
    parser = argparse.ArgumentParser(prog="python -m bench.fidelity", description=__doc__)
    parser.add_argument("kinds", nargs="*", help=f"what to try (default: all of {', '.join(modules)})")
    parser.add_argument("--data", type=Path, default=os.environ.get("POLYGIST_DATA"), help="folder of the data sets")
    parser.add_argument("--home", type=Path, help="folder of the installed models (default: the server's own)")
    parser.add_argument("--address", help="a running server (default: one of our own)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where fidelity.md and fidelity.json go")
    arguments = parser.parse_args()
    wanted = arguments.kinds or modules
    if unknown := [name for name in wanted if name not in modules]:
        parser.error(f"no kind {', '.join(unknown)}; there are: {', '.join(modules)}")
    data = DataFolder(arguments.data) if arguments.data else None
    began, start = datetime.now().astimezone(), time.monotonic()
    if arguments.address:
        with Client(arguments.address) as client:
            kinds, environment = try_kinds(client, data, wanted), describe(client, began, time.monotonic() - start)
    else:
        with start_server(arguments.home) as server, Client(server.address) as client:
            kinds, environment = try_kinds(client, data, wanted), describe(client, began, time.monotonic() - start)
    missing = tuple(data.missing) if data else ()
    report = Report(environment, tuple(kind.table() for kind in kinds), missing, "fidelity")
    print(report.to_markdown())
    for kind in kinds:
        for case in kind.wrong:
            print(f"{kind.name}, {case.group}{' (warned)' if case.is_warned else ''}: {case.source!r}\n  {case.fault}")
    report.save(arguments.results)
    sys.exit(0 if all(kind.is_met for kind in kinds) else 1)


def try_kinds(client: Client, data: DataFolder | None, names: list[str]) -> list[Kind]:
    """Try the kinds of some modules, each of which has a function ``measure``."""
    kinds = []
    for name in names:
        say(name)
        measure: Measure = importlib.import_module(f"bench.fidelity.{name}").measure
        kinds.append(measure(client, data))
    return kinds


if __name__ == "__main__":
    main()
