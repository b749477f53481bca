"""What has been answered, beside the file that it is for: nothing of it is lost, however a run ends.

A journal is ``FILE.partial.jsonl``: a header with the options that the answers follow from, then a line for each record
as it is answered, in any order, with the output as it will stand in FILE and a digest of all that it follows from. A
run that goes on finds records by their digest, so it is checked against the input, and lines may have moved.
"""

import json
import os
import shutil
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import click

from polygist_client.cli.inputs import InputError
from polygist_client.cli.outputs import making_folder

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

VERSION = 1
DIGEST_BYTES = 8
UNANSWERED = -1
BEGINNING = b'{"polygist_journal": '
COMPLETE = b'{"complete": true}\n'

# "blank" is a record whose texts are, "kept" what is none: empty lines, headers.
Status = Literal["done", "failed", "blank", "kept"]
ANSWERED = frozenset(get_args(Status)) - {"failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What came of one record.

    Attributes:
        number: its line in the input.
        output: what stands in the file.
        status: how it went.
        warnings: their codes.
        id: what the record calls itself.
    """

    number: int
    output: str
    status: Status
    warnings: tuple[str, ...] = ()
    id: str = ""

    def to_line(self, digest: int) -> bytes:
        """Write it as a line of a journal."""
        named = {"line": self.number} | ({"id": self.id} if self.id else {})
        warnings = {"warnings": self.warnings} if self.warnings else {}
        line = {**named, "digest": f"{digest:016x}", "status": self.status, **warnings, "output": self.output}
        return f"{json.dumps(line)}\n".encode()


def parse_entry(line: bytes) -> tuple[int, Entry] | None:
    """Read a line that `Entry.to_line` wrote, digest and entry; None where it was spoilt: that record is done again."""
    try:
        found = json.loads(line)
        digest = bytes.fromhex(found["digest"])
        entry = Entry(
            number=found["line"], output=found["output"], status=found["status"],
            warnings=tuple(found.get("warnings", ())), id=found.get("id", ""),
        )  # fmt: skip
        is_text = all(isinstance(each, str) for each in (entry.output, entry.id, *entry.warnings))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if not is_text or len(digest) != DIGEST_BYTES or entry.status not in get_args(Status):
        return None
    return int.from_bytes(digest), entry


def digest_of(raw: bytes) -> int:
    """Digest all that the output of a record follows from."""
    return int.from_bytes(blake2b(raw, digest_size=DIGEST_BYTES).digest())


def journal_path(path: Path) -> Path:
    """Name the journal of a file."""
    return path.with_name(f"{path.name}.partial.jsonl")


class Journal:
    """The journal of one file, open for one run.

    Memory holds two numbers for each record and none of its text.

    Args:
        path: of the journal.
        options: what the answers follow from, beside the records; as JSON has it.
        resume: whether the answers that are there are used.

    Raises:
        UsageError: it holds answers and they are not to be used, or are those of another command.
        InputError: another run has it open, or it is no journal.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, options: Mapping[str, Any], *, resume: bool) -> None:
        self.path = path
        self._end = 0
        self._offsets = array("q")
        self._digests, self._places = array("Q"), array("q")
        self._by_digest = array("Q")
        self.answered = 0
        with ExitStack() as stack:
            stack.enter_context(making_folder(path.parent))
            self._stream: BinaryIO = stack.enter_context(path.open("a+b", buffering=0))
            self._lock()
            self._load(json.loads(json.dumps(options)), resume)
            self._closing = stack.pop_all()

    def _lock(self) -> None:
        if fcntl is not None:
            try:
                fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(f"{self.path}: another run is writing it; wait for its end") from None

    def _load(self, options: Mapping[str, Any], resume: bool) -> None:
        """Read what is there, cut off what was written by half, and write the header where there is none."""
        with self.path.open("rb") as stream:
            header = stream.readline()
            is_complete = self._read_answers(stream, len(header))
        if not header.endswith(b"\n") and BEGINNING.startswith(header[: len(BEGINNING)]):  # new, or killed right away
            self._begin(options)
            return
        try:
            known = json.loads(header)
            version, before = known["polygist_journal"], known["options"]
            is_journal = isinstance(before, dict)
        except (ValueError, TypeError, KeyError, RecursionError):
            is_journal = False
        if not is_journal:
            raise InputError(f"{self.path}: is no journal of this command; move it away")
        if not resume:
            if self.answered and not is_complete:
                raise click.UsageError(
                    f"{self.path} holds {self.answered} answers of a run that ended early: add --resume to go on with"
                    " it, or remove it"
                )
            self._begin(options)
            return
        if version != VERSION or before != options:
            difference = name_difference(before, options) if version == VERSION else "another version"
            raise click.UsageError(f"{self.path} is of another command ({difference}): give the same, or remove it")
        self._stream.truncate(self._end)

    def _begin(self, options: Mapping[str, Any]) -> None:
        self._stream.truncate(0)
        self._end = 0
        self._digests, self._places, self.answered = array("Q"), array("q"), 0
        self._write(f"{json.dumps({'polygist_journal': VERSION, 'options': options})}\n".encode())

    def _read_answers(self, stream: BinaryIO, place: int) -> bool:
        """Read where the answers of earlier runs stand, from `place` on; returns whether the last of these ended."""
        line = b""
        for line in stream:
            if not line.endswith(b"\n"):
                break
            if (found := parse_entry(line)) is not None:
                self._keep(found[0], place, found[1])
            place += len(line)
        self._end = place
        return line == COMPLETE

    def _write(self, line: bytes) -> int:
        """Append a line, out of this process at once; returns where it stands."""
        place, left = self._end, memoryview(line)
        while left:
            left = left[self._stream.write(left) :]
        self._end += len(line)
        return place

    def adopt(self, digest: int, entry: Entry) -> None:
        """Write what came of a record in an earlier run, for the one that is admitted by this digest."""
        place = self._write(entry.to_line(digest))
        self._keep(digest, place, entry)

    def _keep(self, digest: int, place: int, entry: Entry) -> None:
        """Note where an answer of an earlier run stands."""
        if entry.status in ANSWERED:
            self._digests.append(digest)
            self._places.append(place)
            self.answered += entry.status == "done"

    def admit(self, digest: int) -> int | None:
        """Give the next record its place in the output; returns it, or None where the record is answered already."""
        found = self._find(digest)
        self._offsets.append(UNANSWERED if found is None else found)
        return len(self._offsets) - 1 if found is None else None

    def _find(self, digest: int) -> int | None:
        """Find where an answer stands: mostly where it was read as often as answered, in the same order."""
        place = len(self._offsets)
        if place < len(self._digests) and self._digests[place] == digest:
            return self._places[place]
        if len(self._by_digest) != len(self._digests):
            order = sorted(range(len(self._digests)), key=self._digests.__getitem__)
            self._by_digest = array("Q", order)
        rank = bisect_left(self._by_digest, digest, key=self._digests.__getitem__)
        if rank == len(self._by_digest) or self._digests[self._by_digest[rank]] != digest:
            return None
        return self._places[self._by_digest[rank]]

    def write(self, place: int, digest: int, entry: Entry) -> None:
        """Write what came of the record with this place in the output."""
        self._offsets[place] = self._write(entry.to_line(digest))
        self.answered += entry.status == "done"

    def entries(self) -> Iterator[Entry]:
        """Yield what came of every record, in the order of the output.

        It is read where it was written, not by its name: somebody may have tidied that away.
        """
        with os.fdopen(os.dup(self._stream.fileno()), "rb") as stream:
            for offset in self._offsets:
                if offset == UNANSWERED:  # the input broke off here
                    continue
                stream.seek(offset)
                if (found := parse_entry(stream.readline())) is None:
                    raise InputError(f"{self.path}: was changed during the run; add --resume to do again what is lost")
                yield found[1]

    def close(self, *, keep: bool, is_complete: bool = False) -> None:
        """Close it, and remove it unless it should be kept; `is_complete` notes that the file has all of it.

        Folders that were made for a file that is not there go with it.

        Raises:
            OSError: it should be kept, somebody removed it, and it cannot be written again.
        """
        try:
            if keep and is_complete:
                self._write(COMPLETE)
            if keep:
                self._restore()
            elif self._is_in_place():
                self.path.unlink(missing_ok=True)
        finally:
            self._closing.close()

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._stream.fileno()), self.path.stat())
        except OSError:
            return False

    def _restore(self) -> None:
        """Write it again where somebody removed it during the run; raises OSError."""
        if self._is_in_place():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("xb") as restored:
            self._stream.seek(0)
            shutil.copyfileobj(self._stream, restored)


def name_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Name the first option that differs."""
    names: Sequence[str] = [*before, *(name for name in now if name not in before)]
    name = next(each for each in names if before.get(each) != now.get(each))
    return f"{name} was {json.dumps(before.get(name))}, now {json.dumps(now.get(name))}"
