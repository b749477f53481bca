"""From start to stop: bind, load, serve, reload on SIGHUP, drain on SIGTERM."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import structlog

from polygist_service.app.configuration import Configuration
from polygist_service.app.health import Health
from polygist_service.app.logs import LogWriter
from polygist_service.app.server import Server
from polygist_service.app.services import BATCH_SECONDS, FLUSH_SECONDS, Runtime
from polygist_service.app.starting import start_off_loop
from polygist_service.app.watchdog import CAUSES, LONGEST_INTERVAL, LOOKS, STALLED, Heartbeat, StallDetector, Watchdog
from polygist_service.engine.hardware import read_memory
from polygist_service.settings import Settings

log = structlog.get_logger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# After the drain: what is left (health watchers, stray streams) gets this long to end.
LAST_SECONDS = 0.5
# What is read for longer before anything is served is told of, so often.
START_SECONDS = 5.0
# Whatever hangs: so long after the grace the process ends, and so long after a second signal.
LATE_SECONDS, LATE_SECONDS_NOW = 5.0, 1.0
# A thread that holds the interpreter lets go of it after so many seconds where another waits: by default after 5 ms,
# which a slot that has a batch to begin spent waiting for the event loop.
SWITCH_SECONDS = 0.001


async def serve(settings: Settings, writer: LogWriter) -> int:
    """Serve until SIGTERM or SIGINT; a second signal stops at once, SIGHUP reloads. Returns the exit code.

    Args:
        settings: the knobs.
        writer: writes the log; what it drops is counted.

    Raises:
        StoreError: no model is installed, or one is damaged.
        GlossaryError: a glossary cannot be read.
        KeyFileError: the file of API keys cannot be read.
        OSError: the address cannot be listened on, or is no longer.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    asyncio.get_running_loop().set_default_executor(Threads())
    late = LateEnd(lambda: leave(writer, 0))
    stop, stop_now, hangup = watch_signals(late, settings.lame_duck + settings.grace + LATE_SECONDS)
    server = await open_server(settings, writer, stop)
    # failpoint: lifecycle.listening
    watchdog = build_watchdog(server.runtime, server.health, settings, lambda code: leave(writer, code))
    if settings.stall_seconds:
        watchdog.start()
    loading, reloading = (
        asyncio.create_task(server.load_models()),
        asyncio.create_task(reload_on(hangup, server.configuration)),
    )
    lost = asyncio.create_task(server.wait_until_lost())
    await first_of([loading, stop, lost])
    if loading.done():
        await loading
        if server.health.is_serving:
            log.info("serving", address=server.address)
        else:
            log.error(
                "not_serving",
                address=server.address,
                hint="no model that is installed can be used; see the lines above",
            )
        await first_of([stop, lost])
    loading.cancel()
    reloading.cancel()
    await drain(server, settings, stop_now)
    watchdog.stop()
    late.cancel()
    if lost.done():
        raise OSError(
            f"the server stopped listening on {lost.result()} by itself, and the address could not be had again"
        )
    lost.cancel()
    return STALLED if watchdog.cause else 0


async def open_server(settings: Settings, writer: LogWriter, stop: asyncio.Event) -> Server:
    """Return a server that listens; raises as `serve` does. Where it is to stop before that, the process ends."""
    health = Health()
    interval = settings.stall_seconds or START_SECONDS
    building = asyncio.create_task(
        start_off_loop(lambda start: Server(settings, health=health, start=start), interval=interval)
    )
    await first_of([building, stop])
    if not building.done():
        log.info("stopped", complete=True, dropped=0)
        leave(writer, 0)
    server = await building
    server.runtime.services.metrics.count_dropped_lines(writer.dropped)
    address = await server.start()
    log.info("listening", address=address, slots=server.runtime.slots, models=server.runtime.registry.names())
    if server.http:
        log.info("http", address=server.http.address)
    if server.metrics_address:
        log.info("metrics", address=server.metrics_address)
    if server.administration:
        log.info("administration", address=server.administration.address)
    warn_of_plain_text(settings)
    warn_of_sizes(settings, read_memory())
    return server


def warn_of_plain_text(settings: Settings) -> None:
    """Log that what other machines send can be read on its way, and used where it is an API key."""
    name = settings.open_address
    if settings.tls_cert or not name:
        return
    what = "text travels unencrypted"
    if settings.access_keys:
        what = "text and API keys travel unencrypted, and who reads a key may use it"
    log.warning("insecure", address=getattr(settings, name), hint=f"{what}; give --tls-cert and --tls-key")


