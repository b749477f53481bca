"""What a job leaves in its output folder: its plan, the results of each part, and a record that they are all there."""

import json
import posixpath
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow
from pyarrow import parquet

from .errors import BulkError
from .parts import Part, Plan
from .results import Result, Tally
from .storage import STATE, UNFINISHED, Folder, open_folder

PLAN = f"{STATE}/plan.json"
DONE = f"{STATE}/done"
SUMMARY = f"{STATE}/summary.json"
READERS = 16  # of records: in an object store each is a request
FAILURE = pyarrow.struct([(name, pyarrow.string()) for name in ("step", "code", "reason", "message")])
SCHEMA = pyarrow.schema(
    [
        ("id", pyarrow.string()),
        ("file", pyarrow.string()),
        ("position", pyarrow.int64()),
        ("source_language", pyarrow.string()),
        ("translation", pyarrow.string()),
        ("summary", pyarrow.string()),
        ("warnings", pyarrow.list_(pyarrow.string())),
        ("errors", pyarrow.list_(FAILURE)),
    ]
)


@dataclass(frozen=True, slots=True)
class JobState:
    """The output folder of a job.

    Attributes:
        folder: where it is.
        plan: what the job does.
    """

    folder: Folder
    plan: Plan

    def write_part(self, part: Part, results: Iterable[Result], tally: Tally) -> None:
        """Write the results of a part, and then the record that it is done.

        Who is killed in between leaves a file of results that the next one writes again, under the same name.
        """
        kind = self.plan.task.output_format
        encode = encode_table if kind == "parquet" else encode_lines
        self.folder.write(f"{part.name}.{kind}", encode(results))
        self._write_json(f"{DONE}/{part.name}.json", tally.to_json())

    def find_done(self) -> dict[str, Tally]:
        """Return what was counted of each part that is done, by the names of the parts."""
        names = [file.path for file in self.folder.find(DONE) if file.path.endswith(".json")]
        with ThreadPoolExecutor(READERS) as readers:
            found = list(readers.map(lambda name: self.folder.read_json(posixpath.join(DONE, name)), names))
        return {name.removesuffix(".json"): Tally.from_json(each) for name, each in zip(names, found, strict=True)}

    def write_plan(self) -> None:
        """Write the plan: from then on the output folder is that of this job."""
        self._write_json(PLAN, self.plan.to_json())

    def withdraw(self) -> None:
        """Take the plan back where nothing has come of it: the next job may be another."""
        if all(file.path.startswith((PLAN, UNFINISHED)) for file in self.folder.find()):
            self.folder.remove(PLAN)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write what the job says at its end."""
        self._write_json(SUMMARY, summary)

    def _write_json(self, name: str, content: dict[str, Any]) -> None:
        self.folder.write(name, json.dumps(content, ensure_ascii=False, indent=1).encode())


def read_plan(folder: Folder) -> Plan | None:
    """Return the plan of the job whose output folder this is; None where none was begun.

    Raises:
        BulkError: there is something else in it, or it is no folder.
    """
    if folder.is_file:
        raise BulkError(f"output {folder.url} is a file; give a folder")
    given = folder.read_json(PLAN)
    if given is not None:
        return Plan.from_json(given, folder.url)
    others = (file for file in folder.find() if not file.path.startswith(f"{STATE}/"))
    if other := next(others, None):
        raise BulkError(f"output {folder.url} has other files, such as {other.path}; give a folder that is empty")
    return None


def open_state(output: str, digest: str) -> JobState:
    """Open the output folder of a job that has begun.

    Args:
        output: the folder.
        digest: that of the plan.

    Raises:
        BulkError: it is not there, or the plan there is another.
    """
    folder = open_folder(output, "output")
    if (plan := read_plan(folder)) is None:
        raise BulkError(f"output {folder.url} has no job here; every machine of the cluster has to reach it")
    if plan.digest != digest:
        raise BulkError(f"another job was begun in output {folder.url} at the same time; give each a folder of its own")
    return JobState(folder, plan)


def encode_lines(results: Iterable[Result]) -> bytes:
    """Return results as lines of JSON."""
    return b"".join(json.dumps(result.to_row(), ensure_ascii=False).encode() + b"\n" for result in results)


def encode_table(results: Iterable[Result]) -> pyarrow.Buffer:
    """Return results as a Parquet file."""
    table = pyarrow.Table.from_pylist([result.to_row() for result in results], schema=SCHEMA)
    stream = pyarrow.BufferOutputStream()
    parquet.write_table(table, stream)
    return stream.getvalue()
