"""The command ``polygist-server``: its subcommands, and how a run ends."""

import errno
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class
from polygist import __version__

from polygist_service.app.heap import limit_arenas
from polygist_service.app.native import set_environment
from polygist_service.cli.bench import bench
from polygist_service.cli.doctor import doctor
from polygist_service.cli.flags import HEADINGS, HeadedGroup, add_settings, config_option, read_settings
from polygist_service.cli.keys import keys
from polygist_service.cli.models import models
from polygist_service.errors import PolygistError
from polygist_service.settings import Settings, find_unknown

NAME = "polygist-server"
COMPLETION_VARIABLE = "_POLYGIST_SERVER_COMPLETE"
FAILED = 1
INTERRUPTED = 130
# What becomes of writing to a full disk, or to what is there no more.
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
# What is to be told at the end gets so long to be read.
LAST_SECONDS = 2.0


class BadFileError(click.ClickException):
    """A file that was given is wrong: misuse, of which the help has no more to say."""

    exit_code = click.UsageError.exit_code


@click.group(
    cls=HeadedGroup,
    headings={"Server": ("serve", "http", "models", "keys", "doctor", "bench"), "This command": ("completion",)},
    examples=("polygist-server models pull starter", "polygist-server serve"),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(__version__, "-V", "--version", message=f"{NAME} %(version)s")
def server() -> None:
    """Summaries and translations over gRPC and HTTP."""


@server.command(
    headings=HEADINGS,
    examples=(
        "polygist-server serve",
        "polygist-server serve --http-listen 127.0.0.1:8080",
        "polygist-server serve --listen 0.0.0.0:50051 --tls-cert c.pem --tls-key k.pem",
        "POLYGIST_MEMORY_CAP=4GB polygist-server serve --preload none",
    ),
)
@config_option
@add_settings
def serve(config: Path | None, **flags: Any) -> int:
    """Serve until SIGTERM.

    A flag goes over its environment variable, that over the file, that over the default.
    """
    return run_server(read_settings(config, flags))


@server.command(
    headings=HEADINGS,
    examples=("polygist-server http", "polygist-server http --http-listen 127.0.0.1:9000 --preload none"),
)
@config_option
@add_settings
def http(config: Path | None, **flags: Any) -> int:
    """Serve HTTP alone until SIGTERM.

    The same as serve, but for gRPC, and at 127.0.0.1:8080 if no other address
    is given.
    """
    return run_server(read_settings(config, flags, only_http=True))


http.params = [each for each in http.params if each.name != "listen"]  # where gRPC would be


def run_server(settings: Settings) -> int:
    """Serve until SIGTERM; returns the exit code."""
    set_environment(os.environ)
    limit_arenas()
    # Imported here, so that no other command waits for them.
    import asyncio

    import structlog
    from polygist.pem import PemError

    from polygist_service.app.lifecycle import serve as run
    from polygist_service.app.logs import STANDARD_ERROR, logging_to

    form, level = settings.log_format, settings.log_level
    with logging_to(STANDARD_ERROR, form=form, level=level, capacity=settings.log_queue) as writer:
        for name in find_unknown(os.environ):
            structlog.get_logger(__name__).warning("unknown_variable", name=name, hint="no setting has this name")
        try:
            return asyncio.run(run(settings, writer))
        except PemError as error:
            raise BadFileError(str(error)) from error
        except (OSError, PolygistError):
            raise  # expected: one line tells of it
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
            sys.exit(FAILED)


@server.command(examples=('eval "$(polygist-server completion bash)"',))
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete commands and flags.

    SHELL is bash, zsh or fish. What is printed is for ~/.bashrc, ~/.zshrc or
    ~/.config/fish/completions/polygist-server.fish.
    """
    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(server, {}, NAME, COMPLETION_VARIABLE).source())


server.add_command(models)
server.add_command(keys)
server.add_command(doctor)
server.add_command(bench)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code, with the error already printed in one line."""
    try:
        code = server.main(list(arguments), prog_name=NAME, complete_var=COMPLETION_VARIABLE, standalone_mode=False)
    except SystemExit as ending:  # of click, where nobody reads the output any more
        return ending.code if isinstance(ending.code, int) else FAILED
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        return _tell(error.ctx.get_help() if error.ctx else "", error.exit_code)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else NAME
        return _fail(f"{error.format_message()} (try: {path} --help)", error.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except OSError as error:
        where = error.filename or ("standard output" if error.errno in UNWRITABLE else "")
        return _fail(f"{where}: {error.strerror}" if where else str(error), FAILED)
    except PolygistError as error:
        return _fail(str(error), FAILED)
    return code if isinstance(code, int) else 0


def _fail(message: str, code: int) -> int:
    """Print why a run failed, in one line."""
    return _tell(f"error: {' '.join(message.split())}", code)


def _tell(text: str, code: int) -> int:
    """Print the end of a run to standard error; nobody need read it."""

    def tell() -> None:
        with suppress(OSError):
            click.echo(text, err=True)

    telling = threading.Thread(target=tell, daemon=True)
    telling.start()
    telling.join(LAST_SECONDS)
    return code


def main() -> None:
    """Run the command line and leave with its exit code."""
    code = run(sys.argv[1:])
    sys.stdout.flush()
    # gRPC's own threads can hang a normal exit; everything of ours has ended by now.
    os._exit(code)
