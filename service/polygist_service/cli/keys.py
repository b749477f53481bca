"""``polygist-server keys``: make, list and revoke API keys."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from polygist_service.access.keys import (
    LEAST_WEIGHT,
    MOST_WEIGHT,
    SCOPES,
    Key,
    Quota,
    changing,
    make_key,
    parse_expiry,
    read_keys,
    to_row,
)
from polygist_service.cli.flags import HeadedGroup

EXAMPLES = (
    "polygist-server keys add newsroom --scope translate --expires 90d",
    "polygist-server keys list",
    "polygist-server keys revoke newsroom",
)
COLUMNS = ("name", "scopes", "expires", "weight", "quota")
NOTE = "send SIGHUP to a server that runs, which reads the file again"

ADD_EXAMPLES = (
    "polygist-server keys add newsroom --scope translate --scope summarise",
    "polygist-server keys add shop --scope translate --characters-per-minute 90000",
)


class Expiry(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4, not before
    """When a key ends: a number of days such as 90d, or a date or time of ISO 8601 such as 2030-12-31, of UTC.

    A date alone is the end of that day.
    """

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the time."""
        now = datetime.now(UTC)
        try:
            days = re.fullmatch(r"(\d{1,5})d", str(value))
            expires = now + timedelta(days=int(days[1])) if days else parse_expiry(str(value))
        except ValueError:
            self.fail(
                f"{value!r} is no time; give days such as 90d, or a date such as {now.year + 1}-12-31", param, ctx
            )
        if expires <= now:
            self.fail(f"{value!r} is over; give a time to come", param, ctx)
        return expires


@click.group(cls=HeadedGroup, headings={"Change": ("add", "revoke"), "Look": ("list",)}, examples=EXAMPLES)
@click.option(
    "--access-keys", "path", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    envvar="POLYGIST_ACCESS_KEYS",
    help="File of the API keys, that of serve.  [POLYGIST_ACCESS_KEYS]",
)  # fmt: skip
@click.pass_context
def keys(context: click.Context, path: Path | None) -> None:
    """Make, list and revoke the API keys that callers need.

    The file holds hashes only: a key is printed once, when it is made.
    """
    context.obj = path


def expect_file(path: Path | None) -> Path:
    """Return the file of the keys; raises click.UsageError where none was named, but not for whoever asks for help."""
    if path is None:
        raise click.UsageError("--access-keys is missing; give the file of the API keys, that of serve")
    return path


@keys.command(examples=ADD_EXAMPLES)
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(SCOPES), help="What it is for.")
@click.option(
    "--expires",
    type=Expiry(),
    metavar="TIME",
    help="When it ends: 90d, the end of 2030-12-31 (UTC), or 2030-12-31T18:00Z.  [default: never]",
)
@click.option(
    "--requests-per-minute", type=click.IntRange(1), metavar="N", help="Calls, and items of BatchTranslate, a minute."
)
@click.option(
    "--characters-per-minute", type=click.IntRange(1), metavar="N", help="Characters, or bytes of files, a minute."
)
@click.option(
    "--concurrent-seconds", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
    help="Work of the slots that its calls may ask for at the same time.",
)  # fmt: skip
@click.option(
    "--weight", type=click.FloatRange(LEAST_WEIGHT, MOST_WEIGHT), default=1.0, show_default=True, metavar="N",
    help="Its share of the slots beside other callers.",
)  # fmt: skip
@click.pass_obj
def add(
    path: Path | None,
    /,
    name: str,
    scopes: Sequence[str],
    expires: datetime | None,
    weight: float,
    **quota: int | float | None,
) -> None:
    """Make a key, and print it this once.

    NAME is what lists and the log call it.
    """
    path = expect_file(path)
    text, digest = make_key(name)
    try:
        key = Key(
            name=name,
            digest=digest,
            scopes=tuple(scope for scope in SCOPES if scope in scopes),
            created=datetime.now(UTC).replace(microsecond=0),
            expires=expires,
            quota=Quota(**quota),  # type: ignore[arg-type]  # of click, each of its type
            weight=weight,
        )
    except ValueError as error:
        raise click.UsageError(str(error), click.get_current_context()) from error
    with changing(path) as known:
        if name in known:
            raise click.UsageError(f"there is a key {name!r}; revoke it first, or give another name")
        known[name] = key
    click.echo(text)
    click.echo(f"{path}: {NOTE}; the key is shown this once", err=True)


@keys.command("list", examples=("polygist-server keys list --json",))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_keys(path: Path | None, /, as_json: bool) -> None:
    """List the keys, without their secrets."""
    known = read_keys(expect_file(path)).values()
    if as_json:
        for key in known:
            click.echo(json.dumps({name: value for name, value in to_row(key).items() if name != "sha256"}))
        return
    rows = [COLUMNS, *map(describe, known)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def describe(key: Key) -> tuple[str, ...]:
    """Return what the list tells of a key."""
    row = to_row(key)
    expires = "never" if key.expires is None else f"{key.expires:%Y-%m-%dT%H:%MZ}"
    if key.expires and key.expires <= datetime.now(UTC):
        expires += " (over)"
    quota = ", ".join(f"{name.replace('_', ' ')}: {value:g}" for name, value in row["quota"].items())
    return key.name, ",".join(key.scopes), expires, f"{key.weight:g}", quota or "-"


@keys.command(examples=("polygist-server keys revoke newsroom",))
@click.argument("names", nargs=-1, required=True, metavar="NAME…")
@click.pass_obj
def revoke(path: Path | None, /, names: Sequence[str]) -> None:
    """Revoke keys.

    Calls that come after the server has read the file are refused.
    """
    path = expect_file(path)
    read_keys(path)
    with changing(path) as known:
        if unknown := [name for name in dict.fromkeys(names) if name not in known]:
            told = ", ".join(map(repr, unknown))
            raise click.UsageError(f"no key {told}; nothing was revoked; there are: {', '.join(known) or 'none'}")
        for name in {*names}:
            del known[name]
    click.echo(f"{path}: {NOTE}", err=True)
