"""The bulk job on a real Ray cluster of one machine, with real models that are tiny: killed, and gone on with."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

REPOSITORY = Path(__file__).parents[3]
TASK = ("--translate-to", "en", "--source-language", "de")
DOCUMENTS = 2000
# One line in so many is none that can be translated.
EVERY_BAD = 97
BAD = (b'{"id": "broken", "text": "Das Boot', b'{"id": "null", "text": null}', b'"text"', b'{"id": "x", "body": ""}')
WORDS = ("das", "Boot", "fährt", "heute", "nicht", "mehr", "über", "den", "See", "und", "Wind", "kommt")
MOST_REWORDED = 0.005
KILLS = 3


def make_lines(seed):
    """Lines of JSON with an id and a text each, some of which are none."""
    chance = random.Random(seed)
    for number in range(DOCUMENTS):
        if number % EVERY_BAD == EVERY_BAD - 1:
            yield chance.choice(BAD)
        else:
            words = " ".join(chance.choices(WORDS, k=5))
            yield json.dumps({"id": f"d{number}", "text": f"{words.capitalize()}."}).encode()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder of a corpus in two files of lines."""
    folder = tmp_path_factory.mktemp("corpus")
    lines = list(make_lines(7))
    (folder / "a.jsonl").write_bytes(b"\n".join(lines[:1200]) + b"\n")
    (folder / "b.jsonl").write_bytes(b"\n".join(lines[1200:]))
    return folder


def command_of(source, output, home, *options):
    given = (source, output, *TASK, "--home", home, "--part-kilobytes", 2, "--cores", 1, *options)
    return [sys.executable, str(REPOSITORY / "deploy/ray/bulk.py"), *map(str, given)]


def run(*arguments):
    return subprocess.run(command_of(*arguments), capture_output=True, text=True, check=False, timeout=300)


