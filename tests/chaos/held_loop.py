"""A server that notes what holds its event loop: ``python -m tests.chaos.held_loop FILE serve …``.

What counts is the time of the processor that one callback takes on the loop's thread: that does not grow where others
use the machine too.
"""

import asyncio.events
import itertools
import json
import sys
import threading
import time
import types
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

NOTED_MILLISECONDS = 5.0


def note_holds(path: Path) -> None:
    """Write a line to a file for each callback of an event loop that takes long, with where it was seen most."""
    run = asyncio.events.Handle._run
    output = path.open("a", buffering=1)
    seen: list[str] = []

    def timed(handle: asyncio.events.Handle) -> None:
        began = time.thread_time()
        seen.clear()
        run(handle)
        milliseconds = (time.thread_time() - began) * 1000
        if milliseconds > NOTED_MILLISECONDS:
            places = [place for place, _ in Counter(list(seen)).most_common(3)]
            output.write(json.dumps({"milliseconds": round(milliseconds, 1), "places": places}) + "\n")

    def look(thread: int) -> None:
        while True:
            time.sleep(0.001)
            frames = itertools.islice(walk(sys._current_frames()[thread]), 4)
            seen.append(" < ".join(f"{each.f_code.co_qualname}:{each.f_lineno}" for each in frames))

    asyncio.events.Handle._run = timed
    threading.Thread(target=look, args=(threading.get_ident(),), daemon=True).start()


def walk(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    """Yield a frame and those that called it."""
    while frame:
        yield frame
        frame = frame.f_back


if __name__ == "__main__":
    import polygist_service

    note_holds(Path(sys.argv.pop(1)))
    polygist_service.main()
