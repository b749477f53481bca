"""Where the results of a run are put as they come: a stream, a file of each, or the journal of one file."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from polygist_client import TranslatedDocument
from polygist_client.cli.inputs import UTF8, Encoding, match_line_ends
from polygist_client.cli.journal import Entry, Journal, Status, digest_of, journal_path
from polygist_client.cli.outputs import Output, open_output, replace_file
from polygist_client.cli.records import Answer, Record
from polygist_client.cli.session import Session
from polygist_client.cli.tally import Tally

GO_ON = "go on with the same command and --resume"


class Sink(Protocol):
    """What takes results."""

    is_ordered: bool

    def admit(self, record: Record, follows_from: str) -> bool:
        """Take note of the next record; returns whether it is to be done, which it is not where it has been.

        Args:
            record: the record.
            follows_from: what its output follows from beside its bytes.
        """

    def write(self, record: Record, shown: str, answers: Sequence[Answer], status: Status) -> None:
        """Take what came of a record."""


def encode_alike(session: Session, name: str, encoding: Encoding, shown: str, source: str) -> bytes:
    """Encode the result of an input as that is, with its line ends."""
    note_numbers(session, name, encoding, shown)
    return encoding.encode(match_line_ends(shown, source), at_start=True)


def note_numbers(session: Session, name: str, encoding: Encoding, shown: str) -> None:
    """Say where a page has letters that the encoding it declares has not."""
    if encoding.lacking(shown):
        said = f"is in {encoding.declared}, as it declares, and what this has no letters for is written as &#NUMBER;"
        session.note(f"{name}: {said}")


def codes_of(answers: Sequence[Answer]) -> list[str]:
    """Return the codes of all warnings, each once."""
    return sorted({notice.code for answer in answers if answer.value for notice in answer.value.warnings})


class StreamSink:
    """Writes results to a stream, in the order of the records, each at once."""

    is_ordered = True

    def __init__(self, stream: BinaryIO, tally: Tally, *, keeps_encoding: bool) -> None:
        self._stream = stream
        self._tally = tally
        self._keeps_encoding = keeps_encoding

    def admit(self, record: Record, follows_from: str) -> bool:
        return True

    def write(self, record: Record, shown: str, answers: Sequence[Answer], status: Status) -> None:
        encoding = record.encoding if self._keeps_encoding else UTF8
        self._tally.session.write(self._stream, encoding.encode(shown, at_start=record.number <= 1))
        self._tally.add(status, codes_of(answers))


class FolderSink:
    """Writes the result of each input to a file of its own in a folder, encoded as its source is."""

    is_ordered = False

    def __init__(self, output: Output, label: str, session: Session, tally: Tally) -> None:
        self._output = output
        self._label = label
        self._session = session
        self._tally = tally

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._tally.done:
            self._session.note(f"{self._tally.done} done so far: {GO_ON}")

    def admit(self, record: Record, follows_from: str) -> bool:
        return True

    def write(self, record: Record, shown: str, answers: Sequence[Answer], status: Status) -> None:
        if status == "failed":
            return
        try:
            with open_output(self._output.path_for(record.source, self._label)) as stream:
                stream.write(self._encode(record, shown, answers))
        except OSError as error:
            self._tally.fail(error, record.name)
        else:
            self._tally.add(status, codes_of(answers))

    def _encode(self, record: Record, shown: str, answers: Sequence[Answer]) -> bytes:
        """Return what stands in the file of a result: a translated file is one already."""
        value = answers[0].value if answers else None
        if isinstance(value, TranslatedDocument):
            return value.document
        return encode_alike(self._session, record.name, record.encoding, shown, record.texts[0].text)


def digest_of_record(record: Record, follows_from: str) -> int:
    """Digest all that the output of a record follows from."""
    documents = [text.format for text in record.texts if text.format != "text"]
    return digest_of("\0".join([follows_from, *documents, ""]).encode(errors="surrogateescape") + record.raw)


class JournalSink:
    """Writes results to the journal of a file, and when the block ends well, the file; it is whole or not there.

    Args:
        path: of the file.
        session: told what to do where the run ends early.
        tally: counts what the file has.
        options: see `Journal`.
        resume: see `Journal`.
        keeps_encoding: whether the file is encoded as its source is.
    """

    is_ordered = False

    def __init__(
        self,
        path: Path,
        session: Session,
        tally: Tally,
        options: Mapping[str, Any],
        *,
        resume: bool,
        keeps_encoding: bool,
    ) -> None:
        self._path = path
        self._session = session
        self._tally = tally
        self._keeps_encoding = keeps_encoding
        self._encoding: Encoding | None = None
        self._places: dict[int, tuple[int, int]] = {}
        self._failed_before = tally.failed
        self._journal = Journal(journal_path(path), options, resume=resume)

    def __enter__(self) -> Self:
        if self._journal.answered:
            self._session.note(f"{self._journal.answered} done already, kept in {self._journal.path}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        journal, is_written = self._journal, False
        has_ended = error is None
        has_failures = self._tally.failed > self._failed_before
        try:
            if has_ended:
                self._assemble()
                is_written = True
        finally:
            is_kept = journal.answered > 0 and (has_failures or not is_written)
            journal.close(keep=is_kept, is_complete=is_written)
            if journal.answered and not is_written:
                self._session.note(f"{journal.answered} done so far, kept in {journal.path}: {GO_ON}")
            elif journal.answered and has_failures:
                self._tally.advice.append(f"{self._path}: the same command with --resume tries only what failed")

    def adopt(self, found: Iterable[tuple[Record, str, Status]], follows_from: str) -> None:
        """Take over what an earlier run has written to the file, but for what failed: as if it was in the journal.

        Args:
            found: records, their output and how they went.
            follows_from: what their output follows from beside their bytes.
        """
        for record, shown, status in found:
            self._journal.adopt(
                digest_of_record(record, follows_from),
                Entry(number=record.number, output=shown, status=status, id=record.id),
            )
        self._session.note(f"{self._journal.answered} done already, found in {self._path}")

    def admit(self, record: Record, follows_from: str) -> bool:
        if self._encoding is None:
            self._encoding = record.encoding if self._keeps_encoding else UTF8
        digest = digest_of_record(record, follows_from)
        place = self._journal.admit(digest)
        if place is not None:
            self._places[id(record)] = place, digest
        return place is not None

    def write(self, record: Record, shown: str, answers: Sequence[Answer], status: Status) -> None:
        place, digest = self._places.pop(id(record))
        entry = Entry(
            number=record.number, output=shown, status=status, warnings=tuple(codes_of(answers)), id=record.id
        )
        self._journal.write(place, digest, entry)

    def _assemble(self) -> None:
        """Write the file in the order of the input."""
        encoding = self._encoding or UTF8
        with replace_file(Path(self._path).resolve()) as stream:
            for place, entry in enumerate(self._journal.entries()):
                stream.write(encoding.encode(entry.output, at_start=place == 0))
                self._tally.add(entry.status, entry.warnings)
