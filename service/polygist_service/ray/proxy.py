"""What Ray's proxies serve: each method of the contract, passed on to a replica, and health.

Ray names ``polygist_service.ray.proxy.add_services`` in its ``grpc_servicer_functions``. Ray's own handlers decode each
message at the proxy, leave the deadline there, and bring neither trailing metadata nor details of an error back. So
they are put into handlers of ours, which do not decode, pass the deadline on, and end a call as its replica says.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
import structlog
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health_pb2_grpc

from polygist_service.concurrency import in_groups
from polygist_service.errors import ModelLoading, ServerDraining, ServerOverloaded
from polygist_service.limits import Limits
from polygist_service.ray.health import ProxyHealth
from polygist_service.ray.relayed_call import RelayedCall
from polygist_service.ray.relaying import SECONDS_LEFT, SERVICES, Ending, Group, path_of
from polygist_service.rpc.dispatch import relay
from polygist_service.rpc.exchange import Context
from polygist_service.rpc.interceptors import HEALTH, KINDS, REQUEST_ID, find_request_id, reading_within
from polygist_service.rpc.status import describe

log = structlog.get_logger(__name__)

# What Ray calls a request id, in the metadata of a call.
RAY_REQUEST_ID = "request_id"
# Items of a stream both ways that are on their way. Nothing else holds a caller back who does not read answers.
WINDOW = 256
IDLE_SECONDS = Limits().batch_idle_seconds
# What begins the text of an exception in a replica, which is followed by its trace.
TRACE = "ray::"
RETRY_SECONDS = 1.0


def relayed_call_of(context: Context) -> RelayedCall:
    """Return what goes to Ray with a call: its metadata, an id, and how many seconds are left."""
    ours = (REQUEST_ID, RAY_REQUEST_ID, SECONDS_LEFT)
    metadata = [(name, value) for name, value in context.invocation_metadata() or () if name not in ours]
    request_id = find_request_id(context)
    metadata += [(REQUEST_ID, request_id), (RAY_REQUEST_ID, request_id)]
    if (left := context.time_remaining()) is not None:
        metadata.append((SECONDS_LEFT, f"{left:.6f}"))
    return RelayedCall(metadata, context.peer(), request_id)


class Relay:
    """Makes handlers that pass calls on.

    Args:
        make: returns Ray's handler of the method at a path, by how it streams, as `KINDS` names it.
    """

    def __init__(self, make: Callable[[str, str], Callable[..., Any]]) -> None:
        self._make = make

    def handler_of(self, method: MethodDescriptor) -> "grpc.RpcMethodHandler[Any, Any]":
        """Return the handler of a method, whose messages are bytes."""
        attribute, make_handler, _ = KINDS[method.client_streaming, method.server_streaming]
        passed_on = self._make(path_of(method), attribute)

        async def call(request: bytes, context: Context) -> bytes:
            relayed = relayed_call_of(context)
            async with telling_errors(relayed, context):
                ending = Ending.parse(await passed_on(request, relayed))
                await end_call(ending, relayed, context)
            return ending.content if ending else b""

        async def stream(requests: Any, context: Context) -> None:
            """Pass a call on whose answers are a stream, and write each as it comes."""
            relayed = relayed_call_of(context)
            window = asyncio.Semaphore(WINDOW)
            if method.client_streaming:
                requests = pack(in_groups(hold_back(requests, window)))
            answers: asyncio.Queue[bytes] = asyncio.Queue()
            endings: list[Ending] = []

            async def work() -> None:
                # In a task that only waits for Ray: where it is cancelled, Ray cancels the call at its replica.
                async for content in passed_on(requests, relayed):
                    for answer in Group.parse(content).messages if method.client_streaming else (content,):
                        if ending := Ending.parse(answer):
                            endings.append(ending)
                        else:
                            answers.put_nowait(answer)

            async with telling_errors(relayed, context), aclosing(relay(work, answers)) as coming:
                try:
                    async for answer in coming:
                        async with reading_within(IDLE_SECONDS if method.client_streaming else None):
                            await context.write(answer)
                        window.release()
                finally:
                    window.release()  # whoever waits for room would wait for ever
                await end_call(endings[0] if endings else None, relayed, context)

        handler: grpc.RpcMethodHandler[Any, Any] = make_handler(stream if method.server_streaming else call)
        return handler


async def hold_back(requests: AsyncIterator[bytes], window: asyncio.Semaphore) -> AsyncGenerator[bytes, None]:
    """Yield the messages of a call while answers are read."""
    async for request in requests:
        await window.acquire()
        yield request


async def pack(groups: AsyncIterator[list[bytes]]) -> AsyncIterator[bytes]:
    """Yield groups of messages as Ray carries them."""
    async for group in groups:
        yield Group(group).SerializeToString()


async def end_call(ending: Ending | None, relayed: RelayedCall, context: Context) -> None:
    """End a call as its replica says; raises the error of one that no replica has ended."""
    if ending is None:
        raise explain(relayed)
    trailer = tuple(ending.trailer)
    if ending.code != grpc.StatusCode.OK.name:
        await context.abort(grpc.StatusCode[ending.code], ending.message, trailing_metadata=trailer)
    context.set_trailing_metadata(trailer)


@asynccontextmanager
async def telling_errors(relayed: RelayedCall, context: Context) -> AsyncIterator[None]:
    """End a call with the status of what is raised, and log it: its replica knows nothing of it."""
    try:
        yield
    except grpc.aio.BaseError:  # it has been aborted, or its connection has ended
        raise
    except Exception as error:
        code, message, trailer = describe(error)
        log.warning("not_relayed", request_id=relayed.request_id, code=code.name, message=message)
        await context.abort(code, message, trailing_metadata=(*trailer, (REQUEST_ID, relayed.request_id)))


def explain(relayed: RelayedCall) -> Exception:
    """Return the error of a call that no replica has ended; raises CancelledError where its caller has gone."""
    match relayed.code():
        case grpc.StatusCode.CANCELLED:
            raise asyncio.CancelledError
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return TimeoutError()
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            message = "as many calls wait for a replica as may; try again in 1 s, or at another proxy"
            return ServerOverloaded(message, retry_after=RETRY_SECONDS)
        case grpc.StatusCode.NOT_FOUND:
            return ModelLoading(
                "no application of polygist runs in this cluster, or not yet", retry_after=RETRY_SECONDS
            )
        case _ if relayed.details().startswith(TRACE):
            return RuntimeError(relayed.details())
    return ServerDraining("the replica that had this call has ended before its answer; make it again")


def add_services(_: object, server: Any) -> None:
    """Add all services to a proxy; Ray calls this with a servicer that stands for none, and with its server."""
    from ray.serve._private.proxy_request_response import gRPCStreamingType  # Ray has no public name for it

    def make(path: str, kind: str) -> Callable[..., Any]:
        handler: Callable[..., Any] = server.service_handler_factory(
            service_method=path, streaming_type=gRPCStreamingType(kind)
        )
        return handler

    handlers = Relay(make)
    for service in SERVICES:
        # Handlers of such a service stay as they are.
        server.add_passthrough_service(service.full_name)
        methods = {method.name: handlers.handler_of(method) for method in service.methods}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, methods),))
    server.add_passthrough_service(HEALTH)
    health_pb2_grpc.add_HealthServicer_to_server(ProxyHealth(make), server)
