"""What every benchmark is given: the setting, the texts, and servers of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.quality.process import Server
from bench.quality.report import Say
from bench.speed.corpus import Corpus
from bench.speed.layouts import find_engine, on_cores, pin, read_threads
from bench.speed.plan import Plan, Recording, Stream
from bench.speed.sides import NATIVE, Load, Setting, generate, run, serve, server_side

WARM_UP = Load("warm-up", 16, 8)
WARM_UP_SECONDS = 2.0
# Of a program that measures on its own, at most.
PROGRAM_SECONDS = 120.0
PSS_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Bench:
    """The means of one run.

    Attributes:
        setting: in the layout of the whole box.
        corpus: what is translated.
        folder: for files.
        rounds: windows of each side under each load.
        say: tells people how far the run is.
    """

    setting: Setting
    corpus: Corpus
    folder: Path
    rounds: int
    say: Say

    @contextmanager
    def serve(self, setting: Setting | None = None, *flags: str) -> Iterator[Server]:
        """A warm server of this checkout; where its layout is pinned, its engine has the cores that are its own."""
        setting = setting or self.setting
        with serve(Path(sys.executable).with_name("polygist-server"), setting, *flags) as server:
            before = read_threads(server.pid)
            short = replace(setting, seconds=WARM_UP_SECONDS, warm_up=0.0)
            server_side("warm-up", server, self.corpus, short, self.folder).measure(WARM_UP)
            threads = find_engine(server.pid, before, read_threads(server.pid), slots=setting.layout.slots)
            if setting.layout.is_pinned:
                pin(threads, setting.layout.engine)
            yield server

    def send(
        self, server: Server, *streams: Stream, seconds: float | None = None, warm_up: float | None = None
    ) -> Recording:
        """What comes of streams that are sent at the same time, for the length of a window if not told otherwise."""
        length = self.setting.seconds if seconds is None else seconds
        before = self.setting.warm_up if warm_up is None else warm_up
        return generate(Plan(server.address, server.pid, length, before, streams), self.setting, self.folder)

    def roles(self) -> dict[str, str]:
        """What each installed model is for: "translation", "encoder" and so on."""
        manifests = sorted((self.setting.home / "models").glob("*/manifest.json"))
        return {path.parent.name: json.loads(path.read_text())["description"]["role"] for path in manifests}

    def texts(self, name: str, texts: Sequence[str]) -> str:
        """The path of a file of texts."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(texts), encoding="utf-8")
        return str(path)

    def sentences(self, count: int) -> str:
        """The path of a file of texts of so many sentences each."""
        return str(self.corpus.write(self.folder, sentences_per_text=count))

    def program(self, module: str, *arguments: str) -> str:
        """What a module of this folder prints that measures CTranslate2 alone."""
        command = (*on_cores(self.setting.layout.engine), sys.executable, "-m", f"bench.speed.{module}", *arguments)
        return run(command, seconds=PROGRAM_SECONDS, environment=NATIVE)

    def seconds_alone(self, texts: str) -> list[float]:
        """How long CTranslate2 alone takes for each of the texts, one after the other; see `alone`."""
        model = str(self.setting.model_folder(self.corpus.model))
        arguments = ("--model", model, "--texts", texts, "--threads", str(self.setting.layout.slots))
        seconds: list[float] = json.loads(self.program("alone", *arguments))
        return seconds


def read_pss(pid: int) -> float:
    """Memory of a process in megabytes, of what it shares with others its part only."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pss:"))) * 1024 / 1e6


def watch_pss(command: Sequence[str]) -> float:
    """The most memory that a program takes while it runs, in megabytes; raises RuntimeError where it fails."""
    most = 0.0
    environment = {**os.environ, **NATIVE}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment) as process:
        while process.poll() is None:
            try:
                most = max(most, read_pss(process.pid))
            except (OSError, StopIteration):  # it has just ended
                continue
            time.sleep(PSS_EVERY)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {process.returncode}")
    return most
