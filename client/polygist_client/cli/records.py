"""Inputs that hold many texts: their records, what comes of each, and the plainest of them, lines."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from typing import Any

import click

from polygist_client import CallFailed, Summary, TranslatedDocument, Translation
from polygist_client.cli.formats import Format
from polygist_client.cli.inputs import UTF8, Encoding, Input, InputError, Line
from polygist_client.cli.journal import Status
from polygist_client.options import JsonReply

WARNINGS, ERROR = "warnings", "error"


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a record: what it is, and where there are several, the name of its field.

    Attributes:
        is_file: whether it stands for what is in a file, which nobody has read yet.
    """

    text: str
    field: str = ""
    format: Format = "text"
    is_file: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to work on: it is not sent, and comes back as it is."""
        return not (self.is_file or self.text.strip())


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one text.

    Attributes:
        value: the result; None where there is an error.
        error: why there is none.
        part: both as JSON.
    """

    value: Translation | TranslatedDocument | Summary | None
    error: Exception | None
    part: JsonReply

    @property
    def text(self) -> str | None:
        """The text of the result; None where there is no result, or it is a file."""
        return None if self.value is None or isinstance(self.value, TranslatedDocument) else self.value.text


Finish = Callable[[Sequence[Answer]], str]
# Tells how a record went by what may be its output; None where that is the output of another.
Recognise = Callable[[str], Status | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of many, or a whole input.

    Attributes:
        source: the input that it stands in.
        number: its first line there, counted from 1; 0 for a whole input.
        raw: its bytes, with all that its output follows from.
        finish: makes its output, with the end of its line, out of the answers to its texts.
        recognise: see `Recognise`; None where nobody can tell.
        texts: what to work on; none where the record is kept as it is.
        size: how many bytes of the input it is.
        id: what it calls itself; empty where it does not.
        error: what is wrong with it, whatever comes of its texts.
        encoding: of the input.
    """

    source: Input
    number: int
    raw: bytes
    finish: Finish
    recognise: Recognise | None = None
    texts: tuple[Text, ...] = ()
    size: int = 0
    id: str = ""
    error: Exception | None = None
    encoding: Encoding = UTF8

    @property
    def name(self) -> str:
        """What messages call it: input and line."""
        return f"{self.source.name}:{self.number}" if self.number else self.source.name

    @property
    def full_name(self) -> str:
        """The name, with the record's own id where it has one."""
        return f"{self.name} (id {self.id})" if self.id else self.name


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a record have its texts, and where the results go.

    Attributes:
        names: of the fields.
        into: name of the field for a result, in which ``{field}`` and ``{to}`` stand for the source field and the
            language.
        to: the language.
        may_replace: whether a field of that name may be there already.
        formats: what the texts of each field are; plain where it is empty.
    """

    names: tuple[str, ...] = ()
    into: str = ""
    to: str = ""
    may_replace: bool = False
    formats: tuple[Format, ...] = ()

    def format_of(self, name: str) -> Format:
        """Return what the texts of a field are."""
        return self.formats[self.names.index(name)] if self.formats else "text"

    def into_of(self, key: str) -> str:
        """Return the name of the field for the result of the field `key`."""
        parts = self.into.split("{field}")
        return key.join(part.replace("{to}", self.to) for part in parts)

    @property
    def marks(self) -> bool:
        """Whether it takes the name of the field to say which one a warning or an error is about."""
        return len(self.names) > 1


Read = Callable[[Input, Fields], Iterator[Record]]
# Parts a file that was made of records into the output of each.
Split = Callable[[Input], Iterator[Line]]


def make_fields(
    names: Sequence[str], into: str | None, *, default: str, to: str, formats: Sequence[Format] = ()
) -> Fields:
    """Make what ``--field``, ``--field-format`` and ``--into`` say.

    Raises:
        UsageError: two results would go to one place, or nobody can tell which format is of which field.
    """
    if len(set(names)) < len(names):
        raise click.UsageError(f"--field {' --field '.join(names)}: give each field once")
    if into is not None and not into:
        raise click.UsageError("--into needs a name")
    if into is not None and len(names) > 1 and "{field}" not in into:
        raise click.UsageError(f"--into {into!r} would hold the results of {len(names)} fields; put {{field}} in it")
    if len(formats) not in (0, 1, len(names)):
        raise click.UsageError(
            f"--field-format: give one for all, or one for each --field, of which there are {len(names)}"
        )
    return Fields(
        tuple(names), default if into is None else into, to, may_replace=into is not None,
        formats=tuple(formats) * len(names) if len(formats) == 1 else tuple(formats),
    )  # fmt: skip


def read_lines(source: Input, fields: Fields) -> Iterator[Record]:
    """Read every line as a text."""
    for line in source.lines():
        texts = () if line.error else (Text(line.text),)
        recognise = partial(recognise_line, line)
        yield make_record(
            source, line, partial(finish_line, line.end), texts=texts, error=line.error, recognise=recognise
        )


def finish_line(end: str, answers: Sequence[Answer]) -> str:
    """Make a line of a result: it stays one, whatever a model writes, and is empty where there is none."""
    text = answers[0].text if answers else None
    return (text or "").replace("\n", " ") + end


def recognise_line(line: Line, shown: str) -> Status | None:
    """Recognise the output of a line by what it has: a text, spaces alone, or nothing where it failed."""
    text = shown.removesuffix(line.end)
    if "\n" in text:
        return None
    if line.error or line.text.strip():
        return "done" if text.strip() and not line.error else None if text.strip() else "failed"
    return "blank" if text == line.text else None


def recognise_same(line: Line, shown: str) -> Status | None:
    """Recognise a line that is no record, which stays as it is."""
    return "kept" if shown == line.text + line.end else None


def make_record(source: Input, line: Line, finish: Finish, *, follows_from: bytes = b"", **settings: Any) -> Record:
    """Make the record of a line.

    Args:
        source: the input.
        line: the line.
        finish: makes the output.
        follows_from: what else of the input the output follows from.
        settings: the other attributes of `Record`.
    """
    return Record(
        source=source, number=line.number, raw=follows_from + line.raw, size=len(line.raw), finish=finish,
        encoding=line.encoding, **settings,
    )  # fmt: skip


def failed_record(source: Input, error: Exception) -> Record:
    """Make the record of a whole input that cannot be read."""
    if isinstance(error, InputError):
        error = InputError(error.message.removeprefix(f"{source.name}: "))
    return Record(source=source, number=0, raw=b"", finish=lambda answers: "", error=error)


def describe_failure(error: Exception) -> JsonReply:
    """Describe an error as records have it: code, reason and message."""
    if isinstance(error, CallFailed):
        return {"code": error.code, "reason": error.reason, "message": error.message}
    message = error.message if isinstance(error, InputError) else str(error)
    reason = "RECORD_INVALID" if isinstance(error, InputError) else "FIELD_INVALID"
    return {"code": "INVALID_ARGUMENT", "reason": reason, "message": message}


def describe_warnings(record_fields: Fields, texts: Sequence[Text], answers: Sequence[Answer]) -> list[JsonReply]:
    """Describe the warnings of all answers as records have them: code, message and place."""
    described = []
    for text, answer in zip(texts, answers, strict=True):
        for notice in answer.value.warnings if answer.value else ():
            place: JsonReply = {"start": notice.span.start, "end": notice.span.end} if notice.span else {}
            field = {"field": text.field} if record_fields.marks else {}
            described.append({"code": notice.code, "message": notice.message} | place | field)
    return described


def find_failure(
    record_fields: Fields, texts: Sequence[Text], answers: Sequence[Answer], own: Exception | None
) -> JsonReply | None:
    """Describe the first error of a record: `own` is what was wrong with it before anything was sent."""
    if own is not None:
        return describe_failure(own)
    for text, answer in zip(texts, answers, strict=True):
        if answer.error is not None:
            return describe_failure(answer.error) | ({"field": text.field} if record_fields.marks else {})
    return None


def free_name(name: str, into: str, taken: Collection[str]) -> str:
    """Return where warnings or errors go: `name`, or one behind `into` where there is such a field for anything else.

    Args:
        name: the usual name.
        into: the first field of results.
        taken: the names of the record's own fields and of those of results.
    """
    names = chain([name, f"{into}_{name}"], (f"{into}_{name}_{number}" for number in count(2)))
    return next(each for each in names if each not in taken)
