"""The files of a corpus: how far each can be cut, and the documents of a part."""

import io
import posixpath
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

import pyarrow
from pyarrow import parquet
from pyarrow.fs import FileType

from .documents import Document, Fields, read_json_documents, read_lines, read_row_documents
from .errors import BulkError
from .parts import END, Extent, Part, SourceFile
from .storage import Folder, describe, open_folder

LINES = (".jsonl", ".ndjson")
PACKED = (".gz", ".bz2", ".zst", ".lz4")
TABLE = ".parquet"
TEXTS = (pyarrow.types.is_string, pyarrow.types.is_large_string, pyarrow.types.is_string_view)
HIDDEN = ("_", ".")
BUFFER_BYTES = 1 << 20
ROWS_AT_ONCE = 64
# So many documents are looked at before a job begins: where none has a text, the field is wrong.
LOOKED_AT = 100
MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class Corpus:
    """The files of a corpus.

    Attributes:
        folder: where they are.
        files: all of them, in the order of their paths.
        fields: where their documents have texts and ids.
    """

    folder: Folder
    files: tuple[SourceFile, ...]
    fields: Fields

    def measure(self) -> list[Extent]:
        """Return how far each file can be cut; raises BulkError for all tables that have no text, or are none."""
        extents, problems = [], []
        for file in self.files:
            try:
                extents.append(Extent(file, self._count_units(file)))
            except BulkError as error:
                problems.append(str(error))
        if problems:
            more = f"\n… and {len(problems) - MOST_TOLD} more files" if len(problems) > MOST_TOLD else ""
            raise BulkError("\n".join(problems[:MOST_TOLD]) + more)
        return extents

    def read(self, part: Part) -> Iterator[Document]:
        """Yield the documents of a part."""
        if part.file.endswith(TABLE):
            yield from self._read_rows(part)
            return
        is_packed = part.file.endswith(PACKED)
        opened = self.folder.open_unpacked(part.file) if is_packed else self.folder.open(part.file)
        with closing(io.BufferedReader(cast(Any, opened), BUFFER_BYTES)) as stream:
            lines = read_lines(cast(Any, stream), part.start, part.stop)
            try:
                yield from read_json_documents(lines, part.file, self.fields)
            except OSError as error:
                cure = "pack it again" if is_packed else "start again when its storage is well"
                raise BulkError(f"{part.file} cannot be read ({error}); {cure}") from error

    def expect_texts(self, parts: tuple[Part, ...]) -> None:
        """Raise BulkError where none of the first documents has a text: that is no matter of single documents."""
        found = list(islice((each for part in parts for each in self.read(part)), LOOKED_AT))
        if not found:
            raise BulkError(f"source {self.folder.url} has no document; give files with a JSON object in each line")
        if all(document.problem for document in found):
            first = found[0]
            raise BulkError(
                f"none of the first {len(found)} documents has a text; {first.file}:{first.position}: {first.problem};"
                " name the right field with --text-field"
            )

    def _count_units(self, file: SourceFile) -> int:
        if not file.path.endswith(TABLE):
            return END if file.path.endswith(PACKED) else file.size
        try:
            with closing(self.folder.open(file.path)) as stream:
                table = parquet.ParquetFile(stream)
                schema, rows = table.schema_arrow, table.metadata.num_rows
        except pyarrow.ArrowInvalid as error:
            raise BulkError(f"{file.path} is no Parquet file ({error}); repair it, or take it away") from None
        if self.fields.text not in schema.names:
            raise BulkError(
                f"--text-field {self.fields.text!r}: {file.path} has no such column, but {', '.join(schema.names)};"
                " name one of these, or take the file away"
            )
        kind = schema.field(self.fields.text).type
        value = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
        if not any(is_text(value) for is_text in TEXTS):
            raise BulkError(
                f"--text-field {self.fields.text!r}: in {file.path} it is of type {kind}; name a column of strings, or"
                " write it as one"
            )
        return cast(int, rows)

    def _read_rows(self, part: Part) -> Iterator[Document]:
        """Yield the documents of some rows; of the row groups before and behind them nothing is read."""
        with closing(self.folder.open(part.file)) as stream:
            table = parquet.ParquetFile(stream)
            columns = [name for name in (self.fields.id, self.fields.text) if name in table.schema_arrow.names]
            first = 0
            for number in range(table.num_row_groups):
                count = table.metadata.row_group(number).num_rows
                if first < part.stop and first + count > part.start:
                    yield from self._read_group(table, number, first, columns, part)
                first += count

    def _read_group(
        self, table: parquet.ParquetFile, number: int, first: int, columns: list[str], part: Part
    ) -> Iterator[Document]:
        """Yield the documents of a part that are in a row group, whose first row is `first`."""
        for batch in table.iter_batches(ROWS_AT_ONCE, row_groups=[number], columns=columns):
            begin, end = max(part.start - first, 0), min(part.stop - first, len(batch))
            if begin < end:
                rows = batch.slice(begin, end - begin).to_pylist()
                yield from read_row_documents(rows, first + begin, part.file, self.fields)
            first += len(batch)


def open_corpus(given: str, fields: Fields) -> Corpus:
    """Find the files of a corpus: a folder of them, or one file; raises BulkError where there are none."""
    folder = open_folder(given, "source")
    info = folder.system.get_file_info(folder.path)
    if info.type == FileType.NotFound:
        raise BulkError(f"source {given!r} is not there; give a folder of .jsonl or .parquet files, or one of them")
    if info.type == FileType.File:
        parent, name = posixpath.split(folder.path)
        folder = replace(folder, url=posixpath.dirname(folder.url), path=parent)
        files: tuple[SourceFile, ...] = (describe(info, name),)
    else:
        files = tuple(file for file in folder.find() if not is_hidden(file.path))
    read = tuple(file for file in files if is_read(file.path) and file.size)
    if not read:
        named = ", ".join(file.path for file in files[:5]) or "nothing"
        raise BulkError(
            f"source {given!r} has no file that is read, but {named};"
            " give files that end in .jsonl or .ndjson (also with .gz, .bz2, .zst, .lz4) or .parquet"
        )
    return Corpus(folder, read, fields)


def is_hidden(path: str) -> bool:
    """Whether readers of data sets pass over a file."""
    return any(name.startswith(HIDDEN) for name in path.split("/"))


def is_read(path: str) -> bool:
    """Whether a file is of a kind that is read."""
    plain = path
    for suffix in PACKED:
        plain = plain.removesuffix(suffix)
    return plain.endswith(LINES) or path.endswith(TABLE)
