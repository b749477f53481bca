"""What all commands share: the global options, the client that they make, and what goes to standard error."""

import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from polygist_client import (
    ApiKeyWarning,
    CallFailed,
    Client,
    ConnectionOptions,
    DeadlineExceeded,
    Language,
    Notice,
    PolygistError,
    Summary,
    TranslatedDocument,
    Translation,
)
from polygist_client.addresses import DEFAULT_TARGET
from polygist_client.cli.bar import Bar
from polygist_client.cli.diagnosis import diagnose, find_ways, is_of_connection
from polygist_client.cli.errors import describe, is_about_language, name_flags, suggest_language
from polygist_client.cli.inputs import Content, Input, InputError
from polygist_client.connection import RECONNECT_SECONDS
from polygist_client.options import Task

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
Result = Summary | TranslatedDocument | Translation

AFTER_TIMEOUT_SECONDS = 1.0  # for a look at an address that has taken up all its time already
DUMB = frozenset({"dumb", "unknown"})  # terminals that cannot clear a line
NEWLINE = "\n"
QUOTED = 40
UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4, not before
    """Seconds, written as 90, 90s, 500ms, 2m or 1h."""

    name = "duration"

    def __init__(self, *, may_be_none: bool = False) -> None:
        self._may_be_none = may_be_none

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|)", str(value))
        if not found:
            self.fail(f"{value!r} is no duration; write 90, 90s, 500ms, 2m or 1h", param, ctx)
        seconds = float(found[1]) * UNITS[found[2]]
        if not seconds and not self._may_be_none:
            self.fail(f"{value!r} is no time at all; give more, such as 90s or 5m", param, ctx)
        return seconds


