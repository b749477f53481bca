"""``polygist models load|unload|reload``: for administrators, at the address of ``--admin-listen``."""

from typing import Any

import click

from polygist_client import calls
from polygist_client.calls import Call
from polygist_client.cli.printing import print_reply, print_rows
from polygist_client.cli.session import Session, with_session


@click.command()
@click.argument("name")
@with_session
def load(session: Session, name: str) -> None:
    """Load model NAME; one that is loaded, anew.

    Like unload and reload for administrators, at the server's --admin-listen address.
    """
    _change(session, calls.load_model(name))


@click.command()
@click.argument("name")
@with_session
def unload(session: Session, name: str) -> None:
    """Unload model NAME; its next use loads it again."""
    _change(session, calls.unload_model(name))


@click.command()
@with_session
def reload(session: Session) -> None:
    """Let the server look at its model folder and catalogue.

    Prints the models that were added, removed or replaced.
    """
    call = calls.reload_configuration()
    with session.connect() as client:
        reply = client.send(call)
    if not print_reply(session, reply, [(session.address, reply)]):
        print_rows(session, ["changed"], [[name] for name in call.read(reply)])


def _change(session: Session, call: Call[Any, Any]) -> None:
    """Make a call that changes a model, and print its name, state and revision."""
    with session.connect() as client:
        reply = client.send(call)
    if not print_reply(session, reply, [(reply.model.name, reply.model)]):
        model = call.read(reply)
        print_rows(session, ["name", "state", "revision"], [[model.name, model.state, model.revision[:12]]])
