"""The blocking client."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack, overload

import grpc
from google.protobuf.message import Message

from polygist_client import batches, calls, options, results
from polygist_client.calls import Call
from polygist_client.connection import DEFAULT_TARGET, Connection, ConnectionOptions, connect_to
from polygist_client.error_mapping import own_errors
from polygist_client.errors import CallFailed
from polygist_client.options import Texts
from polygist_client.retries import Attempts, Retries

ReplyT = TypeVar("ReplyT", bound=Message)
AnswerT = TypeVar("AnswerT")


class Client:
    """Talks to a polygist server; safe to share between threads, to be closed or used in a ``with`` block.

    Every call raises a subclass of `CallFailed` where it fails and `InvalidInput` where there is nothing to send.

    Args:
        target: ``HOST:PORT``, ``unix:PATH`` or ``dns:HOST:PORT``; calls go round all addresses of a name, and those of
            ``ipv4:IP:PORT,IP:PORT…``.
        options: see `ConnectionOptions`.
    """

    def __init__(self, target: str = DEFAULT_TARGET, **options: Unpack[ConnectionOptions]) -> None:
        self._connection = connect_to(target, **options)
        self._channels = open_channels(grpc, self._connection)
        self._retries = Retries(self._connection)
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

    def translate_many(
        self,
        texts: Iterable[str],
        *,
        to: str,
        in_flight: int = batches.IN_FLIGHT,
        **options: Unpack[options.TranslateOptions],
    ) -> Iterator[results.Translation]:
        """Translate any number of texts, in order and as they are read: memory is bounded.

        Texts travel in batches, a few at the same time. Where one fails, `items` of the error says which texts.

        Args:
            texts: read as the results are taken, a few batches ahead.
            to: language to translate to.
            in_flight: how many requests are under way at the same time.
            options: see `TranslateOptions`.
        """
        wanted: Iterator[Call[Any, Any]] = (
            replace(calls.translate(batch.texts, to=to, **options), items=batch.items) for batch in batches.cut(texts)
        )
        for call, reply in self.send_many(wanted, in_flight=in_flight):
            yield from call.read(reply)

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

    def summarise_many(
        self,
        texts: Iterable[str],
        *,
        in_flight: int = batches.IN_FLIGHT,
        **options: Unpack[options.SummariseOptions],
    ) -> Iterator[results.Summary]:
        """Summarise any number of articles, each on its own, as `translate_many` translates texts.

        Args:
            texts: articles, read as the results are taken, a few batches ahead.
            in_flight: how many requests are under way at the same time.
            options: see `SummariseOptions`.
        """
        wanted: Iterator[Call[Any, Any]] = (
            replace(calls.summarise(batch.texts, **options), items=batch.items)
            for batch in batches.cut(texts, most_items=batches.ARTICLES)
        )
        for call, reply in self.send_many(wanted, in_flight=in_flight):
            yield from call.read(reply)

    def stream_summarise(
        self, text: str | Texts, **options: Unpack[options.SummariseOptions]
    ) -> Generator[results.Progress | results.Delta | results.Finished, None, None]:
        """Summarise as `summarise` does, and yield what there is of it as it comes: articles one after the other.

        Closing the iterator cancels the call.

        Args:
            text: an article, or up to 32 of them.
            options: see `SummariseOptions`.
        """
        call = calls.stream_summarise(text, **options)
        with closing(self.send_stream(call)) as parts:
            for part in parts:
                yield from call.read(part)

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
    def count_tokens(self, text: str, *, model: str, **options: Unpack[options.CallOptions]) -> results.TokenCount: ...
    @overload
    def count_tokens(
        self, text: Texts, *, model: str, **options: Unpack[options.CallOptions]
    ) -> list[results.TokenCount]: ...
    def count_tokens(
        self, text: str | Texts, *, model: str, **options: Unpack[options.CallOptions]
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

    def send_many(
        self, wanted: Iterable[Call[ReplyT, AnswerT]], *, in_flight: int = batches.IN_FLIGHT
    ) -> Iterator[tuple[Call[ReplyT, AnswerT], ReplyT]]:
        """Make calls that have no pages, `in_flight` at the same time; yields call and reply in order."""
        under_way: deque[PendingCall[ReplyT, AnswerT]] = deque()
        try:
            for call in wanted:
                under_way.append(self._start(call))
                if len(under_way) >= in_flight:
                    yield under_way[0].call, under_way.popleft().result()
            while under_way:
                yield under_way[0].call, under_way.popleft().result()
        finally:
            for pending in under_way:
                pending.cancel()

    def send_stream(self, call: Call[ReplyT, Any]) -> Generator[ReplyT, None, None]:
        """Make a call whose reply comes in parts, and yield these; closing the iterator cancels the call."""
        attempts = self._retries.begin(call, time.monotonic())
        has_begun = False
        while True:
            try:
                with own_errors(call, self._connection, attempts.request_id):
                    stub = self._stub(call, "unary_stream")
                    parts = stub(call.request, **attempts.keywords(time.monotonic()))
                    try:
                        for part in parts:
                            has_begun = True
                            yield part
                    finally:
                        parts.cancel()
                attempts.succeed()
                return
            except CallFailed as error:
                if has_begun:
                    raise
                time.sleep(attempts.delay_after(error, time.monotonic()))

    def _answer(self, call: Call[Any, AnswerT]) -> AnswerT:
        return call.read(self.send(call))

    def _start(self, call: Call[ReplyT, AnswerT]) -> "PendingCall[ReplyT, AnswerT]":
        attempts = self._retries.begin(call, time.monotonic())

        def start() -> Any:
            stub = self._stub(call, "unary_unary")
            return stub.future(call.request, **attempts.keywords(time.monotonic()))

        return PendingCall(call, start, attempts, self._connection)

    def _stub(self, call: Call[Any, Any], kind: str) -> Any:
        if self._is_closed:
            raise RuntimeError("this client is closed; make another")
        return make_stub(self._channels, call, kind)


class PendingCall(Generic[ReplyT, AnswerT]):
    """A call of the blocking client on its way."""

    def __init__(
        self, call: Call[ReplyT, AnswerT], start: Callable[[], Any], attempts: Attempts, connection: Connection
    ) -> None:
        self.call = call
        self._start = start
        self._attempts = attempts
        self._connection = connection
        self._future = start()

    def result(self) -> ReplyT:
        """Wait for the reply, and where it fails perhaps for that of another attempt; raises CallFailed."""
        while True:
            try:
                with own_errors(self.call, self._connection, self._attempts.request_id):
                    reply: ReplyT = self._future.result()
            except CallFailed as error:
                time.sleep(self._attempts.delay_after(error, time.monotonic()))
                self._future = self._start()
            else:
                self._attempts.succeed()
                return reply

    def cancel(self) -> None:
        """Give the call up."""
        self._future.cancel()


def open_channels(kind: Any, connection: Connection) -> dict[bool, Any]:
    """Open two channels; the key says whether they need a healthy server.

    A server that is loading or shutting down gets no work, but still says how it is.

    Args:
        kind: what makes them, `grpc` or `grpc.aio`.
        connection: where to.
    """
    channels = {}
    for needed in (True, False):
        knobs = connection.channel_options(needs_healthy_server=needed)
        if connection.certificates is None:
            channels[needed] = kind.insecure_channel(connection.target, knobs)
        else:
            certificates = connection.certificates
            credentials = grpc.ssl_channel_credentials(certificates.ca, certificates.key, certificates.cert)
            channels[needed] = kind.secure_channel(connection.target, credentials, knobs)
    return channels


def make_stub(channels: dict[bool, Any], call: Call[Any, Any], kind: str) -> Any:
    """Make what sends the request of `call`; `kind` is "unary_unary" or "unary_stream"."""
    return getattr(channels[call.needs_healthy_server], kind)(
        call.path,
        request_serializer=type(call.request).SerializeToString,
        response_deserializer=call.reply.FromString,
    )
