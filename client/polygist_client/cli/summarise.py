"""``polygist summarise``."""

from collections.abc import Mapping
from typing import Any

import click

from polygist_client import Client, GlossaryFile, Summary
from polygist_client.cli.answers import Work
from polygist_client.cli.completion import complete_languages
from polygist_client.cli.files import check_files, check_folder_of_json, check_glossary
from polygist_client.cli.flags import (
    add_options,
    can_share_stream,
    candidate_option,
    charset_option,
    check_flags,
    check_records,
    decoding_options,
    expect,
    from_option,
    input_options,
    into_option,
    parse_form,
    pivot_option,
    said_file,
    said_format,
    tell_of_guesses,
    words_choice,
)
from polygist_client.cli.folders import gather_inputs
from polygist_client.cli.formats import Format
from polygist_client.cli.help import Command
from polygist_client.cli.outputs import check_output, check_overlap, parse_output
from polygist_client.cli.printing import append_extras, quote_place
from polygist_client.cli.records import Fields, make_fields
from polygist_client.cli.runner import Run
from polygist_client.cli.session import Session, with_session
from polygist_client.cli.streaming import check_stream, stream_option, stream_results
from polygist_client.cli.terms import parse_terms, term_options
from polygist_client.options import SentenceOrder, Splitting, SummaryLength, SummaryType

INTO = "summary"


EXAMPLES = (
    "polygist summarise article.txt",
    "polygist summarise report.docx",
    "polygist summarise --length short --type key-points --to pt < article.txt",
    "polygist summarise news.jsonl --format jsonl --field body -o short.jsonl",
)


@click.command(cls=Command, examples=EXAMPLES)
@add_options(input_options)
@into_option("summary; of several fields {field}_summary")
@click.option(
    "-t", "--to", metavar="LANG", shell_complete=complete_languages,
    help="Language of the summary.  [default: as the article]",
)  # fmt: skip
@from_option("Language of the article.  [default: detected]")
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
@add_options(term_options)
@charset_option
@stream_option
@pivot_option
@add_options(decoding_options)
@with_session
def summarise(
    session: Session,
    files: tuple[str, ...],
    texts: tuple[str, ...],
    output: str | None,
    resume: bool,
    format: str | None,
    field: tuple[str, ...],
    field_format: tuple[Format, ...],
    into: str | None,
    stream: bool,
    charset: str,
    **options: Any,
) -> int:
    """Summarise files, folders, standard input (-) or --text.

    Of an HTML page the article is summarised, of Markdown and of files (.docx, .srt, .vtt, .po) the prose. Of JSON
    Lines and CSV each record gets its summary in the field --into. Terms and kept phrases go with --to.
    """
    keywords, glossary = parse_terms(**options)
    flag = next((name for name in ("glossary", "keep", "keep_file", "placeholders") if options[name]), "")
    if flag and not options["to"]:
        raise click.UsageError(f"--{flag.replace('_', '-')} is for a summary in another language; give --to too")
    form = parse_form(format=format, field=field, field_format=field_format, into=into)
    check_records(form, charset)
    where = parse_output(output, makes=None if form.read else "markdown" if options["markdown"] else "text")
    shows_more = "citations" if options["citations"] else ""
    check_flags(session, form, where, files=files, resume=resume, shows_more=shows_more)
    if stream:
        check_stream(session, output=where, form=form)
    sources = gather_inputs(
        files, texts, expected=expect(format), format=said_format(format), file=said_file(format),
        takes_files=format is None, output=where.folder or where.file, charset=charset,
    )  # fmt: skip
    check_files(session, sources, where, refused={"--stream": stream}, is_written=False)
    if not session.is_text:
        check_folder_of_json(where)
    default = INTO if len(field) < 2 else f"{{field}}_{INTO}"
    fields = make_fields(field, into, default=default, to=options["to"] or "", formats=field_format)
    work = make_work(keywords, fields, glossary)
    check_glossary(session, [work], sources)
    shares_stream = stream or can_share_stream(session, form, sources, 1)
    check_output(where, sources, [work.label], shares_stream=shares_stream)
    check_overlap(where, sources, [work.label], is_of_records=form.read is not None)
    session.wanted_languages = {options["to"]: "translate"} if options["to"] else {}
    session.wanted_languages |= dict.fromkeys(filter(None, (options["source"], *options["candidates"])), "summarise")
    tell_of_guesses(session, sources, format)
    with session.connect() as client:
        if stream:
            return stream_results(session, client, sources, work)
        return Run(session, client, sources, [work], where, form, resume).run()


def make_work(keywords: Mapping[str, Any], fields: Fields, glossary: GlossaryFile | None) -> Work:
    """Make the work of one summary for each article."""
    to = keywords.get("to")
    return Work(
        call=Client.summarise,
        call_many=Client.summarise_many,
        call_stream=Client.stream_summarise,
        call_file=Client.summarise_document,
        options=keywords,
        file_options={"include_text": True},
        label=f"summary.{to}" if to else "summary",
        result="summary",
        results="summaries",
        file_result=lambda reply: reply["summaries"][0],
        render=render_summary,
        blank=lambda text: (Summary(text="", source="", target="", model="", method=""), {}),
        keeps_format=False,
        fields=fields,
        glossary=glossary,
    )


def render_summary(summary: Summary, source: str) -> str:
    """Lay out a summary: its text, below it the passages behind each sentence, by its number."""
    extras = [
        f"[{number}] {quote_place(citation.span, source)}"
        for number, sentence in enumerate(summary.sentences, start=1)
        for citation in sentence.citations
    ]
    return append_extras(summary.text, extras) if extras else summary.text
