import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from polygist_service.app.benchmark.advice import advise
from polygist_service.app.benchmark.benchmark import Benchmark, find_others_share
from polygist_service.app.benchmark.environments import find_others, measure_environments, read_libraries
from polygist_service.app.benchmark.figures import (
    Environment,
    Latency,
    Layout,
    Machine,
    ModelFigures,
    Numbers,
    Rate,
    Report,
    ServiceFigures,
    summarise,
    summarise_latency,
    to_json,
)
from polygist_service.app.benchmark.measurement import (
    ModelBenchmark,
    Plan,
    in_turn,
    read_busy_seconds,
)
from polygist_service.cli.app import run
from polygist_service.cli.bench import bench, write_report
from polygist_service.engine.hardware import Hardware, Placement, read_free_memory
from polygist_service.engine.interface import Hypothesis, Result
from polygist_service.engine.models.base import BatchLimits
from polygist_service.engine.models.prompt_format import Prompt
from polygist_service.engine.speed import Window, make_work
from polygist_service.errors import StoreError
from polygist_service.settings import load_settings
from polygist_service.store.description import Description, InstalledModel

IDLE = Machine("a processor", 4, 4, load=0.0, others=0.0)
ALONE = Latency(0.01, 0.02, 9)


def rate(texts, spread=0.01, windows=5):
    return Rate(texts, 18 * texts, 20 * texts, texts * (1 - spread), texts * (1 + spread), windows)


def figures(name="en-pt", **more):
    return ModelFigures(
        name=name, role="translation", device="cpu", compute_type="int8", memory_bytes=1, language="en", is_own=True,
        mean_words=18.0, load_seconds=0.1, alone=ALONE, service_batch=32, **more,
    )  # fmt: skip


def numbers(**rates):
    return {kind: Numbers(each, 1.0 if kind == "int8" else 0.8, 1) for kind, each in rates.items()}


RIGHT = ["the settings are right here: nothing that was tried is faster by a tenth"]

UNSURE = ["nothing that was tried is faster by a tenth for sure, but it was tried too briefly: more --seconds"]


@pytest.mark.parametrize(
    ("models", "advice"),
    [
        ([figures(slots={1: rate(100), 4: rate(300)})], RIGHT),
        ([figures(slots={2: rate(400), 4: rate(300)})], ["set --slots 2: 1.33 times as fast as with 4"]),
        ([figures(slots={2: rate(320), 4: rate(300)})], RIGHT),
        ([figures(slots={2: rate(400, spread=0.3), 4: rate(300)})], RIGHT),
        ([figures(slots={2: rate(400, windows=1), 4: rate(300)})], UNSURE),
        ([figures(slots={2: rate(400)})], RIGHT),
        ([figures(slots={2: rate(400), 4: rate(300)}), figures("b", slots={2: rate(200), 4: rate(300)})], RIGHT),
        (
            [figures(slots={2: rate(400), 4: rate(300)}), figures("b", slots={2: rate(300), 4: rate(300)})],
            ["set --slots 2: 1.15 times as fast as with 4"],
        ),
        (
            [figures(numbers=numbers(int8=rate(100), float32=rate(150)))],
            ["set --compute-type float32: 1.50 times as fast; 80% of the answers stay as they are"],
        ),
        (
            [figures(numbers=numbers(int8=rate(100), float32=rate(150))), figures("b", numbers={})],
            ["set --compute-type float32: 1.50 times as fast; 80% of the answers stay as they are"],
        ),
        ([figures(numbers=numbers(int8=rate(100), float32=rate(50)))], RIGHT),
        ([], ["nothing was measured, so there is nothing to advise"]),
    ],
    ids=lambda value: str(len(value)),
)
def test_a_setting_is_advised_that_makes_all_models_together_faster(models, advice):
    assert advise(Report(IDLE, models)) == advice


def test_an_environment_is_advised_that_is_faster():
    environments = [
        Environment({}, {}, rate(100)),
        Environment({"CT2_USE_MKL": "1"}, {}, rate(20)),
        Environment({"CT2_FORCE_CPU_ISA": "AVX512"}, {}, rate(130)),
    ]
    report = Report(IDLE, [figures()], environments, "en-pt")
    assert advise(report) == ["set CT2_FORCE_CPU_ISA=AVX512 in the environment of the server: 1.30 times as fast"]
    assert advise(replace(report, environments=environments[:2])) == RIGHT


@pytest.mark.parametrize(
    ("machine", "warning"),
    [
        (replace(IDLE, others=0.3), "other processes took 30% of the cores"),
        (replace(IDLE, others=None, load=2.0), "the load average was 2.0 before"),
        (replace(IDLE, others=0.01, load=2.0), ""),  # what was at work before has ended
        (replace(IDLE, others=None, load=None), ""),
    ],
)
def test_it_says_when_others_were_at_work(machine, warning):
    advice = advise(Report(machine, [figures()]))
    assert (len(advice) == 2) is bool(warning)
    assert advice[0].startswith(warning)


