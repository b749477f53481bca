"""Flags that several commands have, each declared once."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

import click
from polygist.charsets import find_encoding

from polygist_client.cli.completion import complete_languages, complete_models
from polygist_client.cli.csv_rows import read_csv, split_table
from polygist_client.cli.detection import Prepare, keep_as_is
from polygist_client.cli.errors import suggest
from polygist_client.cli.formats import (
    AUTO,
    DOCUMENTS,
    FILE_FORMATS,
    FILE_TITLES,
    FORMATS,
    FileFormat,
    Format,
    named_file_format,
)
from polygist_client.cli.inputs import Input
from polygist_client.cli.json_lines import read_json_lines
from polygist_client.cli.kinds import DOUBTFUL, MARKS, Expected
from polygist_client.cli.outputs import Output
from polygist_client.cli.records import Read, Split, read_lines
from polygist_client.cli.runner import Form
from polygist_client.cli.session import Session
from polygist_client.options import Preference, Task

# What other tools take for "find out yourself".
DETECTED = frozenset({"auto", "detect", "und", "mul"})

Decorator = Callable[[Any], Any]

RECORDS: dict[str, tuple[Read, Split]] = {
    "jsonl": (read_json_lines, Input.lines),
    "csv": (read_csv, split_table),
    "tsv": (partial(read_csv, delimiter="\t"), partial(split_table, delimiter="\t")),
}


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


def check_source(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return a language that was given; raises UsageError where it should be left out."""
    if value is not None and value.strip().lower() in DETECTED:
        raise click.UsageError(f"--from {value}: leave --from out, and the language is detected", context)
    return value


