"""Flags made from the settings, each with its variable and default; how help texts look; names that are completed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.shell_completion import CompletionItem
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from polygist_service.errors import ModelCrash, StoreError, UnsupportedCapability
from polygist_service.limits import Limits, LimitTooLowError
from polygist_service.settings import (
    PORTS,
    PREFIX,
    Settings,
    find_mistyped,
    load_home,
    load_settings,
    nearest,
    setting_names,
)
from polygist_service.store.validation import show

LIMIT_FLAG = "limit_"
# What a help text calls a value of a type.
METAVARS = {"int": "N", "float": "SECONDS", "str": "ADDRESS", "Path": "PATH"}

if TYPE_CHECKING:
    from polygist_service.engine.residency.trial import Trials
    from polygist_service.store.description import Description, InstalledModel
    from polygist_service.store.store import Recorded, Store

Command = Callable[..., Any]

# The flags of ``serve`` by what they are for, in the order of its help; those of the limits go by their prefix.
HEADINGS: Mapping[str, Sequence[str]] = {
    "Addresses": ("listen", "http_listen", "admin_listen", "metrics_listen", "reflection", "connection_age"),
    "Web pages": ("http_hosts", "http_cors_origins"),
    "Connections over HTTP": (
        *("http_connections", "http_header_seconds", "http_reading_seconds", "http_lingering_seconds"),
    ),
    "Encryption": ("tls_cert", "tls_key", "tls_client_ca", "insecure"),
    "Access": ("access_keys",),
    "Models": ("home", "preload", "idle_unload", "memory_cap", "pivot_languages", "glossaries"),
    "Computing": ("slots", "text_threads", "sentence_cache", "device", "device_index", "compute_type"),
    "Health and the end": ("grace", "lame_duck", "stall_seconds", "stall_grace"),
    "Log": ("log_format", "log_level", "log_queue"),
    "OpenTelemetry": ("otlp_endpoint", "trace_ratio"),
    "Limits on one request": (LIMIT_FLAG,),
}


class HeadedHelp(click.Command):
    """A help text with the flags under headings, and examples at its end.

    Args:
        headings: names of flags, or what they begin with, under each; others come last.
        examples: command lines.
    """

    def __init__(
        self, *args: Any, headings: Mapping[str, Sequence[str]] | None = None, examples: Sequence[str] = (), **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self.headings = headings or {}
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the flags heading by heading."""
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        left = {str(each.name): record for each in options if (record := each.get_help_record(ctx))}
        for heading, begins in self.headings.items():
            write_section(formatter, heading, [left.pop(name) for name in list(left) if name.startswith(tuple(begins))])
        write_section(formatter, "Options", list(left.values()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")


class HeadedGroup(HeadedHelp, click.Group):
    """The same for a command with subcommands: these are under the headings."""

    command_class = HeadedHelp

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the subcommands heading by heading, then the flags."""
        left = {name: command for name in self.list_commands(ctx) if (command := self.get_command(ctx, name))}
        for heading, names in {**self.headings, "Commands": [*left]}.items():
            chosen = [(name, left.pop(name)) for name in names if name in left]
            write_section(formatter, heading, [(name, command.get_short_help_str(60)) for name, command in chosen])
        records = [record for each in self.get_params(ctx) if (record := each.get_help_record(ctx))]
        write_section(formatter, "Options", records)


def write_section(formatter: click.HelpFormatter, heading: str, rows: Sequence[tuple[str, str]]) -> None:
    """Write a heading and what stands below it, where there is anything."""
    if rows:
        with formatter.section(heading):
            formatter.write_dl(rows)


def config_option(command: Command) -> Command:
    """Give a command the flag of a file with settings."""
    return click.option(
        "--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
        envvar="POLYGIST_CONFIG", help="TOML file with settings.  [POLYGIST_CONFIG]",
    )(command)  # fmt: skip


def add_settings(command: Command) -> Command:
    """Give a command one flag for every field of `Settings`; a flag that is not given leaves the other sources."""
    for each in reversed(fields(Limits)):
        name = f"limit-{each.name.replace('_', '-')}"
        note = f"{each.metadata['help']}  [POLYGIST_LIMITS__{each.name.upper()}; default: {each.default}]"
        command = click.option(f"--{name}", f"{LIMIT_FLAG}{each.name}", type=click.IntRange(1), metavar="N", help=note)(
            command
        )
    for name, field in reversed(Settings.model_fields.items()):
        if name != "limits":
            command = add_setting(command, name, field)
    return command


def add_setting(command: Command, name: str, field: FieldInfo) -> Command:
    """Give a command the flag of one setting; the value itself is checked by `Settings`."""
    default = field.get_default(call_default_factory=True, validated_data={})
    shown = "none" if default in (None, "") else ("off", "on")[default] if isinstance(default, bool) else default
    note = f"{field.description}  [POLYGIST_{name.upper()}; default: {shown}]"
    flag, types = f"--{name.replace('_', '-')}", [field.annotation, *get_args(field.annotation)]
    if field.annotation is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=note)(command)
    words = [word for word in types if isinstance(word, str) and word]
    kind = click.Path() if Path in types else click.Choice(words) if words else click.STRING
    # None leaves the words of a choice.
    metavar = next((METAVARS[each.__name__] for each in types if getattr(each, "__name__", "") in METAVARS), None)
    if isinstance(field.json_schema_extra, dict):
        metavar = str(field.json_schema_extra["metavar"])
    # Of any other flag the last one counts; of two addresses one would be missed.
    return click.option(flag, name, type=kind, metavar=metavar, multiple=name in PORTS, help=note)(command)


def read_settings(config: Path | None, flags: dict[str, Any], *, only_http: bool = False) -> Settings:
    """The settings of this run; raises UsageError naming each wrong value and where it stands.

    Args:
        config: the file.
        flags: those of the command.
        only_http: whether gRPC is not served, and HTTP is, wherever it is if nothing else is said.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    limits = {name: given.pop(name) for name in list(given) if name.startswith(LIMIT_FLAG)}
    if limits:
        given["limits"] = {name.removeprefix(LIMIT_FLAG): value for name, value in limits.items()}
    context = click.get_current_context(silent=True)
    check_environment(setting_names())
    for name in PORTS:
        if len(given.get(name, ())) > 1:
            flag = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{flag} is given twice, and a server has one such address; give it once", context)
        for each in given.pop(name, ()):
            given[name] = each
    try:
        return load_settings(given, config, only_http=only_http)
    except ValidationError as error:
        rows = [f"{name_place(find_setting(row), given, config)}{explain(row)}" for row in error.errors()]
        raise click.UsageError("; ".join(rows), context) from None
    except (OSError, ValueError) as error:  # of a configuration file that cannot be read, or is no TOML
        raise click.UsageError(str(error), context) from None


def read_home(given: Path | None) -> Path:
    """The folder of the installed models; raises UsageError where it is none, or its variable is mistyped."""
    check_environment(("home",))
    try:
        return load_home(given)
    except ValidationError as error:
        row = error.errors()[0]
        where = name_place(row["loc"], {} if given is None else {"home": given}, None)
        raise click.UsageError(f"{where}{explain(row)}", click.get_current_context(silent=True)) from None


def check_environment(names: Sequence[str]) -> None:
    """Raise UsageError for variables that are meant for some settings and name none.

    Ignored, as one of another program is, such a variable would leave a server without its limit, cap or certificate.
    """
    rows = [f"{name}: no such setting; did you mean {near}?" for name, near in find_mistyped(os.environ, names)]
    if rows:
        raise click.UsageError("; ".join(rows), click.get_current_context(silent=True))


def find_setting(row: Any) -> tuple[int | str, ...]:
    """Return the name of the setting that is wrong, and under it that of the limit, where it is one."""
    error = (row.get("ctx") or {}).get("error")
    return (*row["loc"], error.field) if isinstance(error, LimitTooLowError) else row["loc"]


def name_place(loc: tuple[int | str, ...], flags: Mapping[str, Any], config: Path | None) -> str:
    """Where a wrong value stands, by the order in which the sources go: a flag, a variable or a key of the file."""
    if not loc:
        return ""
    name, variable = str(loc[0]), f"{PREFIX}{'__'.join(map(str, loc)).upper()}"
    if name == "limits" and len(loc) > 1:
        name, flags = f"limit_{loc[1]}", {f"limit_{limit}": value for limit, value in flags.get("limits", {}).items()}
    if name in flags:
        return f"--{name.replace('_', '-')}: "
    if os.environ.get(variable):
        return f"{variable}: "
    key = ".".join(map(str, loc))
    return f"{config}: {key}: " if config else f"{key}: "


def explain(row: Any) -> str:
    """What is wrong with a value, in words of ours where an operator is likely to meet them."""
    value, bound = show(row.get("input")), row.get("ctx") or {}
    if isinstance(error := bound.get("error"), LimitTooLowError):
        return f"{error.value} is less than 1"
    match row["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            return suggest_setting(row["loc"])
        case "int_parsing" | "int_type" | "int_from_float":
            return f"{value} is no whole number"
        case "float_parsing" | "float_type":
            return f"{value} is no number"
        case "bool_parsing" | "bool_type":
            return f"{value} is neither true nor false"
        case "byte_size" | "byte_size_unit":
            return f"{value} is no size such as 4GB or 512MiB"
        case "greater_than_equal":
            return f"{value} is less than {bound['ge']:g}"
        case "less_than_equal":
            return f"{value} is more than {bound['le']:g}"
        case "finite_number":
            return f"{value} is no number of seconds"
        case "literal_error":
            return f"{value} is not one of {bound['expected']}"
        case "string_type" | "path_type" | "dataclass_type":
            return f"{value} is no {'table' if row['type'] == 'dataclass_type' else 'text'}"
    message = str(row["msg"]).removeprefix("Value error, ")
    is_plain = isinstance(row.get("input"), str | int | float) and not isinstance(row["input"], bool)
    return f"{message}, not {value}" if is_plain and value not in message else message


def suggest_setting(loc: tuple[int | str, ...]) -> str:
    """Say that a key of the file is no setting, and which one it may have been meant for."""
    names, word = setting_names(), "__".join(map(str, loc))
    near = nearest(word, names) or nearest(f"limits__{word}", names) or nearest(word, ["limits"])
    cure = f"did you mean {near.replace('__', '.')!r}?" if near else "polygist-server serve --help lists them all"
    return f"no such setting; {cure}"


def open_store(home: Path | None) -> Store:
    """Return the store in a folder, by default that of the settings; raises UsageError and StoreError."""
    # Imported here, so that help does not wait for numpy.
    from polygist_service.store.store import Store

    folder = read_home(home)
    trials = InstallTrials(folder)
    return Store(
        folder,
        measure=trials.choose_attention,
        record=trials.record,
        try_model=trials.try_model,
        is_isolated=True,
    )


class InstallTrials:
    """Tries models that are being installed, in processes of their own.

    What these raise, of CTranslate2, for want of memory or of a device, is a warning: the model is installed all the
    same. One that crashes them is not.

    Args:
        home: the folder of the store.
    """

    def __init__(self, home: Path) -> None:
        self._home = home

    @cached_property
    def _trials(self) -> Trials:
        # Imported here, as it takes CTranslate2.
        from polygist_service.engine.residency.trial import Trials

        return Trials(self._home)

    def choose_attention(self, folder: Path, description: Description) -> Description:
        """Have a model tell which words became which, if it can; raises ModelCrash."""
        try:
            return self._trials.choose_attention(folder, description)
        except ModelCrash:
            raise
        except Exception as error:
            click.echo(f"warning: {description.name}: whether it aligns words was not measured: {error}", err=True)
            return description

    def record(self, installed: InstalledModel) -> Recorded:
        """Have a model answer its golden texts, if it can; raises ModelCrash."""
        from polygist_service.store.store import Recorded

        try:
            return self._trials.record(installed)
        except ModelCrash:
            raise
        except Exception as error:
            click.echo(f"warning: {installed.name}: its golden answers were not recorded: {error}", err=True)
            return Recorded()

    def try_model(self, installed: InstalledModel) -> None:
        """Have a model loaded; what this machine alone lacks for that is warned of.

        Raises:
            StoreError: it does not load: whatever has its name already stays.
        """
        try:
            self._trials.try_new(installed)
        except StoreError:
            raise
        except (UnsupportedCapability, MemoryError) as error:
            click.echo(f"warning: {installed.name}: it does not load here: {error}", err=True)
        except Exception as error:
            reason = f"model {installed.name} does not load: {error}; nothing was installed; export it anew"
            raise StoreError(reason) from error


class ModelName(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4, not before
    """The name of a model, which completion knows.

    Args:
        of_catalogue: whether those that can be pulled are offered, with the sets.
        is_installed: whether those that are installed are.
    """

    name = "name"

    def __init__(self, *, of_catalogue: bool = False, is_installed: bool = False) -> None:
        self._of_catalogue = of_catalogue
        self._is_installed = is_installed

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer names; none where the folder or the catalogue cannot be read."""
        names: set[str] = set()
        try:
            store = open_store(ctx.parent.params.get("home") if ctx.parent else None)
            if self._of_catalogue:
                names.update(store.catalogue.models, store.catalogue.sets)
            if self._is_installed:
                names.update(store.names())
        except (OSError, StoreError, click.UsageError):
            return []
        return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]
