"""Install hostile models: ``python -m tests.fuzz.models SECONDS [SEED]``.

Each case damages one file of a tiny model and runs ``polygist-server models`` on it, in a process of its own. What that
has another process do is done by a fork of it, which takes 20 ms where a new Python takes a second; every SAMPLE-th
case, and each that crashed one, runs once more as operators run it, without such a shortcut.

    refused    the command has refused the file, or warned that the model does not load
    accepted   what was changed does no harm
    contained  the process that tried it crashed; the command has said so
    endless    that process was ended, since it did not end itself; the command has said so
    escaped    the command itself crashed, or ended with a traceback: must be 0
    hung       the command took longer than it may: must be 0

Files of cases that escaped or hung are written to .fuzz/models.
"""

import hashlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count, takewhile
from pathlib import Path
from random import Random
from typing import Any

from polygist_service.cli.app import run
from polygist_service.engine.residency import trial
from polygist_service.store import isolation
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.isolation import Bounds, Isolated, describe_end, set_bounds
from polygist_service.store.manifest import FILE, compute_revision, read_manifest, record_files, write_manifest
from polygist_service.store.store import Store

from tests.fuzz.hostile import damage
from tests.service.store.gguf_files import describe_gguf, write_gguf
from tests.service.store.student import describe_student, make_student_files

PARITY = Path(__file__).parents[1] / "parity"
FOUND = Path(__file__).parents[2] / ".fuzz" / "models"
# Seconds that a process has which tries a model, and a command.
TRIAL, COMMAND, SAMPLE = 8, 60, 100
TRIED = "the process that tries it"


@dataclass(frozen=True)
class Kind:
    """A way to install a model.

    Attributes:
        files: of a sound one, by name.
        command: what follows ``polygist-server models --home HOME``; FOLDER stands for that of the files.
        prepare: makes of the folder what the command takes; is given the home, too.
    """

    files: Mapping[str, bytes]
    command: tuple[str, ...]
    prepare: Callable[[Path, Path], None]


def read_files(folder: Path) -> dict[str, bytes]:
    """The files of a model that somebody may have damaged."""
    skipped = ("golden.jsonl", FILE)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name not in skipped}


def make_manifest(folder: Path, home: Path) -> None:
    """Have the manifest of a model say what its files are."""
    path = home.with_name("manifest.json")
    shutil.copyfile(path, folder / FILE)
    manifest = read_manifest(folder)
    (folder / FILE).unlink()
    files = record_files(folder)
    write_manifest(folder, replace(manifest, files=files, revision=compute_revision(files)))


def pin_student(folder: Path, home: Path) -> None:
    """Have a catalogue offer a student of these files."""
    home.mkdir()
    (home / "catalogue.toml").write_text(describe_student(read_files(folder)))


def pin_gguf(folder: Path, home: Path) -> None:
    """Have a catalogue offer a model of this file."""
    home.mkdir()
    digest = hashlib.sha256((folder / "model.gguf").read_bytes()).hexdigest()
    (home / "catalogue.toml").write_text(describe_gguf(digest, "0" * 64))


def do_nothing(folder: Path, home: Path) -> None:
    """Take the folder as it is."""


def make_kinds(folder: Path) -> dict[str, Kind]:
    """The ways to install a model; `folder` is for what they need."""
    store = Store(folder / "sound")
    options = PullOptions(name="de-en", sources=("de",), targets=("en",))
    (pulled,) = store.pull([f"path:{PARITY / 'marian'}"], options=options)
    shutil.copyfile(pulled.model.folder / FILE, folder / FILE)
    write_gguf(folder / "model.gguf")
    pull = ("pull", "path:FOLDER", "--family")
    gguf = {"model.gguf": (folder / "model.gguf").read_bytes()}
    return {
        "import": Kind(read_files(pulled.model.folder), ("import", "FOLDER"), make_manifest),
        "translation": Kind(read_files(PARITY / "marian"), (*pull, "marian", "--from", "de", "--to", "en"), do_nothing),
        "encoder": Kind(read_files(PARITY / "encoder"), (*pull, "encoder", "--from", "en"), do_nothing),
        "instructions": Kind(read_files(PARITY / "causal-lm"), (*pull, "causal-lm"), do_nothing),
        "bergamot": Kind(make_student_files(), ("convert", "tiny", "FOLDER"), pin_student),
        "gguf": Kind(gguf, ("convert", "tiny-instruct", "FOLDER"), pin_gguf),
    }


