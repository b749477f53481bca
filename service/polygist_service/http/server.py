"""The port of HTTP, on the event loop of the process, which keeps its signals and its log."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from polygist_service.addresses import Address, find_places
from polygist_service.http.connections import BoundedConnection, ConnectionBounds

BACKLOG = 512
HEADER_BYTES = 32 << 10
KEEP_ALIVE_SECONDS = 75


class HttpServer:
    """Serves an application at an address.

    Args:
        application: answers.
        address: where; port 0 picks one.
        make_tls: makes what encrypts the connections from then on; None for no TLS.
        bounds: of connections.

    Attributes:
        address: where it listens, once started.
    """

    def __init__(
        self,
        application: ASGIApp,
        address: Address,
        *,
        make_tls: Callable[[], ssl.SSLContext] | None = None,
        bounds: ConnectionBounds | None = None,
    ) -> None:
        self.address = str(address)
        self._place = address
        self._make_tls = make_tls
        self._bounds = bounds or ConnectionBounds()
        self._config = uvicorn.Config(
            application,
            http=BoundedConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # what goes wrong is told to who asks, and logged by `Surroundings`
            access_log=False,
            proxy_headers=False,  # whoever calls could say that he is somebody else
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            h11_max_incomplete_event_size=HEADER_BYTES,
        )
        self._config.load()
        self._state = ServerState()
        self._servers: list[asyncio.Server] = []

    @property
    def connection_count(self) -> int:
        """How many connections there are."""
        return len(self._state.connections)

    async def start(self) -> None:
        """Listen and serve; raises OSError where the address cannot be had."""
        sockets = bind(self._place)
        if not self._place.path:
            self.address = str(Address(self._place.host, sockets[0].getsockname()[1]))
        await self._listen(sockets)

    async def renew_tls(self) -> None:
        """Have connections from now on encrypted anew; those that are there stay, and none is missed."""
        if self._make_tls:
            before = self._servers
            await self._listen([each.dup() for server in before for each in server.sockets])
            for server in before:
                server.close()

    async def stop(self, seconds: float) -> None:
        """End: take no connection any more, and cut off after `seconds` those that still have an answer to come."""
        for server in self._servers:
            server.close()
        if self._place.path and self._servers:
            with suppress(FileNotFoundError):
                os.unlink(self._place.path)
        for connection in list(self._state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*self._state.tasks, return_exceptions=True)
        for task in list(self._state.tasks):
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)
        for connection in list(self._state.connections):
            connection.transport.abort()

    async def _listen(self, sockets: Sequence[socket.socket]) -> None:
        loop, tls = asyncio.get_running_loop(), self._make_tls() if self._make_tls else None
        seconds = self._bounds.header_seconds if tls else None
        self._servers = [
            await loop.create_server(self._connect, sock=each, ssl=tls, ssl_handshake_timeout=seconds, backlog=BACKLOG)
            for each in sockets
        ]

    def _connect(self) -> BoundedConnection:
        return BoundedConnection(self._bounds, config=self._config, server_state=self._state, app_state={})


def bind(address: Address) -> list[socket.socket]:
    """Return sockets bound to all places of an address; raises OSError."""
    if address.path:
        with suppress(FileNotFoundError):
            os.unlink(address.path)  # one that nobody listens on any more: it was tried before
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(address.path)
        return [unix]
    sockets: list[socket.socket] = []
    for family, (host, port, *scope) in find_places(address):
        each = socket.socket(family)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # All places of a name have one port.
        place: tuple[Any, ...] = (host, sockets[0].getsockname()[1] if sockets else port, *scope)
        each.bind(place)
        sockets.append(each)
    return sockets
