"""``polygist-server bench``: how fast the installed models are here, and which settings to set."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from polygist_service.app.native import set_environment
from polygist_service.cli.flags import HeadedHelp, ModelName, config_option, read_settings

if TYPE_CHECKING:
    from polygist_service.app.benchmark.figures import ModelFigures, Rate, Report

# Less is not enough for a median of anything.
LEAST_SECONDS = 1.0
SETTINGS = ("home", "slots", "device", "device_index", "compute_type")
EXAMPLES = (
    "polygist-server bench",
    "polygist-server bench en-pt --seconds 20",
    "polygist-server bench --json > bench.json",
)


class Bar:
    """How far a benchmark is, on standard error, on a terminal only."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(),
            console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task("", total=1.0)

    def __enter__(self) -> Bar:
        if sys.stderr.isatty():
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if sys.stderr.isatty():
            self._progress.stop()

    def report(self, what: str, done: float) -> None:
        """Show what is measured, and which share is done."""
        self._progress.update(self._task, description=what, completed=done)


def check_finite(command: click.Context, option: click.Parameter, value: float) -> float:
    """Refuse what is no length of time, as ``nan`` and ``inf`` are; for click."""
    if not math.isfinite(value):
        raise click.BadParameter(f"{value} is no number of seconds; give some, such as 60")
    return value


@click.command(cls=HeadedHelp, examples=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME…]", type=ModelName(is_installed=True))
@click.option(
    "--seconds", type=click.FloatRange(LEAST_SECONDS), default=60.0, metavar="SECONDS", callback=check_finite,
    help="How long it measures; loading models comes on top.  [default: 60]",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@config_option
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), metavar="PATH", help="Folder of the models.")
def bench(names: Sequence[str], seconds: float, as_json: bool, config: Path | None, home: Path | None) -> None:
    """Measure the models and advise on settings.

    Of all that are installed, or of those named. Takes about a minute. The
    settings are those that serve would have; let nothing else run meanwhile, a
    server neither.
    """
    settings = read_settings(config, {"home": home})
    # Before ctranslate2 is imported, as `serve` does.
    set_environment(os.environ)
    from polygist_service.app.benchmark.benchmark import Benchmark
    from polygist_service.app.benchmark.figures import to_json

    with Bar() as bar:
        report = Benchmark(settings, seconds, bar.report).run(names)
    if as_json:
        click.echo(json.dumps(to_json(report), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(write_report(report)))


def write_report(report: Report) -> Iterator[str]:
    """Yield the lines of a report for people."""
    machine = report.machine
    load = "" if machine.load is None else f", load average {machine.load:.2f} before"
    others = "" if machine.others is None else f", other processes took {machine.others:.0%} meanwhile"
    yield f"{machine.processor}: {machine.cores} cores, {machine.slots} slots{load}{others}"
    for model in report.models:
        yield ""
        yield from write_model(model)
    if report.environments:
        yield ""
        yield f"environment ({report.environment_model})"
        for each in report.environments:
            variables = " ".join(f"{name}={value}" for name, value in each.variables.items()) or "as it is"
            libraries = ", ".join(f"{what} {name}" for what, name in each.libraries.items() if what != "able")
            yield write_row(variables, f"{write_rate(each.rate)}  {libraries}", width=24)
    if service := report.service:
        added = 1000 * (service.alone.median - service.engine_alone.median)
        yield ""
        yield f"through a server ({service.model}, callers on this machine)"
        yield write_row("one call at a time", f"{write_milliseconds(service.alone.median)}, {added:.1f} ms of it added")
        engine = service.engine.texts
        share = f"{service.calls.texts / engine:.0%} of the {write_number(engine)}/s without server and callers"
        yield write_row(f"{service.callers} callers", f"{write_rate(service.calls)}  {share}")
    yield ""
    for line in report.advice:
        yield f"=> {line}"
    for note in report.notes:
        yield f"note: {note}"


def write_model(model: ModelFigures) -> Iterator[str]:
    """Yield the lines of one model."""
    what = "sentences" if model.role != "summarisation" else "texts"
    yield (
        f"{model.name}: {model.role}, {model.compute_type} on {model.device}, loaded in {model.load_seconds:.1f} s; "
        f"{what} of {model.mean_words:.0f} words ({model.language})"
    )
    usual = model.batches.get(model.service_batch)
    if usual:
        written = f", {usual.written:.0f} tokens/s" if usual.written else ""
        yield write_row("all slots", f"{write_rate(usual)}  {usual.words:.0f} words/s{written}")
    alone = model.alone
    yield write_row(
        "one alone", f"{write_milliseconds(alone.median)} (95 in 100 within {write_milliseconds(alone.high)})"
    )
    if model.prompt_seconds is not None and model.token_seconds is not None:
        yield write_row(
            "  of it", f"{model.prompt_seconds:.2f} s to read, then {1000 * model.token_seconds:.1f} ms a token"
        )
    yield from write_rates("batches of", model.batches, mark=model.service_batch)
    yield from write_rates("slots", model.slots)
    yield from write_rates("slots x threads", model.layouts)
    yield from write_rates("compute type", {kind: each.rate for kind, each in model.numbers.items()})
    changed = {
        kind: each.same_answers
        for kind, each in model.numbers.items()
        if each.same_answers is not None and each.same_answers < 1
    }
    if changed:
        yield write_row("  same answers", "  ".join(f"{kind}: {share:.0%}" for kind, share in changed.items()))
    if model.shortlist:
        yield write_row("preset SPEED", write_rate(model.shortlist))
    for note in model.notes:
        yield f"  note: {note}"


def write_rates(label: str, rates: Mapping[Any, Rate], mark: Any = None) -> Iterator[str]:
    """Yield the line of some rates by what they depend on; what the server has is marked."""
    if rates:
        parts = (f"{key}{'*' if key == mark else ''}: {write_number(rate.texts)}" for key, rate in rates.items())
        yield write_row(label, "  ".join(parts))


def write_rate(rate: Rate) -> str:
    """Return a rate and how far its windows lie apart."""
    return f"{write_number(rate.texts)}/s ({write_number(rate.low)}-{write_number(rate.high)})"


def write_number(value: float) -> str:
    """Return a number with three figures or so."""
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}" if value >= 2 else f"{value:.2f}"


def write_milliseconds(seconds: float) -> str:
    """Return a time in milliseconds."""
    return f"{1000 * seconds:.1f} ms"


def write_row(label: str, text: str, width: int = 18) -> str:
    """Return a line of a table."""
    return f"  {label:<{width}} {text}"
