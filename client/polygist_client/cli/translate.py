"""``polygist translate``."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import click

from polygist_client import Client, GlossaryFile, Translation
from polygist_client.cli.answers import Work
from polygist_client.cli.completion import complete_languages
from polygist_client.cli.detection import detect_once
from polygist_client.cli.files import check_files, check_glossary, split_output
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
from polygist_client.cli.inputs import Input
from polygist_client.cli.outputs import check_output, check_overlap, parse_output
from polygist_client.cli.printing import append_extras, quote_place
from polygist_client.cli.records import Fields, make_fields
from polygist_client.cli.runner import Run
from polygist_client.cli.session import Session, with_session
from polygist_client.cli.streaming import check_stream, stream_option, stream_results
from polygist_client.cli.terms import parse_terms, term_options
from polygist_client.options import JsonReply, Splitting

INTO = "{field}_{to}"
UNNUMBERED = "--alignment numbers the words that white space parts, and a document has tags; add --jsonl, for offsets"
MORE = ("alternatives", "scores", "segments", "alignment")  # than one text a result


EXAMPLES = (
    'polygist translate --to pt --text "The library opens at nine."',
    "polygist translate --to pt page.html -o pagina.html",
    "polygist translate --to pt report.docx film.srt -o translated/",
    "polygist translate --to pt articles/ -o translated/",
    "polygist translate --to pt news.jsonl --format jsonl \\\n    --field title --field body -o news.pt.jsonl",
)


@click.command(cls=Command, examples=EXAMPLES)
@add_options(input_options)
@into_option("{field}_{to}")
@click.option(
    "-t", "--to", required=True, metavar="LANG[,LANG…]", shell_complete=complete_languages,
    help="Language to translate to.",
)  # fmt: skip
@from_option("Language of the text.  [default: detected]")
@candidate_option
@click.option("--lines", is_flag=True, help="Line by line, all in one language: line n becomes line n.")
@click.option("--splitting", type=words_choice(Splitting), help="Where sentences end.")
@click.option("--alternatives", type=int, default=0, metavar="N", help="Give N other translations too.")
@click.option("--scores", is_flag=True, help="Show scores.")
@click.option("--segments", is_flag=True, help="Show which passage became which.")
@click.option("--alignment", is_flag=True, help="Show which words became which; of documents with --jsonl.")
@add_options(term_options)
@click.option("--mark-fuzzy", is_flag=True, help="Of catalogues (.po): mark what is translated as fuzzy.")
@click.option("--retranslate", is_flag=True, help="Of catalogues: translate again what has a translation, too.")
@charset_option
@stream_option
@pivot_option
@add_options(decoding_options)
@with_session
def translate(
    session: Session,
    files: tuple[str, ...],
    texts: tuple[str, ...],
    to: str,
    output: str | None,
    resume: bool,
    lines: bool,
    format: str | None,
    field: tuple[str, ...],
    field_format: tuple[Format, ...],
    into: str | None,
    stream: bool,
    charset: str,
    mark_fuzzy: bool,
    retranslate: bool,
    **options: Any,
) -> int:
    """Translate files, folders, standard input (-) or --text.

    HTML, Markdown, Word, subtitles (.srt, .vtt) and catalogues (.po) come back as they are, but for their words. Of
    JSON Lines and CSV each record gets its translation in the field --into.
    """
    targets, where = parse_targets(to), parse_output(output)
    keywords, glossary = parse_terms(**options)
    fields = [make_fields(field, into, default=INTO, to=each, formats=field_format) for each in targets]
    of_catalogues = {"mark_fuzzy": mark_fuzzy, "retranslate": retranslate}
    works = [make_work(*each, keywords, of_catalogues, glossary) for each in zip(targets, fields, strict=True)]
    form = parse_form(
        format=format, field=field, field_format=field_format, into=into, lines=lines, prepare=detect_once(session)
    )
    check_records(form, charset)
    shows_more = " and ".join(name for name in MORE if options[name])
    check_flags(session, form, where, files=files, resume=resume, shows_more=shows_more)
    if stream:
        check_stream(session, output=where, form=form, works=len(works))
    sources = gather_inputs(
        files, texts, expected=expect(format, lines=lines), format=said_format(format), file=said_file(format),
        takes_files=format is None and not lines, charset=charset, output=where.folder or where.file,
        is_read_again=len(works) > 1, no_document=UNNUMBERED if options["alignment"] and session.is_text else "",
    )  # fmt: skip
    refused = {"--stream": stream, "--alternatives": options["alternatives"]}
    check_files(session, sources, where, refused=refused, shows_more={f"--{name}": options[name] for name in MORE})
    check_catalogues(sources, of_catalogues)
    check_glossary(session, works, sources)
    place, elsewhere = split_output(session, sources, where, works=len(works))
    shares_stream = stream or (elsewhere is None and can_share_stream(session, form, sources, len(works)))
    check_output(where, sources, targets, shares_stream=shares_stream)
    check_overlap(where, sources, targets, is_of_records=form.read is not None)
    wanted = (*targets, *filter(None, [options["source"]]), *options["candidates"])
    session.wanted_languages = dict.fromkeys(wanted, "translate")
    tell_of_guesses(session, sources, format, lines=lines)
    with session.connect() as client:
        if stream:
            return stream_results(session, client, sources, works[0])
        return Run(session, client, sources, works, place, form, resume, elsewhere).run()


def parse_targets(given: str) -> list[str]:
    """Parse the languages of ``--to``; raises UsageError."""
    targets = [target.strip() for target in given.split(",")]
    if not all(targets) or len(set(targets)) < len(targets):
        raise click.UsageError(f"--to {given!r} should be languages, each once, with commas between them")
    return targets


def check_catalogues(sources: Sequence[Input], flags: Mapping[str, bool]) -> None:
    """Raise UsageError where flags for catalogues are given, and there is none."""
    if any(flags.values()) and not any(source.file == "po" for source in sources):
        flag = next(f"--{name.replace('_', '-')}" for name, is_given in flags.items() if is_given)
        raise click.UsageError(f"{flag} is for catalogues (.po, .pot), and there is none; leave it out")


def make_work(
    target: str, fields: Fields, keywords: Mapping[str, Any], of_files: Mapping[str, Any], glossary: GlossaryFile | None
) -> Work:
    """Make the work of a translation to `target`; `of_files` are keywords for files alone."""
    return Work(
        call=Client.translate,
        call_many=Client.translate_many,
        call_stream=Client.stream_translate,
        call_file=Client.translate_document,
        options={"to": target, **keywords},
        file_options={"include_text": True, **of_files},
        label=target,
        result="translation",
        results="translations",
        file_result=flatten_reply,
        render=partial(render_translation, shows_segments=keywords.get("segments", False)),
        blank=lambda text: (
            Translation(text, source="", target=target, model=""),
            {"translatedText": text} if text else {},
        ),
        keeps_format=True,
        fields=fields,
        glossary=glossary,
    )


def flatten_reply(reply: JsonReply) -> JsonReply:
    """Make an object as for a text out of the reply for a file: what is said of the translation stands beside it."""
    return {**reply.get("translation", {}), **{name: part for name, part in reply.items() if name != "translation"}}


def render_translation(translation: Translation, source: str, *, shows_segments: bool) -> str:
    """Lay out a translation: its text, below it what else was asked for.

    Segments come with an alignment, too, and are shown where they were asked for themselves.
    """

    def show(score: float | None) -> str:
        return "" if score is None else f" ({score:.4f})"

    extras = []
    if translation.score is not None:
        extras.append(f"score {translation.score:.4f}")
    for number, each in enumerate(translation.alternatives, start=1):
        extras.append(f"alternative {number}{show(each.score)}: {each.text}")
    for segment in translation.segments if shows_segments else ():
        source_place = quote_place(segment.source_span, source)
        target_place = quote_place(segment.target_span, translation.text)
        extras.append(f"{source_place} -> {target_place}{show(segment.score)}")
    if translation.alignment:
        extras.append(f"alignment: {number_pairs(translation, source)}")
    return append_extras(translation.text, extras) if extras else translation.text


def number_pairs(translation: Translation, source: str) -> str:
    """Write an alignment as other aligners do, such as ``0-0 1-2``: words are what white space parts, from 0 on.

    Marks alone are left out: they stand beside the words that they belong to.
    """
    starts, places = ([found.start() for found in re.finditer(r"\S+", text)] for text in (source, translation.text))
    pairs = {
        (bisect_right(starts, pair.source_span.start) - 1, bisect_right(places, pair.target_span.start) - 1)
        for pair in translation.alignment
        if any(map(str.isalnum, pair.target_span.of(translation.text)))
    }
    return " ".join(f"{one}-{other}" for one, other in sorted(pairs))
