"""The dashboard, the alerts and what Kubernetes scales on, against the metrics that a server has."""

import asyncio
import json
import re
from collections.abc import Iterator
from itertools import combinations, zip_longest

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from polygist_service.app.services import Runtime
from polygist_service.app.watchdog import CAUSES
from polygist_service.limits import Limits
from polygist_service.settings import Settings

from tests.deploy.manifests import (
    ALERTS_TEST,
    DASHBOARD,
    adapter_queries,
    alert_queries,
    panel_queries,
    read_alerts,
    read_panels,
    read_variables,
    read_yaml,
)

# What is shown of a family, by its type.
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "info": ("_info",), "gauge": ("",)}
OURS = re.compile(r"\b(?:polygist|grpc_server|process)_\w+")
# Panels and alerts on what Prometheus itself knows of its targets and alerts.
OF_PROMETHEUS = ("Servers A", "Servers B", "Alerts A", "Scrapes A", "Reached A", "PolygistDown")
QUERIES = [*panel_queries(), *alert_queries(), *adapter_queries()]


@pytest.fixture(scope="module")
def shown(tiny_home) -> dict[str, set[str]]:
    """The metrics that a server shows, and the labels of those that it shows from the start."""
    return asyncio.run(look(Settings(home=tiny_home)))


async def look(settings: Settings) -> dict[str, set[str]]:
    """The metrics of a server, and their labels."""
    runtime = Runtime(settings)
    try:
        metrics = runtime.services.metrics
        metrics.count_stalls(CAUSES)
        metrics.count_dropped_lines(lambda: {"queue_full": 0, "not_written": 0})
        families = list(metrics.registry.collect())
    finally:
        await runtime.close()
    names = {family.name + suffix: set() for family in families for suffix in SUFFIXES[family.type]}
    for sample in (sample for family in families for sample in family.samples):
        names[sample.name] |= sample.labels.keys()
    return names


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_names_metrics_of_the_server(shown, query):
    named = set(OURS.findall(query.expression))
    assert named or query.name in OF_PROMETHEUS
    assert named <= shown.keys()


def test_the_variables_of_the_dashboard_name_metrics_of_the_server(shown):
    named = {name for variable in read_variables() for name in OURS.findall(variable["query"])}
    assert named == {"polygist_build_info"}
    assert named <= shown.keys()


def test_what_is_counted_seldom_is_counted_from_nought(shown):
    """So that the first one is seen as an increase."""
    assert shown["polygist_stalls_total"] == {"cause"}
    assert shown["polygist_segments_total"] == {"event"}
    assert shown["polygist_calls_refused_total"] == {"cause"}
    assert shown["polygist_log_lines_dropped_total"] == {"reason"}


def test_every_panel_tells_what_it_shows():
    titles = [panel["title"] for panel in read_panels()]
    assert len(titles) == len(set(titles))
    for panel in read_panels():
        assert panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert all(target["expr"] and target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


def test_grafana_knows_all_that_stands_in_the_dashboard():
    register_default_plugins()
    written = json.loads(DASHBOARD.read_text())
    read = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(written)))
    assert list(find_lost(written, read)) == []


def find_lost(written: object, read: object, place: str = "") -> Iterator[str]:
    """The places of what was written and not read, unless it is empty."""
    if isinstance(written, dict) and isinstance(read, dict):
        for name, value in written.items():
            yield from find_lost(value, read.get(name), f"{place}/{name}")
    elif isinstance(written, list) and isinstance(read, list):
        for number, (value, other) in enumerate(zip_longest(written, read)):
            yield from find_lost(value, other, f"{place}/{number}")
    elif (written or read) and written != read:
        yield place


def test_panels_lie_beside_each_other():
    places = [panel["gridPos"] for panel in read_panels()]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    overlapping = [
        (one, other)
        for one, other in combinations(places, 2)
        if one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
        if one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]
    ]
    assert not overlapping


def test_panels_ask_for_the_servers_that_are_chosen():
    for query in panel_queries():
        selectors = re.findall(r"\b(?!by\b)[a-zA-Z_]\w*(?={)", query.expression)
        assert selectors, query.name
        assert query.expression.count('job="$job"') == len(selectors), query.name


def test_an_alert_says_what_is_wrong_and_what_to_do():
    names = [alert["alert"] for alert in read_alerts()]
    assert len(names) == len(set(names)) >= 15
    for alert in read_alerts():
        assert alert["labels"]["severity"] in ("critical", "warning", "info"), alert["alert"]
        assert alert["annotations"].keys() == {"summary", "runbook"}, alert["alert"]
        assert "$labels.instance" in alert["annotations"]["summary"], alert["alert"]
        assert 60 < len(alert["annotations"]["runbook"]) < 300, alert["alert"]
        assert alert["annotations"]["runbook"].endswith("."), alert["alert"]


def test_every_alert_has_a_series_that_fires_and_one_that_does_not():
    tests = {test["name"]: test for test in read_yaml(ALERTS_TEST)["tests"]}
    assert tests.keys() == {alert["alert"] for alert in read_alerts()}
    for name, test in tests.items():
        series = " ".join(each["series"] for each in test["input_series"])
        assert 'instance="bad"' in series, name
        assert 'instance="good"' in series, name
        (fires,) = test["promql_expr_test"][0]["exp_samples"]
        assert fires["labels"] == f'{{alertname="{name}", instance="bad"}}'


def test_the_alert_on_the_queue_comes_before_calls_are_refused():
    (threshold,) = [alert["expr"].split()[-1] for alert in read_alerts() if alert["alert"] == "PolygistQueue"]
    assert float(threshold) < Limits().queue_seconds
