"""The two ways to work: a request for each text, or many small texts in batches; each to where its result belongs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import tee
from typing import Any, BinaryIO

from google.protobuf.message import Message

from polygist_client import Client, batches
from polygist_client.calls import Call
from polygist_client.cli.encodings import UTF8, Encoding, end_lines_alike
from polygist_client.cli.inputs import Input
from polygist_client.cli.outputs import Output, is_finished, open_output
from polygist_client.cli.printing import to_json, to_json_line
from polygist_client.cli.records import Record
from polygist_client.cli.session import Session
from polygist_client.cli.tally import Tally
from polygist_client.results import Notice


@dataclass(frozen=True, slots=True)
class Work:
    """What to do with texts.

    Attributes:
        build: makes the call, out of texts and `options`.
        options: keywords for it.
        label: part of the names of files with its results, such as "pt".
        results: name of the reply's list of results.
        render: lays a result out for people: result, source text, to text.
        blank: the result, as a message and as a value, for a text that has nothing in it.
        most_items: texts in one request, of many.
    """

    build: Callable[..., Call[Any, Any]]
    options: Mapping[str, Any]
    label: str
    results: str
    render: Callable[[Any, str], str]
    blank: Callable[[str], tuple[Message, Any]]
    most_items: int = batches.TEXTS

    def call(self, texts: list[str] | tuple[str, ...]) -> Call[Any, Any]:
        """The call for `texts`."""
        return self.build(texts, **self.options)

    def with_options(self, **options: Any) -> "Work":
        """The same with more keywords."""
        return replace(self, options={**self.options, **options})


# Told of one text of many only: all texts between the same two languages have it, in the same words.
TOLD_ONCE = frozenset({"pivoted"})

Read = Callable[[Input], Iterator[Record]]
Prepare = Callable[[Input, Iterator[Record], Work], tuple[Iterator[Record], Work]]


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
        """One request for each file and work, and one for all ``--text`` together; returns the exit code."""
        given = [source for source in self.sources if source.text is not None]
        groups = [[source] for source in self.sources if source.text is None] + ([given] if given else [])
        jobs = self._unfinished([(group, work) for group in groups for work in self.works])
        tally = Tally(self.session, len(jobs))
        with self._shared_stream() as shared, self.session.progress("files", len(jobs)) as advance:
            for group, work in jobs:
                with tally.attempt(", ".join(source.name for source in group)):
                    self._run_group(group, work, shared)
                advance(1)
                if tally.is_hopeless:
                    break
            return tally.finish()

    def run_records(self, read: Read, prepare: Prepare) -> int:
        """Many small texts of each source, in batches, written as they come; returns the exit code.

        Args:
            read: makes records out of a source.
            prepare: looks at the first records of a source and settles what the work needs to know.
        """
        jobs = self._unfinished([([source], work) for source in self.sources for work in self.works])
        tally = Tally(self.session, len(jobs))
        only = len(jobs) == 1
        doing, total = ("lines", None) if only else ("files", len(jobs))
        with self._shared_stream() as shared, self.session.progress(doing, total) as advance:
            for (source,), work in jobs:
                with tally.attempt(source.name), self._own_stream(source, work, shared) as stream:
                    lines = self._write_records(source, *prepare(source, read(source), work), stream)
                    for _ in lines:
                        advance(int(only))
                advance(int(not only))
                if tally.is_hopeless:
                    break
            return tally.finish()

    def _run_group(self, group: list[Input], work: Work, shared: BinaryIO | None) -> None:
        texts, encodings = zip(*(source.read_encoded() for source in group), strict=True)
        call = work.call(texts)
        reply = self.client.send(call)
        if self.session.json and shared is not None:
            shared.write(f"{to_json(reply)}\n".encode())
            return
        messages = getattr(reply, work.results)
        answers = zip(messages, call.read(reply), strict=True)
        for source, text, encoding, (message, value) in zip(group, texts, encodings, answers, strict=True):
            shown = f"{to_json_line(source.name, message)}\n" if self.session.jsonl else work.render(value, text)
            if self.session.is_text:
                self.session.tell(source.name, value)
            with self._own_stream(source, work, shared) as stream:
                stream.write(self._encode(self._end_line(shown), text, encoding))

    def _end_line(self, text: str) -> str:
        """A result of its own in a file stays as it is; on a terminal and among others it ends its line."""
        alone = self.output.folder is not None or (self.output.file is not None and len(self.sources) == 1)
        return text if alone or text.endswith("\n") else f"{text}\n"

    @property
    def _writes_alike(self) -> bool:
        """Whether results stand as their sources do: text in files; standard output and JSON are UTF-8."""
        return self.session.is_text and self.output != Output()

    def _encode(self, shown: str, source: str, encoding: Encoding) -> bytes:
        if not self._writes_alike or (self.output.folder is None and len(self.sources) > 1):
            return shown.encode()
        return encoding.encode(end_lines_alike(shown, source), at_start=True)

    def _write_records(self, source: Input, records: Iterator[Record], work: Work, stream: BinaryIO) -> Iterator[None]:
        """Write a line for each record; yields after each."""
        told: set[Notice] = set()
        for record, message, value in work_through(self.client, records, work):
            name = f"{source.name}:{record.number}"
            if self.session.jsonl:
                line = f"{to_json_line(name, message)}\n"
            else:
                line = record.finish(value.text)
                self.session.warn(name, tuple(notice for notice in value.warnings if notice not in told))
                told.update(notice for notice in value.warnings if notice.code in TOLD_ONCE)
            encoding = record.encoding if self._writes_alike else UTF8
            stream.write(encoding.encode(line, at_start=record.number == 1))
            yield

    def _unfinished(self, jobs: list[tuple[list[Input], Work]]) -> list[tuple[list[Input], Work]]:
        """The jobs that are left to do; says how many are not."""
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

    @contextmanager
    def _shared_stream(self) -> Iterator[BinaryIO | None]:
        """The one stream for all results; None where each has a file of its own."""
        if self.output.folder is not None:
            yield None
        else:
            with open_output(self.output.file) as stream:
                yield stream

    @contextmanager
    def _own_stream(self, source: Input, work: Work, shared: BinaryIO | None) -> Iterator[BinaryIO]:
        """The stream for one result."""
        if shared is not None:
            yield shared
        else:
            with open_output(self.output.path_for(source, work.label)) as stream:
                yield stream


def work_through(client: Client, records: Iterator[Record], work: Work) -> Iterator[tuple[Record, Message, Any]]:
    """Each record with its result, as a message and as a value, in order; memory holds only what is under way."""
    records, ahead = tee(records)
    texts = (record.text for record in ahead if not record.is_blank)
    calls = (
        replace(work.call(batch.texts), items=batch.items) for batch in batches.cut(texts, most_items=work.most_items)
    )
    answers = (
        (message, value)
        for call, reply in client.send_many(calls)
        for message, value in zip(getattr(reply, work.results), call.read(reply), strict=True)
    )
    for record in records:
        message, value = work.blank(record.text) if record.is_blank else next(answers)
        yield record, message, value


def keep_as_is(source: Input, records: Iterator[Record], work: Work) -> tuple[Iterator[Record], Work]:
    """Nothing to settle."""
    return records, work
