"""One server with both doors: gRPC and HTTP over the same services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from polygist_service.addresses import parse_address
from polygist_service.app.http import build_http_application
from polygist_service.http.connections import ConnectionBounds
from polygist_service.http.server import HttpServer

from tests.service.harness import Service, serving


@dataclass
class Doors:
    """A running server.

    Attributes:
        grpc: stubs, and what it counts.
        http: asks it over HTTP.
        server: the port of HTTP.
    """

    grpc: Service
    http: httpx2.AsyncClient
    server: HttpServer


@asynccontextmanager
async def opened(engine: Any, *, bounds: ConnectionBounds | None = None, **options: Any) -> AsyncIterator[Doors]:
    """Serve `engine` both ways while the block runs; `options` are those of `serving`."""
    async with serving(engine, **options) as service:
        application = build_http_application(service.services, service.health)
        server = HttpServer(application, parse_address("127.0.0.1:0"), bounds=bounds)
        await server.start()
        try:
            # As environments have proxies, which a server on loopback is not behind.
            async with httpx2.AsyncClient(base_url=f"http://{server.address}", trust_env=False, timeout=60) as client:
                yield Doors(service, client, server)
        finally:
            await server.stop(0)
