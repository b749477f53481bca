"""The asynchronous client: the blocking one with ``await``."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack, overload

from google.protobuf.message import Message

from polygist_client import batches, calls, documents, options, results
from polygist_client.addresses import DEFAULT_TARGET
from polygist_client.api_keys import ApiKeyCheck
from polygist_client.awaited import AsyncBatchPool, BulkTasks
from polygist_client.calls import Call
from polygist_client.channels import LoopChannels, make_stub
from polygist_client.client import start_bulk
from polygist_client.connection import ConnectionOptions, connect_to
from polygist_client.error_mapping import own_errors
from polygist_client.errors import CallFailed, PermissionDenied, PolygistError, Unimplemented
from polygist_client.items import ItemLimits, ItemReader, check_items, parse_in_flight, parse_limits
from polygist_client.options import Texts
from polygist_client.retries import Retries
from polygist_client.streams import StreamPosition
from polygist_client.tracing import begin_span, ending, within

CLOSED = "this client is closed; make another"
Items = Iterable[str | options.Item] | AsyncIterable[str | options.Item]

ReplyT = TypeVar("ReplyT", bound=Message)
AnswerT = TypeVar("AnswerT")


class AsyncClient:
    """Talks to a polygist server; to be closed or used in an ``async with`` block.

    It may be made anywhere, at the top of a module too, and used in several event loops, one after the other or at the
    same time: each has connections of its own, opened by the first call there.

    Every call raises a subclass of `CallFailed` where it fails and `InvalidInput` where there is nothing to send.

    Args:
        target: ``HOST:PORT``, ``http://HOST:PORT``, ``https://HOST:PORT`` for TLS, ``unix:PATH`` or ``dns:HOST:PORT``;
            a port that is left out is 50051. Calls go round all addresses of a name, and those of
            ``ipv4:IP:PORT,IP:PORT…``.
        options: see `ConnectionOptions`.
    """

    def __init__(self, target: str = DEFAULT_TARGET, **options: Unpack[ConnectionOptions]) -> None:
        self._connection = connect_to(target, **options)
        self._channels = LoopChannels(self._connection)
        self._retries = Retries(self._connection)
        self._api_key = ApiKeyCheck(self._connection)
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connections, and the calls that still use them."""
        self._is_closed = True
        await self._channels.close()

    @overload
    async def translate(
        self, text: str, *, to: str, **options: Unpack[options.TranslateOptions]
    ) -> results.Translation: ...
    @overload
    async def translate(
        self, text: Texts, *, to: str, **options: Unpack[options.TranslateOptions]
    ) -> list[results.Translation]: ...
    async def translate(
        self, text: str | Texts, *, to: str, **options: Unpack[options.TranslateOptions]
    ) -> results.Translation | list[results.Translation]:
        """Translate one text, or several in one request.

        Args:
            text: a text, or up to 1,024 of them; for more there is `translate_many`.
            to: language to translate to (BCP-47), such as "pt".
            options: see `TranslateOptions`.
        """
        return await self._answer(calls.translate(text, to=to, **options))

    @overload
    def translate_many(
        self,
        items: Items,
        *,
        to: str,
        ordered: bool = True,
        on_error: Literal["raise"] = "raise",
        **options: Unpack[options.TranslateOptions],
    ) -> AsyncGenerator[results.Translation, None]: ...
    @overload
    def translate_many(
        self,
        items: Items,
        *,
        to: str,
        ordered: bool = True,
        on_error: Literal["return"],
        **options: Unpack[options.TranslateOptions],
    ) -> AsyncGenerator[results.Translation | PolygistError, None]: ...
    def translate_many(
        self,
        items: Items,
        *,
        to: str,
        ordered: bool = True,
        on_error: Literal["raise", "return"] = "raise",
        **options: Unpack[options.TranslateOptions],
    ) -> AsyncGenerator[Any, None]:
        """Translate any number of texts, as they are read: memory is bounded.

        Each result has the `index` of its item, and its `id` if that has one; so has the error of an item. Closing the
        iterator, as with ``contextlib.aclosing``, ends the work. What the iterable raises is raised after the answers
        to what it gave before.

        Args:
            items: texts, or `Item` where one has an id or a language of its own; read as the results are taken, some
                hundred ahead.
            to: language to translate to.
            ordered: whether results come in the order of the items, or as soon as they are there.
            on_error: "raise" ends at the first item that fails; "return" yields its error in its place and goes on.
                What concerns all items is raised in both cases.
            options: see `TranslateOptions`; `timeout` is for one answer to come after another.
        """
        check_items(items, awaited=True)
        reading = calls.read_translations(options, on_error=on_error)
        return self._send_items(calls.batch_translate(to=to, **options), items, reading, ordered=ordered)

    async def translate_document(
        self, document: options.Document, *, to: str, **options: Unpack[options.TranslateDocumentOptions]
    ) -> results.TranslatedDocument:
        """Translate a file: Word, subtitles, a catalogue of messages (PO), a page, Markdown, plain text.

        The same kind of file comes back, in which only words have changed, and what goes with them.

        Args:
            document: its path, or what is in it; up to 12 MiB.
            to: language to translate to.
            options: see `TranslateDocumentOptions`.
        """
        call = await asyncio.to_thread(documents.translate_document, document, to=to, **options)
        return await self._answer(call)

    @overload
    async def summarise(self, text: str, **options: Unpack[options.SummariseOptions]) -> results.Summary: ...
    @overload
    async def summarise(self, text: Texts, **options: Unpack[options.SummariseOptions]) -> list[results.Summary]: ...
    async def summarise(
        self, text: str | Texts, **options: Unpack[options.SummariseOptions]
    ) -> results.Summary | list[results.Summary]:
        """Summarise one article, or several, each on its own, in one request.

        Args:
            text: an article, or up to 32 of them.
            options: see `SummariseOptions`.
        """
        return await self._answer(calls.summarise(text, **options))

    @overload
    def summarise_many(
        self,
        items: Items,
        *,
        ordered: bool = True,
        on_error: Literal["raise"] = "raise",
        in_flight: int = batches.IN_FLIGHT,
        **options: Unpack[options.SummariseOptions],
    ) -> AsyncGenerator[results.Summary, None]: ...
    @overload
    def summarise_many(
        self,
        items: Items,
        *,
        ordered: bool = True,
        on_error: Literal["return"],
        in_flight: int = batches.IN_FLIGHT,
        **options: Unpack[options.SummariseOptions],
    ) -> AsyncGenerator[results.Summary | PolygistError, None]: ...
    def summarise_many(
        self,
        items: Items,
        *,
        ordered: bool = True,
        on_error: Literal["raise", "return"] = "raise",
        in_flight: int = batches.IN_FLIGHT,
        **options: Unpack[options.SummariseOptions],
    ) -> AsyncGenerator[Any, None]:
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
        check_items(items, awaited=True)
        reading = calls.read_summaries(options, on_error=on_error)
        calls.summarise([], **options)
        return self._send_batches(
            items,
            lambda batch: calls.summarise_batch(batch, **options),
            reading,
            ordered=ordered,
            in_flight=parse_in_flight(in_flight),
        )

    async def summarise_document(
        self, document: options.Document, **options: Unpack[options.SummariseDocumentOptions]
    ) -> results.Summary:
        """Summarise a file of any kind that `translate_document` takes, as one article.

        Args:
            document: its path, or what is in it; up to 12 MiB.
            options: see `SummariseDocumentOptions`.
        """
        call = await asyncio.to_thread(documents.summarise_document, document, **options)
        return await self._answer(call)

    def stream_translate(
        self, text: str | Texts, *, to: str, **options: Unpack[options.TranslateOptions]
    ) -> AsyncGenerator[results.Progress | results.Delta | results.Finished[results.Translation], None]:
        """Translate as `translate` does, and yield what there is of it as it comes: texts one after the other.

        What breaks between two texts goes on with the next one; inside of one it is `StreamBroken`. Closing the
        iterator, as with ``contextlib.aclosing``, cancels the call.

        Args:
            text: a text, or up to 1,024 of them.
            to: language to translate to.
            options: see `TranslateOptions`.
        """
        return self._read_stream(calls.stream_translate(text, to=to, **options))

    def stream_summarise(
        self, text: str | Texts, **options: Unpack[options.SummariseOptions]
    ) -> AsyncGenerator[results.Progress | results.Delta | results.Finished[results.Summary], None]:
        """Summarise as `summarise` does, and yield what there is of it as it comes, as `stream_translate` does.

        Args:
            text: an article, or up to 32 of them.
            options: see `SummariseOptions`.
        """
        return self._read_stream(calls.stream_summarise(text, **options))

    @overload
    async def detect_language(self, text: str, **options: Unpack[options.DetectOptions]) -> results.Detection: ...
    @overload
    async def detect_language(
        self, text: Texts, **options: Unpack[options.DetectOptions]
    ) -> list[results.Detection]: ...
    async def detect_language(
        self, text: str | Texts, **options: Unpack[options.DetectOptions]
    ) -> results.Detection | list[results.Detection]:
        """Tell the language of one text, or of several in one request; see `DetectOptions`."""
        return await self._answer(calls.detect_language(text, **options))

    @overload
    async def count_tokens(
        self, text: str, *, model: str, **options: Unpack[options.TokenOptions]
    ) -> results.TokenCount: ...
    @overload
    async def count_tokens(
        self, text: Texts, *, model: str, **options: Unpack[options.TokenOptions]
    ) -> list[results.TokenCount]: ...
    async def count_tokens(
        self, text: str | Texts, *, model: str, **options: Unpack[options.TokenOptions]
    ) -> results.TokenCount | list[results.TokenCount]:
        """Count the tokens that `model` sees in one text, or in several in one request."""
        return await self._answer(calls.count_tokens(text, model=model, **options))

    async def list_models(self, **options: Unpack[options.ListOptions]) -> list[results.Model]:
        """List all models of the server, or those for one task."""
        return await self._answer(calls.list_models(**options))

    async def get_model(self, name: str, **options: Unpack[options.CallOptions]) -> results.Model:
        """Describe one model; ``models/`` may be left out of its name. Raises ModelNotFound."""
        return await self._answer(calls.get_model(name, **options))

    async def list_languages(self, **options: Unpack[options.LanguageOptions]) -> list[results.Language]:
        """List all languages of the server, or those of one task."""
        return await self._answer(calls.list_languages(**options))

    async def list_glossaries(self, **options: Unpack[options.CallOptions]) -> list[results.Glossary]:
        """List the glossaries that the operator has mounted."""
        return await self._answer(calls.list_glossaries(**options))

    async def server_info(self, **options: Unpack[options.CallOptions]) -> results.ServerInfo:
        """Tell version, limits and load of the server."""
        return await self._answer(calls.server_info(**options))

    async def load_model(self, name: str, **options: Unpack[options.CallOptions]) -> results.Model:
        """Load a model, or one that is loaded anew; at the administrators' address, as the two below."""
        return await self._answer(calls.load_model(name, **options))

    async def unload_model(self, name: str, **options: Unpack[options.CallOptions]) -> results.Model:
        """Unload a model after the calls that use it; its next use loads it again."""
        return await self._answer(calls.unload_model(name, **options))

    async def reload_configuration(self, **options: Unpack[options.CallOptions]) -> list[str]:
        """Let the server look at its models again; returns the names of those that changed."""
        return await self._answer(calls.reload_configuration(**options))

    async def health(self, service: str = "", **options: Unpack[options.CallOptions]) -> results.Health:
        """Tell how the server is, or one service of it such as "polygist.v1.TranslationService"; raises NotFound."""
        return await self._answer(calls.health(service, **options))

    async def send(self, call: Call[ReplyT, Any]) -> ReplyT:
        """Make a call of `polygist_client.calls` and return the reply as it came, all its pages in one."""
        whole = await self._make(call)
        while following := call.next_page(whole):
            calls.add_page(whole, await self._make(following))
        return whole

    async def send_stream(self, call: Call[ReplyT, Any]) -> AsyncGenerator[ReplyT, None]:
        """Make a call whose reply comes in parts, and yield these, as `Client.send_stream` does."""
        attempts = self._retries.begin(call, time.monotonic())
        position = StreamPosition(call)
        with ending(attempts.span):
            while True:
                try:
                    with self._own_errors(call, attempts.request_id):
                        stub = self._stub(call, "unary_stream")
                        with within(attempts.span):
                            parts = stub(position.begin().request, **attempts.keywords(time.monotonic()))
                        try:
                            async for part in parts:
                                attempts.progress()
                                yield position.follow(part)
                            self._api_key.read(await parts.trailing_metadata() if self._api_key.is_open else ())
                        finally:
                            parts.cancel()
                    return
                except CallFailed as error:
                    if position.is_whole:
                        return
                    await asyncio.sleep(position.delay_after(error, attempts, time.monotonic()))

    async def _answer(self, call: Call[Any, AnswerT]) -> AnswerT:
        return call.read(await self.send(call))

    async def _read_stream(self, call: Call[Any, Iterable[Any]]) -> AsyncGenerator[Any, None]:
        async with aclosing(self.send_stream(call)) as parts:
            async for part in parts:
                for event in call.read(part):
                    yield event

    async def _send_items(
        self, call: Call[Any, Any], items: Items, reading: batches.Reading, *, ordered: bool
    ) -> AsyncGenerator[Any, None]:
        request_id, limits = call.request_id(), await self._limits()
        span = begin_span(call, request_id)
        headers = span.headers if span else ()
        keywords = self._connection.keywords(call, request_id, timeout=None, headers=headers)

        def open_stream(messages: AsyncIterator[Any]) -> Any:
            with within(span):
                return self._stub(call, "stream_stream")(messages, **keywords)

        tasks = BulkTasks(
            start_bulk(call, self._connection, limits, request_id, ordered=ordered),
            call.request,
            open_stream,
            lambda: self._own_errors(call, request_id),
        )
        with ending(span):
            async with aclosing(tasks.run(items, ItemReader(limits))) as answers:
                async for answer in answers:
                    if answer.message is not None:
                        self._retries.answered.add(call.needs_healthy_server)
                    yield reading.read(answer)

    async def _send_batches(
        self,
        items: Items,
        make_call: Callable[[batches.Batch], Call[Any, Any]],
        reading: batches.Reading,
        *,
        ordered: bool,
        in_flight: int = batches.IN_FLIGHT,
    ) -> AsyncGenerator[Any, None]:
        pool = AsyncBatchPool(lambda call: self._make(call, is_patient=True), make_call, in_flight)
        batcher = batches.Batcher(await self._limits())
        async with aclosing(pool.run(items, batcher, ordered=ordered)) as answers:
            async for answer in answers:
                yield reading.read(answer)

    async def _limits(self) -> ItemLimits:
        try:
            return parse_limits((await self.server_info()).limits)
        except (Unimplemented, PermissionDenied):  # an older server, or a key that is for work only
            return parse_limits({})

    async def _make(self, call: Call[ReplyT, Any], *, is_patient: bool = False) -> ReplyT:
        """Send one request and wait for its reply, and where it fails perhaps for that of another attempt."""
        attempts = self._retries.begin(call, time.monotonic(), is_patient=is_patient)
        with ending(attempts.span):
            while True:
                try:
                    with self._own_errors(call, attempts.request_id):
                        stub = self._stub(call, "unary_unary")
                        with within(attempts.span):
                            pending = stub(call.request, **attempts.keywords(time.monotonic()))
                        reply: ReplyT = await pending
                        trailer = await pending.trailing_metadata() if self._api_key.is_open else ()
                except CallFailed as error:
                    await asyncio.sleep(attempts.delay_after(error, time.monotonic()))
                else:
                    attempts.succeed()
                    self._api_key.read(trailer)
                    return reply

    @contextmanager
    def _own_errors(self, call: Call[Any, Any], request_id: str) -> Iterator[None]:
        """Make the exceptions of gRPC those of this client, its way to tell of one that was closed meanwhile too."""
        try:
            with own_errors(call, self._connection, request_id):
                yield
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._is_closed and not (task and task.cancelling()):
                raise RuntimeError(CLOSED) from None
            raise

    def _stub(self, call: Call[Any, Any], kind: str) -> Any:
        if self._is_closed:
            raise RuntimeError(CLOSED)
        return make_stub(self._channels.open(), call, kind)
