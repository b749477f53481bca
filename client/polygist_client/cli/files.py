"""Files that are sent as they are, such as Word, subtitles and catalogues, and what comes of them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import click

from polygist_client import Client, GlossaryFile, PolygistError, Summary
from polygist_client.cli.answers import Work
from polygist_client.cli.detection import base_of, other_languages, with_terms
from polygist_client.cli.errors import FAILURES, FATAL
from polygist_client.cli.formats import FILE_TITLES, FILE_TYPES, named_file_format
from polygist_client.cli.inputs import Input
from polygist_client.cli.outputs import Output, standard_output
from polygist_client.cli.records import Answer, Record, Text, describe_failure, failed_record
from polygist_client.cli.session import Session
from polygist_client.options import JsonReply

JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})
IN_FLIGHT = 4  # files that are with the server at the same time
# The keywords of texts that files have not.
OF_TEXTS = frozenset({"alternatives", "mime_type"})


def send_file(client: Client, source: Input, document: bytes, work: Work, **options: Any) -> Any:
    """Translate or summarise a file.

    Args:
        client: makes the call.
        source: where it was read.
        document: what is in it.
        work: what to do with it.
        options: more keywords.

    Raises:
        PolygistError: it cannot be done, or the terms of one's own are not for its language.
    """
    chosen = choose_terms_of_file(work)
    format = source.file or named_file_format(source.path)
    # The server tells by the ending as well, and better than this where the content is another.
    is_told = format is not None and named_file_format(source.path) != format
    value = work.call_file(
        client, document, name=source.path.name if source.path else source.name,
        mime_type=FILE_TYPES[format] if format and is_told else None, charset=source.charset or None,
        **{name: value for name, value in chosen.options.items() if name not in OF_TEXTS}, **work.file_options,
        **options,
    )  # fmt: skip
    if work.glossary and not work.options.get("source"):
        check_terms(work.glossary, value.source, work.options["to"])
    return value


def choose_terms_of_file(work: Work) -> Work:
    """Choose the terms for a file, whose language the server tells: those of the glossary's one other language."""
    if work.glossary is None:
        return work
    return with_terms(work, work.options.get("source") or other_languages(work.glossary, work.options["to"])[0])


def check_terms(glossary: GlossaryFile, source: str, to: str) -> None:
    """Raise InvalidInput where a file was in another language than the terms that it was sent with."""
    is_other = source != "und" and base_of(source) != base_of(to)
    if is_other and glossary.column_of(source) is None:
        glossary.terms(source, to)


