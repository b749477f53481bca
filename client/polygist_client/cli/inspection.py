"""``polygist detect|tokens|languages|models|health|info``: what texts and servers are."""

import time
from collections.abc import Sequence
from typing import Any

import click
from polygist.v1 import model_service_pb2, translation_service_pb2

from polygist_client import (
    CallFailed,
    CallOptions,
    Client,
    DeadlineExceeded,
    NotFound,
    Unavailable,
    calls,
    options,
    results,
)
from polygist_client.calls import MODELS, SUMMARISATION, TRANSLATION
from polygist_client.cli.errors import UNAVAILABLE
from polygist_client.cli.flags import add_options, candidate_option, text_options, words_choice
from polygist_client.cli.inputs import gather_inputs
from polygist_client.cli.nearest import suggest, suggest_language
from polygist_client.cli.printing import print_reply, print_rows
from polygist_client.cli.session import Duration, Session, with_session

SERVICES = {
    "translation": TRANSLATION.full_name, "summarisation": SUMMARISATION.full_name, "models": MODELS.full_name,
}  # fmt: skip
POLL_SECONDS = 0.25

task_option = click.option("--task", type=words_choice(options.Task), help="Only what does this.")


@click.command()
@add_options(text_options)
@click.option("-n", "count", type=click.IntRange(1), default=1, show_default=True, help="How many guesses to show.")
@candidate_option
@with_session
def detect(
    session: Session, files: tuple[str, ...], texts: tuple[str, ...], count: int, candidates: tuple[str, ...]
) -> None:
    """Tell the language of files, standard input (-) or --text.

    Prints name (of several inputs), language and confidence.
    """
    sources = gather_inputs(files, texts)
    with session.connect() as client:
        call = calls.detect_language([source.read() for source in sources], max_candidates=count, candidates=candidates)
        reply = client.send(call)
    names = [source.name for source in sources]
    if print_reply(session, reply, list(zip(names, reply.detections, strict=True))):
        return
    for name, detection in zip(names, reply.detections, strict=True):
        print_rows(session, ["input", "language", "confidence"], _guesses(name, detection, count, len(names) > 1))


def _guesses(
    name: str, detection: translation_service_pb2.LanguageDetection, count: int, with_name: bool
) -> list[list[str]]:
    return [
        [*([name] if with_name else []), each.language_code, f"{each.confidence:.4f}"]
        for each in detection.languages[:count]
    ]


@click.command()
@add_options(text_options)
@click.option("--model", required=True, metavar="NAME", help="Whose tokens to count.")
@with_session
def tokens(session: Session, files: tuple[str, ...], texts: tuple[str, ...], model: str) -> None:
    """Count the tokens of files, standard input (-) or --text."""
    sources = gather_inputs(files, texts)
    with session.connect() as client:
        reply = client.send(calls.count_tokens([source.read() for source in sources], model=model))
    parts = [
        (source.name, model_service_pb2.CountTokensResponse(token_counts=[count]))
        for source, count in zip(sources, reply.token_counts, strict=True)
    ]
    if not print_reply(session, reply, parts):
        rows = [[name, str(part.token_counts[0])] for name, part in parts]
        print_rows(session, ["input", "tokens"], rows if len(rows) > 1 else [rows[0][1:]])


@click.command()
@click.option("-s", "--from", "source", metavar="LANG", help="Only this language.")
@click.option("--in", "display_language", metavar="LANG", help="Language of the names.  [default: en]")
@task_option
@with_session
def languages(session: Session, source: str | None, display_language: str | None, task: options.Task | None) -> None:
    """List languages and what each is translated to."""
    call = calls.list_languages(task=task, display_language=display_language)
    with session.connect() as client:
        reply = client.send(call)
    if source:
        _keep_language(reply, source, suggest_language(source, call.read(reply)))
    if not print_reply(session, reply, [(each.language_code, each) for each in reply.languages]):
        rows = [
            [each.code, each.display_name, each.native_name, *map(_list_codes, (each.targets, each.pivot_targets))]
            for each in call.read(reply)
        ]
        print_rows(session, ["code", "name", "own name", "to", "through another to"], rows)


