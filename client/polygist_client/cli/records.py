"""Inputs of many small texts: one a line, or one a line in a field of a JSON object."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from polygist_client.cli.encodings import UTF8, Encoding
from polygist_client.cli.errors import InputFailure
from polygist_client.cli.inputs import Input


@dataclass(frozen=True, slots=True)
class Record:
    """One text of many.

    Attributes:
        number: its line, counted from 1.
        text: what to work on.
        finish: makes the line of the output, with its end, out of the result.
        encoding: of the input.
    """

    number: int
    text: str
    finish: Callable[[str], str]
    encoding: Encoding = UTF8

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to work on: such a line is kept as it is."""
        return not self.text.strip()


def read_lines(source: Input) -> Iterator[Record]:
    """Every line is a text."""
    for number, line in enumerate(source.lines(), start=1):

        def finish(result: str, end: str = line.end) -> str:
            return result.replace("\n", " ") + end  # a line stays one line, whatever a model writes

        yield Record(number, line.text, finish, line.encoding)


def read_json_lines(source: Input, *, field: str, into: str | None = None) -> Iterator[Record]:
    """A field of every JSON object is a text; the others stay as they are.

    Args:
        source: what to read.
        field: name of the field with the text.
        into: name of the field to add for the result; None puts it where the text was.

    Raises:
        InputFailure: a line is no object, has no text in the field, or has the field that should be added.
    """
    for number, line in enumerate(source.lines(), start=1):
        if not line.text.strip():
            yield Record(number, line.text, lambda result, kept=line.text + line.end: kept, line.encoding)  # type: ignore[misc]
            continue
        entry = _parse(line.text, field, into, f"{source.name}:{number}")

        def finish(result: str, entry: dict[str, Any] = entry, end: str = line.end) -> str:
            return write_json({**entry, into or field: result}) + end

        yield Record(number, entry[field], finish, line.encoding)


def write_json(entry: dict[str, Any]) -> str:
    """`entry` in one line, readable where it is Unicode text."""
    line = json.dumps(entry, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # a lone surrogate in a field that we do not touch
        return json.dumps(entry)
    return line


def _parse(line: str, field: str, into: str | None, name: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise InputFailure(f"{name}: is no JSON: {error}") from None
    if not isinstance(entry, dict):
        raise InputFailure(f"{name}: is no JSON object but {type(entry).__name__}")
    if not isinstance(entry.get(field), str):
        names = ", ".join(key for key, value in entry.items() if isinstance(value, str)) or "none"
        raise InputFailure(f"{name}: has no text in field {field!r}; fields with text: {names}")
    if into in entry:
        raise InputFailure(f"{name}: has a field {into!r} already; rename it first")
    return entry
