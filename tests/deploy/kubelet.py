"""How Kubernetes asks a container: its gRPC probes, as the kubelet makes them (pkg/probe/grpc)."""

from collections.abc import Mapping
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

# A connection of its own for each probe, straight to the pod.
OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))


def succeeds(probe: Mapping[str, Any], host: str) -> bool:
    """Whether a probe finds a container well.

    It speaks without TLS and without credentials, and has one time for connecting and asking; whatever is not SERVING
    is a failure, no answer and an unknown service too.

    Args:
        probe: of a manifest.
        host: the address of the pod.
    """
    asked = probe["grpc"]
    with grpc.insecure_channel(f"{host}:{asked['port']}", options=OPTIONS) as channel:
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=asked.get("service", "")),
                timeout=probe["timeoutSeconds"],
                wait_for_ready=True,
            )
        except grpc.RpcError:
            return False
    return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)
