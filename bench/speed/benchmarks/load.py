"""B4, B6: open-loop load up to capacity, and beyond it."""

from collections.abc import Sequence

from polygist_service.engine.scheduler import SHARED_SECONDS

from bench.quality.process import Server
from bench.quality.report import Cell, Table
from bench.speed.bench import Bench
from bench.speed.charts import Line, draw
from bench.speed.figures import Spread, knee, mixed_lengths, percentile
from bench.speed.findings import Finding, Result
from bench.speed.plan import MOST_LAG, OK, Recording, Stream

LOADS = tuple(step / 10 for step in range(1, 11))
LONG_LOADS = (0.5, 0.7, 0.85)
MOST_P99 = 1.0
KNEE, KNEE_AIM = 0.85, 0.90
USUAL_LOAD = 0.7
CALLERS = 64
MIX_SEED, LONG_MEDIAN, LONG_P99, LONG_TEXTS = 4, 600, 4000, 128

OVERLOADS = (2.0, 5.0)
CONNECTIONS = (4, 64)
DEADLINE = 2.0
GOODPUT, GOODPUT_AIM = 0.90, 0.95
MOST_REFUSAL = 50.0
REFUSED = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")


def measure_latency(bench: Bench) -> Result:
    """B4: latency by load, of single sentences and articles of 16, one as often as the other; and of long articles."""
    mix = bench.texts("mix", mix_texts(bench, [16] * len(bench.corpus.sentences)))
    lengths = mixed_lengths(LONG_TEXTS, median=LONG_MEDIAN, p99=LONG_P99, seed=MIX_SEED)
    long = bench.texts("mix-long", mix_long_texts(bench, lengths))
    with bench.serve() as server:
        idle = percentile(bench.send(server, Stream("mix", mix, callers=1)).latencies("mix"), 0.5)
        points, lags, capacity = measure_points(bench, server, mix, LOADS)
        long_points, long_lags, long_capacity = measure_points(bench, server, long, LONG_LOADS)
    limit = 3 * idle + 2 * SHARED_SECONDS
    reached = knee([(load, p99) for load, _, p99 in points], MOST_P99)
    usual = next(p99 for load, _, p99 in points if load == USUAL_LOAD) / limit
    note = void(lags)
    usual_name = f"p99 at 70 % / (3 x idle p50 + 2 x {1000 * SHARED_SECONDS:g} ms)"
    findings = [
        Finding(f"knee: load up to which p99 <= {MOST_P99:g} s", reached, bar=KNEE, aim=KNEE_AIM, note=note),
        Finding(usual_name, usual, bar=1.0, is_ceiling=True, note=note),
        Finding("capacity, half single sentences, half articles of 16", capacity, "calls/s"),
        Finding("capacity, half single sentences, half long articles", long_capacity, "calls/s"),
    ]
    lines = [Line("p50", [point[:2] for point in points]), Line("p99", [(load, p99) for load, _, p99 in points])]
    lines += [
        Line("p50, long articles", [point[:2] for point in long_points]),
        Line("p99, long articles", [(load, p99) for load, _, p99 in long_points]),
    ]
    chart = draw("Latency by load", lines, across="load, of capacity", up="seconds", logarithmic=("y",))
    tables = [
        make_table("Latency by load", points, lags),
        make_table("Latency by load, long articles", long_points, long_lags),
    ]
    return Result(findings, tables, {"latency.svg": chart}, [*lags, *long_lags])


def measure_points(
    bench: Bench, server: Server, texts: str, loads: Sequence[float]
) -> tuple[list[tuple[float, float, float]], list[float], float]:
    """Load, p50 and p99 at each load; how late calls were sent at each; and what the load is a share of."""
    capacity = bench.send(server, Stream("mix", texts, callers=CALLERS)).rate("mix")
    points, lags = [], []
    for number, load in enumerate(loads):
        stream = Stream("mix", texts, rate=load * capacity, seed=number + 1, connections=CALLERS)
        recording = bench.send(server, stream)
        latencies = recording.latencies("mix")
        points.append((load, percentile(latencies, 0.5), percentile(latencies, 0.99)))
        lags.append(recording.lag())
        bench.say(f"{load:.0%} of {capacity:.0f} calls/s: p50 {points[-1][1]:.3f} s, p99 {points[-1][2]:.3f} s")
    return points, lags, capacity


