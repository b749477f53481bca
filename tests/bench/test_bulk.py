"""What the figures of streams and bulk rest on, and one short run with the real models."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.bulk.memory import MemoryWatch
from bench.bulk.pace import Turn
from bench.bulk.pace import make_finding as find_pace
from bench.bulk.records import Bad, is_reworded, spread, write_lines
from bench.bulk.restarts import Point, growth_of_life
from bench.bulk.restarts import make_finding as find_restarts
from bench.bulk.texts import halve, read_articles, read_items, read_sentences
from bench.quality.sets import DataFolder

ROOT = Path(__file__).parents[2]
SENTENCES = [f"The ferry number {number} leaves the old pier at ten." for number in range(400)]


@pytest.fixture
def data(tmp_path):
    """A folder of data with sentences and two articles."""
    (tmp_path / "distil").mkdir()
    (tmp_path / "articles").mkdir()
    lines = [*SENTENCES, SENTENCES[0], "Too short."]
    (tmp_path / "distil" / "sentences.en.txt").write_text("\n".join(lines))
    articles = [{"article": "One.\nTwo.\nThree.\nFour."}, {"article": "Five six."}]
    (tmp_path / "articles" / "bbc_300.jsonl").write_text("\n".join(map(json.dumps, articles)))
    return DataFolder(tmp_path)


def test_no_text_stands_there_twice(data):
    assert read_sentences(data, 400) == SENTENCES
    assert read_items(data, 400)[1] == "The ferry number 1 leaves the"
    with pytest.raises(ValueError, match="the data has 400 sentences, 401 are needed"):
        read_sentences(data, 401)


def test_where_articles_are_too_few_the_longest_is_halved(data):
    assert set(read_articles(data, 2)) == {"One.\nTwo.\nThree.\nFour.", "Five six."}
    assert set(read_articles(data, 3)) == {"One.\nTwo.\nThree.", "Four.", "Five six."}
    with pytest.raises(ValueError, match="no articles"):
        read_articles(DataFolder(data.path / "distil"), 1)


@pytest.mark.parametrize(
    ("article", "halves"), [("One two.\nThree.", ("One two.", "Three.")), ("One two three.", ("One two", "three."))]
)
def test_an_article_is_cut_at_a_line_or_a_space(article, halves):
    assert halve(article) == halves


def turns(unary, many, awaited):
    return {
        way: Turn(pace, 1.0, 0.5)
        for way, pace in zip(("unary", "many", "async-many"), (unary, many, awaited), strict=True)
    }


def test_the_pace_that_counts_is_the_median_of_ratios_within_rounds():
    finding = find_pace([turns(100, 110, 90), turns(50, 60, 49), turns(400, 100, 500)])
    assert [row[2:5] for row in finding.rows] == [(1.0, 1.0, 1.0), (1.1, 0.25, 1.2), (0.98, 0.9, 1.25)]
    assert [requirement.is_met for requirement in finding.requirements] == [True, False]
    assert not finding.is_met
    assert "MISSED" in finding.table().to_markdown()


def points(*held):
    return [Point(float(at), at, 40.0, megabytes, life) for at, (megabytes, life) in enumerate(held)]


def test_a_server_grows_since_the_first_third_of_its_own_life():
    lives = points((100, 1), (300, 1), (310, 1), (305, 1), (90, 2), (200, 2), (280, 2))
    assert growth_of_life(lives, 1) == 10
    assert growth_of_life(lives, 2) == 80


def met(indices, wrong=()):
    whole = points((100, 1), (100, 2), (100, 3))
    return [each.is_met for each in find_restarts(whole, indices, wrong, 4).requirements][:4]


def test_an_item_that_is_lost_doubled_out_of_order_or_wrong_is_a_miss():
    assert met([0, 1, 2, 3]) == [True, True, True, True]
    assert met([0, 1, 3]) == [False, True, True, True]
    assert met([0, 1, 1, 2, 3]) == [True, False, True, True]
    assert met([0, 2, 1, 3]) == [True, True, False, True]
    assert met([0, 1, 2, 3], wrong=[2]) == [True, True, True, False]


def test_bad_records_stand_between_good_ones_at_the_lines_that_are_named():
    bad = spread([Bad("null", b"null"), Bad("broken", b"{")], 7)
    lines = list(write_lines([f"Text {number}." for number in range(7)], bad))
    assert [number for number, line in enumerate(lines, 1) if line in (b"null\n", b"{\n")] == list(bad)
    assert [json.loads(line)["id"] for line in lines if b"Text" in line] == [f"a{number}" for number in range(7)]


@pytest.mark.parametrize(
    ("killed", "is_told_apart"),
    [
        ({"id": "a1", "body": "One.", "body_pt": "Outro.", "warnings": [{"code": "NUMBER_CHANGED"}]}, True),
        ({"id": "a1", "body": "One!", "body_pt": "Um."}, False),
        ({"id": "a1", "body": "One.", "error": {"reason": "INTERNAL"}}, False),
    ],
)
def test_a_record_that_differs_in_more_than_the_words_of_its_translation_is_told_apart(killed, is_told_apart):
    calm = {"id": "a1", "body": "One.", "body_pt": "Um."}
    assert is_reworded(json.dumps(calm).encode(), json.dumps(killed).encode()) is is_told_apart


HOLDER = """
print("ready", flush=True)
input()
held = bytearray(100_000_000)
input()
del held
print("freed", flush=True)
input()
"""


def test_the_most_that_a_process_held_is_seen():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen([sys.executable, "-c", HOLDER], **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        with MemoryWatch(process.pid) as watch:
            process.stdin.write("hold\n")
            while watch.most < watch.before + 90:
                time.sleep(0.01)
            process.stdin.write("free\n")
            assert process.stdout.readline() == "freed\n"
            samples = watch.samples()
        process.kill()
    assert samples.rise > 90
    assert samples.after < samples.most - 90


def run(*arguments):
    command = [sys.executable, "-m", "bench.bulk", *map(str, arguments)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")}
    return subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.model
def test_a_short_run_restarts_the_server_twice(starter_home, data, tmp_path):
    pytest.importorskip("sacrebleu", reason="the scorers are not installed: pip install --group bench")
    done = run("restarts", "--data", data.path, "--home", starter_home, "--items", 400, "--results", tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    report = json.loads((tmp_path / "bulk.json").read_text())
    assert [row["server number"] for row in report["tables"][0]["rows"]][::12] == [1, 3]
    assert done.stdout.strip() == (tmp_path / "bulk.md").read_text().strip()


@pytest.mark.parametrize(("arguments", "message"), [(["no such part"], "no part no such part"), ([], "no such folder")])
def test_what_cannot_be_measured_is_refused(arguments, message):
    pytest.importorskip("sacrebleu", reason="the scorers are not installed: pip install --group bench")
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
