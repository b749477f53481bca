"""The object graph without a port: what servers, benches and tests are built on."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from polygist_service.access.access import Access
from polygist_service.admission import Admission, Bounds
from polygist_service.app.heap import trim_heap
from polygist_service.app.starting import Start
from polygist_service.concurrency import InFlightCalls, TextPool
from polygist_service.engine.cache import SentenceCache
from polygist_service.engine.engine import BatchingEngine
from polygist_service.engine.hardware import Placement, count_usable_cores, read_memory, resolve
from polygist_service.engine.interface import Engine, ModelInfo
from polygist_service.engine.residency.loader import Loader, open_model, trust
from polygist_service.engine.residency.registry import Registry
from polygist_service.engine.residency.trial import Trials
from polygist_service.engine.slots import SlotState
from polygist_service.errors import StoreError, UnsupportedCapability
from polygist_service.limits import Limits
from polygist_service.observability.metrics import AdmissionCollector, CacheCollector, LiveCollector, Metrics
from polygist_service.rpc.exchange import CallTracer
from polygist_service.rpc.refusals import RefusalLog
from polygist_service.settings import Settings
from polygist_service.store.description import InstalledModel
from polygist_service.store.store import Store
from polygist_service.summarisation.grounding.checker import GroundingChecker
from polygist_service.summarisation.summariser import Summariser
from polygist_service.text.language_id import LanguageDetector
from polygist_service.translation.detection import Detector, LanguageResolver
from polygist_service.translation.documents import DocumentTranslator
from polygist_service.translation.routing import Routes
from polygist_service.translation.terms.glossaries import Glossaries
from polygist_service.translation.translator import Translator

if TYPE_CHECKING:
    from polygist_service.observability.otlp import Telemetry

log = structlog.get_logger(__name__)

# Slots are given this long for the batches that they are at when a server ends.
BATCH_SECONDS = 2.0
# And a collector has this long to take the last spans and metrics.
FLUSH_SECONDS = 2.0
# What says where a collector is, beside the setting.
ENDPOINTS = tuple(f"OTEL_EXPORTER_OTLP_{signal}ENDPOINT" for signal in ("", "TRACES_", "METRICS_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What answers requests, whichever way they come.

    Attributes:
        engine: runs the models.
        pool: where text is worked on, off the event loop.
        languages: tells the languages of texts.
        routes: which models serve which pair.
        glossaries: those that the operator has mounted.
        translator, documents, summariser: do the work.
        metrics: where calls, detections and notices are counted.
        limits: what one request may ask for.
        in_flight: the calls that are being answered.
        access: tells who may make them.
        admission: takes them on, or refuses them.
        queued: counts the requests with segments in the queue.
        tracer: records where the time of calls goes; None where nobody wants to know.
        refusals: tells of calls that are refused.
    """

    engine: Engine
    pool: TextPool
    languages: LanguageResolver
    routes: Routes
    glossaries: Glossaries
    translator: Translator
    documents: DocumentTranslator
    summariser: Summariser
    metrics: Metrics
    limits: Limits
    in_flight: InFlightCalls
    access: Access
    admission: Admission
    queued: Callable[[], int]
    tracer: CallTracer | None = None
    refusals: RefusalLog = field(default_factory=RefusalLog)


