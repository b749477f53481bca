"""Measure one, two and three replicas behind our client's round-robin, and three behind proxies; print and save it."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import cycle
from pathlib import Path

from polygist_client import AsyncClient, Client

from bench.quality.process import exit_on_signals, start_server
from bench.quality.report import Report, Table, say
from bench.speed.corpus import SOURCE, TARGET, Corpus, read_corpus
from bench.speed.figures import Spread, percentile
from bench.speed.generator import Clock
from bench.speed.machine import describe_run
from bench.speed.plan import OK, Call, Recording, merge_latencies
from bench.speed.replicas.balancers import envoy, nginx
from bench.speed.replicas.quota import on_share
from bench.speed.sides import NotInstalled
from bench.speed.window import read_cpu_seconds

RESULTS = Path(__file__).parents[1] / "results"
REPLICAS = 3
STREAM = "all"
CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Way:
    """From a client to replicas.

    Attributes:
        target: what the client is given.
        replicas: how many answer.
        balancer: the process in between; None where there is none.
    """

    name: str
    target: str
    replicas: int
    balancer: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What callers send.

    Attributes:
        sentences: in each call.
        callers: for each replica, so that it has the same to do however many there are.
        has_balancers: whether balancers are measured too.
    """

    name: str
    sentences: int
    callers: int
    has_balancers: bool = True

    def texts(self, corpus: Corpus) -> list[str]:
        """The text of each call, a line for each sentence."""
        starts = range(0, len(corpus.sentences), self.sentences)
        return ["\n".join(corpus.sentences[start : start + self.sentences]) for start in starts]


@dataclass(frozen=True, slots=True)
class Window:
    """What one stretch of time holds.

    Attributes:
        recording: the calls, with the CPU time of all replicas and of the client.
        replicas: CPU seconds of each.
        balancer: of what stands in between.
    """

    recording: Recording
    replicas: tuple[float, ...]
    balancer: float

    @property
    def words_per_second(self) -> float:
        """Throughput."""
        return self.recording.words(STREAM) / self.recording.seconds


LOADS = (
    Load("single sentences, 32 callers for each replica", 1, 32),
    Load("articles of 16 sentences, 8 callers for each replica", 16, 8, has_balancers=False),
)


def main() -> None:
    """Read the command line, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.replicas", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("POLYGIST_DATA"), help="folder of the data sets")
    parser.add_argument("--cores", type=float, default=0.4, help="of each replica")
    parser.add_argument("--rounds", type=int, default=5, help="windows of each")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a window")
    parser.add_argument("--warm-up", type=float, default=1.5, help="seconds of the same load before each window")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where replicas.md and replicas.json go")
    arguments = parser.parse_args()
    exit_on_signals()
    report = measure(arguments)
    print(report.to_markdown())
    say(f"saved as {' and '.join(map(str, report.save(arguments.results)))}")


def measure(arguments: argparse.Namespace) -> Report:
    """Start replicas and balancers, and measure every way in turn."""
    began = datetime.now().astimezone()
    command = (str(Path(sys.executable).with_name("polygist-server")), "serve", "--listen", "127.0.0.1:0")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [stack.enter_context(start_server(None, (*command, "--slots", "1"))) for _ in range(REPLICAS)]
        client = stack.enter_context(Client(servers[0].address))
        corpus = read_corpus(client, arguments.data)
        for server in servers:
            stack.enter_context(on_share(server.pid, arguments.cores))
        ways, missing = open_ways([server.address for server in servers], folder, stack)
        pids = [server.pid for server in servers]
        tables = asyncio.run(measure_loads(ways, corpus, pids, arguments))
        environment = describe_run(client, began)
    environment |= {
        "replicas": f"{arguments.cores:g} of a core each by a quota of its control group, 1 slot, all else by default",
        "windows": f"{arguments.rounds} of {arguments.seconds:g} s each after {arguments.warm_up:g} s of warm-up",
        "client": "one AsyncClient for all callers, a process with the cores that are left",
        "sentences": corpus.describe(),
    }
    return Report(environment, tuple(tables), missing, subject="replicas")


def open_ways(addresses: Sequence[str], folder: Path, stack: ExitStack) -> tuple[list[Way], tuple[str, ...]]:
    """The client's own round-robin over one replica up to all, then what may stand before all; and what is missing."""
    counts = range(1, len(addresses) + 1)
    ways = [Way(f"client, {count}", f"ipv4:{','.join(addresses[:count])}", count) for count in counts]
    missing = []
    balancers = {
        "Envoy, by call": envoy,
        "nginx, by call": nginx,
        "Envoy, by connection": partial(envoy, by_call=False),
    }
    for name, balancer in balancers.items():
        try:
            address, pid = stack.enter_context(balancer(addresses, folder))
        except NotInstalled as error:
            missing.append(f"{name}: {error}")
        else:
            ways.append(Way(f"{name}, {len(addresses)}", address, len(addresses), pid))
    return ways, tuple(missing)


