"""B5: short requests beside a caller who sends more than can be answered, and ten callers who all do."""

from collections.abc import Sequence
from statistics import median

from polygist_service.engine.scheduler import SHARED_SECONDS

from bench.quality.report import Table
from bench.speed.bench import Bench
from bench.speed.benchmarks.load import void
from bench.speed.charts import Line, draw
from bench.speed.figures import Spread, jain, percentile
from bench.speed.findings import Finding, Result
from bench.speed.plan import Recording, Stream, merge_latencies

# Short ones: so many a second, of a caller with an address of its own.
SHORT_RATE = 20.0
SHORT_CLIENT, LONG_CLIENT = "127.0.0.2", "127.0.0.3"
LONG_WORDS, LONG_CALLERS = 20_000, 4
CLIENTS, CALLERS_OF_EACH = 10, 4
LEAST_JAIN = 0.95
MOST_LOSS, MOST_LOSS_AIM = 0.10, 0.05
SHARES = tuple(step / 100 for step in range(1, 100))


def measure_fairness(bench: Bench) -> Result:
    """B5: each round alone, beside the other and the other alone."""
    alone, beside, long_alone = [], [], []
    with bench.serve() as server:
        long_texts = bench.texts("long", [bench.corpus.article(LONG_WORDS).text])
        longs = Stream("long", long_texts, callers=LONG_CALLERS, client=LONG_CLIENT)
        for number in range(max(1, bench.rounds // 2)):
            shorts = Stream(
                "short", bench.sentences(1), rate=SHORT_RATE, seed=number + 1, client=SHORT_CLIENT, connections=8
            )
            alone.append(bench.send(server, shorts))
            beside.append(bench.send(server, shorts, longs))
            long_alone.append(bench.send(server, longs))
            bench.say(f"short beside long: p50 {1000 * percentile(beside[-1].latencies('short'), 0.5):.0f} ms")
        clients = [
            Stream(f"client {at}", bench.sentences(16), callers=CALLERS_OF_EACH, client=f"127.0.0.{10 + at}")
            for at in range(CLIENTS)
        ]
        shared = bench.send(server, *clients)
    return Result(
        [*find_latencies(alone, beside), *find_loss(beside, long_alone), *find_shares(shared)],
        [list_clients(shared)],
        {"fairness.svg": draw_shorts(alone, beside)},
        [recording.lag() for recording in (*alone, *beside)],
    )


def find_latencies(alone: Sequence[Recording], beside: Sequence[Recording]) -> list[Finding]:
    """Latencies of short requests beside those of an idle server."""
    idle, busy = merge_latencies(alone, "short"), merge_latencies(beside, "short")
    note = void([recording.lag() for recording in (*alone, *beside)])
    most_p50 = 1000 * (percentile(idle, 0.5) + 1.5 * SHARED_SECONDS)
    most_p99 = 1000 * (percentile(idle, 0.99) + 2 * SHARED_SECONDS + 0.02)
    medians = Spread.of(1000 * percentile(recording.latencies("short"), 0.5) for recording in beside)
    tails = Spread.of(1000 * percentile(recording.latencies("short"), 0.99) for recording in beside)
    count = f"of {len(busy)} short requests beside long articles"
    p50, p99 = 1000 * percentile(busy, 0.5), 1000 * percentile(busy, 0.99)
    return [
        Finding(f"p50 {count}", p50, "ms", medians, most_p50, is_ceiling=True, note=note),
        Finding(f"p99 {count}", p99, "ms", tails, most_p99, is_ceiling=True, note=note),
        Finding("p50 of short requests alone", 1000 * percentile(idle, 0.5), "ms"),
        Finding("p99 of short requests alone", 1000 * percentile(idle, 0.99), "ms"),
    ]


def find_loss(beside: Sequence[Recording], alone: Sequence[Recording]) -> list[Finding]:
    """What both together get done beside what the articles do alone."""
    losses = Spread.of(
        1 - (each.words("short") + each.words("long")) / other.words("long")
        for each, other in zip(beside, alone, strict=True)
    )
    own = median(1 - each.words("long") / other.words("long") for each, other in zip(beside, alone, strict=True))
    return [
        Finding("words lost to serving short requests soon", losses.median, "", losses, MOST_LOSS, MOST_LOSS_AIM, True),
        Finding("words lost of the articles, those of the short ones included", own),
    ]


def find_shares(shared: Recording) -> list[Finding]:
    """How evenly ten callers with equal loads share the server."""
    words = [shared.words(name) for name in shared.calls]
    return [Finding(f"Jain's index of {len(words)} equal clients", jain(words), bar=LEAST_JAIN)]


def list_clients(shared: Recording) -> Table:
    """What each of the ten got."""
    rows = tuple((name, round(shared.words(name) / shared.seconds)) for name in shared.calls)
    return Table("Equal clients", ("client", "words/s"), rows)


def draw_shorts(alone: Sequence[Recording], beside: Sequence[Recording]) -> str:
    """Percentiles of the latency of short requests."""
    lines = []
    for name, recordings in (("alone", alone), ("beside long articles", beside)):
        latencies = merge_latencies(recordings, "short")
        lines.append(Line(name, [(100 * share, 1000 * percentile(latencies, share)) for share in SHARES]))
    return draw(
        "Latency of short requests", lines, across="per cent of requests", up="milliseconds at most", logarithmic=("y",)
    )
