"""From start to stop: bind, load, serve, drain on SIGTERM."""

import asyncio
import logging
import signal
import sys
from collections.abc import Iterable

import structlog

from polygist_service.app.server import Server
from polygist_service.settings import Settings


def configure_logs(form: str, level: str) -> None:
    """Set up structlog.

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


log = structlog.get_logger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# After the drain: what is left (health watchers, stray streams) gets this long to end.
LAST_SECONDS = 0.5


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; a second signal stops at once.

    Raises:
        StoreError: no model is installed, or one is damaged.
        OSError: the address cannot be listened on.
    """
    stop, stop_now = _watch_signals()
    server = Server(settings)
    address = await server.start()
    log.info("listening", address=address, slots=server.slots, models=server.registry.names())
    if server.metrics_address:
        log.info("metrics", address=server.metrics_address)
    if server.administration:
        log.info("administration", address=server.administration.address)
    if settings.insecure and not settings.is_local:
        log.warning("insecure", address=address, hint="text travels unencrypted; give --tls-cert and --tls-key")
    loading = asyncio.create_task(server.load_models())
    await _first_of([loading, stop])
    if loading.done():
        await loading
        log.info("serving", address=address)
        await stop.wait()
    loading.cancel()
    await _drain(server, settings, stop_now)


async def _drain(server: Server, settings: Settings, stop_now: asyncio.Event) -> None:
    """Leave the load balancers' lists, refuse new calls, let those in flight end within the grace."""
    await server.refuse()
    log.info("draining", active=server.activity.active, grace=settings.grace)
    if settings.lame_duck:
        await _within(stop_now, settings.lame_duck)
    drained = asyncio.create_task(server.activity.drain(settings.grace))
    await _first_of([drained, stop_now])
    complete = drained.done() and drained.result()
    drained.cancel()
    await server.stop(LAST_SECONDS if complete else 0.0)
    log.info("stopped", complete=complete, dropped=server.activity.active)


def _watch_signals() -> tuple[asyncio.Event, asyncio.Event]:
    """Events that the first and the second stop signal set."""
    first, second = asyncio.Event(), asyncio.Event()

    def note() -> None:
        (second if first.is_set() else first).set()

    for each in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(each, note)
    return first, second


async def _first_of(awaited: Iterable[asyncio.Task[object] | asyncio.Event]) -> None:
    """Return when the first task or event is done; the tasks go on."""
    waits = [asyncio.ensure_future(each.wait()) if isinstance(each, asyncio.Event) else each for each in awaited]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
