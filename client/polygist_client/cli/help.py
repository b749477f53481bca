"""What help texts look like: options under headings, commands by their use, and examples that can be pasted."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

# Where an option stands, by the name of its parameter; of those that all commands have, the ones worth a line there.
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "Input": ("texts", "format", "field", "field_format", "lines"),
    "Languages": ("to", "source", "candidates", "display_language"),
    "Words": ("glossary", "ignore_case", "keep", "keep_file", "placeholders"),
    "Catalogues": ("mark_fuzzy", "retranslate"),
    "Summary": ("type", "length", "max_sentences", "max_words", "method", "query", "order"),
    "Output": (
        "output", "resume", "into", "stream", "count", "citations", "markdown", "alternatives", "scores", "segments",
        "alignment", "json", "jsonl",
    ),
    "Model": ("model", "task", "prefer", "splitting", "pivot", "beam_size", "max_output_tokens"),
    "Server": ("address", "tls", "api_key_file", "timeout", "wait"),
    "Other": ("quiet", "verbose"),
}  # fmt: skip
ALL_OPTIONS = "polygist --help has the options of all commands, such as --ca."


class Command(click.Command):
    """A command whose help has its options under headings, and examples behind them, and whose options are Unicode.

    Args:
        examples: command lines.
    """

    def __init__(self, *arguments: Any, examples: Sequence[str] = (), **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.examples = examples

    def invoke(self, ctx: click.Context) -> Any:
        for option in (each for each in self.params if isinstance(each, click.Option)):
            given = ctx.params.get(str(option.name))
            for value in given if isinstance(given, tuple) else (given,):
                if isinstance(value, str) and not isinstance(option.type, click.Path):
                    check_encoding(option.opts[-1], value, ctx)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        records = {str(each.name): record for each in options if (record := each.get_help_record(ctx)) is not None}
        for heading, names in HEADINGS.items():
            rows = [records.pop(name) for name in names if name in records]
            if heading == "Other":
                rows += records.values()
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows, col_max=26)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, self.examples)
        formatter.write(f"\n{ALL_OPTIONS}\n")


class Commands(click.Group):
    """Commands under headings, some of them under a second name that is not listed.

    Args:
        headings: which command stands under which heading; those that none names stand under "Commands".
        aliases: second names.
        examples: command lines.
    """

    command_class = Command

    def __init__(
        self,
        *arguments: Any,
        headings: Mapping[str, Sequence[str]] | None = None,
        aliases: Mapping[str, str] | None = None,
        examples: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(*arguments, **settings)
        self.headings = headings or {}
        self.aliases = aliases or {}
        self.examples = examples

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, self.aliases.get(cmd_name, cmd_name))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        left = {name: each for name, each in self.commands.items() if not each.hidden}
        for heading, names in [*self.headings.items(), ("Commands", tuple(left))]:
            rows = [(name, left.pop(name).get_short_help_str(limit=66)) for name in names if name in left]
            if rows:
                with formatter.section(heading):
                    formatter.write_dl(rows)
        click.Command.format_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(formatter, self.examples)
        formatter.write(f"\n{ctx.command_path} COMMAND --help says more of each.\n")


def check_encoding(flag: str, value: str, ctx: click.Context) -> None:
    """Raise UsageError where what a shell gave is no UTF-8: Python keeps its bytes as half a surrogate each."""
    raw = value.encode(errors="surrogateescape")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        found = f"byte {error.start} (0x{raw[error.start]:02x}) of {flag} is no UTF-8"
        raise click.UsageError(f"{found}; convert it, with iconv -f WINDOWS-1252 -t UTF-8 for one", ctx) from None


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    """Write command lines as they are to be typed."""
    if examples:
        with formatter.section("Examples"):
            for example in examples:
                formatter.write("".join(f"{' ' * formatter.current_indent}{line}\n" for line in example.splitlines()))