def warn_of_sizes(settings: Settings, memory: int | None) -> None:
    """Log which sizes are larger than the memory there is, so that they keep nothing from running out of it.

    Args:
        settings: the knobs.
        memory: bytes that this process can have; None where that is not known.
    """
    for name in ("memory_cap", "sentence_cache"):
        size = int(getattr(settings, name))
        if memory and size > memory:
            log.warning("too_large", setting=name, bytes=size, memory_bytes=memory, hint="give less than there is")


def build_watchdog(runtime: Runtime, health: Health, settings: Settings, leave: Callable[[int], None]) -> Watchdog:
    """Return what watches a process and ends it with a code where it stands still; it does not run yet."""
    metrics = runtime.services.metrics
    metrics.count_stalls(CAUSES)
    interval = min(LONGEST_INTERVAL, settings.stall_seconds / LOOKS)
    detector = StallDetector(
        runtime.slot_states,
        Heartbeat(interval or LONGEST_INTERVAL).beat,
        least=settings.stall_seconds,
        longest=settings.limits.deadline_seconds,
    )
    return Watchdog(
        detector,
        interval=interval,
        grace=settings.stall_grace,
        health=health,
        count=metrics.stalled,
        leave=leave,
    )


async def reload_on(hangup: asyncio.Event, configuration: Configuration) -> None:
    """Reload whenever the event is set, for ever; what is wrong is logged, and what was there stays.

    A reload waits for no other: where a part takes long, the others are read at once all the same.
    """
    reloads: set[asyncio.Task[object]] = set()
    while await hangup.wait():
        hangup.clear()
        reload = asyncio.create_task(configuration.reload())
        reloads.add(reload)
        reload.add_done_callback(reloads.discard)


async def drain(server: Server, settings: Settings, stop_now: asyncio.Event) -> None:
    """Leave the load balancers' lists, refuse new calls, let those in flight end within the grace."""
    in_flight = server.runtime.services.in_flight
    server.mark_not_serving()
    log.info("draining", active=in_flight.active, grace=settings.grace)
    if settings.lame_duck:
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.lame_duck):
                await stop_now.wait()
    # failpoint: lifecycle.draining
    end = asyncio.get_running_loop().time() + settings.grace
    drained = asyncio.create_task(in_flight.drain(settings.grace))
    await first_of([drained, stop_now])
    complete = drained.done() and drained.result()
    drained.cancel()
    # failpoint: lifecycle.drained
    dropped = in_flight.active  # counted before the stop, which ends them all
    server.health.end_watches()
    is_hasty = stop_now.is_set()
    left = min(FLUSH_SECONDS, max(LAST_SECONDS, end - asyncio.get_running_loop().time()))
    await server.stop(
        LAST_SECONDS if complete else 0.0,
        batch_seconds=0.0 if is_hasty else BATCH_SECONDS,
        flush_seconds=0.0 if is_hasty else left,
    )
    log.info("stopped", complete=complete, dropped=dropped)


def leave(writer: LogWriter, code: int) -> None:
    """End the process with the log written, whatever still runs."""
    writer.close(1)
    os._exit(code)


class Threads(ThreadPoolExecutor):
    """Threads that the end does not wait for: who needs what one does has waited for that itself."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take on nothing more."""
        super().shutdown(wait=False, cancel_futures=cancel_futures)


class LateEnd:
    """Ends the process where it has not ended by itself, whatever hangs.

    Args:
        end: ends it; called on a thread of its own.
    """

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self._timers: list[threading.Timer] = []

    def within(self, seconds: float) -> None:
        """Have it ended after so many seconds."""
        timer = threading.Timer(seconds, self._cut_off)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def cancel(self) -> None:
        """Leave it to itself."""
        for timer in self._timers:
            timer.cancel()

    def _cut_off(self) -> None:
        log.critical("cut_off", hint="something did not end in time, such as a thread that reads from a dead disk")
        self._end()


def watch_signals(late: LateEnd, seconds: float) -> tuple[asyncio.Event, asyncio.Event, asyncio.Event]:
    """Return events that the first and the second stop signal set, and SIGHUP.

    Args:
        late: ends the process where a stop does not.
        seconds: that a stop takes at most.
    """
    first, second, hangup = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def note() -> None:
        if second.is_set():
            return
        late.within(LATE_SECONDS_NOW if first.is_set() else seconds)
        (second if first.is_set() else first).set()

    for each in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(each, note)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
    return first, second, hangup


async def first_of(awaited: Iterable[asyncio.Task[object] | asyncio.Event]) -> None:
    """Return when the first task or event is done; the tasks go on."""
    waits = [asyncio.ensure_future(each.wait()) if isinstance(each, asyncio.Event) else each for each in awaited]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
