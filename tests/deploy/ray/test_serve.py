"""The application on a cluster of two nodes with four replicas, beside a server; see `make ray-test`."""

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist_client import AsyncClient, Client
from polygist_service.ray.application import Fleet

from tests.deploy.outcomes import CASES, call, make_messages
from tests.deploy.ray.cluster import ADDRESSES, TARGET, two_nodes, wait_for
from tests.end_to_end.load import ANSWERED, Load
from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.timeout(900)

ARTICLE = "Der alte Markt. Der neue Markt liegt am alten Fluss."
REPLICAS = 4
THREADS = 4
# Calls before and after something goes wrong.
ENOUGH = 100
# A node that is gone is noticed, and its replicas are started anew elsewhere, within this.
PATIENCE = 60


@pytest.fixture(scope="module")
def fleet(tiny_home):
    """Four replicas of the tiny model."""
    settings = {"home": str(tiny_home)}
    return Fleet(cpus=1, min_replicas=REPLICAS, max_replicas=REPLICAS, grace_seconds=10, settings=settings)


@pytest.fixture(scope="module")
def cluster(fleet):
    """Two nodes that serve them."""
    with two_nodes(fleet) as nodes:
        nodes.wait_until_serving(REPLICAS)
        yield nodes


@pytest.fixture(scope="module")
def server(tiny_home, tmp_path_factory):
    """A server of the same model."""
    with ServerProcess(tiny_home, tmp_path_factory.mktemp("server") / "log", "--slots", "1") as process:
        process.wait_until_serving()
        yield process


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("name", CASES)
def test_a_call_ends_as_one_to_a_server(cluster, server, name, address):
    method, messages = make_messages(name, ARTICLE, "de", "en")
    with grpc.insecure_channel(server.address) as channel:
        at_server = call(channel, method, messages)
    with grpc.insecure_channel(address) as channel:
        by_proxy = call(channel, method, messages)
    assert by_proxy == at_server


def test_a_deadline_and_a_caller_who_goes_end_a_call(cluster):
    method, messages = make_messages("many texts", ARTICLE * 200, "de", "en")
    with grpc.insecure_channel(ADDRESSES[0]) as channel:
        outcome = call(channel, method, messages, timeout=0.001)
    assert outcome.code == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize("address", ADDRESSES)
def test_health_is_told_by_each_proxy(cluster, address):
    serving = health_pb2.HealthCheckResponse.SERVING
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", "polygist.v1.TranslationService"):
            request = health_pb2.HealthCheckRequest(service=service)
            assert stub.Check(request, timeout=10).status == serving
            watch = stub.Watch(request, timeout=30)
            assert next(watch).status == serving
            watch.cancel()


async def test_the_client_streams_items_over_it(cluster):
    texts = [f"Der alte Markt {number}." for number in range(500)]
    async with AsyncClient(TARGET) as client:
        translated = [each async for each in client.translate_many(texts, to="en", source="de")]
    assert len(translated) == len(texts)


def test_a_node_that_is_killed_under_load_loses_no_call(cluster):
    cluster.wait_until_serving(REPLICAS)
    with Client(TARGET, reconnect_timeout=PATIENCE) as client, Load(client, THREADS) as load:
        load.wait_until(lambda seen: seen.total() > ENOUGH)
        cluster.kill_second()
        before = load.seen.total()
        load.wait_until(lambda seen: seen.total() > before + ENOUGH)
        cluster.replace_second()
        cluster.wait_until_serving(REPLICAS)
        before = load.seen.total()
        load.wait_until(lambda seen: seen.total() > before + ENOUGH)
    assert load.seen == {ANSWERED: load.seen.total()}


def test_a_rolling_update_under_load_loses_no_call(cluster, fleet):
    cluster.wait_until_serving(REPLICAS)
    settings = {**fleet.settings, "text_threads": 1}
    with Client(TARGET, reconnect_timeout=PATIENCE) as client, Load(client, THREADS) as load:
        load.wait_until(lambda seen: seen.total() > ENOUGH)
        cluster.deploy(fleet.model_copy(update={"settings": settings}))
        before = load.seen.total()
        load.wait_until(lambda seen: seen.total() > before + ENOUGH)
    assert load.seen == {ANSWERED: load.seen.total()}


def test_there_are_more_replicas_while_work_waits_and_fewer_after(cluster, fleet):
    changes = {
        "min_replicas": 1, "max_replicas": 2, "queued_cost_seconds": 0.001,
        "upscale_delay_seconds": 0, "downscale_delay_seconds": 0, "look_back_seconds": 2,
    }  # fmt: skip
    cluster.deploy(fleet.model_copy(update=changes))
    wait_for(lambda: cluster.count_running() == 1)
    with Client(TARGET, reconnect_timeout=PATIENCE) as client, Load(client, THREADS) as load:
        wait_for(lambda: cluster.count_running() == 2)
    wait_for(lambda: cluster.count_running() == 1)
    assert load.seen == {ANSWERED: load.seen.total()}