def build_services(
    engine: Engine,
    *,
    detector: Detector,
    pool: TextPool,
    limits: Limits,
    slots: int = 1,
    metrics: Metrics | None = None,
    pivot_languages: Sequence[str] = ("en",),
    glossaries: Glossaries | None = None,
    access: Access | None = None,
    queued: Callable[[], int] = lambda: 0,
    tracer: CallTracer | None = None,
) -> Services:
    """Build the services on any engine behind the seam.

    Args:
        engine: runs the models.
        detector: ranks the languages of a text.
        pool: where text is worked on, off the event loop.
        limits: what one request may ask for.
        slots: how many batches the engine runs at the same time.
        metrics: where calls, detections and notices are counted; by default where nobody looks.
        pivot_languages: those that a translation may go by way of first.
        glossaries: those that the operator has mounted; by default none.
        access: tells who may make calls; by default everyone.
        queued: counts the requests with segments in the queue.
        tracer: records where the time of calls goes; by default nothing does.
    """
    metrics = metrics or Metrics(languages=())
    routes = Routes(engine, pivot_languages=pivot_languages)
    languages = LanguageResolver(detector, pool, metrics.detected)
    glossaries = glossaries or Glossaries()
    translator = Translator(
        engine, routes=routes, languages=languages, pool=pool, noticed=metrics.noticed, glossaries=glossaries
    )
    return Services(
        engine=engine,
        pool=pool,
        languages=languages,
        routes=routes,
        glossaries=glossaries,
        translator=translator,
        documents=DocumentTranslator(translator, pool, counted=metrics.document_read),
        summariser=Summariser(
            engine,
            translator=translator,
            checker=GroundingChecker(engine, pool),
            languages=languages,
            pool=pool,
            counted=metrics.document_read,
        ),
        metrics=metrics,
        limits=limits,
        in_flight=InFlightCalls(),
        access=access or Access(),
        admission=Admission(Bounds(limits.queue_seconds, limits.queue_bytes), slots=slots, clock=time.monotonic),
        queued=queued,
        tracer=tracer,
    )


class Runtime:
    """The services on the models that are installed on this machine, with the life of all that they need.

    Args:
        settings: the knobs.
        is_trial: whether this is only to find out what a server would do: nothing of it is kept, or sent to a
            collector, and models that were never loaded here are loaded by this process, which they may crash.
        start: is told of what is read.

    Attributes:
        services: what answers requests.
        registry: the models.
        slots: how many batches run at the same time.
        models_changed: is set whenever the state of some model has changed.

    Raises:
        StoreError: no model is installed, or one that is to be loaded at start is not.
        GlossaryError: a glossary cannot be read.
        KeyFileError: the file of API keys cannot be read.
        UnsupportedCapability: this machine has not the device or the compute type that is wanted.
    """

    def __init__(self, settings: Settings, *, is_trial: bool = False, start: Start | None = None) -> None:
        start = start or Start()
        start.read("API keys", settings.access_keys)
        access = Access(settings.access_keys, exposed=warn_of_exposed)
        start.read("glossaries", settings.glossaries)
        glossaries = Glossaries(settings.glossaries, repeated=warn_of_repeated)
        glossaries.load()
        start.read("models", settings.home)
        self.slots = settings.slots or count_usable_cores()
        self.models_changed = asyncio.Event()
        changed = self.models_changed.set
        self.registry = open_registry(settings, slots=self.slots, changed=changed, is_trial=is_trial)
        installed = self.registry.names()
        self._preloaded = installed if settings.preloaded is None else settings.preloaded
        if unknown := sorted(set(self._preloaded) - set(installed)):
            if reason := self.registry.damaged.get(unknown[0]):
                raise StoreError(f"preload: {reason}")
            raise StoreError(f"preload: no model {unknown[0]!r} is installed; installed: {', '.join(installed)}")
        infos = map(self.registry.info, installed)
        metrics = Metrics({tag for info in infos for tag in (*info.source_languages, *info.target_languages)})
        if memory := read_memory():
            metrics.show_memory_limit(memory)
        pool = TextPool(settings.text_threads)
        cache = SentenceCache(settings.sentence_cache)
        self._telemetry = None if is_trial else open_telemetry(settings, metrics)
        tracing = self._telemetry.tracing if self._telemetry else None
        self._engine = BatchingEngine(
            self.registry, slots=self.slots, pool=pool, observer=metrics, tracer=tracing, cache=cache
        )
        metrics.registry.register(
            LiveCollector(
                queue=self._engine.queue_state,
                models=self._engine.models,
                resident=self.registry.resident_bytes,
                slots=lambda: (slot.activity for slot in self.slot_states()),
            )
        )
        metrics.registry.register(CacheCollector(cache.state))
        self.services = services = build_services(
            self._engine,
            detector=LanguageDetector(),
            pool=pool,
            limits=settings.limits,
            slots=self.slots,
            metrics=metrics,
            pivot_languages=settings.pivots,
            glossaries=glossaries,
            access=access,
            queued=self._engine.queued_requests,
            tracer=tracing,
        )
        metrics.registry.register(AdmissionCollector(services.admission.state))

    async def preload(self) -> None:
        """Load what is to be loaded at start; raises StoreError where a model is damaged."""
        await self.registry.preload(self._preloaded)

    async def report_changes(self, report: Callable[[Sequence[ModelInfo]], None]) -> None:
        """Tell of the models whenever the state of one has changed, for ever."""
        while await self.models_changed.wait():
            self.models_changed.clear()
            report(self._engine.models())

    def slot_states(self) -> tuple[SlotState, ...]:
        """Return what each slot does now; waits for nothing."""
        return self._engine.slot_states()

    async def close(self, batch_seconds: float = BATCH_SECONDS, *, flush_seconds: float = FLUSH_SECONDS) -> None:
        """Start no load any more, and end the slots, within `batch_seconds` after their running batches.

        What the collector has not been told by then it is told within `flush_seconds`.
        """
        self.services.refusals.tell()
        self.registry.close()
        await asyncio.to_thread(self._engine.close, batch_seconds)
        self.services.pool.close()
        if self._telemetry:
            await asyncio.to_thread(self._telemetry.close, flush_seconds)