class FileExchange:
    """Files on their way to the server and back, a few at the same time, as `Exchange` has it of records.

    Args:
        work: what to do with them.
        take: is given each record with its answer, in the order in which they were read.
        as_json: whether the answers have their replies as JSON.
    """

    def __init__(self, work: Work, take: Callable[[Record, Sequence[Answer]], None], *, as_json: bool) -> None:
        self._work = work
        self._take = take
        self._as_json = as_json

    def run(self, client: Client, records: Iterable[Record]) -> None:
        """Send all files and take what comes of each; raises CallFailed for what concerns all of them."""
        pool = ThreadPoolExecutor(IN_FLIGHT)
        pending: deque[tuple[Record, Future[list[Answer]]]] = deque()
        try:
            for record in chain(records, repeat(None, IN_FLIGHT)):
                if record is not None:
                    pending.append((record, pool.submit(self._send, client, record)))
                if pending and (record is None or len(pending) == IN_FLIGHT):
                    sent, answers = pending.popleft()
                    self._take(sent, answers.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _send(self, client: Client, record: Record) -> list[Answer]:
        if record.error:
            return []
        replies: list[JsonReply] = []
        on_reply = replies.append if self._as_json else None
        try:
            value = send_file(client, record.source, record.raw, self._work, on_reply=on_reply)
        except FATAL:
            raise
        except PolygistError as error:
            return [Answer(None, error, {"error": describe_failure(error)})]
        return [Answer(value, None, self._work.file_result(replies[0]) if replies else {})]


def read_files(sources: Iterable[Input], work: Work) -> Iterator[Record]:
    """Make a record of each file; one that cannot be read has an error."""
    for source in sources:
        try:
            document = source.read_bytes()
        except FAILURES as error:
            yield failed_record(source, error)
            continue

        def finish(answers: Sequence[Answer]) -> str:
            value = answers[0].value
            return work.render(value, value.source_text) if isinstance(value, Summary) else ""

        yield Record(source=source, number=0, raw=document, finish=finish, texts=(Text("", is_file=True),))


def split_output(
    session: Session, sources: Sequence[Input], output: Output, *, works: int
) -> tuple[Output, Output | None]:
    """Return where results go and, where those are JSON and files go elsewhere, where these go; None where not.

    JSON has what is in a file, unless ``-o`` says where the file goes: then JSON is printed without it.

    Args:
        session: says whether JSON is wanted.
        sources: all that is read.
        output: what ``-o`` says.
        works: how many results each of them has.

    Raises:
        UsageError: what is JSON would go to a folder, or several files to one.
    """
    texts = [source.name for source in sources if not source.file]
    if session.is_text or output == Output():
        return output, None
    if len(texts) == len(sources):
        check_folder_of_json(output)
        return output, None
    if texts:
        raise click.UsageError(f"with --json or --jsonl, -o is for files, and {texts[0]} is a text; leave -o out")
    if output.file and len(sources) * works > 1:
        raise click.UsageError("several files come of this: give -o DIR/ for one each, or leave -o out")
    if output.file and output.file.suffix.lower() in JSON_SUFFIXES:
        raise click.UsageError(f"-o {output.file} would be the file itself, and not its JSON; give -o another name")
    return Output(), output


def check_folder_of_json(output: Output) -> None:
    """Raise UsageError where what is one stream of JSON would go to a folder."""
    if output.folder:
        raise click.UsageError("--json and --jsonl write one stream; give -o FILE instead of a folder")


def check_files(
    session: Session,
    sources: Sequence[Input],
    output: Output,
    *,
    refused: Mapping[str, object],
    shows_more: Mapping[str, object] | None = None,
    is_written: bool = True,
) -> None:
    """Raise UsageError where files are asked for what they cannot have.

    Args:
        session: says whether JSON is wanted.
        sources: all that is read.
        output: where results go.
        refused: flags that are not for files, and whether each was given.
        shows_more: flags that ask for what only JSON has room for, and whether each was given.
        is_written: whether files come of files, not texts.
    """
    files = [source for source in sources if source.file]
    for source in files[:1]:
        assert source.file
        what = f"{source.name} is {FILE_TITLES[source.file]}"
        if flag := next((flag for flag, is_given in refused.items() if is_given), ""):
            raise click.UsageError(f"{flag} is for texts, and {what}; leave it out")
        flag = next((flag for flag, is_given in (shows_more or {}).items() if is_given), "")
        if flag and session.is_text:
            raise click.UsageError(f"{what}, which has no room for {flag}; add --json or --jsonl")
    is_shown = is_written and session.is_text and output == Output() and standard_output().isatty()
    if is_written and output.file and not output.is_stream and len(files) == 1:
        tell_of_ending(session, files[0], output.file)
    if is_shown and any(source.file == "docx" for source in files):
        raise click.UsageError(f"{files[0].name}: Word is nothing for a terminal; give -o FILE or -o DIR/")


def tell_of_ending(session: Session, source: Input, output: Path) -> None:
    """Say that a file goes to one whose name says that it is another kind."""
    assert source.file
    named = named_file_format(output)
    if output.suffix and named != source.file and (named or source.file == "docx"):
        session.note(f"{output}: will be {FILE_TITLES[source.file]}, as {source.name} is; its name says another kind")


def check_glossary(session: Session, works: Sequence[Work], sources: Sequence[Input]) -> None:
    """Raise what speaks against a glossary before any work; warn of terms that stand in it twice.

    Raises:
        InvalidInput: it has no terms to the language of a work, or none from that which was said.
        UsageError: it has terms from several, and the language of a file, which only the server tells, was not said.
    """
    file = next((source.name for source in sources if source.file), "")
    for work in works:
        if (glossary := work.glossary) is None:
            continue
        to, source = work.options["to"], work.options.get("source")
        others = [source] if source else other_languages(glossary, to)
        if len(others) == 1:
            is_same = base_of(others[0]) == base_of(to)
            for term in () if is_same else glossary.repeated(others[0], to):
                session.say(f"warning: {glossary.name}: {term!r} stands in several rows; the first one counts")
        elif file:
            have = f"{glossary.name} has terms to {to} from {', '.join(others)}"
            raise click.UsageError(f"{have}: say --from LANG, as only the server can tell the language of {file}")
