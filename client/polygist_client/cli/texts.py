"""``polygist detect|tokens``: what texts are."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click

from polygist_client.cli.completion import complete_models
from polygist_client.cli.errors import naming_contents
from polygist_client.cli.flags import add_options, candidate_option, format_option, said_format, text_options
from polygist_client.cli.folders import gather_inputs
from polygist_client.cli.formats import FORMATS, MIME_TYPES
from polygist_client.cli.help import Command
from polygist_client.cli.inputs import Input
from polygist_client.cli.printing import print_json, print_rows
from polygist_client.cli.session import Session, with_session
from polygist_client.options import JsonReply

DETECT_EXAMPLES = (
    'polygist detect --text "Bom dia a todos."',
    "polygist detect -n 3 letters/*.txt page.html",
)
TOKENS_EXAMPLES = (
    "polygist tokens --model en-pt article.txt",
    'polygist tokens --model en-pt --text "The library opens at nine."',
)


format_of_texts = format_option(
    help="What the input is. auto goes by names such as .html and .md, then finds HTML by itself, but not Markdown; all"
    " else is text.  [default: auto]"
)


@click.command(cls=Command, examples=DETECT_EXAMPLES)
@add_options(text_options)
@format_of_texts
@click.option(
    "-n", "count", type=click.IntRange(1), default=1, metavar="N", help="How many guesses to show.  [default: 1]"
)
@candidate_option
@with_session
def detect(
    session: Session,
    files: tuple[str, ...],
    texts: tuple[str, ...],
    format: str | None,
    count: int,
    candidates: tuple[str, ...],
) -> None:
    """Tell the language of files, standard input (-) or --text.

    Prints name (of several inputs), language and confidence.
    """
    sources = gather_inputs(files, texts, format=said_format(format))
    session.wanted_languages = dict.fromkeys(candidates, "detect-language")
    with session.connect() as client:
        call = partial(client.detect_language, max_candidates=count, candidates=candidates)
        detections, reply = ask(session, sources, call, "detections")
    names = [source.name for source in sources]
    if not session.is_text:
        print_json(session, reply, zip(names, reply["detections"], strict=True))
        return
    rows = [
        [name, each.code, f"{each.confidence:.4f}"]
        for name, detection in zip(names, detections, strict=True)
        for each in detection.languages[:count]
    ]
    print_of_inputs(session, ["input", "language", "confidence"], rows, len(names))


@click.command(cls=Command, examples=TOKENS_EXAMPLES)
@add_options(text_options)
@format_of_texts
@click.option("--model", required=True, metavar="NAME", shell_complete=complete_models, help="Whose tokens to count.")
@with_session
def tokens(session: Session, files: tuple[str, ...], texts: tuple[str, ...], format: str | None, model: str) -> None:
    """Count the tokens of files, standard input (-) or --text."""
    sources = gather_inputs(files, texts, format=said_format(format))
    with session.connect() as client:
        counts, reply = ask(session, sources, partial(client.count_tokens, model=model), "tokenCounts")
    names = [source.name for source in sources]
    if not session.is_text:
        parts = [{"tokenCounts": [count]} for count in reply["tokenCounts"]]
        print_json(session, reply, zip(names, parts, strict=True))
        return
    rows = [[name, str(each.count)] for name, each in zip(names, counts, strict=True)]
    print_of_inputs(session, ["input", "tokens"], rows, len(names))


def ask(
    session: Session, sources: Sequence[Input], call: Callable[..., Any], results: str
) -> tuple[list[Any], JsonReply]:
    """Make a request for the texts of each format; returns the answers to all in their order, and one reply for all.

    Args:
        session: reads the sources.
        sources: where the texts are.
        call: makes a request, of texts and keywords.
        results: name of the list of answers in its reply.
    """
    contents = [session.read(source) for source in sources]
    replies: list[JsonReply] = []
    found: dict[int, tuple[Any, Any]] = {}
    for format in FORMATS:
        places = [place for place, content in enumerate(contents) if content.format == format]
        if not places:
            continue
        options = {} if format == "text" else {"mime_type": MIME_TYPES[format]}
        with naming_contents([sources[place].name for place in places]):
            answers = call([contents[place].text for place in places], **options, on_reply=replies.append)
        found |= zip(places, zip(answers, replies[-1][results], strict=True), strict=True)
    values, parts = zip(*(found[place] for place in range(len(contents))), strict=True)
    return list(values), {**replies[0], results: list(parts)}


def print_of_inputs(session: Session, headers: list[str], rows: list[list[str]], inputs: int) -> None:
    """Print a table whose first column names the input, without that column where there is one input only."""
    first = 0 if inputs > 1 else 1
    print_rows(session, headers[first:], [row[first:] for row in rows])
