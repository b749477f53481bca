"""The ports: one for everyone, one for administrators, one for Prometheus."""

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection

from polygist_service.addresses import check_free
from polygist_service.app.certificates import Certificates
from polygist_service.app.configuration import Configuration, Part
from polygist_service.app.health import ADMIN, MODELS, SUMMARISATION, TRANSLATION, Health
from polygist_service.app.heap import keep_collected, keep_trimmed, settle_heap
from polygist_service.app.port import Port, create_server
from polygist_service.app.servicers import add_model_services, add_services, make_interceptor
from polygist_service.app.services import BATCH_SECONDS, FLUSH_SECONDS, Runtime, Services
from polygist_service.app.starting import Start
from polygist_service.concurrency import InFlightCalls
from polygist_service.errors import UnsupportedCapability
from polygist_service.limits import Limits
from polygist_service.observability.exposition import MetricsServer
from polygist_service.rpc.exchange import Unobserved
from polygist_service.rpc.models import ModelAdminServicer, ModelLifecycle
from polygist_service.settings import PORTS, Settings

if TYPE_CHECKING:
    from polygist_service.http.server import HttpServer

SERVICES = (TRANSLATION, SUMMARISATION, MODELS, ADMIN, health.SERVICE_NAME, reflection.SERVICE_NAME)
ADMIN_SERVICES = (MODELS, ADMIN, health.SERVICE_NAME, reflection.SERVICE_NAME)

# Large models take minutes to be verified and loaded, and a large glossary is parsed for seconds.
MODELS_SECONDS, GLOSSARIES_SECONDS = 900.0, 60.0
CONNECTIONS = 2048
STREAMS = 256  # of one connection at the same time; its caller's HTTP/2 stack keeps the others waiting
# Outer guards only: core is not to refuse a call before we do. So many calls of a method may wait for their turn in
# core, at some 8 kB each, as 64 connections at their limit send. They cannot be as many as all connections might send:
# one that is closed stays, with some 50 kB, until its calls have had their turn.
MAX_PENDING_CALLS = 64 * STREAMS
# More than fit in `Limits.queue_bytes`, so that it is `Admission` which refuses, with a time to come back.
MAX_CONCURRENT_CALLS = 8 * MAX_PENDING_CALLS
CONNECTION_AGE = 600.0
# The most milliseconds that gRPC takes: it reads them as never.
NEVER = (1 << 31) - 1


def channel_options(limits: Limits, *, connection_age: float) -> Sequence[tuple[str, int]]:
    """Return gRPC's own knobs; each differs from the default for a reason.

    Args:
        limits: those on a request.
        connection_age: see `Settings`.
    """
    longest_call = limits.deadline_seconds + 30
    return [
        ("grpc.so_reuseport", 0),  # else a second server on the port silently takes half of the traffic
        ("grpc.max_receive_message_length", limits.message_bytes),
        ("grpc.max_send_message_length", limits.message_bytes),
        ("grpc.per_message_decompression", 0),  # else as many are inflated at once as come: see `rpc.inflation`
        ("grpc.max_concurrent_streams", STREAMS),
        ("grpc.http.overload_protection", 0),  # counts streams that have ended: refuses callers within their limit
        ("grpc.server.max_pending_requests", MAX_PENDING_CALLS),
        ("grpc.server.max_pending_requests_hard_limit", MAX_PENDING_CALLS * 5 // 4),
        ("grpc.server_max_unrequested_time_in_server", limits.deadline_seconds),  # by default 30, then CANCELLED
        # Lets callers spread again, over those that a name stands for now or behind a plain load balancer.
        ("grpc.max_connection_age_ms", min(round(connection_age * 1000) or NEVER, NEVER)),
        ("grpc.max_connection_age_grace_ms", min(longest_call * 1000, NEVER)),
        ("grpc.max_connection_idle_ms", 900_000),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 4_000),  # callers may look every 5 s whether we hang
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.server_handshake_timeout_ms", 10_000),
        ("grpc.max_allowed_incoming_connections", CONNECTIONS),
    ]


