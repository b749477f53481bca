"""An address and the gRPC server that listens there, which nothing that a caller sends may end.

grpc.aio reads the name of each method that was not registered as UTF-8, and its main loop ends at one that is none
(docs/upstream.md): the port closes, and the process stays. So no such name is read here: the generated code registers
every method there is. Where a main loop ends all the same, a fresh server takes over its port.
"""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import structlog
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # not typed, as all that is private

from polygist_service.concurrency import InFlightCalls
from polygist_service.rpc.interceptors import ALIAS_MARK

log = structlog.get_logger(__name__)

# Service and method that stand for all that were not registered. Drawn anew in each process: nobody can call them.
UNREGISTERED = uuid.uuid4().hex
UNREGISTERED_PATH = f"/{UNREGISTERED}/{UNREGISTERED}".encode()
MAIN_LOOP = "_server_main_loop"
# gRPC's main loop asks for one call of each method, and for the next one some turns of the event loop later: where
# turns are long, calls wait before anything of ours sees them. So methods of services that are called much have further
# names, by each of which one more is asked for.
MUCH_CALLED = ("/polygist.v1.TranslationService/", "/polygist.v1.SummarisationService/")
FURTHER_NAMES = 7
# The port of a main loop that has ended is free at once; something else may be quicker to take it.
REBIND_TRIES, REBIND_INTERVAL = 500, 0.01


class MainLoop(cygrpc.AioServer):  # type: ignore[misc]  # the package has no types
    """gRPC's own, which never reads a name that was not registered, and frees nothing that core still writes to.

    It asks for several calls of a method at a time, where that is called much.
    """

    def add_registered_method_handlers(self, method_handlers: dict[str, Any]) -> None:
        """Register methods by their paths, and some by further names, which nobody can call."""
        further = {
            f"{path}{ALIAS_MARK}{UNREGISTERED}{number}": handler
            for path, handler in method_handlers.items()
            if path.startswith(MUCH_CALLED)
            for number in range(FURTHER_NAMES)
        }
        super().add_registered_method_handlers({**method_handlers, **further})

    def _make_request_call_future(self, method: bytes | None) -> asyncio.Future[Any]:
        """Return what is done when a call of a method has come: of any that was not registered where it is None."""
        if method is None:
            return asyncio.get_running_loop().create_future()
        path = None if method == UNREGISTERED_PATH else method.partition(ALIAS_MARK.encode())[0]
        request = super()._make_request_call_future(path)
        # A main loop that ends cancels these, and with them goes the memory that core puts the call in. Core lets go of
        # it when the server shuts down, and then they fail.
        request.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return asyncio.shield(request)


def create_server(**options: Any) -> grpc.aio.Server:
    """Return what `grpc.aio.server` does, with a main loop that does not end at what a caller sends."""
    original, cygrpc.AioServer = cygrpc.AioServer, MainLoop
    try:
        server = grpc.aio.server(**options)
    finally:
        cygrpc.AioServer = original
    handlers = {UNREGISTERED: None}  # which makes them UNIMPLEMENTED
    server.add_registered_method_handlers(UNREGISTERED, handlers)  # type: ignore[arg-type]
    return server


def listen(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None = None) -> str:
    """Have a server listen; return the address with the port that it got. Raises OSError where it cannot be had.

    Args:
        server: not started yet.
        address: HOST:PORT or unix:PATH; port 0 picks one.
        credentials: for TLS.
    """
    try:
        port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    except RuntimeError as error:
        # Its own words are of no use; and both address and certificate have been tried before.
        cure = "see whether another process has taken it meanwhile, or give another address"
        raise OSError(f"cannot listen on {address}: gRPC does not get it; {cure}") from error
    return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"


def has_socket(address: str) -> bool:
    """Whether the socket of unix:PATH is there: who closes it removes it, and must not remove the next one's."""
    return address.startswith("unix:") and Path(address.removeprefix("unix:")).exists()


class Port:
    """Serves on an address; a server whose main loop ends by itself is replaced, and its calls in flight end.

    Args:
        address: HOST:PORT or unix:PATH; port 0 picks one.
        make: makes a server with all that it serves, given what counts its calls.
        in_flight: counts the calls of all its servers.
        credentials: makes those of one server; None for no TLS.
        replaced: is told of each replacement.

    Attributes:
        address: where it listens, once started.
        lost: set where the address could not be had again.
    """

    def __init__(
        self,
        address: str,
        make: Callable[[InFlightCalls], grpc.aio.Server],
        *,
        in_flight: InFlightCalls,
        credentials: Callable[[], grpc.ServerCredentials | None] = lambda: None,
        replaced: Callable[[], None] = lambda: None,
    ) -> None:
        self.address = address
        self.lost = asyncio.Event()
        self._make = make
        self._in_flight = in_flight
        self._credentials = credentials
        self._replaced = replaced
        self._server: grpc.aio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    async def start(self) -> None:
        """Listen and serve; raises OSError where the address cannot be had."""
        calls = InFlightCalls(self._in_flight)
        server = self._make(calls)
        self.address = listen(server, self.address, self._credentials())
        before = asyncio.all_tasks()
        await server.start()
        begun = asyncio.all_tasks() - before
        main_loop = next(task for task in begun if getattr(task.get_coro(), "__name__", "") == MAIN_LOOP)
        main_loop.add_done_callback(lambda ended: self._on_end(ended, server, calls))
        self._server = server

    async def stop(self, seconds: float) -> None:
        """End, and after `seconds` what still runs with it; servers that were replaced end at once."""
        self._is_stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server:
            await self._server.stop(seconds)

    def _on_end(self, ended: asyncio.Task[Any], server: grpc.aio.Server, calls: InFlightCalls) -> None:
        if not self._is_stopping and not ended.cancelled():
            task = asyncio.create_task(self._replace(server, calls, reason=repr(ended.exception())))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _replace(self, server: grpc.aio.Server, calls: InFlightCalls, *, reason: str) -> None:
        """Have a fresh server take the port, and let the old one end when its calls have."""
        log.error("server_ended", address=self.address, reason=reason, active=calls.active)
        for _ in range(REBIND_TRIES):
            if not has_socket(self.address):
                with suppress(OSError):
                    await self.start()
                    break
            await asyncio.sleep(REBIND_INTERVAL)
        else:
            log.critical("port_lost", address=self.address)
            self.lost.set()
            return
        self._replaced()
        log.warning("server_replaced", address=self.address)
        try:
            await calls.wait_until_idle()
        finally:
            await server.stop(0)