def open_telemetry(settings: Settings, metrics: Metrics) -> "Telemetry | None":
    """Return what sends spans and metrics to a collector; None where none is named, by a setting or a variable.

    A variable may be meant for all that runs here: what it asks for and cannot be had is a warning.

    Raises:
        UnsupportedCapability: a collector is named by the setting, and cannot be told anything.
    """
    is_named = settings.otlp_endpoint or any(map(os.environ.get, ENDPOINTS))
    if not is_named or os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    # A variable may choose a sampler where the setting does not.
    ratio = settings.trace_ratio if "trace_ratio" in settings.model_fields_set else None
    try:
        try:
            from polygist_service.observability.otlp import Telemetry  # only where its packages are there
        except ImportError as error:
            message = f"OTLP needs {error.name}, which is missing; run: pip install 'polygist[otel]'"
            raise UnsupportedCapability(message) from error
        return Telemetry(metrics.registry, endpoint=settings.otlp_endpoint, ratio=ratio)
    except UnsupportedCapability as error:
        if settings.otlp_endpoint:
            raise
        log.warning("telemetry_off", hint=str(error))
        return None


def warn_of_exposed(path: Path) -> None:
    """Log that everyone on the machine may make API keys."""
    log.warning("keys_writable", file=str(path), hint=f"everyone may write it, and make keys; run: chmod o-w {path}")


def warn_of_repeated(path: Path, term: str, line: int) -> None:
    """Log that a glossary has a term twice, of which the first one counts."""
    log.warning("term_repeated", file=str(path), line=line, term=term, hint="the first row with a term counts")


def place_model(settings: Settings, installed: InstalledModel) -> Placement:
    """Decide where a model runs, and in which numbers; raises UnsupportedCapability, see `resolve`."""
    description, indexes = installed.description, settings.device_indexes
    return resolve(
        settings.device, indexes, settings.compute_type, description.compute_type, runs_as=description.runs_as
    )


def open_registry(settings: Settings, *, slots: int, changed: Callable[[], None], is_trial: bool = False) -> Registry:
    """Open the registry of the installed models; see `Runtime`, also for what it raises."""
    registry = Registry(
        Loader(
            lambda: Store(settings.home),
            slots=slots,
            place=partial(place_model, settings),
            open_model=open_model,
            expect_loadable=trust if is_trial else Trials(settings.home).expect_loadable,
            keeps_seams=not is_trial,
        ),
        memory_cap=settings.memory_cap,
        idle_unload=settings.idle_unload,
        changed=changed,
        freed=trim_heap,
    )
    if not registry.names():
        if registry.damaged:
            raise StoreError("; ".join(registry.damaged.values()))
        raise StoreError(f"no model is installed in {settings.home}; run: polygist-server models pull starter")
    return registry