def build_grpc_server(
    services: Services,
    *,
    serves_reflection: bool,
    in_flight: InFlightCalls | None = None,
    connection_age: float = CONNECTION_AGE,
) -> grpc.aio.Server:
    """Build a server with all servicers; it listens on nothing yet.

    Args:
        services: what answers.
        serves_reflection: whether callers may read the protos from the server.
        in_flight: counts the calls of this server; by default those of the services.
        connection_age: seconds after which callers are told to connect anew; 0 is never.
    """
    calls = in_flight or services.in_flight
    server = create_server(
        interceptors=[make_interceptor(calls, services, services.metrics)],
        options=channel_options(services.limits, connection_age=connection_age),
        maximum_concurrent_rpcs=MAX_CONCURRENT_CALLS,
    )
    add_services(server, services, calls)
    if serves_reflection:
        reflection.enable_server_reflection(SERVICES, server)
    return server


def require_http() -> None:
    """Raise UnsupportedCapability where the packages for HTTP, which are an extra, are missing."""
    for name in ("starlette", "uvicorn", "python_multipart"):
        if not find_spec(name):
            raise UnsupportedCapability(
                f"http_listen needs {name}, which is missing; run: pip install 'polygist[http]'"
            )


class AdminServer:
    """Serves ``ModelAdminService``, ``ModelService`` and health to whoever may log in to this machine.

    Args:
        address: loopback HOST:PORT, or unix:PATH.
        services: whose models they are.
        lifecycle: loads and unloads models.
        configuration: is read again when they ask for it.

    Attributes:
        port: where it is served.
    """

    def __init__(
        self, address: str, services: Services, *, lifecycle: ModelLifecycle, configuration: Configuration
    ) -> None:
        self._services = services
        self._servicer = ModelAdminServicer(lifecycle, configuration)
        self._health: Health | None = None
        # Calls of its own: a shutdown waits for those of users, not for a load, and metrics are about users.
        replaced = services.metrics.server_replaced
        self.port = Port(address, self._make, in_flight=InFlightCalls(), replaced=replaced)

    @property
    def address(self) -> str:
        """Where it listens, once started."""
        return self.port.address

    async def start(self, health: Health) -> None:
        """Listen; raises OSError where the address cannot be had."""
        self._health = health
        await self.port.start()

    async def stop(self) -> None:
        """End, and what still runs with it."""
        await self.port.stop(0)

    def _make(self, in_flight: InFlightCalls) -> grpc.aio.Server:
        interceptor = make_interceptor(in_flight, self._services, Unobserved())
        options = channel_options(self._services.limits, connection_age=CONNECTION_AGE)
        server = create_server(interceptors=[interceptor], options=options)
        add_model_services(server, self._services, self._servicer)
        reflection.enable_server_reflection(ADMIN_SERVICES, server)
        if self._health:
            self._health.attach(server)
        return server


