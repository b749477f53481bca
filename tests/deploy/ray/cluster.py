"""A cluster of two nodes on this machine, with the application on it."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import grpc
import ray
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist_service.ray.application import Fleet, build
from ray import serve
from ray.cluster_utils import Cluster

PORTS = 9000, 9001
ADDRESSES = tuple(f"127.0.0.1:{port}" for port in PORTS)
# Both, as a client is told of them.
TARGET = f"ipv4:{','.join(ADDRESSES)}"
NAME = "polygist"
SERVICERS = "polygist_service.ray.proxy.add_services"
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # One machine, and a port for each proxy on it.
    "RAY_SERVE_WORKER_PROXY_GRPC_PORT": str(PORTS[1]),
    "RAY_SERVE_WORKER_PROXY_HTTP_PORT": "8001",
    # A busy machine takes longer than 5 s to start a proxy.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
    # By default every 10 s.
    "RAY_SERVE_REPLICA_AUTOSCALING_METRIC_PUSH_INTERVAL_S": "1",
}


class TwoNodes:
    """A cluster whose second node can be killed, and replaced.

    Args:
        cpus: logical ones of each node.
    """

    def __init__(self, cpus: int) -> None:
        self._cpus = cpus
        self._cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": cpus, "include_dashboard": False})
        self._second = self._cluster.add_node(num_cpus=cpus)
        ray.init(address=self._cluster.address, log_to_driver=False)
        serve.start(
            proxy_location="EveryNode",
            http_options={"host": "127.0.0.1"},
            grpc_options={"port": PORTS[0], "grpc_servicer_functions": [SERVICERS]},
        )

    def deploy(self, fleet: Fleet) -> None:
        """Serve, in place of what was served; returns when that is so."""
        serve.run(build(fleet), name=NAME)

    def kill_second(self) -> None:
        """Kill all of the second node at once: its raylet, its proxy, its replicas."""
        raylet = self._second.all_processes["raylet"][0].process.pid
        for pid in (*children_of(raylet), raylet):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._cluster.remove_node(self._second, allow_graceful=False)

    def replace_second(self) -> None:
        """Add another second node."""
        self._second = self._cluster.add_node(num_cpus=self._cpus)

    def count_running(self) -> int:
        """Return how many replicas run."""
        (deployment,) = serve.status().applications[NAME].deployments.values()
        return sum(count for state, count in deployment.replica_states.items() if state == "RUNNING")

    def wait_until_serving(self, replicas: int) -> None:
        """Wait until so many replicas run, and each proxy says that it reaches one."""
        wait_for(lambda: self.count_running() == replicas)
        for address in ADDRESSES:
            wait_for(lambda address=address: is_serving(address))

    def pids(self) -> list[int]:
        """The processes that Ray itself has started for both nodes."""
        nodes = (self._cluster.head_node, self._second)
        return [each.process.pid for node in nodes for kind in node.all_processes.values() for each in kind]

    def close(self) -> None:
        """End all of it."""
        serve.shutdown()
        ray.shutdown()
        self._cluster.shutdown()


def is_serving(address: str) -> bool:
    """Return whether a proxy says so."""
    request = health_pb2.HealthCheckRequest()
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=10)
        except grpc.RpcError:
            return False
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def children_of(pid: int) -> Iterator[int]:
    """The processes that one has started."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                yield int(stat.parent.name)


def wait_for(condition: Callable[[], object], seconds: float = 300) -> None:
    """Wait for what the cluster brings about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.2)


@contextmanager
def two_nodes(fleet: Fleet, *, cpus: int = 2) -> Iterator[TwoNodes]:
    """Serve an application on a cluster while the block runs."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    cluster = TwoNodes(cpus)
    try:
        cluster.deploy(fleet)
        yield cluster
    finally:
        cluster.close()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
