"""Flags that several commands have, each declared once."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import click

from polygist_client.cli.errors import suggest
from polygist_client.cli.inputs import Input, Read, read_json_lines, read_lines
from polygist_client.cli.outputs import parse_output
from polygist_client.cli.session import Session
from polygist_client.options import Preference, Task

Decorator = Callable[[Any], Any]


class NearChoice(click.Choice[str]):
    """A choice that suggests the nearest word for another."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        return super().get_invalid_choice_message(value, ctx).rstrip(".") + suggest(str(value), self.choices)


def add_options(decorators: Sequence[Decorator]) -> Decorator:
    """Give a command several flags at once, in this order."""

    def add(command: Any) -> Any:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return add


def words_choice(words_type: Any) -> click.Choice[str]:
    """Make a choice between the words of a literal type."""
    return NearChoice(get_args(words_type))


def split_codes(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Split language codes with commas between them."""
    return tuple(code.strip() for code in value.split(",")) if value else ()


text_options = (
    # A path as far as completion goes; what is wrong with one is told where it is read.
    click.argument("files", nargs=-1, type=click.Path(), metavar="[FILE…|-]"),
    click.option(
        "--text", "texts", multiple=True, metavar="TEXT", help="The text itself, not a file; may be repeated."
    ),
)
input_options = (
    *text_options,
    click.option(
        "-o", "--output", type=click.Path(), metavar="FILE|DIR/", help="Where to write.  [default: standard output]"
    ),
    click.option("--resume", is_flag=True, help="With -o DIR/: leave out results that are newer than their file."),
    click.option("--format", type=NearChoice(["text", "jsonl"]), default="text", help="What the input is."),
    click.option("--field", metavar="NAME", help="With --format jsonl: the field that has the text."),
)
decoding_options = (
    click.option("--model", metavar="NAME", help="The model to use.  [default: by language]"),
    click.option("--prefer", type=words_choice(Preference), help="What matters more."),
    click.option("--beam", "beam_size", type=int, default=0, metavar="N", help="Size of the beam."),
    click.option("--max-output-tokens", type=int, default=0, metavar="N", help="Most tokens of one segment."),
)
pivot_option = click.option(
    "--no-pivot", "pivot", is_flag=True, flag_value=False, default=True, help="Never go through another language."
)
task_option = click.option("--task", type=words_choice(Task), help="Only what does this.")
candidate_option = click.option(
    "--candidates", callback=split_codes, metavar="LANG,…", help="Languages that detection may find."
)


def make_reader(*, lines: bool, format: str, field: str | None, into: str | None = None) -> Read | None:
    """Pick what makes records of an input; None where each input is one text. Raises UsageError."""
    if (format == "jsonl") != (field is not None):
        raise click.UsageError("--format jsonl and --field NAME belong together")
    if lines and field is not None:
        raise click.UsageError("--lines and --format jsonl exclude each other")
    if field is not None:
        return lambda source: read_json_lines(source, field=field, into=into)
    return read_lines if lines else None


def check_resume(resume: bool, output: str | None) -> None:
    """Raise UsageError where there is nothing to resume: only files in a folder tell what is finished."""
    if resume and parse_output(output).folder is None:
        raise click.UsageError("--resume looks at the files of a folder; give -o DIR/")


def check_json(session: Session, read: Read | None, output: str | None, *, shows_more: str) -> None:
    """Raise UsageError where the form of the output cannot hold what is asked for.

    Args:
        session: says whether JSON is wanted.
        read: makes records, of which there are many.
        output: what ``-o`` says.
        shows_more: names the flags that ask for more than one text a result; empty where none was given.
    """
    if read and session.json:
        raise click.UsageError("many texts have many replies; use --jsonl instead of --json")
    if read and shows_more and not session.jsonl:
        raise click.UsageError(f"one line for each text has no room for {shows_more}; add --jsonl")
    if not session.is_text and output and parse_output(output).folder:
        raise click.UsageError("--json and --jsonl write one stream; give -o FILE instead of a folder")


def can_share_stream(session: Session, read: Read | None, sources: Sequence[Input], works: int) -> bool:
    """Tell whether several results may stand in one stream: as JSON, or as the results of several ``--text``."""
    only_texts = all(source.text is not None for source in sources)
    return not session.is_text or (read is None and works == 1 and only_texts)
