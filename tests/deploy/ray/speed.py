"""Throughput for each second of processors, on a cluster and at a server, in one run; see `make ray-test`."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from os import sysconf
from pathlib import Path

from polygist_client import AsyncClient, Unavailable
from polygist_service.ray.application import Fleet
from polygist_service.settings import Settings

from tests.deploy.ray.cluster import ADDRESSES, TwoNodes, children_of, two_nodes
from tests.end_to_end.server import ServerProcess

REPLICAS = 2
CALLERS = 8
SECONDS, WARM_SECONDS, PAUSE_SECONDS = 10.0, 3.0, 1.0
ITEMS = 400
SENTENCE = "The library opens at nine in the morning."
ARTICLE = Path(__file__).parents[3] / "examples" / "article.txt"
TICKS = sysconf("SC_CLK_TCK")
MODEL = "en-pt"
HEADINGS = ("one sentence", "an article", "a stream of sentences")


@dataclass(frozen=True)
class Measured:
    """What was answered, and what it took.

    Attributes:
        answered: calls, or items.
        wall: seconds.
        work: seconds of processors of what runs models, alone.
        all_work: of all processes that serve.
    """

    answered: int
    wall: float
    work: float
    all_work: float

    @property
    def per_core(self) -> float:
        """Answers for each second of processors."""
        return self.answered / self.all_work


def processor_seconds(pids: Iterator[int]) -> dict[int, float]:
    """Return what each process has had of the processors so far."""
    taken = {}
    for pid in pids:
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            taken[pid] = (int(fields[11]) + int(fields[12])) / TICKS
    return taken


def all_below(pid: int) -> Iterator[int]:
    """Yield a process and all that it has started, and they have."""
    yield pid
    for child in children_of(pid):
        yield from all_below(child)


def name_of(pid: int) -> str:
    """Return what a process calls itself."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


async def call_on(client: AsyncClient, text: str, end: float) -> int:
    """Call until the end; return how many calls were answered."""
    answered = 0
    while time.monotonic() < end:
        try:
            await client.translate(text, to="pt", source="en")
            answered += 1
        except Unavailable:  # on a machine that is busy with other things too
            await asyncio.sleep(PAUSE_SECONDS)
    return answered


async def send_calls(client: AsyncClient, text: str, seconds: float) -> int:
    """Let all callers call for so long."""
    end = time.monotonic() + seconds
    return sum(await asyncio.gather(*(call_on(client, text, end) for _ in range(CALLERS))))


async def send_items(client: AsyncClient, seconds: float) -> int:
    """Send streams of items for so long."""
    answered, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        async for _ in client.translate_many([SENTENCE] * ITEMS, to="pt", source="en"):
            answered += 1
    return answered


async def measure(send: Callable[[float], Awaitable[int]], pids: Callable[[], Iterator[int]]) -> Measured:
    """Load what serves, warm it up first, and tell what it took."""
    await send(WARM_SECONDS)
    before, began = processor_seconds(pids()), time.monotonic()
    answered = await send(SECONDS)
    wall, after = time.monotonic() - began, processor_seconds(pids())
    taken = {pid: seconds - before.get(pid, 0.0) for pid, seconds in after.items()}
    work = sum(seconds for pid, seconds in taken.items() if "ServeReplica" in name_of(pid))
    return Measured(answered, wall, work, sum(taken.values()))


async def measure_all(address: str, pids: Callable[[], Iterator[int]]) -> Mapping[str, Measured]:
    """Measure each kind of load."""
    article = ARTICLE.read_text(encoding="utf-8")
    async with AsyncClient(address) as client:
        loads: Mapping[str, Callable[[float], Awaitable[int]]] = {
            HEADINGS[0]: lambda seconds: send_calls(client, SENTENCE, seconds),
            HEADINGS[1]: lambda seconds: send_calls(client, article, seconds),
            HEADINGS[2]: lambda seconds: send_items(client, seconds),
        }
        return {name: await measure(send, pids) for name, send in loads.items()}


def measure_cluster(home: Path) -> Mapping[str, Measured]:
    """Measure the application on two nodes."""
    settings = {"home": str(home), "preload": MODEL}
    fleet = Fleet(cpus=1, min_replicas=REPLICAS, max_replicas=REPLICAS, settings=settings)
    with two_nodes(fleet, cpus=1) as nodes:
        nodes.wait_until_serving(REPLICAS)
        return asyncio.run(measure_all(ADDRESSES[0], lambda: processes_of(nodes)))


def processes_of(nodes: TwoNodes) -> Iterator[int]:
    """Yield all processes of a cluster."""
    for pid in nodes.pids():
        yield from all_below(pid)


def measure_server(home: Path, folder: Path) -> Mapping[str, Measured]:
    """Measure a server with as many slots."""
    flags = ("--slots", str(REPLICAS), "--preload", MODEL)
    with ServerProcess(home, folder / "log", *flags) as server:
        server.wait_until_serving()
        return asyncio.run(measure_all(server.address, lambda: all_below(server.process.pid)))


def main() -> int:
    """Measure both, and print a table."""
    home = Settings().home
    with tempfile.TemporaryDirectory() as folder:
        server = measure_server(home, Path(folder))
    cluster = measure_cluster(home)
    print(f"{'':24}{'server':>12}{'cluster':>12}{'ratio':>8}   answers for each second of processors")
    for name in HEADINGS:
        one, many = server[name], cluster[name]
        ratio = many.per_core / one.per_core
        told = f"{one.answered / one.wall:.0f} and {many.answered / many.wall:.0f} a second, replicas alone"
        alone = many.answered / many.work / one.per_core if many.work else 0.0
        print(f"{name:24}{one.per_core:12.1f}{many.per_core:12.1f}{ratio:8.2f}   {told} {alone:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
