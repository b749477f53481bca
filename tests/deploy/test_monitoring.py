"""What Prometheus makes of a real server after a short load: every query of the dashboard and of the alerts has data.

Run by `make deploy-test`.
"""

import json
import math
import secrets
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from polygist_client import CallFailed, Client, DeadlineExceeded, InternalError, ServerOverloaded

from tests.deploy.manifests import (
    ALERTS,
    ALERTS_TEST,
    COMPOSE,
    DEPLOY,
    PROMETHEUS,
    Query,
    adapter_queries,
    alert_queries,
    panel_queries,
    read_alerts,
    read_yaml,
    to_bytes,
)
from tests.end_to_end.server import ServerProcess, find_free_port
from tests.failpoints import RUN, Failpoints

pytestmark = [pytest.mark.deploy, pytest.mark.model]

EXAMPLES = DEPLOY.parent / "examples"
FLAGS = ("--sentence-cache", "64MB", "--limit-queue-seconds", "1", "--slots", "1")
# What Grafana puts in the place of its variables.
VARIABLES = {"$__rate_interval": "1m", "$job": "polygist", "$instance": ".*"}
SCRAPE_SECONDS = 1


def fill(expression: str) -> str:
    """A query with values for the variables of Grafana."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


class Prometheus:
    """A running Prometheus, asked over its API.

    Args:
        address: where it listens.
    """

    def __init__(self, address: str) -> None:
        self.url = f"http://{address}"

    def get(self, path: str, **parameters: str) -> Any:
        """What the API answers."""
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(parameters)}", timeout=30) as reply:
            answer = json.load(reply)
        assert answer["status"] == "success"
        return answer["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and the value of each series, as they are now."""
        result = self.get("/api/v1/query", query=fill(expression))["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def value(self, expression: str) -> float:
        """The value of the only series; 0 where there is none."""
        series = self.query(expression)
        assert len(series) <= 1
        return series[0][1] if series else 0.0

    def wait_until(self, expression: str, least: float) -> None:
        """Wait until a value is there, for a minute."""
        for _ in range(600):
            with suppress(OSError):
                if self.value(expression) >= least:
                    return
            time.sleep(0.1)
        raise AssertionError(f"{expression} is {self.query(expression)}")


@contextmanager
def scraping(program: str, folder: Path, *targets: str, **labels: str) -> Iterator[Prometheus]:
    """Prometheus as `deploy/compose.yaml` starts it, with other targets, and labels for them, and every second."""
    configuration = read_yaml(PROMETHEUS)
    configuration["global"] = dict.fromkeys(configuration["global"], f"{SCRAPE_SECONDS}s")
    configuration["scrape_configs"][0]["static_configs"] = [{"targets": [*targets], "labels": labels}]
    (folder / PROMETHEUS.name).write_text(yaml.safe_dump(configuration))
    shutil.copy(ALERTS, folder)
    places = {"/etc/prometheus/": f"{folder}/", "=/prometheus": f"={folder}/data"}
    flags = read_yaml(COMPOSE)["services"]["prometheus"]["command"]
    for place, other in places.items():
        flags = [flag.replace(place, other) for flag in flags]
    address = f"127.0.0.1:{find_free_port()}"
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen([program, *flags, f"--web.listen-address={address}"], stderr=log)
    try:
        prometheus = Prometheus(address)
        prometheus.wait_until('count(up{job="polygist"})', len(targets))
        yield prometheus
    finally:
        process.terminate()
        process.wait(timeout=30)


def translate(client: Client) -> None:
    """Calls of every kind that are answered, some of them twice."""
    article = (EXAMPLES / "article.txt").read_text()
    for _ in range(2):
        client.translate(article, to="pt")
        client.summarise(article, max_sentences=2)
    client.translate("The library opens at nine.", to="pt", source="en")
    client.translate("word " * 3000, to="pt", source="en")
    client.detect_language("Obrigado pela ajuda, meus amigos.")
    client.translate_document(EXAMPLES / "film.srt", to="pt", source="en")
    assert list(client.stream_translate(article, to="pt", source="en"))
    assert len(list(client.translate_many([f"Day {number}." for number in range(50)], to="pt", source="en"))) == 50


def ask_in_vain(client: Client) -> None:
    """Calls that the caller has to change."""
    for options in ({"to": "fi"}, {"to": "pt", "model": "none"}, {"to": "pt", "beam_size": 10_000}):
        with pytest.raises((CallFailed, ValueError)):
            client.translate("The library opens at nine.", **{"source": "en", **options})


def fail(client: Client, points: Failpoints) -> None:
    """Calls that end by the server's fault, and too late."""
    points.switch("engine.batch", "error")
    with pytest.raises(InternalError):
        client.translate("Nobody reads this. Nor that.", to="pt", source="en")
    points.switch("engine.batch", "sleep 3")
    with pytest.raises(DeadlineExceeded):
        client.translate("This takes too long.", to="pt", source="en", timeout=2)
    points.switch("engine.batch")


def overload(client: Client) -> None:
    """More work at once than may wait."""

    def send(number: int) -> bool:
        # No sentence that the cache has.
        text = " ".join(f"House {number} has {days} days of rain and {secrets.token_hex(2)}." for days in range(300))
        try:
            client.translate(text, to="pt", source="en", timeout=20)
        except ServerOverloaded:
            return False
        except DeadlineExceeded:
            pass
        return True

    with ThreadPoolExecutor(8) as pool:
        assert not all(pool.map(send, range(8)))


@pytest.fixture(scope="module")
def prometheus(starter_home, tmp_path_factory, prometheus_programs) -> Iterator[Prometheus]:
    """Prometheus that has watched a server under load, and another one that is down."""
    folder = tmp_path_factory.mktemp("monitoring")
    points = Failpoints(folder / "points")
    command = (*RUN, str(folder / "points"), "serve")
    metrics, nobody = (f"127.0.0.1:{find_free_port()}" for _ in range(2))
    flags = ("--metrics-listen", metrics, *FLAGS)
    with (
        ServerProcess(starter_home, folder / "log", *flags, command=command) as server,
        scraping(prometheus_programs["prometheus"], folder, metrics, nobody) as prometheus,
        Client(server.address) as client,
    ):
        server.wait_until_serving()
        for _ in range(2):  # with a scrape between, so that there is a rate of what was not counted from nought
            translate(client)
            ask_in_vain(client)
            fail(client, points)
            overload(client)
            time.sleep(2 * SCRAPE_SECONDS)
        yield prometheus


@pytest.mark.parametrize(
    "query", [*panel_queries(), *alert_queries(), *adapter_queries()], ids=lambda query: query.name
)
def test_a_query_has_data(prometheus: Prometheus, query: Query):
    series = prometheus.query(query.expression)
    assert [value for _, value in series if not math.isnan(value)]
    assert query.labels <= {label for labels, _ in series for label in labels}


@pytest.mark.parametrize(
    "expression",
    [
        'grpc_server_handled_total{grpc_code="INTERNAL"}',
        'grpc_server_handled_total{grpc_code=~"CANCELLED|DEADLINE_EXCEEDED"}',
        'grpc_server_handled_total{grpc_code="FAILED_PRECONDITION"}',
        'polygist_calls_failed_total{reason="SERVER_OVERLOADED"}',
        "polygist_calls_refused_total",
        'polygist_segments_total{event="split"}',
        'polygist_segments_total{event="failed"}',
        "polygist_cache_hits_total",
        "polygist_document_bytes_count",
        'polygist_detections_total{language="pt"}',
        'polygist_batch_segments_count{model="minilm"}',
    ],
)
def test_the_load_is_seen(prometheus: Prometheus, expression: str):
    assert prometheus.value(f"sum({expression})") > 0


def test_prometheus_evaluates_the_alerts(prometheus: Prometheus):
    (group,) = prometheus.get("/api/v1/rules")["groups"]
    assert [rule["name"] for rule in group["rules"]] == [alert["alert"] for alert in read_alerts()]
    assert {rule["health"] for rule in group["rules"]} == {"ok"}
    pending = {rule["name"] for rule in group["rules"] if rule["state"] != "inactive"}
    assert {"PolygistDown", "PolygistErrors", "PolygistSegmentsFailed"} <= pending


def test_the_memory_of_the_composition_is_enough(prometheus: Prometheus):
    """For the process, and for as many texts of calls as are taken on."""
    service = read_yaml(COMPOSE)["services"]["polygist"]
    texts = int(service["environment"]["POLYGIST_LIMITS__QUEUE_BYTES"])
    assert prometheus.value("process_resident_memory_bytes") + texts < to_bytes(service["mem_limit"])


def test_the_health_check_of_prometheus_passes(prometheus: Prometheus, prometheus_programs):
    _, program, *arguments = read_yaml(COMPOSE)["services"]["prometheus"]["healthcheck"]["test"]
    arguments = [argument.replace("http://127.0.0.1:9090", prometheus.url) for argument in arguments]
    assert prometheus.url in arguments
    subprocess.run([prometheus_programs[program], *arguments], check=True, timeout=30)


def test_promtool_has_nothing_against_the_metrics(prometheus: Prometheus, prometheus_programs):
    (up,) = [labels["instance"] for labels, value in prometheus.query("up") if value]
    with urllib.request.urlopen(f"http://{up}/metrics", timeout=10) as reply:
        done = subprocess.run(
            [prometheus_programs["promtool"], "check", "metrics"], input=reply.read(), capture_output=True, timeout=30
        )
    assert (done.returncode, done.stderr) == (0, b"")


# Shares of what a server does, which are 0 while it does nothing.
SHARES = ("Own failures A", "Refused A", "Cache hits A", "Unclaimed A", "Padding A")
IDLE = (
    "up 1x30", "polygist_slots 2x30", "polygist_calls_refused_total 0x30", "polygist_cache_hits_total 0x30",
    "polygist_cache_misses_total 0x30", 'grpc_server_started_total{grpc_code="OK"} 7x30',
    'grpc_server_handled_total{grpc_code="OK"} 7x30', "polygist_unclaimed_target_tokens_total 1x30",
    "polygist_target_tokens_total 9x30", "polygist_source_tokens_total 9x30", "polygist_batch_padded_tokens_sum 9x30",
)  # fmt: skip


@pytest.mark.parametrize(("series", "values"), [(IDLE, [0]), (("up 0x30",), [])], ids=["idle", "down"])
def test_shares_are_nought_where_a_server_is_idle_and_unknown_where_it_is_down(
    prometheus_programs, tmp_path, series, values
):
    queries = {query.name: query.expression for query in panel_queries()}
    assert queries.keys() >= {*SHARES}
    expected = [{"labels": "{}", "value": value} for value in values]
    tests = [{"expr": f"sum({fill(queries[name])})", "eval_time": "5m", "exp_samples": expected} for name in SHARES]
    given = [{"series": label(each), "values": each.split()[-1]} for each in series]
    test = {"interval": "15s", "input_series": given, "promql_expr_test": tests}
    path = tmp_path / "idle.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    done = subprocess.run([prometheus_programs["promtool"], "test", "rules", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def label(series: str) -> str:
    """The name of a series, with the labels of a server and a model."""
    name, _, labels = series.partition(" ")[0].partition("{")
    more = f",{labels}" if labels else "}"
    return f'{name}{{job="polygist",instance="a",model="m"{more}'


@pytest.mark.parametrize(
    "command",
    [("check", "config", PROMETHEUS), ("check", "rules", ALERTS), ("test", "rules", ALERTS_TEST)],
    ids=lambda command: " ".join(map(str, command[:2])),
)
def test_promtool_has_nothing_against(prometheus_programs, command):
    done = subprocess.run([prometheus_programs["promtool"], *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
