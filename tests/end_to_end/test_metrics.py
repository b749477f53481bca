"""The metrics of a real server process, after real traffic."""

import socket
import urllib.request

import grpc
import pytest
from polygist.v1 import translation_service_pb2, translation_service_pb2_grpc
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.model

REQUEST = translation_service_pb2.TranslateRequest(
    contents=["The library opens at nine."], source_language_code="en", target_language_code="pt"
)


def test_a_scrape_shows_the_traffic_and_the_models(starter_home, tmp_path):
    with ServerProcess(starter_home, tmp_path / "log", "--metrics-listen", "127.0.0.1:0") as server:
        server.wait_until_serving()
        with grpc.insecure_channel(server.address) as channel:
            usage = translation_service_pb2_grpc.TranslationServiceStub(channel).Translate(REQUEST).usage
        (event,) = server.events("metrics")
        with urllib.request.urlopen(f"http://{event['address']}/metrics", timeout=10) as reply:
            text = reply.read().decode()
        assert server.stop() == 0
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    shown = {(sample.name, *sample.labels.values()): sample.value for sample in samples}
    calls = [value for key, value in shown.items() if key[0] == "grpc_server_handled_total" and "Translate" in key]
    assert calls == [1]
    assert shown["polygist_batch_segments_sum", "en-pt"] == 1
    assert usage.input_token_count > 0
    assert shown["polygist_source_tokens_total", "en-pt"] == usage.input_token_count
    assert shown["polygist_target_tokens_total", "en-pt"] == usage.output_token_count
    assert shown["polygist_queue_segments",] == 0
    assert {key[1:] for key, value in shown.items() if key[0] == "polygist_model_state" and value} == {
        (name, "ready") for name in ("en-pt", "pt-en", "minilm")
    }


def test_a_taken_port_ends_the_server_with_one_line(starter_home, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with ServerProcess(starter_home, tmp_path / "log", "--metrics-listen", address) as server:
            assert server.process.wait(timeout=30) == 1
    assert server.log().count("\n") == 1
    assert f"cannot listen on {address} (metrics_listen): it is taken" in server.log()
