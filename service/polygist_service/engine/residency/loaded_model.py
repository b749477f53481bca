"""Builds: loaded models, each with the count of those who use it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from polygist_service.engine.interface import ModelInfo
from polygist_service.engine.models.seq2seq import Model
from polygist_service.errors import ModelLoading


class LoadedModel:
    """One loaded model; whoever works with it keeps it, and after its last use it is let go.

    The uses are those of the registry while the build is current, of each hold, and of each batch and tokenising under
    way. Everyone refers to the build and nobody to the model, so that a traceback that lives on keeps no weights alive.
    CTranslate2's ``unload_model()`` is never called: it silently does nothing where a batch still runs.

    Args:
        model: what was loaded.
        info: what may be known of it.
        pin: the name that means this very build, such as ``en-pt@3``.
        unused: told once, on the thread of the last use, that nobody uses it any more; has to see to `drop`.
    """

    def __init__(self, model: Model, info: ModelInfo, *, pin: str, unused: Callable[["LoadedModel"], None]) -> None:
        self.info = info
        self.pin = pin
        self.last_used = 0.0
        self._model: Model | None = model
        self._unused = unused
        self._lock = threading.Lock()
        self._uses = 1

    @property
    def name(self) -> str:
        """The model's name."""
        return self.info.name

    @property
    def memory_bytes(self) -> int:
        """What it takes."""
        return self.info.memory_bytes

    @property
    def is_held(self) -> bool:
        """Whether it has another use than to be current."""
        return self._uses > 1

    def keep(self) -> None:
        """Count one use more; raises ModelLoading where the last one has ended."""
        with self._lock:
            if not self._uses:
                raise ModelLoading(f"model {self.name} has been unloaded meanwhile, try again")
            self._uses += 1

    def release(self) -> None:
        """End a use."""
        with self._lock:
            self._uses -= 1
            is_last = self._uses == 0
        if is_last:
            self._unused(self)

    @contextmanager
    def use(self) -> Iterator[Model]:
        """Keep it while the block works with the model."""
        self.keep()
        try:
            assert self._model is not None
            yield self._model
        finally:
            self.release()

    def drop(self) -> None:
        """Let the model go, and its memory with it. Blocks while much of it is freed."""
        self._model = None