def check_charset(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return the name of an encoding that was given; raises UsageError where none is called so."""
    if value and not find_encoding(value):
        raise click.UsageError(f"--charset {value}: no such encoding is known; iconv -f {value} may convert the file")
    return value


def leave_auto_out(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Return a format that was given; None where it is to be found out."""
    return None if value == AUTO else value


def from_option(help: str) -> Decorator:
    """Make the flag for the language that texts are in."""
    return click.option(
        "-s", "--from", "source", metavar="LANG", callback=check_source, shell_complete=complete_languages, help=help
    )


def format_option(*records: str, help: str) -> Decorator:
    """Make the flag that says what inputs are."""
    return click.option("--format", type=NearChoice([AUTO, *FORMATS, *records]), callback=leave_auto_out, help=help)


text_options = (
    # A path as far as completion goes; what is wrong with one is told where it is read.
    click.argument("files", nargs=-1, type=click.Path(), metavar="[FILE…|DIR…|-]"),
    click.option(
        "--text", "texts", multiple=True, metavar="TEXT", help="The text itself, not a file; may be repeated."
    ),
)
input_options = (
    *text_options,
    click.option(
        "-o", "--output", type=click.Path(), metavar="FILE|DIR/", help="Where to write.  [default: standard output]"
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="With -o: go on with what an earlier run has done. Records are compared; texts and lines are done where"
        " the file is newer.",
    ),
    format_option(
        *FILE_FORMATS,
        *RECORDS,
        help="What the input is. auto goes by names such as .html, .docx and .srt, then finds all but Markdown by"
        " itself; all else is text. Of csv the delimiter is found: , ; | or a tab.  [default: auto]",
    ),
    click.option(
        "--field",
        "field",
        multiple=True,
        metavar="NAME",
        help="Field or column with a text; a.b is b in a; repeatable.",
    ),
    click.option(
        "--field-format",
        type=NearChoice(FORMATS),
        multiple=True,
        help="What such a text is: one for all, or one for each --field.  [default: text]",
    ),
)
charset_option = click.option(
    "--charset", default="", metavar="NAME", callback=check_charset,
    help="What files are encoded in that do not say so, such as windows-1252: texts, pages, subtitles, catalogues."
    "  [default: utf-8]",
)  # fmt: skip
decoding_options = (
    click.option(
        "--model", metavar="NAME", shell_complete=complete_models, help="The model to use.  [default: by language]"
    ),
    click.option("--prefer", type=words_choice(Preference), help="What matters more."),
    click.option("--beam", "beam_size", type=int, default=0, metavar="N", help="Size of the beam."),
    click.option("--max-output-tokens", type=int, default=0, metavar="N", help="Most tokens of one segment."),
)
pivot_option = click.option(
    "--no-pivot", "pivot", is_flag=True, flag_value=False, default=True, help="Never go through another language."
)
task_option = click.option("--task", type=words_choice(Task), help="Only what does this.")
candidate_option = click.option(
    "--candidates",
    callback=split_codes,
    metavar="LANG,…",
    shell_complete=complete_languages,
    help="Languages that detection may find.",
)


def into_option(default: str) -> Decorator:
    """Make the flag that says where a result goes; never to the source field, unless that is named."""
    return click.option(
        "--into",
        metavar="NAME",
        help=f"Field or column for the result; may have {{field}}, {{to}} in it.  [default: {default}]",
    )


def parse_form(
    *,
    format: str | None,
    field: Sequence[str],
    field_format: Sequence[str],
    into: str | None,
    lines: bool = False,
    prepare: Prepare = keep_as_is,
) -> Form:
    """Tell what the inputs are; raises UsageError where flags do not belong together."""
    format = format or AUTO
    is_fields = format in RECORDS
    if is_fields and not field:
        raise click.UsageError(f"--format {format} needs --field NAME: the field or column that has the text")
    if field and not is_fields:
        raise click.UsageError(f"--field goes with --format {', '.join(RECORDS)}")
    if lines and is_fields:
        raise click.UsageError(f"--lines and --format {format} exclude each other")
    if lines and format in (*DOCUMENTS, *FILE_FORMATS):
        raise click.UsageError(f"--lines and --format {format} exclude each other: no line of a document is one itself")
    for flag, given in (("--into", into is not None), ("--field-format", field_format)):
        if given and not is_fields:
            raise click.UsageError(f"{flag} goes with --format {', '.join(RECORDS)}")
    if format in RECORDS:
        return Form(format, *RECORDS[format])
    return Form("lines", read_lines, prepare=prepare) if lines else Form(format)


def check_records(form: Form, charset: str) -> None:
    """Raise UsageError where an encoding is said of what is read line by line: of each line it is found out."""
    if charset and form.read:
        raise click.UsageError(
            f"--charset is for whole files, not for records or --lines; convert them: iconv -f {charset} -t UTF-8"
        )


def said_format(format: str | None) -> Format | None:
    """Return what whole texts are said to be; None where nothing is said of them."""
    return next((each for each in FORMATS if each == format), None)


def said_file(format: str | None) -> FileFormat | None:
    """Return what files are said to be; None where inputs are not said to be any."""
    return next((each for each in FILE_FORMATS if each == format), None)


def expect(format: str | None, *, lines: bool = False) -> Expected:
    """Tell what inputs are read as: who says that they are text is believed."""
    if format is None:
        return "lines" if lines else "prose"
    if format in (*DOCUMENTS, *FILE_FORMATS):
        return "text"
    return next(each for each in get_args(Expected) if each == format)


def tell_of_guesses(session: Session, sources: Sequence[Input], format: str | None, *, lines: bool = False) -> None:
    """Warn where files with marks, headers or code are taken for plain text, unless that was said.

    What is taken for a file that is sent as it is by what is in it, and not by its name, is told of too.
    """
    tell = session.note
    for source in sources if format is None else ():
        if source.file and named_file_format(source.path) != source.file:
            force = "" if source.file == "docx" else "; --format text takes it as it stands"
            tell(f"{source.name}: is {FILE_TITLES[source.file]}, and read as such{force}")
            tell = session.detail
    found: dict[str, list[str]] = {}
    for source in sources if format is None else ():
        known = DOUBTFUL.get(source.path.suffix.lower()) if source.path else None
        if marks := MARKS if lines and source.format == "markdown" else known:
            found.setdefault(marks, []).append(source.name)
    for marks, names in found.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        verb = "is" if marks == "code" else "are"
        session.say(
            f"warning: {names[0]}{others}: {marks} {verb} taken for text; say --format text where that is meant"
        )


def check_flags(
    session: Session, form: Form, output: Output, *, files: Sequence[str], resume: bool, shows_more: str
) -> None:
    """Raise UsageError where flags do not go with each other, whatever the inputs have.

    Args:
        session: says whether JSON is wanted.
        form: what the inputs are.
        output: what ``-o`` says.
        files: what the command line names.
        resume: whether an earlier run is gone on with: only files tell what is done.
        shows_more: names the flags that ask for more than one text a result; empty where none was given.
    """
    if form.read and session.json:
        raise click.UsageError("many texts have many replies; use --jsonl instead of --json")
    if form.read and shows_more and not session.jsonl:
        raise click.UsageError(f"one place for each text has no room for {shows_more}; add --jsonl")
    if resume and (output == Output() or output.is_stream):
        raise click.UsageError("--resume goes on with files; give -o FILE or -o DIR/")
    if output.folder is None and not session.jsonl and any(Path(name).is_dir() for name in files):
        raise click.UsageError("a folder has many results: give -o DIR/ for a file each, or --jsonl")


def can_share_stream(session: Session, form: Form, sources: Sequence[Input], works: int) -> bool:
    """Tell whether several results may stand in one stream: as JSON, or as the results of several ``--text``."""
    only_texts = all(source.text is not None for source in sources)
    return not session.is_text or (form.read is None and works == 1 and only_texts)