class Server:
    """All ports of a process: services, health, and where asked for administration and metrics.

    Args:
        settings: the knobs.
        health: what is asked for it; by default its own, and then an event loop has to run.
        start: is told of what is read.

    Attributes:
        runtime: what it serves.
        configuration: what it reads again when asked.

    Raises:
        StoreError, GlossaryError, KeyFileError, UnsupportedCapability: see `Runtime`.
        OSError: see `Certificates`.
    """

    def __init__(self, settings: Settings, *, health: Health | None = None, start: Start | None = None) -> None:
        start = start or Start()
        self._settings = settings
        self._certificates: Certificates | None = None
        if settings.tls_cert and settings.tls_key:
            start.read("certificate", settings.tls_cert)
            self._certificates = Certificates(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
        self.runtime = Runtime(settings, start=start)
        services = self.runtime.services
        self.configuration = self._collect_configuration()
        self.health = health or Health()
        self._port: Port | None = None
        if settings.listen:
            self._port = Port(
                settings.listen,
                self._make,
                in_flight=services.in_flight,
                credentials=lambda: self._certificates.credentials() if self._certificates else None,
                replaced=services.metrics.server_replaced,
            )
        self.http: HttpServer | None = None
        if settings.http_listen:
            require_http()
            from polygist_service.app.http import open_http  # only where it is there

            self.http = open_http(settings, services, self.health, self._certificates)
        self.administration: AdminServer | None = None
        if settings.admin_listen:
            self.administration = AdminServer(
                settings.admin_listen,
                services,
                lifecycle=self.runtime.registry,
                configuration=self.configuration,
            )
        self._exposition: MetricsServer | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def address(self) -> str:
        """Where it listens, once started."""
        return self._port.address if self._port else self.http.address if self.http else ""

    @property
    def metrics_address(self) -> str | None:
        """Where the metrics are, once started; None where they are not served."""
        return self._exposition.address if self._exposition else None

    async def start(self) -> str:
        """Listen and answer health; returns the address. Raises OSError where an address cannot be had."""
        settings = self._settings
        for name in PORTS:
            if address := settings.address(name):
                check_free(address, name)
        if settings.metrics_listen:
            self._exposition = MetricsServer(self.runtime.services.metrics.registry, settings.metrics_listen)
        if self._port:
            await self._port.start()
        if self.http:
            await self.http.start()
        if self.administration:
            await self.administration.start(self.health)
        return self.address

    async def wait_until_lost(self) -> str:
        """Return the address of a port whose server ended by itself and that could not be had again."""
        administration = self.administration.port if self.administration else None
        ports = [port for port in (self._port, administration) if port]
        waits = [asyncio.create_task(port.lost.wait()) for port in ports]
        try:
            if not waits:
                await asyncio.get_running_loop().create_future()
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return next(port.address for port in ports if port.lost.is_set())

    async def load_models(self) -> None:
        """Load what is to be loaded at start, then report health; raises StoreError where a model is damaged."""
        await self.runtime.preload()
        settle_heap()
        self.health.report(self.runtime.services.engine.models())
        in_flight = self.runtime.services.in_flight
        endless = (
            self.runtime.report_changes(self.health.report),
            self.runtime.registry.watch(),
            keep_trimmed(),
            keep_collected(lambda: not in_flight.active),
        )
        self._tasks = [asyncio.create_task(each) for each in endless]

    def mark_not_serving(self) -> None:
        """Report NOT_SERVING from now on, and leave the models as they are."""
        for task in self._tasks:
            task.cancel()
        self.health.mark_not_serving()

    async def stop(
        self, seconds: float, *, batch_seconds: float = BATCH_SECONDS, flush_seconds: float = FLUSH_SECONDS
    ) -> None:
        """End what still runs within `seconds`, then the slots, within `batch_seconds` after their running batches.

        A collector has `flush_seconds` to take what it has not been told.
        """
        await asyncio.gather(*(port.stop(seconds) for port in (self._port, self.http) if port))
        if self.administration:
            await self.administration.stop()
        await self.runtime.close(batch_seconds, flush_seconds=flush_seconds)
        if self._exposition:
            await asyncio.to_thread(self._exposition.close)

    def _make(self, in_flight: InFlightCalls) -> grpc.aio.Server:
        server = build_grpc_server(
            self.runtime.services,
            serves_reflection=self._settings.serves_reflection,
            in_flight=in_flight,
            connection_age=self._settings.connection_age,
        )
        self.health.attach(server)
        return server

    def _collect_configuration(self) -> Configuration:
        """Return what can be read again of all that the settings name."""
        services, certificates = self.runtime.services, self._certificates

        async def read_certificates() -> bool:
            has_changed = bool(certificates and await asyncio.to_thread(certificates.reload))
            if has_changed and self.http:
                await self.http.renew_tls()
            return has_changed

        parts = [Part("certificates", read_certificates), Part("models", self.runtime.registry.rescan, MODELS_SECONDS)]
        if services.access.asks_for_keys:
            parts.append(Part("keys", services.access.reload))
        if services.glossaries.is_mounted:
            parts.append(Part("glossaries", services.glossaries.reload, GLOSSARIES_SECONDS))
        return Configuration(parts)
