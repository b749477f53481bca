"""The bulk job on Ray: killed three times and gone on with, and its pace beside one server fed by `translate_many`."""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polygist_client import Client

from bench.bulk.findings import TARGET, Extent, Finding
from bench.bulk.records import Bad, is_english, make_bad, spread
from bench.bulk.texts import read_articles
from bench.fidelity.kinds import Requirement
from bench.quality.environment import REPOSITORY
from bench.quality.process import start_server
from bench.quality.report import Cell, say
from bench.speed.rounds import Spread

COMMAND = (sys.executable, str(REPOSITORY / "deploy/ray/bulk.py"))
KILLS = 3
SEED = 20
FIELD = "body"
SPARE = 50
PART_KILOBYTES = 32
MOST_CHARACTERS = 1000
MOST_SECONDS = 3600.0
# Documents whose translation or summary a second run may word otherwise.
MOST_REWORDED = 0.005
WRITTEN = ("translation", "summary", "warnings")
# Of the pace: articles in a turn of the job and of the client.
TURN = 500
MOST_ROUNDS = 4
LEAST_RATIO = 0.9


@dataclass(frozen=True, slots=True)
class Job:
    """A job that has ended.

    Attributes:
        seconds: from the start of its process to its end.
        summary: what it says of itself.
        results: its records, in order.
    """

    seconds: float
    summary: dict[str, Any]
    results: list[dict[str, Any]]


def measure(extent: Extent) -> Iterator[Finding]:
    """First the kills, then the pace."""
    found = [begin(article) for article in read_articles(extent.data, extent.records + SPARE)]
    with start_server(extent.home) as server, Client(server.address) as client:
        articles = [article for article in found if is_english(client, article)][: extent.records]
    yield measure_kills(articles, make_bad(extent.data), extent)
    yield measure_pace(articles, extent)


def begin(article: str) -> str:
    """Return the first paragraphs of an article, or of a long one as much as is worked on in a second."""
    if len(article) <= MOST_CHARACTERS:
        return article
    end = max(article.rfind(mark, 0, MOST_CHARACTERS) for mark in ("\n", ". ", " "))
    return article[: end + 1].strip()


def write_corpus(path: Path, articles: Sequence[str], bad: Sequence[Bad] = ()) -> None:
    """Write a file of lines with an article each, and the bad ones among them."""
    at = spread(bad, len(articles)) if bad else {}
    good = enumerate(articles)
    with path.open("wb") as file:
        for number in range(1, len(articles) + len(bad) + 1):
            if number in at:
                file.write(at[number].line + b"\n")
            else:
                index, article = next(good)
                file.write(json.dumps({"id": f"a{index}", FIELD: article}).encode() + b"\n")


def command_of(corpus: Path, output: Path, extent: Extent, *options: str) -> list[str]:
    """The command line of a job."""
    home = ["--home", str(extent.home)] if extent.home else []
    general = ["--text-field", FIELD, "--translate-to", TARGET, "--part-kilobytes", str(PART_KILOBYTES)]
    return [*COMMAND, str(corpus), str(output), *general, *home, *options]


