"""What a job says while it runs and at its end."""

from collections.abc import Callable, Iterable
from typing import Any

from .results import Tally

EVERY_SECONDS = 10.0
MOST_REASONS = 5


class Progress:
    """Says how far a job is, every `EVERY_SECONDS`.

    Args:
        parts: how many there are.
        before: what was counted of each part that a job before has done.
        say: takes a line.
        clock: seconds.
    """

    def __init__(
        self, parts: int, before: Iterable[Tally], *, say: Callable[[str], object], clock: Callable[[], float]
    ) -> None:
        self._parts = parts
        self._say = say
        self._clock = clock
        self._began = self._said = clock()
        self._worked_from: float | None = None
        self.total, self.mine = Tally(), Tally()
        self.before = self.done = 0
        for tally in before:
            self.total.add(tally)
            self.before += 1
        self.done = self.before

    @property
    def seconds(self) -> float:
        """How long this job has run."""
        return self._clock() - self._began

    @property
    def seconds_of_work(self) -> float:
        """The same without its start: since the first part was begun."""
        return 0.0 if self._worked_from is None else self._clock() - self._worked_from

    def add(self, tally: Tally, seconds: float) -> None:
        """Count a part that is done, which took so many seconds."""
        began = self._clock() - seconds
        self._worked_from = min(began, began if self._worked_from is None else self._worked_from)
        self.done += 1
        self.total.add(tally)
        self.mine.add(tally)
        if self._clock() - self._said >= EVERY_SECONDS:
            self._said = self._clock()
            self._say(self.line())

    def line(self) -> str:
        """Return how far it is."""
        left = self.seconds_of_work * (self._parts - self.done) / max(1, self.done - self.before)
        return (
            f"part {self.done} of {self._parts}: {self.total.documents:,} documents, {self.total.failed:,} failed,"
            f" {self.rate:.1f}/s, {tell_time(left)} left"
        )

    @property
    def rate(self) -> float:
        """Documents a second, of this job, without its start."""
        return self.mine.documents / self.seconds_of_work if self.seconds_of_work else 0.0

    def summary(self) -> dict[str, Any]:
        """Return what is to be said at the end, for programs."""
        return {
            "parts": self._parts,
            "parts_done": self.done,
            "parts_done_before": self.before,
            **self.total.to_json(),
            "seconds": round(self.seconds, 3),
            "seconds_of_work": round(self.seconds_of_work, 3),
            "documents_per_second": round(self.rate, 3),
        }


def write_summary(summary: dict[str, Any], output: str) -> str:
    """Return what is to be said at the end, for people."""
    documents, failed = summary["documents"], summary["failed"]
    lines = [
        f"{summary['parts_done']} of {summary['parts']} parts are done"
        + (f", {summary['parts_done_before']} of them by jobs before" if summary["parts_done_before"] else ""),
        f"{documents:,} documents, {failed:,} failed; {summary['characters']:,} characters,"
        f" {summary['tokens_read']:,} tokens read and {summary['tokens_written']:,} written",
        f"{tell_time(summary['seconds'])}, {tell_time(summary['seconds_of_work'])} of them at work:"
        f" {summary['documents_per_second']:.1f} documents a second",
    ]
    reasons = sorted(summary["reasons"].items(), key=lambda each: (-each[1], each[0]))
    lines += [f"failed with {reason}: {count:,}" for reason, count in reasons[:MOST_REASONS]]
    lines.append(f"results: {output}")
    if missing := summary["parts"] - summary["parts_done"]:
        lines.append(f"{missing} parts failed, which is no matter of single documents: see above; start again for them")
    return "\n".join(lines)


def tell_time(seconds: float) -> str:
    """Return a time in words: ``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
