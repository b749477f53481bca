"""What is compared: CTranslate2 alone, servers, other programs; each window is measured by a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from polygist_service.app.native import set_environment

from bench.quality.environment import REPOSITORY
from bench.quality.process import Server, start_server
from bench.speed.corpus import SOURCE, Corpus
from bench.speed.layouts import Cores, Layout, on_cores
from bench.speed.plan import Plan, Recording, Stream
from bench.speed.window import TOKENS, Window

# A process that has not printed its window so long after it should have is ended, and the run with it.
LATE_SECONDS = 90.0
# The variables that the service sets for itself: the same threads and kernels for everyone.
NATIVE: dict[str, str] = {}
set_environment(NATIVE)


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
    """One of those that are compared.

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
        layout: which cores do what.
        seconds: length of a window.
        warm_up: seconds of the same load before it.
    """

    home: Path
    layout: Layout
    seconds: float
    warm_up: float

    def model_folder(self, name: str) -> Path:
        """Where the files of a model are."""
        return self.home / "models" / name

    def run(self, module: str, *arguments: str, cores: Cores, environment: Mapping[str, str] | None = None) -> Window:
        """The window that a module of this folder prints; raises subprocess.SubprocessError where it does not."""
        command = (sys.executable, "-m", f"bench.speed.{module}", *arguments)
        return self.run_program(command, cores=cores, environment=environment)

    def run_program(
        self, command: Sequence[str], *, cores: Cores, environment: Mapping[str, str] | None = None
    ) -> Window:
        """The window that a program prints when it is told ``--seconds`` and ``--warm-up``.

        Args:
            command: the program and what else it is told.
            cores: those that it runs on.
            environment: variables, in addition to those of this process.

        Raises:
            subprocess.SubprocessError: it fails, or does not end in time.
        """
        lengths = ("--seconds", str(self.seconds), "--warm-up", str(self.warm_up))
        return Window.from_json(
            run(
                [*on_cores(cores), *command, *lengths],
                seconds=self.seconds + self.warm_up + LATE_SECONDS,
                environment=environment,
            )
        )


@dataclass(frozen=True, slots=True)
class Comparator:
    """Another program that translates with the same weights.

    Attributes:
        open: gives its side, warm and ready, for the length of the block; raises NotInstalled where it cannot.
    """

    name: str
    open: Callable[[Corpus, Setting, Path], AbstractContextManager[Side]]


class NotInstalled(Exception):
    """What is to be compared is not there; says what to do about it."""


def run(command: Sequence[str], *, seconds: float, environment: Mapping[str, str] | None = None) -> str:
    """What a program prints; raises subprocess.SubprocessError where it fails or takes longer than `seconds`."""
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds,
    )
    return done.stdout


def generate(plan: Plan, setting: Setting, folder: Path) -> Recording:
    """What comes of a plan, which a process of its own carries out."""
    command = (sys.executable, "-m", "bench.speed.generator", str(plan.write(folder / "plan.json")))
    seconds = plan.warm_up + plan.seconds + LATE_SECONDS
    return Recording.from_json(run([*on_cores(setting.layout.rest), *command], seconds=seconds))


def program_of(checkout: Path) -> Path:
    """The server's program in a checkout with a virtual environment of its own."""
    return checkout / ".venv" / "bin" / "polygist-server"


@contextmanager
def serve(program: Path, setting: Setting, *flags: str) -> Iterator[Server]:
    """A server with so many slots, all else by default; ended with the block.

    Args:
        program: its command.
        setting: which models and how many slots.
        flags: further ones.
    """
    layout = setting.layout
    command = (*on_cores(layout.rest), str(program), "serve", "--listen", "127.0.0.1:0", "--slots", str(layout.slots))
    with start_server(setting.home, (*command, *flags)) as server:
        yield server


def raw_side(corpus: Corpus, setting: Setting, folder: Path, *, counted: str = TOKENS) -> Side:
    """CTranslate2 on the same weights; it has all texts at once, however many callers there are.

    Args:
        corpus: what is translated.
        setting: which model, how long and where.
        folder: for the files of texts.
        counted: see `window`.
    """
    model = setting.model_folder(corpus.model)
    program = (sys.executable, "-m", "bench.speed.raw", "--model", str(model), "--counted", counted)

    def command(load: Load) -> Sequence[str]:
        texts = corpus.write(folder, sentences_per_text=load.sentences)
        return (*program, "--texts", str(texts), "--threads", str(setting.layout.slots))

    return printing_side("raw" if counted == TOKENS else f"raw, {counted}", command, setting)


def printing_side(name: str, command: Callable[[Load], Sequence[str]], setting: Setting) -> Side:
    """A program that translates on its own, on the engine's cores, and prints a window as JSON.

    Args:
        name: for the report.
        command: starts it under a load; ``--seconds`` and ``--warm-up`` are added.
        setting: how long it runs, and where.
    """
    cores = setting.layout.engine
    return Side(name, lambda load: setting.run_program(command(load), cores=cores, environment=NATIVE))


def serving_side(
    name: str,
    address: str,
    pid: int,
    corpus: Corpus,
    setting: Setting,
    folder: Path,
    *,
    detects: bool = False,
) -> Side:
    """What serves ``polygist.v1.TranslationService/Translate`` at an address, under the load generator.

    Args:
        name: for the report.
        address: HOST:PORT or ``unix:PATH``.
        pid: the process whose CPU time counts.
        corpus: what is sent.
        setting: how long, and where the generator runs.
        folder: for the files of texts.
        detects: leave the language out of the calls.
    """

    def measure(load: Load) -> Window:
        texts = str(corpus.write(folder, sentences_per_text=load.sentences))
        stream = Stream("all", texts, callers=load.callers, source="" if detects else SOURCE)
        return generate(Plan(address, pid, setting.seconds, setting.warm_up, [stream]), setting, folder).window()

    return Side(name, measure, pid)


def server_side(
    name: str, server: Server, corpus: Corpus, setting: Setting, folder: Path, *, detects: bool = False
) -> Side:
    """A server of ours; see `serving_side`."""
    return serving_side(name, server.address, server.pid, corpus, setting, folder, detects=detects)
