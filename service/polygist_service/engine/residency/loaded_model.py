"""A loaded model with its reference count."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from polygist_service.engine.cost import CostModel
from polygist_service.engine.interface import ModelInfo
from polygist_service.engine.models.base import Model
from polygist_service.errors import ModelLoading


class LoadedModel:
    """A model in memory, counted by reference: it is let go after its last use.

    The uses are those of the registry while it is the current one of its name, of each hold, and of each batch and
    tokenising under way. Everyone refers to this object and nobody to the model itself, so that a traceback that lives
    on keeps no weights alive. CTranslate2's ``unload_model()`` is never called: it silently does nothing where a batch
    still runs.

    Args:
        model: what was loaded.
        info: what may be known of it.
        cost: how long its batches take that choose among all words; what has been seen of them while it was loaded.
        unused: told once, on the thread of the last use, that nobody uses it any more; has to see to `drop`.
    """

    def __init__(
        self, model: Model, info: ModelInfo, *, unused: Callable[["LoadedModel"], None], cost: CostModel | None = None
    ) -> None:
        self.info = info
        self.cost = cost or CostModel()
        self.last_used = 0.0
        self._shortlist_cost: CostModel | None = None
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

    def find_cost(self, *, shortlist: bool) -> CostModel:
        """Return what tells how long batches take that choose among the shortlist, or among all words.

        The former take half as long; what tells of them begins with what is known of the latter by then.
        """
        if not shortlist:
            return self.cost
        with self._lock:
            self._shortlist_cost = self._shortlist_cost or self.cost.copy()
            return self._shortlist_cost

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
