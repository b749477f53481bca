"""``polygist models list|show|load|unload|reload``."""

from dataclasses import fields

import click

from polygist_client import Model
from polygist_client.cli.flags import task_option
from polygist_client.cli.help import Commands
from polygist_client.cli.printing import join_codes, print_json, print_rows
from polygist_client.cli.session import Session, with_session
from polygist_client.options import JsonReply, Task

# What the contract calls them, where results have a shorter name.
CONTRACT_NAMES = {"sources": "source language codes", "targets": "target language codes"}


@click.group(cls=Commands)
def models() -> None:
    """List the server's models, show, load or unload one."""


@models.command("list")
@task_option
@with_session
def list_models(session: Session, task: Task | None) -> None:
    """List the models: name, tasks, languages, state, licence."""
    replies: list[JsonReply] = []
    with session.connect() as client:
        found = client.list_models(task=task, on_reply=replies.append)
    if session.is_text:
        rows = [
            [
                each.name,
                ",".join(each.tasks),
                f"{join_codes(each.sources)}>{join_codes(each.targets)}",
                each.state,
                each.license,
            ]
            for each in found
        ]
        print_rows(session, ["name", "tasks", "languages", "state", "licence"], rows)
    else:
        parts = zip([each.name for each in found], replies[0].get("models", []), strict=True)
        print_json(session, replies[0], parts)


@models.command()
@click.argument("name")
@with_session
def show(session: Session, name: str) -> None:
    """Show all that the server says of model NAME."""
    replies: list[JsonReply] = []
    with session.connect() as client:
        model = client.get_model(name, on_reply=replies.append)
    if session.is_text:
        rows = []
        for field in fields(model):
            value = getattr(model, field.name)
            label = CONTRACT_NAMES.get(field.name, field.name.replace("_", " "))
            rows.append([label, ",".join(value) if isinstance(value, tuple) else str(value)])
        print_rows(session, ["what", "value"], rows)
    else:
        print_json(session, replies[0], [(model.name, replies[0].get("model", {}))])


@models.command()
@click.argument("name")
@with_session
def load(session: Session, name: str) -> None:
    """Load model NAME; one that is loaded, anew.

    Like unload and reload for administrators, at the server's --admin-listen address.
    """
    replies: list[JsonReply] = []
    with session.connect() as client:
        print_state(session, client.load_model(name, on_reply=replies.append), replies[0])


@models.command()
@click.argument("name")
@with_session
def unload(session: Session, name: str) -> None:
    """Unload model NAME; its next use loads it again."""
    replies: list[JsonReply] = []
    with session.connect() as client:
        print_state(session, client.unload_model(name, on_reply=replies.append), replies[0])


@models.command()
@with_session
def reload(session: Session) -> None:
    """Let the server look at its model folder and catalogue.

    Prints the models that were added, removed or replaced.
    """
    replies: list[JsonReply] = []
    with session.connect() as client:
        changed = client.reload_configuration(on_reply=replies.append)
    if session.is_text:
        print_rows(session, ["changed"], [[name] for name in changed])
    else:
        print_json(session, replies[0], [(session.address, replies[0])])


def print_state(session: Session, model: Model, reply: JsonReply) -> None:
    """Print name, state and revision of a model that was changed."""
    if session.is_text:
        print_rows(session, ["name", "state", "revision"], [[model.name, model.state, model.revision[:12]]])
    else:
        print_json(session, reply, [(model.name, reply.get("model", {}))])
