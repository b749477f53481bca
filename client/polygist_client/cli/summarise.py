"""``polygist summarise``."""

from typing import Any

import click
from polygist.v1 import summarisation_service_pb2

from polygist_client import SummariseOptions, calls, options, results
from polygist_client.cli.flags import (
    add_options,
    candidate_option,
    check_json,
    check_resume,
    decoding_options,
    input_options,
    make_reader,
    one_stream_holds,
    pivot_option,
    words_choice,
)
from polygist_client.cli.inputs import gather_inputs
from polygist_client.cli.outputs import check_output, parse_output
from polygist_client.cli.printing import render_summary
from polygist_client.cli.runner import Run, Work, keep_as_is
from polygist_client.cli.session import Session, with_session
from polygist_client.cli.streams import check_stream, stream_summaries

# Articles are long; a request takes 32 at most.
ARTICLES = 8


@click.command()
@add_options(input_options)
@click.option("-t", "--to", metavar="LANG", help="Language of the summary.  [default: as the article]")
@click.option("-s", "--from", "source", metavar="LANG", help="Language of the article.  [default: detected]")
@candidate_option
@click.option("--type", type=words_choice(options.SummaryType), help="Form of the summary.")
@click.option("--length", type=words_choice(options.SummaryLength), help="How long it is.")
@click.option("--max-sentences", type=int, metavar="N", help="Instead of --length.")
@click.option("--max-words", type=int, metavar="N", help="Instead of --length.")
@click.option("--extractive", "method", flag_value="extractive", help="Pick sentences of the article.")
@click.option("--abstractive", "method", flag_value="abstractive", help="Write new sentences.")
@click.option("--query", default="", metavar="TEXT", help="What the summary should be about.")
@click.option("--order", type=words_choice(options.SentenceOrder), help="As in the article, or by importance.")
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
    work = _work({**options})  # type: ignore[typeddict-item]
    shares_stream = stream or one_stream_holds(session, read, sources, 1)
    check_output(where, sources, [work.label], shares_stream=shares_stream)
    session.wanted_languages = tuple(filter(None, [options["to"], options["source"]]))
    with session.connect() as client:
        if stream:
            return stream_summaries(session, client, sources, work.options)
        run = Run(session, client, sources, [work], where, resume)
        return run.run_records(read, keep_as_is) if read else run.run_texts()


def _work(keywords: SummariseOptions) -> Work:
    to = keywords.get("to")
    return Work(
        build=calls.summarise,
        options=keywords,
        label=f"summary.{to}" if to else "summary",
        results="summaries",
        render=render_summary,
        blank=lambda text: (
            summarisation_service_pb2.Summary(),
            results.Summary(text="", source="", target="", model="", method=""),
        ),
        most_items=ARTICLES,
    )
