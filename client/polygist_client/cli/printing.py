"""Results for people and for programs."""

import json
import re
from collections.abc import Iterable, Sequence

import click

from polygist_client import Span
from polygist_client.cli.outputs import standard_output
from polygist_client.cli.session import Session
from polygist_client.options import JsonReply

QUOTED = 60
EMPTY = "-"
LISTED = re.compile(r",(?=[^\s,])")  # a list as programs like it; on a terminal it may need several lines


def to_json(reply: JsonReply) -> str:
    """Write a reply of the server as JSON, readable."""
    return json.dumps(reply, ensure_ascii=False, indent=2)


def to_json_line(name: str, part: JsonReply) -> str:
    """Write a part of a reply as one line of JSON, its id first."""
    return json.dumps({"id": name, **part}, ensure_ascii=False)


def print_rows(session: Session, headers: Sequence[str], rows: Sequence[Sequence[str]], *, nothing: str = "") -> None:
    """Print a table on a terminal; elsewhere a row a line, with tabs, for cut and awk.

    Args:
        session: says whether there are colours.
        headers: of the columns; on a terminal, one in which no row has anything is left out.
        rows: their cells.
        nothing: the note where there are none.
    """
    if not rows and nothing:
        session.note(nothing)
        return
    if not standard_output().isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    # Only here: it takes a third of the start of a run.
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    shown = [place for place in range(len(headers)) if not rows or any(row[place] != EMPTY for row in rows)]
    table = Table(box=None, pad_edge=False)
    for place in shown:
        table.add_column(headers[place], overflow="fold")  # nothing is cut that somebody may want to copy
    for row in rows:
        table.add_row(*(escape(LISTED.sub(", ", row[place])) for place in shown))
    Console(no_color=True if session.no_color else None, highlight=False).print(table)


def print_json(session: Session, reply: JsonReply, parts: Iterable[tuple[str, JsonReply]]) -> None:
    """Print the reply, or a line for each of its parts, which come with their ids."""
    standard_output()  # click would say nothing of one that is closed
    if session.json:
        click.echo(to_json(reply))
    else:
        for name, part in parts:
            click.echo(to_json_line(name, part))


def join_codes(codes: Sequence[str]) -> str:
    """Join language codes, or other names without commas, to one cell of a table."""
    return ",".join(codes) or EMPTY


def append_extras(text: str, extras: Sequence[str]) -> str:
    """Lay out a text and below it what else was asked for."""
    return "\n".join([text.rstrip("\n"), "", *extras, ""])


def quote_place(span: Span, text: str) -> str:
    """Name a place in a text, with the passage that stands there."""
    passage = " ".join(span.of(text).split())
    shown = passage if len(passage) <= QUOTED else passage[: QUOTED - 1].rstrip() + "…"
    return f'{span.start}-{span.end} "{shown}"'
