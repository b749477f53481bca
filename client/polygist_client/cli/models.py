"""``polygist models list|show|ps|load|unload|reload``."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import click

from polygist_client import Model
from polygist_client.cli.completion import complete_models
from polygist_client.cli.flags import task_option
from polygist_client.cli.help import Commands
from polygist_client.cli.printing import join_codes, print_json, print_rows
from polygist_client.cli.session import Session, with_session
from polygist_client.options import JsonReply, Task

# What people call an attribute of a model, as polygist-server models show does.
LABELS = {
    "sources": "reads", "targets": "writes", "size_bytes": "size", "memory_bytes": "memory", "license": "licence",
    "compute_type": "weights", "max_input_tokens": "tokens at once",
}  # fmt: skip

# What installs and removes models is the server's command, on its machine.
SERVER_COMMANDS = ("pull", "rm", "import", "export", "verify", "convert")
UNITS = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("min", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)


class ModelCommands(Commands):
    """The subcommands; those of ``polygist-server models`` say where they are."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in SERVER_COMMANDS:
            command = f"polygist-server models {cmd_name}"
            raise click.UsageError(f"models are installed where the server runs, by its own command: {command}", ctx)
        return super().get_command(ctx, cmd_name)


@click.group(cls=ModelCommands, examples=("polygist models list", "polygist models show en-pt"))
def models() -> None:
    """List the server's models, show, load or unload one.

    Others are installed where the server runs: polygist-server models pull.
    """


@models.command("list", examples=("polygist models list", "polygist models list --task translate --json"))
@task_option
@with_session
def list_models(session: Session, task: Task | None) -> None:
    """List the models: name, tasks, languages, state, licence."""
    replies: list[JsonReply] = []
    with session.connect() as client:
        found = client.list_models(task=task, on_reply=replies.append)
    if session.is_text:
        rows = [
            [each.short_name, ",".join(each.tasks), name_languages(each), each.state, each.license] for each in found
        ]
        print_rows(session, ["name", "tasks", "languages", "state", "licence"], rows, nothing="no such models")
    else:
        print_models(session, found, replies[0])


@models.command(examples=("polygist models ps", "polygist models ps --json"))
@with_session
def ps(session: Session) -> None:
    """List the models that are loaded: memory and last use.

    The memory is estimated from the weights.
    """
    replies: list[JsonReply] = []
    with session.connect() as client:
        found = client.list_models(on_reply=replies.append)
    loaded = [each for each in found if each.state in ("ready", "loading")]
    if session.is_text:
        now = datetime.now(UTC)
        rows = [
            [
                each.short_name,
                each.state,
                write_size(each.memory_bytes) if each.memory_bytes else "-",
                f"{each.device} {each.compute_type}",
                write_age(now - each.last_used) if each.last_used else "never",
            ]
            for each in loaded
        ]
        print_rows(session, ["name", "state", "memory", "runs on", "last used"], rows, nothing="no model is loaded")
    else:
        names = {each.name for each in loaded}
        parts = [each for each in replies[0].get("models", []) if each.get("name") in names]
        print_models(session, loaded, {"models": parts})


@models.command(examples=("polygist models show en-pt", "polygist models show en-pt --json"))
@click.argument("name", shell_complete=complete_models)
@with_session
def show(session: Session, name: str) -> None:
    """Show all that the server says of model NAME."""
    replies: list[JsonReply] = []
    with session.connect() as client:
        model = client.get_model(name, on_reply=replies.append)
    if session.is_text:
        rows = [["name", model.short_name]]
        for field in fields(model):
            if field.name != "name":
                label = LABELS.get(field.name, field.name.replace("_", " "))
                rows.append([label, write_value(field.name, getattr(model, field.name))])
        print_rows(session, ["what", "value"], rows)
    else:
        print_json(session, replies[0], [(model.name, replies[0].get("model", {}))])


@models.command(
    examples=("polygist models load en-pt -a localhost:51051", "polygist models load en-pt --api-key-file admin.key")
)
@click.argument("name", shell_complete=complete_models)
@with_session
def load(session: Session, name: str) -> None:
    """Load model NAME; one that is loaded, anew.

    Like unload and reload for administrators, at the server's --admin-listen address.
    """
    replies: list[JsonReply] = []
    with session.connect() as client:
        print_state(session, client.load_model(name, on_reply=replies.append), replies[0])


@models.command(
    examples=(
        "polygist models unload en-pt -a localhost:51051",
        "polygist models unload en-pt --api-key-file admin.key",
    )
)
@click.argument("name", shell_complete=complete_models)
@with_session
def unload(session: Session, name: str) -> None:
    """Unload model NAME; its next use loads it again."""
    replies: list[JsonReply] = []
    with session.connect() as client:
        print_state(session, client.unload_model(name, on_reply=replies.append), replies[0])


@models.command(examples=("polygist models reload -a localhost:51051", "polygist models reload --json"))
@with_session
def reload(session: Session) -> None:
    """Let the server look at its model folder and catalogue.

    Prints the models that were added, removed or replaced.
    """
    replies: list[JsonReply] = []
    with session.connect() as client:
        changed = client.reload_configuration(on_reply=replies.append)
    if session.is_text:
        rows = [[name.removeprefix("models/")] for name in changed]
        print_rows(session, ["changed"], rows, nothing="no model has changed")
    else:
        reply = {"changedModels": [], **replies[0]}
        print_json(session, reply, [(session.address, reply)])


def print_state(session: Session, model: Model, reply: JsonReply) -> None:
    """Print name, state and revision of a model that was changed."""
    if session.is_text:
        print_rows(session, ["name", "state", "revision"], [[model.short_name, model.state, model.revision[:12]]])
    else:
        print_json(session, reply, [(model.name, reply.get("model", {}))])


def print_models(session: Session, found: Sequence[Model], reply: JsonReply) -> None:
    """Print models as JSON, be there none: the reply leaves that out."""
    reply = {"models": [], **reply}
    print_json(session, reply, zip([each.name for each in found], reply["models"], strict=True))


def name_languages(model: Model) -> str:
    """Name the languages of a model: ``en>pt``, or those that it reads where it writes the same or none."""
    if not model.targets or model.targets == model.sources:
        return join_codes(model.sources)
    return f"{join_codes(model.sources)}>{join_codes(model.targets)}"


def write_value(name: str, value: object) -> str:
    """Write an attribute of a model for people."""
    if isinstance(value, tuple):
        return ",".join(value) or "-"
    if isinstance(value, datetime):
        return write_age(datetime.now(UTC) - value)
    if name.endswith("_bytes") and isinstance(value, int):
        return write_size(value) if value else "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "never" if value is None else str(value) or "-"


def write_size(size: int) -> str:
    """Write a number of bytes: 1.25 GB, 17 MB, 0.3 MB."""
    if size >= 10**9:
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 10**7 else f"{size / 1e6:.1f} MB"


def write_age(age: timedelta) -> str:
    """Write how long ago something was, in its largest unit; the clocks of two machines may differ."""
    for unit, length in UNITS:
        if age >= length:
            return f"{age // length} {unit} ago"
    return "now"
