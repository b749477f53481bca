"""The server without one of its parts, as a process: what that part gives is told by leaving it out.

The parts are taken out here, and not by settings: nobody else should run a server without them.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from polygist_service import concurrency
from polygist_service.app import lifecycle, native, server
from polygist_service.cli.app import main as run
from polygist_service.engine import engine, scheduler
from polygist_service.engine.interface import Decoding, ModelInfo
from polygist_service.engine.jobs import Job, Request, Shelf
from polygist_service.engine.models.decoding import Generation
from polygist_service.engine.residency.loader import Loader
from polygist_service.engine.scheduler import Scheduler
from polygist_service.translation.types import DecodingPreset

ENDLESS = 1_000_000


def put(owner: Any, name: str, value: Any) -> None:
    """Put something in the place of a part; raises AttributeError where that has another name by now."""
    getattr(owner, name)
    setattr(owner, name, value)


class OwnShelf:
    """What of a shelf is one request's."""

    def __init__(self, shelf: Shelf, request: Request) -> None:
        self._shelf = shelf
        self._request = request

    def requests(self, length: int, most: int) -> list[Request]:
        """See `Shelf.requests`."""
        return [self._request] if most > 0 and self.first(length, self._request) else []

    def first(self, length: int, request: Request) -> Job | None:
        """See `Shelf.first`."""
        return self._shelf.first(length, request)


class OwnBatches(Scheduler):
    """Fills a batch with segments of the request that begins it, and of no other."""

    def _take_batch(self, first: Job, idle_slots: int, now: float) -> list[Job]:
        self._own = first.waiting.request
        return super()._take_batch(first, idle_slots, now)

    def _take_near(self, shelf: Any, length: int, room: int, now: float) -> list[Job]:
        return super()._take_near(OwnShelf(shelf, self._own), length, room, now)


def leave_out_sharing() -> None:
    """Let no two requests share a batch."""
    put(engine, "Scheduler", OwnBatches)


def leave_out_sorting() -> None:
    """Fill batches in the order in which lengths have come, whatever they are."""
    put(Shelf, "near", lambda self, length: list(self._lengths))
    put(Loader, "_find_seams", lambda self, loadable, model: (ENDLESS,))  # all may be mixed


def leave_out_mixing() -> None:
    """Mix no lengths that are not known to answer alike: as where the probe finds no seams."""
    put(Loader, "_find_seams", lambda self, loadable, model: ())


def leave_out_time_cap() -> None:
    """Let a batch take as long as it likes."""
    put(scheduler, "SHARED_SECONDS", ENDLESS)
    put(scheduler, "LONE_SECONDS", ENDLESS)


def shorten_time_cap() -> None:
    """Let a batch take 80 ms beside others, which the design began with."""
    put(scheduler, "SHARED_SECONDS", 0.08)


def leave_out_score_skipping() -> None:
    """Have the model work out the score of every output, which nobody has asked for."""
    arguments = Generation.arguments
    put(Generation, "arguments", lambda self, options: {**arguments(self, options), "return_scores": True})


def leave_out_full_vocabulary() -> None:
    """Choose among the shortlist, as with the SPEED preset."""
    for_model = DecodingPreset.for_model

    def choose(self: DecodingPreset, model: ModelInfo) -> Decoding:
        return replace(for_model(self, model), shortlist=model.has_shortlist)

    put(DecodingPreset, "for_model", choose)


def leave_out_short_texts() -> None:
    """Send short texts to the text threads, too."""
    put(concurrency, "SHORT", -1)


def leave_out_settled_heap() -> None:
    """Leave Python's collector as it is."""
    put(server, "settle_heap", lambda: None)


def leave_out_switch_interval() -> None:
    """Let a thread keep the interpreter for 5 ms, as Python does."""
    put(lifecycle, "SWITCH_SECONDS", 0.005)


def leave_out_wide_kernels() -> None:
    """Leave the choice of its kernels to CTranslate2."""
    put(native, "set_kernels", lambda environment, *, processor: None)


def leave_out_nothing() -> None:
    """Serve as always."""


WHOLE = "all parts"
PARTS: Mapping[str, Callable[[], None]] = {
    WHOLE: leave_out_nothing,
    "batches shared by requests": leave_out_sharing,
    "batches of the nearest lengths": leave_out_sorting,
    "lengths mixed between seams": leave_out_mixing,
    "a bound on the time of a batch": leave_out_time_cap,
    "that bound at 200 ms, not 80": shorten_time_cap,
    "no scores unless asked for": leave_out_score_skipping,
    "the full vocabulary, not the shortlist": leave_out_full_vocabulary,
    "short texts on the event loop": leave_out_short_texts,
    "the collector every 10,000 objects": leave_out_settled_heap,
    "the interpreter's switch at 1 ms": leave_out_switch_interval,
    "CTranslate2's kernels for AVX-512": leave_out_wide_kernels,
}


if __name__ == "__main__":
    PARTS[sys.argv.pop(1)]()
    run()
