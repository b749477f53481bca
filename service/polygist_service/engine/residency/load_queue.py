"""The queue of models to be loaded, one at a time, and those who wait for them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple

import structlog

from polygist_service.engine.interface import State
from polygist_service.engine.residency.loaded_model import LoadedModel
from polygist_service.engine.residency.loader import Found, LoadableModel, Loader
from polygist_service.engine.residency.memory import ModelMemory
from polygist_service.errors import PolygistError

log = structlog.get_logger(__name__)

# A model that did not load is tried again by a request after so many seconds, and by itself after as many, then twice
# as many and so on: where no request comes, because health says that nothing is served, nobody else would.
BACK_OFF, LONGEST_BACK_OFF = 30.0, 600.0


class Load:
    """A load under way, and those who wait for it."""

    def __init__(self) -> None:
        self._futures: list[asyncio.Future[LoadedModel]] = []

    async def wait(self) -> LoadedModel:
        """Return the model, kept for the caller, who has to release it; raises what the load failed with."""
        future: asyncio.Future[LoadedModel] = asyncio.get_running_loop().create_future()
        self._futures.append(future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and not future.exception():
                future.result().release()  # it came at the moment of the cancellation
            raise

    def finish(self, loaded: LoadedModel) -> None:
        """Hand the model to all who wait, before anybody can take it away again."""
        for future in self._waiting():
            loaded.keep()
            future.set_result(loaded)

    def fail(self, error: Exception) -> None:
        """Tell all who wait."""
        for future in self._waiting():
            future.set_exception(error)

    def _waiting(self) -> list[asyncio.Future[LoadedModel]]:
        return [future for future in self._futures if not future.done()]


class Failure(NamedTuple):
    """That a model did not load.

    Attributes:
        at: when it was tried last.
        times: how often it was tried.
        reason: why it did not the last time.
    """

    at: float
    times: int
    reason: str

    @property
    def again_at(self) -> float:
        """When it is tried by itself."""
        return self.at + min(LONGEST_BACK_OFF, BACK_OFF * 2.0 ** (self.times - 1))


class LoadTimes:
    """How long loads take, from those that there were."""

    def __init__(self) -> None:
        # Before the first load: a slow disk. It is soon forgotten.
        self._bytes, self._seconds = 200e6, 1.0

    def add(self, size: int, seconds: float) -> None:
        """Learn from a load of `size` bytes."""
        self._bytes += size
        self._seconds += seconds

    def estimate(self, size: int) -> float:
        """Seconds that a load of `size` bytes will take."""
        return size * self._seconds / self._bytes


class LoadQueue:
    """Load models one at a time, first come, first served; a load goes on when nobody waits any more.

    Args:
        loader: reads the store and loads, on a thread of this object's.
        memory: where loaded models live.
        admitted: is told what a model was loaded from, at the moment when it becomes current.
        changed: is told when a load has begun or ended.
        freed: is called on that thread when a model has left the memory.
        clock: seconds.
    """

    def __init__(
        self,
        loader: Loader,
        memory: ModelMemory,
        *,
        admitted: Callable[[LoadableModel], None],
        changed: Callable[[], None],
        freed: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._loader = loader
        self._memory = memory
        self._admitted = admitted
        self._changed = changed
        self._freed = freed
        self._clock = clock
        self._under_way: dict[str, Load] = {}
        self._failed: dict[str, Failure] = {}
        self._times = LoadTimes()
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loader")
        self._tasks: set[asyncio.Task[None]] = set()

    def state(self, name: str) -> State:
        """Where a model that is not in memory stands; one that failed stays so while it is tried again."""
        if name in self._failed:
            return State.FAILED
        return State.LOADING if name in self._under_way else State.UNLOADED

    def find_reason(self, name: str) -> str:
        """Return why the last load failed, where that was so short ago that a request should not try again; else ''."""
        failure = self._failed.get(name)
        if name in self._under_way or failure is None or self._clock() >= failure.at + BACK_OFF:
            return ""
        return failure.reason

    def find_failed(self, *, at_once: bool = False) -> list[str]:
        """Return the models that did not load and are to be tried again by now, though nobody asks; or at once, all."""
        now = self._clock()
        idle = [(name, failure) for name, failure in self._failed.items() if name not in self._under_way]
        return [name for name, failure in idle if at_once or failure.again_at <= now]

    def forgive(self, name: str) -> None:
        """Forget that a load failed."""
        self._failed.pop(name, None)

    def seconds(self, sizes: Mapping[str, int]) -> float:
        """How long all loads take that are under way or wait for their turn, by the models' sizes in bytes."""
        return sum(self._times.estimate(sizes.get(name, 0)) for name in list(self._under_way))

    def start(self, name: str) -> Load:
        """The load of a model that is under way, or a new one."""
        if name not in self._under_way:
            self._under_way[name] = load = Load()
            task = asyncio.create_task(self._run(name, load))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self._changed()
        return self._under_way[name]

    async def settle(self, name: str) -> None:
        """Return once no load of a model is under way, however it ends."""
        while load := self._under_way.get(name):
            with suppress(PolygistError):
                (await load.wait()).release()

    async def find_all(self) -> Found:
        """See `Loader.find_all`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._loader.find_all)

    def close(self) -> None:
        """Start no load any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, name: str, load: Load) -> None:
        async with self._turn:
            try:
                loaded = await self._open(name)
            except Exception as error:
                if not self._memory.current(name):
                    before = self._failed.get(name)
                    times = before.times + 1 if before else 1
                    self._failed[name] = Failure(self._clock(), times, str(error) or type(error).__name__)
                log.error("model_failed", model=name, reason=str(error))
                del self._under_way[name]
                load.fail(error)
            else:
                self.forgive(name)
                log.info("model_loaded", model=name, revision=loaded.info.revision, memory_bytes=loaded.memory_bytes)
                del self._under_way[name]
                load.finish(loaded)
        self._changed()

    async def _open(self, name: str) -> LoadedModel:
        """Verify, make room, load, try, admit."""
        loop, began = asyncio.get_running_loop(), time.monotonic()
        loadable = await loop.run_in_executor(self._thread, self._loader.examine, name)
        if reason := loadable.saturation:
            log.warning("model_saturates", model=name, reason=reason)
        size, seconds = loadable.memory_bytes, time.monotonic() - began
        self._memory.check_size(name, size)
        await self._memory.make_room(size, replacing=name)
        with self._memory.reserve(size):
            began = time.monotonic()
            model, cost = await loop.run_in_executor(self._thread, self._loader.open, loadable)
        self._times.add(size, seconds + time.monotonic() - began)
        loaded = LoadedModel(
            model, loadable.describe(State.READY), unused=lambda loaded: self._see_off(loaded, loop), cost=cost
        )
        # failpoint: engine.admit
        self._admitted(loadable)
        self._memory.admit(loaded)
        return loaded

    def _see_off(self, loaded: LoadedModel, loop: asyncio.AbstractEventLoop) -> None:
        """Free a model's memory on the loading thread: neither the event loop nor a slot should wait for that."""

        def drop() -> None:
            loaded.drop()
            self._freed()
            loop.call_soon_threadsafe(self._memory.leave, loaded)

        with suppress(RuntimeError):  # the server is ending, and the thread with it
            self._thread.submit(drop)
