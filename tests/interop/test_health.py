"""The stock ``grpc_health`` stub: Check, Watch and List."""

import signal

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.model

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
SERVICES = {"", *(f"polygist.v1.{name}Service" for name in ("Translation", "Summarisation", "Model"))}


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_check(server, service):
    with grpc.insecure_channel(server.address) as channel:
        reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
    assert reply.status == SERVING


@pytest.mark.skipif(not hasattr(health_pb2, "HealthListRequest"), reason="this grpc_health is older than List")
def test_list(server):
    with grpc.insecure_channel(server.address) as channel:
        reply = health_pb2_grpc.HealthStub(channel).List(health_pb2.HealthListRequest(), timeout=10)
    assert set(reply.statuses) >= SERVICES
    assert all(reply.statuses[service].status == SERVING for service in SERVICES)


def test_watch_tells_of_the_start_and_of_the_stop(starter_home, tmp_path):
    with ServerProcess(starter_home, tmp_path / "log", "--lame-duck", "1") as process:
        with grpc.insecure_channel(process.address) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(
                health_pb2.HealthCheckRequest(service="polygist.v1.TranslationService"),
                timeout=90,
                wait_for_ready=True,
            )
            seen = [next(watch).status]
            while seen[-1] != SERVING:
                seen.append(next(watch).status)
            assert set(seen[:-1]) <= {NOT_SERVING}
            process.process.send_signal(signal.SIGTERM)
            assert next(watch).status == NOT_SERVING
            watch.cancel()
        assert process.process.wait(timeout=30) == 0
