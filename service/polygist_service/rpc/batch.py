"""``BatchTranslate``: the items of one stream, each answered on its own, so many of them at a time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from polygist.v1 import translation_service_pb2

from polygist_service.access.access import Access
from polygist_service.access.quotas import Demand
from polygist_service.admission import Admission, Admitted, Work
from polygist_service.concurrency import TextPool, cancel_all
from polygist_service.context import CallContext, Usage
from polygist_service.errors import InvalidRequest, ServerDraining, StreamIdle
from polygist_service.limits import Limits
from polygist_service.rpc.status import to_item_error
from polygist_service.rpc.work import describe_work
from polygist_service.translation.neighbours import Neighbours, Turn
from polygist_service.translation.translator import Translator
from polygist_service.translation.types import TranslationRequest
from polygist_service.wire.terms import measure_lists
from polygist_service.wire.translation import RefusedItem, parse_batch_config, parse_batch_item, to_batch_response

Request: TypeAlias = translation_service_pb2.BatchTranslateRequest
Response: TypeAlias = translation_service_pb2.BatchTranslateResponse
Item: TypeAlias = translation_service_pb2.BatchItem

# Room for an item is looked for as often as this, in seconds.
LONGEST_WAIT = 0.25


class BatchTranslation:
    """One stream of items: they are read while there is room for them, and answered in any order.

    The code points of an item take room until its answer is written, so that a caller who does not read costs no more.

    Args:
        translator: does the work.
        limits: how many items, and code points of them, are in work at a time; how long the caller is waited for.
        access: says when the quota of the caller's API key has room for another item, which waits until then.
        admission: says when the server has room for another item: those that come too early wait, none is refused.
        pool: where answers become messages.
        context: whose stream it is.
        draining: set when the server shuts down: no item is begun any more, those in work are answered.
    """

    def __init__(
        self,
        translator: Translator,
        *,
        limits: Limits,
        access: Access,
        admission: Admission,
        pool: TextPool,
        context: CallContext,
        draining: asyncio.Event,
    ) -> None:
        self._translator = translator
        self._limits = limits
        self._access = access
        self._key = access.key_of(context.caller)
        self._admission = admission
        self._pool = pool
        self._context = context
        self._draining = draining
        self._loop = asyncio.get_running_loop()
        self._config = translation_service_pb2.TranslateRequest()
        self._wanted: TranslationRequest | None = None
        self._neighbours = Neighbours()
        self._in_work: dict[str, int | None] = {}  # the code points of each item, by its id; None where it was refused
        self._characters = 0
        self._answered = asyncio.Event()
        self._answers: asyncio.Queue[Response | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._heard = self._loop.time()
        self._kept = ExitStack()  # the memory of the config

    async def answers(self, requests: AsyncIterator[Request | RefusedItem]) -> AsyncGenerator[Response, None]:
        """Yield the answer to each item of `requests`, as they come about.

        What ends the stream is raised once all items that are in work are answered.

        Raises:
            InvalidRequest: a message stands where it must not, or an item has no id of its own.
            PolygistError: what the config alone gives rise to; see `Translator.check_route` and `Admission.keep`.
            StreamIdle: nothing is in work, and the caller sends nothing, or nothing that can be read.
            ServerDraining: the server shuts down.
        """
        reader = asyncio.create_task(self._read(requests))
        # The reader is over when all items have been read, and all the same when no more are to be read.
        reader.add_done_callback(lambda _: self._answers.put_nowait(None))
        reader.add_done_callback(lambda _: self._neighbours.close())
        drain = asyncio.create_task(self._draining.wait())
        drain.add_done_callback(lambda _: reader.cancel())
        try:
            while self._in_work or not reader.done():
                if (answer := await self._next()) is not None:
                    # Before it is written: whoever has read it may use its id again at once.
                    characters = self._in_work.pop(answer.item_id)
                    yield answer
                    self._release(characters)
            if reader.cancelled():
                raise ServerDraining("the server is shutting down; send what is unanswered to another replica")
            reader.result()
        finally:
            await cancel_all([reader, drain, *self._tasks])
            self._kept.close()

    async def _next(self) -> Response | None:
        """Wait for an answer, or for the end of the items; raises StreamIdle."""
        longest = self._limits.batch_idle_seconds
        while True:
            since = self._loop.time() if self._in_work else self._heard
            with suppress(TimeoutError):
                async with asyncio.timeout_at(since + longest):
                    return await self._answers.get()
            if not self._in_work:
                self._expect_items()

    def _expect_items(self) -> None:
        """Raise StreamIdle where no item that can be read has come for too long."""
        longest = self._limits.batch_idle_seconds
        if self._loop.time() - self._heard >= longest:
            raise StreamIdle(f"no item that can be read came for {longest} s; open another stream for those to come")

    async def _read(self, requests: AsyncIterator[Request | RefusedItem]) -> None:
        """Begin each item when there is room for it."""
        async for request in requests:
            if isinstance(request, RefusedItem):
                await self._refuse(request)
                continue
            self._heard = self._loop.time()
            kind = request.WhichOneof("payload")
            if self._wanted is None:
                if kind != "config":
                    raise InvalidRequest("config", "is missing; the first message of the stream has to be the config")
                parse = partial(parse_batch_config, request.config, self._limits)
                length = measure_lists(request.config)
                self._wanted = await self._pool.call(self._context, parse, characters=length)
                self._translator.check_route(self._wanted)
                self._kept.enter_context(self._admission.keep(request.config.ByteSize()))
                self._config = request.config
            elif kind == "item":
                await self._begin(request.item, self._wanted)
            else:
                raise InvalidRequest(kind or "item", "only items may follow the config; open a stream for each config")

    async def _refuse(self, refused: RefusedItem) -> None:
        """Answer an item that cannot be read; raises its error where it stands in the place of the config.

        It is no sign that the caller has something to translate: StreamIdle is raised where nothing else comes.
        """
        if self._wanted is None:
            raise refused.error
        if not self._tasks:
            self._expect_items()
        while refused.item_id in self._in_work or len(self._in_work) >= self._limits.batch_items:
            self._answered.clear()
            await self._answered.wait()
        self._in_work[refused.item_id] = None
        self._answers.put_nowait(Response(item_id=refused.item_id, error=to_item_error(refused.error)))

    async def _begin(self, item: Item, wanted: TranslationRequest) -> None:
        """Begin an item when there is room for it."""
        if not item.item_id:
            raise InvalidRequest("item.item_id", "is required; give each item an id of its own")
        if item.item_id in self._in_work:
            raise InvalidRequest(
                "item.item_id", f"{item.item_id!r} is that of an item in work; give each item an id of its own"
            )
        characters = len(item.content)
        while len(self._in_work) >= self._limits.batch_items or (
            self._characters and self._characters + characters > self._limits.request_characters
        ):
            self._answered.clear()
            await self._answered.wait()
        admitted, counted = await self._admit(characters)
        self._in_work[item.item_id] = characters
        self._characters += characters
        task = asyncio.create_task(self._work(item, wanted, self._neighbours.next_turn(), admitted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Not by the task itself, which may be cancelled before it begins.
        task.add_done_callback(lambda _: self._end(admitted, counted))

    async def _admit(self, characters: int) -> tuple[Admitted, ExitStack]:
        """Wait until quota and server have room for an item; the stack is to be closed when it ends.

        Raises:
            ApiKeyInvalid: the key of the stream has been revoked, or has expired.
            QuotaExceeded: the item is longer than the quota ever has room for.
        """
        work = describe_work(self._config, size=characters, texts=1) or Work((), characters)
        caller = self._context.caller
        weight, counted = self._context.weight, ExitStack()
        while True:
            demand = Demand(characters, self._admission.predict(work))
            exceeded = self._access.find_refusal(self._key, demand)
            if exceeded and exceeded.retry_after is None:
                raise exceeded
            refusal = exceeded or self._admission.find_refusal(work, caller, weight=weight)
            if refusal is None:
                break
            await asyncio.sleep(min(refusal.retry_after or 0.0, LONGEST_WAIT))
            self._heard = self._loop.time()  # it is not the caller who is waited for
        counted.enter_context(self._access.call(self._key, demand))
        return self._admission.admit(work, caller, Usage(), weight=weight), counted

    def _end(self, admitted: Admitted, counted: ExitStack) -> None:
        """Make room: an item has ended."""
        counted.close()
        self._admission.release(admitted)
        self._context.usage.engine_seconds += admitted.usage.engine_seconds

    def _release(self, characters: int | None) -> None:
        """Make room: an answer is written, to an item of so many code points, or to one that was refused."""
        if characters is not None:
            self._heard = self._loop.time()
            self._characters -= characters
        self._answered.set()

    async def _work(self, item: Item, wanted: TranslationRequest, turn: Turn, admitted: Admitted) -> None:
        """Answer an item, within the time that a call without a deadline has."""
        own = CallContext.default_seconds(len(item.content))
        end = self._loop.time() + min(own, self._limits.deadline_seconds)
        deadline = min(end, self._context.deadline or end)
        context = replace(self._context, deadline=deadline, usage=admitted.usage)
        try:
            async with asyncio.timeout_at(end):
                parsed = parse_batch_item(item, wanted, self._limits)
                if parsed.source:
                    turn.end()  # it tells nothing, and is not done for long
                (translation,) = await self._translator.translate(parsed, context, turn=turn)
                answer = await self._pool.call(
                    context,
                    lambda: to_batch_response(
                        item, translation, self._config.output_config, usage=context.usage, limits=self._limits
                    ),
                    characters=len(item.content),
                )
                admitted.is_whole = True
        except Exception as error:
            answer = translation_service_pb2.BatchTranslateResponse(item_id=item.item_id, error=to_item_error(error))
        turn.end()
        self._answers.put_nowait(answer)
