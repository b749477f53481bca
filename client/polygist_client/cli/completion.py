"""What the shell offers for the values of flags: the languages and models of the server, where that answers at once."""

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from polygist_client import PolygistError
from polygist_client.cli.session import Session

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

# Somebody waits with a finger on the key: without an answer by then, nothing is offered.
SECONDS = 0.8


def complete_languages(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the codes of languages, each with its name; of several with commas between them, the last one."""
    before, comma, begun = incomplete.rpartition(",")
    taken = before.split(",")
    try:
        with quick_session(context).connect() as client:
            found = client.list_languages(timeout=SECONDS)
    except (PolygistError, OSError, click.ClickException):
        return []
    names = {each.code: each.display_name for each in found}
    targets = {code for each in found for code in (*each.targets, *each.pivot_targets)}
    codes = targets if parameter.name == "to" and targets else names
    return offer(((code, names.get(code, "")) for code in sorted(codes) if code not in taken), begun, before + comma)


def complete_models(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the names of models, each with its tasks."""
    try:
        with quick_session(context).connect() as client:
            found = client.list_models(timeout=SECONDS)
    except (PolygistError, OSError, click.ClickException):
        return []
    return offer(((each.name.removeprefix("models/"), ", ".join(each.tasks)) for each in found), incomplete, "")


def quick_session(context: click.Context) -> Session:
    """Return the options that stand on the command line already, for one call that nothing waits for."""
    session = context.ensure_object(Session)
    session.reconnect_timeout = 0.0
    return session


def offer(names: Iterable[tuple[str, str]], begun: str, before: str) -> list[CompletionItem]:
    """Offer the names that begin so, each with what it is, behind what stands before them."""
    return [CompletionItem(before + name, help=what) for name, what in names if name.lower().startswith(begun.lower())]
