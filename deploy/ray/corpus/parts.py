"""How a corpus is cut into parts, and what a job remembers of that."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from .errors import BulkError
from .task import Task

VERSION = 1
# As many as a folder and a scheduler take with ease; larger corpora get larger parts.
MOST_PARTS = 10_000
END = -1


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the corpus.

    Attributes:
        path: below the folder of the corpus.
        size: bytes.
        modified: when it was changed last, in nanoseconds since 1970; 0 where its storage does not say.
    """

    path: str
    size: int
    modified: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """Documents that follow each other in a file.

    Attributes:
        number: counted from 0.
        file: path below the folder of the corpus.
        start, stop: the documents that begin there: of lines in bytes, of tables in rows; `END` is the end of the file.
    """

    number: int
    file: str
    start: int
    stop: int

    @property
    def name(self) -> str:
        """What its files are called, without what tells their kind."""
        return f"part-{self.number:06}"


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a file can be cut.

    Attributes:
        file: the file.
        units: its bytes or rows; `END` where it can only be read from its beginning, as what is compressed.
    """

    file: SourceFile
    units: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job does: kept beside the results, and read again by whoever goes on with them.

    Attributes:
        source: the folder of the corpus.
        task: what is done with every document.
        files: those of the corpus when the job began.
        parts: all of them, in order.
    """

    source: str
    task: Task
    files: tuple[SourceFile, ...]
    parts: tuple[Part, ...]

    @property
    def digest(self) -> str:
        """What tells it from any other plan."""
        return hashlib.sha256(json.dumps(self.to_json()).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "version": VERSION,
            "source": self.source,
            "task": self.task.to_json(),
            "files": [asdict(file) for file in self.files],
            "parts": [[part.file, part.start, part.stop] for part in self.parts],
        }

    @classmethod
    def from_json(cls, given: dict[str, Any], place: str) -> "Plan":
        """Return what `to_json` was made of; raises BulkError where another version of the job made it."""
        if given.get("version") != VERSION:
            raise BulkError(f"{place} was begun by another version of this job; give another output folder")
        return cls(
            source=given["source"],
            task=Task.from_json(given["task"]),
            files=tuple(SourceFile(**each) for each in given["files"]),
            parts=tuple(Part(number, *each) for number, each in enumerate(given["parts"])),
        )

    def expect_same(self, source: str, task: Task, files: Sequence[SourceFile], place: str) -> None:
        """Raise BulkError where the results that are in `place` are not those of this corpus and task."""
        if source != self.source:
            raise BulkError(f"the results in {place} are those of {self.source}; give another output folder")
        task.expect_same(self.task, place)
        known, found = {file.path: file for file in self.files}, {file.path: file for file in files}
        for path in sorted(known.keys() | found.keys()):
            if known.get(path) != found.get(path):
                change = "is new" if path not in known else "is gone" if path not in found else "has changed"
                raise BulkError(
                    f"{path} {change} since the results in {place} were begun, whose parts would not be the same;"
                    " put the corpus back as it was, or give another output folder"
                )


def make_plan(source: str, task: Task, extents: Sequence[Extent], part_bytes: int) -> Plan:
    """Cut a corpus into parts of about `part_bytes` bytes; the same corpus is always cut in the same places."""
    total = sum(extent.file.size for extent in extents)
    part_bytes = max(part_bytes, -(-total // MOST_PARTS))
    pieces = [
        (extent.file.path, start, stop) for extent in extents for start, stop in cut(extent, part_bytes=part_bytes)
    ]
    parts = tuple(Part(number, *piece) for number, piece in enumerate(pieces))
    return Plan(source, task, tuple(extent.file for extent in extents), parts)


def cut(extent: Extent, *, part_bytes: int) -> Iterator[tuple[int, int]]:
    """Yield where each part of a file starts and stops: all are about as long, and none is empty."""
    if extent.units == END:
        yield 0, END
        return
    count = min(max(1, round(extent.file.size / part_bytes)), extent.units)
    bounds = [extent.units * each // count for each in range(count + 1)] if count else []
    yield from pairwise(bounds)
