"""The servicers of all services, added to whatever serves them, and what surrounds their calls."""

from typing import TypeAlias, cast

import grpc
from polygist.v1 import model_service_pb2_grpc, summarisation_service_pb2_grpc, translation_service_pb2_grpc

from polygist_service.access.access import Access
from polygist_service.app.services import Services
from polygist_service.concurrency import InFlightCalls
from polygist_service.rpc.dispatch import HandlerTable
from polygist_service.rpc.exchange import CallObserver
from polygist_service.rpc.interceptors import CallInterceptor
from polygist_service.rpc.models import DisabledModelAdminServicer, ModelAdminServicer, ModelServicer
from polygist_service.rpc.summarisation import SummarisationServicer
from polygist_service.rpc.translation import TranslationServicer

# What the generated functions add servicers to, and not all of it is a server.
Taker: TypeAlias = grpc.aio.Server | HandlerTable


def make_interceptor(
    calls: InFlightCalls,
    services: Services,
    observer: CallObserver,
    *,
    transport: str = "grpc",
    access: Access | None = None,
) -> CallInterceptor:
    """Return what surrounds every call of a server; `access` tells who may make them, by default that of services."""
    limits = services.limits
    return CallInterceptor(
        calls,
        access=access or services.access,
        admission=services.admission,
        limits=limits,
        longest=limits.deadline_seconds,
        idle=limits.batch_idle_seconds,
        observer=observer,
        tracer=services.tracer,
        refusals=services.refusals,
        transport=transport,
    )


def add_services(taker: Taker, services: Services, in_flight: InFlightCalls) -> None:
    """Add all servicers that everyone may call to what takes them; `in_flight` counts the calls."""
    limits, pool = services.limits, services.pool
    server = cast(grpc.aio.Server, taker)
    translation = TranslationServicer(
        services.translator,
        documents=services.documents,
        glossaries=services.glossaries,
        languages=services.languages,
        routes=services.routes,
        limits=limits,
        access=services.access,
        admission=services.admission,
        pool=pool,
        draining=in_flight.draining,
    )
    summarisation = SummarisationServicer(services.summariser, limits=limits, pool=pool)
    # The generated functions want servicers of gRPC's own context; the interceptor gives ours another one.
    translation_service_pb2_grpc.add_TranslationServiceServicer_to_server(
        cast(translation_service_pb2_grpc.TranslationServiceServicer, translation), server
    )
    summarisation_service_pb2_grpc.add_SummarisationServiceServicer_to_server(
        cast(summarisation_service_pb2_grpc.SummarisationServiceServicer, summarisation), server
    )
    add_model_services(taker, services, DisabledModelAdminServicer())


def add_model_services(
    taker: Taker,
    services: Services,
    administration: ModelAdminServicer | DisabledModelAdminServicer,
) -> None:
    """Add what tells of models, and what loads and unloads them or refuses to."""
    server = cast(grpc.aio.Server, taker)
    models = ModelServicer(
        services.engine,
        routes=services.routes,
        languages=services.languages,
        limits=services.limits,
        in_flight=services.in_flight,
        queued=services.queued,
        glossaries=services.glossaries,
        pool=services.pool,
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        cast(model_service_pb2_grpc.ModelServiceServicer, models), server
    )
    model_service_pb2_grpc.add_ModelAdminServiceServicer_to_server(
        cast(model_service_pb2_grpc.ModelAdminServiceServicer, administration), server
    )
