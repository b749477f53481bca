"""A run: every input through every work, each text on its own, whatever becomes of the others."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from polygist_client import Client, Notice, PolygistError, Summary, TranslatedDocument
from polygist_client.cli.answers import Exchange, Work
from polygist_client.cli.detection import Prepare, choose_terms, keep_as_is, take_sample
from polygist_client.cli.earlier import count_results, has_all_objects, pair_results
from polygist_client.cli.errors import FAILURES, FATAL, naming_contents
from polygist_client.cli.files import FileExchange, read_files, send_file
from polygist_client.cli.inputs import UTF8, Content, Input
from polygist_client.cli.journal import Status, journal_path
from polygist_client.cli.outputs import Output, is_finished
from polygist_client.cli.printing import to_json, to_json_line
from polygist_client.cli.records import Answer, Read, Record, Split, Text, describe_failure, failed_record
from polygist_client.cli.session import Session, source_text_of
from polygist_client.cli.sinks import FolderSink, JournalSink, Sink, StreamSink, encode_alike
from polygist_client.cli.tally import Tally
from polygist_client.options import JsonReply

# Told of one text of many only: all texts in the same language, or between the same two, have it in the same words.
TOLD_ONCE = frozenset({"pivoted", "method-fallback", "experimental-model"})


@dataclass(frozen=True, slots=True)
class Form:
    """What an input is.

    Attributes:
        name: such as "jsonl".
        read: makes records of it; None where it is one text.
        split: parts a file that was made of records into the output of each.
        prepare: see `Prepare`.
    """

    name: str
    read: Read | None = None
    split: Split = Input.lines
    prepare: Prepare = keep_as_is


@dataclass(frozen=True, slots=True)
class Job:
    """A part of a run: some inputs through one work.

    Attributes:
        sources: the inputs.
        work: what to do with them.
        earlier: the file of an earlier run where that has results of the one input, of which some failed.
        error: why nothing is done; None where something is.
    """

    sources: tuple[Input, ...]
    work: Work
    earlier: Path | None = None
    error: Exception | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.sources[0].name if len(self.sources) == 1 else f"{len(self.sources)} inputs"

    @property
    def is_of_file(self) -> bool:
        """Whether its inputs are sent as the files that they are."""
        return bool(self.sources[0].file)


@dataclass(frozen=True, slots=True)
class Run:
    """Every source through every work.

    Attributes:
        session: the options of this run.
        client: makes the calls.
        sources: what to read.
        works: what to do with each of them.
        output: where results go.
        form: what the sources are.
        resume: whether results that are there already are left out.
        files: where files go while their results are printed as JSON; None where they go where all results do.
    """

    session: Session
    client: Client
    sources: Sequence[Input]
    works: Sequence[Work]
    output: Output
    form: Form
    resume: bool = False
    files: Output | None = None
    told: set[Notice] = field(default_factory=set)

    def run(self) -> int:
        """Do all; returns the exit code."""
        jobs, before = self._unfinished()
        if not jobs:
            return 0
        if self.form.read is None and (self.session.json or (len(self.sources) == 1 and self.session.is_text)):
            return self._run_whole(jobs, before)
        return self._run_many(jobs, before)

    def _unfinished(self) -> tuple[list[Job], int]:
        """Return the jobs that are left to do, and note and return how many are not."""
        jobs = left = [Job((source,), work) for work in self.works for source in self.sources]
        is_one = self.output.folder is None and self.files is None
        if self.resume and is_one and (self.form.read is None or self.session.jsonl):
            left = [] if self._is_finished() else jobs
        elif self.resume:
            left = [rest for job in jobs if (rest := self._rest_of(job))]
        if done := len(jobs) - len(left):
            self.session.note(f"{done} of {len(jobs)} finished already")
        return left, done

    def _is_finished(self) -> bool:
        """Tell whether the one file for all has all."""
        path = self.output.file
        if path is None or journal_path(path).exists() or not all(is_finished(path, each) for each in self.sources):
            return False
        return not self.session.jsonl or has_all_objects(path, self._objects())

    def _objects(self) -> Iterator[tuple[str, str | None]]:
        """Yield the name and the language of each object that there should be."""
        for work in self.works:
            for source in self.sources:
                for record in self.form.read(source, work.fields) if self.form.read else ():
                    yield from [(record.name, work.options["to"])] * (len(record.texts) + bool(record.error))
                if self.form.read is None:
                    yield source.name, work.options["to"]

    def _rest_of(self, job: Job) -> Job | None:
        """Return what is left to do of a job whose results have a file of their own; None where nothing is."""
        (source,) = job.sources
        output = self.files or self.output
        path = output.file or output.path_for(source, job.work.label)
        if not path.exists() or journal_path(path).exists():
            return job
        is_newer = is_finished(path, source)
        if self.form.read is None:
            return None if is_newer else job
        counts = None
        if source.path and source.identity() and (is_newer or self.form.name != "lines"):
            found = self.form.split(Input(str(path), path=path))
            counts = count_results(self.form.read(source, job.work.fields), found)
        if counts is None:
            self.session.note(f"{path}: is not what comes of {source.name}, and is made anew")
            return job
        return replace(job, earlier=path) if counts.get("failed") else None

    def _run_whole(self, jobs: list[Job], before: int) -> int:
        """Make a request for each job, and one for all ``--text`` together."""
        jobs = [each for each in jobs if each.sources[0].text is None]
        given = tuple(source for source in self.sources if source.text is not None)
        jobs += [Job(given, work) for work in self.works if given]
        tally = Tally(self.session, len(jobs), before)
        with self.output.open_shared() as shared, self._progress(jobs) as advance:
            for job in jobs:
                with tally.attempt(job.name):
                    if job.is_of_file:
                        self._write_file(job, shared)
                    else:
                        self._write_whole(job, shared)
                    tally.add()
                advance(len(job.sources))
            return tally.finish(is_told=False)

    def _write_whole(self, job: Job, shared: BinaryIO | None) -> None:
        """Make one request for the texts of a job, and write what comes of each."""
        contents = [self.session.read(source) for source in job.sources]
        texts, format = [each.text for each in contents], contents[0].format
        options = choose_terms(self.client, job.name, "\n".join(texts), job.work, format).options_for(format)
        replies: list[JsonReply] = []
        with naming_contents([source.name for source in job.sources]):
            values = job.work.call(self.client, texts, **options, on_reply=replies.append)
        if self.session.json and shared is not None:
            self.session.write(shared, f"{to_json(replies[0])}\n".encode())
            return
        answers = zip(values, replies[0][job.work.results], strict=True)
        for source, content, (value, part) in zip(job.sources, contents, answers, strict=True):
            shown = (
                f"{to_json_line(source.name, part)}\n" if self.session.jsonl else job.work.render(value, content.text)
            )
            if self.session.is_text:
                self.session.report(source.name, value)
            with self.output.open_own(source, job.work.label, shared) as stream:
                self.session.write(stream, self._encode(shown, source, content, job.work, stream))

    def _write_file(self, job: Job, shared: BinaryIO | None) -> None:
        """Make a request for a file, and write what comes of it."""
        (source,) = job.sources
        replies: list[JsonReply] = []
        with naming_contents([source.name]):
            value = send_file(self.client, source, source.read_bytes(), job.work, on_reply=replies.append)
        if self.session.is_text:
            self.session.report(source.name, value)
        if isinstance(value, TranslatedDocument) and (self.files or self.session.is_text):
            replies[0].pop("document", None)
            with (self.files or self.output).open_own(source, job.work.label, None if self.files else shared) as stream:
                self.session.write(stream, value.document)
        if not self.session.is_text and shared is not None:
            self.session.write(shared, f"{to_json(replies[0])}\n".encode())
        elif isinstance(value, Summary):
            shown = job.work.render(value, value.source_text)
            content = Content(value.source_text, UTF8, "text")
            with self.output.open_own(source, job.work.label, shared) as stream:
                self.session.write(stream, self._encode(shown, source, content, job.work, stream))

    def _encode(self, shown: str, source: Input, content: Content, work: Work, stream: BinaryIO) -> bytes:
        """Encode a result: alone in a file it stands as its source does, elsewhere it is UTF-8 and ends its line.

        A page is in the encoding that it declares wherever it goes, but on a terminal.
        """
        is_alone = self.output.folder is not None or (self.output.file is not None and len(self.sources) == 1)
        encoding = content.encoding_of_result(keeps_format=work.keeps_format)
        if not is_alone and not shown.endswith("\n"):
            shown += "\n"
        if self.session.is_text and (is_alone or (encoding.declared and not stream.isatty())):
            return encode_alike(self.session, source.name, encoding, shown, content.text)
        return shown.encode()

    def _run_many(self, jobs: list[Job], before: int) -> int:
        """Send the texts of all jobs as items of calls with many, and write what comes of each as it comes."""
        if self.form.read is None:
            jobs = self._gather(jobs)
        tally = Tally(self.session, len(jobs), before)
        with ExitStack() as stack:
            advance = stack.enter_context(self._progress(jobs))
            shared = self._open_shared(stack, tally)
            for job in jobs:
                with tally.attempt(job.name), ExitStack() as own:
                    sink = shared or self._open_own(own, job, tally)
                    self._exchange(job, sink, tally, advance)
        is_of_records = self.form.read is not None
        return tally.finish(is_told=is_of_records or len(self.sources) > 1, is_of_records=is_of_records)

    def _gather(self, jobs: Iterable[Job]) -> list[Job]:
        """Gather what travels together: the texts for the same work, with the same terms; and the files for it."""
        gathered: dict[tuple[Any, ...], Job] = {}
        for job in jobs:
            (source,) = job.sources
            chosen = job if job.is_of_file else self._choose(job)
            own = source.name if chosen.error else repr(chosen.work.options.get("terms"))
            key = (self.works.index(job.work), job.is_of_file, bool(chosen.error), own)
            before = gathered.get(key, replace(chosen, sources=()))
            gathered[key] = replace(before, sources=(*before.sources, source))
        return list(gathered.values())

    def _choose(self, job: Job) -> Job:
        """Choose the terms for a text by its language, where they are of a glossary of one's own."""
        if job.work.glossary is None:
            return job
        (source,) = job.sources
        try:
            content = source.read()
            return replace(job, work=choose_terms(self.client, source.name, content.text, job.work, content.format))
        except FATAL:
            raise
        except FAILURES as error:
            return replace(job, error=error)

    def _progress(self, jobs: list[Job]) -> AbstractContextManager[Callable[[int], None]]:
        """Make the bar: of files where inputs are whole, else of the bytes of all of them."""
        sources = [source for job in jobs for source in job.sources]
        in_the_way = self.output.feeds_another or any(source.is_typed for source in sources)
        if self.form.read is None:
            return self.session.progress("files", len(sources), in_the_way=in_the_way)
        sizes = [source.size() for source in sources]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        return self.session.progress("records", total, is_counted=True, in_the_way=in_the_way)

    @property
    def _keeps_encoding(self) -> bool:
        return self.session.is_text and self.output != Output() and self.form.read is not None

    def _open_shared(self, stack: ExitStack, tally: Tally) -> Sink | None:
        """Open what takes all results; None where those of each job go elsewhere."""
        if self.output.folder is not None:
            return None
        if self.output.file is not None and not self.output.is_stream:
            return stack.enter_context(
                JournalSink(
                    self.output.file, self.session, tally, self._options(), resume=self.resume,
                    keeps_encoding=self._keeps_encoding,
                )
            )  # fmt: skip
        stream = stack.enter_context(self.output.open_shared())
        assert stream is not None
        return StreamSink(stream, tally, keeps_encoding=self._keeps_encoding)

    def _open_own(self, stack: ExitStack, job: Job, tally: Tally) -> Sink:
        """Open what takes the results of one job, which go to a folder."""
        if self.form.read is None:
            return stack.enter_context(FolderSink(self.output, job.work.label, self.session, tally))
        path = self.output.path_for(job.sources[0], job.work.label)
        return stack.enter_context(
            JournalSink(
                path, self.session, tally, self._options(), resume=self.resume, keeps_encoding=self._keeps_encoding
            )
        )

    def _options(self) -> dict[str, Any]:
        """Return what answers follow from beside the records, in the words of the command line."""
        work = self.works[0]
        fields = {"field": work.fields.names, "into": work.fields.into} if work.fields.names else {}
        given: dict[str, Any] = {
            "command": work.result, **work.options, "to": work.options.get("to"), **fields,
            "format": self.form.name, "field_format": work.fields.formats, "jsonl": self.session.jsonl,
        }  # fmt: skip
        if work.glossary:
            given["glossary"] = work.glossary.revision
        if len(self.works) > 1:
            given["to"] = [each.options.get("to") for each in self.works]
        return {name: value for name, value in given.items() if value not in (None, (), "", 0, False)}

    def _exchange(self, job: Job, sink: Sink, tally: Tally, advance: Callable[[int], None]) -> None:
        """Send the records of a job, and put what comes of them into the sink."""
        records, work = self._read(job)
        follows_from = [work.label, work.options.get("source") or ""]

        if job.earlier and isinstance(sink, JournalSink) and self.form.read:
            found = self.form.split(Input(str(job.earlier), path=job.earlier))
            sink.adopt(pair_results(self.form.read(job.sources[0], work.fields), found), "\0".join(follows_from))

        def admitted() -> Iterator[Record]:
            for record in records:
                name = [record.name] if self.session.jsonl else []
                if sink.admit(record, "\0".join([*follows_from, *name])):
                    yield record
                else:
                    advance(self._steps(record))

        def take(record: Record, answers: Sequence[Answer]) -> None:
            answers = [self._save(record, each, work) for each in answers] if job.is_of_file else answers
            status = self._judge(record, answers, tally)
            self._tell(record, answers, work)
            sink.write(record, self._show(record, answers, work), answers, status)
            advance(self._steps(record))

        if job.is_of_file:
            FileExchange(work, take, as_json=self.session.jsonl).run(self.client, admitted())
            return
        exchange = Exchange(work, take, ordered=sink.is_ordered, as_json=self.session.jsonl)
        wanted = admitted()
        try:
            exchange.run(self.client, wanted)
        except PolygistError as error:
            if tally.is_of_one_part or isinstance(error, FATAL):
                raise
            exchange.fail(wanted, error)

    def _read(self, job: Job) -> tuple[Iterator[Record], Work]:
        """Return the records of a job, and the work with what follows from the first of them."""
        work = job.work
        if job.error:
            return iter([failed_record(source, job.error) for source in job.sources]), work
        if job.is_of_file:
            return read_files(job.sources, work), work
        if self.form.read is None:
            return read_whole(self.session, job.sources, work), work
        (source,) = job.sources
        read = self.form.read(source, work.fields)
        watched = self.session.bar.watch(read) if self.session.bar else read
        records, work = self.form.prepare(self.client, source, watched, work)
        if work.glossary is not None:
            sample, records = take_sample(records)
            work = choose_terms(self.client, source.name, sample, work)
        return records, work

    def _save(self, record: Record, answer: Answer, work: Work) -> Answer:
        """Write a file that goes elsewhere than its JSON."""
        if self.files is None or not isinstance(answer.value, TranslatedDocument):
            return answer
        try:
            with self.files.open_own(record.source, work.label) as stream:
                stream.write(answer.value.document)
        except OSError as error:
            return Answer(None, error, {"error": describe_failure(error)})
        return replace(answer, part={name: value for name, value in answer.part.items() if name != "document"})

    def _steps(self, record: Record) -> int:
        return record.size if self.form.read else 1

    def _judge(self, record: Record, answers: Sequence[Answer], tally: Tally) -> Status:
        """Tell how a record went, and report its first error."""
        error = record.error or next((each.error for each in answers if each.error), None)
        if error is not None:
            tally.fail(error, record.full_name)
            return "failed"
        if all(text.is_blank for text in record.texts):
            return "blank" if record.texts else "kept"
        return "done"

    def _tell(self, record: Record, answers: Sequence[Answer], work: Work) -> None:
        """Say what there is to say of results that have no place for it."""
        if not self.session.is_text or work.fields.names:
            return
        for value in (each.value for each in answers if each.value):
            notices = tuple(notice for notice in value.warnings if notice not in self.told)
            self.session.warn(record.name, notices, source_text_of(value))
            self.told.update(notice for notice in value.warnings if notice.code in TOLD_ONCE)
            if record.number == 0:
                self.session.describe(record.name, value)

    def _show(self, record: Record, answers: Sequence[Answer], work: Work) -> str:
        """Write out a record: as it is with its results, or as an object for each of its texts."""
        if not self.session.jsonl:
            shown = record.finish(answers)
            needs_end = self.form.read is None and self.output.folder is None and shown
            return shown if not needs_end or shown.endswith("\n") else f"{shown}\n"
        # Results say their language themselves.
        failed: JsonReply = {"targetLanguageCode": work.options["to"]} if len(self.works) > 1 else {}
        parts: list[JsonReply] = []
        for text, answer in zip(record.texts, answers, strict=True):
            field: JsonReply = {"field": text.field} if work.fields.marks else {}
            parts.append(field | (failed if answer.error else {}) | answer.part)
        if record.error:
            parts.append(failed | {"error": describe_failure(record.error)})
        return "".join(f"{to_json_line(record.name, part)}\n" for part in parts)


def read_whole(session: Session, sources: Iterable[Input], work: Work) -> Iterator[Record]:
    """Make a record of each input; one that cannot be read has an error instead of a text."""
    for source in sources:
        try:
            content = session.read(source)
        except FAILURES as error:
            yield failed_record(source, error)
            continue

        def finish(answers: Sequence[Answer], text: str = content.text) -> str:
            value = answers[0].value
            return work.render(value, text) if value else ""

        yield Record(
            source=source, number=0, raw=content.text.encode(errors="surrogateescape"), finish=finish,
            texts=(Text(content.text, format=content.format),),
            encoding=content.encoding_of_result(keeps_format=work.keeps_format),
        )  # fmt: skip
