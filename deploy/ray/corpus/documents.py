"""Documents, out of lines of JSON and rows of tables; what is none becomes a document with an error."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from .parts import END

# A line that is longer holds no document that a service takes, and must not fill the memory.
MOST_LINE_BYTES = 64 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_NAMED = 8
MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the corpus.

    Attributes:
        id: its own, or ``FILE:POSITION``.
        file: path below the folder of the corpus.
        position: the byte at which its line begins, or its row, counted from 0.
        text: what is to be translated and summarised.
        problem: why it cannot be; empty where it can.
    """

    id: str
    file: str
    position: int
    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Fields:
    """Where a record has its text and its id."""

    text: str
    id: str

    def read(self, record: Mapping[str, Any], file: str, position: int) -> Document:
        """Make a document of a record."""
        name = self._read_id(record.get(self.id)) or f"{file}:{position}"
        text = record.get(self.text)
        problem = "" if isinstance(text, str) else self._explain(record)
        if isinstance(text, str) and not is_unicode(text):
            problem = f"{self.text}: has half of a surrogate pair, which is no character; write the text in UTF-8"
        return Document(name, file, position, "" if problem else str(text), problem)

    def _explain(self, record: Mapping[str, Any]) -> str:
        if self.text in record:
            found = json.dumps(record[self.text], ensure_ascii=False, default=str)[:MOST_SHOWN]
            return f"{self.text}: is {found}, not a text"
        named = ", ".join(map(repr, list(record)[:MOST_NAMED])) or "nothing"
        return f"{self.text}: is missing; the document has {named}"

    def _read_id(self, value: object) -> str:
        if isinstance(value, bool):
            return ""
        if isinstance(value, int | float):
            return str(value)
        return value if isinstance(value, str) and is_unicode(value) else ""


def read_lines(stream: BinaryIO, start: int, stop: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield the lines that begin in a stretch of a file, each with the byte that it begins at.

    Args:
        stream: the file; at its beginning where `start` is 0, else it can be sought in.
        start, stop: the stretch; to `END` it goes to the end of the file.

    Yields:
        None in place of a line that is longer than `MOST_LINE_BYTES`.
    """
    position = start
    if start:
        # The line that the byte before belongs to is that of the part before.
        stream.seek(start - 1)
        position = start - 1 + skip_line(stream)
    while stop == END or position < stop:
        line = stream.readline(MOST_LINE_BYTES)
        if not line:
            return
        length = len(line)
        if length == MOST_LINE_BYTES and not line.endswith(b"\n"):
            length += skip_line(stream)
            yield position, None
        else:
            yield position, line
        position += length


def skip_line(stream: BinaryIO) -> int:
    """Read to the end of a line; returns how many bytes that were."""
    length = 0
    while piece := stream.readline(MOST_LINE_BYTES):
        length += len(piece)
        if piece.endswith(b"\n"):
            break
    return length


def read_json_documents(lines: Iterable[tuple[int, bytes | None]], file: str, fields: Fields) -> Iterator[Document]:
    """Yield a document for each line that is not blank."""
    for position, line in lines:
        if line is None:
            problem = f"the line is longer than {MOST_LINE_BYTES >> 20} MiB; split the document"
            yield Document(f"{file}:{position}", file, position, problem=problem)
        elif stripped := line.removeprefix(BYTE_ORDER_MARK if position == 0 else b"").strip():
            yield read_json_document(stripped, file, position, fields)


def read_json_document(line: bytes, file: str, position: int, fields: Fields) -> Document:
    """Make a document of a line."""
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError as error:
        problem = f"the line is no UTF-8 at its byte {error.start}; convert the file"
    except json.JSONDecodeError as error:
        problem = f"the line is no JSON: {error.msg} at its character {error.pos}"
    except (ValueError, RecursionError):
        problem = "the line is no JSON that can be read: numbers too long, or nested too deeply"
    else:
        if isinstance(record, dict):
            return fields.read(record, file, position)
        problem = f'the line is JSON, but no object; write {{{json.dumps(fields.text)}: "…"}}'
    return Document(f"{file}:{position}", file, position, problem=problem)


def read_row_documents(rows: Iterable[Mapping[str, Any]], start: int, file: str, fields: Fields) -> Iterator[Document]:
    """Yield a document for each row of a table, of which the first is row `start`."""
    for position, row in enumerate(rows, start):
        yield fields.read(row, file, position)


def is_unicode(text: str) -> bool:
    """Whether a text has no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
