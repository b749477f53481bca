"""Models that were never loaded on this machine: another process loads each one first, and may crash in our place."""

import importlib.metadata
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import structlog

from polygist_service.engine.golden_texts import record_answers
from polygist_service.engine.hardware import resolve
from polygist_service.engine.residency.loader import LoadableModel, open_model, warm_up
from polygist_service.engine.word_alignment import choose_attention
from polygist_service.store.convert.inspect import CONVERTED
from polygist_service.store.description import Description, InstalledModel
from polygist_service.store.isolation import BASE_BYTES, BASE_SECONDS, Isolated, choose_bounds
from polygist_service.store.store import Recorded

ArgumentT = TypeVar("ArgumentT")
ResultT = TypeVar("ResultT")

log = structlog.get_logger(__name__)

FOLDER = "tried"
INSTALL_OTHER = "install one that you trust"
# What reads the files of models: another version may crash where this one does not.
READERS = ("ctranslate2", "sentencepiece", "tokenizers", "jinja2")
# Weights are read, and kept in other numbers; then there are the states of a whole window.
COPIES = 4
# What a driver of GPUs takes of this machine's own memory, and of time: for a GPU that is newer than the library, it
# compiles all kernels first. Neither was measured.
GPU_BYTES, GPU_SECONDS = 16 << 30, 900.0


class Trials:
    """Has other processes load models, each model once; of those that it does not crash, a mark is kept.

    Args:
        home: the folder of the store; marks are files below ``HOME/tried``, where they can be written, and are
            remembered by this object where they cannot.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._passed: set[Path] = set()

    def expect_loadable(self, loadable: LoadableModel) -> None:
        """Return when a model, whose files are verified, is known to load, with its window and in its numbers.

        Raises:
            StoreError: it does not, or crashes the process that tries.
            Exception: what CTranslate2 and the tokenizers raise.
        """
        mark = self._mark(loadable)
        if mark in self._passed or mark.exists():
            return
        began = time.monotonic()
        cure = f"run: polygist-server models rm {loadable.installed.name}, and install one that you trust"
        isolate(loadable, cure=cure).run(try_load, loadable)
        log.info("model_tried", model=loadable.installed.name, seconds=round(time.monotonic() - began, 3))
        self._keep(mark)

    def try_new(self, installed: InstalledModel) -> None:
        """The same for a model that is being installed, as a server would load it on the CPU."""
        self._try(installed, try_load, place_on_cpu(installed))

    def record(self, installed: InstalledModel) -> Recorded:
        """The same, returning what it is found to do; see `record_answers`."""
        return self._try(installed, record_answers, installed)

    def choose_attention(self, folder: Path, description: Description) -> Description:
        """See `engine.word_alignment`; the model is loaded several times."""
        size = (folder / CONVERTED).stat().st_size
        loadable = place_on_cpu(InstalledModel(description.name, description, folder, "", size))
        return isolate(loadable, cure=INSTALL_OTHER).run(choose_attention, folder, description)

    def _try(self, installed: InstalledModel, function: Callable[[ArgumentT], ResultT], argument: ArgumentT) -> ResultT:
        loadable = place_on_cpu(installed)
        shutil.rmtree(self._folder / installed.name, ignore_errors=True)  # marks of the build that this one replaces
        result = isolate(loadable, cure=INSTALL_OTHER).run(function, argument)
        self._keep(self._mark(loadable))
        return result

    def _mark(self, loadable: LoadableModel) -> Path:
        versions = [importlib.metadata.version(name) for name in READERS]
        parts = json.dumps([loadable.fingerprint, versions])
        return self._folder / loadable.installed.name / blake2b(parts.encode(), digest_size=16).hexdigest()

    def _keep(self, mark: Path) -> None:
        self._passed.add(mark)
        with suppress(OSError):  # a folder that is read-only
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()


def place_on_cpu(installed: InstalledModel) -> LoadableModel:
    """Return how a server would load a model here where nobody says anything else."""
    description = installed.description
    return LoadableModel(installed, resolve("cpu", (0,), "", description.compute_type, runs_as=description.runs_as))


def isolate(loadable: LoadableModel, *, cure: str) -> Isolated:
    """Return what runs functions on a model in other processes."""
    on_gpu = loadable.placement.device == "cuda"
    base_bytes, base_seconds = (GPU_BYTES, GPU_SECONDS) if on_gpu else (BASE_BYTES, BASE_SECONDS)
    return Isolated(
        f"model {loadable.installed.name} is damaged, or made to do harm",
        cure=cure,
        bounds=choose_bounds(loadable.memory_bytes, copies=COPIES, base_bytes=base_bytes, base_seconds=base_seconds),
    )


def try_load(loadable: LoadableModel) -> None:
    """Load a model, let it answer its golden text and read its window; raises what `Loader.open` does."""
    warm_up(loadable.installed, open_model(loadable.installed, slots=1, placement=loadable.placement))
