"""Servers that a browser can be sent to: an engine without models on a thread of its own, and a real process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from polygist_service.addresses import parse_address
from polygist_service.app.http import build_http_application
from polygist_service.http.server import HttpServer

from tests.service.harness import serving


@contextmanager
def serving_echo(engine: Any, **options: Any) -> Iterator[str]:
    """Serve `engine` over HTTP while the block runs, and yield the address of its page; `options` as of `serving`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    ended = asyncio.Event()
    started: asyncio.Future[str] = loop.create_future()

    async def serve() -> None:
        async with serving(engine, **options) as service:
            server = HttpServer(build_http_application(service.services, service.health), parse_address("127.0.0.1:0"))
            await server.start()
            started.set_result(server.address)
            await ended.wait()
            await server.stop(0)

    async def wait_until_started() -> str:
        return await started

    running = asyncio.run_coroutine_threadsafe(serve(), loop)
    try:
        yield f"http://{asyncio.run_coroutine_threadsafe(wait_until_started(), loop).result(60)}/"
    finally:
        loop.call_soon_threadsafe(ended.set)
        running.result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
