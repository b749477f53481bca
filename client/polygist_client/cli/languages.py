"""``polygist languages``."""

from collections.abc import Sequence

import click

from polygist_client import Language, Model, NotFound
from polygist_client.cli.errors import suggest_language
from polygist_client.cli.flags import from_option, task_option
from polygist_client.cli.help import Command
from polygist_client.cli.printing import join_codes, print_json, print_rows
from polygist_client.cli.session import Session, with_session
from polygist_client.options import JsonReply, Task

EXAMPLES = (
    "polygist languages",
    "polygist languages --from en --task translate",
)


@click.command(cls=Command, examples=EXAMPLES)
@from_option("Only this language.")
@click.option("--in", "display_language", metavar="LANG", help="Language of the names.  [default: en]")
@task_option
@with_session
def languages(session: Session, source: str | None, display_language: str | None, task: Task | None) -> None:
    """List languages and what each is translated to."""
    session.wanted_languages = {display_language: None} if display_language else {}
    replies: list[JsonReply] = []
    with session.connect() as client:
        found = client.list_languages(task=task, display_language=display_language, on_reply=replies.append)
        is_of_summaries = task == "summarise" and session.is_text
        models = client.list_models(task=task) if is_of_summaries else []
    reply = {"languages": [], **replies[0]}
    if source:
        found = find_language(source, found)
        codes = {each.code for each in found}
        reply = {**reply, "languages": [each for each in reply["languages"] if each.get("languageCode", "") in codes]}
    if not session.is_text:
        parts = zip([each.code for each in found], reply["languages"], strict=True)
        print_json(session, reply, parts)
        return
    headers = ["sentences ranked by"] if is_of_summaries else ["to", "by pivot", "tasks"]
    described = describe_ranking(found, models) if is_of_summaries else describe_targets(found)
    rows = [
        [each.code, each.display_name, each.native_name, *more] for each, more in zip(found, described, strict=True)
    ]
    print_rows(session, ["code", "name", "own name", *headers], rows, nothing="no such languages")


def describe_targets(languages: Sequence[Language]) -> list[list[str]]:
    """Describe what each language is translated to, directly and through another one, and all that is done in it."""
    return [
        [
            join_codes(each.targets),
            join_codes(each.pivot_targets),
            join_codes([task.removesuffix("-language") for task in each.tasks]),
        ]
        for each in languages
    ]


def describe_ranking(languages: Sequence[Language], models: Sequence[Model]) -> list[list[str]]:
    """Describe by what the sentences of each language are ranked; by words where no model reads it."""
    read = {code for model in models for code in model.sources}
    return [["words" if read.isdisjoint((each.code, each.code.partition("-")[0])) else "meaning"] for each in languages]


MOST_NAMED = 12


def find_language(source: str, languages: list[Language]) -> list[Language]:
    """Find the language `source`; a region such as that of pt-BR may be left to its language. Raises NotFound."""
    for code in (source.lower(), source.lower().partition("-")[0]):
        if found := [each for each in languages if each.code.lower() == code]:
            return found
    rest = len(languages) - MOST_NAMED
    have = ", ".join(each.code for each in languages[:MOST_NAMED]) or "none"
    have += f" and {rest} more, see polygist languages" if rest > 0 else ""
    nearest = suggest_language(source, languages)
    raise NotFound(f"no language {source!r}; this server has: {have}{nearest}", code="NOT_FOUND")
