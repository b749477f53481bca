"""The rule by which the autoscaler sees how much work waits, asked of Prometheus as its adapter does."""

import pytest
import yaml
from polygist_client import Client

from tests.deploy.kubernetes import KUBERNETES
from tests.deploy.test_monitoring import scraping
from tests.end_to_end.load import Load
from tests.end_to_end.server import ServerProcess, find_free_port

pytestmark = pytest.mark.deploy

POD = {"namespace": "polygist", "pod": "polygist-1"}


def test_the_adapter_finds_the_work_that_waits_in_a_pod(prometheus_programs, tiny_home, tmp_path):
    (rule,) = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text())["rules"]
    metrics = f"127.0.0.1:{find_free_port()}"
    with (
        ServerProcess(tiny_home, tmp_path / "log", "--metrics-listen", metrics) as server,
        scraping(prometheus_programs["prometheus"], tmp_path, metrics, **POD) as prometheus,
        Client(server.address) as client,
        Load(client, 16),
    ):
        server.wait_until_serving()
        prometheus.wait_until("polygist_admitted_seconds", 0.0)
        (series,) = prometheus.get("/api/v1/series", **{"match[]": rule["seriesQuery"]})
        assert POD.items() <= series.items()
        words = {
            "<<.Series>>": series["__name__"],
            "<<.LabelMatchers>>": 'namespace="polygist",pod=~"polygist-1|polygist-2"',
            "<<.GroupBy>>": "pod",
        }
        query = rule["metricsQuery"]
        for word, value in words.items():
            query = query.replace(word, value)
        prometheus.wait_until(query, 1e-6)
        ((labels, _),) = prometheus.query(query)
    assert labels == {"pod": "polygist-1"}
