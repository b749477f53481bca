"""What is answered is kept beside the file that it is for, and a run that ended early goes on from there."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from polygist.v1 import model_service_pb2
from polygist_client.cli.inputs import InputError
from polygist_client.cli.journal import Entry, Journal, digest_of, journal_path

from tests.client.conftest import COMMAND, Polygist, sent
from tests.fakes.server import Batching, Failing, Fake

JSONL = ["--format", "jsonl", "--field", "body"]
FAILS = (grpc.StatusCode.INTERNAL, "INFERENCE_FAILED")
LIMITS = {"request.characters": 1000, "message.bytes": 2000}
GONE = Failing(grpc.StatusCode.UNAUTHENTICATED, "the key was withdrawn", reason="API_KEY_INVALID")

Start = Callable[..., subprocess.Popen[bytes]]


class Holding(Batching):
    """Answers until an item with this text comes, and then no more."""

    def __init__(self, text: str) -> None:
        super().__init__(shuffle=lambda items: None)
        self.text = text
        self.reached, self.released = threading.Event(), threading.Event()

    def answer(self, item: Any, config: Any) -> Any:
        if item.content == self.text:
            self.reached.set()
            self.released.wait(timeout=60)
        return super().answer(item, config)


class Slow(Batching):
    """Takes its time for each answer, so that there is one at which a run can be killed."""

    def answer(self, item: Any, config: Any) -> Any:
        time.sleep(0.0005)
        return super().answer(item, config)


@pytest.fixture
def start(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start ``polygist`` as a process of its own."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("POLYGIST_ADDRESS", fake.address)
    started = []

    def start(*arguments: object) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([*COMMAND, *map(str, arguments)], stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


def write_records(path: Path, count: int) -> list[str]:
    """Write records, among them some that fail for different reasons; returns the arguments that translate them."""
    lines = [json.dumps({"id": f"r{number}", "body": f"text {number}", "n": number}) for number in range(count)]
    lines[3] = '{"id": "r3", "body": null}'
    lines[5] = '{"id": "r5", "body": '
    lines[7] = '{"id": "r7", "body": "fails"}'
    lines[9] = ""
    path.write_text("\n".join(lines) + "\n")
    return ["translate", path, "-t", "pt", "-s", "en", *JSONL]


def journaled(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal_path(path).read_text().splitlines()]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_was_answered_and_says_how_to_go_on(
    start: Start, polygist: Polygist, fake: Fake, tmp_path: Path, ending: signal.Signals
):
    source, out = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("".join(f"line {number}\n" for number in range(300)))
    holding = Holding("line 200")
    fake.script("BatchTranslate", holding)
    arguments = ["translate", source, "-s", "en", "-t", "pt", "--lines", "-o", out]
    process = start(*arguments)
    assert holding.reached.wait(timeout=60)
    while not journal_path(out).exists() or len(journaled(out)) < 201:
        time.sleep(0.01)
    process.send_signal(ending)
    _, err = process.communicate(timeout=60)
    holding.released.set()
    assert process.returncode == 128 + ending
    # The last one may be in the journal and not be counted yet.
    assert err.decode().strip() in {
        f"note: {count} done so far, kept in {journal_path(out)}: go on with the same command and --resume"
        for count in (199, 200)
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt.partial.jsonl"]
    before = len(sent(fake))
    outcome = polygist(*arguments, "--resume")
    assert (outcome.code, outcome.err.splitlines()) == (
        0, [f"note: 200 done already, kept in {journal_path(out)}", "note: 300 done"],
    )  # fmt: skip
    assert len(sent(fake)) - before == 100
    assert out.read_text() == source.read_text().upper()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_an_interrupt_of_many_files_says_how_to_go_on(start: Start, polygist: Polygist, fake: Fake, tmp_path: Path):
    for number in range(9):
        (tmp_path / f"{number}.txt").write_text(f"text {number}")
    holding = Holding("text 5")
    fake.script("BatchTranslate", holding)
    arguments = ["translate", *sorted(tmp_path.glob("*.txt")), "-s", "en", "-t", "pt", "-o", f"{tmp_path}/out/"]
    process = start(*arguments)
    assert holding.reached.wait(timeout=60)
    while not (tmp_path / "out").exists() or len(list((tmp_path / "out").glob("[0-9]*"))) < 5:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    holding.released.set()
    assert err.decode().strip() == "note: 5 done so far: go on with the same command and --resume"
    fake.asked.clear()
    assert polygist(*arguments, "--resume").err == "note: 5 of 9 finished already\nnote: 4 done\n"
    assert len(sent(fake)) == 4


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_is_not(
    start: Start, polygist: Polygist, fake: Fake, tmp_path: Path
):
    source, out, whole = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "whole.jsonl"
    arguments = write_records(source, 2000)
    fake.batching = Slow(errors={"fails": FAILS})
    undisturbed = polygist(*arguments, "-o", whole)
    assert undisturbed.code == 3
    fake.asked.clear()
    chance = random.Random(13)
    for kill in range(5):
        process = start(*arguments, "-o", out, *(["--resume"] if kill else []))
        wanted = 1 + (kill + 1) * 250 + chance.randrange(100)
        while process.poll() is None and (not journal_path(out).exists() or len(journaled_bytes(out)) < wanted):
            time.sleep(0.002)
        process.kill()
        process.communicate()
        assert not out.exists()
    outcome = polygist(*arguments, "-o", out, "--resume")
    assert outcome.code == 3
    assert outcome.err.splitlines()[-1] == undisturbed.err.splitlines()[-1] == "note: 1996 done, 3 failed"
    assert out.read_bytes() == whole.read_bytes()
    assert len(out.read_text().splitlines()) == 2000
    # What was with the server at a kill is sent again; what was answered is not.
    assert 1997 <= len(sent(fake)) < 1997 + 6 * 600


def journaled_bytes(path: Path) -> list[bytes]:
    return journal_path(path).read_bytes().splitlines()


SPOILT: list[Callable[[bytes], bytes]] = [
    lambda line: line.replace(b'"digest": "', b'"digest": "-'),
    lambda line: line.replace(b'"digest": "', b'"digest": "f'),
    lambda line: line.replace(b'"digest": "', b'"digest": 7, "x": "'),
    lambda line: line.replace(b'"output": ', b'"put": '),
    lambda line: line.replace(b'"output": ', b'"output": null, "x": '),
    lambda line: line.replace(b'"line": ', b'"lie": '),
    lambda line: line.replace(b'"status": "done"', b'"status": ["done"]'),
    lambda line: line.replace(b'"status": "done"', b'"status": "done", "warnings": 5'),
    lambda line: line.replace(b'"status": "done"', b'"status": "done", "warnings": [5]'),
    lambda line: line.replace(b'"status": "done"', b'"status": "done", "id": {}'),
    lambda line: b"\0" * (len(line) - 1) + b"\n",
    lambda line: b"[" * 100_000 + b"\n",
    lambda line: line[: len(line) // 2] + b"\xff\n",
    lambda line: b"null\n",
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_line_that_was_spoilt_is_a_record_to_do_again(
    polygist: Polygist, fake: Fake, tmp_path: Path, spoil: Callable[[bytes], bytes]
):
    source, out = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("a\nb\nc\nd\n")
    arguments = ["translate", source, "-t", "pt", "-s", "en", "--lines", "-o", out]
    fake.script("BatchTranslate", Batching(most=3, ending=GONE, shuffle=lambda items: None))
    assert polygist(*arguments).code == 6
    lines = journaled_bytes(out)
    spoilt = spoil(lines[2] + b"\n")
    assert spoilt.strip() != lines[2]
    journal_path(out).write_bytes(b"\n".join([*lines[:2], spoilt.rstrip(b"\n"), *lines[3:], b""]))
    fake.asked.clear()
    assert polygist(*arguments, "--resume").code == 0
    assert sorted(sent(fake)) == ["b", "d"]
    assert out.read_text() == "A\nB\nC\nD\n"


@pytest.mark.parametrize("is_interrupted", [True, False])
def test_a_journal_that_is_removed_during_the_run_loses_nothing(
    start: Start, polygist: Polygist, fake: Fake, tmp_path: Path, is_interrupted: bool
):
    source, out = tmp_path / "a.txt", tmp_path / "out" / "b.txt"
    source.write_text("a\nb\nc\nd\nfails\n")
    holding = Holding("d")
    holding.errors["fails"] = FAILS
    fake.script("BatchTranslate", holding)
    arguments = ["translate", source, "-t", "pt", "-s", "en", "--lines", "-o", out]
    process = start(*arguments)
    assert holding.reached.wait(timeout=60)
    while not journal_path(out).exists() or len(journaled(out)) < 4:
        time.sleep(0.01)
    journal_path(out).unlink()
    out.parent.rmdir()
    if is_interrupted:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    holding.released.set()
    _, err = process.communicate(timeout=60)
    assert out.exists() is not is_interrupted
    if is_interrupted:
        assert f"note: 3 done so far, kept in {journal_path(out)}" in err.decode()
    fake.asked.clear()
    assert polygist(*arguments, "--resume").code == 0
    assert sorted(sent(fake)) == (["d", "fails"] if is_interrupted else ["fails"])
    assert out.read_text() == "A\nB\nC\nD\nFAILS\n"


MODES = {
    "lines": (["--lines"], "".join(f"text {number}\r\n" if number % 9 else "\n" for number in range(60))),
    "jsonl": (JSONL, "".join(f'{{"id": {number}, "body": "text {number} ☃"}}\n' for number in range(60))),
    "csv": (
        ["--format", "csv", "--field", "body", "--field", "id", "--into", "{to} {field}"],
        "\ufeffid;body\n" + "".join(f'{number};"text {number}\n""☃"""\n' for number in range(60)),
    ),
    "objects": (["--lines", "--jsonl"], "".join(f"text {number}\n" for number in range(60))),
}


