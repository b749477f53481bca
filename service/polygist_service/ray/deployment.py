"""The deployment of Ray Serve: each replica is an actor with models, slots and a scheduler of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from ray.util.metrics import Gauge

from polygist_service.app.health import Health
from polygist_service.app.heap import keep_collected, keep_trimmed, settle_heap
from polygist_service.app.lifecycle import SWITCH_SECONDS, build_watchdog, leave
from polygist_service.app.logs import STANDARD_ERROR, LogWriter, configure_structlog
from polygist_service.app.native import set_kernels
from polygist_service.app.services import Runtime
from polygist_service.ray.relaying import METHODS, Ending, Group
from polygist_service.ray.replica import RayContext, ReplicaCalls
from polygist_service.settings import Settings

# What replicas tell the autoscaler of: seconds until all calls that were taken on are answered.
QUEUED_COST = "queued_cost_seconds"
# The same among the metrics of each node, where it begins with ``ray_``.
ADMITTED = "polygist_admitted_seconds"
# What native libraries read before Python runs. Ray would give each process as many threads of OpenMP as it has cores,
# which would fight with the slots for them; arenas are bounded as `app.heap.limit_arenas` does.
ENVIRONMENT: Mapping[str, str] = {"OMP_NUM_THREADS": "1", "CT2_VERBOSE": "-3", "MALLOC_ARENA_MAX": "2"}


class Polygist:
    """A replica. It has a method for each of the contract, by its name, and `Check` of grpc.health.v1.

    Args:
        settings: those of the server, as far as they are given.

    Attributes:
        calls: makes the calls.

    Raises:
        StoreError, GlossaryError, KeyFileError, UnsupportedCapability: see `Runtime`.
    """

    async def __init__(self, settings: Mapping[str, Any]) -> None:  # type: ignore[misc]  # Ray awaits it
        set_kernels(os.environ)
        sys.setswitchinterval(SWITCH_SECONDS)
        chosen = Settings(**settings)
        writer = LogWriter(STANDARD_ERROR, capacity=chosen.log_queue)
        configure_structlog(writer, form=chosen.log_format, level=chosen.log_level, colors=False)
        self._runtime = runtime = Runtime(chosen)
        self._health = health = Health()
        self.calls = ReplicaCalls(runtime.services)
        if chosen.stall_seconds:
            build_watchdog(runtime, health, chosen, lambda code: leave(writer, code)).start()
        await runtime.preload()
        settle_heap()
        health.report(runtime.services.engine.models())
        self._admitted = Gauge(ADMITTED, "Seconds until all calls that were taken on are answered.")
        in_flight = runtime.services.in_flight
        endless = (
            runtime.report_changes(health.report),
            runtime.registry.watch(),
            keep_trimmed(),
            keep_collected(lambda: not in_flight.active),
        )
        self._tasks = [asyncio.create_task(each) for each in endless]

    async def check_health(self) -> None:
        """Raise RuntimeError where nothing can be answered; Ray asks, and starts another replica."""
        if not self._health.is_serving:
            raise RuntimeError("the replica cannot answer: no model can be used, or nothing moves; see its log")

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """Return what waits here, for `QueuedCostPolicy`, and for Ray's own metrics."""
        waiting = self._runtime.services.admission.state().waiting
        self._admitted.set(waiting)
        return {QUEUED_COST: waiting}

    async def Check(self, content: bytes) -> health_pb2.HealthCheckResponse:
        """Return the health of a service, as the health service of a server does."""
        service = health_pb2.HealthCheckRequest.FromString(content).service
        serves = self._health.statuses().get(service)
        status = "SERVICE_UNKNOWN" if serves is None else "SERVING" if serves else "NOT_SERVING"
        return health_pb2.HealthCheckResponse(status=status)


def add_method(method: MethodDescriptor) -> None:
    """Give replicas a method of the contract; Ray tells by its kind and its parameters how it is called."""

    async def call(self: Polygist, content: bytes, grpc_context: RayContext) -> Ending:
        return await self.calls.call(method, content, grpc_context)

    async def stream(
        self: Polygist, content: bytes, grpc_context: RayContext
    ) -> AsyncGenerator[Message | Ending, None]:
        async with aclosing(self.calls.stream(method, content, grpc_context)) as replies:
            async for reply in replies:
                yield reply

    async def exchange(
        self: Polygist, groups: AsyncIterator[bytes], grpc_context: RayContext
    ) -> AsyncGenerator[Group, None]:
        async with aclosing(self.calls.exchange(method, groups, grpc_context)) as replies:
            async for reply in replies:
                yield reply

    setattr(Polygist, method.name, exchange if method.client_streaming else stream if method.server_streaming else call)


for each in METHODS.values():
    add_method(each)