def mix_texts(bench: Bench, counts: Sequence[int]) -> list[str]:
    """Single sentences and articles of so many sentences, in turn, all from the corpus."""
    sentences, texts, at = bench.corpus.sentences, [], 0
    for single, count in zip(sentences, counts, strict=False):
        article = [sentences[(at + step) % len(sentences)] for step in range(count)]
        at += count
        texts += [single, "\n".join(article)]
    return texts


def mix_long_texts(bench: Bench, lengths: Sequence[int]) -> list[str]:
    """Single sentences and articles of so many words, in turn."""
    sentences = bench.corpus.sentences
    articles = [bench.corpus.article(words, start=97 * at) for at, words in enumerate(lengths)]
    return [text for at, article in enumerate(articles) for text in (sentences[at % len(sentences)], article.text)]


def make_table(title: str, points: Sequence[tuple[float, float, float]], lags: Sequence[float]) -> Table:
    """All points."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (f"{load:.0%}", 1000 * p50, 1000 * p99, 1000 * lag) for (load, p50, p99), lag in zip(points, lags, strict=True)
    )
    return Table(title, ("load", "p50, ms", "p99, ms", "sent late, p99, ms"), rows)


def void(lags: Sequence[float]) -> str:
    """Why the figures are not to be trusted; empty where they are."""
    return f"calls were sent {1000 * max(lags):.1f} ms late (p99)" if max(lags) > MOST_LAG else ""


def measure_overload(bench: Bench) -> Result:
    """B6: answers within their deadline, of twice and five times as many calls as can be answered."""
    texts = bench.sentences(16)
    findings: list[Finding] = []
    rows: list[tuple[Cell, ...]] = []
    lags: list[float] = []
    with bench.serve() as server:
        for connections in CONNECTIONS:
            for factor in OVERLOADS:
                most, recordings = [], []
                for number in range(max(1, bench.rounds // 2) if factor == OVERLOADS[0] else 1):
                    most.append(bench.send(server, Stream("calls", texts, callers=32)).rate("calls"))
                    stream = Stream("calls", texts, rate=factor * most[-1], seed=number + 1, connections=connections,
                                    deadline=DEADLINE, fails=True)  # fmt: skip
                    recordings.append(bench.send(server, stream, warm_up=DEADLINE + bench.setting.warm_up))
                lags += [recording.lag() for recording in recordings]
                where = f"{factor:g}x, {connections} connections: "
                findings += find_overload(where, most, recordings, is_barred=factor == OVERLOADS[0])
                rows += [count_codes(where, recording) for recording in recordings]
                bench.say(f"{where}{findings[-2].measured:.2f} of the most")
    columns = ("load", "due", "answered", "refused", "too late", "other", "generator, cores")
    return Result(findings, [Table("Calls beyond capacity", columns, tuple(rows))], lags=lags)


def find_overload(
    where: str, most: Sequence[float], recordings: Sequence[Recording], *, is_barred: bool
) -> list[Finding]:
    """Goodput and the time of refusals of one overload."""
    note = void([recording.lag() for recording in recordings])
    goods = Spread.of(
        len([call for call in recording.calls["calls"] if call.code == OK and 0 <= call.end < recording.seconds])
        / recording.seconds / rate
        for recording, rate in zip(recordings, most, strict=True)
    )  # fmt: skip
    refusals = [
        1000 * call.seconds for recording in recordings for call in recording.due("calls") if call.code in REFUSED
    ]
    p99 = percentile(refusals, 0.99) if refusals else 0.0
    return [
        Finding(f"{where}goodput / the most", goods.median, "", goods, GOODPUT if is_barred else None,
                GOODPUT_AIM if is_barred else None, note=note),
        Finding(f"{where}p99 of {len(refusals)} refusals", p99, "ms", None, MOST_REFUSAL, is_ceiling=True,
                note=note if refusals else "nothing was refused"),
    ]  # fmt: skip


def count_codes(where: str, recording: Recording) -> tuple[Cell, ...]:
    """What became of the calls of one window."""
    codes = [call.code for call in recording.due("calls")]
    answered, late = codes.count(OK), codes.count("DEADLINE_EXCEEDED")
    refused = sum(map(codes.count, REFUSED))
    other = len(codes) - answered - late - refused
    return where, len(codes), answered, refused, late, other, recording.generator_cpu_seconds / recording.seconds
