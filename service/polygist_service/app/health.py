"""``grpc.health.v1``, truthful per service."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2

from polygist_service.engine.interface import ModelInfo, Role, State

TRANSLATION = translation_service_pb2.DESCRIPTOR.services_by_name["TranslationService"].full_name
SUMMARISATION = summarisation_service_pb2.DESCRIPTOR.services_by_name["SummarisationService"].full_name
MODELS = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"].full_name
ADMIN = model_service_pb2.DESCRIPTOR.services_by_name["ModelAdminService"].full_name
OVERALL = ""

Context = grpc.aio.ServicerContext[Any, Any]
Reply = health_pb2.HealthCheckResponse


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no types
    """The health of the whole server and of each of its services; NOT_SERVING until told otherwise.

    The stock servicer holds a lock while it writes to a watcher, so that one which does not read keeps it from telling
    anybody else, and its asyncio version lacks ``List``. Lives on one event loop; any thread may `stall`.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._serves = dict.fromkeys((OVERALL, TRANSLATION, SUMMARISATION, MODELS), False)
        self._is_stalled = False
        self._is_ending = False
        self._changed = asyncio.Event()

    def attach(self, server: grpc.aio.Server) -> None:
        """Add the health service to a server; several may have it."""
        health_pb2_grpc.add_HealthServicer_to_server(self, server)

    @property
    def is_serving(self) -> bool:
        """Whether anything can be answered."""
        return self._serves[OVERALL] and not self._is_stalled

    def statuses(self) -> dict[str, bool]:
        """Return whether each service can be answered; "" is the whole server."""
        return {service: serves and not self._is_stalled for service, serves in self._serves.items()}

    def mark_not_serving(self) -> None:
        """Report NOT_SERVING everywhere: not loaded yet, or shutting down."""
        self._serves = dict.fromkeys(self._serves, False)
        self._tell_watchers()

    def end_watches(self) -> None:
        """End the streams of those who watch, after what they are still to be told; those that come later end at once.

        Belongs to the end of a drain: a watcher whose stream has ended opens the next one on the connection it has.
        """
        self._is_ending = True
        self._tell_watchers()

    def report(self, models: Collection[ModelInfo]) -> None:
        """Report what can be served with `models`: one that its first use loads counts, one that failed does not."""
        able = {model.role for model in models if model.state is not State.FAILED}
        self._serves = {
            OVERALL: bool(able),
            TRANSLATION: Role.TRANSLATION in able,
            SUMMARISATION: bool(able & {Role.ENCODER, Role.SUMMARISATION}),
            MODELS: True,
        }
        self._tell_watchers()

    def stall(self, is_stalled: bool) -> None:
        """Report NOT_SERVING everywhere while nothing moves, then what was told before and meanwhile."""
        self._is_stalled = is_stalled
        with suppress(RuntimeError):  # the loop is closed, and nobody watches any more
            self._loop.call_soon_threadsafe(self._tell_watchers)

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> health_pb2.HealthCheckResponse:
        if request.service not in self._serves:
            await context.abort(grpc.StatusCode.NOT_FOUND)
        return self._reply(request.service)

    # Served where grpc_health has it, from 1.85 on; older ones, which protobuf 6 needs, have no such messages.
    async def List(self, request: "health_pb2.HealthListRequest", context: Context) -> "health_pb2.HealthListResponse":
        return health_pb2.HealthListResponse(statuses={service: self._reply(service) for service in self._serves})

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        told = None
        while True:
            changed, reply = self._changed, self._reply(request.service)
            if reply != told:  # and what is told may change while it is written
                await context.write(reply)
                told = reply
            elif self._is_ending:
                return
            else:
                await changed.wait()

    def _reply(self, service: str) -> health_pb2.HealthCheckResponse:
        if service not in self._serves:
            return Reply(status=Reply.SERVICE_UNKNOWN)
        serves = self._serves[service] and not self._is_stalled
        return Reply(status=Reply.SERVING if serves else Reply.NOT_SERVING)

    def _tell_watchers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
