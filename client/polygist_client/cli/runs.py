"""The two ways to work: a request for each text, or many small texts in batches; and what happens when some fail."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import tee
from typing import Any, BinaryIO

from google.protobuf.json_format import MessageToDict, MessageToJson
from google.protobuf.message import Message

from polygist_client import Client, batches
from polygist_client.calls import Call
from polygist_client.cli.failures import FAILURES, HOPELESS, PARTIAL, exit_code_of
from polygist_client.cli.inputs import Input
from polygist_client.cli.outputs import Output, open_output
from polygist_client.cli.records import Record
from polygist_client.cli.session import Session


@dataclass(frozen=True, slots=True)
class Work:
    """What to do with texts.

    Attributes:
        build: makes the call, out of texts and `options`.
        options: keywords for it.
        label: part of the names of files with its results, such as "pt".
        results: name of the reply's list of results.
        render: lays a result out for people: result, source text, to text.
        blank: the result for a text that has nothing in it.
        most_items: texts in one request, of many.
    """

    build: Callable[..., Call[Any, Any]]
    options: Mapping[str, Any]
    label: str
    results: str
    render: Callable[[Any, str], str]
    blank: Callable[[str], Any]
    most_items: int = batches.ITEMS

    def call(self, texts: list[str] | tuple[str, ...]) -> Call[Any, Any]:
        """The call for `texts`."""
        return self.build(texts, **self.options)

    def with_options(self, **options: Any) -> "Work":
        """The same with other keywords."""
        return replace(self, options={**self.options, **options})


@dataclass(slots=True)
class Tally:
    """Counts what went well and what did not, and reports it."""

    session: Session
    total: int
    done: int = 0
    failed: list[BaseException] = field(default_factory=list)

    @contextmanager
    def attempt(self, name: str) -> Iterator[None]:
        """One of several attempts: its failure is reported and does not stop the others, unless it is the only one."""
        try:
            yield
        except BrokenPipeError:
            raise
        except FAILURES as error:
            if self.total == 1:
                raise
            self.session.complain(error, name)
            self.failed.append(error)
        else:
            self.done += 1

    @property
    def is_hopeless(self) -> bool:
        """Whether the attempts that are left would fail too; says how many those are."""
        hopeless = bool(self.failed) and isinstance(self.failed[-1], HOPELESS)
        left = self.total - self.done - len(self.failed)
        if hopeless and left:
            self.session.note(f"{left} more not tried")
        return hopeless

    @property
    def exit_code(self) -> int:
        """0, or 3 where some failed, or the code of the first failure where all did."""
        if not self.failed:
            return 0
        return PARTIAL if self.done else exit_code_of(self.failed[0])


def run_texts(session: Session, client: Client, sources: list[Input], works: list[Work], output: Output) -> int:
    """One request for each file and work, and one for all ``--text`` together; returns the exit code."""
    given = [source for source in sources if source.text is not None]
    groups = [[source] for source in sources if source.text is None] + ([given] if given else [])
    jobs = [(group, work) for group in groups for work in works]
    tally = Tally(session, len(jobs))
    with _shared_stream(output) as shared, session.progress(works[0].results, len(jobs)) as advance:
        for group, work in jobs:
            with tally.attempt(", ".join(source.name for source in group)):
                _run_group(session, client, group, work, output, shared, ends_lines=output.file is None or len(given) > 1)
            advance()
            if tally.is_hopeless:
                break
    return tally.exit_code


def run_records(
    session: Session,
    client: Client,
    sources: list[Input],
    works: list[Work],
    output: Output,
    read: Callable[[Input], Iterator[Record]],
    prepare: Callable[[Input, Iterator[Record], Work], tuple[Iterator[Record], Work]],
) -> int:
    """Many small texts of each source, in batches, written as they come; returns the exit code.

    Args:
        session: the options of this run.
        client: makes the calls.
        sources: what to read.
        works: what to do with each of them.
        output: where results go.
        read: makes records out of a source.
        prepare: looks at the beginning of the records and settles what the work needs to know.
    """
    jobs = [(source, work) for source in sources for work in works]
    tally = Tally(session, len(jobs))
    with _shared_stream(output) as shared:
        for source, work in jobs:
            with tally.attempt(source.name), _own_stream(output, source, work, shared) as stream:
                records, settled = prepare(source, read(source), work)
                with session.progress(source.name) as advance:
                    for record, message, result in work_through(client, records, settled):
                        name = f"{source.name}:{record.number}"
                        if session.jsonl:
                            line = to_json_line(name, message) + "\n"
                        else:
                            line = record.finish(result.text)
                            session.warn(name, result.warnings)
                        stream.write(line.encode())
                        advance()
            if tally.is_hopeless:
                break
    return tally.exit_code


def work_through(client: Client, records: Iterator[Record], work: Work) -> Iterator[tuple[Record, Message, Any]]:
    """Each record with its result as a message and as a value, in order; only what is under way is kept in memory."""
    records, ahead = tee(records)
    texts = (record.text for record in ahead if not record.is_blank)
    calls = (
        batches.place(work.call(batch.texts), batch) for batch in batches.cut(texts, most_items=work.most_items)
    )
    answers = (
        (message, value)
        for call, reply in client.send_many(calls)
        for message, value in zip(getattr(reply, work.results), call.read(reply), strict=True)
    )
    for record in records:
        if record.is_blank:
            message = work.blank(record.text)
            yield record, message, _read_one(work, message)
        else:
            yield record, *next(answers)


def to_json_line(name: str, message: Message) -> str:
    """One object with its id first."""
    return json.dumps({"id": name, **MessageToDict(message)}, ensure_ascii=False)


def to_json(reply: Message) -> str:
    """A reply in protobuf's JSON."""
    return str(MessageToJson(reply, ensure_ascii=False))


def _run_group(
    session: Session,
    client: Client,
    group: list[Input],
    work: Work,
    output: Output,
    shared: BinaryIO | None,
    *,
    ends_lines: bool,
) -> None:
    texts = [source.read() for source in group]
    call = work.call(texts)
    reply = client.send(call)
    if session.json:
        assert shared is not None
        shared.write(f"{to_json(reply)}\n".encode())
        return
    for source, text, message, value in zip(group, texts, getattr(reply, work.results), call.read(reply), strict=True):
        if session.jsonl:
            shown = to_json_line(source.name, message) + "\n"
        else:
            shown = work.render(value, text)
            _tell(session, source.name, value)
            if ends_lines and output.folder is None and not shown.endswith("\n"):
                shown += "\n"
        with _own_stream(output, source, work, shared) as stream:
            stream.write(shown.encode())


def _tell(session: Session, name: str, value: Any) -> None:
    """What goes to standard error beside a result."""
    session.warn(name, value.warnings)
    if value.detection_confidence is not None:
        session.note(f"{name}: language {value.source} detected, confidence {value.detection_confidence:.2f}")
    session.detail(f"{name}: {value.source} to {value.target} by {value.model or 'no model'}")


@contextmanager
def _shared_stream(output: Output) -> Iterator[BinaryIO | None]:
    """The one stream for all results; None where each has a file of its own."""
    if output.folder is not None:
        yield None
    else:
        with open_output(output.file) as stream:
            yield stream


@contextmanager
def _own_stream(output: Output, source: Input, work: Work, shared: BinaryIO | None) -> Iterator[BinaryIO]:
    """The stream for one result."""
    if shared is not None:
        yield shared
    else:
        with open_output(output.path_for(source, work.label)) as stream:
            yield stream


def _read_one(work: Work, message: Message) -> Any: ...
