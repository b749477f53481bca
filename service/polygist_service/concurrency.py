"""Work at the same time: coroutines that stand and fall together, what leaves the event loop, calls in flight."""

import asyncio
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager, nullcontext
from functools import partial
from typing import Any, Generic, TypeVar, cast

from polygist_service.context import CallContext
from polygist_service.errors import ServerDraining

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

# A thread works for one caller for about so long, then for the next one. A character costs fifty times as much to
# detect a language by as to split at, so the turns are cut by the clock; no length of a text would fit all functions.
TURN_SECONDS = 0.005
# A text of so many code points, a long sentence, is split, tokenised, assessed or made a message of in at most 0.2 ms
# each. To wake a thread and be woken by it takes both threads as much again, so few short ones are worked on at once.
SHORT = 256
FEW = 16
# The clock is looked at after so many things, each of which takes some ten microseconds.
CLOCKED = 32
# So many tasks are cancelled in one round of the event loop: each of them has its end to come to.
CANCELLED_TOGETHER = 64


class LastPause(threading.local):
    """When somebody on the event loop of a thread has last left it to others, in seconds by `time.monotonic`."""

    at = 0.0


last_pause = LastPause()


class Pauses:
    """Has a coroutine that goes through much, and waits for little, leave the event loop to others now and then.

    What is measured is the time since anybody on the loop has done so: what goes through much in several steps, each
    with pauses of its own, holds it no longer than one that has one.

    Args:
        clocked: after so many things the clock is looked at.
    """

    def __init__(self, clocked: int = CLOCKED) -> None:
        self._clocked = self._left = clocked

    async def pause(self, count: int = 1) -> None:
        """Let others go on where the last pause is some milliseconds and some things ago, `count` more by now.

        Few things take no time that anybody would notice.
        """
        self._left -= count
        if self._left > 0:
            return
        self._left = self._clocked
        if time.monotonic() >= last_pause.at + TURN_SECONDS:
            await asyncio.sleep(0)
            last_pause.at = time.monotonic()


async def run_in_turns(function: Callable[[ItemT], ResultT], items: Sequence[ItemT]) -> list[ResultT]:
    """Call `function` with each of `items` on the event loop, in turns with others; return the results in order.

    Args:
        function: takes some microseconds; what takes longer is for a `TextPool`.
        items: any number.
    """
    if len(items) <= CLOCKED:
        return list(map(function, items))
    pauses = Pauses()
    results: list[ResultT] = []
    for at in range(0, len(items), CLOCKED):
        results += map(function, items[at : at + CLOCKED])
        await pauses.pause(CLOCKED)
    return results


def let_go(*lists: list[Any]) -> None:
    """Empty lists that nobody needs any more, in turns with others: to free thousands of objects at once takes long.

    It is nothing to wait for, so whoever is cancelled meanwhile leaves no work behind for the one turn that frees it.
    """
    left = [items for items in lists if len(items) > CLOCKED]
    loop = asyncio.get_running_loop()

    def go_on() -> None:
        end = time.monotonic() + TURN_SECONDS
        while left and time.monotonic() < end:
            del left[-1][-CLOCKED:]
            if not left[-1]:
                left.pop()
        if left:
            loop.call_soon(go_on)

    if left:
        loop.call_soon(go_on)


