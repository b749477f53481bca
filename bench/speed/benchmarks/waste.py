"""B9: what the engine does for calls that their callers have given up."""

import time
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


def measure_waste(bench: Bench) -> Result:
    """B9: tokens that the engine wrote and nobody got, of all; beside the same without cancelled calls."""
    port = free_port()
    texts = bench.sentences(SENTENCES)
    wastes, cancelled = [], []
    with bench.serve(None, "--metrics-listen", f"127.0.0.1:{port}") as server:
        for number in range(bench.rounds):
            kept = Stream("calls", texts, callers=CALLERS, fails=True, seed=number + 1)
            written, got, recording = measure_tokens(bench, server, kept, port)
            # Some of what is written is no caller's even where all wait: tokens that a guard has written again.
            usual = written / got
            usual_seconds = median(recording.latencies("calls"))
            stream = Stream("calls", texts, callers=CALLERS, fails=True, seed=number + 1, cancelled=CANCELLED,
                            cancelled_within=usual_seconds)  # fmt: skip
            written, got, recording = measure_tokens(bench, server, stream, port)
            wastes.append(1 - usual * got / written)
            calls = recording.calls["calls"]
            cancelled.append(sum(call.code != OK for call in calls) / len(calls))
            bench.say(f"waste: round {number + 1} of {bench.rounds}: {wastes[-1]:.1%}")
    waste = Spread.of(wastes)
    table = Table("Cancelled calls", ("share of the calls",), tuple((f"{share:.1%}",) for share in cancelled))
    what = f"waste with {CANCELLED:.0%} of the calls given up"
    return Result([Finding(what, waste.median, "", waste, MOST_WASTE, MOST_WASTE_AIM, is_ceiling=True)], [table])


def measure_tokens(bench: Bench, server: Server, stream: Stream, port: int) -> tuple[float, float, Recording]:
    """Tokens that the engine wrote, those that callers got, and the calls."""
    before = read_counter(port, TOKENS)
    recording = bench.send(server, stream, seconds=min(5.0, bench.setting.seconds), warm_up=0.0)
    time.sleep(SETTLE_SECONDS)  # what was given up last may still be at work
    written = read_counter(port, TOKENS) - before
    return written, sum(call.tokens for call in recording.calls["calls"] if call.code == OK), recording


def read_counter(port: int, name: str) -> float:
    """A counter of the server, all its series together."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))