class Clock:
    """Time that passes only while something is measured."""

    def __init__(self) -> None:
        self.now, self.order = 0.0, list[str]()

    def __call__(self):
        return self.now

    def kind(self, name, least=0.0):
        """Work of which a batch takes at least so many seconds."""

        def work(seconds):
            self.now += max(seconds, least)
            self.order.append(name)
            return Window(float(len(self.order)))

        return work


def test_kinds_of_work_are_measured_in_turn():
    clock = Clock()
    rates, left = in_turn({name: clock.kind(name) for name in "ab"}, seconds=10, clock=clock)
    assert clock.order == ["a", "b"] * 5
    assert (rates["a"].texts, rates["a"].low, rates["a"].high, rates["a"].windows) == (5.0, 1.0, 9.0, 5)
    assert left == []
    assert clock.now == pytest.approx(10)


def test_slow_work_has_fewer_rounds_and_the_slowest_none():
    clock = Clock()
    rates, left = in_turn(
        {"a": clock.kind("a", 8), "b": clock.kind("b", 8), "c": clock.kind("c")}, seconds=10, clock=clock
    )
    assert clock.order == ["a", "b"]
    assert {key: each.windows for key, each in rates.items()} == {"a": 1, "b": 1}
    assert left == ["c"]


def test_the_median_and_the_95th_percentile():
    assert summarise([Window(3.0), Window(1.0), Window(2.0)]).texts == 2.0
    assert summarise_latency([at / 100 for at in range(100)]) == Latency(0.495, 0.95, 100)


LOG = """[2026-11-27 06:45:56.807] [ctranslate2] [thread 1] [info] CPU: AuthenticAMD (AVX=true, AVX512=true)
[2026-11-27 06:45:56.807] [ctranslate2] [thread 1] [info]  - Selected ISA: AVX2
[2026-11-27 06:45:56.807] [ctranslate2] [thread 1] [info]  - SGEMM backend: DNNL (packed: false)
[2026-11-27 06:45:56.807] [ctranslate2] [thread 1] [info]  - GEMM_S8 backend: DNNL (packed: false)
"""