async def cancel_all(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel tasks and wait until they have ended, however they do; in turns with others where there are thousands.

    Who is cancelled while waiting here waits no longer, but all tasks are cancelled.
    """
    cancelled = list(tasks)
    if len(cancelled) > CANCELLED_TOGETHER:
        await asyncio.shield(cancel_in_turns(cancelled))
        return
    for task in cancelled:
        task.cancel()
    await asyncio.gather(*cancelled, return_exceptions=True)


async def cancel_in_turns(tasks: list[asyncio.Future[Any]]) -> None:
    """See `cancel_all`; empties the list, as to free thousands of tasks at once takes long."""
    for at in range(0, len(tasks), CANCELLED_TOGETHER):
        for task in tasks[at : at + CANCELLED_TOGETHER]:
            task.cancel()
        await asyncio.sleep(0)
    while tasks:
        together = [tasks.pop() for _ in range(min(len(tasks), CANCELLED_TOGETHER))]
        await asyncio.gather(*together, return_exceptions=True)


async def gather_all(coroutines: Iterable[Coroutine[Any, Any, ResultT]]) -> list[ResultT]:
    """Run `coroutines` at the same time and return their results in order.

    The first one that fails cancels the others, and its error is raised as it is, not in a group.
    """
    # No `asyncio.TaskGroup`: where that is cancelled its frame knows the error, which knows the frame.
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        if tasks:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError:
        await cancel_all(tasks)
        raise
    failures = [task for task in tasks if task.done() and (task.cancelled() or task.exception())]
    if failures:
        await cancel_all(tasks)
        failures[0].result()
    return [task.result() for task in tasks]


async def drain(stream: AsyncGenerator[ResultT, None], queue: asyncio.Queue[ResultT | None]) -> None:
    """Put all that a stream gives into a queue, in turns with others where it waits for nothing."""
    pauses = Pauses()
    async with aclosing(stream):
        async for item in stream:
            await pauses.pause()
            queue.put_nowait(item)


async def merge_in_order(streams: Iterable[AsyncGenerator[ResultT, None]]) -> AsyncGenerator[tuple[int, ResultT], None]:
    """Run `streams` at the same time; yield what they give with their index, all of the first, then of the second…

    What a later one gives waits for its turn. Closing the iterator closes them all; so does the error of one, which
    is raised at its turn.
    """

    async def fill(queue: asyncio.Queue[ResultT | None], stream: AsyncGenerator[ResultT, None]) -> None:
        try:
            await drain(stream, queue)
        finally:
            queue.put_nowait(None)

    queues: list[tuple[asyncio.Queue[ResultT | None], asyncio.Task[None]]] = []
    try:
        for stream in streams:
            queue: asyncio.Queue[ResultT | None] = asyncio.Queue()
            queues.append((queue, asyncio.create_task(fill(queue, stream))))
        for index, (queue, task) in enumerate(queues):
            while (item := await queue.get()) is not None:
                yield index, item
            await task
    finally:
        await cancel_all(task for _, task in queues)


def merge(streams: Sequence[AsyncGenerator[ResultT, None]]) -> AsyncGenerator[ResultT, None]:
    """Run `streams` at the same time and yield what they give as it comes; one alone is returned as it is.

    Closing the iterator closes them all; so does the first error, which is raised at once.
    """
    return streams[0] if len(streams) == 1 else merge_several(streams)


async def merge_several(streams: Sequence[AsyncGenerator[ResultT, None]]) -> AsyncGenerator[ResultT, None]:
    """See `merge`."""
    queue: asyncio.Queue[ResultT | None] = asyncio.Queue()
    # A task that has ended is told of by None, not by itself: what is left in the queue is known to what it ended with.
    tasks = [asyncio.create_task(drain(stream, queue)) for stream in streams]
    for task in tasks:
        task.add_done_callback(lambda _: queue.put_nowait(None))
    running = len(tasks)
    try:
        while running:
            item = await queue.get()
            if item is None:
                running -= 1
                for task in tasks:
                    if task.done():
                        task.result()
            else:
                yield item
    finally:
        await cancel_all(tasks)


async def in_order(stream: AsyncGenerator[tuple[int, ResultT], None]) -> AsyncGenerator[ResultT, None]:
    """Yield what `stream` gives with the indices 0, 1, 2… in their order; what comes early waits."""
    early: dict[int, ResultT] = {}
    due = 0
    try:
        async with aclosing(stream):
            async for index, item in stream:
                early[index] = item
                while due in early:
                    yield early.pop(due)
                    due += 1
    finally:
        let_go(list(early.values()))


async def in_groups(
    stream: AsyncGenerator[ResultT, None], *, seconds: float = 0.0
) -> AsyncGenerator[list[ResultT], None]:
    """Yield what `stream` gives in lists of all that is there by then, one item at least.

    The first list comes at once, each other one no sooner than `seconds` after the one before, unless it is the last.
    """
    queue: asyncio.Queue[ResultT | None] = asyncio.Queue()
    task = asyncio.create_task(drain(stream, queue))
    task.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while (item := await queue.get()) is not None:
            group = [item]
            while not queue.empty() and (item := queue.get_nowait()) is not None:
                group.append(item)
            yield group
            if item is None:
                break
            if seconds:
                await asyncio.wait([task], timeout=seconds)
        task.result()
    finally:
        await cancel_all([task])


class Work(Generic[ItemT, ResultT]):
    """A function to be called for each of some items, by any number of threads together.

    Args:
        function: is called with one item.
        items: at least one.
    """

    def __init__(self, function: Callable[[ItemT], ResultT], items: Sequence[ItemT]) -> None:
        self._function = function
        self._items = items
        self._results: list[ResultT | None] = [None] * len(items)
        self._taken = self._done = 0
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self.results: asyncio.Future[list[ResultT]] = self._loop.create_future()

    @property
    def is_taken(self) -> bool:
        """Whether every item is done or under way, or nobody wants the results any more."""
        return self._taken >= len(self._items)

    def cancel(self) -> None:
        """Begin no further item."""
        with self._lock:
            self._taken = len(self._items)

    def let_go(self) -> None:
        """Begin no further item, and forget what was made of the others, unless that is all there is to make."""
        self.cancel()
        with self._lock:
            if self._done == len(self._items):
                return
            results, self._results = self._results, [None] * len(self._items)
        let_go(results)

    def advance(self, seconds: float) -> None:
        """Work on items, one at least where there is one, until `seconds` have passed."""
        end = time.monotonic() + seconds
        while (index := self._take()) is not None:
            try:
                self._results[index] = self._function(self._items[index])
            except BaseException as error:
                self.cancel()
                self._tell(partial(self.results.set_exception, error))
                return
            with self._lock:
                self._done += 1
                is_last = self._done == len(self._items)
            if is_last:
                self._tell(partial(self.results.set_result, cast(list[ResultT], self._results)))
            if time.monotonic() >= end:
                return

    def _take(self) -> int | None:
        with self._lock:
            if self.is_taken:
                return None
            self._taken += 1
            return self._taken - 1

    def _tell(self, settle: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(lambda: None if self.results.done() else settle())


class CallerWork:
    """The work of one caller: what is new and what has had a turn are next in turn, each first come, first served.

    A call that is done within a turn waits for no more than what is new, and what is new without end holds up nothing.
    """

    def __init__(self) -> None:
        self._new: deque[Work[Any, Any]] = deque()
        self._begun: deque[Work[Any, Any]] = deque()
        self._was_new = False

    def add(self, work: Work[Any, Any]) -> None:
        """Take work that has had no turn yet."""
        self._new.append(work)

    def next(self) -> Work[Any, Any] | None:
        """Return the work whose turn it is; None where there is none."""
        for works in (self._new, self._begun):
            while works and works[0].is_taken:
                works.popleft()
        self._was_new = bool(self._new) and not (self._was_new and self._begun)
        works = self._new if self._was_new else self._begun
        if not works:
            return None
        work = works.popleft()
        self._begun.append(work)
        return work


class TextPool:
    """The threads on which text is split, tokenised, detected and joined: never on the event loop.

    Callers take turns: a caller with a thousand texts and one with a sentence get a turn each, one after the other,
    and what a turn leaves waits for the caller's next one. So do the calls of one caller, who may be a proxy: of these,
    what is new and what a turn has left take every other turn, so that what is done in one waits for few.

    Args:
        threads: how many there are.
    """

    def __init__(self, threads: int) -> None:
        self._waiting: OrderedDict[str, CallerWork] = OrderedDict()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._serve, name=f"text-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    async def run(
        self,
        context: CallContext,
        function: Callable[[ItemT], ResultT],
        items: Sequence[ItemT],
        *,
        characters: int | None = None,
    ) -> list[ResultT]:
        """Call `function` with each of `items`, off the event loop but for short texts; return the results in order.

        Cancelling begins no further item; so does the first error, which is raised.

        Args:
            context: whose turn it is that the work is done in.
            function: is called on any of the threads, for several items at the same time.
            items: a large one is worth cutting before: a turn ends between two items.
            characters: how many code points `function` goes through in all items, at no more than a microsecond each;
                none are few items at once, whatever they are. By default it may take any time.
        """
        if characters is not None and characters <= SHORT and len(items) <= FEW:
            return [function(item) for item in items]
        if not items:
            return []
        work, began = Work(function, items), time.monotonic()
        with self._changed:
            self._waiting.setdefault(context.caller, CallerWork()).add(work)
            self._changed.notify(len(items))
        try:
            return await work.results
        finally:
            work.let_go()
            if context.trace:
                context.trace.record("text", began)

    async def call(
        self, context: CallContext, function: Callable[[], ResultT], *, characters: int | None = None
    ) -> ResultT:
        """Call `function` once, as `run` does."""
        (result,) = await self.run(context, lambda _: function(), (None,), characters=characters)
        return result

    def close(self) -> None:
        """Let the threads end after what they are working on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _serve(self) -> None:
        while work := self._next_turn():
            work.advance(TURN_SECONDS)
            del work  # else a thread that waits keeps what its last caller sent

    def _next_turn(self) -> Work[Any, Any] | None:
        """Wait for the work whose turn it is; None once closed."""
        with self._changed:
            while not self._closed:
                for caller, works in list(self._waiting.items()):
                    if work := works.next():
                        self._waiting.move_to_end(caller)
                        return work
                    del self._waiting[caller]
                self._changed.wait()
            return None


class InFlightCalls:
    """Counts the calls that are being answered, and lets them end before the server does.

    Args:
        within: what counts these calls too, with those of others; once that drains, so does this.

    Attributes:
        active: how many there are.
        draining: set once new calls are refused.
    """

    def __init__(self, within: "InFlightCalls | None" = None) -> None:
        self.active = 0
        self.draining: asyncio.Event = within.draining if within else asyncio.Event()
        self._within = within
        self._idle = asyncio.Event()
        self._idle.set()

    def expect_serving(self) -> None:
        """Raise ServerDraining once draining has begun."""
        if self.draining.is_set():
            raise ServerDraining("the server is shutting down; another replica may answer")

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count one call while the block runs; raises ServerDraining once draining has begun."""
        self.expect_serving()
        with self._within.call() if self._within else nullcontext():
            self.active += 1
            self._idle.clear()
            try:
                yield
            finally:
                self.active -= 1
                if not self.active:
                    self._idle.set()

    async def wait_until_idle(self) -> None:
        """Return once no call is being answered."""
        await self._idle.wait()

    async def drain(self, grace: float) -> bool:
        """Refuse new calls and wait for those in flight; return False where `grace` seconds were not enough."""
        self.draining.set()
        try:
            async with asyncio.timeout(grace):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