def run_forked(self: Isolated, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Do as `Isolated.run` in a fork of this process, which has run no native library yet."""
    reading, writing = os.pipe()
    with open(writing, "wb", buffering=0) as answers, open(reading, "rb") as answer:
        if not (process := os.fork()):
            signal.alarm(TRIAL)
            set_bounds(Bounds(TRIAL, self._bounds.memory_bytes))
            answers.write(isolation.answer(function, arguments, options))
            os._exit(0)
        answers.close()
        written = answer.read()
    _, status = os.waitpid(process, 0)
    if status or not written:
        raise self._fail(describe_end(os.waitstatus_to_exitcode(status)), "")
    is_result, value = pickle.loads(written)
    if not is_result:
        raise value
    return value


def run_command(arguments: list[str], said: Path) -> str:
    """Run a command in a fork of this process; returns what came of it, and `said` has what it said."""
    if not (process := os.fork()):
        signal.alarm(COMMAND)
        for stream in (1, 2):
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
        code = 70
        with suppress(BaseException):
            try:
                code = run(arguments)
            except BaseException:
                traceback.print_exc()
        sys.stdout.flush()
        os._exit(code)
    _, status = os.waitpid(process, 0)
    return judge(os.waitstatus_to_exitcode(status), said.read_text(errors="replace"))


def run_truly(arguments: list[str], said: Path) -> str:
    """Run a command as operators do; returns what came of it."""
    program = "import polygist_service; polygist_service.main()"
    with said.open("wb") as output:
        done = subprocess.run([sys.executable, "-c", program, *arguments], stdout=output, stderr=output, check=False)
    return judge(done.returncode, said.read_text(errors="replace"))


def judge(code: int, said: str) -> str:
    """What came of a command."""
    if code == -signal.SIGALRM:
        return "hung"
    if code not in (0, 1) or "Traceback" in said:
        return "escaped"
    if TRIED in said:
        return "endless" if "SIGALRM" in said or " s; " in said.partition(TRIED)[2] else "contained"
    return "refused" if code or "warning: " in said else "accepted"


def try_case(kinds: Mapping[str, Kind], at: int, seed: int, folder: Path) -> tuple[str, str, str]:
    """Try one case; returns its kind and file, what came of it, and what came of it as operators run it, if it was."""
    random = Random(f"{seed} {at}")
    name = random.choice(list(kinds))
    kind = kinds[name]
    damaged = random.choice(list(kind.files))
    content = damage(kind.files[damaged], damaged, random)
    outcomes = []
    for runner in (run_command, run_truly):
        if runner is run_truly and (outcomes[0] == "endless" or (outcomes[0] != "contained" and at % SAMPLE)):
            outcomes.append("")  # an endless one takes minutes
            continue
        case = folder / "case"
        (case / "model").mkdir(parents=True)
        for each, own in kind.files.items():
            (case / "model" / each).write_bytes(content if each == damaged else own)
        shutil.copyfile(folder / FILE, case / "manifest.json")
        kind.prepare(case / "model", case / "home")
        command = [part.replace("FOLDER", str(case / "model")) for part in kind.command]
        outcomes.append(runner(["models", "--home", str(case / "home"), *command], case / "said"))
        if outcomes[-1] in ("escaped", "hung"):
            shutil.copytree(case, FOUND / f"{seed}-{at}-{runner.__name__}", dirs_exist_ok=True)
            print(f"{name} {damaged}, case {at} of {seed}: {outcomes[-1]}", flush=True)
            print((case / "said").read_text(errors="replace")[-1500:], flush=True)
        shutil.rmtree(case)
    return f"{name:13}{damaged}", *outcomes


def main(arguments: list[str]) -> int:
    """Try cases for so many seconds; returns the exit code."""
    seconds, seed = int(arguments[0]), int(arguments[1]) if arguments[1:] else 0
    Isolated.run = run_forked
    assert trial.Trials  # imported before the forks, so that none of them has to
    began, seen, truly = time.monotonic(), Counter[tuple[str, str]](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="polygist-fuzz-") as name:
        kinds = make_kinds(Path(name))
        for at in takewhile(lambda _: time.monotonic() < began + seconds, count()):
            file, outcome, true_outcome = try_case(kinds, at, seed, Path(name))
            seen[file, outcome] += 1
            truly[true_outcome] += 1
    names = ("refused", "accepted", "contained", "endless", "escaped", "hung")
    print(f"{'':40}" + "".join(f"{each:>11}" for each in names))
    for file in sorted({file for file, _ in seen}):
        print(f"{file:40}" + "".join(f"{seen[file, each]:11}" for each in names))
    totals = {each: sum(number for (_, outcome), number in seen.items() if outcome == each) for each in names}
    print(
        f"{f'all {sum(seen.values())}, {time.monotonic() - began:.0f} s':40}"
        + "".join(f"{each:11}" for each in totals.values())
    )
    print(f"{'of these as operators run them':40}" + "".join(f"{truly[each]:11}" for each in names))
    return 1 if totals["escaped"] + totals["hung"] + truly["escaped"] + truly["hung"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
