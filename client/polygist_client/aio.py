"""The asynchronous client: the blocking one with ``await``."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

import grpc.aio
from google.protobuf.message import Message

from polygist_client import batches, calls, options, results
from polygist_client.calls import Call
from polygist_client.client import make_stub, open_channels
from polygist_client.connection import DEFAULT_TARGET, ConnectionOptions, connect_to
from polygist_client.error_mapping import own_errors
from polygist_client.errors import CallFailed
from polygist_client.options import Texts
from polygist_client.retries import Retries

ReplyT = TypeVar("ReplyT", bound=Message)
AnswerT = TypeVar("AnswerT")


class AsyncClient:
    """Talks to a polygist server from one event loop; to be closed or used in an ``async with`` block.

    Every call raises a subclass of `CallFailed` where it fails and `InvalidInput` where there is nothing to send.

    Args:
        target: ``HOST:PORT``, ``unix:PATH`` or ``dns:HOST:PORT``; calls go round all addresses of a name, and those of
            ``ipv4:IP:PORT,IP:PORT…``.
        options: see `ConnectionOptions`.
    """

    def __init__(self, target: str = DEFAULT_TARGET, **options: Unpack[ConnectionOptions]) -> None:
        self._connection = connect_to(target, **options)
        self._channels = open_channels(grpc.aio, self._connection)
        self._retries = Retries(self._connection)
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
        for channel in self._channels.values():
            await channel.close()

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

    async def translate_many(
        self,
        texts: Iterable[str] | AsyncIterable[str],
        *,
        to: str,
        in_flight: int = batches.IN_FLIGHT,
        **options: Unpack[options.TranslateOptions],
    ) -> AsyncGenerator[results.Translation, None]:
        """Translate any number of texts, in order and as they are read: memory is bounded.

        Texts travel in batches, a few at the same time. Where one fails, `items` of the error says which texts.

        Args:
            texts: read as the results are taken, a few batches ahead.
            to: language to translate to.
            in_flight: how many requests are under way at the same time.
            options: see `TranslateOptions`.
        """
        wanted: AsyncIterator[Call[Any, Any]] = (
            replace(calls.translate(batch.texts, to=to, **options), items=batch.items)
            async for batch in batches.cut_as_they_come(texts)
        )
        async with aclosing(self.send_many(wanted, in_flight=in_flight)) as answers:
            async for call, reply in answers:
                for translation in call.read(reply):
                    yield translation

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

    async def summarise_many(
        self,
        texts: Iterable[str] | AsyncIterable[str],
        *,
        in_flight: int = batches.IN_FLIGHT,
        **options: Unpack[options.SummariseOptions],
    ) -> AsyncGenerator[results.Summary, None]:
        """Summarise any number of articles, each on its own, as `translate_many` translates texts.

        Args:
            texts: articles, read as the results are taken, a few batches ahead.
            in_flight: how many requests are under way at the same time.
            options: see `SummariseOptions`.
        """
        wanted: AsyncIterator[Call[Any, Any]] = (
            replace(calls.summarise(batch.texts, **options), items=batch.items)
            async for batch in batches.cut_as_they_come(texts, most_items=batches.ARTICLES)
        )
        async with aclosing(self.send_many(wanted, in_flight=in_flight)) as answers:
            async for call, reply in answers:
                for summary in call.read(reply):
                    yield summary

    async def stream_summarise(
        self, text: str | Texts, **options: Unpack[options.SummariseOptions]
    ) -> AsyncGenerator[results.Progress | results.Delta | results.Finished, None]:
        """Do as `Client.stream_summarise`; close it, as with ``contextlib.aclosing``, where you leave it early."""
        call = calls.stream_summarise(text, **options)
        async with aclosing(self.send_stream(call)) as parts:
            async for part in parts:
                for event in call.read(part):
                    yield event

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
        self, text: str, *, model: str, **options: Unpack[options.CallOptions]
    ) -> results.TokenCount: ...
    @overload
    async def count_tokens(
        self, text: Texts, *, model: str, **options: Unpack[options.CallOptions]
    ) -> list[results.TokenCount]: ...
    async def count_tokens(
        self, text: str | Texts, *, model: str, **options: Unpack[options.CallOptions]
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

    async def send_many(
        self,
        wanted: Iterable[Call[ReplyT, AnswerT]] | AsyncIterable[Call[ReplyT, AnswerT]],
        *,
        in_flight: int = batches.IN_FLIGHT,
    ) -> AsyncGenerator[tuple[Call[ReplyT, AnswerT], ReplyT], None]:
        """Make calls that have no pages, `in_flight` at the same time; yields call and reply in order."""
        under_way: deque[tuple[Call[ReplyT, AnswerT], asyncio.Task[ReplyT]]] = deque()
        try:
            async for call in batches.iterate(wanted):
                under_way.append((call, asyncio.create_task(self._make(call))))
                if len(under_way) >= in_flight:
                    done, task = under_way.popleft()
                    yield done, await task
            while under_way:
                done, task = under_way.popleft()
                yield done, await task
        finally:
            for _, task in under_way:
                task.cancel()
            await asyncio.gather(*(task for _, task in under_way), return_exceptions=True)

    async def send_stream(self, call: Call[ReplyT, Any]) -> AsyncGenerator[ReplyT, None]:
        """Make a call whose reply comes in parts, and yield these; closing the iterator cancels the call."""
        attempts = self._retries.begin(call, time.monotonic())
        has_begun = False
        while True:
            try:
                with own_errors(call, self._connection, attempts.request_id):
                    stub = self._stub(call, "unary_stream")
                    parts = stub(call.request, **attempts.keywords(time.monotonic()))
                    try:
                        async for part in parts:
                            has_begun = True
                            yield part
                    finally:
                        parts.cancel()
                attempts.succeed()
                return
            except CallFailed as error:
                if has_begun:
                    raise
                await asyncio.sleep(attempts.delay_after(error, time.monotonic()))

    async def _answer(self, call: Call[Any, AnswerT]) -> AnswerT:
        return call.read(await self.send(call))

    async def _make(self, call: Call[ReplyT, Any]) -> ReplyT:
        """Send one request and wait for its reply, and where it fails perhaps for that of another attempt."""
        attempts = self._retries.begin(call, time.monotonic())
        while True:
            try:
                with own_errors(call, self._connection, attempts.request_id):
                    stub = self._stub(call, "unary_unary")
                    reply: ReplyT = await stub(call.request, **attempts.keywords(time.monotonic()))
            except CallFailed as error:
                await asyncio.sleep(attempts.delay_after(error, time.monotonic()))
            else:
                attempts.succeed()
                return reply

    def _stub(self, call: Call[Any, Any], kind: str) -> Any:
        if self._is_closed:
            raise RuntimeError("this client is closed; make another")
        return make_stub(self._channels, call, kind)
