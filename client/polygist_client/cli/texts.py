"""``polygist detect|tokens``: what texts are."""

import click

from polygist_client.cli.completion import complete_models
from polygist_client.cli.flags import add_options, candidate_option, text_options
from polygist_client.cli.folders import gather_inputs
from polygist_client.cli.help import Command
from polygist_client.cli.printing import print_json, print_rows
from polygist_client.cli.session import Session, with_session
from polygist_client.options import JsonReply

DETECT_EXAMPLES = (
    'polygist detect --text "Bom dia a todos."',
    "polygist detect -n 3 letters/*.txt",
)
TOKENS_EXAMPLES = (
    "polygist tokens --model en-pt article.txt",
    'polygist tokens --model en-pt --text "The library opens at nine."',
)


@click.command(cls=Command, examples=DETECT_EXAMPLES)
@add_options(text_options)
@click.option(
    "-n", "count", type=click.IntRange(1), default=1, metavar="N", help="How many guesses to show.  [default: 1]"
)
@candidate_option
@with_session
def detect(
    session: Session, files: tuple[str, ...], texts: tuple[str, ...], count: int, candidates: tuple[str, ...]
) -> None:
    """Tell the language of files, standard input (-) or --text.

    Prints name (of several inputs), language and confidence.
    """
    sources = gather_inputs(files, texts)
    contents, names = [source.read() for source in sources], [source.name for source in sources]
    session.wanted_languages = dict.fromkeys(candidates, "detect-language")
    replies: list[JsonReply] = []
    with session.connect() as client:
        detections = client.detect_language(
            contents, max_candidates=count, candidates=candidates, on_reply=replies.append
        )
    if not session.is_text:
        print_json(session, replies[0], zip(names, replies[0]["detections"], strict=True))
        return
    rows = [
        [name, each.code, f"{each.confidence:.4f}"]
        for name, detection in zip(names, detections, strict=True)
        for each in detection.languages[:count]
    ]
    print_of_inputs(session, ["input", "language", "confidence"], rows, len(names))


@click.command(cls=Command, examples=TOKENS_EXAMPLES)
@add_options(text_options)
@click.option("--model", required=True, metavar="NAME", shell_complete=complete_models, help="Whose tokens to count.")
@with_session
def tokens(session: Session, files: tuple[str, ...], texts: tuple[str, ...], model: str) -> None:
    """Count the tokens of files, standard input (-) or --text."""
    sources = gather_inputs(files, texts)
    contents, names = [source.read() for source in sources], [source.name for source in sources]
    replies: list[JsonReply] = []
    with session.connect() as client:
        counts = client.count_tokens(contents, model=model, on_reply=replies.append)
    if not session.is_text:
        parts = [{"tokenCounts": [count]} for count in replies[0]["tokenCounts"]]
        print_json(session, replies[0], zip(names, parts, strict=True))
        return
    rows = [[name, str(each.count)] for name, each in zip(names, counts, strict=True)]
    print_of_inputs(session, ["input", "tokens"], rows, len(names))


def print_of_inputs(session: Session, headers: list[str], rows: list[list[str]], inputs: int) -> None:
    """Print a table whose first column names the input, without that column where there is one input only."""
    first = 0 if inputs > 1 else 1
    print_rows(session, headers[first:], [row[first:] for row in rows])
