"""The server of the administrators: an address of its own, on this machine only."""

from collections.abc import Sequence

import grpc
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection
from polygist.v1 import model_service_pb2_grpc

from polygist_service.app.health import ADMIN, MODELS, Health
from polygist_service.rpc.activity import Activity
from polygist_service.rpc.admin import ModelAdminServicer, ModelLife
from polygist_service.rpc.interceptors import CallInterceptor
from polygist_service.rpc.models import ModelServicer

SERVICES = (MODELS, ADMIN, health.SERVICE_NAME, reflection.SERVICE_NAME)


class Administration:
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
        life: ModelLife,
        servicer: ModelServicer,
        options: Sequence[tuple[str, int]],
        longest: float,
    ) -> None:
        # An activity of its own: a shutdown waits for the calls of users, not for a load.
        self._server = grpc.aio.server(interceptors=[CallInterceptor(Activity(), longest=longest)], options=options)
        self.address = address
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(servicer, self._server)
        model_service_pb2_grpc.add_ModelAdminServiceServicer_to_server(ModelAdminServicer(life), self._server)
        reflection.enable_server_reflection(SERVICES, self._server)

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
