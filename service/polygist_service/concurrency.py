"""Coroutines that stand and fall together. Stdlib only."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import aclosing
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


async def gather_all(coroutines: Iterable[Coroutine[Any, Any, ResultT]]) -> list[ResultT]:
    """Run `coroutines` at the same time and return their results in order.

    The first one that fails cancels the others, and its error is raised as it is, not in a group.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def merge_in_order(streams: Iterable[AsyncGenerator[ResultT, None]]) -> AsyncGenerator[tuple[int, ResultT], None]:
    """Run `streams` at the same time; yield what they give with their index, all of the first, then of the second…

    What a later one gives waits for its turn. Closing the iterator closes them all; so does the error of one, which
    is raised at its turn.
    """
    queues: list[tuple[asyncio.Queue[ResultT | None], asyncio.Task[None]]] = []
    try:
        for stream in streams:
            queue: asyncio.Queue[ResultT | None] = asyncio.Queue()
            queues.append((queue, asyncio.create_task(_fill(queue, stream))))
        for index, (queue, task) in enumerate(queues):
            while (item := await queue.get()) is not None:
                yield index, item
            await task
    finally:
        for _, task in queues:
            task.cancel()
        await asyncio.gather(*(task for _, task in queues), return_exceptions=True)


async def _fill(queue: asyncio.Queue[ResultT | None], stream: AsyncGenerator[ResultT, None]) -> None:
    """Put all that `stream` gives into `queue`, and None at its end, however it ends."""
    try:
        async with aclosing(stream):
            async for item in stream:
                queue.put_nowait(item)
    finally:
        queue.put_nowait(None)
