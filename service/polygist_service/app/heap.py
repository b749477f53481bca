"""The C library's heap, so that models that are gone leave their memory, and Python's collector. Stdlib only."""

import asyncio
import ctypes
import gc
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

ARENA_MAX = -8  # of glibc's malloc.h
ARENAS = 2
# The collector passes over what is new once that has grown by so many objects, over what has stayed once after so many
# passes, and never by itself over all: everything stands still then, 0.1 s where a call has a million characters.
COLLECT_AFTER = (2_500, 5, 1_000_000)
# After so many passes over what has stayed once all is gone through where no call is under way, or else after so many.
PASSES, MOST_PASSES = 100, 1000
# The heap is looked at so often, in seconds, and once it has grown by such a share, it is trimmed so many times.
LOOK_SECONDS = 2.0
GROWTH = 0.05
TRIMS = 5
STATM = Path("/proc/self/statm")


def limit_arenas() -> None:
    """Let all threads share two arenas; has to come before the threads. Does nothing where it is not glibc.

    glibc makes one for each thread, where the weights of one load leave holes that the next does not fit: with eight,
    a process of 300 MB had 340 after 40 reloads under load; with two it had as much as before, and answered no slower.
    Who has set ``MALLOC_ARENA_MAX`` has decided otherwise.
    """
    adjust = getattr(ctypes.CDLL(None), "mallopt", None)
    if adjust is not None and "MALLOC_ARENA_MAX" not in os.environ:
        adjust(ARENA_MAX, ARENAS)


def trim_heap() -> None:
    """Let the C library return what is free to the system; does nothing where it is not glibc."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def resident_bytes() -> int:
    """Return how much memory this process takes; 0 where the system does not tell as Linux does."""
    try:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


async def keep_trimmed(
    *,
    resident: Callable[[], int] = resident_bytes,
    trim: Callable[[], None] = trim_heap,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Trim the heap for ever, for a while after it has grown.

    What large requests leave stays in the C library's heap, which returns only what is free at its end: 200 messages of
    15 MB left 180 MB there. It is in use at first, so one trim is not enough.
    """
    kept, left = resident(), 0
    while True:
        await sleep(LOOK_SECONDS)
        now = resident()
        if now > kept * (1 + GROWTH):
            left = TRIMS
        if left:
            left -= 1
            await asyncio.to_thread(trim)
            kept = resident()
        else:
            kept = min(kept, now)


def settle_heap() -> None:
    """Let Python's collector pass over all that is there by now.

    What was imported and loaded stays as long as the process; going through it took 2 % of a busy server's time. And
    what comes of a call is nearly all gone with it, without the collector: to look for the rest after every 700 objects
    took a tenth of the event loop's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def keep_collected(
    is_idle: Callable[[], bool],
    *,
    passes: Callable[[], int] = lambda: gc.get_count()[2],
    collect: Callable[[], object] = gc.collect,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Have the collector go through all that has stayed, for ever, when there is some and nobody waits.

    Args:
        is_idle: whether no call is under way.
        passes: how often it has gone through what has stayed once since then.
        collect, sleep: do what they are called.
    """
    was_idle = False
    while True:
        await sleep(LOOK_SECONDS)
        # What a call leaves is let go of for a while after its end.
        is_quiet, was_idle = was_idle and is_idle(), is_idle()
        if passes() >= (PASSES if is_quiet else MOST_PASSES):
            collect()
