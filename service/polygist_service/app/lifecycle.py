"""From start to stop: bind, load, serve, drain on SIGTERM; and the log that tells of it."""

import asyncio
import logging
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress

import structlog

from polygist_service.app.server import Server
from polygist_service.settings import Settings

log = structlog.get_logger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# After the drain: what is left (health watchers, stray streams) gets this long to end.
LAST_SECONDS = 0.5


def configure_logs(form: str, level: str) -> None:
    """Set up structlog, on standard error.

    Args:
        form: ``json``, one object a line, or ``console``.
        level: least level that is written, as `logging` names it.
    """
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; a second signal stops at once.

    Raises:
        StoreError: no model is installed, or one is damaged.
        OSError: the address cannot be listened on.
    """
    configure_logs(settings.log_format, settings.log_level)
    stop, stop_now = watch_signals()
    server = Server(settings)
    address = await server.start()
    log.info("listening", address=address, slots=server.runtime.slots, models=server.runtime.registry.names())
    if server.metrics_address:
        log.info("metrics", address=server.metrics_address)
    if server.administration:
        log.info("administration", address=server.administration.address)
    if settings.insecure and not settings.is_local:
        log.warning("insecure", address=address, hint="text travels unencrypted; give --tls-cert and --tls-key")
    loading = asyncio.create_task(server.load_models())
    await first_of([loading, stop])
    if loading.done():
        await loading
        log.info("serving", address=address)
        await stop.wait()
    loading.cancel()
    await drain(server, settings, stop_now)


async def drain(server: Server, settings: Settings, stop_now: asyncio.Event) -> None:
    """Leave the load balancers' lists, refuse new calls, let those in flight end within the grace."""
    in_flight = server.runtime.services.in_flight
    await server.mark_not_serving()
    log.info("draining", active=in_flight.active, grace=settings.grace)
    if settings.lame_duck:
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.lame_duck):
                await stop_now.wait()
    drained = asyncio.create_task(in_flight.drain(settings.grace))
    await first_of([drained, stop_now])
    complete = drained.done() and drained.result()
    drained.cancel()
    await server.stop(LAST_SECONDS if complete else 0.0)
    log.info("stopped", complete=complete, dropped=in_flight.active)


def watch_signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Return events that the first and the second stop signal set."""
    first, second = asyncio.Event(), asyncio.Event()

    def note() -> None:
        (second if first.is_set() else first).set()

    for each in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(each, note)
    return first, second


async def first_of(awaited: Iterable[asyncio.Task[object] | asyncio.Event]) -> None:
    """Return when the first task or event is done; the tasks go on."""
    waits = [asyncio.ensure_future(each.wait()) if isinstance(each, asyncio.Event) else each for each in awaited]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
