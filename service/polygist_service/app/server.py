"""The object graph: settings in, a ``grpc.aio`` server with everything behind it out."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor

import grpc
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection
from polygist.v1 import model_service_pb2_grpc, summarisation_service_pb2_grpc, translation_service_pb2_grpc

from polygist_service.app.health import ADMIN, MODELS, SUMMARISATION, TRANSLATION, Health
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.hardware import Placement, count_usable_cores, resolve
from polygist_service.engine.interface import Engine
from polygist_service.engine.residency.loader import Loader, open_model
from polygist_service.engine.residency.registry import Registry
from polygist_service.errors import StoreError
from polygist_service.limits import Limits
from polygist_service.observability.metrics import LiveCollector, Metrics, MetricsServer
from polygist_service.rpc.admin import DisabledModelAdminServicer, ModelAdminServicer, ModelLifecycle
from polygist_service.rpc.interceptors import CallInterceptor, CountingInterceptor, InFlightCalls
from polygist_service.rpc.models import ModelServicer
from polygist_service.rpc.summarisation import SummarisationServicer
from polygist_service.rpc.translation import TranslationServicer
from polygist_service.settings import Settings
from polygist_service.store.store import InstalledModel, Store
from polygist_service.summarisation.grounding.checker import GroundingChecker
from polygist_service.summarisation.summariser import Summariser
from polygist_service.text.language_id import LanguageDetector
from polygist_service.translation.detection import Detector, LanguageResolver
from polygist_service.translation.routing import Routes
from polygist_service.translation.translator import Translator

ADMIN_SERVICES = (MODELS, ADMIN, health.SERVICE_NAME, reflection.SERVICE_NAME)


class AdminServer:
    """Serves ``ModelAdminService``, ``ModelService`` and health to whoever may log in to this machine.

    Args:
        address: loopback HOST:PORT, or unix:PATH.
        life: loads and unloads models.
        servicer: tells of them.
        options: of gRPC.
        longest: seconds that a call may take at most.
    """

    def __init__(
        self,
        address: str,
        *,
        life: ModelLifecycle,
        servicer: ModelServicer,
        options: Sequence[tuple[str, int]],
        longest: float,
    ) -> None:
        # An activity of its own: a shutdown waits for the calls of users, not for a load.
        self._server = grpc.aio.server(
            interceptors=[CallInterceptor(InFlightCalls(), longest=longest)], options=options
        )
        self.address = address
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, self._server)
        model_service_pb2_grpc.add_ModelAdminServiceServicer_to_server(ModelAdminServicer(life), self._server)
        reflection.enable_server_reflection(ADMIN_SERVICES, self._server)

    async def start(self, health: Health) -> None:
        """Listen; raises OSError where the address cannot be had."""
        await health.attach(self._server)
        try:
            port = self._server.add_insecure_port(self.address)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self.address}: {error}") from error
        if not self.address.startswith("unix:"):
            self.address = f"{self.address.rpartition(':')[0]}:{port}"
        await self._server.start()

    async def stop(self) -> None:
        """End, and what still runs with it."""
        await self._server.stop(0)


def channel_options(limits: Limits) -> Sequence[tuple[str, int]]:
    """gRPC's own knobs; each differs from the default for a reason."""
    return [
        ("grpc.so_reuseport", 0),  # else a second server on the port silently takes half of the traffic
        ("grpc.max_receive_message_length", limits.message_bytes),
        ("grpc.max_send_message_length", limits.message_bytes),
        ("grpc.max_concurrent_streams", 256),
        ("grpc.max_connection_age_ms", 600_000),  # lets clients behind a plain load balancer spread again
        ("grpc.max_connection_age_grace_ms", 630_000),  # longer than the longest call
        ("grpc.max_connection_idle_ms", 900_000),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.server_handshake_timeout_ms", 10_000),
        ("grpc.max_allowed_incoming_connections", 2048),
    ]


