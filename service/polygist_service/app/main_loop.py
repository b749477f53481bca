"""grpc.aio's main loop: what ends it is kept away from it, and where it ends all the same, that is noticed.

It reads the name of each method that was not registered as UTF-8, and ends at one that is none (docs/upstream.md): the
port closes, and the process stays. No such name is of interest: the generated code registers every method there is.
"""

import asyncio
import uuid
from collections.abc import Collection
from typing import Any

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # not typed, as all that is private

# Stands for all methods that were not registered. Drawn anew in each process, so that nobody can call it.
UNREGISTERED = ("unregistered", uuid.uuid4().hex)
SECONDS_BETWEEN_LOOKS = 1.0


class MainLoop(cygrpc.AioServer):  # type: ignore[misc]
    """gRPC's own, which never reads a name that was not registered."""

    def _make_request_call_future(self, method: bytes | None) -> asyncio.Future[Any]:
        """Return what is done when a call of a method has come: of any that was not registered where it is None."""
        if method is None:
            return asyncio.get_running_loop().create_future()
        named: asyncio.Future[Any] = super()._make_request_call_future(
            None if method == "/{}/{}".format(*UNREGISTERED).encode() else method
        )
        return named


def create_server(**options: Any) -> grpc.aio.Server:
    """Return what `grpc.aio.server` does, with a main loop that does not end at what a caller sends."""
    original, cygrpc.AioServer = cygrpc.AioServer, MainLoop
    try:
        server = grpc.aio.server(**options)
    finally:
        cygrpc.AioServer = original
    service, method = UNREGISTERED
    server.add_registered_method_handlers(service, {method: None})  # type: ignore[dict-item]  # UNIMPLEMENTED
    return server


async def wait_for_end(servers: Collection[grpc.aio.Server]) -> None:
    """Return when one of the servers, all of which have been started, runs no longer."""
    # There is no event for it: gRPC's own `wait_for_termination` waits on.
    while all(server._server.is_running() for server in servers):  # type: ignore[attr-defined]  # noqa: ASYNC110
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
