"""What `deploy/` says of monitoring, as the tests read it: the composition, the dashboard, the alerts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
PROMETHEUS = DEPLOY / "prometheus" / "prometheus.yaml"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
ALERTS_TEST = DEPLOY / "prometheus" / "alerts_test.yaml"
DATA_SOURCE = DEPLOY / "grafana" / "datasources" / "prometheus.yaml"
ADAPTER = DEPLOY / "kubernetes" / "prometheus-adapter.yaml"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "polygist.json"
# An alert's expression: what is looked at, and from where on somebody has to look.
ALERT = re.compile(r"(?P<value>.+) (?P<comparison>==|>) (?P<threshold>[\d.]+)", re.DOTALL)
UNITS = {"m": 2**20, "g": 2**30}
LEGEND_LABEL = re.compile(r"{{(\w+)}}")


class Query(NamedTuple):
    """A query, with a name to tell it by and the labels that whoever shows it goes by."""

    name: str
    expression: str
    labels: frozenset[str] = frozenset()


def read_yaml(path: Path) -> Any:
    """The one document of a file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def to_bytes(size: str) -> int:
    """A size as compose writes it, such as ``2g``."""
    return int(size[:-1]) * UNITS[size[-1]]


def read_panels() -> list[dict[str, Any]]:
    """The panels of the dashboard, but for the headings of rows."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [panel for panel in panels if panel["type"] != "row"]


def read_variables() -> list[dict[str, Any]]:
    """The variables of the dashboard."""
    variables: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["templating"]["list"]
    return variables


def read_alerts() -> list[dict[str, Any]]:
    """The alerts of all groups."""
    return [rule for group in read_yaml(ALERTS)["groups"] for rule in group["rules"]]


def panel_queries() -> Iterator[Query]:
    """The queries of all panels, as they are written."""
    for panel in read_panels():
        for target in panel["targets"]:
            legend = frozenset(LEGEND_LABEL.findall(target["legendFormat"]))
            yield Query(f"{panel['title']} {target['refId']}", target["expr"], legend)


def alert_queries() -> Iterator[Query]:
    """What each alert looks at, without its threshold."""
    for alert in read_alerts():
        split = ALERT.fullmatch(alert["expr"])
        assert split, f"{alert['alert']}: its expression ends with no threshold"
        told = " ".join(alert["annotations"].values())
        yield Query(alert["alert"], split["value"], frozenset(re.findall(r"\$labels\.(\w+)", told)))


def adapter_queries() -> Iterator[Query]:
    """What Kubernetes scales on, with the servers of our Prometheus in the place of its pods."""
    for rule in read_yaml(ADAPTER)["rules"]:
        expression = rule["metricsQuery"]
        places = {
            "Series": rule["seriesQuery"].partition("{")[0],
            "LabelMatchers": 'job="polygist"',
            "GroupBy": "instance",
        }
        for name, value in places.items():
            expression = expression.replace(f"<<.{name}>>", value)
        yield Query(rule["name"]["as"], expression, frozenset({"instance"}))
