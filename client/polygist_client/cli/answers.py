"""Records on their way to the server and back: their texts are sent as items of one call, of which some may fail."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from polygist_client import Client, GlossaryFile, Item, PolygistError
from polygist_client.cli.formats import MIME_TYPES, Format
from polygist_client.cli.records import Answer, Fields, Record, describe_failure
from polygist_client.options import JsonReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What to do with texts.

    Attributes:
        call: the method of `Client` for several texts in one request.
        call_many: the method of `Client` for any number of texts.
        call_stream: the method of `Client` that gives a result as it comes.
        call_file: the method of `Client` for a file.
        options: keywords for all of them.
        file_options: keywords for files alone.
        label: part of the names of files with its results, such as "pt".
        result: name of a result in the reply to one of many.
        results: name of the list of results in the reply.
        file_result: makes an object as for a text out of the reply for a file.
        render: lays a result out for people: result, source text, to text.
        blank: the result for a text that has nothing in it, and the same as JSON.
        keeps_format: whether the result for a document is a document of its kind, not plain text.
        fields: where texts and results are in a record.
        glossary: terms of one's own, which are chosen by the language of each input; None where there are none.
    """

    call: Callable[..., Any]
    call_many: Callable[..., Generator[Any, None, None]]
    call_stream: Callable[..., Generator[Any, None, None]]
    call_file: Callable[..., Any]
    options: Mapping[str, Any]
    file_options: Mapping[str, Any]
    label: str
    result: str
    results: str
    file_result: Callable[[JsonReply], JsonReply]
    render: Callable[[Any, str], str]
    blank: Callable[[str], tuple[Any, JsonReply]]
    keeps_format: bool
    fields: Fields
    glossary: GlossaryFile | None = None

    def with_options(self, **options: Any) -> "Work":
        """Return the same with more keywords."""
        return replace(self, options={**self.options, **options})

    def options_for(self, format: Format) -> Mapping[str, Any]:
        """Return the keywords for texts that are all of one format."""
        return self.options if format == "text" else {**self.options, "mime_type": MIME_TYPES[format]}


@dataclass(slots=True)
class Waiting:
    """A record whose texts are not all answered.

    Attributes:
        record: the record.
        answers: those that are there, in the places of their texts.
        missing: how many are not.
    """

    record: Record
    answers: list[Answer | None]
    missing: int


class Exchange:
    """Records whose texts are with the server, and what takes each when it is answered.

    Args:
        work: what to do with the texts.
        take: is given each record with the answers to all its texts.
        ordered: whether it is given them in the order in which they were read.
        as_json: whether the answers have their parts of the reply as JSON, which takes its time.
    """

    def __init__(
        self, work: Work, take: Callable[[Record, Sequence[Answer]], None], *, ordered: bool, as_json: bool
    ) -> None:
        self._work = work
        self._take = take
        self._ordered = ordered
        self._as_json = as_json
        self._queue: deque[Waiting] = deque()
        self._places: dict[int, tuple[Waiting, int]] = {}
        self._sent = 0

    def run(self, client: Client, records: Iterable[Record]) -> None:
        """Send all records and take what comes of them; memory holds only what is under way.

        Raises:
            CallFailed: what concerns all of them; those that are answered have been taken.
        """
        replies: list[JsonReply] = []
        values = self._work.call_many(
            client, self._items(records), ordered=self._ordered, on_error="return", **self._work.options,
            on_reply=replies.append if self._as_json else None,
        )  # fmt: skip
        with closing(values):
            for value in values:
                # The reply comes just before its result; of what the client itself finds there is none.
                part = replies.pop().get(self._work.result, {}) if replies else {}
                self._answer(value, part)
                replies.clear()

    def fail(self, records: Iterable[Record], error: PolygistError) -> None:
        """Give all that is not answered, and the records that are left, this error."""
        failed = Answer(None, error, {"error": describe_failure(error)})
        left = {id(waiting): waiting for waiting, _ in self._places.values()}
        for waiting in left.values():
            waiting.answers = [each or failed for each in waiting.answers]
            waiting.missing = 0
            self._settle(waiting)
        for record in records:
            self._take(record, [failed] * len(record.texts))

    def _items(self, records: Iterable[Record]) -> Iterator[Item]:
        for record in records:
            answers = [Answer(*self._blank(text.text)) if text.is_blank else None for text in record.texts]
            waiting = Waiting(record, answers, answers.count(None))
            is_whole = waiting.missing == 0
            if self._ordered:
                self._queue.append(waiting)
            for place, text in enumerate(record.texts):
                if answers[place] is None:
                    self._places[self._sent] = waiting, place
                    self._sent += 1
                    yield Item(text.text, mime_type=None if text.format == "text" else MIME_TYPES[text.format])
            if is_whole:
                self._settle(waiting)

    def _blank(self, text: str) -> tuple[Any, None, JsonReply]:
        value, part = self._work.blank(text)
        return value, None, part

    def _answer(self, value: Any, part: JsonReply) -> None:
        waiting, place = self._places.pop(value.index)
        if isinstance(value, PolygistError):
            waiting.answers[place] = Answer(None, value, {"error": describe_failure(value)})
        else:
            waiting.answers[place] = Answer(value, None, part)
        waiting.missing -= 1
        if waiting.missing == 0:
            self._settle(waiting)

    def _settle(self, waiting: Waiting) -> None:
        if not self._ordered:
            self._take(waiting.record, [each for each in waiting.answers if each is not None])
            return
        while self._queue and self._queue[0].missing == 0:
            first = self._queue.popleft()
            self._take(first.record, [each for each in first.answers if each is not None])
