import asyncio
import gc
import threading
import time
import weakref
from contextlib import aclosing, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.concurrency import (
    CANCELLED_TOGETHER,
    CLOCKED,
    FEW,
    SHORT,
    TURN_SECONDS,
    cancel_all,
    gather_all,
    in_order,
    let_go,
    merge,
    merge_in_order,
    run_in_turns,
)
from polygist_service.context import CallContext

from tests.service.harness import until
from tests.service.one_model import ME, text_pool


class Source:
    """A stream of numbers that notes whether it was closed."""

    def __init__(self, *items, error=None, gate=None):
        self.items, self.error, self.gate = items, error, gate
        self.given, self.is_closed, self.is_spent = [], False, asyncio.Event()

    async def stream(self):
        try:
            for item in self.items:
                if self.gate:
                    await self.gate.wait()
                self.given.append(item)
                yield item
            self.is_spent.set()
            if self.error:
                raise self.error
        finally:
            self.is_closed = True


async def collect(*sources, into=None):
    received = [] if into is None else into
    async for pair in merge_in_order(source.stream() for source in sources):
        received.append(pair)
    return received


async def test_all_of_the_first_come_before_all_of_the_second():
    assert await collect(Source(1, 2), Source(), Source(3)) == [(0, 1), (0, 2), (2, 3)]
    assert await collect() == []


async def test_they_run_at_the_same_time():
    gate = asyncio.Event()
    first, second = Source(1, gate=gate), Source(2, 3)
    async with aclosing(merge_in_order([first.stream(), second.stream()])) as merged:
        pending = asyncio.ensure_future(anext(merged))
        await second.is_spent.wait()
        gate.set()
        assert await pending == (0, 1)


async def test_an_error_comes_at_its_turn_and_closes_the_others():
    gate = asyncio.Event()
    sources = Source(1), Source(2, error=ValueError("second")), Source(3, gate=gate)
    received = []
    with pytest.raises(ValueError, match="second"):
        await collect(*sources, into=received)
    assert received == [(0, 1), (1, 2)]
    assert sources[2].given == []


async def test_closing_closes_all():
    gate = asyncio.Event()
    sources = Source(1, 2), Source(3, 4, gate=gate)
    async with aclosing(merge_in_order(source.stream() for source in sources)) as merged:
        assert await anext(merged) == (0, 1)
    assert [source.is_closed for source in sources] == [True, True]
    assert sources[1].given == []


async def test_merging_gives_all_there_is_and_an_error_at_once():
    async with aclosing(merge([Source(1, 2).stream(), Source().stream(), Source(3).stream()])) as merged:
        assert sorted([item async for item in merged]) == [1, 2, 3]
    sources = Source(1, gate=asyncio.Event()), Source(error=ValueError("second"))
    with pytest.raises(ValueError, match="second"):
        async for _ in merge([source.stream() for source in sources]):
            pass
    assert sources[0].is_closed


@given(st.permutations(range(9)))
def test_what_comes_early_waits(arrivals):
    async def stream():
        for index in arrivals:
            yield index, f"item {index}"

    async def collect():
        return [item async for item in in_order(stream())]

    assert asyncio.run(collect()) == [f"item {index}" for index in range(9)]


async def test_a_pool_returns_results_in_order_off_the_event_loop():
    async with text_pool() as pool:
        threads = await pool.run(ME, lambda _: threading.current_thread(), range(100))
        assert threading.current_thread() not in threads
        assert await pool.run(ME, str, range(1000)) == list(map(str, range(1000)))
        assert await pool.run(ME, str, []) == []
        assert await pool.call(ME, lambda: 5) == 5