SERVICES = (TRANSLATION, SUMMARISATION, MODELS, ADMIN, health.SERVICE_NAME, reflection.SERVICE_NAME)

# An outer guard only: above what the application itself admits, and it counts health calls too.
MAX_CONCURRENT_CALLS = 4096


def build_grpc_server(
    engine: Engine,
    *,
    detector: Detector,
    executor: Executor,
    limits: Limits,
    activity: InFlightCalls,
    queued: Callable[[], int],
    serves_reflection: bool,
    pivot_languages: Sequence[str] = ("en",),
    metrics: Metrics | None = None,
) -> grpc.aio.Server:
    """A server with all servicers, on any engine behind the seam; it listens on nothing yet.

    Args:
        engine: runs the models.
        detector: ranks the languages of a text.
        executor: where text is split, counted and joined: never on the event loop.
        limits: what one request may ask for.
        activity: counts the calls, refuses them while draining.
        queued: counts the requests with segments in the queue.
        serves_reflection: whether callers may read the protos from the server.
        pivot_languages: those that a translation may go by way of first.
        metrics: where calls, detections and notices are counted.
    """
    metrics = metrics or Metrics(languages=())
    server = grpc.aio.server(
        interceptors=[CountingInterceptor(metrics), CallInterceptor(activity, longest=limits.deadline_seconds)],
        options=channel_options(limits),
        maximum_concurrent_rpcs=MAX_CONCURRENT_CALLS,
    )
    routes = Routes(engine, pivot_languages=pivot_languages)
    sources = LanguageResolver(detector, executor, metrics.detected)
    translator = Translator(engine, routes=routes, sources=sources, executor=executor, noticed=metrics.noticed)
    judge = GroundingChecker(engine, executor)
    summariser = Summariser(engine, translator=translator, judge=judge, executor=executor)
    translation_service_pb2_grpc.add_TranslationServiceServicer_to_server(
        TranslationServicer(translator, sources=sources, routes=routes, limits=limits, executor=executor), server
    )
    summarisation_service_pb2_grpc.add_SummarisationServiceServicer_to_server(
        SummarisationServicer(summariser, engine=engine, sources=sources, limits=limits, executor=executor), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        ModelServicer(engine, routes=routes, limits=limits, activity=activity, queued=queued, executor=executor),
        server,
    )
    model_service_pb2_grpc.add_ModelAdminServiceServicer_to_server(DisabledModelAdminServicer(), server)
    if serves_reflection:
        reflection.enable_server_reflection(SERVICES, server)
    return server


