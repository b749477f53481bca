"""A web server on FastAPI that calls CTranslate2 once for each request, in a pool of threads."""

import argparse
import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvicorn
from engine import Engine
from fastapi import FastAPI
from pydantic import BaseModel

# The engine never waits for a thread that packs or unpacks texts.
THREADS_FOR_EACH_CALL = 2


class Request(BaseModel):
    """What LibreTranslate takes too; the languages are the model's."""

    q: str
    source: str
    target: str


class Response(BaseModel):
    """What LibreTranslate answers too."""

    translatedText: str


def main() -> None:
    """Listen on a free port, print the address, and answer until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of an installed model")
    parser.add_argument("--threads", type=int, required=True, help="calls of the engine at the same time")
    arguments = parser.parse_args()
    engine = Engine(arguments.model, threads=arguments.threads)
    pool = ThreadPoolExecutor(THREADS_FOR_EACH_CALL * arguments.threads)
    app = FastAPI()

    @app.post("/translate")
    async def translate(request: Request) -> Response:
        answers = await asyncio.get_running_loop().run_in_executor(pool, engine.translate, [request.q])
        return Response(translatedText=answers[0][0])

    listening = socket.create_server(("127.0.0.1", 0))
    print(f"127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run([listening])


if __name__ == "__main__":
    main()
