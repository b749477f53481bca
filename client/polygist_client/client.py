"""The blocking client."""

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar, Unpack, overload

import grpc
from google.protobuf.message import Message

from polygist_client import batches, calls, documents, options, results
from polygist_client.addresses import DEFAULT_TARGET
from polygist_client.api_keys import ApiKeyCheck
from polygist_client.blocking import BatchPool, BulkThread
from polygist_client.bulk import Bulk
from polygist_client.calls import Call
from polygist_client.channels import check_process, make_stub, open_channels
from polygist_client.connection import Connection, ConnectionOptions, connect_to
from polygist_client.error_mapping import own_errors, to_item_error
from polygist_client.errors import CallFailed, PermissionDenied, PolygistError, Unimplemented
from polygist_client.items import ItemLimits, ItemReader, check_items, parse_in_flight, parse_limits
from polygist_client.options import Texts
from polygist_client.retries import Attempts, Retries
from polygist_client.streams import StreamPosition
from polygist_client.tracing import begin_span, ending, within

ReplyT = TypeVar("ReplyT", bound=Message)
AnswerT = TypeVar("AnswerT")


class Client:
    """Talks to a polygist server; safe to share between threads, to be closed or used in a ``with`` block.

    Every call raises a subclass of `CallFailed` where it fails and `InvalidInput` where there is nothing to send.

    Args:
        target: ``HOST:PORT``, ``http://HOST:PORT``, ``https://HOST:PORT`` for TLS, ``unix:PATH`` or ``dns:HOST:PORT``;
            a port that is left out is 50051. Calls go round all addresses of a name, and those of
            ``ipv4:IP:PORT,IP:PORT…``.
        options: see `ConnectionOptions`.
    """

    def __init__(self, target: str = DEFAULT_TARGET, **options: Unpack[ConnectionOptions]) -> None:
        self._connection = connect_to(target, **options)
        self._channels = open_channels(grpc, self._connection)
        self._retries = Retries(self._connection)
        self._api_key = ApiKeyCheck(self._connection)
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections, and the calls that still use them."""
        self._is_closed = True
        for channel in self._channels.values():
            channel.close()

    @overload
    def translate(self, text: str, *, to: str, **options: Unpack[options.TranslateOptions]) -> results.Translation: ...
    @overload
    def translate(
        self, text: Texts, *, to: str, **options: Unpack[options.TranslateOptions]
    ) -> list[results.Translation]: ...
    def translate(
        self, text: str | Texts, *, to: str, **options: Unpack[options.TranslateOptions]
    ) -> results.Translation | list[results.Translation]:
        """Translate one text, or several in one request.

        Args:
            text: a text, or up to 1,024 of them; for more there is `translate_many`.
            to: language to translate to (BCP-47), such as "pt".
            options: see `TranslateOptions`.
        """
        return self._answer(calls.translate(text, to=to, **options))

    @overload
    def translate_many(
        self,
        items: Iterable[str | options.Item],
        *,
        to: str,
        ordered: bool = True,
        on_error: Literal["raise"] = "raise",
        **options: Unpack[options.TranslateOptions],
    ) -> Generator[results.Translation, None, None]: ...
    @overload
    def translate_many(
        self,
        items: Iterable[str | options.Item],
        *,
        to: str,
        ordered: bool = True,
        on_error: Literal["return"],
        **options: Unpack[options.TranslateOptions],
    ) -> Generator[results.Translation | PolygistError, None, None]: ...
    def translate_many(
        self,
        items: Iterable[str | options.Item],
        *,
        to: str,
        ordered: bool = True,
        on_error: Literal["raise", "return"] = "raise",
        **options: Unpack[options.TranslateOptions],
    ) -> Generator[Any, None, None]:
        """Translate any number of texts, as they are read: memory is bounded.

        Each result has the `index` of its item, and its `id` if that has one; so has the error of an item. Closing the
        iterator ends the work.

        Items are read by the caller's own thread, between two results: one that is there is yielded when the iterable
        has given its next item. Where that item waits for the result itself, take `AsyncClient`, which does both at
        once. What the iterable raises is raised after the answers to what it gave before.

        Args:
            items: texts, or `Item` where one has an id or a language of its own; read as the results are taken, some
                hundred ahead.
            to: language to translate to.
            ordered: whether results come in the order of the items, or as soon as they are there.
            on_error: "raise" ends at the first item that fails; "return" yields its error in its place and goes on.
                What concerns all items is raised in both cases.
            options: see `TranslateOptions`; `timeout` is for one answer to come after another.
        """
        check_items(items)
        reading = calls.read_translations(options, on_error=on_error)
        return self._send_items(calls.batch_translate(to=to, **options), items, reading, ordered=ordered)

    def translate_document(
        self, document: options.Document, *, to: str, **options: Unpack[options.TranslateDocumentOptions]
    ) -> results.TranslatedDocument:
        """Translate a file: Word, subtitles, a catalogue of messages (PO), a page, Markdown, plain text.

        The same kind of file comes back, in which only words have changed, and what goes with them.

        Args:
            document: its path, or what is in it; up to 12 MiB.
            to: language to translate to.
            options: see `TranslateDocumentOptions`.
        """
        return self._answer(documents.translate_document(document, to=to, **options))

    @overload
    def summarise(self, text: str, **options: Unpack[options.SummariseOptions]) -> results.Summary: ...
    @overload
    def summarise(self, text: Texts, **options: Unpack[options.SummariseOptions]) -> list[results.Summary]: ...
    def summarise(
        self, text: str | Texts, **options: Unpack[options.SummariseOptions]
    ) -> results.Summary | list[results.Summary]:
        """Summarise one article, or several, each on its own, in one request.

        Args:
            text: an article, or up to 32 of them.
            options: see `SummariseOptions`.
        """
        return self._answer(calls.summarise(text, **options))

    @overload
    def summarise_many(
        self,
        items: Iterable[str | options.Item],
        *,
        ordered: bool = True,
        on_error: Literal["raise"] = "raise",
        in_flight: int = batches.IN_FLIGHT,
        **options: Unpack[options.SummariseOptions],
    ) -> Generator[results.Summary, None, None]: ...
    @overload
    def summarise_many(
        self,
        items: Iterable[str | options.Item],
        *,
        ordered: bool = True,
        on_error: Literal["return"],
        in_flight: int = batches.IN_FLIGHT,
        **options: Unpack[options.SummariseOptions],
    ) -> Generator[results.Summary | PolygistError, None, None]: ...
    def summarise_many(
        self,
        items: Iterable[str | options.Item],
        *,
        ordered: bool = True,
        on_error: Literal["raise", "return"] = "raise",
        in_flight: int = batches.IN_FLIGHT,
        **options: Unpack[options.SummariseOptions],
    ) -> Generator[Any, None, None]:
        """Summarise any number of articles, each on its own, as `translate_many` translates texts.

        They travel in requests of several, which are sent when they are full or the items end; the articles of one that
        fails are sent singly.

        Args:
            items: articles, or `Item` where one has an id or a language of its own; read as the results are taken, a
                few requests ahead.
            ordered: as for `translate_many`.
            on_error: as for `translate_many`.
            in_flight: how many requests are under way at the same time.
            options: see `SummariseOptions`; `timeout` is for one request.
        """
        check_items(items)
        reading = calls.read_summaries(options, on_error=on_error)
        calls.summarise([], **options)
        return self._send_batches(
            items,
            lambda batch: calls.summarise_batch(batch, **options),
            reading,
            ordered=ordered,
            in_flight=parse_in_flight(in_flight),
        )

    def summarise_document(
        self, document: options.Document, **options: Unpack[options.SummariseDocumentOptions]
    ) -> results.Summary:
        """Summarise a file of any kind that `translate_document` takes, as one article.

        Args:
            document: its path, or what is in it; up to 12 MiB.
            options: see `SummariseDocumentOptions`.
        """
        return self._answer(documents.summarise_document(document, **options))

    def stream_translate(
        self, text: str | Texts, *, to: str, **options: Unpack[options.TranslateOptions]
    ) -> Generator[results.Progress | results.Delta | results.Finished[results.Translation], None, None]:
        """Translate as `translate` does, and yield what there is of it as it comes: texts one after the other.

        What breaks between two texts goes on with the next one; inside of one it is `StreamBroken`. Closing the
        iterator cancels the call.

        Args:
            text: a text, or up to 1,024 of them.
            to: language to translate to.
            options: see `TranslateOptions`.
        """
        return self._read_stream(calls.stream_translate(text, to=to, **options))

    def stream_summarise(
        self, text: str | Texts, **options: Unpack[options.SummariseOptions]
    ) -> Generator[results.Progress | results.Delta | results.Finished[results.Summary], None, None]:
        """Summarise as `summarise` does, and yield what there is of it as it comes, as `stream_translate` does.

        Args:
            text: an article, or up to 32 of them.
            options: see `SummariseOptions`.
        """
        return self._read_stream(calls.stream_summarise(text, **options))

    @overload
    def detect_language(self, text: str, **options: Unpack[options.DetectOptions]) -> results.Detection: ...
    @overload
    def detect_language(self, text: Texts, **options: Unpack[options.DetectOptions]) -> list[results.Detection]: ...
    def detect_language(
        self, text: str | Texts, **options: Unpack[options.DetectOptions]
    ) -> results.Detection | list[results.Detection]:
        """Tell the language of one text, or of several in one request; see `DetectOptions`."""
        return self._answer(calls.detect_language(text, **options))

    @overload
    def count_tokens(self, text: str, *, model: str, **options: Unpack[options.TokenOptions]) -> results.TokenCount: ...
    @overload
    def count_tokens(
        self, text: Texts, *, model: str, **options: Unpack[options.TokenOptions]
    ) -> list[results.TokenCount]: ...
    def count_tokens(
        self, text: str | Texts, *, model: str, **options: Unpack[options.TokenOptions]
    ) -> results.TokenCount | list[results.TokenCount]:
        """Count the tokens that `model` sees in one text, or in several in one request."""
        return self._answer(calls.count_tokens(text, model=model, **options))

    def list_models(self, **options: Unpack[options.ListOptions]) -> list[results.Model]:
        """List all models of the server, or those for one task."""
        return self._answer(calls.list_models(**options))

    def get_model(self, name: str, **options: Unpack[options.CallOptions]) -> results.Model:
        """Describe one model; ``models/`` may be left out of its name. Raises ModelNotFound."""
        return self._answer(calls.get_model(name, **options))

    def list_languages(self, **options: Unpack[options.LanguageOptions]) -> list[results.Language]:
        """List all languages of the server, or those of one task."""
        return self._answer(calls.list_languages(**options))

    def list_glossaries(self, **options: Unpack[options.CallOptions]) -> list[results.Glossary]:
        """List the glossaries that the operator has mounted."""
        return self._answer(calls.list_glossaries(**options))

    def server_info(self, **options: Unpack[options.CallOptions]) -> results.ServerInfo:
        """Tell version, limits and load of the server."""
        return self._answer(calls.server_info(**options))

    def load_model(self, name: str, **options: Unpack[options.CallOptions]) -> results.Model:
        """Load a model, or one that is loaded anew; at the administrators' address, as the two below."""
        return self._answer(calls.load_model(name, **options))

    def unload_model(self, name: str, **options: Unpack[options.CallOptions]) -> results.Model:
        """Unload a model after the calls that use it; its next use loads it again."""
        return self._answer(calls.unload_model(name, **options))

    def reload_configuration(self, **options: Unpack[options.CallOptions]) -> list[str]:
        """Let the server look at its models again; returns the names of those that changed."""
        return self._answer(calls.reload_configuration(**options))

    def health(self, service: str = "", **options: Unpack[options.CallOptions]) -> results.Health:
        """Tell how the server is, or one service of it such as "polygist.v1.TranslationService"; raises NotFound."""
        return self._answer(calls.health(service, **options))

    def send(self, call: Call[ReplyT, Any]) -> ReplyT:
        """Make a call of `polygist_client.calls` and return the reply as it came, all its pages in one."""
        whole = self._start(call).result()
        while following := call.next_page(whole):
            calls.add_page(whole, self._start(following).result())
        return whole

    def send_stream(self, call: Call[ReplyT, Any]) -> Generator[ReplyT, None, None]:
        """Make a call whose reply comes in parts, and yield these; closing the iterator cancels the call.

        Raises:
            StreamBroken: the connection went inside a content; between two of them the call goes on.
        """
        attempts = self._retries.begin(call, time.monotonic())
        position = StreamPosition(call)
        with ending(attempts.span):
            while True:
                try:
                    with own_errors(call, self._connection, attempts.request_id):
                        stub = self._stub(call, "unary_stream")
                        with within(attempts.span):
                            parts = stub(position.begin().request, **attempts.keywords(time.monotonic()))
                        try:
                            for part in parts:
                                attempts.progress()
                                yield position.follow(part)
                            self._api_key.read(parts.trailing_metadata() if self._api_key.is_open else ())
                        finally:
                            parts.cancel()
                    return
                except CallFailed as error:
                    if position.is_whole:
                        return
                    time.sleep(position.delay_after(error, attempts, time.monotonic()))

    def _answer(self, call: Call[Any, AnswerT]) -> AnswerT:
        return call.read(self.send(call))

    def _read_stream(self, call: Call[Any, Iterable[Any]]) -> Generator[Any, None, None]:
        with closing(self.send_stream(call)) as parts:
            for part in parts:
                yield from call.read(part)

    def _send_items(
        self, call: Call[Any, Any], items: Iterable[Any], reading: batches.Reading, *, ordered: bool
    ) -> Generator[Any, None, None]:
        request_id, limits = call.request_id(), self._limits()
        span = begin_span(call, request_id)
        headers = span.headers if span else ()
        keywords = self._connection.keywords(call, request_id, timeout=None, headers=headers)

        def open_stream(messages: Iterator[Any]) -> Any:
            with within(span):
                return self._stub(call, "stream_stream")(messages, **keywords)

        worker = BulkThread(
            start_bulk(call, self._connection, limits, request_id, ordered=ordered),
            call.request,
            open_stream,
            lambda: own_errors(call, self._connection, request_id),
        )
        with ending(span), closing(worker.run(items, ItemReader(limits))) as answers:
            for answer in answers:
                if answer.message is not None:
                    self._retries.answered.add(call.needs_healthy_server)
                yield reading.read(answer)

    def _send_batches(
        self,
        items: Iterable[Any],
        make_call: Callable[[batches.Batch], Call[Any, Any]],
        reading: batches.Reading,
        *,
        ordered: bool,
        in_flight: int = batches.IN_FLIGHT,
    ) -> Generator[Any, None, None]:
        pool = BatchPool(lambda call: self._start(call, is_patient=True), make_call, in_flight)
        batcher = batches.Batcher(self._limits())
        with closing(pool.run(items, batcher, ordered=ordered)) as answers:
            for answer in answers:
                yield reading.read(answer)

    def _limits(self) -> ItemLimits:
        try:
            return parse_limits(self.server_info().limits)
        except (Unimplemented, PermissionDenied):  # an older server, or a key that is for work only
            return parse_limits({})

    def _start(self, call: Call[ReplyT, AnswerT], *, is_patient: bool = False) -> "PendingCall[ReplyT, AnswerT]":
        attempts = self._retries.begin(call, time.monotonic(), is_patient=is_patient)

        def start() -> Any:
            stub = self._stub(call, "unary_unary")
            with within(attempts.span):
                return stub.future(call.request, **attempts.keywords(time.monotonic()))

        return PendingCall(call, start, attempts, self._api_key)

    def _stub(self, call: Call[Any, Any], kind: str) -> Any:
        if self._is_closed:
            raise RuntimeError("this client is closed; make another")
        check_process()
        return make_stub(self._channels, call, kind)