class Server:
    """Everything behind one port: models, slots, servicers, health; and the port of the administrators.

    Args:
        settings: the knobs.

    Raises:
        StoreError: no model is installed, or one that is to be loaded at start is not.
        UnsupportedCapability: this machine has not the device or the compute type that is wanted.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.slots = settings.slots or count_usable_cores()
        self._models_changed = asyncio.Event()
        self.registry = _open_registry(settings, slots=self.slots, changed=self._models_changed.set)
        self._preloaded = _names_to_preload(settings, self.registry.names())
        self._executor = ThreadPoolExecutor(settings.text_threads, thread_name_prefix="text")
        metrics = Metrics(_languages(self.registry))
        self.engine = BatchingEngine(self.registry, slots=self.slots, executor=self._executor, observer=metrics)
        metrics.registry.register(
            LiveCollector(
                queue=self.engine.queue_state, models=self.engine.models, resident=self.registry.resident_bytes
            )
        )
        self._metrics = metrics
        self._exposition: MetricsServer | None = None
        self.activity = InFlightCalls()
        self.health = Health()
        self._grpc = build_grpc_server(
            self.engine,
            detector=LanguageDetector(),
            executor=self._executor,
            limits=settings.limits,
            activity=self.activity,
            queued=self.engine.queued_requests,
            serves_reflection=settings.serves_reflection,
            pivot_languages=settings.pivots,
            metrics=metrics,
        )
        self.administration = self._build_administration() if settings.admin_listen else None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> str:
        """Listen and answer health; returns the address. Raises OSError where the address cannot be had."""
        await self.health.attach(self._grpc)
        if self._settings.metrics_listen:
            self._exposition = MetricsServer(self._metrics.registry, self._settings.metrics_listen)
        try:
            port = self._listen()
        except RuntimeError as error:
            raise OSError(f"cannot listen on {self._settings.listen}: {error}") from error
        await self._grpc.start()
        if self.administration:
            await self.administration.start(self.health)
        return self._settings.listen if self._settings.listen.startswith("unix:") else f"{self._host()}:{port}"

    @property
    def metrics_address(self) -> str | None:
        """Where the metrics are, once started; None where they are not served."""
        return self._exposition.address if self._exposition else None

    async def load_models(self) -> None:
        """Load what is to be loaded at start, then report health; raises StoreError where a model is damaged."""
        await self.registry.preload(self._preloaded)
        self._models_changed.set()
        self._tasks = [asyncio.create_task(self._report_changes()), asyncio.create_task(self.registry.watch())]

    async def refuse(self) -> None:
        """Report NOT_SERVING from now on, and leave the models as they are."""
        for task in self._tasks:
            task.cancel()
        await self.health.refuse()

    async def stop(self, seconds: float) -> None:
        """End what still runs within `seconds`, then the slots."""
        await self._grpc.stop(seconds)
        if self.administration:
            await self.administration.stop()
        self.registry.close()
        await asyncio.get_running_loop().run_in_executor(None, self.engine.close)
        if self._exposition:
            await asyncio.get_running_loop().run_in_executor(None, self._exposition.close)
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _report_changes(self) -> None:
        """Keep health true to the models for ever."""
        while await self._models_changed.wait():
            self._models_changed.clear()
            await self.health.report(self.engine.models())

    def _build_administration(self) -> AdminServer:
        limits = self._settings.limits
        servicer = ModelServicer(
            self.engine,
            routes=Routes(self.engine, pivot_languages=self._settings.pivots),
            limits=limits,
            activity=self.activity,
            queued=self.engine.queued_requests,
            executor=self._executor,
        )
        return AdminServer(
            self._settings.admin_listen,
            life=self.registry,
            servicer=servicer,
            options=channel_options(limits),
            longest=limits.deadline_seconds,
        )

    def _listen(self) -> int:
        settings = self._settings
        if settings.tls_cert is None or settings.tls_key is None:
            return self._grpc.add_insecure_port(settings.listen)
        pair = (settings.tls_key.read_bytes(), settings.tls_cert.read_bytes())
        return self._grpc.add_secure_port(settings.listen, grpc.ssl_server_credentials([pair]))

    def _host(self) -> str:
        return self._settings.listen.rpartition(":")[0]


def _languages(registry: Registry) -> set[str]:
    """All languages that some installed model reads."""
    return {language for name in registry.names() for language in registry.info(name).source_languages}


def _open_registry(settings: Settings, *, slots: int, changed: Callable[[], None]) -> Registry:
    def place(installed: InstalledModel) -> Placement:
        entry = installed.entry
        wish, devices = settings.compute_type, settings.device_indexes
        return resolve(settings.device, devices, wish, entry.compute_type, runs_as=entry.runs_as)

    loader = Loader(lambda: Store(settings.home), slots=slots, place=place, open_model=open_model)
    registry = Registry(loader, memory_cap=settings.memory_cap, idle_unload=settings.idle_unload, changed=changed)
    if not registry.names():
        raise StoreError(f"no model is installed in {settings.home}; run: polygist-server models pull starter")
    return registry


def _names_to_preload(settings: Settings, installed: Sequence[str]) -> Sequence[str]:
    wanted = installed if settings.preloaded is None else settings.preloaded
    if unknown := sorted(set(wanted) - set(installed)):
        raise StoreError(f"preload: no model {unknown[0]!r} is installed; installed: {', '.join(installed)}")
    return wanted
