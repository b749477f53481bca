"""A real server on a port of its own, with any engine behind it."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2, status_pb2
from polygist.v1 import model_service_pb2_grpc, summarisation_service_pb2_grpc, translation_service_pb2_grpc
from polygist_service.app.server import build_grpc_server
from polygist_service.engine.interface import Engine
from polygist_service.limits import Limits
from polygist_service.rpc.interceptors import InFlightCalls
from polygist_service.text.language_id import LanguageDetector

DETECTOR = LanguageDetector()


@dataclass
class Service:
    """Stubs of a running server, and what it counts."""

    address: str
    channel: grpc.aio.Channel
    activity: InFlightCalls

    def __post_init__(self) -> None:
        self.translation = translation_service_pb2_grpc.TranslationServiceStub(self.channel)
        self.summarisation = summarisation_service_pb2_grpc.SummarisationServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)
        self.admin = model_service_pb2_grpc.ModelAdminServiceStub(self.channel)


@asynccontextmanager
async def serving(engine: Engine, *, limits: Limits | None = None, queued: int = 0) -> AsyncIterator[Service]:
    """Serve `engine` on loopback while the block runs."""
    activity = InFlightCalls()
    with ThreadPoolExecutor(2) as executor:
        server = build_grpc_server(
            engine,
            detector=DETECTOR,
            executor=executor,
            limits=limits or Limits(),
            activity=activity,
            queued=lambda: queued,
            serves_reflection=True,
        )
        address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                yield Service(address, channel, activity)
        finally:
            await server.stop(0)


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


def read_failure(error: grpc.aio.AioRpcError) -> Failure:
    """Status, ErrorInfo and the names of the other details of `error`."""
    trailer = dict(error.trailing_metadata())
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
