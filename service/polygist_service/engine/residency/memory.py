"""Which loaded models are in memory, and room for more under the memory cap."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import structlog

from polygist_service.engine.residency.loaded_model import LoadedModel
from polygist_service.errors import UnsupportedCapability

log = structlog.get_logger(__name__)

MEGA, GIGA = 1e6, 1e9


class ModelMemory:
    """The loaded models in memory: the current one of each model, and retired ones until their last use has ended.

    The bytes of all of them, and of the one that is being loaded, never exceed the cap. Lives on the event loop; other
    threads may look.

    Args:
        cap: most bytes; 0 is no cap.
        clock: seconds, for who was used when.
    """

    def __init__(self, cap: int, clock: Callable[[], float]) -> None:
        self._cap = cap
        self._clock = clock
        self._current: dict[str, LoadedModel] = {}
        self._alive: set[LoadedModel] = set()
        self._reserved = 0
        self._left = asyncio.Event()

    @property
    def used(self) -> int:
        """Bytes of all that is in memory, or about to be."""
        return self._reserved + sum(loaded.memory_bytes for loaded in list(self._alive))

    def by_model(self) -> Mapping[str, int]:
        """Bytes in memory of each model."""
        total: Counter[str] = Counter()
        for loaded in list(self._alive):
            total[loaded.name] += loaded.memory_bytes
        return total

    def current(self, name: str) -> LoadedModel | None:
        """The model that a name means now."""
        return self._current.get(name)

    def can_hold(self, size: int) -> bool:
        """Whether a model is not larger than all that may be used."""
        return not self._cap or size <= self._cap

    def check_size(self, name: str, size: int) -> None:
        """Raise UnsupportedCapability where a model is larger than all that may be used."""
        if not self.can_hold(size):
            raise UnsupportedCapability(self.explain_size(name, size))

    def explain_size(self, name: str, size: int) -> str:
        """Say that a model is larger than all that may be used, and the cure."""
        return (
            f"model {name} takes about {write_size(size)}, this server may use {write_size(self._cap)}; "
            "its operator can raise memory_cap"
        )

    def fits_now(self, size: int) -> bool:
        """Whether there is room without anybody having to leave."""
        return not self._cap or self.used + size <= self._cap

    async def make_room(self, size: int, *, replacing: str) -> None:
        """Return once `size` bytes are free. One caller at a time, and one that holds no model.

        The least recently used models leave, first those that nobody holds. Where all are held, the least recently
        used one is closed to new calls, and leaves when those who have it are done: so there is room after the longest
        of them, however many keep coming.

        Args:
            size: of what is about to be loaded.
            replacing: name of the model that is about to be loaded. The current one stays beside the new one, unless
                the cap has no room for both: then it leaves, and those who want the model wait for the new one.
        """
        old = self._current.get(replacing)
        if old and self._cap and old.memory_bytes + size > self._cap:
            self.retire(replacing)
            old = None
        while self._cap and sum(loaded.memory_bytes for loaded in self._current.values()) + size > self._cap:
            others = [loaded for loaded in self._current.values() if loaded is not old]
            victim = min(others, key=lambda loaded: (loaded.is_held, loaded.last_used))
            log.info("model_evicted", model=victim.name, held=victim.is_held, wanted_by=replacing)
            self.retire(victim.name)
        await self._wait_until(lambda: self.fits_now(size))

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Count bytes as used while a model is being loaded."""
        self._reserved += size
        try:
            yield
        finally:
            self._reserved -= size

    def admit(self, loaded: LoadedModel) -> None:
        """Make a loaded model the current one of its model; the former leaves after its last use."""
        self.touch(loaded)
        self._alive.add(loaded)
        self.retire(loaded.name)
        self._current[loaded.name] = loaded

    def retire(self, name: str) -> LoadedModel | None:
        """Give the current model of a name, if any, to nobody new; it leaves after its last use."""
        if loaded := self._current.pop(name, None):
            loaded.release()
        return loaded

    def touch(self, loaded: LoadedModel) -> None:
        """Note that a model is being used."""
        loaded.last_used = self._clock()

    def idle(self, seconds: float) -> list[LoadedModel]:
        """Current loaded models that nobody has held for so long."""
        now = self._clock()
        return [loaded for loaded in self._current.values() if not loaded.is_held and now - loaded.last_used >= seconds]

    def leave(self, loaded: LoadedModel) -> None:
        """Take note that a model's memory is free again."""
        self._alive.discard(loaded)
        self._left.set()

    async def wait_until_left(self, loaded: LoadedModel) -> None:
        """Return once a model's memory is free."""
        await self._wait_until(lambda: loaded not in self._alive)

    async def _wait_until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self._left.clear()
            await self._left.wait()


def write_size(size: int) -> str:
    """A number of bytes for people: 1.25 GB, 17 MB, 0.3 MB."""
    if size >= GIGA:
        return f"{size / GIGA:.2f} GB"
    return f"{size / MEGA:.0f} MB" if size >= 10 * MEGA else f"{size / MEGA:.1f} MB"