@pytest.mark.parametrize("mode", MODES)
def test_a_journal_cut_anywhere_leads_to_the_same_file(polygist: Polygist, fake: Fake, tmp_path: Path, mode: str):
    flags, text = MODES[mode]
    source, out, whole = tmp_path / "a", tmp_path / "b", tmp_path / "whole"
    source.write_text(text, newline="")
    arguments = ["translate", source, "-t", "pt", "-s", "en", *flags]
    undisturbed = polygist(*arguments, "-o", whole)
    assert undisturbed.code == 0
    fake.script("BatchTranslate", Batching(most=50, ending=GONE))
    assert polygist(*arguments, "-o", out).code == 6
    kept = journal_path(out).read_bytes()
    for cut in random.Random(7).sample(range(len(kept) + 1), 12):
        journal_path(out).write_bytes(kept[:cut])
        outcome = polygist(*arguments, "-o", out, "--resume")
        assert (outcome.code, outcome.err.splitlines()[-1]) == (0, undisturbed.err.splitlines()[-1])
        assert out.read_bytes() == whole.read_bytes()
        out.unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "whole"]


MEASURED = """
import sys
from pathlib import Path
from polygist_client.cli import app
code = app.run(sys.argv[1:])
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(code, peak.split()[1], file=sys.stderr)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells how much memory a process had")
@pytest.mark.parametrize("is_kept", [True, False])
def test_memory_does_not_grow_with_the_records(start: Start, fake: Fake, tmp_path: Path, is_kept: bool):
    peaks = []
    source = tmp_path / "a.jsonl"
    for count in (500, 8000):
        source.write_text("".join(json.dumps({"id": number, "body": "text " * 400}) + "\n" for number in range(count)))
        command = [sys.executable, "-c", MEASURED, "translate", source, "-t", "pt", "-s", "en", *JSONL]
        command += ["-o", tmp_path / "b.jsonl"] if is_kept else []
        done = subprocess.run(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
        code, peak = done.stderr.split()[-2:]
        assert code == b"0"
        peaks.append(int(peak))
    assert peaks[1] - peaks[0] < 8000  # KiB; the texts alone are 16 MB


def test_those_that_failed_are_tried_again(polygist: Polygist, fake: Fake, tmp_path: Path):
    source, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    arguments = [*write_records(source, 20), "-o", out]
    fake.batching.errors["fails"] = FAILS
    outcome = polygist(*arguments)
    assert outcome.code == 3
    assert outcome.err.splitlines()[-2:] == [
        f"note: {out}: the same command with --resume tries only what failed", "note: 16 done, 3 failed",
    ]  # fmt: skip
    assert json.loads(out.read_text().splitlines()[7])["error"]["reason"] == "INFERENCE_FAILED"
    fake.asked.clear()
    fake.batching.errors.clear()
    lines = source.read_text().splitlines()
    lines[3] = '{"id": "r3", "body": "mended"}'
    source.write_text("\n".join(["", *lines, ""]))  # all lines have moved
    assert polygist(*arguments, "--resume").code == 3
    assert sorted(sent(fake)) == ["fails", "mended"]
    found = out.read_text().splitlines()
    assert found[4] == '{"id": "r3", "body": "mended", "body_pt": "MENDED"}'
    assert found[8] == '{"id": "r7", "body": "fails", "body_pt": "FAILS"}'
    assert json.loads(found[6])["line"] == 7
    lines[5] = '{"id": "r5", "body": "closed"}'
    source.write_text("\n".join(lines))
    os.utime(source, ns=(os.stat(out).st_mtime_ns + 1,) * 2)
    assert polygist(*arguments, "--resume").code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.jsonl"]
    assert len(out.read_text().splitlines()) == 20


def test_errors_that_the_client_finds_are_the_same_in_a_run_that_goes_on(
    polygist: Polygist, fake: Fake, tmp_path: Path
):
    source, out, whole = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "whole.jsonl"
    texts = ["a", "b", "\ud800 x", "y" * 1001, "\N{SNOWMAN}" * 900, "c"]
    source.write_text("".join(json.dumps({"body": text}) + "\n" for text in texts))
    limits = [model_service_pb2.Limit(name=name, value=value) for name, value in LIMITS.items()]
    fake.script("GetServerInfo", *[model_service_pb2.GetServerInfoResponse(limits=limits)] * 3)
    arguments = ["translate", source, "-t", "pt", "-s", "en", *JSONL]
    outcome = polygist(*arguments, "-o", whole)
    assert outcome.code == 3
    assert [json.loads(line)["error"]["message"][:30] for line in whole.read_text().splitlines()[2:5]] == [
        "content: lone surrogate U+D800", "content has 1001 characters, a", "content has 2700 bytes, at mos",
    ]  # fmt: skip
    assert [line.split(": ")[1] for line in outcome.err.splitlines()[:3]] == [f"{source}:{line}" for line in (3, 4, 5)]
    fake.script("BatchTranslate", Batching(most=2, ending=GONE, shuffle=lambda items: None))
    assert polygist(*arguments, "-o", out).code == 6
    assert polygist(*arguments, "-o", out, "--resume").code == 3
    assert out.read_text() == whole.read_text()


def test_a_record_that_changed_is_done_again(polygist: Polygist, fake: Fake, tmp_path: Path):
    source, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    source.write_text('{"id": 1, "body": "a"}\n{"id": 2, "body": "b"}\n')
    arguments = ["translate", source, "-t", "pt", "-s", "en", *JSONL, "-o", out]
    fake.script("BatchTranslate", Batching(most=1, ending=GONE, shuffle=lambda items: None))
    assert polygist(*arguments).code == 6
    source.write_text('{"id": 1, "body": "new"}\n{"id": 2, "body": "b"}\n')
    assert polygist(*arguments, "--resume").code == 0
    assert out.read_text() == ('{"id": 1, "body": "new", "body_pt": "NEW"}\n{"id": 2, "body": "b", "body_pt": "B"}\n')


def test_a_run_that_the_server_ends_keeps_what_was_answered(polygist: Polygist, fake: Fake, tmp_path: Path):
    source, out = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("a\nb\nc\nd\n")
    arguments = ["translate", source, "-t", "pt", "-s", "en", "--lines", "-o", out]
    fake.script("BatchTranslate", Batching(most=2, ending=GONE, shuffle=lambda items: None))
    outcome = polygist(*arguments)
    assert (outcome.code, outcome.out) == (6, "")
    assert outcome.err.splitlines() == [
        f"note: 2 done so far, kept in {journal_path(out)}: go on with the same command and --resume",
        "error: the key was withdrawn (give --api-key-file FILE, or set POLYGIST_API_KEY)",
    ]
    assert [each["output"] for each in journaled(out)[1:]] == ["A\n", "B\n"]
    refused = polygist(*arguments)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert f"{journal_path(out)} holds 2 answers" in refused.err
    assert "add --resume" in refused.err
    assert polygist(*arguments, "--resume").code == 0
    assert out.read_text() == "A\nB\nC\nD\n"


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        (["-t", "fr", "-s", "en", *JSONL], 'to was "pt", now "fr"'),
        (["-t", "pt", *JSONL], 'source was "en", now null'),
        (["-t", "pt", "-s", "en", "--model", "m", *JSONL], 'model was null, now "m"'),
        (["-t", "pt", "-s", "en", *JSONL, "--into", "x"], 'into was "{field}_{to}", now "x"'),
        (["-t", "pt", "-s", "en", *JSONL, "--jsonl"], "jsonl was null, now true"),
        (["-t", "pt", "-s", "en", "--lines"], 'field was ["body"], now null'),
    ],
)
def test_the_journal_of_another_command_is_refused(
    polygist: Polygist, fake: Fake, tmp_path: Path, changed: list[str], difference: str
):
    source, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    source.write_text('{"body": "a"}\n{"body": "b"}\n')
    fake.script("BatchTranslate", Batching(most=1, ending=GONE))
    assert polygist("translate", source, "-t", "pt", "-s", "en", *JSONL, "-o", out).code == 6
    asked = len(sent(fake))
    outcome = polygist("translate", source, *changed, "-o", out, "--resume")
    assert (outcome.code, outcome.err.count("\n"), len(sent(fake))) == (2, 1, asked)
    assert difference in outcome.err


def test_a_journal_whose_file_was_written_is_no_hindrance(polygist: Polygist, fake: Fake, tmp_path: Path):
    source, out = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("a\nb\n")
    arguments = ["translate", source, "-t", "pt", "-s", "en", "--lines", "-o", out]
    fake.batching.errors["b"] = FAILS
    assert [polygist(*arguments).code, polygist(*arguments).code] == [3, 3]
    fake.batching.errors.clear()
    assert polygist(*arguments).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_nothing_is_done_where_the_file_is_finished(polygist: Polygist, fake: Fake, tmp_path: Path):
    source, out = tmp_path / "a.txt", tmp_path / "b.txt"
    source.write_text("a\n")
    arguments = ["translate", source, "-t", "pt", "-s", "en", "--lines", "-o", out, "--resume"]
    assert polygist(*arguments).code == 0
    asked = len(fake.asked)
    assert polygist(*arguments).err == "note: 1 of 1 finished already\n"
    assert len(fake.asked) == asked


def test_records_in_a_folder_have_journals_of_their_own(polygist: Polygist, fake: Fake, tmp_path: Path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.csv").write_text(f"id,body\n1,{name}1\n2,{name}2\n")
    arguments = ["translate", *sorted(tmp_path.glob("*.csv")), "-t", "pt", "-s", "en", "--format", "csv"]
    arguments += ["--field", "body", "-o", f"{tmp_path}/out/", "--resume"]
    fake.batching.errors["b2"] = FAILS
    outcome = polygist(*arguments)
    assert outcome.code == 3
    assert f"error: {tmp_path}/b.csv:3 (id 2): b2 failed" in outcome.err
    names = ["a.pt.csv", "b.pt.csv", "b.pt.csv.partial.jsonl", "c.pt.csv"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    fake.batching.errors.clear()
    fake.asked.clear()
    assert polygist(*arguments).code == 0
    assert sent(fake) == ["b2"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.pt.csv", "b.pt.csv", "c.pt.csv"]


def test_many_inputs_in_one_file_go_on_too(polygist: Polygist, fake: Fake, tmp_path: Path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(name)
    out = tmp_path / "out.jsonl"
    arguments = ["translate", *sorted(tmp_path.glob("*.txt")), "-t", "pt,fr", "-s", "en", "--jsonl", "-o", out]
    fake.script("BatchTranslate", Batching(), Batching(most=2, ending=GONE, shuffle=lambda items: None))
    assert polygist(*arguments).code == 6
    assert not out.exists()
    fake.asked.clear()
    assert polygist(*arguments, "--resume").code == 0
    assert sent(fake) == ["c"]
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(Path(each["id"]).stem, each["targetLanguageCode"]) for each in found] == [
        (name, to) for to in ("pt", "fr") for name in "abc"
    ]


def entry(number: int, output: str = "x") -> Entry:
    return Entry(number=number, output=output, status="done")


def test_a_line_that_was_written_by_half_is_dropped(tmp_path: Path):
    path = tmp_path / "j"
    journal = Journal(path, {"to": "pt"}, resume=True)
    for number in range(3):
        place = journal.admit(digest_of(b"%d" % number))
        assert place == number
        journal.write(place, digest_of(b"%d" % number), entry(number, f"\ud800{number}"))
    journal.close(keep=True)
    whole = path.read_bytes()
    ends = [len(b"".join(whole.splitlines(keepends=True)[: count + 1])) for count in range(4)]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        journal = Journal(path, {"to": "pt"}, resume=True)
        assert journal.answered == max(0, sum(end <= cut for end in ends) - 1)
        journal.close(keep=True)
        assert len(path.read_bytes()) in ends
    assert path.read_bytes() == whole


def test_records_are_found_wherever_they_have_moved(tmp_path: Path):
    digests = [digest_of(b"%d" % number) for number in range(500)]
    journal = Journal(tmp_path / "j", {}, resume=True)
    order = random.Random(5).sample(range(500), 500)
    for digest in digests:
        journal.admit(digest)
    for number in order[:400]:
        journal.write(number, digests[number], entry(number, str(number)))
    journal.close(keep=True)
    journal = Journal(tmp_path / "j", {}, resume=True)
    wanted = random.Random(6).sample(range(500), 500)
    for place, number in enumerate(wanted):
        is_done = number in order[:400]
        assert journal.admit(digests[number]) == (None if is_done else place)
        if not is_done:
            journal.write(place, digests[number], entry(number, str(number)))
    assert [each.output for each in journal.entries()] == [str(number) for number in wanted]
    journal.close(keep=False)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_write_one_journal(tmp_path: Path):
    journal = Journal(tmp_path / "j", {}, resume=True)
    with pytest.raises(InputError, match="another run is writing it"):
        Journal(tmp_path / "j", {}, resume=True)
    journal.close(keep=False)


@pytest.mark.parametrize(
    "text",
    [
        *("precious\n", "precious", "{}\n", "[]\n", '{"polygist": 1', "[" * 100_000 + "\n"),
        '{"polygist_journal": 1, "options": null}\n',
    ],
)
def test_a_file_that_is_no_journal_is_not_touched(polygist: Polygist, fake: Fake, tmp_path: Path, text: str):
    out = tmp_path / "b.txt"
    journal_path(out).write_text(text)
    outcome = polygist("translate", "--text", "a\n", "-t", "pt", "-s", "en", "--lines", "-o", out)
    assert (outcome.code, journal_path(out).read_text(), sent(fake)) == (2, text, [])
    assert "is no journal of this command" in outcome.err
