import asyncio
from contextlib import aclosing

import pytest
from polygist_service.concurrency import merge_in_order


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
