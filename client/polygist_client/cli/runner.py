"""The two ways to work: a request for each text, or many small texts in batches; each to where its result belongs."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import tee
from typing import Any, BinaryIO

import click

from polygist_client import Client, Notice
from polygist_client.cli.errors import FAILURES, FATAL, PARTIAL, exit_code_of
from polygist_client.cli.inputs import UTF8, Encoding, Input, Read, Record, match_line_ends
from polygist_client.cli.outputs import Output, is_finished
from polygist_client.cli.printing import to_json, to_json_line
from polygist_client.cli.session import Session
from polygist_client.options import JsonReply

# Told of one text of many only: all texts between the same two languages have it, in the same words.
TOLD_ONCE = frozenset({"pivoted"})


@dataclass(frozen=True, slots=True)
class Work:
    """What to do with texts.

    Attributes:
        call: the method of `Client` for several texts in one request.
        call_many: the method of `Client` for any number of texts.
        options: keywords for both.
        label: part of the names of files with its results, such as "pt".
        results: name of the list of results in the reply.
        render: lays a result out for people: result, source text, to text.
        blank: the result for a text that has nothing in it, and the same as JSON.
    """

    call: Callable[..., Any]
    call_many: Callable[..., Iterator[Any]]
    options: Mapping[str, Any]
    label: str
    results: str
    render: Callable[[Any, str], str]
    blank: Callable[[str], tuple[Any, JsonReply]]

    def with_options(self, **options: Any) -> "Work":
        """Return the same with more keywords."""
        return replace(self, options={**self.options, **options})


Prepare = Callable[[Input, Iterator[Record], Work], tuple[Iterator[Record], Work]]
Job = tuple[list[Input], Work]


@dataclass(slots=True)
class Attempts:
    """Counts the parts of a run that are done, and reports those that fail: one does not stop the others.

    Attributes:
        session: says what has failed.
        total: how many parts there are.
    """

    session: Session
    total: int
    done: int = 0
    failed: list[BaseException] = field(default_factory=list)

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """Attempt one part in the block; where it is the only one, its error goes on to the caller."""
        try:
            yield
        except BrokenPipeError:
            raise
        except FAILURES as error:
            if self.total == 1:
                raise
            self.session.report_error(error, name)
            self.failed.append(error)
        else:
            self.done += 1

    @property
    def should_stop(self) -> bool:
        """Whether the parts that are left would fail as the last one did."""
        return bool(self.failed) and isinstance(self.failed[-1], FATAL)

    def finish(self) -> int:
        """Say how many parts are left, and return 0, or 3 where some failed.

        Raises:
            Exit: nothing was done; it has the exit code of the first failure.
        """
        if left := self.total - self.done - len(self.failed):
            self.session.note(f"{left} more not tried")
        if self.failed and not self.done:
            raise click.exceptions.Exit(exit_code_of(self.failed[0]))
        return PARTIAL if self.failed else 0


@dataclass(frozen=True, slots=True)
class Run:
    """Every source through every work.

    Attributes:
        session: the options of this run.
        client: makes the calls.
        sources: what to read.
        works: what to do with each of them.
        output: where results go.
        resume: whether results that are finished already are left out.
    """

    session: Session
    client: Client
    sources: list[Input]
    works: list[Work]
    output: Output
    resume: bool = False

    def run_texts(self) -> int:
        """Make a request for each file and work, and one for all ``--text`` together; returns the exit code."""
        given = [source for source in self.sources if source.text is not None]
        groups = [[source] for source in self.sources if source.text is None] + ([given] if given else [])
        jobs = self._unfinished([(group, work) for group in groups for work in self.works])
        attempts = Attempts(self.session, len(jobs))
        with self.output.open_shared() as shared, self.session.progress("files", len(jobs)) as advance:
            for group, work in jobs:
                with attempts.attempt(", ".join(source.name for source in group)):
                    self._write_texts(group, work, shared)
                advance(1)
                if attempts.should_stop:
                    break
            return attempts.finish()

    def run_records(self, read: Read, prepare: Prepare) -> int:
        """Work on the small texts of each source in batches, written as they come; returns the exit code.

        Args:
            read: makes records out of a source.
            prepare: looks at the first records of a source and settles what the work needs to know.
        """
        jobs = self._unfinished([([source], work) for source in self.sources for work in self.works])
        attempts = Attempts(self.session, len(jobs))
        only = len(jobs) == 1
        doing, total = ("lines", None) if only else ("files", len(jobs))
        with self.output.open_shared() as shared, self.session.progress(doing, total) as advance:
            for (source,), work in jobs:
                with attempts.attempt(source.name), self.output.open_own(source, work.label, shared) as stream:
                    records, settled = prepare(source, read(source), work)
                    for _ in self._write_records(source, records, settled, stream):
                        advance(int(only))
                advance(int(not only))
                if attempts.should_stop:
                    break
            return attempts.finish()

    def _unfinished(self, jobs: list[Job]) -> list[Job]:
        """Return the jobs that are left to do, and note how many are not."""
        if not self.resume:
            return jobs
        left = [
            (group, work)
            for group, work in jobs
            if not all(is_finished(self.output.path_for(each, work.label), each) for each in group)
        ]
        if done := len(jobs) - len(left):
            self.session.note(f"{done} of {len(jobs)} finished already")
        return left

    def _write_texts(self, group: list[Input], work: Work, shared: BinaryIO | None) -> None:
        """Make one request for the texts of a group, and write what comes of each."""
        texts, encodings = zip(*(source.read_encoded() for source in group), strict=True)
        replies: list[JsonReply] = []
        values = work.call(self.client, texts, **work.options, on_reply=replies.append)
        if self.session.json and shared is not None:
            shared.write(f"{to_json(replies[0])}\n".encode())
            return
        answers = zip(values, replies[0][work.results], strict=True)
        for source, text, encoding, (value, part) in zip(group, texts, encodings, answers, strict=True):
            shown = f"{to_json_line(source.name, part)}\n" if self.session.jsonl else work.render(value, text)
            if self.session.is_text:
                self.session.report(source.name, value)
            with self.output.open_own(source, work.label, shared) as stream:
                stream.write(self._encode(shown, text, encoding))

    def _encode(self, shown: str, source: str, encoding: Encoding) -> bytes:
        """Encode a result: alone in a file it stands as its source does, elsewhere it is UTF-8 and ends its line."""
        is_alone = self.output.folder is not None or (self.output.file is not None and len(self.sources) == 1)
        if not is_alone and not shown.endswith("\n"):
            shown += "\n"
        if is_alone and self.session.is_text:
            return encoding.encode(match_line_ends(shown, source), at_start=True)
        return shown.encode()

    def _write_records(self, source: Input, records: Iterator[Record], work: Work, stream: BinaryIO) -> Iterator[None]:
        """Write a line for each record; yields after each."""
        keeps_encoding = self.session.is_text and self.output != Output()
        told: set[Notice] = set()
        for record, value, part in answer_records(self.client, records, work):
            name = f"{source.name}:{record.number}"
            if self.session.jsonl:
                line = f"{to_json_line(name, part)}\n"
            else:
                line = record.finish(value.text)
                self.session.warn(name, tuple(notice for notice in value.warnings if notice not in told))
                told.update(notice for notice in value.warnings if notice.code in TOLD_ONCE)
            encoding = record.encoding if keeps_encoding else UTF8
            stream.write(encoding.encode(line, at_start=record.number == 1))
            yield


def answer_records(client: Client, records: Iterator[Record], work: Work) -> Iterator[tuple[Record, Any, JsonReply]]:
    """Yield each record with its result, as a value and as JSON, in order; memory holds only what is under way."""
    parts: deque[JsonReply] = deque()
    records, ahead = tee(records)
    texts = (record.text for record in ahead if not record.is_blank)

    def keep(reply: JsonReply) -> None:
        parts.append(reply.get("translation") or reply["summary"])

    values = work.call_many(client, texts, **work.options, on_reply=keep)
    for record in records:
        value, part = work.blank(record.text) if record.is_blank else (next(values), parts.popleft())
        yield record, value, part


def keep_as_is(source: Input, records: Iterator[Record], work: Work) -> tuple[Iterator[Record], Work]:
    """Settle nothing."""
    return records, work
