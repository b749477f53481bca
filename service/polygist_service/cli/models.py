"""``polygist-server models``: install, check and remove models."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from polygist_service.cli.drawing import Drawing
from polygist_service.cli.flags import read_settings

if TYPE_CHECKING:
    from polygist_service.store.home import InstalledModel, Store

COLUMNS = ("name", "for", "languages", "size", "licence", "installed")


@click.group()
@click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), metavar="PATH",
    help="Folder of the installed models.  [POLYGIST_HOME]",
)  # fmt: skip
@click.pass_context
def models(context: click.Context, home: Path | None) -> None:
    """Install, check and remove models."""
    # Imported here, so that help and completion do not wait for numpy.
    from polygist_service.store.home import Store

    context.obj = Store(read_settings(None, {"home": home}).home)


@models.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@click.pass_obj
def pull(store: Store, names: Sequence[str]) -> None:
    """Fetch and convert models, or sets of models such as starter.

    Those that are up to date stay as they are.
    """
    expect_known(names, [*store.catalogue.models, *store.catalogue.sets], "the catalogue has no model or set")
    with Drawing() as drawing:
        pulled = store.pull(names, drawing.report)
    for each in pulled:
        click.echo(each)


@models.command()
@click.argument("name")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_obj
def convert(store: Store, name: str, folder: Path) -> None:
    """Convert model NAME from source files in FOLDER; no download."""
    expect_known([name], store.catalogue.models, "the catalogue has no model")
    with Drawing() as drawing:
        pulled = store.convert(name, folder, drawing.report)
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
    rows = [_describe(store, name, installed.get(name)) for name in store.catalogue.models]
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


def expect_known(names: Iterable[str], known: Iterable[str], problem: str) -> None:
    """Raise UsageError for a name that is not `known`, with the nearest one or else all of them."""
    known = list(known)
    for name in names:
        if name not in known:
            near = get_close_matches(name.lower(), known, n=1)
            cure = f"did you mean {near[0]!r}?" if near else f"it has: {', '.join(known)}"
            raise click.UsageError(f"{problem} {name!r}; {cure}", click.get_current_context(silent=True))


def _describe(store: Store, name: str, model: InstalledModel | None) -> tuple[str, ...]:
    entry = store.catalogue.models[name]
    languages = ",".join(entry.source_languages)
    if entry.target_languages:
        languages += f">{','.join(entry.target_languages)}"
    size = f"{model.size_bytes / 1e6:.1f} MB" if model else "-"
    return name, entry.role, languages, size, entry.license, model.revision[:12] if model else "no"