@dataclass
class Session:
    """The global options of this run, given before or after the name of the command."""

    address: str = DEFAULT_TARGET
    tls: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    api_key_file: str | None = None
    trust_network: bool = False
    timeout: float | None = None
    reconnect_timeout: float = RECONNECT_SECONDS
    metadata: tuple[str, ...] = ()
    json: bool = False
    jsonl: bool = False
    quiet: bool = False
    verbose: bool = False
    no_progress: bool = False
    no_color: bool = False
    wanted_languages: dict[str, Task | None] = field(default_factory=dict)
    languages: list[Language] | None = None
    bar: Bar | None = None
    is_line_open: bool = False
    has_guessed: bool = False
    diagnosis: str | None = None

    def connect(self) -> Client:
        """Make a client for the server that the options name; raises InvalidInput and InputError."""
        options: ConnectionOptions = {
            "tls": self.tls,
            "ca": self.ca,
            "cert": self.cert,
            "key": self.key,
            "api_key": read_api_key(self.api_key_file),
            "trust_network": self.trust_network,
            "metadata": dict(parse_metadata(each) for each in self.metadata),
            "timeout": self.timeout,
            "reconnect_timeout": self.reconnect_timeout,
        }
        return Client(self.address, **options)

    @property
    def is_text(self) -> bool:
        """Whether results are for people, not JSON."""
        return not (self.json or self.jsonl)

    def say(self, line: str) -> None:
        """Print a line of its own, unless quiet."""
        if not self.quiet:
            self._print(line)

    def note(self, text: str) -> None:
        """Print a note beside the result, unless quiet."""
        if not self.quiet:
            self._print(f"note: {text}")

    def detail(self, text: str) -> None:
        """Print a note in a verbose run only."""
        if self.verbose:
            self._print(f"note: {text}")

    def read(self, source: Input) -> Content:
        """Read a whole input, and say where it was taken for more than text by what it has; of many once."""
        content = source.read()
        if content.is_guessed:
            tell = self.detail if self.has_guessed else self.note
            tell(f"{source.name}: is HTML, and read as such; --format text takes it as it stands")
            self.has_guessed = True
        return content

    def warn(self, name: str, notices: tuple[Notice, ...], text: str = "") -> None:
        """Print a line for each warning of an answer, unless quiet.

        Args:
            name: of the input.
            notices: the warnings.
            text: what was read of a file, where it is one: places are told by its lines, as nobody sees offsets in it.
        """
        for notice in () if self.quiet else notices:
            where = f":{notice.span.start}-{notice.span.end}" if notice.span else ""
            if notice.span and text:
                where = f":{text.count(NEWLINE, 0, notice.span.start) + 1}{quote(notice.span.of(text))}"
            self._print(f"warning: {name}{where}: {name_flags(notice.message)} [{notice.code}]")

    def report_error(self, error: BaseException, name: str = "") -> None:
        """Print an error in one line; `name` says what it is about."""
        nearest = self._suggest_language(error)
        what = self._diagnose(error) or describe(error)
        what = what.removeprefix("content: ").removeprefix("document: ") if name else what
        where = "" if not name or re.match(rf"{re.escape(name)}\b", what) else f"{name}: "
        self._print(f"error: {where}{what}{nearest}")
        if isinstance(error, CallFailed) and error.request_id:
            self.detail(f"request {error.request_id}")

    def _diagnose(self, error: BaseException) -> str:
        """Say why there is no connection, where `error` comes of that and the address tells."""
        if not is_of_connection(error):
            return ""
        if self.diagnosis is None:
            ways = find_ways(self.address, {"tls": self.tls, "ca": self.ca, "cert": self.cert, "key": self.key})
            if isinstance(error, DeadlineExceeded):
                ways = [replace(way, seconds=AFTER_TIMEOUT_SECONDS) for way in ways]
            self.diagnosis = next(filter(None, map(diagnose, ways)), "")
        if self.diagnosis and isinstance(error, DeadlineExceeded):
            return f"{error.message.partition(';')[0]}: {self.diagnosis}"
        return self.diagnosis

    def report(self, name: str, answer: Result) -> None:
        """Print the warnings and notes that belong to a result."""
        self.warn(name, answer.warnings, source_text_of(answer))
        self.describe(name, answer)

    def describe(self, name: str, answer: Result) -> None:
        """Print the notes that belong to a result, in a verbose run."""
        if answer.detection_confidence is not None:
            self.detail(f"{name}: language {answer.source} detected, confidence {answer.detection_confidence:.2f}")
        languages = answer.source + (f" to {answer.target}" if answer.target != answer.source else "")
        if isinstance(answer, Summary) and answer.method == "extractive":
            languages += ", sentences picked"
        elif not answer.model:
            languages += ", left as it is"
        by = f" by {answer.model.removeprefix('models/')}" if answer.model else ""
        self.detail(f"{name}: {languages}{by}")

    def _print(self, line: str) -> None:
        """Write a line to standard error: a line of its own, above the bar where there is one."""
        line = line.replace("\r", "\\r").replace("\n", "\\n")  # of the name of a file
        if self.is_line_open and sys.stderr is not None and sys.stderr.isatty():
            line, self.is_line_open = f"\n{line}", False
        with suppress(OSError):  # where nobody can read it, it is still no reason to lose the result
            if self.bar is None or not self.bar.print_above(line):
                click.echo(line, err=True)

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
        found = (suggest_language(word, self.languages, task) for word, task in self.wanted_languages.items())
        return next(filter(None, found), "")

    @contextmanager
    def progress(
        self, doing: str, total: int | None = None, *, is_counted: bool = False, in_the_way: bool = False
    ) -> Iterator[Callable[[int], None]]:
        """Show a bar on standard error while the block runs, on a terminal only; yields what moves it on by so many.

        Args:
            doing: what there are many of.
            total: how many, in all; None where nobody knows.
            is_counted: whether the bar moves on by bytes, and they are counted by how often.
            in_the_way: whether there is no bar after all, as where the text is being typed there.
        """
        is_dumb = os.environ.get("TERM", "").lower() in DUMB
        if self.quiet or self.no_progress or in_the_way or is_dumb or sys.stderr is None or not sys.stderr.isatty():
            yield lambda steps: None
            return
        with Bar(doing, total, is_counted=is_counted, no_color=self.no_color) as bar:
            self.bar = bar
            try:
                yield bar.advance
            finally:
                self.bar = None

    def write(self, stream: BinaryIO, shown: bytes) -> None:
        """Write a result at once; on a terminal the bar makes room for it."""
        is_on_terminal = stream.isatty()
        if self.bar and is_on_terminal:
            self.bar.make_room()
        stream.write(shown)
        stream.flush()
        if is_on_terminal and shown:
            self.is_line_open = not shown.endswith(b"\n")
        if self.bar and is_on_terminal:
            self.bar.settle(is_line_open=self.is_line_open)


