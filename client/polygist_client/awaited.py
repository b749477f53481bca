"""The tasks behind the asynchronous client's calls with any number of items."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from polygist_client.batches import Batch, Batcher, pair, split_failed
from polygist_client.blocking import GOODBYE_SECONDS, has_failed
from polygist_client.bulk import Bulk
from polygist_client.calls import Call, batch_item
from polygist_client.errors import CallFailed
from polygist_client.items import Answer, ItemReader

LINGER_SECONDS = 0.05

Answers = list[Answer]
ValueT = TypeVar("ValueT")


class AsyncBatchPool:
    """Answers batches, a few at the same time, as `BatchPool` does.

    Args:
        send: makes a call and waits for its reply.
        make_call: makes the call for a batch; its answer is a message for each item.
        in_flight: how many batches are under way at the same time.
    """

    def __init__(
        self,
        send: Callable[[Call[Any, Any]], Awaitable[Any]],
        make_call: Callable[[Batch], Call[Any, Any]],
        in_flight: int,
    ) -> None:
        self._send = send
        self._make_call = make_call
        self._in_flight = in_flight

    async def run(
        self, items: Iterable[Any] | AsyncIterable[Any], batcher: Batcher, *, ordered: bool
    ) -> AsyncGenerator[Answer, None]:
        """Yield the answers to `items`; these are waited for while answers come."""
        waiting: list[asyncio.Task[Answers]] = []
        batches = cut(items, batcher)
        # The task that waits for the next batch; None where there is none or enough is under way.
        reading: asyncio.Task[Batch | Answer | None] | None = None
        is_read = False
        ending: BaseException | None = None
        try:
            while waiting or not is_read:
                if reading is None and not is_read and len(waiting) < self._in_flight:
                    reading = asyncio.create_task(anext_or_none(batches))
                candidates = waiting[:1] if ordered else waiting
                hopes: list[asyncio.Task[Any]] = [*candidates, *([reading] if reading else [])]
                # A batch that is not full goes where nothing is under way and no item comes to fill it.
                lingers = not waiting and not batcher.is_empty
                timeout = LINGER_SECONDS if lingers else None
                if not (await asyncio.wait(hopes, timeout=timeout, return_when=asyncio.FIRST_COMPLETED))[0]:
                    waiting += [asyncio.create_task(self._settle(batch)) for batch in batcher.rest()]
                if done := min((each for each in candidates if each.done()), key=has_failed, default=None):
                    waiting.remove(done)
                    for answer in done.result():
                        yield answer
                if reading and reading.done():
                    done_reading, reading, batch = reading, None, None
                    try:
                        batch = done_reading.result()
                    except BaseException as error:  # of the caller's own iterable, which may be cancelled itself
                        ending = error
                    if batch is None:
                        is_read = True
                    elif batch:
                        waiting.append(asyncio.create_task(self._settle(batch)))
            if ending is not None:
                raise ending
        finally:
            left = [*waiting, *([reading] if reading else [])]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            await batches.aclose()

    async def _settle(self, batch: Batch | Answer) -> Answers:
        if isinstance(batch, Answer):
            return [batch]
        call = self._make_call(batch)
        try:
            return pair(batch, call.convert(await self._send(call)))
        except CallFailed as error:
            left = split_failed(batch, error)
        if isinstance(left, Answer):
            return [left]
        return [answer for each in left for answer in await self._settle(each)]


class BulkTasks:
    """Answers items over one stream after the other, as `BulkThread` does, and reads items while answers come.

    Args:
        bulk: decides what is sent and yielded.
        config: the first message of each stream.
        open_stream: opens one that sends what an iterator yields; returns an iterator over replies that has `cancel`.
        own_errors: makes the exceptions of gRPC those of this client.
    """

    def __init__(
        self,
        bulk: Bulk,
        config: Any,
        open_stream: Callable[[AsyncIterator[Any]], Any],
        own_errors: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._bulk = bulk
        self._config = config
        self._open_stream = open_stream
        self._own_errors = own_errors
        self._answered = asyncio.Event()
        self._sendable = asyncio.Event()
        self._taken = asyncio.Event()

    async def run(self, items: Iterable[Any] | AsyncIterable[Any], reader: ItemReader) -> AsyncGenerator[Answer, None]:
        """Yield the answers to `items`."""
        reading, working = asyncio.create_task(self._read(items, reader)), asyncio.create_task(self._work())
        try:
            while True:
                self._answered.clear()
                answers = self._bulk.take()
                self._taken.set()
                for answer in answers:
                    yield answer
                if not answers:
                    now = time.monotonic()
                    self._bulk.check(now)
                    if self._bulk.is_done:
                        self._sendable.set()
                        await asyncio.wait([working], timeout=GOODBYE_SECONDS)
                        return
                    await self._wait(self._answered, now)
        finally:
            reading.cancel()
            working.cancel()
            await asyncio.gather(reading, working, return_exceptions=True)

    async def _wait(self, event: asyncio.Event, now: float) -> None:
        """Wait for an event, or until something is due; `asyncio.wait_for` makes a task of every wait."""
        seconds = self._bulk.seconds_to_wait(now)
        timer = None if seconds is None else asyncio.get_running_loop().call_later(seconds, event.set)
        try:
            await event.wait()
        finally:
            if timer is not None:
                timer.cancel()

    async def _read(self, items: Iterable[Any] | AsyncIterable[Any], reader: ItemReader) -> None:
        try:
            await self._wait_for_room()
            async for given in iterate(items):
                item = reader.read(given)
                if isinstance(item, Answer):
                    self._bulk.add_failed(item)
                    self._answered.set()
                else:
                    self._bulk.add(item, time.monotonic())
                    self._sendable.set()
                await self._wait_for_room()
            self._bulk.end_items()
        except BaseException as error:  # of the caller's own iterable, which may be cancelled itself
            self._bulk.end_items(error)
        self._sendable.set()
        self._answered.set()

    async def _wait_for_room(self) -> None:
        while not self._bulk.wants_item:
            self._taken.clear()
            await self._taken.wait()

    async def _work(self) -> None:
        """Open one stream after the other for as long as there is something to send."""
        try:
            while not self._bulk.is_done:
                self._sendable.clear()
                now = time.monotonic()
                if self._bulk.should_open(now):
                    await self._run_stream()
                else:
                    await self._wait(self._sendable, now)
        except BaseException as error:  # of the caller's own, such as a client that was closed
            self._bulk.fail(error)
            self._answered.set()

    async def _run_stream(self) -> None:
        is_over = asyncio.Event()
        failure: CallFailed | None = None
        self._bulk.begin_stream(time.monotonic())
        self._answered.set()  # from now on, waiting has an end
        try:
            with self._own_errors():
                stream = self._open_stream(self._send(is_over))
                try:
                    async for reply in stream:
                        self._bulk.receive(reply, time.monotonic())
                        self._answered.set()
                        if self._bulk.may_send:
                            self._sendable.set()
                finally:
                    is_over.set()
                    stream.cancel()
        except CallFailed as error:
            failure = error
        self._bulk.end_stream(failure, time.monotonic())
        self._answered.set()

    async def _send(self, is_over: asyncio.Event) -> AsyncIterator[Any]:
        """Yield the messages of one stream, as gRPC has room for them."""
        yield self._config
        while not is_over.is_set():
            self._sendable.clear()
            now = time.monotonic()
            if item := self._bulk.next_to_send(now):
                yield batch_item(item)
            elif self._bulk.is_stream_complete(now):
                return
            else:
                await self._wait(self._sendable, now)


async def cut(items: Iterable[Any] | AsyncIterable[Any], batcher: Batcher) -> AsyncGenerator[Batch | Answer, None]:
    """Cut items that may have to be waited for into batches; an empty one tells of an item that fills none yet."""
    values = iterate(items)
    ending: BaseException | None = None
    while True:
        try:
            item = await anext(values)
        except StopAsyncIteration:
            break
        except BaseException as error:  # what was read is sent before it is raised
            ending = error
            break
        batches = list(batcher.add(item))
        for batch in batches or [()]:
            yield batch
    for batch in batcher.rest():
        yield batch
    if ending is not None:
        raise ending


async def iterate(values: Iterable[ValueT] | AsyncIterable[ValueT]) -> AsyncIterator[ValueT]:
    """Yield all of `values`, waited for or not."""
    if isinstance(values, AsyncIterable):
        async for value in values:
            yield value
    else:
        for value in values:
            yield value


async def anext_or_none(values: AsyncIterator[ValueT]) -> ValueT | None:
    """Wait for the next of `values`; None after the last."""
    return await anext(values, None)
