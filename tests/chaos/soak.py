"""``make soak SECONDS=``: a server under mixed load for as long as asked, and what its memory did meanwhile.

Lengths have a heavy tail, one call in a hundred is cancelled, one in a hundred is wrong. Prints a line a minute, then
the slope of the resident memory by least squares over the last two thirds, its growth, files, threads, and latencies.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from polygist_client import AsyncClient, CallFailed, InvalidArgument, InvalidInput
from polygist_service.settings import Settings

from tests.chaos.figures import read_resident
from tests.end_to_end.server import ServerProcess

CALLERS = 4
PAUSE_SECONDS = 0.05
SAMPLES = 200
LONGEST_SENTENCES = 200
SEED = 26
SENTENCE = "The library opens at nine, and number {} closes it. "


@dataclass(frozen=True)
class Sample:
    """What a process has at a time: seconds since the start, megabytes, open files, threads."""

    seconds: float
    megabytes: float
    files: int
    threads: int


def look(pid: int, began: float) -> Sample:
    """Look at a process."""
    folder = Path(f"/proc/{pid}")
    files, threads = len(list((folder / "fd").iterdir())), len(list((folder / "task").iterdir()))
    return Sample(time.monotonic() - began, read_resident(pid), files, threads)


class Load:
    """Callers, each with one call after the other until the end.

    Attributes:
        seen: what became of the calls.
        latencies: when a call of the usual kind began, and how long it took.
    """

    def __init__(self, client: AsyncClient, began: float, end: float) -> None:
        self._client, self._began, self._end = client, began, end
        self._chance = random.Random(SEED)
        self.seen: Counter[str] = Counter()
        self.latencies: list[tuple[float, float]] = []

    async def call_on(self) -> None:
        """Call until the end."""
        while time.monotonic() < self._end:
            self.seen[await self._call()] += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _call(self) -> str:
        draw, began = self._chance.random(), time.monotonic()
        sentences = min(LONGEST_SENTENCES, int(self._chance.paretovariate(1.1)))
        text = "".join(SENTENCE.format(self._chance.randrange(10**9)) for _ in range(sentences))
        target = "xx-wrong-" if draw < 0.01 else "pt"
        task = asyncio.ensure_future(self._client.translate(text, to=target, source="en", timeout=120))
        if 0.01 <= draw < 0.02:
            asyncio.get_running_loop().call_later(self._chance.random() * 0.1, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            return "cancelled"
        except (InvalidArgument, InvalidInput):
            return "refused, as it is wrong"
        except CallFailed as error:
            return type(error).__name__
        if sentences == 1:
            self.latencies.append((began - self._began, time.monotonic() - began))
        return "answered"


async def run(seconds: float, process: ServerProcess) -> tuple[Load, list[Sample]]:
    """Load a server for so many seconds, and look at it meanwhile."""
    began = time.monotonic()
    samples, told = [look(process.process.pid, began)], 0.0
    async with AsyncClient(process.address) as client:
        load = Load(client, began, began + seconds)
        callers = [asyncio.create_task(load.call_on()) for _ in range(CALLERS)]
        while time.monotonic() < began + seconds:
            await asyncio.sleep(seconds / SAMPLES)
            samples.append(look(process.process.pid, began))
            if samples[-1].seconds - told >= 60:
                told = samples[-1].seconds
                print(f"{told:6.0f} s  {samples[-1].megabytes:6.0f} MB  {dict(load.seen)}", flush=True)
        await asyncio.gather(*callers)
    return load, samples


def report(load: Load, samples: list[Sample], seconds: float) -> None:
    """Print what came of it."""
    late = [each for each in samples if each.seconds > seconds / 3]
    slope = statistics.linear_regression([each.seconds for each in late], [each.megabytes for each in late]).slope
    first, last = samples[0], samples[-1]
    print(f"{load.seen.total()} calls in {seconds:.0f} s: {dict(load.seen)}")
    print(f"memory: {first.megabytes:.0f} to {last.megabytes:.0f} MB, {late[0].megabytes:.0f} MB after a third")
    print(f"slope over the last two thirds: {slope * 3600:+.1f} MB an hour")
    for name in ("files", "threads"):
        counts = [getattr(each, name) for each in samples]
        print(f"{name}: {counts[0]} at first, {max(counts)} at most, {counts[-1]} at last")
    for name, part in (("first", lambda at: at < seconds / 2), ("second", lambda at: at >= seconds / 2)):
        took = [each for at, each in load.latencies if part(at)]
        if len(took) > 1:
            print(f"one sentence, {name} half: p99 {statistics.quantiles(took, n=100)[98] * 1000:.0f} ms")


def main(seconds: float) -> int:
    """Run it; returns the exit code, which is 1 where a call was lost or the server did not end well."""
    with tempfile.TemporaryDirectory() as folder, ServerProcess(Settings().home, Path(folder) / "log") as process:
        process.wait_until_serving()
        load, samples = asyncio.run(run(seconds, process))
        code = process.stop()
    report(load, samples, seconds)
    lost = load.seen.total() - sum(load.seen[each] for each in ("answered", "cancelled", "refused, as it is wrong"))
    print(f"lost: {lost}; exit code of the server: {code}")
    return int(bool(lost or code))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