def test_it_knows_what_is_calculated_with(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    libraries = read_libraries(LOG)
    assert libraries == {"instructions": "AVX2", "float32": "DNNL", "int8": "DNNL", "able": "AVX,AVX512"}
    assert [*find_others(libraries, {})] == [{"CT2_USE_MKL": "1"}, {"CT2_FORCE_CPU_ISA": "AVX512"}]
    assert [*find_others({**libraries, "int8": "MKL", "able": "AVX2"}, {})] == [{"CT2_USE_MKL": "0"}]
    assert [*find_others(libraries, {"CT2_USE_MKL": "1", "CT2_FORCE_CPU_ISA": "AVX2"})] == []
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert [*find_others(libraries, {})] == []


def test_a_system_that_tells_nothing_is_no_error(tmp_path):
    assert read_free_memory(tmp_path) is None
    assert read_busy_seconds(tmp_path) is None
    assert find_others_share(None, 1.0) is None


class FakeModel:
    """Answers texts with their words in capitals; as float32 otherwise."""

    def __init__(self, placement):
        self.placement = placement

    def tokenise(self, text, options):
        return Prompt(text.split(), text=text)

    def batch_limits(self, options):
        return BatchLimits(segments=8, tokens=1024, mixed_segments=8)

    def run(self, batch, options, listener=None):
        ending = "" if self.placement.compute_type == "int8" or len(batch[0]) % 2 else "!"
        return [Result(len(each), (Hypothesis(each.text.upper() + ending, len(each)),)) for each in batch]


def description(**more):
    return Description(
        name="en-pt", display_name="", role="translation", family="marian", license="MIT", tokenizer="pieces",
        max_input_tokens=100, **{"source_languages": ("en",), "target_languages": ("pt",), **more},
    )  # fmt: skip


def measure_fake(tmp_path, *, cores=2, slots=2, types=("int8", "int8_float32", "float32"), **more):
    opened = []

    def open_model(installed, *, slots, placement, threads=1):
        opened.append((slots, threads, placement.compute_type))
        return FakeModel(placement)

    benchmark = ModelBenchmark(
        InstalledModel("en-pt", description(**more), tmp_path, "revision", 1000),
        Placement(),
        Plan(0.2, slots, cores),
        open_model=open_model,
        hardware=Hardware(lambda: 0, lambda device, index: set(types)),
        clock=lambda: 0.0,
    )
    return benchmark.run(), opened


def test_a_model_is_measured_in_every_way(tmp_path):
    found, opened = measure_fake(tmp_path, shortlist=True)
    assert opened == [(2, 1, "int8"), (1, 2, "int8"), (2, 1, "float32")]
    assert [*found.batches] == [1, 4, 8, 16, 32, 64]
    assert [*found.slots] == [1, 2]
    assert {*found.layouts} == {Layout(2, 1), Layout(1, 2)}
    assert {*found.numbers} == {"int8", "float32"}
    assert found.numbers["int8"].same_answers == 1.0
    assert 0.0 < found.numbers["float32"].same_answers < 1.0
    assert found.numbers["float32"].memory_bytes == 4000
    assert found.shortlist
    assert 12 < found.mean_words < 22
    assert found.batches[8].words == pytest.approx(found.batches[8].texts * found.mean_words)
    assert found.notes == ()


def test_one_core_has_one_layout(tmp_path):
    found, opened = measure_fake(tmp_path, cores=1, slots=1, types=("int8",))
    assert opened == [(1, 1, "int8")]
    assert ([*found.slots], found.layouts, found.numbers, found.shortlist) == ([1], {}, {}, None)


def test_a_language_without_sentences_is_measured_with_the_golden_text_and_told():
    work = make_work(FakeModel(Placement()), description(source_languages=("fi",)))
    assert (work.language, work.is_own) == ("fi", False)
    assert {"The library opens" in text.text for text in work.texts} == {True}


def test_other_texts_are_of_the_language_that_is_read():
    work = make_work(FakeModel(Placement()), description(source_languages=("fi", "pt"), target_languages=("en",)))
    assert (work.language, work.is_own, work.options.source, work.options.target) == ("pt", True, "pt", "en")


def test_as_long_texts_share_batches():
    work = make_work(FakeModel(Placement()), description())
    batches = work.batches(16)
    for _ in range(40):
        lengths = [len(text.tokens) for text in next(batches)]
        assert len(lengths) == 16
        assert max(lengths) <= min(lengths) + 4


REPORT = Report(
    replace(IDLE, others=0.01),
    [
        figures(
            batches={8: rate(400), 32: rate(390)}, slots={1: rate(200), 4: rate(390)},
            layouts={Layout(4, 1): rate(390), Layout(1, 4): rate(210)},
            numbers=numbers(int8=rate(390), float32=rate(150)), shortlist=rate(600),
            prompt_seconds=0.5, token_seconds=0.03, notes=["a note of the model"],
        )
    ],
    [Environment({}, {"int8": "DNNL", "able": "AVX"}, rate(390))],
    "en-pt",
    ServiceFigures("en-pt", Latency(0.012, 0.02, 5), ALONE, 32, rate(300), rate(400)),
    ["an advice"],
    ["a note"],
)  # fmt: skip


def test_the_report_says_it_all():
    text = "\n".join(write_report(REPORT))
    assert "a processor: 4 cores, 4 slots, load average 0.00 before, other processes took 1% meanwhile" in text
    assert "batches of         8: 400  32*: 390" in text
    assert "slots x threads    4 x 1: 390  1 x 4: 210" in text
    assert "same answers     float32: 80%" in text
    assert "one call at a time 12.0 ms, 2.0 ms of it added" in text
    assert "75% of the 400/s without server and callers" in text
    assert "=> an advice" in text
    assert "0.50 s to read, then 30.0 ms a token" in text
    assert text.count("note: a note") == 2
    assert "able" not in text


def test_the_readme_shows_such_a_report():
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    shown = readme.partition("## How fast is this machine\n")[2].split("```")[3]
    labels = [
        {line[2:20].strip() for line in lines if line.startswith("  ") and not line.startswith("  CT2_")}
        for lines in (shown.splitlines(), write_report(REPORT))
    ]
    assert labels[0] <= labels[1]


def test_the_report_is_json():
    told = json.loads(json.dumps(to_json(REPORT)))
    assert told["models"][0]["layouts"]["1 x 4"]["texts"] == 210
    assert told["models"][0]["serviceBatch"] == 32
    assert told["service"]["engineAlone"]["median"] == 0.01
    assert told["advice"] == ["an advice"]


def test_the_command_measures_an_installed_model(tiny_home, capsys):
    assert run(["bench", "--home", str(tiny_home), "--seconds", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (model,) = told["models"]
    assert (model["name"], model["language"]) == ("de-en", "de")
    assert all(each["texts"] > 0 for each in model["batches"].values())
    assert told["service"]["calls"]["texts"] > 0
    assert told["environments"][0]["libraries"]["int8"]
    assert told["advice"]


@pytest.mark.parametrize(("names", "problem"), [(["none"], "none"), ([], "models pull starter")])
def test_a_model_that_is_not_there_is_an_error(tmp_path, names, problem):
    with pytest.raises(StoreError, match=problem):
        Benchmark(load_settings({"home": tmp_path}), 1.0, lambda what, done: None).run(names)


def test_a_process_that_fails_is_told(tmp_path):
    with pytest.raises(OSError, match=r"the process has ended: .*no model"):
        measure_environments(tmp_path, "none", Placement(), slots=1, size=1, seconds=0.1)


@pytest.mark.parametrize("given", ["nan", "inf", "0.1"])
def test_seconds_that_are_no_time_are_refused(given):
    shown = CliRunner().invoke(bench, ["--seconds", given])
    assert shown.exit_code == 2
    assert given in shown.output