class PendingCall(Generic[ReplyT, AnswerT]):
    """A call of the blocking client on its way."""

    def __init__(
        self, call: Call[ReplyT, AnswerT], start: Callable[[], Any], attempts: Attempts, api_key: ApiKeyCheck
    ) -> None:
        self.call = call
        self._start = start
        self._attempts = attempts
        self._api_key = api_key
        self._is_cancelled = threading.Event()
        self._future = start()

    def result(self) -> ReplyT:
        """Wait for the reply, and where it fails perhaps for that of another attempt; raises CallFailed."""
        with ending(self._attempts.span):
            while True:
                try:
                    with own_errors(self.call, self._attempts.connection, self._attempts.request_id):
                        reply: ReplyT = self._future.result()
                except CallFailed as error:
                    if self._is_cancelled.wait(self._attempts.delay_after(error, time.monotonic())):
                        raise
                    self._future = self._start()
                else:
                    self._attempts.succeed()
                    self._api_key.read(self._future.trailing_metadata() if self._api_key.is_open else ())
                    return reply

    def cancel(self) -> None:
        """Give the call up, and what would be attempted after it."""
        self._is_cancelled.set()
        self._future.cancel()


def start_bulk(
    call: Call[Any, Any], connection: Connection, limits: ItemLimits, request_id: str, *, ordered: bool
) -> Bulk:
    """Make the state of a bulk translation, which `call` begins."""
    return Bulk(
        characters=limits.characters,
        ordered=ordered,
        seconds=lambda characters: connection.seconds_for(call, characters),
        reconnect_timeout=connection.reconnect_timeout,
        read_error=lambda reply: to_item_error(reply, request_id=request_id),
    )
