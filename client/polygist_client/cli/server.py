"""``polygist health|info``: how the server is."""

import time

import click

from polygist_client import CallFailed, CallOptions, Client, DeadlineExceeded, NotFound, Unavailable
from polygist_client.cli.errors import UNAVAILABLE, suggest
from polygist_client.cli.help import Command
from polygist_client.cli.printing import join_codes, print_json, print_rows
from polygist_client.cli.session import Duration, Session, with_session
from polygist_client.connection import SERVICES
from polygist_client.options import JsonReply
from polygist_client.results import Health

POLL_SECONDS = 0.25


HEALTH_EXAMPLES = (
    "polygist health && echo ready",
    "polygist health --wait 60s translation",
)
INFO_EXAMPLES = (
    "polygist info",
    "polygist info --json",
)


@click.command(cls=Command, examples=HEALTH_EXAMPLES)
@click.argument("service", required=False, default="")
@click.option(
    "--wait", type=Duration(may_be_none=True), metavar="TIME", help="Wait so long, such as 60s, until it serves."
)
@with_session
def health(session: Session, service: str, wait: float | None) -> int:
    """Tell whether the server serves, or one SERVICE of it.

    SERVICE is translation, summarisation, models or a full name. Exit code 0 means that it serves, 4 that it does not.
    """
    with session.connect() as client:
        try:
            status = wait_until_serving(client, SERVICES.get(service, service), wait or 0.0, session.timeout)
        except NotFound as error:
            known = f"it has: {', '.join(SERVICES)}{suggest(service, SERVICES)}"
            raise NotFound(f"the server has no service {service!r}; {known}", code="NOT_FOUND") from error
    if session.is_text:
        click.echo(status)
    else:
        reply: JsonReply = {"status": status.replace("-", "_").upper()}
        print_json(session, reply, [(service or session.address, reply)])
    return 0 if status == "serving" else UNAVAILABLE


def wait_until_serving(client: Client, service: str, seconds: float, timeout: float | None) -> Health:
    """Ask for the health until it is good or the time is up; raises the last error where no answer came.

    Args:
        client: asks.
        service: full name; empty for the whole server.
        seconds: how long to ask again.
        timeout: how long to wait for each answer; None leaves it to the client.
    """
    options: CallOptions = {} if timeout is None else {"timeout": timeout}
    until = time.monotonic() + seconds
    while True:
        failure: CallFailed | None = None
        status: Health = "unknown"
        try:
            status = client.health(service, **options)
        except (Unavailable, DeadlineExceeded) as error:
            failure = error
        if status == "serving" or time.monotonic() >= until:
            break
        time.sleep(POLL_SECONDS)
    if failure:
        raise failure
    return status


@click.command(cls=Command, examples=INFO_EXAMPLES)
@with_session
def info(session: Session) -> None:
    """Show version, limits and load of the server."""
    replies: list[JsonReply] = []
    with session.connect() as client:
        found = client.server_info(on_reply=replies.append)
    if session.is_text:
        glossaries = [name.removeprefix("glossaries/") for name in found.glossaries]
        rows = [
            ["version", found.version], ["active requests", str(found.active_requests)],
            ["queued requests", str(found.queued_requests)], ["glossaries", join_codes(glossaries)],
            *([f"limit {name}", str(value)] for name, value in found.limits.items()),
        ]  # fmt: skip
        print_rows(session, ["what", "value"], rows)
    else:
        print_json(session, replies[0], [(session.address, replies[0])])
