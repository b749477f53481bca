"""``polygist translate`` of a file of articles with five bad ones: undisturbed, and killed five times and resumed."""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from polygist_client import Client

from bench.bulk.findings import SOURCE, TARGET, Extent, Finding
from bench.bulk.texts import read_articles, read_documents
from bench.fidelity.kinds import Requirement
from bench.quality.process import start_server
from bench.quality.report import Cell, say
from bench.quality.sets import DataFolder
from bench.speed.corpus import SURE

COMMAND = Path(sys.executable).with_name("polygist")
KILLS = 5
SEED = 13
MOST_SECONDS = 3600.0
SOME_FAILED = 3
# Records that a second run may word otherwise.
MOST_REWORDED = 0.005
# So many lines that differ are shown.
SHOWN = 10
FIELD = "body"
# Articles that may be in another language than they should.
SPARE = 50
TOO_LONG = 1_000_001


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that cannot be translated.

    Attributes:
        kind: in what way.
        line: as it stands in the file.
        id: what a message calls it by; empty where it cannot be read.
    """

    kind: str
    line: bytes
    id: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One end of ``polygist translate``."""

    code: int
    errors: str
    seconds: float


def measure(extent: Extent) -> Iterator[Finding]:
    """Both runs on one server."""
    found = read_articles(extent.data, extent.records + SPARE)
    with start_server(extent.home) as server, tempfile.TemporaryDirectory() as folder:
        with Client(server.address) as client:
            articles = [article for article in found if is_english(client, article)][: extent.records]
        bad = spread(make_bad(extent.data), len(articles))
        given = Path(folder) / "articles.jsonl"
        given.write_bytes(b"".join(write_lines(articles, bad)))
        command = [COMMAND, "--address", server.address, "translate", "--to", TARGET, "--format", "jsonl"]
        command += ["--field", FIELD, str(given), "-o"]
        calm, killed = Path(folder) / "calm.jsonl", Path(folder) / "killed.jsonl"
        undisturbed = run([*command, str(calm)])
        say(f"records: undisturbed: exit code {undisturbed.code} after {undisturbed.seconds:.0f} s")
        say(undisturbed.errors)
        stops = kill([*command, str(killed)], killed, len(articles) + len(bad))
        resumed = run([*command, str(killed), "--resume"])
        say(f"records: resumed to the end: exit code {resumed.code} after {resumed.seconds:.0f} s")
        yield check_undisturbed(undisturbed, calm, given, bad)
        yield check_killed(stops, resumed, killed, calm)


def is_english(client: Client, article: str) -> bool:
    """Whether nothing in an article makes a server refuse it: some of the news is in Welsh, or a table of names."""
    best = client.detect_language(article).best
    return best.code == SOURCE and best.confidence >= SURE


