"""A server that waits for ten texts or ten milliseconds, then calls CTranslate2: the defaults of Ray Serve's batches.

Ray Serve has one batch under way in a replica; here there are as many as cores, as with a replica for each.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from contract import parse, reply, serve
from engine import Engine
from polygist.v1.translation_service_pb2 import TranslateRequest, TranslateResponse

MAX_BATCH_SIZE = 10
BATCH_WAIT_SECONDS = 0.01

Answer = tuple[str, int]
Waiting = tuple[str, "asyncio.Future[Answer]"]


async def collect(waiting: "asyncio.Queue[Waiting]") -> list[Waiting]:
    """The next batch: full, or what came until the first of it had waited its time."""
    batch = [await waiting.get()]
    end = asyncio.get_running_loop().time() + BATCH_WAIT_SECONDS
    while len(batch) < MAX_BATCH_SIZE:
        try:
            async with asyncio.timeout_at(end):
                batch.append(await waiting.get())
        except TimeoutError:
            break
    return batch


async def run_batches(waiting: "asyncio.Queue[Waiting]", engine: Engine, pool: ThreadPoolExecutor) -> None:
    """One batch after the other, without end."""
    while True:
        batch = await collect(waiting)
        texts = [text for text, _ in batch]
        answers: Sequence[Answer] = await asyncio.get_running_loop().run_in_executor(pool, engine.translate, texts)
        for (_, future), answer in zip(batch, answers, strict=True):
            if not future.done():
                future.set_result(answer)


async def main() -> None:
    """Serve until ended."""
    arguments = parse(__doc__)
    engine, pool = Engine(arguments.model, threads=arguments.threads), ThreadPoolExecutor(arguments.threads)
    waiting: asyncio.Queue[Waiting] = asyncio.Queue()

    async def translate(request: TranslateRequest, context: grpc.aio.ServicerContext) -> TranslateResponse:
        futures = [asyncio.get_running_loop().create_future() for _ in request.contents]
        for text, future in zip(request.contents, futures, strict=True):
            waiting.put_nowait((text, future))
        return reply(await asyncio.gather(*futures))

    async with asyncio.TaskGroup() as group:
        for _ in range(arguments.threads):
            group.create_task(run_batches(waiting, engine, pool))
        await serve(translate)


if __name__ == "__main__":
    asyncio.run(main())