def read_results(output):
    parts = sorted(output.glob("part-*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def count_done(output):
    return len(list(output.glob("_job/done/*.json")))


@pytest.fixture(scope="module")
def calm(corpus, tiny_home, tmp_path_factory):
    """The output of a job that nothing disturbs."""
    output = tmp_path_factory.mktemp("calm") / "out"
    done = run(corpus, output, tiny_home)
    assert done.returncode == 0, done.stderr
    return output


def test_every_document_has_a_record_and_what_failed_says_why(corpus, calm):
    results, summary = read_results(calm), json.loads((calm / "_job/summary.json").read_text())
    failed = [each for each in results if each["errors"]]
    assert (len(results), len(failed)) == (DOCUMENTS, DOCUMENTS // EVERY_BAD)
    assert {each["errors"][0]["reason"] for each in failed} == {"DOCUMENT_UNREADABLE"}
    assert all(each["translation"] and each["source_language"] == "de" for each in results if not each["errors"])
    content = {path.name: path.read_bytes() for path in corpus.iterdir()}
    assert all(content[each["file"]][each["position"] :].startswith((b"{", b'"')) for each in results)
    assert (summary["documents"], summary["failed"]) == (DOCUMENTS, len(failed))
    assert summary["parts"] == summary["parts_done"] == len(list(calm.glob("part-*"))) > 10


def kill_at(command, output, done, chance):
    """Run a job, and kill it a moment after so many parts are done; tells whether it was killed before its end."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while process.poll() is None and count_done(output) < done:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
    finally:
        process.kill()
    return process.wait() == -signal.SIGKILL


def test_a_job_that_is_killed_goes_on_where_it_was(corpus, calm, tiny_home, tmp_path):
    output, chance = tmp_path / "out", random.Random(11)
    parts = len(list(calm.glob("part-*")))
    killed = []
    for number in range(KILLS):
        # In each job after some work of its own, and with some left for the last.
        due = max(count_done(output) + 1, parts * (number + chance.random()) / (KILLS + 1))
        killed.append(kill_at(command_of(corpus, output, tiny_home), output, due, chance))
    assert killed == [True] * KILLS
    left = parts - count_done(output)
    last = run(corpus, output, tiny_home)
    assert last.returncode == 0, last.stderr
    assert 0 < left < parts
    expected, found = read_results(calm), read_results(output)
    places = Counter((each["file"], each["position"]) for each in found)
    assert len(places) == DOCUMENTS
    assert set(places.values()) == {1}
    # Which segments share a batch changes the last digits of a model's sums, and now and then a word.
    same = [
        {**mine, "translation": ""} == {**its, "translation": ""} for mine, its in zip(expected, found, strict=True)
    ]
    assert all(same)
    assert sum(mine != its for mine, its in zip(expected, found, strict=True)) <= MOST_REWORDED * DOCUMENTS
    summaries = [json.loads((folder / "_job/summary.json").read_text()) for folder in (calm, output)]
    assert all(summaries[0][name] == summaries[1][name] for name in ("documents", "failed", "characters", "reasons"))
    assert not list((output / "_job").glob("unfinished/*"))


def find_actor(pid):
    """The process of an actor of a job, whose driver is `pid`; None where there is none yet."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            number, _, rest = stat.read_text().partition(" (")
            parents[int(number)] = int(rest.rpartition(") ")[2].split()[1])
    for number in parents:
        above = number
        while above in parents and above != pid:
            above = parents[above]
        with suppress(OSError):
            if above == pid and b"ray::MapWorker" in Path(f"/proc/{number}/cmdline").read_bytes():
                return number
    return None


def test_parts_of_an_actor_that_is_killed_are_done_again(corpus, calm, tiny_home, tmp_path):
    output = tmp_path / "out"
    process = subprocess.Popen(command_of(corpus, output, tiny_home), stderr=subprocess.PIPE, text=True)
    try:
        while process.poll() is None and not count_done(output):
            time.sleep(0.01)
        os.kill(find_actor(process.pid), signal.SIGKILL)
        _, errors = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert [each["id"] for each in read_results(output)] == [each["id"] for each in read_results(calm)]


def test_a_job_that_is_done_does_nothing_again(corpus, calm, tiny_home):
    before = {path: path.stat().st_mtime_ns for path in calm.glob("part-*")}
    done = run(corpus, calm, tiny_home)
    assert done.returncode == 0, done.stderr
    assert "2,000 documents" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in calm.glob("part-*")} == before


def test_tables_in_and_out_have_the_same_results(calm, tiny_home, tmp_path):
    texts = [json.loads(line) for line in make_lines(7) if line not in BAD][:200]
    table = pyarrow.table({"id": [each["id"] for each in texts], "body": [each["text"] for each in texts]})
    (tmp_path / "in").mkdir()
    parquet.write_table(table, tmp_path / "in/a.parquet", row_group_size=70)
    options = ("--text-field", "body", "--output-format", "parquet", "--part-kilobytes", 1)
    done = run(tmp_path / "in", tmp_path / "out", tiny_home, *options)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").glob("part-*.parquet"))) > 2
    rows = parquet.read_table(tmp_path / "out").to_pylist()
    expected = {each["id"]: each["translation"] for each in read_results(calm)}
    assert [row["position"] for row in rows] == list(range(200))
    assert sum(expected[row["id"]] != row["translation"] for row in rows) <= 1
    assert all(row["errors"] == [] for row in rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--source-language", "fr"), "error: --source-language is 'fr', and the results in"),
        (("--text-field", "body"), "error: --text-field is 'body', and the results in"),
    ],
)
def test_other_options_do_not_go_on_with_the_results(corpus, calm, tiny_home, options, message):
    done = run(corpus, calm, tiny_home, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_a_cluster_that_does_not_answer_is_told_at_once(corpus, tiny_home, tmp_path):
    done = run(corpus, tmp_path / "out", tiny_home, "--address", "127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: --address '127.0.0.1:1': nothing answers there")
    assert not list((tmp_path / "out").glob("_job/*.json"))  # the next one may be another


def test_what_no_document_can_get_ends_the_job_with_a_line(corpus, tiny_home, tmp_path):
    done = run(corpus, tmp_path / "out", tiny_home, "--translate-to", "fr")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: the service refuses what is asked for: ")
    assert "Traceback" not in done.stderr
