"""The composition of server, Prometheus and Grafana, as far as it can be told without a container engine."""

import re
import subprocess
import sys

import pytest
from polygist import __version__
from polygist_service.limits import Limits
from polygist_service.settings import PREFIX, load_settings, setting_names

from tests.deploy.manifests import ALERTS, COMPOSE, DATA_SOURCE, DEPLOY, PROMETHEUS, read_alerts, read_yaml, to_bytes

ROOT = DEPLOY.parent
SERVICES = read_yaml(COMPOSE)["services"]
OURS = SERVICES["polygist"]


def to_seconds(duration: str) -> float:
    """A duration of seconds, such as ``15s``."""
    return float(duration.removesuffix("s"))


def read_image() -> dict[str, str]:
    """The variables that the image sets."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    return dict(re.findall(rf"({PREFIX}\w+)=(\S+)", dockerfile.replace("\\\n", " ")))


def test_the_schema_of_compose_has_nothing_against_it():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_writes_nothing_may_nothing_and_is_no_root(name):
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].partition(":")[0] not in ("0", "root")
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & service.keys()
    assert to_bytes(service["mem_limit"])
    assert service["pids_limit"]


@pytest.mark.parametrize("name", SERVICES)
def test_images_have_the_tag_of_a_version(name):
    _, _, tag = SERVICES[name]["image"].rpartition(":")
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag)


def test_the_server_is_the_image_of_this_version():
    assert OURS["image"] == f"localhost/polygist:{__version__}"
    assert OURS["build"]["args"]["VERSION"] == __version__
    assert (COMPOSE.parent / OURS["build"]["context"]).resolve() == ROOT
    assert "USER " + OURS["user"] in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_this_machine_only(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


def test_the_variables_of_the_server_are_settings(monkeypatch):
    variables = read_image() | {name: str(value) for name, value in OURS["environment"].items()}
    names = {name.removeprefix(PREFIX).lower() for name in variables}
    assert names <= {*setting_names()}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = load_settings({"insecure": True})
    assert settings.listen == f"0.0.0.0:{OURS['ports'][0].rpartition(':')[2]}"
    assert settings.limits.queue_bytes < Limits().queue_bytes


def test_the_sizes_and_times_of_the_server_fit_each_other():
    settings = load_settings(
        {"grace": OURS["environment"]["POLYGIST_GRACE"], "lame_duck": OURS["environment"].get("POLYGIST_LAME_DUCK", 0)}
    )
    own_seconds = 5  # that a process gives itself after the grace
    assert to_seconds(OURS["stop_grace_period"]) > settings.lame_duck + settings.grace + own_seconds
    own_bytes = 600 << 20
    assert int(OURS["environment"]["POLYGIST_LIMITS__QUEUE_BYTES"]) + own_bytes < to_bytes(OURS["mem_limit"])


def test_files_that_are_mounted_are_there_and_stay_as_they_are():
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source, _, target = volume.partition(":")
            if source.startswith("."):
                assert (COMPOSE.parent / source).is_dir(), volume
                assert target.endswith(":ro"), volume
            else:
                assert source in read_yaml(COMPOSE)["volumes"], volume


def test_prometheus_finds_its_files_and_the_server():
    flags = dict(flag.removeprefix("--").split("=", 1) for flag in SERVICES["prometheus"]["command"])
    mounts = dict(volume.split(":")[:2] for volume in SERVICES["prometheus"]["volumes"])
    assert flags["config.file"] == f"{mounts['./prometheus']}/{PROMETHEUS.name}"
    assert flags["storage.tsdb.path"] == mounts["prometheus"]
    configuration = read_yaml(PROMETHEUS)
    assert configuration["rule_files"] == [ALERTS.name]
    (job,) = configuration["scrape_configs"]
    (target,) = job["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    assert SERVICES[host] is OURS
    assert read_image()["POLYGIST_METRICS_LISTEN"].endswith(f":{port}")
    assert all(f'job="{job["job_name"]}"' in alert["expr"] for alert in read_alerts())


def test_grafana_finds_prometheus_and_its_dashboard():
    (source,) = read_yaml(DATA_SOURCE)["datasources"]
    host, _, port = source["url"].removeprefix("http://").partition(":")
    assert SERVICES[host]["ports"][0].endswith(f":{port}")
    assert source["jsonData"]["timeInterval"] == read_yaml(PROMETHEUS)["global"]["scrape_interval"]
    mounts = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    (provider,) = read_yaml(DEPLOY / "grafana" / "dashboards" / "provider.yaml")["providers"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounts["./grafana/dashboards"] == provider["options"]["path"] == home.rpartition("/")[0]
    assert (DEPLOY / "grafana" / "dashboards" / home.rpartition("/")[2]).is_file()
