"""``polygist-server models``: install, check and remove models."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from polygist_service.cli.flags import read_settings
from polygist_service.store.description import COMPUTE_TYPES, ROLES

if TYPE_CHECKING:
    from polygist_service.store.catalogue.catalogue import CatalogueEntry
    from polygist_service.store.catalogue.pull_options import PullOptions
    from polygist_service.store.description import InstalledModel
    from polygist_service.store.store import Store

COLUMNS = ("name", "for", "languages", "size", "licence", "installed")
# More languages than these are told by their number.
MOST_NAMED = 4

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


@click.group()
@click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), metavar="PATH",
    help="Folder of the installed models.  [POLYGIST_HOME]",
)  # fmt: skip
@click.pass_context
def models(context: click.Context, home: Path | None) -> None:
    """Install, check and remove models."""
    # Imported here, so that help and completion do not wait for numpy.
    from polygist_service.store.store import Store

    context.obj = Store(read_settings(None, {"home": home}).home)


def add_pull_flags(command: Command) -> Command:
    """Give a command the flags that say more of a model than its name."""
    for option in reversed(PULL_FLAGS):
        command = option(command)
    return command


@models.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@click.option("--name", default="", metavar="NAME", help="Name of the installed model.")
@click.option("--again", is_flag=True, help="Pull also what is installed; a branch of the Hub may have moved.")
@add_pull_flags
@click.pass_obj
def pull(store: Store, /, names: Sequence[str], again: bool, **flags: Any) -> None:
    """Fetch and convert models, or sets of models such as starter.

    NAME is one that `models list` shows, hub:OWNER/REPOSITORY[@REVISION], or
    path:FOLDER. Those that are up to date stay as they are.
    """
    options = parse_pull_options(again=again, **flags)
    known = [*store.catalogue.models, *store.catalogue.sets]
    unknown = [name for name in names if not store.catalogue.knows(name)]
    expect_known(unknown, known, "the catalogue has no model or set")
    with ProgressBars() as bars:
        pulled = store.pull(names, bars.report, options=options)
    for each in pulled:
        click.echo(each)


@models.command()
@click.argument("name")
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
    click.echo(pulled)


@models.command()
@click.argument("name")
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


@models.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…")
@click.pass_obj
def import_models(store: Store, paths: Sequence[Path]) -> None:
    """Install exported models from archives or folders."""
    for path in paths:
        with ProgressBars() as bars:
            pulled = store.import_(path, bars.report)
        click.echo(pulled)


@models.command()
@click.argument("names", nargs=-1, metavar="[NAME…]")
@click.pass_obj
def verify(store: Store, names: Sequence[str]) -> None:
    """Check every file of models, or of all, against its manifest."""
    for name in names or [model.name for model in store.installed()]:
        store.verify(name)
        click.echo(f"{name}: ok")


@models.command("list")
@click.pass_obj
def list_models(store: Store) -> None:
    """List the installed models, and those that can be pulled."""
    installed = {model.name: model for model in store.installed()}
    rows = [describe_installed(model) for model in installed.values()]
    rows += [describe_entry(entry) for name, entry in store.catalogue.models.items() if name not in installed]
    if not sys.stdout.isatty():  # for cut and awk
        for row in rows:
            click.echo("\t".join(row))
        return
    table = Table(*COLUMNS, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    Console(highlight=False).print(table)


@models.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@click.pass_obj
def rm(store: Store, names: Sequence[str]) -> None:
    """Remove installed models."""
    for name in names:
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


def expect_known(names: Iterable[str], known: Iterable[str], problem: str) -> None:
    """Raise UsageError for a name that is not `known`, with the nearest one or else all of them."""
    known = list(known)
    for name in names:
        if name not in known:
            near = get_close_matches(name.lower(), known, n=1)
            cure = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(known)}"
            raise click.UsageError(f"{problem} {name!r}; {cure}", click.get_current_context(silent=True))


def describe_installed(model: InstalledModel) -> tuple[str, ...]:
    """The row of an installed model, by `COLUMNS`."""
    description, size = model.description, model.size_bytes
    languages = name_languages(description.source_languages, description.target_languages)
    shown = f"{size / 1e6:.1f} MB" if size < 1e8 else f"{size / 1e6:.0f} MB"
    return model.name, description.role, languages, shown, description.license, model.revision[:12]


def describe_entry(entry: CatalogueEntry) -> tuple[str, ...]:
    """The row of a model that can be pulled."""
    languages = name_languages(entry.settings.get("source_languages", ()), entry.settings.get("target_languages", ()))
    size = f"~{entry.memory_bytes // 1_000_000} MB" if entry.memory_bytes else "-"
    return entry.name, entry.role, languages, size, entry.license, "no"


def name_languages(sources: Sequence[str], targets: Sequence[str]) -> str:
    """The languages on both sides, many of them as their number; `many` where they are read at the pull."""
    sides = [",".join(each) if len(each) <= MOST_NAMED else f"{len(each)} languages" for each in (sources, targets)]
    if not sources:
        return "many"
    return sides[0] if not targets or sides[0] == sides[1] else ">".join(sides)
