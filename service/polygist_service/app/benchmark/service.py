"""A model through a server of its own process, against the same model without one."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path

import grpc
from polygist.v1 import translation_service_pb2, translation_service_pb2_grpc

from polygist_service.app.benchmark.figures import ServiceFigures, summarise, summarise_latency
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.base import Model
from polygist_service.engine.speed import Window, make_work, measure_latency, measure_rate
from polygist_service.store.description import InstalledModel

CALLERS, ROUNDS, WARM_SECONDS = 32, 3, 0.3
START_SECONDS, LAST_SECONDS = 60.0, 5.0
COMMAND = (sys.executable, "-c", "import polygist_service; polygist_service.main()", "serve")


@asynccontextmanager
async def serving(flags: Sequence[str]) -> AsyncIterator[str]:
    """Start a server on a socket of its own with some flags; give its address, and end it with the block."""
    with tempfile.TemporaryDirectory() as folder:
        address, log = f"unix:{folder}/socket", Path(folder) / "log"
        ours = {name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")}
        with log.open("w") as opened:
            process = await asyncio.create_subprocess_exec(
                *COMMAND, "--listen", address, *flags, env=ours, stdin=subprocess.DEVNULL, stderr=opened
            )
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                try:
                    await asyncio.wait_for(channel.channel_ready(), START_SECONDS)
                except TimeoutError:
                    last = log.read_text(errors="replace").strip().rpartition("\n")[2]
                    raise OSError(f"the server did not start: {last}") from None
            yield address
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), LAST_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()


class Caller:
    """Calls a server with one sentence at a time.

    Args:
        address: of the server.
        model: that answers.
        source, target: the languages.
        sentences: in turn.
    """

    def __init__(self, address: str, *, model: str, source: str, target: str, sentences: Sequence[str]) -> None:
        self._channel = grpc.aio.insecure_channel(address)
        self._stub = translation_service_pb2_grpc.TranslationServiceStub(self._channel)
        self._sentences = cycle(sentences)
        self._source, self._target, self._model = source, target, f"models/{model}"

    async def call(self) -> None:
        """Translate a sentence; raises AioRpcError."""
        request = translation_service_pb2.TranslateRequest(
            contents=[next(self._sentences)],
            source_language_code=self._source,
            target_language_code=self._target,
            model=self._model,
        )
        await self._stub.Translate(request, wait_for_ready=True)

    async def measure_alone(self, seconds: float) -> list[float]:
        """Return how long calls take, one at a time."""
        taken, ended = list[float](), time.monotonic() + seconds
        while time.monotonic() < ended or len(taken) < 5:
            began = time.monotonic()
            await self.call()
            taken.append(time.monotonic() - began)
        return taken

    async def measure_together(self, seconds: float) -> Window:
        """Let `CALLERS` call, each again when it has its answer."""
        began, count = time.monotonic(), 0

        async def call_again() -> None:
            nonlocal count
            while time.monotonic() < began + seconds:
                await self.call()
                count += 1

        await asyncio.gather(*(call_again() for _ in range(CALLERS)))
        return Window(count / (time.monotonic() - began))

    async def close(self) -> None:
        """End the connection."""
        await self._channel.close()


async def measure_service(
    installed: InstalledModel, model: Model, flags: Sequence[str], *, slots: int, seconds: float
) -> ServiceFigures:
    """Measure a model through a server and without it, in turn.

    Args:
        installed: the model.
        model: the same, loaded.
        flags: of ``serve``.
        slots: that the server has.
        seconds: for all of it, the start left out.

    Raises:
        OSError: the server does not start. AioRpcError: a call fails.
    """
    work, window = make_work(model, installed.description), seconds / ROUNDS / 4
    assert isinstance(work.options, Decoding)
    size = model.batch_limits(work.options).segments
    alone, engine_alone, calls, engine = list[float](), list[float](), list[Window](), list[Window]()
    async with serving(flags) as address:
        caller = Caller(
            address,
            model=installed.name,
            source=work.options.source,
            target=work.options.target,
            sentences=[text.text for text in work.texts],
        )
        try:
            await caller.measure_together(WARM_SECONDS)
            for _ in range(ROUNDS):
                engine_alone += await asyncio.to_thread(measure_latency, model, work, seconds=window)
                alone += await caller.measure_alone(window)
                calls.append(await caller.measure_together(window))
                engine.append(
                    await asyncio.to_thread(measure_rate, model, work, size=size, slots=slots, seconds=window)
                )
        finally:
            await caller.close()
    return ServiceFigures(
        model=installed.name,
        alone=summarise_latency(alone),
        engine_alone=summarise_latency(engine_alone),
        callers=CALLERS,
        calls=summarise(calls),
        engine=summarise(engine),
    )
