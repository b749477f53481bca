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
from polygist_client.cli.inputs import Content, Input
from polygist_client.cli.printing import print_json, print_rows
from polygist_client.cli.session import Session, with_session
from polygist_client.cli.tally import Tally
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
) -> int:
    """Tell the language of files, standard input (-) or --text.

    Prints name (of several inputs), language and confidence.
    """
    sources = gather_inputs(files, texts, format=said_format(format))
    session.wanted_languages = dict.fromkeys(candidates, "detect-language")
    with session.connect() as client:
        call = partial(client.detect_language, max_candidates=count, candidates=candidates)
        names, detections, reply, code = ask(session, sources, call, "detections")
    if not session.is_text:
        print_json(session, reply, zip(names, reply["detections"], strict=True))
        return code
    rows = [
        [name, each.code, f"{each.confidence:.4f}"]
        for name, detection in zip(names, detections, strict=True)
        for each in detection.languages[:count]
    ]
    print_of_inputs(session, ["input", "language", "confidence"], rows, len(sources))
    return code


@click.command(cls=Command, examples=TOKENS_EXAMPLES)
@add_options(text_options)
@format_of_texts
@click.option("--model", required=True, metavar="NAME", shell_complete=complete_models, help="Whose tokens to count.")
@with_session
def tokens(session: Session, files: tuple[str, ...], texts: tuple[str, ...], format: str | None, model: str) -> int:
    """Count the tokens of files, standard input (-) or --text."""
    sources = gather_inputs(files, texts, format=said_format(format))
    with session.connect() as client:
        names, counts, reply, code = ask(session, sources, partial(client.count_tokens, model=model), "tokenCounts")
    if not session.is_text:
        parts = [{"tokenCounts": [count]} for count in reply["tokenCounts"]]
        print_json(session, reply, zip(names, parts, strict=True))
        return code
    rows = [[name, str(each.count)] for name, each in zip(names, counts, strict=True)]
    print_of_inputs(session, ["input", "tokens"], rows, len(sources))
    return code


def ask(
    session: Session, sources: Sequence[Input], call: Callable[..., Any], results: str
) -> tuple[list[str], list[Any], JsonReply, int]:
    """Make a request for the texts of each format.

    Args:
        session: reads the sources.
        sources: where the texts are; one of several that cannot be read does not stop the others.
        call: makes a request, of texts and keywords.
        results: name of the list of answers in its reply.

    Returns:
        The names of what was read, the answers to all of them in their order, one reply for all, and the exit code.
    """
    tally = Tally(session, len(sources))
    names: list[str] = []
    contents: list[Content] = []
    for source in sources:
        with tally.attempt(source.name):
            contents.append(session.read(source))
            names.append(source.name)
            tally.add()
    code = tally.finish(is_told=False)
    replies: list[JsonReply] = []
    found: dict[int, tuple[Any, Any]] = {}
    for format in FORMATS:
        places = [place for place, content in enumerate(contents) if content.format == format]
        if not places:
            continue
        options = {} if format == "text" else {"mime_type": MIME_TYPES[format]}
        with naming_contents([names[place] for place in places]):
            answers = call([contents[place].text for place in places], **options, on_reply=replies.append)
        found |= zip(places, zip(answers, replies[-1][results], strict=True), strict=True)
    values, parts = zip(*(found[place] for place in range(len(contents))), strict=True)
    return names, list(values), {**replies[0], results: list(parts)}, code


def print_of_inputs(session: Session, headers: list[str], rows: list[list[str]], inputs: int) -> None:
    """Print a table whose first column names the input, without that column where there is one input only."""
    first = 0 if inputs > 1 else 1
    print_rows(session, headers[first:], [row[first:] for row in rows])