def _list_codes(codes: Sequence[str]) -> str:
    return ",".join(codes) or "-"


def _keep_language(reply: model_service_pb2.ListLanguagesResponse, source: str, nearest: str) -> None:
    """Leave the language `source` only; a region such as that of pt-BR may be left to its language."""
    codes = [each.language_code for each in reply.languages]
    kept = [each for each in reply.languages if each.language_code.lower() == source.lower()] or [
        each for each in reply.languages if each.language_code.lower() == source.lower().partition("-")[0]
    ]
    if not kept:
        have = ", ".join(codes) or "none"
        raise NotFound(f"no language {source!r}; this server has: {have}{nearest}", code="NOT_FOUND")
    del reply.languages[:]
    reply.languages.extend(kept)


@click.group()
def models() -> None:
    """List the server's models, show, load or unload one."""


@models.command("list")
@task_option
@with_session
def list_models(session: Session, task: options.Task | None) -> None:
    """List the models: name, tasks, languages, state, licence."""
    call = calls.list_models(task=task)
    with session.connect() as client:
        reply = client.send(call)
    if not print_reply(session, reply, [(each.name, each) for each in reply.models]):
        rows = [
            [
                each.name,
                ",".join(each.tasks),
                f"{_codes(each.sources)}>{_codes(each.targets)}",
                each.state,
                each.license,
            ]
            for each in call.read(reply)
        ]
        print_rows(session, ["name", "tasks", "languages", "state", "licence"], rows)


@models.command()
@click.argument("name")
@with_session
def show(session: Session, name: str) -> None:
    """Show all that the server says of model NAME."""
    call = calls.get_model(name)
    with session.connect() as client:
        reply = client.send(call)
    if not print_reply(session, reply.model if session.jsonl else reply, [(reply.model.name, reply.model)]):
        _print_message(session, reply.model, {"tasks": call.read(reply).tasks, "state": call.read(reply).state})


@click.command()
@with_session
def info(session: Session) -> None:
    """Show version, limits and load of the server."""
    call = calls.server_info()
    with session.connect() as client:
        reply = client.send(call)
    if not print_reply(session, reply, [(session.address, reply)]):
        found = call.read(reply)
        rows = [
            ["version", found.version], ["active requests", str(found.active_requests)],
            ["queued requests", str(found.queued_requests)], ["glossaries", ",".join(found.glossaries) or "-"],
            *([f"limit {name}", str(value)] for name, value in found.limits.items()),
        ]  # fmt: skip
        print_rows(session, ["what", "value"], rows)


@click.command()
@click.argument("service", required=False, default="")
@click.option("--wait", type=Duration(), metavar="TIME", help="Wait so long, such as 60s, until it serves.")
@with_session
def health(session: Session, service: str, wait: float | None) -> int:
    """Tell whether the server serves, or one SERVICE of it.

    SERVICE is translation, summarisation, models or a full name. Exit code 0 means that it serves, 4 that it does not.
    """
    with session.connect() as client:
        try:
            status = _wait_until_serving(client, SERVICES.get(service, service), wait or 0.0, session.timeout)
        except NotFound as error:
            known = f"it has: {', '.join(SERVICES)}{suggest(service, SERVICES)}"
            raise NotFound(f"the server has no service {service!r}; {known}", code="NOT_FOUND") from error
    click.echo(status)
    return 0 if status == "serving" else UNAVAILABLE


def _wait_until_serving(client: Client, service: str, seconds: float, timeout: float | None) -> results.Health:
    """The health, once it is good or the time is up; raises the last error where no answer came.

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
        status: results.Health = "unknown"
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


def _print_message(session: Session, message: Any, words_for: dict[str, Any]) -> None:
    """Every field of a message on a line of its own."""
    rows = []
    for descriptor in message.DESCRIPTOR.fields:
        value = words_for.get(descriptor.name, getattr(message, descriptor.name))
        rows.append(
            [descriptor.name.replace("_", " "), str(value) if isinstance(value, str | int) else ",".join(value)]
        )
    print_rows(session, ["what", "value"], rows)


def _codes(codes: Sequence[str]) -> str:
    return ",".join(codes) or "-"
