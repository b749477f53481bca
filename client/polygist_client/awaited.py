"""The tasks behind the asynchronous client's calls with any number of items."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

from polygist_client.batches import Answer, Batch, Batcher, pair, split_failed
from polygist_client.calls import Call
from polygist_client.errors import CallFailed

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
        try:
            while waiting or not is_read:
                if reading is None and not is_read and len(waiting) < self._in_flight:
                    reading = asyncio.create_task(anext_or_none(batches))
                candidates = waiting[:1] if ordered else waiting
                hopes: list[asyncio.Task[Any]] = [*candidates, *([reading] if reading else [])]
                await asyncio.wait(hopes, return_when=asyncio.FIRST_COMPLETED)
                if done := next((each for each in candidates if each.done()), None):
                    waiting.remove(done)
                    for answer in done.result():
                        yield answer
                if reading and reading.done():
                    batch, reading = reading.result(), None
                    if batch is None:
                        is_read = True
                    else:
                        waiting.append(asyncio.create_task(self._settle(batch)))
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


async def cut(items: Iterable[Any] | AsyncIterable[Any], batcher: Batcher) -> AsyncGenerator[Batch | Answer, None]:
    """Cut items that may have to be waited for into batches."""
    async for item in iterate(items):
        for batch in batcher.add(item):
            yield batch
    for batch in batcher.rest():
        yield batch


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
