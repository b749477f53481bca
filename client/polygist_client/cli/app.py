"""The command ``polygist``: its subcommands, and how a run ends."""

from collections.abc import Sequence

import click
from click.shell_completion import get_completion_class
from polygist import __version__

from polygist_client import PolygistError
from polygist_client.cli.errors import INTERRUPTED, exit_code_of
from polygist_client.cli.inspection import detect, health, info, languages, models, tokens
from polygist_client.cli.models import load, reload, unload
from polygist_client.cli.nearest import NearChoice
from polygist_client.cli.session import Session, global_options
from polygist_client.cli.summarise import summarise
from polygist_client.cli.translate import translate

NAME = "polygist"
COMPLETION_VARIABLE = "_POLYGIST_COMPLETE"


class Commands(click.Group):
    """The subcommands, some of them under a second name that is not listed."""

    ALIASES = {"summarize": "summarise"}  # noqa: RUF012

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, self.ALIASES.get(cmd_name, cmd_name))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@global_options
def polygist() -> None:
    """Summaries and translations from a polygist server.

    The options below go before or after the command. Each has an environment variable too, such as POLYGIST_ADDRESS.
    """


@polygist.command()
def version() -> None:
    """Print the version of this client."""
    click.echo(f"{NAME} {__version__}")


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


for command in (translate, summarise, detect, languages, models, tokens, health, info):
    polygist.add_command(command)
for command in (load, unload, reload):
    models.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code, with the error already printed in one line.

    A standard output that nobody reads any more ends the run quietly with 1: click sees to that.
    """
    session = Session()
    try:
        code = polygist.main(
            list(arguments), prog_name=NAME, complete_var=COMPLETION_VARIABLE, auto_envvar_prefix="POLYGIST",
            standalone_mode=False, obj=session,
        )  # fmt: skip
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except (PolygistError, click.ClickException, OSError) as error:
        session.complain(error)
        return exit_code_of(error)
