"""What the commands of training have in common: kinds of options, and how they tell what is wrong."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import torch
from polygist_service.errors import StoreError
from safetensors import SafetensorError

existing_file = click.Path(path_type=Path, exists=True, dir_okay=False)
folder = click.Path(path_type=Path, file_okay=False)


class Command(click.Command):
    """A command that tells what a disk or a file does not allow by a message, without a traceback."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command; raises click.ClickException where it could not."""
        try:
            return super().invoke(context)
        except (StoreError, SafetensorError) as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(f"{error}: put that right, and give the same command again") from error


class Number(click.FloatRange):
    """A finite number within bounds, which nan and inf are not."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """Read it as click does; a number that is not finite fails."""
        number = super().convert(value, parameter, context)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", parameter, context)
        return number


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Write a file or folder; raises click.ClickException with its name where the disk does not take it."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:  # torch and safetensors have errors of their own for it
        raise click.ClickException(
            f"{path} cannot be written ({error}): make room, and give the same command again"
        ) from error


def check_pair(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A pair's name becomes a part of names of files."""
    if not re.fullmatch(r"[\w-]+", value):
        raise click.BadParameter(f"{value!r}: give letters, digits, - and _ only, such as enpt")
    return value


def choose_device(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """A device of torch that is there; `auto` is CUDA where there is a GPU."""
    if value == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if value != "cpu" and not re.fullmatch(r"cuda(:\d+)?", value):
        raise click.BadParameter(f"{value!r}: give cpu, cuda, cuda:NUMBER or auto")
    number = int(value.partition(":")[2] or 0)
    if value != "cpu" and number >= (found := torch.cuda.device_count()):
        raise click.BadParameter(f"{value!r}: torch {torch.__version__} finds {found} GPUs here; give cpu or auto")
    return value
