"""Prescribed words: the flags, glossaries in files of one's own, and ``polygist glossaries``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import click
from click.shell_completion import CompletionItem

from polygist_client import GlossaryFile, InvalidInput, PolygistError
from polygist_client.cli.completion import SECONDS, offer, quick_session
from polygist_client.cli.errors import suggest
from polygist_client.cli.help import Command
from polygist_client.cli.inputs import STDIN, InputError, find_encoding
from polygist_client.cli.printing import join_codes, print_json, print_rows
from polygist_client.cli.session import Session, with_session
from polygist_client.options import JsonReply, Placeholder

TABLES = (".tsv", ".csv", ".tab", ".txt")
EXAMPLES = ("polygist glossaries", "polygist glossaries --json")


def complete_glossaries(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer files, and the operator's glossaries, each with its languages."""
    files = [CompletionItem(incomplete, type="file")]
    try:
        with quick_session(context).connect() as client:
            found = client.list_glossaries(timeout=SECONDS)
    except (PolygistError, OSError, click.ClickException):
        return files
    return files + offer(((each.short_name, ", ".join(each.languages)) for each in found), incomplete, "")


def take_one(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Return what a flag was given once; raises UsageError where it was given more."""
    if len(values) > 1:
        said = f"{parameter.opts[0]} {values[0]!r} and {values[1]!r}"
        raise click.UsageError(f"{said}: one can be given; join them", context)
    return values[0] if values else None


def split_placeholders(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Split syntaxes of placeholders with commas between them; raises UsageError for one that there is not."""
    words = tuple(word.strip() for word in value.split(",")) if value else ()
    known = get_args(Placeholder)
    for word in words:
        if word not in known:
            raise click.UsageError(
                f"--placeholders {word!r} is not one of {', '.join(known)}{suggest(word, known)}", context
            )
    return words


term_options = (
    click.option(
        "--glossary", type=click.Path(), multiple=True, callback=take_one, metavar="FILE|NAME",
        shell_complete=complete_glossaries,
        help="Terms and what they become: a table of yours (TSV, CSV) whose first row names languages, or a glossary of"
        " the server.",
    ),
    click.option("--ignore-case", is_flag=True, help="Find the terms of the glossary whatever their case."),
    click.option("--keep", multiple=True, metavar="PHRASE", help="Carry this phrase over as it is; repeatable."),
    click.option(
        "--keep-file", type=click.Path(), metavar="FILE", help="Carry the phrases in this file over, one a line."
    ),
    click.option(
        "--placeholders", callback=split_placeholders, metavar="SYNTAX,…",
        help=f"Carry such placeholders over: {', '.join(get_args(Placeholder))}.",
    ),
)  # fmt: skip


def parse_terms(
    *, glossary: str | None, ignore_case: bool, keep: tuple[str, ...], keep_file: str | None, **options: Any
) -> tuple[dict[str, Any], GlossaryFile | None]:
    """Return the keywords for the client, and the table of terms where that is a file here.

    Args:
        glossary: what ``--glossary`` names.
        ignore_case: its flag.
        keep: phrases to keep.
        keep_file: file with more of them.
        options: other flags, which are returned with the rest.

    Raises:
        InputError: a file cannot be read as what it should be.
        UsageError: flags do not belong together.
    """
    if ignore_case and glossary is None:
        raise click.UsageError("--ignore-case is for the terms of --glossary; give that too")
    phrases = (*keep, *(read_phrases(keep_file) if keep_file else ()))
    keywords = {**options, "ignore_case": ignore_case, "keep": phrases}
    if glossary is None:
        return keywords, None
    if Path(glossary).is_dir():
        raise InputError(f"--glossary: {glossary} is a folder; give a file, or the name of a glossary of the server")
    if not Path(glossary).exists():
        is_path = Path(glossary).suffix.lower() in TABLES or "/" in glossary.removeprefix("glossaries/")
        if is_path:
            raise InputError(f"--glossary: {glossary}: no such file; a glossary of the server is given by its name")
        return {**keywords, "glossary": glossary}, None
    try:
        table = GlossaryFile.read(glossary)
    except (InvalidInput, OSError) as error:
        raise InputError(f"--glossary: {error}") from None
    if not table.rows:
        raise InputError(f"--glossary: {glossary} has no terms below its first row")
    return keywords, table


def read_phrases(path: str) -> list[str]:
    """Read phrases, one a line; blank lines are none. Raises InputError."""
    if path == STDIN:
        raise InputError("--keep-file: standard input is for texts; give a file")
    try:
        raw = Path(path).read_bytes()
        text = find_encoding(raw).decode(raw, at_start=True)
    except OSError as error:
        raise InputError(f"--keep-file: {path}: {error.strerror}; give a file with a phrase a line") from None
    except InputError as error:
        raise InputError(f"--keep-file: {path}: {error.message}") from None
    return [line.strip() for line in text.split("\n") if line.strip()]


@click.command(cls=Command, examples=EXAMPLES)
@with_session
def glossaries(session: Session) -> None:
    """List the server's glossaries: name, languages, terms.

    --glossary NAME of translate and summarise takes one, as --glossary FILE does a table of yours.
    """
    replies: list[JsonReply] = []
    with session.connect() as client:
        found = client.list_glossaries(on_reply=replies.append)
    if session.is_text:
        rows = [[each.short_name, join_codes(each.languages), str(each.entry_count)] for each in found]
        print_rows(session, ["name", "languages", "terms"], rows, nothing="this server has no glossaries")
        return
    reply: Mapping[str, Any] = {"glossaries": [], **replies[0]}
    print_json(session, {**reply}, [(each["name"], each) for each in reply["glossaries"]])