def run_job(command: Sequence[str], output: Path) -> Job:
    """Run a job to its end; raises RuntimeError where it fails."""
    began = time.monotonic()
    done = subprocess.run(command, timeout=MOST_SECONDS, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the job ended with exit code {done.returncode}: {done.stderr[-1000:]}")
    seconds = time.monotonic() - began
    parts = sorted(output.glob("part-*.jsonl"))
    results = [json.loads(line) for part in parts for line in part.read_bytes().splitlines()]
    return Job(seconds, json.loads((output / "_job/summary.json").read_text()), results)


def count_done(output: Path) -> int:
    """Parts of a job that are done."""
    return len(list(output.glob("_job/done/*.json")))


def measure_kills(articles: Sequence[str], bad: Sequence[Bad], extent: Extent) -> Finding:
    """A job that is killed at random moments and started again, beside one that is not."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, calm_output, output = (Path(folder) / name for name in ("articles.jsonl", "calm", "killed"))
        write_corpus(corpus, articles, bad)
        calm = run_job(command_of(corpus, calm_output, extent, "--summarise"), calm_output)
        say(f"corpus: undisturbed: {calm.seconds:.0f} s, {calm.summary['documents_per_second']:.1f} documents/s")
        command = command_of(corpus, output, extent, "--summarise")
        stops = kill(command, output, calm.summary["parts"])
        last = run_job(command, output)
        say(f"corpus: killed at {stops}, gone on with for {last.seconds:.0f} s")
        return compare(calm, last, stops, len(articles), bad)


def kill(command: Sequence[str], output: Path, parts: int) -> list[int]:
    """Run a job again and again, and kill it each time after a random share of the parts; returns these."""
    chance = random.Random(SEED)
    stops = []
    for number in range(KILLS):
        # In each job after some work of its own, and with some left for the last.
        due = max(count_done(output) + 1, parts * (number + chance.random()) / (KILLS + 1))
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while process.poll() is None and count_done(output) < due:
                time.sleep(0.02)
            # Anywhere between two parts, or while one is written.
            time.sleep(chance.uniform(0, 1.0))
        finally:
            process.kill()
        if process.wait() == -signal.SIGKILL:
            stops.append(count_done(output))
        say(f"corpus: exit code {process.returncode} at {count_done(output)} of {parts} parts")
    return stops


def compare(calm: Job, last: Job, stops: Sequence[int], articles: int, bad: Sequence[Bad]) -> Finding:
    """The job that was killed has ended as the other one."""
    places = Counter((each["file"], each["position"]) for each in last.results)
    pairs = list(zip(calm.results, last.results, strict=False))
    kept = [{name: value for name, value in each.items() if name not in WRITTEN} for each in calm.results]
    of_last = [{name: value for name, value in each.items() if name not in WRITTEN} for each in last.results]
    reworded = sum(mine != its for mine, its in pairs)
    failed = sum(bool(each["errors"]) for each in last.results)
    requirements = (
        Requirement(f"killed {KILLS} times before its end", len(stops) == KILLS),
        Requirement(f"all {articles + len(bad)} documents are there", len(places) == articles + len(bad)),
        Requirement("no document is there twice", max(places.values()) == 1),
        Requirement(f"those that failed are the {len(bad)} bad ones", failed == len(bad)),
        Requirement("equal to the undisturbed job, but for other words", kept == of_last),
        Requirement(f"at most {100 * MOST_REWORDED:g} % of those", reworded <= MOST_REWORDED * len(pairs)),
    )
    rows: list[tuple[Cell, ...]] = [(f"SIGKILL {number}", stop) for number, stop in enumerate(stops, 1)]
    rows.append(("end", last.summary["parts_done"]))
    notes = (
        f"Translated to {TARGET} and summarised, up to {MOST_CHARACTERS:,} characters of each article; parts of"
        f" {PART_KILOBYTES} kB; random moments of seed {SEED}."
        f" {reworded} of {len(pairs)} documents are in other words: which segments share a batch changes the last"
        " digits of a model's sums.",
    )
    return Finding("Corpus, killed and gone on with", ("", "parts done"), rows, requirements, notes)


def measure_pace(articles: Sequence[str], extent: Extent) -> Finding:
    """The job and the client in turn, with the same articles in a round and others in the next one."""
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(min(extent.rounds, MOST_ROUNDS)):
            some = articles[number * TURN : (number + 1) * TURN]
            ways = [("client", send_by_client), ("job", send_by_job)]
            turns = {
                way: send(some, extent, Path(folder) / f"{number}-{way}")
                for way, send in (ways if number % 2 else ways[::-1])
            }
            rounds.append({way: len(some) / seconds for way, seconds in turns.items()})
            say(f"corpus: round {number + 1}: {', '.join(f'{way} {pace:.1f}/s' for way, pace in rounds[-1].items())}")
    ratio = Spread.of(each["job"] / each["client"] for each in rounds)
    rows: list[tuple[Cell, ...]] = [
        (name, round(Spread.of(each[way] for each in rounds).median, 2))
        for way, name in (("client", "one server, Client.translate_many"), ("job", "the job, one actor"))
    ]
    rows.append(("ratio", round(ratio.median, 3)))
    statement = f"the job at least {LEAST_RATIO:g} times the server (median)"
    notes = (
        f"{len(rounds)} rounds in turn, {TURN} articles of up to {MOST_CHARACTERS:,} characters a turn, translated"
        f" to {TARGET}; ratios from {ratio.least:.3f} to {ratio.greatest:.3f}. The start of the server and of the job,"
        " until its actors have loaded the models, are left out.",
    )
    columns = ("way", "documents/s")
    return Finding("Corpus, pace", columns, rows, (Requirement(statement, ratio.median >= LEAST_RATIO),), notes)


def send_by_client(articles: Sequence[str], extent: Extent, folder: Path) -> float:
    """Have one server translate articles for one client; returns the seconds."""
    with start_server(extent.home) as server, Client(server.address) as client:
        client.translate(articles[0][:200], to=TARGET)
        began = time.monotonic()
        done = sum(1 for _ in client.translate_many(articles, to=TARGET))
        seconds = time.monotonic() - began
    if done != len(articles):
        raise ValueError(f"the server answered {done} of {len(articles)} articles")
    return seconds


def send_by_job(articles: Sequence[str], extent: Extent, folder: Path) -> float:
    """Have a job translate articles; returns the seconds that its actors worked."""
    folder.mkdir()
    write_corpus(folder / "articles.jsonl", articles)
    job = run_job(command_of(folder / "articles.jsonl", folder / "out", extent), folder / "out")
    if job.summary["failed"] or job.summary["documents"] != len(articles):
        raise ValueError(f"the job did {job.summary['documents']} of {len(articles)} articles: {job.summary}")
    return float(job.summary["seconds_of_work"])
