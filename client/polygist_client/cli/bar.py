"""The bar of a run: it comes where the run takes its time, and never stands on a line with anything else."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

# Less is over before anybody asks what is going on. As long as results come to the same terminal there is no bar
# either: they are what is going on.
DELAY_SECONDS = 1.0
TICK_SECONDS = 0.1

ItemT = TypeVar("ItemT")


class Bar:
    """A bar on standard error, which shows itself when nothing was written to its terminal for a while.

    Where nobody knows how much there is, it goes while nothing comes: through a pipe, somebody may be typing.

    Args:
        doing: what there are many of.
        total: how many, in all; None where nobody knows.
        is_counted: whether the bar moves on by bytes, and they are counted by how often.
        no_color: whether it has no colours.
    """

    def __init__(self, doing: str, total: int | None, *, is_counted: bool, no_color: bool) -> None:
        self._doing = doing
        self._total = total
        self._is_counted = is_counted
        self._no_color = no_color
        self._count = self._completed = 0
        self._begun = time.monotonic()
        self._due: float | None = self._begun + DELAY_SECONDS
        self._reading_since: float | None = None
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._progress: Progress | None = None
        self._is_shown = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        with self._lock:
            self._hide()

    def advance(self, steps: int) -> None:
        """Move the bar on."""
        with self._lock:
            self._count += 1 if self._is_counted else steps
            self._completed += steps
            if self._progress and self._is_shown:
                self._progress.update(self._progress.task_ids[0], completed=self._completed, count=str(self))

    def watch(self, items: Iterable[ItemT]) -> Iterator[ItemT]:
        """Yield the items as they are read, and take note of how long that takes."""
        unread = iter(items)
        while True:
            self._reading_since = time.monotonic()
            try:
                item = next(unread)
            except StopIteration:
                return
            finally:
                with self._lock:
                    if self._starves(DELAY_SECONDS):
                        self._due = time.monotonic() + DELAY_SECONDS
                    self._reading_since = None
            yield item

    def _starves(self, seconds: float) -> bool:
        """Tell whether the next item has been waited for so long, and nobody knows whether it comes."""
        since = self._reading_since
        return self._total is None and since is not None and time.monotonic() - since >= seconds

    def make_room(self) -> None:
        """Clear the line, and keep it free until `settle`."""
        with self._lock:
            self._hide()
            self._due = None

    def settle(self, *, is_line_open: bool) -> None:
        """Come back after a while, but not behind a line that has not ended."""
        self._due = None if is_line_open else time.monotonic() + DELAY_SECONDS

    def print_above(self, line: str) -> bool:
        """Print a line above the bar; returns False where there is none to see."""
        with self._lock:
            if not (self._progress and self._is_shown):
                return False
            self._progress.console.print(line, markup=False, emoji=False, soft_wrap=True)
            return True

    def __str__(self) -> str:
        """Say how far it is and how fast: "3/200 1.5/s"."""
        of_total = "" if self._is_counted else f"/{'?' if self._total is None else self._total}"
        return f"{self._count}{of_total} {self._count / max(time.monotonic() - self._begun, 0.001):.1f}/s"

    def _watch(self) -> None:
        while not self._ended.wait(min(TICK_SECONDS, DELAY_SECONDS)):
            with self._lock:
                is_due = self._due is not None and time.monotonic() >= self._due
                if self._starves(DELAY_SECONDS):
                    self._hide()
                elif is_due and not (self._is_shown or self._starves(TICK_SECONDS) or self._ended.is_set()):
                    self._show()

    def _show(self) -> None:
        if self._progress is None:
            self._progress = self._make_progress()
        self._progress.update(self._progress.task_ids[0], completed=self._completed, count=str(self))
        self._progress.start()
        self._is_shown = True

    def _hide(self) -> None:
        if self._progress and self._is_shown:
            self._is_shown = False
            with suppress(OSError):  # a terminal that has gone: what the run has to say is said elsewhere
                self._progress.stop()

    def _make_progress(self) -> "Progress":
        # Only here: most runs end before they need it, and it takes a third of their start.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn() if self._total is None else TimeRemainingColumn(compact=True),
            console=Console(stderr=True, no_color=True if self._no_color else None, highlight=False),
            transient=True, redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        progress.add_task(self._doing, total=self._total, count=str(self))
        return progress
