"""B3, B7, B11: what one call costs when nothing else is under way, and in the front when much is."""

from statistics import median

from bench.speed.bench import Bench
from bench.speed.figures import Spread, percentile
from bench.speed.findings import Finding, Result
from bench.speed.layouts import find_engine, read_threads
from bench.speed.plan import STREAM, Stream
from bench.speed.raw import BATCH

MOST_ADDED, MOST_ADDED_AIM, MOST_ADDED_P99, MOST_ADDED_P99_AIM = 2.0, 1.0, 5.0, 3.0
IDLE_TEXTS = 256
FIRST_FACTOR, FIRST_ADDED = 1.5, 0.005
LONG_WORDS = 2000
LONG_ROUNDS = 10
MOST_FRONT, MOST_FRONT_AIM = 0.6, 0.4


def measure_added(bench: Bench) -> Result:
    """B3: latency of one sentence at a time, less that of the same call within a process."""
    texts = bench.texts("idle", bench.corpus.sentences[:IDLE_TEXTS])
    medians, tails = [], []
    with bench.serve() as server:
        for number in range(1, bench.rounds + 1):
            alone = bench.seconds_alone(texts)
            seconds = 1.2 * sum(alone) + 0.5
            served = bench.send(server, Stream("one", texts, callers=1), seconds=seconds).latencies("one")
            medians.append(1000 * (median(served) - median(alone)))
            tails.append(1000 * (percentile(served, 0.99) - percentile(alone, 0.99)))
            bench.say(f"added at idle: round {number} of {bench.rounds}: {medians[-1]:.2f} ms")
    middle, tail = Spread.of(medians), Spread.of(tails)
    return Result([
        Finding("added latency, p50", middle.median, "ms", middle, MOST_ADDED, MOST_ADDED_AIM, is_ceiling=True),
        Finding("added latency, p99", tail.median, "ms", tail, MOST_ADDED_P99, MOST_ADDED_P99_AIM, is_ceiling=True),
    ])  # fmt: skip


def measure_first_segment(bench: Bench) -> Result:
    """B7: until the first text of a long article comes, beside its first sentences in one batch."""
    article = bench.corpus.article(LONG_WORDS)
    texts = bench.texts("long", [article.text])
    batch = bench.texts("first", ["\n".join(article.sentences[:BATCH])] * LONG_ROUNDS)
    ratios, firsts, alones = [], [], []
    with bench.serve() as server:
        for _ in range(bench.rounds):
            alone = median(bench.seconds_alone(batch))
            stream = Stream("long", texts, callers=1, method=STREAM)
            recording = bench.send(server, stream, seconds=max(2.0, 20 * alone))
            first = median(call.first - call.sent for call in recording.due("long"))
            ratios.append(first / (FIRST_FACTOR * alone + FIRST_ADDED))
            firsts.append(1000 * first)
            alones.append(1000 * alone)
    spread = Spread.of(ratios)
    what = f"first text / ({FIRST_FACTOR:g} x its first {BATCH} sentences in one batch + {1000 * FIRST_ADDED:g} ms)"
    return Result([
        Finding(what, spread.median, "", spread, bar=1.0, is_ceiling=True),
        Finding("first text of 2,000 words", median(firsts), "ms", Spread.of(firsts)),
        Finding("its first batch alone", median(alones), "ms", Spread.of(alones)),
    ])  # fmt: skip


def measure_front(bench: Bench) -> Result:
    """B11: CPU time of a call of one sentence outside the threads of CTranslate2, while 64 callers wait."""
    fronts, loops = [], []
    stream = Stream("one", bench.sentences(1), callers=64)
    with bench.serve() as server:
        for _ in range(bench.rounds):
            before = read_threads(server.pid)
            recording = bench.send(server, stream, seconds=min(4.0, bench.setting.seconds), warm_up=0.2)
            after = read_threads(server.pid)
            engine = find_engine(server.pid, before, after, slots=bench.setting.layout.slots)
            # The calls before and behind the window have their time in the figures, too.
            calls = len(recording.calls["one"])
            taken = {thread: after[thread] - before.get(thread, 0.0) for thread in after}
            fronts.append(1000 * sum(taken[thread] for thread in taken if thread not in engine) / calls)
            loops.append(1000 * taken[server.pid] / calls)
    front, loop = Spread.of(fronts), Spread.of(loops)
    return Result([
        Finding("CPU of a call outside CTranslate2", front.median, "ms", front, MOST_FRONT, MOST_FRONT_AIM, True),
        Finding("of it on the event loop", loop.median, "ms", loop),
    ])  # fmt: skip
