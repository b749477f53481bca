"""A real server on a port of its own, with any engine behind it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2
from polygist.v1 import model_service_pb2_grpc, summarisation_service_pb2_grpc, translation_service_pb2_grpc
from polygist_service.access.access import Access
from polygist_service.app.health import Health
from polygist_service.app.server import CONNECTION_AGE, build_grpc_server
from polygist_service.app.services import Services, build_services
from polygist_service.concurrency import TextPool
from polygist_service.engine.interface import Engine
from polygist_service.limits import Limits
from polygist_service.observability.metrics import Metrics
from polygist_service.rpc.exchange import CallTracer
from polygist_service.text.language_id import LanguageDetector
from polygist_service.translation.terms.glossaries import Glossaries

DETECTOR = LanguageDetector()


@dataclass
class Service:
    """Stubs of a running server, and what it counts."""

    address: str
    channel: grpc.aio.Channel
    services: Services
    health: Health

    def __post_init__(self) -> None:
        self.in_flight = self.services.in_flight
        self.translation = translation_service_pb2_grpc.TranslationServiceStub(self.channel)
        self.summarisation = summarisation_service_pb2_grpc.SummarisationServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.admin = model_service_pb2_grpc.ModelAdminServiceStub(self.channel)


@asynccontextmanager
async def serving(
    engine: Engine,
    *,
    limits: Limits | None = None,
    queued: int = 0,
    metrics: Metrics | None = None,
    glossaries: Glossaries | None = None,
    access: Access | None = None,
    tracer: CallTracer | None = None,
    connection_age: float = CONNECTION_AGE,
) -> AsyncIterator[Service]:
    """Serve `engine` on loopback while the block runs."""
    pool = TextPool(2)
    services = build_services(
        engine,
        detector=DETECTOR,
        pool=pool,
        limits=limits or Limits(),
        metrics=metrics,
        glossaries=glossaries,
        access=access,
        queued=lambda: queued,
        tracer=tracer,
    )
    server = build_grpc_server(services, serves_reflection=True, connection_age=connection_age)
    health = Health()
    health.attach(server)
    health.report(engine.models())
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            yield Service(address, channel, services, health)
    finally:
        await server.stop(0)
        pool.close()


@contextmanager
def blocking_translation(service: Service) -> Iterator[translation_service_pb2_grpc.TranslationServiceStub]:
    """A stub of gRPC's blocking client, for streams that the server ends while their caller still writes.

    The one for asyncio tells then, now and then, of an internal error in place of the server's status
    (https://github.com/grpc/grpc/issues/36066).
    """
    with grpc.insecure_channel(service.address) as channel:
        yield translation_service_pb2_grpc.TranslationServiceStub(channel)


@dataclass(frozen=True)
class Failure:
    """An error as a caller sees it."""

    code: str
    reason: str
    message: str
    metadata: dict[str, str]
    details: tuple[str, ...]
    field: str
    trailer: dict[str, str | bytes]


def read_failure(error: grpc.aio.AioRpcError | grpc.Call) -> Failure:
    """Status, ErrorInfo and the names of the other details of `error`."""
    trailer = dict(iter(error.trailing_metadata()))
    status = status_pb2.Status.FromString(trailer.pop("grpc-status-details-bin", b""))
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return Failure(
        error.code().name,
        info.reason,
        error.details(),
        dict(info.metadata),
        tuple(detail.TypeName().removeprefix("google.rpc.") for detail in status.details),
        bad.field_violations[0].field if bad.field_violations else "",
        trailer,
    )


async def failure_of(call) -> Failure:
    """Await a call that has to fail."""
    try:
        reply = await call
    except grpc.aio.AioRpcError as error:
        return read_failure(error)
    raise AssertionError(f"the call succeeded: {reply}")


async def failure_of_stream(replies: Iterable[object], answers: list[object] | None = None) -> Failure:
    """Read what a blocking client receives, which has to fail; `answers` take what comes before that."""

    def read() -> Failure:
        received = [] if answers is None else answers
        try:
            received.extend(replies)
        except grpc.RpcError as error:
            return read_failure(error)
        raise AssertionError(f"the call succeeded: {received}")

    return await asyncio.to_thread(read)


async def until(condition: Callable[[], object]) -> None:
    """Wait for what the server or another thread brings about."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")