def make_bad(data: DataFolder) -> list[Bad]:
    """One of each kind."""
    german = json.dumps({"id": "german", FIELD: read_documents(data, "de")[0]}).encode()
    return [
        Bad("another language", german, "german"),
        Bad("null", b'{"id": "null", "body": null}', "null"),
        Bad("broken line", b'{"id": "broken", "body": "The ferry le'),
        Bad("not UTF-8", b'{"id": "latin-1", "body": "The caf\xe9 is closed."}'),
        Bad(
            "too long",
            json.dumps({"id": "long", FIELD: "The café is closed. " * (TOO_LONG // 20 + 1)}).encode(),
            "long",
        ),
    ]


def spread(bad: Sequence[Bad], count: int) -> dict[int, Bad]:
    """Give each bad record its line among so many good ones, counted from 1."""
    step = count // (len(bad) + 1)
    return {(place + 1) * step + place + 1: each for place, each in enumerate(bad)}


def write_lines(articles: Sequence[str], bad: Mapping[int, Bad]) -> Iterator[bytes]:
    """Yield the lines of the file: bytes that must stay as they are stand around the texts."""
    good = enumerate(articles)
    for number in range(1, len(articles) + len(bad) + 1):
        if number in bad:
            yield bad[number].line + b"\n"
        else:
            at, article = next(good)
            yield b'{"id": "a%d", "weight": 1E400, "body": %s, "price":0.1000}\n' % (at, json.dumps(article).encode())


def run(command: Sequence[object]) -> Run:
    """Run a command to its end."""
    began = time.monotonic()
    done = subprocess.run(list(map(str, command)), stderr=subprocess.PIPE, timeout=MOST_SECONDS, check=False)
    return Run(done.returncode, done.stderr.decode(), time.monotonic() - began)


def kill(command: Sequence[object], output: Path, count: int) -> list[int]:
    """Run a command again and again, and kill it each time after a random share of the answers; returns these."""
    chance = random.Random(SEED)
    stops = []
    for number, share in enumerate(sorted(chance.uniform(0.05, 0.95) for _ in range(KILLS))):
        resume = ["--resume"] if number else []
        process = subprocess.Popen(list(map(str, [*command, *resume])), stderr=subprocess.PIPE)
        try:
            while process.poll() is None and count_lines(journal_of(output)) < share * count:
                time.sleep(0.02)
            # Anywhere between two answers, or in one.
            time.sleep(chance.uniform(0, 0.3))
        finally:
            process.kill()
            _, errors = process.communicate()
        if process.returncode == -signal.SIGKILL:
            stops.append(count_lines(journal_of(output)))
        say(f"records: exit code {process.returncode} at {stops[-1:]} of {count} lines {errors.decode()[-200:]!r}")
    return stops


def journal_of(output: Path) -> Path:
    """Where ``polygist`` keeps what is answered."""
    return output.with_name(f"{output.name}.partial.jsonl")


def count_lines(path: Path) -> int:
    """Lines that a file has so far; 0 where it is not there."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def check_undisturbed(done: Run, output: Path, given: Path, bad: Mapping[int, Bad]) -> Finding:
    """All good records are written, each bad one is named."""
    lines = output.read_bytes().splitlines() if output.exists() else []
    inputs = given.read_bytes().splitlines()
    records = [json.loads(line) for line in lines]
    translated = sum(bool(record.get(f"{FIELD}_{TARGET}")) for record in records)
    kept = sum(b'"weight": 1E400' in line and b'"price":0.1000' in line for line in lines)
    failed = {number for number, record in enumerate(records, 1) if "error" in record}
    good = len(inputs) - len(bad)
    rows: list[tuple[Cell, ...]] = [
        (each.kind, number, each.id, "yes" if number in failed else "NO", find_message(done.errors, number, each.id))
        for number, each in bad.items()
    ]
    requirements = (
        Requirement(f"exit code {SOME_FAILED}", done.code == SOME_FAILED),
        Requirement("one line out for each line in", len(lines) == len(inputs)),
        Requirement(f"all {good} good records translated", translated == good),
        Requirement("what stands around the text is kept byte for byte", kept == good),
        Requirement("those that failed are the bad ones", failed == set(bad)),
        Requirement("each is named by line, and by id where it can be read", all(row[-1] for row in rows)),
    )
    summary = done.errors.strip().splitlines()[-1:] or [""]
    notes = (f"{done.seconds:.0f} s, exit code {done.code}. At the end: {summary[0]}",)
    return Finding("Records", ("bad", "line", "id", "error in its record", "message"), rows, requirements, notes)


def find_message(errors: str, line: int, id: str) -> str:
    """The message about a record; empty where there is none."""
    mark = f"articles.jsonl:{line}"
    found = (each for each in errors.splitlines() if mark in each and (not id or id in each))
    return next(found, "")[:160].replace("|", "/")


def is_reworded(one: bytes, other: bytes) -> bool:
    """Whether two records are the same but for what the model wrote, and what is to be said of that."""
    mine, its = ({**json.loads(line), f"{FIELD}_{TARGET}": "", "warnings": []} for line in (one, other))
    return mine == its and "error" not in mine


def find_difference(one: str, other: str) -> str:
    """Where two lines begin to differ, and how they go on."""
    at = next((at for at, (mine, its) in enumerate(zip(one, other, strict=False)) if mine != its), 0)
    start = max(0, at - 30)
    return f"{one[start : at + 50]!r}, killed: {other[start : at + 50]!r}"


def check_killed(stops: Sequence[int], last: Run, output: Path, calm: Path) -> Finding:
    """The run that was killed ends as the other one."""
    lines = output.read_bytes().splitlines(keepends=True) if output.exists() else []
    of_calm = calm.read_bytes().splitlines(keepends=True)
    pairs = enumerate(zip(lines, of_calm, strict=False), 1)
    different = {number: is_reworded(*pair) for number, pair in pairs if pair[0] != pair[1]}
    reworded = sum(different.values())
    for number in list(different)[:SHOWN]:
        say(f"records: line {number}: {find_difference(of_calm[number - 1].decode(), lines[number - 1].decode())}")
    named = [record["id"] for record in map(json.loads, lines) if record.get("id")]
    requirements = (
        Requirement(f"killed {KILLS} times before its end", len(stops) == KILLS),
        Requirement(f"exit code {SOME_FAILED} in the end", last.code == SOME_FAILED),
        Requirement("every record once", len(set(named)) == len(named)),
        Requirement(
            "byte for byte the file of the undisturbed run, but for translations in other words",
            len(lines) == len(of_calm) and all(different.values()),
        ),
        Requirement(f"at most {100 * MOST_REWORDED:g} % of those", reworded <= MOST_REWORDED * len(of_calm)),
    )
    rows: list[tuple[Cell, ...]] = [(f"SIGKILL {number}", stop) for number, stop in enumerate(stops, 1)]
    notes = (
        f"Random moments of seed {SEED}. The last run took {last.seconds:.0f} s. {reworded} translations are in other"
        f" words, {len(different) - reworded} lines differ otherwise; the first of both: {list(different)[:SHOWN]}."
        " Which segments share a batch changes the last digits of a model's sums, and now and then a word.",
    )
    return Finding("Records, killed and resumed", ("", "lines in the journal"), rows, requirements, notes)
