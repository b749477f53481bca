"""The installed models: loads them on demand, hands them out, replaces and unloads them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from polygist_service.context import CallContext
from polygist_service.engine.interface import ModelInfo, Offers, State, advise_pull, pull_metadata
from polygist_service.engine.residency.load_queue import BACK_OFF, LoadQueue
from polygist_service.engine.residency.loaded_model import LoadedModel
from polygist_service.engine.residency.loader import LoadableModel, Loader
from polygist_service.engine.residency.memory import ModelMemory
from polygist_service.errors import InferenceFailed, ModelLoading, NotFound, PolygistError, StoreError
from polygist_service.store.description import Inventory

log = structlog.get_logger(__name__)

# A request without a deadline waits so many seconds for a model.
PATIENCE = 60.0
# An answer that a model is loading has to arrive before its caller's deadline.
MARGIN = 0.25
# A caller is never told to come back sooner.
LEAST_RETRY = 0.5
# Idle models are looked for so many times within the idle time, failed ones within the time until they are tried again.
LOOKS = 8


class Registry:
    """Load installed models on demand and hand them out. Lives on one event loop; other threads may look.

    Args:
        loader: reads the store and loads.
        memory_cap: most bytes that loaded models may take together; 0 is no cap.
        idle_unload: a model that nobody has held for so many seconds is unloaded; 0 is never.
        changed: is told on the event loop when the state of some model has changed.
        freed: is called, not on the event loop, when a model has left the memory.
        clock: seconds.
        now: seconds since 1970.

    Models that cannot be read are left out, with a line of the log.

    Raises:
        StoreError: the catalogue is damaged, or nothing can be read.
        UnsupportedCapability: this machine has not the device or the compute type that is wanted.
    """

    def __init__(
        self,
        loader: Loader,
        *,
        memory_cap: int = 0,
        idle_unload: float = 0.0,
        changed: Callable[[], None] = lambda: None,
        freed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._idle_unload = idle_unload
        self._now = now
        self._last_used: dict[str, float] = {}
        self._changed = changed
        self._memory = ModelMemory(memory_cap, clock)
        self._found = loader.find_all()
        log_left_out(self._found.inventory)
        self._load_queue = LoadQueue(
            loader, self._memory, admitted=self._note_loaded, changed=changed, freed=freed, clock=clock
        )

    @property
    def _installed(self) -> Mapping[str, LoadableModel]:
        return self._found.models

    @property
    def damaged(self) -> Mapping[str, str]:
        """The installed models that are left out, each with what is wrong and the cure."""
        return self._found.inventory.damaged

    @property
    def offers(self) -> Offers:
        """What could be installed beside them."""
        return self._found.offers

    def names(self) -> list[str]:
        """Installed models, sorted."""
        return sorted(self._installed)

    def info(self, name: str) -> ModelInfo:
        """What may be known of an installed model; raises NotFound."""
        loadable = self._find(name)
        if loaded := self._memory.current(name):
            info = loaded.info
        else:
            fits = self._memory.can_hold(loadable.memory_bytes)
            info = loadable.describe(self._load_queue.state(name) if fits else State.FAILED)
        return replace(info, last_used=used) if (used := self._last_used.get(name)) else info

    def resident_bytes(self) -> Mapping[str, int]:
        """What each loaded model takes now."""
        return self._memory.by_model()

    @asynccontextmanager
    async def hold(self, name: str, context: CallContext) -> AsyncIterator[LoadedModel]:
        """Load a model if need be, and keep it while the block runs; see `Engine.hold`."""
        loaded = await self._acquire(name, context.deadline)
        self._last_used[name] = self._now()
        try:
            yield loaded
        finally:
            self._last_used[name] = self._now()
            self._memory.touch(loaded)
            loaded.release()

    async def preload(self, names: Collection[str]) -> None:
        """Load models; those that the memory cap leaves no room for are left to their first use, or to nobody.

        Raises:
            StoreError: one of them is damaged.
        """
        for name, loadable in self._installed.items():
            if not self._memory.can_hold(loadable.memory_bytes):
                log.error("too_large", model=name, reason=self._memory.explain_size(name, loadable.memory_bytes))
        for name in sorted(names):
            size = self._find(name).memory_bytes
            if not self._memory.can_hold(size):
                continue
            if not self._memory.fits_now(size):
                log.warning("not_preloaded", model=name, memory_bytes=size, reason="memory_cap")
                continue
            (await self._load_queue.start(name).wait()).release()

    async def load(self, name: str) -> ModelInfo:
        """Load an installed model; one that is loaded is replaced by what is installed now.

        The files are verified, the new one answers its golden text and then takes over at once; the old one finishes
        what it has. Where that fails, the old one stays. Where the memory cap has no room for both, the old one leaves
        first, and calls wait for the new one.

        Raises:
            NotFound: no such model, even after another look at the store.
            StoreError: it does not load; says why.
            UnsupportedCapability: it is larger than the memory cap.
        """
        await self._load_queue.settle(name)
        if name not in self._installed:
            await self._read_store()
        self._find(name)
        loaded = await self._load_queue.start(name).wait()
        loaded.release()
        return loaded.info

    async def unload(self, name: str) -> ModelInfo:
        """Unload a model after those who use it; the next request for it loads it again. Raises NotFound."""
        self._find(name)
        await self._load_queue.settle(name)
        self._load_queue.forgive(name)
        if loaded := self._retire(name):
            await self._memory.wait_until_left(loaded)
        return self.info(name)

    async def rescan(self) -> tuple[str, ...]:
        """Look at the store and its catalogue again; returns the models that were added, removed or replaced.

        Loaded models are replaced as by `load`, removed ones unloaded; a new one is loaded by its first use. Those that
        did not load are tried again.

        Raises:
            StoreError: the catalogue or the manifest of a model that is served is damaged; nothing was changed.
            InferenceFailed: a replaced model does not load; says why, and its old one stays.
        """
        before = await self._read_store()
        names = sorted(before.keys() | self._installed.keys())
        changed = [name for name in names if before.get(name) != self._installed.get(name) or self._is_outdated(name)]
        failures = []
        self.retry_failed(at_once=True)
        for name in changed:
            if name not in self._installed:
                self._retire(name)
            elif self._memory.current(name):
                try:
                    await self.load(name)
                except PolygistError as error:
                    failures.append(error.message)
        self._changed()
        if failures:
            raise InferenceFailed("; ".join(failures))
        return tuple(changed)

    def unload_idle(self) -> None:
        """Unload what nobody has held for the idle time."""
        for loaded in self._memory.idle(self._idle_unload):
            self._retire(loaded.name)

    def retry_failed(self, *, at_once: bool = False) -> None:
        """Try models again that did not load some time ago; those without room now are left to their first use."""
        for name in self._load_queue.find_failed(at_once=at_once):
            loadable = self._installed.get(name)
            if loadable and self._memory.fits_now(loadable.memory_bytes):
                self._load_queue.start(name)
            else:
                self._load_queue.forgive(name)
                self._changed()

    async def watch(self) -> None:
        """Unload idle models and try failed ones again, for ever."""
        while True:
            await asyncio.sleep(min(self._idle_unload or BACK_OFF, BACK_OFF) / LOOKS)
            self.retry_failed()
            if self._idle_unload:
                self.unload_idle()

    def close(self) -> None:
        """Start no load any more."""
        self._load_queue.close()

    async def _acquire(self, name: str, deadline: float | None) -> LoadedModel:
        """Return a loaded model, kept for the caller; load it where need be."""
        loadable = self._find(name)
        if loaded := self._memory.current(name):
            loaded.keep()
            self._memory.touch(loaded)
            return loaded
        self._memory.check_size(name, loadable.memory_bytes)
        if reason := self._load_queue.find_reason(name):
            raise load_failure(name) from StoreError(reason)
        load, now = self._load_queue.start(name), asyncio.get_running_loop().time()
        until = now + PATIENCE if deadline is None else max(now, deadline - MARGIN)
        try:
            async with asyncio.timeout_at(until):
                return await load.wait()
        except TimeoutError:
            sizes = {each: loadable.memory_bytes for each, loadable in self._installed.items()}
            seconds = max(LEAST_RETRY, self._load_queue.seconds(sizes))
            raise ModelLoading(f"model {name} is loading, try again in {seconds:.1f} s", retry_after=seconds) from None
        except StoreError as error:
            raise load_failure(name) from error

    async def _read_store(self) -> Mapping[str, LoadableModel]:
        """Look at the store again; returns what was known before."""
        found, before = await self._load_queue.find_all(), self._installed
        if lost := [reason for name, reason in found.inventory.damaged.items() if name in before]:
            raise StoreError("; ".join(lost))
        log_left_out(found.inventory)
        self._found = found
        return before

    def _note_loaded(self, loadable: LoadableModel) -> None:
        self._found = replace(self._found, models={**self._installed, loadable.installed.name: loadable})

    def _retire(self, name: str) -> LoadedModel | None:
        if loaded := self._memory.retire(name):
            log.info("model_unloaded", model=name, revision=loaded.info.revision)
            self._changed()
        return loaded

    def _find(self, name: str) -> LoadableModel:
        if loadable := self._installed.get(name):
            return loadable
        have = ", ".join(self.names()) or "none"
        pulls = [name] if self.offers.has(name) else []
        raise NotFound(
            f"models/{name}",
            f"no model {name!r} here; this server has: {have}{advise_pull(*pulls)}",
            metadata=pull_metadata(*pulls),
        )

    def _is_outdated(self, name: str) -> bool:
        """Whether what runs is not what is installed."""
        loaded, loadable = self._memory.current(name), self._installed.get(name)
        return bool(loaded and loadable and loaded.info != loadable.describe(State.READY))


def log_left_out(inventory: Inventory) -> None:
    """Warn of what lies among the models and is not served."""
    for name, reason in inventory.damaged.items():
        log.warning("model_left_out", model=name, reason=reason)
    for name, what in inventory.strays.items():
        log.warning("stray_left_out", name=name, reason=what)


def load_failure(name: str) -> InferenceFailed:
    """Return what a caller is told of a model that does not load: only the log has the reason, and its cause."""
    return InferenceFailed(f"model {name} does not load; the server's log has the reason")
