"""``grpc.health.v1`` at a proxy of Ray: whether calls get from here to a replica that answers them."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from polygist_service.app.health import MODELS, OVERALL, SUMMARISATION, TRANSLATION
from polygist_service.ray.relayed_call import RelayedCall
from polygist_service.ray.relaying import CHECK
from polygist_service.rpc.exchange import Context
from polygist_service.rpc.interceptors import HEALTH

Reply = health_pb2.HealthCheckResponse

PROXY_HEALTH = "/ray.serve.RayServeAPIService/Healthz"
NAMES = (OVERALL, TRANSLATION, SUMMARISATION, MODELS)
# How often a replica is asked for each name, however many ask here, and how long it has to answer.
LOOK_SECONDS, ANSWER_SECONDS = 2.0, 5.0


class ProxyHealth(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # the package has no types
    """The health of the replicas, as one of them tells; NOT_SERVING where this proxy drains or reaches none.

    Args:
        make: returns Ray's handler of the method at a path, by how it streams.
    """

    def __init__(self, make: Callable[[str, str], Callable[..., Any]]) -> None:
        self._ask_proxy = make(PROXY_HEALTH, "unary_unary")
        self._ask_replica = make(f"/{HEALTH}/{CHECK}", "unary_unary")
        self._looks: dict[str, tuple[float, asyncio.Task[Any]]] = {}

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> Any:
        """Return the health of a service; NOT_FOUND where it is unknown."""
        if request.service not in NAMES:
            await context.abort(grpc.StatusCode.NOT_FOUND)
        return await self._find(request.service)

    async def List(self, request: Any, context: Context) -> Any:
        """Return the health of all services."""
        return health_pb2.HealthListResponse(statuses={name: await self._find(name) for name in NAMES})

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> None:
        """Tell of the health of a service now, and whenever it has changed."""
        told = None
        while True:
            is_known = request.service in NAMES
            reply = await self._find(request.service) if is_known else Reply(status=Reply.SERVICE_UNKNOWN)
            if reply != told:
                await context.write(reply)
                told = reply
            await asyncio.sleep(LOOK_SECONDS)

    async def _find(self, service: str) -> Any:
        """Return the health that was found last, where that was not long ago, else what is found now."""
        now = asyncio.get_running_loop().time()
        began, look = self._looks.get(service, (0.0, None))
        if look is None or (look.done() and now - began >= LOOK_SECONDS):
            began, look = self._looks[service] = now, asyncio.create_task(self._look(service))
        return await asyncio.shield(look)  # others wait for it too

    async def _look(self, service: str) -> Any:
        proxy, replica = RelayedCall(), RelayedCall()
        await self._ask_proxy(None, proxy)
        if proxy.code() is grpc.StatusCode.OK:
            request = health_pb2.HealthCheckRequest(service=service).SerializeToString()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):  # where there is no replica, Ray waits for one
                    content = await self._ask_replica(request, replica)
            except TimeoutError:
                content = b""
            if content and replica.code() is grpc.StatusCode.OK:
                return Reply.FromString(content)
        return Reply(status=Reply.NOT_SERVING)
