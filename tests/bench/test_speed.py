"""What the ratios of speed rest on, and one short run with the real models; no figure of it is asserted."""

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from bench.speed.corpus import Corpus
from bench.speed.raw import BATCH, make_batches
from bench.speed.rounds import Round, make_tables
from bench.speed.sides import LOADS
from bench.speed.window import ENGINE, TOKENS, WHOLE, Window, read_cpu_seconds, share_within

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("call", "share"),
    [((2, 4), 1), ((0, 2), 0.5), ((4, 8), 0.25), ((0, 10), 0.4), ((6, 7), 0), ((0, 0.5), 0)],
)
def test_of_a_call_the_share_counts_that_lies_in_the_window(call, share):
    assert share_within(call, (1, 5)) == share


def test_a_window_is_read_as_it_was_printed():
    window = Window(seconds=2.0, words=300.5, tokens=400.0, cpu_seconds=3.0, generator_cpu_seconds=0.1)
    assert Window.from_json(window.to_json()) == window
    assert (window.words_per_second, window.words_per_cpu_second) == (150.25, 300.5 / 3)


def test_cpu_time_is_read_of_a_process_whose_name_has_a_bracket(tmp_path):
    program = tmp_path / "a) 1 2"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as process:
        assert read_cpu_seconds(process.pid) < 60
        process.kill()


def rounds(idle_cores):
    raw = Window(seconds=2.0, words=2000.0, tokens=3000.0, cpu_seconds=4.0)
    return [
        Round(load, {"raw": raw, "service": Window(4.0, words, 1.5 * words, 2.0, 0.5)}, idle_cores)
        for load in LOADS
        for words in (3000.0, 4000.0, 2000.0)
    ]


def test_the_ratio_is_the_median_of_the_rounds_and_every_window_is_listed():
    ratios, windows = make_tables(rounds(0.001), baseline="raw", candidate="service")
    assert ratios.rows[0] == (LOADS[0].name, 1000, 750, 0.75, 0.5, 1.0, 3.0, 0.5, 0.125)
    assert [row[1:3] for row in windows.rows[:4]] == [(1, "raw"), (1, "service"), (2, "raw"), (2, "service")]
    assert len(windows.rows) == 12
    assert "void" not in ratios.notes[-1]


def test_a_server_that_burns_time_while_the_other_is_measured_makes_the_ratios_void():
    ratios, _ = make_tables(rounds(0.5), baseline="raw", candidate="service")
    assert "void" in ratios.notes[-1]


class Letters:
    """A model whose tokens are letters."""

    def tokenise(self, text):
        return list(text)


@pytest.mark.parametrize("counted", [ENGINE, TOKENS])
def test_raw_batches_hold_every_sentence_sorted_within_a_stretch_without_end(counted):
    sentences = [f"a {'b' * number}" for number in range(BATCH + 8)]
    batches = list(islice(make_batches(sentences, Letters(), counted=counted, stretch=BATCH + 4), 4))
    assert [len(batch.sentences) for batch in batches] == [BATCH, 4, 4, BATCH]
    assert [batch.stretch_words for batch in batches] == [0, 2 * (BATCH + 4) - 1, 8, 0]
    assert [len(tokens) for tokens in batches[0].sentences] == list(range(BATCH + 5, 5, -1))


def test_raw_splits_articles_itself_where_that_counts():
    batches = make_batches(["One goes. Two go.", "Three go."], Letters(), counted=WHOLE, stretch=3)
    assert ["".join(tokens) for tokens in next(batches).sentences] == ["One goes.", "Three go.", "Two go."]
    assert next(batches).stretch_words == 6


def test_an_article_has_a_line_for_each_sentence(tmp_path):
    path = Corpus(("One.", "Two.", "Three."), "en-pt", "made up").write(tmp_path, sentences_per_text=2)
    assert json.loads(path.read_text()) == ["One.\nTwo.", "Three."]


def run(*arguments):
    command = [sys.executable, "-m", "bench.speed", *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")}
    return subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.model
def test_a_short_run_measures_both_loads_and_names_its_text(starter_home, tmp_path):
    pytest.importorskip("sacrebleu", reason="the scorers are not installed: pip install --group bench")
    lengths = ("--rounds", 1, "--seconds", 0.2, "--warm-up", 0.1)
    done = run("--quick", "--home", starter_home, "--results", tmp_path, *lengths)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "speed.json").read_text())
    ratios, windows = (table["rows"] for table in report["tables"])
    assert [row["load"] for row in ratios] == [load.name for load in LOADS]
    assert [row["side"] for row in windows] == ["raw", "service"] * 2
    assert "examples/article.txt" in report["environment"]["sentences"]
    assert done.stdout.strip() == (tmp_path / "speed.md").read_text().strip()


def test_a_checkout_without_a_server_is_refused(tmp_path):
    pytest.importorskip("sacrebleu", reason="the scorers are not installed: pip install --group bench")
    done = run("--against", tmp_path)
    assert done.returncode == 2
    assert "polygist-server is not there" in done.stderr
