"""The probes of the manifests, made by hand of a real server that runs as a replica does."""

import secrets
import signal

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist.v1 import translation_service_pb2_grpc
from polygist_service.app.watchdog import STALLED

from tests.deploy.kubelet import succeeds
from tests.deploy.kubernetes import KUBERNETES, Manifests
from tests.end_to_end.server import ServerProcess
from tests.end_to_end.test_lifecycle import make_tiny_request
from tests.failpoints import RUN, Failpoints

pytestmark = pytest.mark.deploy

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class Replica(ServerProcess):
    """A server with the variables of the manifests, at an address of its own with the ports that they name.

    Args:
        manifests: those of the base.
        home: folder of its models.
        folder: for its log and its failpoints.
    """

    def __init__(self, manifests, home, folder):
        self.points = Failpoints(folder / "points")
        self._host = ".".join(("127", *(str(1 + secrets.randbelow(254)) for _ in range(3))))
        self._probes = {name: manifests.container[name] for name in PROBES}
        variables = [f"{name}={value}" for name, value in manifests.environment.items()]
        grpc_address, metrics_address = (f"{self._host}:{manifests.ports[name]}" for name in ("grpc", "metrics"))
        super().__init__(
            home,
            folder / "log",
            *("--insecure", "--metrics-listen", metrics_address),
            address=grpc_address,
            command=("env", *variables, *RUN, str(folder / "points"), "serve"),
        )

    def find_well(self):
        """The probes that find it well."""
        return [name for name, probe in self._probes.items() if succeeds(probe, self._host)]

    def statuses(self):
        """What it says itself of what the probes ask for."""
        names = {probe["grpc"]["service"] for probe in self._probes.values()}
        with grpc.insecure_channel(self.address) as channel:
            check = health_pb2_grpc.HealthStub(channel).Check
            return {check(health_pb2.HealthCheckRequest(service=name), timeout=10).status for name in names}

    def translate(self):
        """Make a call of someone who has not heard of its state."""
        with grpc.insecure_channel(self.address) as channel:
            stub = translation_service_pb2_grpc.TranslationServiceStub(channel)
            return stub.Translate(make_tiny_request(), timeout=60).translations[0].translated_text


@pytest.fixture
def replica(tiny_home, tmp_path):
    """One whose models load once `engine.load` is switched off."""
    Failpoints(tmp_path / "points").switch("engine.load", "hang")
    with Replica(Manifests(KUBERNETES / "base"), tiny_home, tmp_path) as one:
        yield one
        one.stop(signal.SIGKILL)


def test_probes_agree_with_what_the_server_says_of_itself(replica):
    replica.wait_for("listening")
    assert replica.statuses() == {NOT_SERVING}
    assert replica.find_well() == []

    replica.points.switch("engine.load")
    replica.wait_until_serving()
    assert replica.statuses() == {SERVING}
    assert replica.find_well() == list(PROBES)

    replica.process.send_signal(signal.SIGTERM)
    replica.wait_for("draining")
    assert replica.statuses() == {NOT_SERVING}
    assert replica.find_well() == []  # of which only the readiness probe is made of a pod that is to go
    assert replica.translate()
    assert replica.process.wait(timeout=60) == 0
    assert replica.events("stopped")[0]["complete"]


def test_a_replica_that_stands_still_is_not_well_and_ends_by_itself(replica):
    replica.points.switch("engine.load")
    replica.wait_until_serving()
    replica.points.switch("lifecycle.beat", "hang")
    replica.wait_for("stalled", cause="event_loop")
    assert replica.find_well() == []
    assert replica.process.wait(timeout=60) == STALLED