class UnlistedOption(click.Option):
    """An option that a help text leaves out, and completion does not."""

    def get_help_record(self, ctx: click.Context) -> None:
        return None


GLOBAL_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (
        ("-a", "--address"),
        {
            "default": DEFAULT_TARGET,
            "show_default": True,
            "metavar": "HOST[:PORT]",
            "help": "Or http(s)://…, unix:PATH, dns:…",
        },
    ),
    (("--tls",), {"is_flag": True, "help": "Encrypt; implied by --ca and --cert."}),
    (
        ("--ca",),
        {"type": click.Path(), "metavar": "FILE", "help": "Certificates to trust (PEM)."},
    ),
    (
        ("--cert",),
        {
            "type": click.Path(),
            "metavar": "FILE",
            "help": "Own certificate (PEM), with --key.",
        },
    ),
    (
        ("--key",),
        {"type": click.Path(), "metavar": "FILE", "help": "Own private key (PEM)."},
    ),
    (
        ("--api-key-file",),
        {
            "type": click.Path(),
            "metavar": "FILE",
            "help": "File with the API key; or set POLYGIST_API_KEY.",
        },
    ),
    (("--trust-network",), {"is_flag": True, "help": "The API key may go without TLS."}),
    (("--timeout",), {"type": Duration(), "help": "Time for each call: 90s, 5m.  [default: by length]"}),
    (
        ("--reconnect-timeout",),
        {
            "type": Duration(may_be_none=True),
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
# Those that the help of each command has too.
LISTED = frozenset({"--address", "--tls", "--api-key-file", "--timeout", "--json", "--jsonl", "--quiet", "--verbose"})


def global_options(command: CommandT) -> CommandT:
    """Give the group the global options."""
    for names, settings in reversed(GLOBAL_OPTIONS):
        command = click.option(*names, callback=_remember, expose_value=False, **settings)(command)
    return command


def with_session(command: CommandT) -> Any:
    """Give a command that takes the `Session` first the global options, without defaults and most of them unlisted."""
    hidden = {"default": None, "show_default": False, "allow_from_autoenv": False}
    for names, settings in reversed(GLOBAL_OPTIONS):
        kind = click.Option if names[-1] in LISTED else UnlistedOption
        keywords = {**settings, **hidden, "cls": kind}
        command = click.option(*names, callback=_remember, expose_value=False, **keywords)(command)
    return click.pass_obj(command)


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Keep a global option; what stands after the command comes later, and wins where it is given."""
    session = context.ensure_object(Session)
    if value is not None and value != ():
        setattr(session, str(parameter.name), value)
    if session.json and session.jsonl:
        raise click.UsageError("--json and --jsonl exclude each other", context)
    return value


def source_text_of(answer: Result) -> str:
    """Return what was read of a file, which the spans of an answer about one point into; empty of a text."""
    return "" if isinstance(answer, Translation) else answer.source_text


def quote(passage: str) -> str:
    """Quote the beginning of a passage, to stand behind its place."""
    shown = " ".join(passage.split())
    return f' "{shown if len(shown) <= QUOTED else shown[: QUOTED - 1].rstrip() + "…"}"' if shown else ""


def read_api_key(path: str | None) -> str | None:
    """Read the API key in the file at `path`, else that of the environment."""
    if path is None:
        return os.environ.get("POLYGIST_API_KEY")
    try:
        key = Path(path).read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise InputError(f"--api-key-file: {path}: {error.strerror}; give a file with the API key") from error
    except UnicodeDecodeError as error:
        raise InputError(f"--api-key-file: {path} is no UTF-8 text; it should hold the API key alone") from error
    if not key:
        raise InputError(f"--api-key-file: {path} is empty; it should hold the API key")
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
        if not issubclass(category, ApiKeyWarning):
            show_others(message, category, *where, **more)
        elif not session.quiet and str(message) not in shown:
            shown.add(str(message))
            session._print(f"warning: {name_flags(str(message))}")

    with warnings.catch_warnings():
        warnings.simplefilter("always", ApiKeyWarning)
        warnings.showwarning = show
        yield
