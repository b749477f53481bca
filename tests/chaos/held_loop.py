"""A server that notes what holds its event loop: ``python -m tests.chaos.held_loop FILE serve …``.

What counts is the time of the processor that one callback takes on the loop's thread: that does not grow where others
use the machine too. A round is all callbacks that are ready at a time: what comes meanwhile waits for the end of it.
"""

import asyncio
import asyncio.base_events
import asyncio.events
import gc
import itertools
import json
import math
import sys
import threading
import time
import types
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

NOTED_MILLISECONDS = 5.0


class Stopwatch:
    """The processor's time of one thread, and what of it went to the collector of garbage."""

    def __init__(self) -> None:
        self.collecting = 0.0
        self._thread = threading.get_ident()
        self._began = 0.0
        gc.callbacks.append(self._collect)

    def _collect(self, phase: str, _: object) -> None:
        if threading.get_ident() != self._thread:
            return
        if phase == "start":
            self._began = time.thread_time()
        else:
            self.collecting += time.thread_time() - self._began

    def measure(self, run: Callable[[], Any]) -> tuple[float, float]:
        """Call a function; return the milliseconds that it took, and those of them that were the collector's."""
        before, began = self.collecting, time.thread_time()
        run()
        return (time.thread_time() - began) * 1000, (self.collecting - before) * 1000


def note_holds(path: Path) -> None:
    """Write a line to a file for each callback of an event loop that takes long, with where it was seen most."""
    run, run_round = asyncio.events.Handle._run, asyncio.base_events.BaseEventLoop._run_once
    output, watch = path.open("a", buffering=1), Stopwatch()
    seen: list[str] = []
    began = [math.inf]  # the callback that runs
    parts: Counter[str] = Counter()  # of a round, in milliseconds

    def note(kind: str, milliseconds: float, collecting: float, places: list[str]) -> None:
        if milliseconds > NOTED_MILLISECONDS:
            told = {kind: round(milliseconds, 1), "collecting": round(collecting, 1), "places": places}
            output.write(json.dumps(told) + "\n")

    def timed(handle: asyncio.events.Handle) -> None:
        seen.clear()
        began[0] = time.monotonic()
        milliseconds, collecting = watch.measure(lambda: run(handle))
        began[0] = math.inf
        parts[name_of(handle)] += milliseconds
        note("callback", milliseconds, collecting, [place for place, _ in Counter(list(seen)).most_common(3)])

    def timed_round(loop: asyncio.base_events.BaseEventLoop) -> None:
        parts.clear()
        milliseconds, collecting = watch.measure(lambda: run_round(loop))
        note("round", milliseconds, collecting, [f"{name}: {share:.1f} ms" for name, share in parts.most_common(3)])

    def look(thread: int) -> None:
        while True:
            time.sleep(0.001)
            # Where a thread begins, CPython 3.11 may take what is no frame yet for one, and end: so it is asked seldom.
            if time.monotonic() - began[0] < NOTED_MILLISECONDS / 1000:
                continue
            frames = itertools.islice(walk(sys._current_frames()[thread]), 4)
            seen.append(" < ".join(f"{each.f_code.co_qualname}:{each.f_lineno}" for each in frames))

    asyncio.events.Handle._run = timed
    asyncio.base_events.BaseEventLoop._run_once = timed_round
    threading.Thread(target=look, args=(threading.get_ident(),), daemon=True).start()


def name_of(handle: asyncio.events.Handle) -> str:
    """Return what a callback goes on with: a task's coroutine, or a function."""
    callback = handle._callback
    task = getattr(callback, "__self__", None)
    called = task.get_coro() if isinstance(task, asyncio.Task) else callback
    return str(getattr(called, "__qualname__", called))


def walk(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    """Yield a frame and those that called it."""
    while frame:
        yield frame
        frame = frame.f_back


if __name__ == "__main__":
    import polygist_service

    note_holds(Path(sys.argv.pop(1)))
    polygist_service.main()
