"""``polygist-server models``: install, check and remove models."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from polygist_service.app.native import set_kernels
from polygist_service.cli.flags import HeadedGroup, ModelName, open_store
from polygist_service.cli.model_facts import (
    describe_entry,
    describe_installed,
    entry_to_json,
    to_json,
    write_value,
)
from polygist_service.errors import StoreError
from polygist_service.store.description import COMPUTE_TYPES, ROLES

if TYPE_CHECKING:
    from polygist_service.store.catalogue.pull_options import PullOptions
    from polygist_service.store.description import InstalledModel, Inventory
    from polygist_service.store.store import Pulled, Store

HEADINGS = {
    "Install": ("pull", "convert", "import", "rm"),
    "Look": ("list", "show", "verify", "record", "ps"),
    "Move to another machine": ("export",),
}
EXAMPLES = (
    "polygist-server models pull starter",
    "polygist-server models pull en-fr",
    "polygist-server models list --installed",
)
COLUMNS = ("name", "for", "languages", "size", "licence", "")
# The column that may go over several lines where there is little room; all others have what people copy or compare.
FOLDED = "licence"
# What the facts of one model are called.
LABELS: Mapping[str, str] = {
    "name": "name", "displayName": "display name", "installed": "installed", "role": "for", "family": "family",
    "license": "licence", "sourceLanguageCodes": "reads", "targetLanguageCodes": "writes",
    "maxInputTokens": "tokens at once", "wordAlignment": "word alignment", "computeType": "weights",
    "sizeBytes": "size", "memoryBytes": "memory", "revision": "revision", "source": "source", "folder": "folder",
}  # fmt: skip
# Of more models, only the first are named in an error.
MOST_SUGGESTED = 8

Command = Callable[..., Any]

PULL_FLAGS: Sequence[Callable[[Command], Command]] = (
    click.option("--family", default="", metavar="FAMILY", help="Its family, where its files do not tell."),
    click.option("--role", type=click.Choice(ROLES), help="What it is for."),
    click.option("--from", "sources", default="", metavar="LANG,…", help="Languages that it reads."),
    click.option("--to", "targets", default="", metavar="LANG,…", help="Languages that it writes."),
    click.option("--compute-type", default="", metavar="TYPE", help="Of the converted weights.  [default: int8]"),
    click.option(
        "--accept-license", "accepted", multiple=True, metavar="LICENCE",
        help="Accept this licence, which forbids commercial use.",
    ),
)  # fmt: skip


class ProgressBars:
    """A progress bar on standard error for each phase that the store reports, on a terminal only."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeElapsedColumn(),
            console=Console(stderr=True), disable=not self._is_shown,
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> ProgressBars:
        if self._is_shown:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_shown:  # some versions of rich end even a disabled bar with an empty line
            self._progress.stop()

    def report(self, phase: str, done: int, total: int | None) -> None:
        """Show how far a phase is; `total` None is unknown."""
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(phase, total=total)
        self._progress.update(self._tasks[phase], completed=done, total=total)


INSTALLED = ModelName(is_installed=True)


@click.group(cls=HeadedGroup, headings=HEADINGS, examples=EXAMPLES)
@click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), metavar="PATH",
    help="Folder of the installed models.  [POLYGIST_HOME]",
)  # fmt: skip
@click.pass_context
def models(context: click.Context, home: Path | None) -> None:
    """Install, check and remove models."""
    set_kernels(os.environ)  # those of the server, which golden answers are compared on
    context.obj = open_store(home)


def add_pull_flags(command: Command) -> Command:
    """Give a command the flags that say more of a model than its name."""
    for option in reversed(PULL_FLAGS):
        command = option(command)
    return command


