"""What is compared: CTranslate2 alone, and servers; each window is measured by a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.quality.environment import REPOSITORY
from bench.quality.process import Server, start_server
from bench.speed.corpus import SOURCE, TARGET, Corpus
from bench.speed.window import Window

# A process that has not printed its window so long after it should have is ended, and the run with it.
LATE_SECONDS = 90.0
# As the service sets it for itself.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Load:
    """What the callers send.

    Attributes:
        sentences: in each call.
        callers: how many calls are under way at the same time.
    """

    name: str
    sentences: int
    callers: int


LOADS = (Load("articles of 16 sentences, 32 callers", 16, 32), Load("single sentences, 64 callers", 1, 64))


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared.

    Attributes:
        measure: gives one window under a load.
        pid: of its server; None where it has none.
    """

    name: str
    measure: Callable[[Load], Window]
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """What all sides have in common.

    Attributes:
        home: folder of the installed models.
        threads: batches at the same time.
        seconds: length of a window.
        warm_up: seconds of the same load before it.
    """

    home: Path
    threads: int
    seconds: float
    warm_up: float

    def run(self, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Window:
        """The window that a module of this folder prints; raises subprocess.SubprocessError where it does not."""
        command = [sys.executable, "-m", f"bench.speed.{module}", *arguments]
        lengths = ["--seconds", str(self.seconds), "--warm-up", str(self.warm_up)]
        done = subprocess.run(
            [*command, *lengths],
            cwd=REPOSITORY,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=self.seconds + self.warm_up + LATE_SECONDS,
        )
        return Window.from_json(done.stdout)


def program_of(checkout: Path) -> Path:
    """The server's program in a checkout with a virtual environment of its own."""
    return checkout / ".venv" / "bin" / "polygist-server"


@contextmanager
def serve(program: Path, setting: Setting) -> Iterator[Server]:
    """A server with so many slots, all else by default; ended with the block."""
    command = (str(program), "serve", "--listen", "127.0.0.1:0", "--slots", str(setting.threads))
    with start_server(setting.home, command) as server:
        yield server


def raw_side(corpus: Corpus, setting: Setting, folder: Path) -> Side:
    """CTranslate2 on the same weights; it has all sentences at once, whatever the load."""
    path = corpus.write(folder, sentences_per_text=1)
    model = setting.home / "models" / corpus.model
    arguments = ("--model", str(model), "--sentences", str(path), "--threads", str(setting.threads))
    return Side("raw", lambda load: setting.run("raw", *arguments, environment=ONE_THREAD))


def server_side(
    name: str, server: Server, corpus: Corpus, setting: Setting, folder: Path, *, detects: bool = False
) -> Side:
    """A server under the load generator.

    Args:
        detects: leave the language out of the calls.
    """

    def measure(load: Load) -> Window:
        texts = corpus.write(folder, sentences_per_text=load.sentences)
        language: Sequence[str] = () if detects else ("--source", SOURCE)
        target = ("--address", server.address, "--pid", str(server.pid), "--target", TARGET, *language)
        return setting.run("generator", *target, "--texts", str(texts), "--callers", str(load.callers))

    return Side(name, measure, server.pid)
