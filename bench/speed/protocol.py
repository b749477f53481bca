"""The whole protocol: every benchmark in turn, one report of all that they find."""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from polygist_client import Client

from bench.quality.report import Report, Table, say
from bench.speed.bench import Bench
from bench.speed.benchmarks.ablation import measure_ablation
from bench.speed.benchmarks.answers import measure_invariance, measure_summaries
from bench.speed.benchmarks.fairness import measure_fairness
from bench.speed.benchmarks.idle import measure_added, measure_first_segment, measure_front
from bench.speed.benchmarks.load import measure_latency, measure_overload
from bench.speed.benchmarks.process import measure_memory, measure_start
from bench.speed.benchmarks.saturation import measure_articles, measure_comparators, measure_sentences
from bench.speed.benchmarks.waste import measure_waste
from bench.speed.corpus import SOURCE, TARGET, read_corpus
from bench.speed.findings import Result, make_table
from bench.speed.machine import MOST_LOAD, describe_machine, describe_run
from bench.speed.sides import Setting, serve

BENCHMARKS: Mapping[str, Callable[[Bench], Result]] = {
    "B1": measure_articles,
    "B2": measure_sentences,
    "B3": measure_added,
    "B4": measure_latency,
    "B5": measure_fairness,
    "B6": measure_overload,
    "B7": measure_first_segment,
    "B8": measure_memory,
    "B9": measure_waste,
    "B10": measure_start,
    "B11": measure_front,
    "B12": measure_comparators,
    "summaries": measure_summaries,
    "invariance": measure_invariance,
    "ablation": measure_ablation,
}
# These are run only where they are named.
ASKED_FOR = ("ablation",)


def measure(arguments: argparse.Namespace, setting: Setting) -> bool:
    """Run the benchmarks that are asked for and save the report after each, for a run may be stopped.

    Returns:
        Whether all of them could be run; one that could not is named in the report, with its reason.
    """
    began, load_before = datetime.now().astimezone(), os.getloadavg()[0]
    if load_before > MOST_LOAD:
        say(f"the machine is busy (load {load_before:.1f}): only ratios will mean anything")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with (
            serve(Path(sys.executable).with_name("polygist-server"), setting) as server,
            Client(server.address) as client,
        ):
            corpus = read_corpus(client, arguments.data)
            general = describe_run(client, began)
        bench = Bench(setting, corpus, folder, arguments.rounds, say)
        environment = {
            **general,
            "load, 1 minute, before": f"{load_before:.1f}",
            **describe_machine(setting),
            "rounds": str(arguments.rounds),
            "calls": f"{SOURCE} to {TARGET} by {corpus.model}, default preset, language given, 127.0.0.1",
            "sentences": corpus.describe(),
        }
        results: dict[str, Result] = {}
        failures: dict[str, str] = {}
        for name in arguments.only or [name for name in BENCHMARKS if name not in ASKED_FOR]:
            start = time.monotonic()
            say(name)
            try:
                results[name] = BENCHMARKS[name](bench)
            except Exception as error:  # the others have their figures all the same
                traceback.print_exc()
                failures[name] = f"{type(error).__name__}: {error}"
            say(f"{name} took {time.monotonic() - start:.0f} s")
            environment["took"] = f"{(datetime.now().astimezone() - began).total_seconds():.0f} s"
            save(environment, results, failures, arguments.results)
    return not failures


def save(
    environment: Mapping[str, str], results: Mapping[str, Result], failures: Mapping[str, str], folder: Path
) -> None:
    """Write the report of what is there so far: for people, for programs, and its charts."""
    tables = [make_table(results)]
    if failures:
        tables.append(Table("Could not be run", ("benchmark", "why"), tuple(failures.items())))
    tables += [table for result in results.values() for table in result.tables]
    Report(dict(environment), tuple(tables), subject="speed").save(folder)
    for result in results.values():
        for name, chart in result.charts.items():
            (folder / name).write_text(chart, encoding="utf-8")