@models.command(
    examples=(
        "polygist-server models pull en-fr",
        "polygist-server models pull Helsinki-NLP/opus-mt-en-fr",
        "polygist-server models pull path:FOLDER --family marian --from en --to fr",
    ),
)
@click.argument("names", nargs=-1, required=True, metavar="NAME…", type=ModelName(of_catalogue=True))
@click.option("--name", default="", metavar="NAME", help="Name of the installed model.")
@click.option("--again", is_flag=True, help="Pull also what is installed; a branch of the Hub may have moved.")
@add_pull_flags
@click.pass_obj
def pull(store: Store, /, names: Sequence[str], again: bool, **flags: Any) -> None:
    """Fetch and convert models, or sets of models such as starter.

    NAME is one that `models list` shows, a pair such as en-fr, a repository of
    the Hub (OWNER/REPOSITORY, its page, or hub:OWNER/REPOSITORY[@REVISION]), or
    path:FOLDER. Those that are up to date stay as they are.
    """
    options = parse_pull_options(again=again, **flags)
    known = [*store.catalogue.models, *store.catalogue.sets]
    for name in names:
        if not is_known(store, name):
            expect_known([name], known, "the catalogue has no model or set", store.catalogue.suggest_pair(name))
    with ProgressBars() as bars:
        pulled = store.pull(names, bars.report, options=options)
    tell_installed(pulled)


@models.command(
    examples=(
        "polygist-server models convert en-pt FOLDER",
        "polygist-server models pull path:FOLDER",
    )
)
@click.argument("name", type=ModelName(of_catalogue=True))
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@add_pull_flags
@click.pass_obj
def convert(store: Store, /, name: str, folder: Path, **flags: Any) -> None:
    """Convert model NAME from files in FOLDER; no download.

    For a model that is not in the catalogue: models pull path:FOLDER.
    """
    options = parse_pull_options(**flags)
    expect_known([name], store.catalogue.models, "the catalogue has no model")
    with ProgressBars() as bars:
        pulled = store.convert(name, folder, bars.report, options=options)
    tell_installed([pulled])


@models.command(
    examples=(
        "polygist-server models export en-pt",
        "polygist-server models export en-pt -o /media/stick/",
    )
)
@click.argument("name", type=INSTALLED)
@click.option(
    "-o", "--output", default=Path(), type=click.Path(path_type=Path), metavar="PATH",
    help="Archive, or the folder that it goes to.  [default: here]",
)  # fmt: skip
@click.pass_obj
def export(store: Store, name: str, output: Path) -> None:
    """Write model NAME to an archive, NAME.tar.zst."""
    with ProgressBars() as bars:
        path = store.export(name, output, bars.report)
    click.echo(path)


