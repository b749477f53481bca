"""The command ``polygist``: its subcommands, and how a run starts and ends."""

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from difflib import get_close_matches
from types import FrameType

import click
from click.shell_completion import get_completion_class
from polygist import __version__

from polygist_client import PolygistError
from polygist_client.cli.errors import INTERRUPTED, USAGE, exit_code_of
from polygist_client.cli.flags import NearChoice
from polygist_client.cli.help import Commands
from polygist_client.cli.languages import languages
from polygist_client.cli.models import models
from polygist_client.cli.server import health, info
from polygist_client.cli.session import Session, global_options, showing_warnings
from polygist_client.cli.summarise import summarise
from polygist_client.cli.terms import glossaries
from polygist_client.cli.texts import detect, tokens
from polygist_client.cli.translate import translate

NAME = "polygist"
COMPLETION_VARIABLE = "_POLYGIST_COMPLETE"
TIDYING_SECONDS = 1.0
AGAIN_SECONDS = 0.01


HEADINGS = {
    "Texts": ("translate", "summarise", "detect", "tokens"),
    "Server": ("languages", "models", "glossaries", "health", "info"),
    "This command": ("completion", "version", "help"),
}
EXAMPLES = (
    'polygist translate --to pt --text "The library opens at nine."',
    "polygist summarise article.txt",
)


@click.group(
    cls=Commands, headings=HEADINGS, aliases={"summarize": "summarise"}, examples=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)  # fmt: skip
@click.version_option(__version__, "-V", "--version", message=f"{NAME} %(version)s")
@global_options
@click.pass_obj
def polygist(session: Session) -> None:
    """Summaries and translations from a polygist server.

    The options below go before or after the command. Each has an environment variable too, such as POLYGIST_ADDRESS.
    """
    for line in find_mistyped(os.environ):
        session.say(f"warning: {line}")


def find_mistyped(environment: Iterable[str]) -> Iterator[str]:
    """Say of each variable that is nearly one of this command, and none, which that is.

    Others that begin so are the server's.
    """
    prefix = f"{NAME.upper()}_"
    known = {"POLYGIST_API_KEY": None}
    for command in (polygist, *polygist.commands.values()):
        path = "" if command is polygist else f"{str(command.name).upper()}_"
        known |= {f"{prefix}{path}{each.name}".upper(): None for each in command.params}
    for name in environment:
        if name.startswith(prefix) and name not in known:
            near = get_close_matches(name.removeprefix(prefix), [each.removeprefix(prefix) for each in known], 1, 0.85)
            if near:
                yield f"{name} is no setting of {NAME}; did you mean {prefix}{near[0]}?"


@polygist.command()
def version() -> None:
    """Print the version of this client."""
    click.echo(f"{NAME} {__version__}")


@polygist.command("help")
@click.argument("commands", nargs=-1, metavar="[COMMAND]")
@click.pass_context
def print_help(context: click.Context, commands: tuple[str, ...]) -> None:
    """Print this, or what `polygist COMMAND --help` says."""
    assert context.parent is not None
    polygist.main([*commands, "--help"], prog_name=NAME, standalone_mode=False, parent=context.parent.parent)


@polygist.command()
@click.argument("shell", metavar="SHELL", type=NearChoice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete commands and flags.

    SHELL is bash, zsh or fish.

    \b
    bash, in ~/.bashrc:  eval "$(polygist completion bash)"
    zsh, in ~/.zshrc:    eval "$(polygist completion zsh)"
    fish, once:          polygist completion fish
                           > ~/.config/fish/completions/polygist.fish
    """
    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(polygist, {}, NAME, COMPLETION_VARIABLE).source())


for command in (translate, summarise, detect, languages, models, glossaries, tokens, health, info):
    polygist.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code, with the error already printed in one line.

    A standard output that nobody reads any more ends the run quietly with 1: click sees to that.
    """
    session = Session()
    with showing_warnings(session):
        return run_commands(session, arguments)


def run_commands(session: Session, arguments: Sequence[str]) -> int:
    """Run one command line as `run` does."""
    try:
        code = polygist.main(
            list(arguments), prog_name=NAME, complete_var=COMPLETION_VARIABLE, auto_envvar_prefix="POLYGIST",
            standalone_mode=False, obj=session,
        )  # fmt: skip
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        # As click has it, and argparse: without a command there is no result, and what is wrong goes to standard error.
        with suppress(OSError):
            click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return USAGE
    except (PolygistError, click.ClickException, OSError) as error:
        session.report_error(error)
        return exit_code_of(error)


def main() -> None:
    """Run the command line and leave with its exit code; SIGTERM ends it as tidily as Ctrl-C does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and a shell's & have it
            signal.signal(number, unwind)
    sys.exit(run(sys.argv[1:]))


def unwind(number: int, frame: FrameType | None) -> None:
    """End the run by an exception, so that half-written files go, and all the same where that takes too long.

    A signal that comes while gRPC starts a call can make it wait for ever when the channel is closed.
    """
    ending = threading.Timer(TIDYING_SECONDS, os._exit, [128 + number])
    ending.daemon = True
    ending.start()
    while frame is not None:
        if frame.f_code.co_name == "__del__":  # what is raised there is lost: have the signal come again
            again = threading.Timer(AGAIN_SECONDS, os.kill, [os.getpid(), number])
            again.daemon = True
            again.start()
            return
        frame = frame.f_back
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
