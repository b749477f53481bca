"""Summaries printed as they are written."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

import click

from polygist_client import Client, calls
from polygist_client.cli.inputs import Input
from polygist_client.cli.printing import render_summary, to_json_line
from polygist_client.cli.session import Session
from polygist_client.cli.tally import Tally
from polygist_client.results import Delta, Finished, Progress

Event = Progress | Delta | Finished


def check_stream(session: Session, *, output: str | None, makes_records: bool) -> None:
    """Raise UsageError where the output cannot be a stream."""
    if output is not None:
        raise click.UsageError("--stream writes to standard output; leave -o out")
    if makes_records:
        raise click.UsageError("--stream is for whole articles; leave --format jsonl out")
    if session.json:
        raise click.UsageError("a stream has many replies; use --jsonl instead of --json")


def stream_summaries(session: Session, client: Client, sources: Sequence[Input], options: Mapping[str, Any]) -> int:
    """Print a summary of each source, sentence by sentence, or as JSON event by event; returns the exit code."""
    tally = Tally(session, len(sources))
    for source in sources:
        with tally.attempt(source.name):
            text = source.read()
            if session.jsonl:
                _print_replies(client, source.name, text, options)
            else:
                with closing(client.stream_summarise(text, **options)) as events:
                    _print_events(session, source.name, text, events)
        if tally.is_hopeless:
            break
    return tally.finish()


def _print_replies(client: Client, name: str, text: str, options: Mapping[str, Any]) -> None:
    with closing(client.send_stream(calls.stream_summarise(text, **options))) as parts:
        for part in parts:
            _write(f"{to_json_line(name, part)}\n")


def _print_events(session: Session, name: str, text: str, events: Iterator[Event]) -> None:
    """Progress goes to a bar on standard error until the first words come."""
    is_open = False
    with ExitStack() as stack:
        advance, completed = stack.enter_context(session.progress("parts")), 0
        try:
            for event in events:
                match event:
                    case Progress():
                        advance(event.completed - completed)
                        completed = event.completed
                    case Delta():
                        stack.close()
                        _write(event.text)
                        is_open = True
                    case Finished():
                        stack.close()
                        _write(render_summary(event.summary, text).removeprefix(event.summary.text) or "\n")
                        is_open = False
                        session.tell(name, event.summary)
        finally:
            if is_open:  # what was said before a failure ends its line
                _write("\n")


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
