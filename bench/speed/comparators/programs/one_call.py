"""A server that calls CTranslate2 once for each RPC, in a pool of threads: what everyone writes first."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import grpc
from contract import parse, reply, serve
from engine import Engine
from polygist.v1.translation_service_pb2 import TranslateRequest, TranslateResponse

# The engine never waits for a thread that packs or unpacks texts.
THREADS_FOR_EACH_CALL = 2


def main() -> None:
    """Serve until ended."""
    arguments = parse(__doc__)
    engine = Engine(arguments.model, threads=arguments.threads)
    pool = ThreadPoolExecutor(THREADS_FOR_EACH_CALL * arguments.threads)

    async def translate(request: TranslateRequest, context: grpc.aio.ServicerContext) -> TranslateResponse:
        answers = await asyncio.get_running_loop().run_in_executor(pool, engine.translate, list(request.contents))
        return reply(answers)

    asyncio.run(serve(translate))


if __name__ == "__main__":
    main()
