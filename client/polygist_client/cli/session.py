"""What all commands share: the global options, the client that they make, and what goes to standard error."""

import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from polygist_client import (
    ApiKeyIgnored,
    CallFailed,
    Client,
    ConnectionOptions,
    Language,
    Notice,
    PolygistError,
    Summary,
    Translation,
)
from polygist_client.addresses import DEFAULT_TARGET
from polygist_client.cli.errors import describe, is_about_language, suggest_language
from polygist_client.cli.inputs import InputError
from polygist_client.connection import RECONNECT_SECONDS

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4, not before
    """Seconds, written as 90, 90s, 500ms, 2m or 1h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", str(value))
        if not found:
            self.fail(f"{value!r} is no duration; write 90, 90s, 500ms, 2m or 1h", param, ctx)
        return float(found[1]) * UNITS[found[2]]


@dataclass
class Session:
    """The global options of this run, given before or after the name of the command."""

    address: str = DEFAULT_TARGET
    tls: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    api_key_file: str | None = None
    timeout: float | None = None
    reconnect_timeout: float = RECONNECT_SECONDS
    metadata: tuple[str, ...] = ()
    json: bool = False
    jsonl: bool = False
    quiet: bool = False
    verbose: bool = False
    no_progress: bool = False
    no_color: bool = False
    wanted_languages: tuple[str, ...] = ()
    languages: list[Language] | None = None
    bar: Progress | None = None

    def connect(self) -> Client:
        """Make a client for the server that the options name; raises InvalidInput and OSError."""
        options: ConnectionOptions = {
            "tls": self.tls,
            "ca": self.ca,
            "cert": self.cert,
            "key": self.key,
            "api_key": read_api_key(self.api_key_file),
            "metadata": dict(parse_metadata(each) for each in self.metadata),
            "timeout": self.timeout,
            "reconnect_timeout": self.reconnect_timeout,
        }
        return Client(self.address, **options)

    @property
    def is_text(self) -> bool:
        """Whether results are for people, not JSON."""
        return not (self.json or self.jsonl)

    def note(self, text: str) -> None:
        """Print a note beside the result, unless quiet."""
        if not self.quiet:
            self._print(f"note: {text}")

    def detail(self, text: str) -> None:
        """Print a note in a verbose run only."""
        if self.verbose:
            self._print(f"note: {text}")

    def warn(self, name: str, notices: tuple[Notice, ...]) -> None:
        """Print a line for each warning of an answer, unless quiet."""
        for notice in () if self.quiet else notices:
            where = f":{notice.span.start}-{notice.span.end}" if notice.span else ""
            self._print(f"warning: {name}{where}: {notice.message} [{notice.code}]")

    def report_error(self, error: BaseException, name: str = "") -> None:
        """Print an error in one line; `name` says what it is about."""
        nearest = self._suggest_language(error)
        what = describe(error)
        where = f"{name}: " if name and not what.startswith(f"{name}:") else ""
        self._print(f"error: {where}{what}{nearest}")
        if isinstance(error, CallFailed) and error.request_id:
            self.detail(f"request {error.request_id}")

    def report(self, name: str, answer: Summary | Translation) -> None:
        """Print the warnings and notes that belong to a result."""
        self.warn(name, answer.warnings)
        if answer.detection_confidence is not None:
            self.note(f"{name}: language {answer.source} detected, confidence {answer.detection_confidence:.2f}")
        self.detail(f"{name}: {answer.source} to {answer.target} by {answer.model or 'no model'}")

    def _print(self, line: str) -> None:
        """Write a line to standard error; above the bar where there is one, which would break it otherwise."""
        line = line.replace("\r", "\\r").replace("\n", "\\n")  # of the name of a file
        if self.bar is None:
            click.echo(line, err=True)
        else:
            self.bar.console.print(line, markup=False, emoji=False, soft_wrap=True)

    def _suggest_language(self, error: BaseException) -> str:
        """Ask the server for the nearest to a language that was given, where `error` may come of a mistyped one."""
        if not (is_about_language(error) and self.wanted_languages):
            return ""
        if self.languages is None:
            try:
                with self.connect() as client:
                    self.languages = client.list_languages()
            except PolygistError:
                self.languages = []
        return next(filter(None, (suggest_language(word, self.languages) for word in self.wanted_languages)), "")

    @contextmanager
    def progress(
        self, doing: str, total: int | None = None, *, is_counted: bool = False
    ) -> Iterator[Callable[[int], None]]:
        """Show a bar on standard error while the block runs, on a terminal only; yields what moves it on by so many.

        Args:
            doing: what there are many of.
            total: how many, in all; None where nobody knows.
            is_counted: whether the bar moves on by bytes, and they are counted by how often.
        """
        if self.quiet or self.no_progress or sys.stderr is None or not sys.stderr.isatty():
            yield lambda steps: None
            return
        bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn() if total is None else TimeRemainingColumn(compact=True),
            console=self.console(stderr=True), transient=True,
        )  # fmt: skip
        begun, count = time.monotonic(), 0

        def shown() -> str:
            of_total = "" if is_counted else f"/{'?' if total is None else total}"
            return f"{count}{of_total} {count / max(time.monotonic() - begun, 0.001):.1f}/s"

        with bar:
            task = bar.add_task(doing, total=total, count=shown())
            self.bar = bar

            def advance(steps: int) -> None:
                nonlocal count
                count += 1 if is_counted else steps
                bar.update(task, advance=steps, count=shown())

            try:
                yield advance
            finally:
                self.bar = None

    def console(self, *, stderr: bool = False) -> Console:
        """Make a console for tables and bars."""
        return Console(stderr=stderr, no_color=True if self.no_color else None, highlight=False)


class UnlistedOption(click.Option):
    """An option that a help text leaves out, and completion does not."""

    def get_help_record(self, ctx: click.Context) -> None:
        return None


GLOBAL_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("-a", "--address"),
        {"default": DEFAULT_TARGET, "show_default": True, "help": "HOST[:PORT], http(s)://…, unix:PATH or dns:…"},
    ),
    (("--tls",), {"is_flag": True, "help": "Encrypt; implied by --ca and --cert."}),
    (("--ca",), {"type": click.Path(), "metavar": "FILE", "help": "Certificates to trust (PEM)."}),
    (("--cert",), {"type": click.Path(), "metavar": "FILE", "help": "Own certificate (PEM), with --key."}),
    (("--key",), {"type": click.Path(), "metavar": "FILE", "help": "Own private key (PEM)."}),
    (
        ("--api-key-file",),
        {"type": click.Path(), "metavar": "FILE", "help": "File with the API key; or set POLYGIST_API_KEY."},
    ),
    (("--timeout",), {"type": Duration(), "help": "Time for each call: 90s, 5m.  [default: by length]"}),
    (
        ("--reconnect-timeout",),
        {
            "type": Duration(),
            "default": f"{RECONNECT_SECONDS:g}s",
            "show_default": True,
            "help": "How long a call waits for a server that went away during the run.",
        },
    ),
    (("--metadata",), {"metavar": "K=V", "multiple": True, "help": "Goes with every call."}),
    (("--json",), {"is_flag": True, "help": "Print the server's reply as JSON."}),
    (("--jsonl",), {"is_flag": True, "help": "Print one JSON object a line, with an id."}),
    (("-q", "--quiet"), {"is_flag": True, "help": "No warnings, notes and progress."}),
    (("-v", "--verbose"), {"is_flag": True, "help": "Say more on standard error."}),
    (("--no-progress",), {"is_flag": True, "help": "No progress bar."}),
    (("--no-color",), {"is_flag": True, "help": "No colours."}),
)


def global_options(command: CommandT) -> CommandT:
    """Give the group the global options."""
    for names, settings in reversed(GLOBAL_OPTIONS):
        command = click.option(*names, callback=_remember, expose_value=False, **settings)(command)
    return command


def with_session(command: CommandT) -> Any:
    """Give a command that takes the `Session` first the global options, unlisted and without defaults."""
    hidden = {"default": None, "show_default": False, "cls": UnlistedOption, "allow_from_autoenv": False}
    for names, settings in reversed(GLOBAL_OPTIONS):
        command = click.option(*names, callback=_remember, expose_value=False, **{**settings, **hidden})(command)
    return click.pass_obj(command)


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Keep a global option; what stands after the command comes later, and wins where it is given."""
    session = context.ensure_object(Session)
    if value is not None and value != ():
        setattr(session, str(parameter.name), value)
    if session.json and session.jsonl:
        raise click.UsageError("--json and --jsonl exclude each other", context)
    return value


def read_api_key(path: str | None) -> str | None:
    """Read the API key in the file at `path`, else that of the environment."""
    if path is None:
        return os.environ.get("POLYGIST_API_KEY")
    key = Path(path).read_text(encoding="utf-8").strip()
    if not key:
        raise InputError(f"{path}: is empty; it should hold the API key")
    return key


def parse_metadata(pair: str) -> tuple[str, str]:
    """Parse ``KEY=VALUE``."""
    key, equals, value = pair.partition("=")
    if not equals:
        raise InputError(f"--metadata {pair!r} has no '='; write KEY=VALUE")
    return key, value


@contextmanager
def showing_warnings(session: Session) -> Iterator[None]:
    """Print what the client warns of while the block runs as lines of `session`, each once, unless that is quiet."""
    shown: set[str] = set()
    show_others = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if not issubclass(category, ApiKeyIgnored):
            show_others(message, category, *where, **more)
        elif not session.quiet and str(message) not in shown:
            shown.add(str(message))
            session._print(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", ApiKeyIgnored)
        warnings.showwarning = show
        yield