async def test_few_short_texts_are_worked_on_at_once():
    async with text_pool() as pool:

        async def ran_at_once(*items, characters):
            (*threads,) = await pool.run(ME, lambda _: threading.current_thread(), items, characters=characters)
            return set(threads) <= {threading.current_thread()}

        assert await ran_at_once(1, 2, characters=SHORT)
        assert await ran_at_once(*range(FEW), characters=0)
        assert not await ran_at_once(1, characters=SHORT + 1)
        assert not await ran_at_once(*range(FEW + 1), characters=0)
        assert await pool.call(ME, threading.current_thread, characters=1) is threading.current_thread()
        assert await pool.call(ME, threading.current_thread) is not threading.current_thread()


@pytest.mark.parametrize("callers", [("long", "short"), ("proxy", "proxy")])
async def test_callers_and_the_calls_of_one_take_turns(callers):
    """One call has a second of work before another asks for a moment's."""
    done = []

    def work(name):
        time.sleep(TURN_SECONDS / 2)
        done.append(name)

    async with text_pool(threads=1) as pool:
        long = asyncio.ensure_future(pool.run(CallContext(callers[0]), work, ["long"] * 400))
        await asyncio.sleep(5 * TURN_SECONDS)
        await pool.run(CallContext(callers[1]), work, ["short"])
        assert done.count("long") < 100
        long.cancel()


async def test_an_error_ends_its_run_and_no_other():
    calls = []

    def work(number):
        calls.append(number)
        if number == 3:
            raise ValueError("three")
        return number

    async with text_pool(threads=1) as pool:
        other = asyncio.ensure_future(pool.run(CallContext("other"), work, [10, 11]))
        with pytest.raises(ValueError, match="three"):
            await pool.run(ME, work, range(1000))
        assert await other == [10, 11]
    assert calls.count(4) == 0


async def test_who_is_cancelled_begins_nothing_more():
    gate, began, calls = threading.Event(), threading.Event(), []

    def work(number):
        calls.append(number)
        began.set()
        gate.wait(10)

    async with text_pool(threads=1) as pool:
        run = asyncio.ensure_future(pool.run(ME, work, range(10)))
        await asyncio.to_thread(began.wait, 10)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        gate.set()
        assert await pool.call(ME, lambda: "next") == "next"
    assert calls == [0]


@given(st.lists(st.lists(st.integers(), max_size=40), max_size=8))
def test_every_item_is_done_once(requests):
    async def run():
        async with text_pool(threads=3) as pool:
            runs = (pool.run(CallContext(str(at % 3)), lambda item: -item, items) for at, items in enumerate(requests))
            return await asyncio.gather(*runs)

    assert asyncio.run(run()) == [[-item for item in items] for items in requests]


async def test_a_call_that_is_done_in_a_turn_waits_for_few_of_the_same_caller():
    """Eight of its calls have more work than a turn's; four of another one come, one after the other."""
    done, gate = [], threading.Event()

    def work(name):
        gate.wait(10)
        time.sleep(TURN_SECONDS)
        done.append(name)

    async with text_pool(threads=1) as pool:
        long = [asyncio.ensure_future(pool.run(ME, work, ["long"] * 100)) for _ in range(8)]
        await asyncio.sleep(0)
        gate.set()
        await until(lambda: len(done) >= 16)
        done.clear()
        for _ in range(4):
            await pool.run(ME, work, ["short"])
        assert done.count("long") <= 12  # of all in turn it would be 32
        for each in long:
            each.cancel()


async def test_what_is_new_without_end_holds_up_nothing():
    async with text_pool(threads=1) as pool:
        long = asyncio.ensure_future(pool.run(ME, lambda _: time.sleep(TURN_SECONDS), range(10)))
        count = 0
        while not long.done():
            await asyncio.gather(*(pool.run(ME, lambda _: time.sleep(TURN_SECONDS), [1]) for _ in range(4)))
            count += 1
            assert count < 20


class Rounds:
    """Counts the rounds of the event loop while a block runs."""

    async def __aenter__(self):
        self.count, self._task = 0, asyncio.create_task(self._go_on())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _go_on(self):
        while True:
            self.count += 1
            await asyncio.sleep(0)


