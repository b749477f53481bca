"""Replicas beside each other, measured from one client."""

import os

from polygist_client import AsyncClient

from bench.speed.corpus import Corpus
from bench.speed.plan import OK, Call, Recording
from bench.speed.replicas.__main__ import STREAM, Load, Way, Window, make_table, send
from bench.speed.replicas.balancers import configure_envoy
from tests.service.echo import EchoEngine
from tests.service.harness import serving

REPLICAS = ("127.0.0.1:1001", "127.0.0.1:1002")
LOAD = Load("single sentences", 1, 2)


def make_window(words, *, replicas=(1.0,), balancer=0.0):
    """Two seconds in which so many words were translated."""
    call = Call(0.0, 0.0, 1.0, 1.0, OK, words, 0)
    return Window(Recording(2.0, sum(replicas), 0.2, {STREAM: [call]}), replicas, balancer)


async def test_a_window_counts_the_calls_of_all_callers():
    corpus = Corpus(("One two.",), "echo", "here")
    async with serving(EchoEngine()) as service, AsyncClient(service.address) as client:
        way = Way("client, 1", service.address, 1)
        window = await send(client, way, LOAD, corpus, [os.getpid()], seconds=0.2, warm_up=0.1)
    assert window.recording.words(STREAM) > 0
    assert {call.words for call in window.recording.calls[STREAM]} == {2}
    assert (len(window.replicas), window.balancer) == (1, 0)


def test_a_row_is_compared_with_one_replica_in_the_same_round():
    ways = [Way("client, 1", "", 1), Way("Envoy, by call, 2", "", 2, balancer=7)]
    rounds = [
        {"client, 1": make_window(10), "Envoy, by call, 2": make_window(19, replicas=(1.0, 0.9), balancer=0.1)},
        {"client, 1": make_window(20), "Envoy, by call, 2": make_window(36, replicas=(1.0, 0.9), balancer=0.1)},
        {"client, 1": make_window(20), "Envoy, by call, 2": make_window(40, replicas=(1.0, 0.9), balancer=0.1)},
    ]
    first, second = make_table(LOAD, ways, rounds).rows
    assert first[:4] == ("client, 1", 10, 1.0, "1.00 to 1.00")
    assert second[:4] == ("Envoy, by call, 2", 18, 1.9, "1.80 to 2.00")
    assert second[5:7] == ("0.50, 0.45", 0.05)


def test_envoy_knows_all_replicas_and_asks_for_their_health():
    for by_call, name in ((True, "HttpConnectionManager"), (False, "TcpProxy")):
        resources = configure_envoy(REPLICAS, 1000, by_call=by_call)["static_resources"]
        (cluster,), (listener,) = resources["clusters"], resources["listeners"]
        (places,) = cluster["load_assignment"]["endpoints"]
        ports = [each["endpoint"]["address"]["socket_address"]["port_value"] for each in places["lb_endpoints"]]
        assert ports == [1001, 1002]
        assert "grpc_health_check" in cluster["health_checks"][0]
        assert listener["filter_chains"][0]["filters"][0]["typed_config"]["@type"].endswith(f".{name}")
