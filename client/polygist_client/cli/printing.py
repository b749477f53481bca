"""Results for people and for programs."""

import json
import sys
from collections.abc import Sequence

import click
from google.protobuf.json_format import MessageToDict, MessageToJson
from google.protobuf.message import Message
from rich.markup import escape
from rich.table import Table

from polygist_client.cli.session import Session
from polygist_client.results import Span, Summary, Translation

QUOTED = 60


def render_translation(translation: Translation, source: str) -> str:
    """The text; below it what else was asked for."""
    extras = []
    if translation.score is not None:
        extras.append(f"score {translation.score:.4f}")
    for number, each in enumerate(translation.alternatives, start=1):
        extras.append(f"alternative {number}{_scored(each.score)}: {each.text}")
    for segment in translation.segments:
        extras.append(
            f"{_place(segment.source_span, source)} -> {_place(segment.target_span, translation.text)}"
            f"{_scored(segment.score)}"
        )
    return _with_extras(translation.text, extras)


def render_summary(summary: Summary, source: str) -> str:
    """The text; below it the passages behind each sentence, by its number."""
    extras = [
        f"[{number}] {_place(citation.span, source)}"
        for number, sentence in enumerate(summary.sentences, start=1)
        for citation in sentence.citations
    ]
    return _with_extras(summary.text, extras)


def to_json(reply: Message) -> str:
    """A reply in protobuf's JSON."""
    return str(MessageToJson(reply, ensure_ascii=False))


def to_json_line(name: str, message: Message) -> str:
    """One object, its id first."""
    return json.dumps({"id": name, **MessageToDict(message)}, ensure_ascii=False)


def print_rows(session: Session, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal; elsewhere a row a line, with tabs, for cut and awk."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(row))
        return
    table = Table(*headers, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    session.console().print(table)


def print_reply(session: Session, reply: Message, items: Sequence[tuple[str, Message]]) -> bool:
    """Print in JSON where that is asked for; False where it is not. `items` are the reply's parts with their ids."""
    if session.json:
        click.echo(to_json(reply))
    elif session.jsonl:
        for name, message in items:
            click.echo(to_json_line(name, message))
    return not session.is_text


def _with_extras(text: str, extras: Sequence[str]) -> str:
    return "\n".join([text.rstrip("\n"), "", *extras, ""]) if extras else text


def _scored(score: float | None) -> str:
    return "" if score is None else f" ({score:.4f})"


def _place(span: Span, text: str) -> str:
    passage = " ".join(span.of(text).split())
    shown = passage if len(passage) <= QUOTED else passage[: QUOTED - 1].rstrip() + "…"
    return f'{span.start}-{span.end} "{shown}"'