async def measure_loads(
    ways: Sequence[Way], corpus: Corpus, pids: Sequence[int], arguments: argparse.Namespace
) -> list[Table]:
    """A table for each load; all of them go over the same connections."""
    tables = []
    async with AsyncExitStack() as stack:
        clients = {way: await stack.enter_async_context(AsyncClient(way.target)) for way in ways}
        for client in clients.values():
            await client.translate(corpus.sentences[0], to=TARGET, source=SOURCE)
        # Until a client has all its connections, it spreads calls over those that it has.
        await asyncio.sleep(CONNECT_SECONDS)
        for load in LOADS:
            chosen = {way: client for way, client in clients.items() if load.has_balancers or not way.balancer}
            rounds = []
            for number in range(1, arguments.rounds + 1):
                rounds.append(
                    {
                        way.name: await send(client, way, load, corpus, pids, arguments.seconds, arguments.warm_up)
                        for way, client in chosen.items()
                    }
                )
                told = ", ".join(f"{name}: {window.words_per_second:.0f}" for name, window in rounds[-1].items())
                say(f"{load.name}: round {number} of {arguments.rounds}: words/s: {told}")
            tables.append(make_table(load, list(chosen), rounds))
    return tables


async def send(
    client: AsyncClient, way: Way, load: Load, corpus: Corpus, pids: Sequence[int], seconds: float, warm_up: float
) -> Window:
    """Let callers send one text after the other until the window closes.

    Args:
        client: of all callers.
        way: from the client to the replicas.
        load: how many callers, and what they send.
        corpus: of what.
        pids: all replicas.
        seconds: length of the window.
        warm_up: seconds of the same load before it.
    """
    calls: list[Call] = []
    upcoming, clock = cycle(load.texts(corpus)), Clock(time.monotonic() + warm_up)
    watched = [*pids, *([way.balancer] if way.balancer else [])]

    def read() -> list[float]:
        return [time.process_time(), *map(read_cpu_seconds, watched)]

    async def call_in_turn() -> None:
        while (sent := clock.now()) < seconds:
            text = next(upcoming)
            await client.translate(text, to=TARGET, source=SOURCE)
            end = clock.now()
            calls.append(Call(sent, sent, end, end, OK, len(text.split()), 0))

    async with asyncio.TaskGroup() as group:
        for _ in range(load.callers * way.replicas):
            group.create_task(call_in_turn())
        await clock.wait_until(0.0)
        before = read()
        await clock.wait_until(seconds)
        own, *took = [after - earlier for after, earlier in zip(read(), before, strict=True)]
    replicas, balancer = tuple(took[: len(pids)]), sum(took[len(pids) :])
    return Window(Recording(seconds, sum(replicas), own, {STREAM: calls}), replicas, balancer)


def make_table(load: Load, ways: Sequence[Way], rounds: Sequence[Mapping[str, Window]]) -> Table:
    """A row for each way, medians over the rounds."""
    first = ways[0].name
    rows = []
    for way in ways:
        windows = [each[way.name] for each in rounds]
        words = Spread.of(window.words_per_second for window in windows)
        ratio = Spread.of(each[way.name].words_per_second / each[first].words_per_second for each in rounds)
        latencies = merge_latencies([window.recording for window in windows], STREAM)
        rows.append(
            (
                way.name,
                round(words.median),
                ratio.median,
                f"{ratio.least:.2f} to {ratio.greatest:.2f}",
                Spread.of(window.recording.words(STREAM) / window.recording.cpu_seconds for window in windows).median,
                ", ".join(f"{cores:.2f}" for cores in median_cores(windows)),
                Spread.of(window.balancer / window.recording.seconds for window in windows).median,
                Spread.of(each.recording.generator_cpu_seconds / each.recording.seconds for each in windows).median,
                *(round(1000 * percentile(latencies, share)) if latencies else None for share in (0.5, 0.99)),
            )
        )
    columns = (
        "balanced by, replicas", "words/s", "ratio", "least to greatest", "words for a CPU second", "cores of each",
        "cores in between", "cores of the client", "p50, ms", "p99, ms",
    )  # fmt: skip
    notes = ("Medians over the rounds; a ratio is to one replica in the same round. A CPU second is one of a replica.",)
    return Table(load.name, columns, tuple(rows), notes)


def median_cores(windows: Sequence[Window]) -> list[float]:
    """How many cores each replica took."""
    each = zip(*(window.replicas for window in windows), strict=True)
    return [Spread.of(seconds / windows[0].recording.seconds for seconds in of_one).median for of_one in each]


if __name__ == "__main__":
    main()
