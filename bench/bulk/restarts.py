"""Short items through one ``translate_many`` while the server is ended and started anew twice."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from polygist_client import Client

from bench.bulk.findings import SOURCE, TARGET, Extent, Finding
from bench.bulk.memory import resident_megabytes
from bench.bulk.texts import read_items
from bench.fidelity.kinds import Requirement
from bench.quality.environment import REPOSITORY
from bench.quality.process import SERVE, Server, start_server
from bench.quality.report import Cell, say

# After which share of the items a server ends, and by what.
ENDS = ((0.3, signal.SIGTERM), (0.65, signal.SIGKILL))
# Figures are shown at so many points of the whole.
POINTS = 12
# Every so many answers are compared with those of a call of their own.
SAMPLE = 100
# Growth from the first points, when all that is held has been held once, to the last: of the client, of a server.
MOST_CLIENT_GROWTH, MOST_SERVER_GROWTH = 8.0, 40.0


@dataclass(frozen=True, slots=True)
class Point:
    """How far it is, and what both sides hold, in megabytes.

    Attributes:
        life: which server it is, counted from 1.
    """

    seconds: float
    done: int
    client: float
    server: float
    life: int


class Replaceable:
    """A server that others take the place of, at the same address; a context manager that ends the last.

    Args:
        home: folder of the installed models.
    """

    def __init__(self, home: Path | None) -> None:
        self._home = home
        self._stack = ExitStack()
        self.server: Server = self._stack.enter_context(start_server(home))
        self.life = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def replace(self, number: int) -> None:
        """End the server with a signal and start another once it is gone."""
        began = time.monotonic()
        os.kill(self.server.pid, number)
        self._stack.close()
        command = [*SERVE[:-1], self.server.address]
        self.server = self._stack.enter_context(start_server(self._home, command))
        self.life += 1
        say(f"restarts: {signal.Signals(number).name}; serving again after {time.monotonic() - began:.1f} s")


def measure(extent: Extent) -> Iterator[Finding]:
    """In the order of the items, as they were sent."""
    items = read_items(extent.data, extent.items)
    with tempfile.TemporaryDirectory() as folder, Replaceable(extent.home) as servers:
        lines, answers = Path(folder) / "lines", Path(folder) / "answers"
        lines.write_text("\n".join(items), encoding="utf-8")
        points = send(servers, lines, answers, len(items))
        answered = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
        with Client(servers.server.address) as client:
            chosen = range(0, len(items), SAMPLE)
            singly = [client.translate(items[index], to=TARGET, source=SOURCE).text for index in chosen]
    wrong = [index for index, text in zip(chosen, singly, strict=True) if answered[index] != [index, text]]
    yield make_finding(points, [index for index, _ in answered], wrong, len(items))


def send(servers: Replaceable, lines: Path, answers: Path, count: int) -> list[Point]:
    """Let a process of its own send all, and replace the server meanwhile."""
    address = servers.server.address
    command = [sys.executable, "-m", "bench.bulk.sender", "many", "--address", address, "--lines", str(lines)]
    command += ["--answers", str(answers), "--every", str(max(1, count // 200))]
    points, ends, began = list[Point](), list(ENDS), time.monotonic()
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            for line in process.stdout:
                told = json.loads(line)
                if "seconds" in told:
                    break
                server = resident_megabytes(servers.server.pid)
                points.append(Point(time.monotonic() - began, told["done"], told["megabytes"], server, servers.life))
                if ends and told["done"] >= ends[0][0] * count:
                    servers.replace(ends.pop(0)[1])
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise RuntimeError(f"the sender ended with exit code {process.returncode} after {points[-1:]}")
    return points


def make_finding(points: Sequence[Point], indices: Sequence[int], wrong: Sequence[int], count: int) -> Finding:
    """What was lost and doubled, and what both sides held on the way.

    Args:
        points: on the way.
        indices: those of the answers, as they came.
        wrong: those of the sample whose answer is not that of a call of their own.
        count: of the items.
    """
    lost, doubled = count - len(set(indices)), len(indices) - len(set(indices))
    client_growth = max(each.client for each in points[len(points) // 10 :]) - points[len(points) // 10].client
    server_growth = max(growth_of_life(points, life) for life in {each.life for each in points})
    requirements = (
        Requirement(f"none of {count:,} lost", not lost),
        Requirement("none twice", not doubled),
        Requirement("in order", list(indices) == sorted(indices)),
        Requirement(f"every {SAMPLE}th as a call of its own answers it", not wrong),
        Requirement(f"the server ended {len(ENDS)} times", points[-1].life == len(ENDS) + 1),
        Requirement(f"the client grew by at most {MOST_CLIENT_GROWTH:g} MB", client_growth <= MOST_CLIENT_GROWTH),
        Requirement(f"no server grew by more than {MOST_SERVER_GROWTH:g} MB", server_growth <= MOST_SERVER_GROWTH),
    )
    shown = [points[round(at * (len(points) - 1) / POINTS)] for at in range(POINTS + 1)]
    rows: list[tuple[Cell, ...]] = [
        (each.done, round(each.seconds, 1), round(each.client, 1), round(each.server, 1), each.life) for each in shown
    ]
    notes = (
        f"{lost} lost, {doubled} twice, {len(wrong)} of the sample wrong. Growth of the client: {client_growth:.1f} MB"
        f" since the first tenth; of a server, at most: {server_growth:.1f} MB since the first third of its life.",
        f"{points[-1].done / points[-1].seconds:.0f} items/s, restarts included.",
    )
    columns = ("answered", "seconds", "client, MB", "server, MB", "server number")
    return Finding("Restarts", columns, rows, requirements, notes)


def growth_of_life(points: Sequence[Point], life: int) -> float:
    """How much a server grew since the first third of its life, at most."""
    held = [each.server for each in points if each.life == life]
    later = held[len(held) // 3 :]
    return max(later) - later[0]
