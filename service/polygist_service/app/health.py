"""``grpc.health.v1``, truthful per service."""

from collections.abc import Collection

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2

from polygist_service.engine.interface import ModelInfo, Role, State

TRANSLATION = translation_service_pb2.DESCRIPTOR.services_by_name["TranslationService"].full_name
SUMMARISATION = summarisation_service_pb2.DESCRIPTOR.services_by_name["SummarisationService"].full_name
MODELS = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"].full_name
ADMIN = model_service_pb2.DESCRIPTOR.services_by_name["ModelAdminService"].full_name
OVERALL = ""


class ListingServicer(health.aio.HealthServicer):  # type: ignore[misc]  # the package has no types
    """The stock servicer with ``List``, which its asyncio version lacks."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, health_pb2.HealthCheckResponse] = {}

    async def List(self, request: health_pb2.HealthListRequest, context: object) -> health_pb2.HealthListResponse:
        return health_pb2.HealthListResponse(statuses=self.states)


class Health:
    """The health of the whole server and of each of its services; NOT_SERVING until told otherwise."""

    def __init__(self) -> None:
        self._servicer = ListingServicer()

    async def attach(self, server: grpc.aio.Server) -> None:
        """Add the health service to `server`."""
        await self.mark_not_serving()
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def mark_not_serving(self) -> None:
        """Report NOT_SERVING everywhere: not loaded yet, or shutting down."""
        await self._report(dict.fromkeys((OVERALL, TRANSLATION, SUMMARISATION, MODELS), False))

    async def report(self, models: Collection[ModelInfo]) -> None:
        """Report what can be served with `models`: one that its first use loads counts, one that failed does not."""
        able = {model.role for model in models if model.state is not State.FAILED}
        await self._report(
            {
                OVERALL: bool(able),
                TRANSLATION: Role.TRANSLATION in able,
                SUMMARISATION: bool(able & {Role.ENCODER, Role.SUMMARISATION}),
                MODELS: True,
            }
        )

    async def _report(self, states: dict[str, bool]) -> None:
        for service, serves in states.items():
            kind = health_pb2.HealthCheckResponse
            status = kind.SERVING if serves else kind.NOT_SERVING
            self._servicer.states[service] = kind(status=status)
            await self._servicer.set(service, status)
