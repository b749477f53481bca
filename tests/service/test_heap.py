"""When the C library's heap is trimmed, on figures that are made up."""

import asyncio

import pytest
from polygist_service.app.heap import MOST_PASSES, PASSES, TRIMS, keep_collected, keep_trimmed, resident_bytes

MB = 1_000_000


async def trims(*megabytes):
    """How often the heap is trimmed at each look, when it has so many megabytes; the first are those at the start."""
    sizes, counts = iter(megabytes), []

    def trim():
        counts[-1] += 1

    def resident():
        return current[0] * MB

    current = [next(sizes)]

    async def look(_):
        try:
            current[0] = next(sizes)
        except StopIteration:
            raise asyncio.CancelledError from None
        counts.append(0)

    with pytest.raises(asyncio.CancelledError):
        await keep_trimmed(resident=resident, trim=trim, sleep=look)
    return counts


async def test_a_heap_that_does_not_grow_is_left_alone():
    assert await trims(300, 300, 310, 305, 300) == [0, 0, 0, 0]


async def test_what_has_grown_is_trimmed_for_a_while():
    assert await trims(300, 300, 500, *[480] * TRIMS) == [0, *[1] * TRIMS, 0]


async def test_what_shrinks_is_the_measure_of_what_grows():
    assert await trims(300, 200, 200, 220) == [0, 0, 1]


async def test_what_grows_while_it_is_trimmed_is_trimmed_longer():
    assert await trims(300, 400, 400, 500, *[500] * TRIMS) == [1, 1, *[1] * TRIMS, 0]


@pytest.mark.parametrize(
    ("passes", "idle", "collected"),
    [
        (PASSES - 1, [True, True], 0),
        (PASSES, [True, True], 1),
        (PASSES, [False, True], 0),
        (PASSES, [True, False, True], 0),
        (MOST_PASSES - 1, [False, False], 0),
        (MOST_PASSES, [False, False], 2),
    ],
)
async def test_all_is_gone_through_when_nobody_waits_or_it_is_high_time(passes, idle, collected):
    collections, looks = [], iter(idle)
    now = [False]

    async def look(_):
        try:
            now[0] = next(looks)
        except StopIteration:
            raise asyncio.CancelledError from None

    with pytest.raises(asyncio.CancelledError):
        await keep_collected(lambda: now[0], passes=lambda: passes, collect=lambda: collections.append(1), sleep=look)
    assert len(collections) == collected


def test_this_process_takes_memory():
    assert resident_bytes() > MB
