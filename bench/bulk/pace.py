"""Sentences a second of one ``translate_many`` beside callers who send one sentence a call, in turn in one run."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.bulk.findings import Extent, Finding
from bench.bulk.sender import CALLERS
from bench.bulk.texts import read_sentences
from bench.fidelity.kinds import Requirement
from bench.quality.environment import REPOSITORY
from bench.quality.process import start_server
from bench.quality.report import say
from bench.speed.rounds import Spread
from bench.speed.window import read_cpu_seconds

UNARY = "unary"
BULK = ("many", "async-many")
NAMES = {UNARY: f"{CALLERS} unary callers", "many": "Client.translate_many", "async-many": "AsyncClient.translate_many"}
# Short turns, so that what else the machine does falls on all ways alike.
SENTENCES = 800
LEAST_RATIO = 1.0
LATE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Turn:
    """One way's turn: sentences a second, and CPU seconds of the server and of the caller for 1,000 sentences."""

    pace: float
    server: float
    caller: float


def measure(extent: Extent) -> Iterator[Finding]:
    """In a round all ways send the same sentences, in the next one others; another way is the first."""
    sentences = read_sentences(extent.data, SENTENCES * extent.rounds)
    rounds = []
    with start_server(extent.home) as server, tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "lines"
        lines.write_text("\n".join(sentences[:SENTENCES]))
        send(UNARY, server.address, lines, server.pid)  # warms up
        for number in range(extent.rounds):
            lines.write_text("\n".join(sentences[number * SENTENCES : (number + 1) * SENTENCES]))
            ways = (UNARY, *BULK)
            order = ways[number % len(ways) :] + ways[: number % len(ways)]
            rounds.append({way: send(way, server.address, lines, server.pid) for way in order})
            say(
                f"pace: round {number + 1}: {', '.join(f'{way} {turn.pace:.0f}/s' for way, turn in rounds[-1].items())}"
            )
    yield make_finding(rounds)


def send(way: str, address: str, lines: Path, pid: int) -> Turn:
    """Let a process of its own send; raises subprocess.SubprocessError where it fails."""
    command = [sys.executable, "-m", "bench.bulk.sender", way, "--address", address, "--lines", str(lines)]
    before = read_cpu_seconds(pid)
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=True, timeout=LATE_SECONDS)
    result = json.loads(done.stdout.splitlines()[-1])
    per_thousand = 1000 / result["done"]
    return Turn(
        pace=result["done"] / result["seconds"],
        server=(read_cpu_seconds(pid) - before) * per_thousand,
        caller=result["cpu_seconds"] * per_thousand,
    )


def make_finding(rounds: Sequence[dict[str, Turn]]) -> Finding:
    """Medians of each way, and its ratio to the unary callers of the same round."""
    rows, requirements = [], []
    for way in (UNARY, *BULK):
        ratio = Spread.of(each[way].pace / each[UNARY].pace for each in rounds)
        paces, server, caller = (
            Spread.of(getattr(each[way], name) for each in rounds) for name in ("pace", "server", "caller")
        )
        rows.append(
            (NAMES[way], round(paces.median), ratio.median, ratio.least, ratio.greatest, server.median, caller.median)
        )
        if way != UNARY:
            statement = f"{NAMES[way]} at least {LEAST_RATIO:g} times {NAMES[UNARY]} (median)"
            requirements.append(Requirement(statement, ratio.median >= LEAST_RATIO))
    columns = (
        "way", "sentences/s", "ratio", "least", "greatest", "server, CPU s for 1,000", "caller, CPU s for 1,000"
    )  # fmt: skip
    notes = (f"{len(rounds)} rounds in turn, {SENTENCES} sentences a turn, default preset, source language given.",)
    return Finding("Pace", columns, rows, requirements, notes)
