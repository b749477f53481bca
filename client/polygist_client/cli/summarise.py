"""``polygist summarise``: whole summaries, or ``--stream`` as they are written."""

import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any

import click

from polygist_client import Client, Delta, Finished, Progress, SummariseOptions, Summary
from polygist_client.cli.flags import (
    add_options,
    can_share_stream,
    candidate_option,
    check_json,
    check_resume,
    decoding_options,
    input_options,
    make_reader,
    pivot_option,
    words_choice,
)
from polygist_client.cli.inputs import Input, gather_inputs
from polygist_client.cli.outputs import check_output, parse_output
from polygist_client.cli.printing import append_extras, quote_place, to_json_line
from polygist_client.cli.runner import Attempts, Run, Work, keep_as_is
from polygist_client.cli.session import Session, with_session
from polygist_client.options import JsonReply, SentenceOrder, Splitting, SummaryLength, SummaryType


@click.command()
@add_options(input_options)
@click.option("-t", "--to", metavar="LANG", help="Language of the summary.  [default: as the article]")
@click.option("-s", "--from", "source", metavar="LANG", help="Language of the article.  [default: detected]")
@candidate_option
@click.option("--type", type=words_choice(SummaryType), help="Form of the summary.")
@click.option("--length", type=words_choice(SummaryLength), help="How long it is.")
@click.option("--max-sentences", type=int, metavar="N", help="Instead of --length.")
@click.option("--max-words", type=int, metavar="N", help="Instead of --length.")
@click.option("--extractive", "method", flag_value="extractive", help="Pick sentences of the article.")
@click.option("--abstractive", "method", flag_value="abstractive", help="Write new sentences.")
@click.option("--query", default="", metavar="TEXT", help="What the summary should be about.")
@click.option("--order", type=words_choice(SentenceOrder), help="As in the article, or by importance.")
@click.option("--splitting", type=words_choice(Splitting), help="Where sentences end.")
@click.option("--citations", is_flag=True, help="Show the passages behind each sentence.")
@click.option("--markdown", is_flag=True, help="Write Markdown.")
@click.option("--stream", is_flag=True, help="Print sentences as they are written.")
@pivot_option
@add_options(decoding_options)
@with_session
def summarise(
    session: Session,
    files: tuple[str, ...],
    texts: tuple[str, ...],
    output: str | None,
    resume: bool,
    format: str,
    field: str | None,
    stream: bool,
    **options: Any,
) -> int:
    """Summarise files, standard input (-) or --text."""
    read = make_reader(lines=False, format=format, field=field, into="summary")
    check_json(session, read, output, shows_more="citations" if options["citations"] else "")
    check_resume(resume, output)
    if stream:
        check_stream(session, output=output, makes_records=read is not None)
    sources, where = gather_inputs(files, texts), parse_output(output)
    work = make_work({**options})  # type: ignore[typeddict-item]
    shares_stream = stream or can_share_stream(session, read, sources, 1)
    check_output(where, sources, [work.label], shares_stream=shares_stream)
    session.wanted_languages = tuple(filter(None, [options["to"], options["source"]]))
    with session.connect() as client:
        if stream:
            return stream_summaries(session, client, sources, work.options)
        run = Run(session, client, sources, [work], where, resume)
        return run.run_records(read, keep_as_is) if read else run.run_texts()


def make_work(keywords: SummariseOptions) -> Work:
    """Make the work of one summary for each article."""
    to = keywords.get("to")
    return Work(
        call=Client.summarise,
        call_many=Client.summarise_many,
        options=keywords,
        label=f"summary.{to}" if to else "summary",
        results="summaries",
        render=render_summary,
        blank=lambda text: (Summary(text="", source="", target="", model="", method=""), {}),
    )


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
    attempts = Attempts(session, len(sources))
    for source in sources:
        with attempts.attempt(source.name):
            text = source.read()
            if session.jsonl:
                print_parts(client, source.name, text, options)
            else:
                with closing(client.stream_summarise(text, **options)) as events:
                    print_events(session, source.name, text, events)
        if attempts.should_stop:
            break
    return attempts.finish()


def print_parts(client: Client, name: str, text: str, options: Mapping[str, Any]) -> None:
    """Print the parts of the reply as they come, a line of JSON each."""

    def print_part(part: JsonReply) -> None:
        write(f"{to_json_line(name, part)}\n")

    with closing(client.stream_summarise(text, **options, on_reply=print_part)) as events:
        deque(events, maxlen=0)


def print_events(
    session: Session, name: str, text: str, events: Iterator[Progress | Delta | Finished[Summary]]
) -> None:
    """Print the text of a summary as it comes; progress goes to a bar on standard error until the first words."""
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
                        write(event.text)
                        is_open = True
                    case Finished():
                        stack.close()
                        write(render_summary(event.result, text).removeprefix(event.result.text) or "\n")
                        is_open = False
                        session.report(name, event.result)
        finally:
            if is_open:  # what was said before a failure ends its line
                write("\n")


def write(text: str) -> None:
    """Write to standard output at once."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def render_summary(summary: Summary, source: str) -> str:
    """Lay out a summary: its text, below it the passages behind each sentence, by its number."""
    extras = [
        f"[{number}] {quote_place(citation.span, source)}"
        for number, sentence in enumerate(summary.sentences, start=1)
        for citation in sentence.citations
    ]
    return append_extras(summary.text, extras) if extras else summary.text