@models.command(
    "import",
    examples=(
        "polygist-server models import en-pt.tar.zst",
        "polygist-server models import *.tar.zst",
    ),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…")
@click.pass_obj
def import_models(store: Store, paths: Sequence[Path]) -> None:
    """Install exported models from archives or folders."""
    for path in paths:
        with ProgressBars() as bars:
            pulled = store.import_(path, bars.report)
        tell_installed([pulled])
        warn_of_saturation([pulled.model])


@models.command(
    examples=(
        "polygist-server models verify",
        "polygist-server models verify en-pt",
    )
)
@click.argument("names", nargs=-1, metavar="[NAME…]", type=INSTALLED)
@click.pass_obj
def verify(store: Store, names: Sequence[str]) -> int:
    """Check every file of models, or of all, against its manifest.

    All are checked; exit code 1 says that one is damaged, or that there is none.
    """
    code = 0
    if not names:
        inventory = store.look()
        warn_of_strays(inventory, store.home)
        names = sorted([*(model.name for model in inventory.models), *inventory.damaged])
        if not names:  # a wrong home looks like this, and nothing was proved sound
            tell_emptiness(store.home)
            code = 1
    for name in dict.fromkeys(names):
        try:
            model = store.find(name)
            store.verify(name)
            click.echo(f"{name}: ok")
            warn_of_saturation([model])
            if model.golden is None:
                click.echo(f"note: {name} has no golden answers; run: polygist-server models record {name}", err=True)
        except StoreError as error:
            click.echo(f"error: {error.message}", err=True)
            code = 1
    return code


@models.command(
    examples=(
        "polygist-server models record",
        "polygist-server models record en-pt",
    )
)
@click.argument("names", nargs=-1, metavar="[NAME…]", type=INSTALLED)
@click.pass_obj
def record(store: Store, names: Sequence[str]) -> int:
    """Record golden answers of models, or of all.

    A server compares them whenever it loads the model. Pulls record them, too:
    this is for models that have none, or that came from another machine. All
    are asked; exit code 1 says that one has no answers, or that there is none.
    """
    if not (asked := names or store.names()):
        tell_emptiness(store.home)
        return 1
    code = 0
    for name in dict.fromkeys(asked):
        try:
            golden = store.record(name)
        except StoreError as error:
            click.echo(f"error: {error.message}", err=True)
            golden = None
        if golden is None:
            code = 1  # a line on standard error has told why
        else:
            click.echo(f"{name}: {len(golden.answers)} golden answers, {golden.calculation}")
    return code


@models.command(
    "list",
    examples=(
        "polygist-server models list --installed",
        "polygist-server models list --json",
    ),
)
@click.option("--installed", is_flag=True, help="Only those that are installed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_models(store: Store, installed: bool, as_json: bool) -> None:
    """List the installed models, and those that can be pulled."""
    inventory = store.look()
    here = {model.name: model for model in inventory.models}
    others = [entry for name, entry in store.catalogue.models.items() if name not in here and not installed]
    if as_json:
        told = [to_json(model, store) for model in here.values()] + [entry_to_json(entry, store) for entry in others]
        left_out = {**inventory.damaged, **inventory.strays}
        parts = {"models": told, "leftOut": [{"name": name, "reason": why} for name, why in left_out.items()]}
        click.echo(json.dumps(parts, ensure_ascii=False, indent=2))
        return
    warn_of_damage(inventory)
    warn_of_strays(inventory, store.home)
    warn_of_saturation(inventory.models)
    if installed and not here:
        tell_emptiness(store.home)
    rows = [describe_installed(model) for model in here.values()]
    rows += [describe_entry(entry, store) for entry in others]
    if sys.stdout.isatty():  # revisions are told by show; and a "no" far below its header says nothing
        rows = [(*row[:-1], "here" if row[0] in here else "") for row in rows]
    print_rows(COLUMNS, rows)


@models.command(
    examples=(
        "polygist-server models show en-pt",
        "polygist-server models show en-fr --json",
    )
)
@click.argument("name", type=ModelName(of_catalogue=True, is_installed=True))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def show(store: Store, name: str, as_json: bool) -> None:
    """Show what is known of a model, installed or not."""
    if name in store.names():
        facts = to_json(store.find(name), store)
    else:
        known = dict.fromkeys([*store.names(), *store.catalogue.models])
        if name in store.catalogue.sets or not is_known(store, name):
            expect_known([name], known, "no model is installed, nor in the catalogue, as")
        (entry,) = store.catalogue.select([name])
        facts = to_json(store.find(entry.name), store) if entry.name in store.names() else entry_to_json(entry, store)
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    print_rows(("what", "value"), [(LABELS[key], write_value(key, value)) for key, value in facts.items()])


@models.command(
    examples=(
        "polygist models ps",
        "polygist models ps -a HOST:PORT --json",
    )
)
def ps() -> None:
    """Say where to ask which models are loaded.

    The server that has loaded them tells.
    """
    raise click.UsageError(
        "the server that has loaded them tells: polygist models ps [-a HOST:PORT]; what is installed: "
        "polygist-server models list --installed"
    )


@models.command(
    examples=(
        "polygist-server models rm en-pt",
        "polygist-server models rm en-pt pt-en",
    )
)
@click.argument("names", nargs=-1, required=True, metavar="NAME…", type=INSTALLED)
@click.pass_obj
def rm(store: Store, names: Sequence[str]) -> None:
    """Remove installed models."""
    for name in dict.fromkeys(names):
        store.remove(name)
        click.echo(f"{name}: removed")


def parse_pull_options(
    *, accepted: Sequence[str], sources: str, targets: str, compute_type: str, again: bool = False, **words: str | None
) -> PullOptions:
    """What the flags say; raises UsageError for a value that is no language or no compute type."""
    from polygist_service.store.catalogue.pull_options import PullOptions
    from polygist_service.text.languages import BadTag, parse_tag

    context = click.get_current_context(silent=True)
    try:
        languages = [
            tuple(parse_tag(tag.strip()) for tag in each.split(",") if tag.strip()) for each in (sources, targets)
        ]
    except BadTag as error:
        raise click.UsageError(str(error), context) from None
    if compute_type and compute_type not in COMPUTE_TYPES:
        raise click.UsageError(f"{compute_type!r} is none of: {', '.join(COMPUTE_TYPES)}", context)
    return PullOptions(
        sources=languages[0],
        targets=languages[1],
        compute_type=compute_type,
        accepted=frozenset(accepted),
        again=again,
        **{key: word for key, word in words.items() if word},
    )


def is_known(store: Store, name: str) -> bool:
    """Whether a name can be pulled; raises UsageError where it may mean several things, or is of another kind."""
    try:
        return store.catalogue.knows(name)
    except StoreError as error:
        raise click.UsageError(error.message, click.get_current_context(silent=True)) from None


def expect_known(names: Iterable[str], known: Iterable[str], problem: str, cure: str = "") -> None:
    """Raise UsageError for a name that is not `known`, with the cure: one given, the nearest name, or all of them."""
    known = list(known)
    for name in names:
        if name not in known:
            near = get_close_matches(name.lower(), known, n=1)
            nearest = f"did you mean {near[0]!r}?" if near else f"it has: {name_few(known)}"
            raise click.UsageError(f"{problem} {name!r}; {cure or nearest}", click.get_current_context(silent=True))


def name_few(names: Sequence[str]) -> str:
    """The first of some names, and where the others are told."""
    left = len(names) - MOST_SUGGESTED
    more = f" and {left} more, see polygist-server models list" if left > 0 else ""
    return ", ".join(names[:MOST_SUGGESTED]) + more


def tell_installed(pulled: Sequence[Pulled]) -> None:
    """Say what came of models; on a terminal also how a server gets to know of them."""
    for each in pulled:
        click.echo(each)
    if sys.stderr.isatty() and any(each.is_new for each in pulled):  # beside the result, for people
        click.echo("note: a server that runs takes them up at SIGHUP, or by polygist models reload", err=True)


def warn_of_strays(inventory: Inventory, home: Path) -> None:
    """Tell of what lies among the models and is none."""
    for name, what in inventory.strays.items():
        click.echo(f"warning: {home / 'models' / name}: {what}; it is left out", err=True)


def warn_of_damage(inventory: Inventory) -> None:
    """Tell of models that no server loads."""
    for name, reason in inventory.damaged.items():
        click.echo(f"warning: {name}: {reason}", err=True)


def warn_of_saturation(installed: Iterable[InstalledModel]) -> None:
    """Tell of models whose 8-bit weights are too large for this processor."""
    from polygist_service.store.saturation import describe_saturation, find_int8_limit

    for reason in filter(None, (describe_saturation(model, find_int8_limit()) for model in installed)):
        click.echo(f"warning: {reason}", err=True)


def tell_emptiness(home: Path) -> None:
    """Say on standard error that no model is installed, and how to install some."""
    click.echo(f"note: no model is installed in {home}; run: polygist-server models pull starter", err=True)


def print_rows(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on a terminal; elsewhere a row a line, with tabs, for cut and awk."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for number, header in enumerate(headers):
        table.add_column(header, no_wrap=number == 0 or FOLDED in headers[number + 1 :], overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    Console(highlight=False).print(table)
