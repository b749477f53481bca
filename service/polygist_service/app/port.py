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

log = structlog.get_logger(__name__)

# Service and method that stand for all that were not registered. Drawn anew in each process: nobody can call them.
UNREGISTERED = uuid.uuid4().hex
UNREGISTERED_PATH = f"/{UNREGISTERED}/{UNREGISTERED}".encode()
MAIN_LOOP = "_server_main_loop"
# So many calls of a method are asked for at a time, of those that are called much.
MUCH_CALLED = ("/polygist.v1.TranslationService/", "/polygist.v1.SummarisationService/")
AT_A_TIME = 8
# The port of a main loop that has ended is free at once; something else may be quicker to take it.
REBIND_TRIES, REBIND_INTERVAL = 500, 0.01


class MainLoop(cygrpc.AioServer):  # type: ignore[misc]  # the package has no types
    """gRPC's own, which never reads a name that was not registered, and frees nothing that core still writes to.

    What it would do itself is done by tasks of each method, one for each call that is asked for at a time. It would ask
    for one call of each method, look at all methods at each call, and ask for the next one some six turns of the event
    loop later: where turns are long, calls wait before anything of ours sees them. It is left with waiting for the end.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *arguments: Any) -> None:
        super().__init__(loop, *arguments)
        _, _, interceptors, _, most = arguments[:5]
        self._event_loop = loop
        self._surrounding = tuple(interceptors or ())
        self._most_calls: int | None = most
        self._handlers: dict[str, Any] = {}
        self._resolver: Any = None
        # The event loop itself keeps no task from being collected.
        self._calls: set[asyncio.Task[None]] = set()
        self._takers: set[asyncio.Task[None]] = set()

    def add_registered_method_handlers(self, method_handlers: dict[str, Any]) -> None:
        """Register methods by their paths."""
        super().add_registered_method_handlers(method_handlers)
        self._handlers.update(method_handlers)

    def _make_request_call_future(self, method: bytes | None) -> asyncio.Future[None]:
        """Have the calls of a method taken, of any that was not registered where it is None; return what ends that."""
        ended: asyncio.Future[None] = self._event_loop.create_future()
        if method is not None:
            path = method.decode()
            for _ in range(AT_A_TIME if path.startswith(MUCH_CALLED) else 1):
                taker = self._event_loop.create_task(self._take_calls(path, ended))
                self._takers.add(taker)
                taker.add_done_callback(self._takers.discard)
        return ended

    async def _take_calls(self, path: str, ended: asyncio.Future[None]) -> None:
        """Answer calls of a method as they come, one after the other being asked for, until that has ended.

        Nothing cancels a task that waits for a call, since with it would go the memory that core puts the call in. Core
        lets go of it when the server shuts down, and then it fails.
        """
        method = path.encode()
        try:
            while not ended.done():
                asked = self._request_call() if method == UNREGISTERED_PATH else self._request_registered_call(method)
                try:
                    self._begin(path, await asked, ended)  # no name keeps a call until the next one
                except cygrpc._RequestCallError:
                    if not self.is_running():
                        raise
        except Exception as error:
            if not ended.done():
                ended.set_exception(error)  # which ends the main loop

    def _begin(self, path: str, call: Any, ended: asyncio.Future[None]) -> None:
        """Begin to answer a call that has come, if that has not ended meanwhile."""
        if ended.done():
            return
        if self._resolver is None:
            self._resolver = cygrpc._MethodResolver([], self._handlers)
        is_too_much = self._most_calls is not None and len(self._calls) >= self._most_calls
        loop = self._event_loop
        answer = cygrpc._handle_rpc(path, self._resolver, self._surrounding, call, loop, is_too_much)
        task = loop.create_task(cygrpc._schedule_rpc_coro(answer, call, loop, path))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)


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
