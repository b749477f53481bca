"""``polygist-server``: serve, and the models that it serves."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import click
from polygist import __version__
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from polygist_service.errors import StoreError
from polygist_service.limits import Limits
from polygist_service.logs import configure_logs
from polygist_service.settings import Settings, load_settings
from polygist_service.store.home import Store

LIMIT_FLAG = "limit_"

Command = Callable[..., Any]


def add_settings(command: Command) -> Command:
    """Give a command one flag for every field of `Settings`; a flag that is not given leaves the other sources."""
    for each in reversed(fields(Limits)):
        name = f"limit-{each.name.replace('_', '-')}"
        note = f"{each.metadata['help']}  [env: POLYGIST_LIMITS__{each.name.upper()}; default: {each.default}]"
        command = click.option(f"--{name}", f"{LIMIT_FLAG}{each.name}", type=click.IntRange(1), help=note)(command)
    for name, field in reversed(Settings.model_fields.items()):
        if name != "limits":
            command = _add_setting(command, name, field)
    return command


def _add_setting(command: Command, name: str, field: FieldInfo) -> Command:
    default = field.get_default(call_default_factory=True, validated_data={})
    note = f"{field.description}  [env: POLYGIST_{name.upper()}; default: {default}]"
    flag = f"--{name.replace('_', '-')}"
    choices = [choice for choice in get_args(field.annotation) if isinstance(choice, str)]
    if field.annotation is bool:
        return click.option(f"{flag}/--no-{name.replace('_', '-')}", name, default=None, help=note)(command)
    return click.option(flag, name, type=click.Choice(choices) if choices else str, help=note)(command)


def read_settings(config: Path | None, flags: dict[str, Any]) -> Settings:
    """The settings of this run; raises UsageError naming each wrong value."""
    given = {name: value for name, value in flags.items() if value is not None}
    limits = {name: given.pop(name) for name in list(given) if name.startswith(LIMIT_FLAG)}
    if limits:
        given["limits"] = {name.removeprefix(LIMIT_FLAG): value for name, value in limits.items()}
    try:
        return load_settings(given, config)
    except ValidationError as error:
        rows = [f"{'.'.join(map(str, row['loc'])) or 'settings'}: {row['msg']}" for row in error.errors()]
        raise click.UsageError("; ".join(rows)) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="polygist-server")
def server() -> None:
    """Summaries and translations over gRPC."""


@server.command()
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="TOML file with settings")
@add_settings
def serve(config: Path | None, **flags: Any) -> None:
    """Serve until SIGTERM."""
    settings = read_settings(config, flags)
    configure_logs(settings.log_format, settings.log_level)
    # Before ctranslate2 is imported: its OpenMP threads would fight with the slots for the same cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from polygist_service.lifecycle import serve as run

    asyncio.run(run(settings))
    sys.stdout.flush()
    sys.stderr.flush()
    # gRPC's own threads can hang a normal exit; everything of ours has ended by now.
    os._exit(0)


@server.group()
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="folder of the installed models")
@click.pass_context
def models(context: click.Context, home: Path | None) -> None:
    """Install, check and remove models."""
    settings = read_settings(None, {"home": home})
    context.obj = Store(settings.home)


@models.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def pull(store: Store, names: Sequence[str]) -> None:
    """Fetch and convert models, or sets of models such as `starter`."""
    with Drawing() as drawing:
        for pulled in store.pull(names, drawing.report):
            click.echo(pulled)


@models.command()
@click.argument("name")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_obj
def convert(store: Store, name: str, folder: Path) -> None:
    """Convert model NAME of the catalogue from its source files in FOLDER, without any download."""
    with Drawing() as drawing:
        click.echo(store.convert(name, folder, drawing.report))


@models.command()
@click.argument("names", nargs=-1)
@click.pass_obj
def verify(store: Store, names: Sequence[str]) -> None:
    """Check every file of the named models, or of all, against its manifest."""
    for name in names or [model.name for model in store.installed()]:
        store.verify(name)
        click.echo(f"{name}: ok")


@models.command("list")
@click.pass_obj
def list_models(store: Store) -> None:
    """List the installed models, and those that can be pulled."""
    table = Table("name", "for", "languages", "size", "licence", "installed", box=None, pad_edge=False)
    installed = {model.name: model for model in store.installed()}
    for entry in store.catalogue.models.values():
        model = installed.get(entry.name)
        languages = f"{','.join(entry.source_languages)}"
        if entry.role == "translation":
            languages += f"->{','.join(entry.target_languages)}"
        size = f"{model.size_bytes / 1e6:.1f} MB" if model else "-"
        state = model.revision[:12] if model else "no"
        table.add_row(entry.name, entry.role, languages, size, entry.license, state)
    Console().print(table)


@models.command()
@click.argument("names", nargs=-1, required=True)
@click.pass_obj
def rm(store: Store, names: Sequence[str]) -> None:
    """Remove installed models."""
    for name in names:
        store.remove(name)
        click.echo(f"{name}: removed")


class Drawing:
    """Progress bars for what the store reports, on standard error, only on a terminal."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn(),
            console=Console(stderr=True), disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Drawing":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def report(self, phase: str, done: int, total: int | None) -> None:
        """Show how far a phase is; `total` None is unknown."""
        if phase not in self._tasks:
            self._tasks[phase] = self._progress.add_task(phase, total=total)
        self._progress.update(self._tasks[phase], completed=done, total=total)


def main() -> None:
    """Run the command line; errors of the store and of the address are one line and exit code 1."""
    try:
        server()
    except (StoreError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        sys.stderr.flush()
        os._exit(1)
