"""B8, B10: memory and the time to start, beside CTranslate2 alone."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.quality.process import Server
from bench.speed.bench import PSS_EVERY, Bench, read_pss, watch_pss
from bench.speed.figures import Spread
from bench.speed.findings import Finding, Result
from bench.speed.plan import Stream
from bench.speed.sides import serve

MEMORY_SECONDS = 5.0
GIVEN, GIVEN_AIM = 120.0, 80.0
DETECTED, DETECTED_AIM = 250.0, 200.0
MOST_LEFT = 1.10
# A request as long as one may be, in code points; and how long the server then has to give memory back.
LARGEST = 1_000_000
SETTLE_SECONDS = 20.0
MOST_START, STARTS = 2.0, 5


@dataclass(slots=True)
class Watch:
    """The most memory that was seen."""

    most: float = 0.0
    _ended: threading.Event = field(default_factory=threading.Event)

    def follow(self, pid: int) -> None:
        """Look again and again until told to end."""
        while not self._ended.wait(PSS_EVERY):
            with suppress(OSError, StopIteration):
                self.most = max(self.most, read_pss(pid))

    def end(self) -> None:
        """Look no more."""
        self._ended.set()


@contextmanager
def watching(pid: int) -> Iterator[Watch]:
    """Look at the memory of a process while the block runs."""
    watch = Watch()
    thread = threading.Thread(target=watch.follow, args=(pid,))
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join()


def measure_memory(bench: Bench) -> Result:
    """B8: the most memory under articles from 32 callers, with one model, and after the largest request."""
    texts, model = bench.sentences(16), bench.corpus.model
    folder = str(bench.setting.model_folder(model))
    raw = watch_pss((
        sys.executable, "-m", "bench.speed.raw", "--model", folder, "--texts", texts,
        "--threads", str(bench.setting.layout.slots), "--seconds", str(MEMORY_SECONDS), "--warm-up", "0",
    ))  # fmt: skip
    with bench.serve(None, "--preload", model) as server:
        given = peak(bench, server, Stream("calls", texts, callers=32))
        before = read_pss(server.pid)
        largest, left = after_largest(bench, server)
        detected = peak(bench, server, Stream("calls", texts, callers=32, source=""))
    return Result([
        Finding("peak PSS over raw, language given", given - raw, "MB", None, GIVEN, GIVEN_AIM, True),
        Finding("peak PSS over raw, language detected", detected - raw, "MB", None, DETECTED, DETECTED_AIM, True),
        Finding("PSS a while after the largest request / before", left / before, bar=MOST_LEFT, is_ceiling=True),
        Finding("peak PSS in the largest request", largest, "MB"),
        Finding("peak PSS of raw", raw, "MB"),
    ])  # fmt: skip


def peak(bench: Bench, server: Server, *streams: Stream) -> float:
    """The most memory of a server under load."""
    with watching(server.pid) as watch:
        bench.send(server, *streams, seconds=MEMORY_SECONDS, warm_up=0.0)
    return watch.most


def after_largest(bench: Bench, server: Server) -> tuple[float, float]:
    """The most memory while a server answers the largest request, and what is left of it after a while."""
    sentences, characters = bench.corpus.sentences, 0
    chosen: list[str] = []
    while characters + len(sentence := sentences[len(chosen) % len(sentences)]) < LARGEST - len(chosen) - 1:
        chosen.append(sentence)
        characters += len(sentence)
    texts = bench.texts("largest", ["\n".join(chosen)])
    # One call, that goes on long after the window.
    with watching(server.pid) as watch:
        bench.send(server, Stream("largest", texts, callers=1, deadline=80.0), seconds=0.01, warm_up=0.0)
    time.sleep(SETTLE_SECONDS)
    return watch.most, read_pss(server.pid)


def measure_start(bench: Bench) -> Result:
    """B10: from the start of the process to SERVING, less the time that CTranslate2 takes to load the same models."""
    loads, starts = [], []
    command = list(models_of(bench))
    program = Path(sys.executable).with_name("polygist-server")
    for number in range(STARTS + 1):
        load = float(bench.program("loading", *command))
        with serve(program, bench.setting) as server:
            start = server.start_seconds
        if number:  # the first one fills the page cache
            loads.append(load)
            starts.append(start)
    over = Spread.of(start - load for start, load in zip(starts, loads, strict=True))
    return Result([
        Finding("start to SERVING, less loading alone", over.median, "s", over, MOST_START, is_ceiling=True),
        Finding("start to SERVING", median(starts), "s", Spread.of(starts)),
        Finding("loading alone", median(loads), "s", Spread.of(loads)),
    ])  # fmt: skip


def models_of(bench: Bench) -> Sequence[str]:
    """Folder and role of each installed model that CTranslate2 translates or encodes with."""
    return [part for name, role in bench.roles().items() for part in (str(bench.setting.model_folder(name)), role)]
