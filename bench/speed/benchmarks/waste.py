"""B9: what the engine does for calls that their callers have given up."""

import time
from dataclasses import dataclass, replace
from statistics import median
from urllib.request import urlopen

from bench.quality.process import Server
from bench.quality.report import Table
from bench.speed.bench import Bench
from bench.speed.figures import Spread
from bench.speed.findings import Finding, Result
from bench.speed.layouts import free_port
from bench.speed.plan import OK, Recording, Stream

CANCELLED = 0.3
SETTLE_SECONDS = 1.0
MOST_WASTE, MOST_WASTE_AIM = 0.05, 0.02
CALLERS, SENTENCES = 32, 16
TOKENS = "polygist_target_tokens_total"
UNCLAIMED = "polygist_unclaimed_target_tokens_total"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one window.

    Attributes:
        written: by the engine.
        unclaimed: of them, in segments of calls that had been given up when their batch ended.
        received: by callers, in answers.
    """

    written: float
    unclaimed: float
    received: float


def measure_waste(bench: Bench) -> Result:
    """B9: tokens that were still written for calls when these had been given up, of all.

    A segment that was under way when its call was given up counts as a whole. Beside it all that no caller got, with
    what was written of those calls before, told by the same load without cancelled calls.
    """
    port = free_port()
    texts = bench.sentences(SENTENCES)
    wastes, lost, cancelled = [], [], []
    with bench.serve(None, "--metrics-listen", f"127.0.0.1:{port}") as server:
        for number in range(bench.rounds):
            kept = Stream("calls", texts, callers=CALLERS, fails=True, seed=number + 1)
            usual, recording = measure_tokens(bench, server, kept, port)
            usual_seconds = median(recording.latencies("calls"))
            stream = replace(kept, cancelled=CANCELLED, cancelled_within=usual_seconds)
            tokens, recording = measure_tokens(bench, server, stream, port)
            wastes.append(tokens.unclaimed / tokens.written)
            # Some of what is written is no caller's even where all wait: tokens that a guard has written again.
            lost.append(1 - usual.written / usual.received * tokens.received / tokens.written)
            calls = recording.calls["calls"]
            cancelled.append(sum(call.code != OK for call in calls) / len(calls))
            bench.say(f"waste: round {number + 1} of {bench.rounds}: {wastes[-1]:.1%}, of {lost[-1]:.1%} lost")
    waste, spread = Spread.of(wastes), Spread.of(lost)
    table = Table("Cancelled calls", ("share of the calls",), tuple((f"{share:.1%}",) for share in cancelled))
    what = f"with {CANCELLED:.0%} of the calls given up: written for them at the end or after it"
    beside = "the same, with what was written for them before"
    return Result([
        Finding(what, waste.median, "", waste, MOST_WASTE, MOST_WASTE_AIM, is_ceiling=True),
        Finding(beside, spread.median, "", spread),
    ], [table])  # fmt: skip


def measure_tokens(bench: Bench, server: Server, stream: Stream, port: int) -> tuple[Tokens, Recording]:
    """Measure a window; returns its tokens, and its calls."""
    before = read_counter(port, TOKENS), read_counter(port, UNCLAIMED)
    recording = bench.send(server, stream, seconds=min(5.0, bench.setting.seconds), warm_up=0.0)
    time.sleep(SETTLE_SECONDS)  # what was given up last may still be at work
    written, unclaimed = read_counter(port, TOKENS) - before[0], read_counter(port, UNCLAIMED) - before[1]
    received = sum(call.tokens for call in recording.calls["calls"] if call.code == OK)
    return Tokens(written, unclaimed, received), recording


def read_counter(port: int, name: str) -> float:
    """A counter of the server, all its series together."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))
