"""Flags made from the settings: every setting is one, with its environment variable and default in the help."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from polygist_service.limits import Limits
from polygist_service.settings import Settings, load_settings

LIMIT_FLAG = "limit_"
# What a help text calls a value of a type.
METAVARS = {"int": "N", "float": "SECONDS", "str": "ADDRESS", "Path": "PATH"}

Command = Callable[..., Any]


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
    return click.option(flag, name, type=kind, metavar=metavar, help=note)(command)


def read_settings(config: Path | None, flags: dict[str, Any]) -> Settings:
    """The settings of this run; raises UsageError naming each wrong value."""
    given = {name: value for name, value in flags.items() if value is not None}
    limits = {name: given.pop(name) for name in list(given) if name.startswith(LIMIT_FLAG)}
    if limits:
        given["limits"] = {name.removeprefix(LIMIT_FLAG): value for name, value in limits.items()}
    context = click.get_current_context(silent=True)
    try:
        return load_settings(given, config)
    except ValidationError as error:
        rows = [f"{'.'.join(map(str, row['loc'])) or 'settings'}: {_explain(row)}" for row in error.errors()]
        raise click.UsageError("; ".join(rows), context) from None
    except ValueError as error:  # of a configuration file that is no TOML
        raise click.UsageError(f"{config or 'settings'}: {error}", context) from None


def _explain(row: Any) -> str:
    message = str(row["msg"]).removeprefix("Value error, ")
    is_plain = isinstance(row.get("input"), str | int | float)
    return f"{message}, not {row['input']!r}" if is_plain and repr(row["input"]) not in message else message