async def test_what_is_run_in_turns_lets_others_go_on():
    assert await run_in_turns(str, []) == []
    assert await run_in_turns(str, range(100)) == list(map(str, range(100)))
    async with Rounds() as rounds:
        await run_in_turns(lambda _: time.sleep(TURN_SECONDS / CLOCKED), range(2 * CLOCKED))
    assert rounds.count >= 3
    with pytest.raises(ZeroDivisionError):
        await run_in_turns(lambda number: 1 / number, [1, 0])


async def test_steps_with_pauses_of_their_own_hold_the_loop_no_longer_than_one():
    async with Rounds() as rounds:
        await asyncio.sleep(0)
        before = rounds.count
        for _ in range(4):
            await run_in_turns(lambda number: None if number else time.sleep(TURN_SECONDS / 2), range(CLOCKED + 1))
    assert rounds.count > before


async def test_work_that_is_given_up_forgets_what_was_made():
    class Made:
        pass

    made, gate = [], threading.Event()

    def make(number):
        if number == 50:
            gate.wait(10)
        result = Made()
        made.append(weakref.ref(result))
        return result

    async with text_pool() as pool:
        running = asyncio.ensure_future(pool.run(ME, make, range(100)))
        await until(lambda: len(made) >= 50)
        running.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await running
        gate.set()
        await until(lambda: not any(each() for each in made[:50]))
        assert raised.traceback  # whose frames know the work


async def test_lists_are_emptied_in_turns():
    many, few = [object() for _ in range(1000)], [1]
    let_go(many, [], few)
    assert len(many) == 1000
    await until(lambda: not many)
    assert few == [1]  # is freed with whoever had it


async def test_all_tasks_are_cancelled_and_have_ended():
    ended = []

    async def work(number):
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(number)

    async def fail():
        raise ValueError("not told")

    tasks = [asyncio.create_task(work(number)) for number in range(3 * CANCELLED_TOGETHER)]
    await asyncio.sleep(0)
    await cancel_all([*tasks, asyncio.create_task(fail())])
    assert sorted(ended) == list(range(len(tasks)))
    assert all(task.cancelled() for task in tasks)
    await cancel_all([])


async def test_who_is_cancelled_while_tasks_end_has_cancelled_all_of_them():
    gate = asyncio.Event()

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            await gate.wait()

    tasks = [asyncio.create_task(work()) for _ in range(3 * CANCELLED_TOGETHER)]
    await asyncio.sleep(0)
    ending = asyncio.create_task(cancel_all(tasks))
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.gather(ending, return_exceptions=True)
    assert ending.cancelled()
    assert all(task.cancelling() for task in tasks)
    gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_gathered_stands_and_falls_together():
    async def give(item):
        await asyncio.sleep(0)
        return item

    async def fail(message):
        await asyncio.sleep(0)
        raise ValueError(message)

    async def wait():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(1)

    ended = []
    assert await gather_all(give(item) for item in "abc") == ["a", "b", "c"]
    assert await gather_all([]) == []
    with pytest.raises(ValueError, match="one"):
        await gather_all([wait(), fail("one"), fail("two"), wait()])
    assert len(ended) == 2
    gathering = asyncio.create_task(gather_all([wait(), give(1)]))
    await asyncio.sleep(0.01)
    gathering.cancel()
    await asyncio.gather(gathering, return_exceptions=True)
    assert gathering.cancelled()
    assert len(ended) == 3


async def test_what_is_cancelled_leaves_nothing_to_the_collector():
    async def give_up():
        with suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await gather_all([asyncio.sleep(60) for _ in range(3)])

    gc.collect()
    await give_up()
    assert gc.collect() == 0


class Article:
    """What a caller sends."""


async def test_a_thread_that_waits_keeps_nothing_of_its_last_caller():
    async with text_pool() as pool:
        article = Article()
        kept = weakref.ref(article)
        assert await pool.run(ME, lambda item: type(item).__name__, [article]) == ["Article"]
        del article
        await until(lambda: kept() is None)
