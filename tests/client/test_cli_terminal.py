"""The command line as people see it: on a terminal, with completion, with names mistyped, interrupted."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from tests.client.conftest import COMMAND, Polygist
from tests.fakes.server import Failing, Fake

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")


@pytest.fixture
def environment(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.setenv("POLYGIST_ADDRESS", fake.address)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def run_on_terminal(*arguments: object) -> tuple[int, str]:
    """Run ``polygist`` with a terminal of 80 columns for all its streams; returns exit code and what it shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=theirs,
        env={**os.environ, "COLUMNS": "80", "LINES": "24"},
    )  # fmt: skip
    os.close(theirs)
    shown = bytearray()
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    return process.wait(timeout=60), shown.decode().replace("\r\n", "\n")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("arguments", "headers"),
    [(["languages"], "code own name to"), (["models", "list"], "name tasks languages state licence")],
)
def test_tables_have_headers_on_a_terminal(arguments, headers: str):
    code, shown = run_on_terminal(*arguments)
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert all(header in plain.splitlines()[0] for header in headers.split())
    assert max(map(len, plain.splitlines())) <= 80


@pytest.mark.usefixtures("environment")
def test_many_files_have_a_bar_on_a_terminal_which_goes(tmp_path: Path):
    files = [tmp_path / f"{number}.txt" for number in range(5)]
    for path in files:
        path.write_text("a")
    arguments = ["translate", *files, "-s", "en", "-t", "pt", "-o", f"{tmp_path}/out/"]
    code, shown = run_on_terminal(*arguments)
    assert (code, "files" in shown, "5/5" in shown) == (0, True, True)
    notes = run_on_terminal(*[each for each in arguments if each not in ("-s", "en")])[1]
    assert len(re.findall(r"note: [^\n]+ language en detected, confidence 0\.75\n", notes)) == 5
    assert not re.search(r"\d:\d\dnote", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", notes))  # not behind the bar
    assert run_on_terminal(*arguments, "--no-progress") == (0, "note: 5 done\n")
    assert run_on_terminal(*arguments, "--quiet") == (0, "")


@pytest.mark.usefixtures("environment")
def test_records_have_a_bar_with_their_rate_and_the_time_left(tmp_path: Path):
    (tmp_path / "a.jsonl").write_text("".join(f'{{"body": "text {number}"}}\n' for number in range(3000)))
    flags = ["-s", "en", "-t", "pt", "--format", "jsonl", "--field", "body", "-o", tmp_path / "b.jsonl"]
    code, shown = run_on_terminal("translate", tmp_path / "a.jsonl", *flags)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert code == 0
    assert re.search(r"records .* \d+ \d+\.\d/s (--|\d\d):(--|\d\d)", plain)
    assert plain.splitlines()[-1].endswith("note: 3000 done")
    last = re.findall(r" (\d+) \d+\.\d/s", plain)[-1]
    assert int(last) == 3000


@pytest.mark.usefixtures("environment")
def test_colours_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.txt").write_text("a")
    arguments = ["translate", tmp_path / "a.txt", "-s", "en", "-t", "pt", "-o", f"{tmp_path}/out/"]
    assert COLOUR.search(run_on_terminal(*arguments)[1])
    assert not COLOUR.search(run_on_terminal(*arguments, "--no-color")[1])
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search(run_on_terminal(*arguments)[1])


def complete(words: str, folder: Path) -> list[str]:
    """What bash offers for the last of `words`, through the script that ``polygist completion bash`` prints."""
    binaries = folder / "bin"
    binaries.mkdir(exist_ok=True)
    (binaries / "polygist").write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from polygist_client.cli import main; main()" "$@"\n'
    )
    (binaries / "polygist").chmod(0o755)
    script = f"""
        eval "$(polygist completion bash)"
        COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMPREPLY=()
        _polygist_completion polygist 2>/dev/null
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    environment = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("polygist tr", ["translate"]),
        ("polygist translate --res", ["--resume"]),
        ("polygist translate --prefer ''", ["speed", "quality"]),
        ("polygist translate --jso", ["--json", "--jsonl"]),
        ("polygist models ''", ["list", "load", "ps", "reload", "show", "unload"]),
        ("polygist completion z", ["zsh"]),
    ],
)
def test_bash_completes(tmp_path: Path, words: str, offered: list[str]):
    assert complete(words, tmp_path) == offered


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        ("transalte --text a -t pt", "'translate'"),
        ("models lst", "'list'"),
        ("translate --text a -t pt --resme", "'--resume'"),
        ("translate --text a -t pt --prefer sped", "'speed'"),
        ("summarise --text a --type keypoints", "'key-points'"),
        ("completion bsh", "'bash'"),
        ("languages --from portugese", "'pt'"),
        ("health translatoin", "'translation'"),
    ],
)
def test_the_nearest_name_is_suggested(polygist: Polygist, arguments: str, nearest: str):
    outcome = polygist(*arguments.split())
    assert (outcome.code in (2, 7), outcome.out, outcome.err.count("\n")) == (True, "", 1)
    assert f"id you mean {nearest}?" in outcome.err


@pytest.mark.parametrize("reason", ["FIELD_INVALID", "LANGUAGE_PAIR_UNSUPPORTED", "LANGUAGE_UNDETERMINED"])
@pytest.mark.parametrize("word", ["portugese", "Portuguese", "prt", "português"])
@pytest.mark.parametrize("command", ["translate", "summarise"])
def test_the_nearest_language_of_the_server_is_suggested(
    polygist: Polygist, fake: Fake, command: str, word: str, reason: str
):
    code = "INVALID_ARGUMENT" if reason == "FIELD_INVALID" else "FAILED_PRECONDITION"
    wrong = Failing(grpc.StatusCode[code], "no", reason=reason, fields=("target_language_code",))
    fake.script(command.capitalize(), wrong)
    outcome = polygist(command, "--text", "a", "-t", word)
    assert outcome.err.endswith("; did you mean 'pt'?\n")
    assert outcome.err.count("\n") == 1


def test_a_language_that_is_near_to_none_gets_no_suggestion(polygist: Polygist, fake: Fake):
    fake.script("Translate", Failing(grpc.StatusCode.FAILED_PRECONDITION, "no", reason="LANGUAGE_PAIR_UNSUPPORTED"))
    assert "did you mean" not in polygist("translate", "--text", "a", "-t", "fi").err


IN_A_FINALIZER = """
import os, signal, time
from polygist_client.cli import app

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)

signal.signal(signal.SIGTERM, app.unwind)
try:
    Finalized()
    time.sleep(60)
finally:
    print("tidied")
"""


def test_a_signal_during_a_finalizer_is_not_lost() -> None:
    ended = subprocess.run([sys.executable, "-c", IN_A_FINALIZER], capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (128 + signal.SIGTERM, b"tidied\n", b"")
