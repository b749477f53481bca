"""The manifests of Kubernetes: they are valid, and their numbers fit together and with those of the server."""

import re
from functools import cache

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils
from polygist import __version__
from polygist_client.addresses import DEFAULT_PORT
from polygist_client.bulk import STREAM_SECONDS
from polygist_client.connection import BASE_SECONDS
from polygist_service.admission import AdmissionState
from polygist_service.app.health import MODELS, OVERALL
from polygist_service.app.lifecycle import LATE_SECONDS
from polygist_service.app.server import MODELS_SECONDS, channel_options
from polygist_service.cli.flags import read_settings
from polygist_service.observability.metrics import AdmissionCollector
from polygist_service.settings import find_unknown

from tests.deploy.kubernetes import FOLDERS, KUBERNETES, REPLICAS, ROOT, WORKLOADS, YAML, Manifests, parse_bytes

# All have gRPC probes since 1.27.
VERSIONS = ("1.27", kubernetes_validate.latest_version())
# How long names are kept: by CoreDNS as it usually is, and by gRPC, which asks no sooner again.
NAME_SECONDS = 30
# The load up to which 99 of 100 calls take a second at most, and the memory of a server beside its models and texts:
# bench/speed/results, B4 and B8.
KNEE = 0.769
PROCESS_BYTES = 250e6
# What allocators and calculations take on top of all.
SPARE = 1.25
LAST_LOG_SECONDS = 1.0
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@pytest.fixture(params=REPLICAS)
def manifests(request):
    """Those of the base and of each overlay."""
    return Manifests(KUBERNETES / request.param)


@pytest.fixture
def settings(manifests, monkeypatch):
    """What the server of a replica makes of its variables, beside the flag of the image."""
    for name, value in manifests.environment.items():
        monkeypatch.setenv(name, value)
    return read_settings(None, {"insecure": True})


def test_kubernetes_takes_them(monkeypatch):
    # It reads all definitions anew for each manifest.
    monkeypatch.setattr(utils, "schema_contents", cache(utils.schema_contents))
    known = []
    for folder in FOLDERS:
        for manifest in Manifests(KUBERNETES / folder).all:
            if manifest not in known:
                known.append(manifest)
                for version in VERSIONS:
                    kubernetes_validate.validate(manifest, version, strict=True)


def test_what_kubernetes_would_not_take_is_seen():
    base = Manifests(KUBERNETES / "base")
    deployment = base.find("Deployment") | {"spec": base.spec("Deployment") | {"minReadySecond": 3}}
    with pytest.raises(kubernetes_validate.ValidationError, match="minReadySecond"):
        kubernetes_validate.validate(deployment, VERSIONS[-1], strict=True)


def write_own(folder, kustomization):
    """What a folder of one's own beside ``deploy`` comes to."""
    (folder / "deploy").symlink_to(ROOT / "deploy")
    (folder / "mine").mkdir()
    (folder / "mine" / "kustomization.yaml").write_text(kustomization)
    return Manifests(folder / "mine")


def test_folders_of_ones_own_are_as_the_page_shows_them(tmp_path):
    for name, shown in zip(("replicas", "models"), YAML.findall((KUBERNETES / "README.md").read_text()), strict=True):
        (tmp_path / name).mkdir()
        own = write_own(tmp_path / name, shown)
        assert find_images(own).pop().startswith(f"registry.example.org/polygist:{__version__}")
        if name == "replicas":
            assert own.environment["POLYGIST_LOG_LEVEL"] == "warning"
            assert [metric["type"] for metric in own.spec("HorizontalPodAutoscaler")["metrics"]] == ["Resource"]


@pytest.mark.parametrize(
    ("overlay", "components"),
    [("cpu", ["telemetry"]), ("gpu", ["telemetry", "models-on-a-volume"]), ("models-on-a-volume", ["telemetry"])],
)
def test_components_fit_overlays(overlay, components, tmp_path):
    own = {"namespace": "polygist", "resources": [f"../deploy/kubernetes/overlays/{overlay}"]}
    own["components"] = [f"../deploy/kubernetes/components/{name}" for name in components]
    manifests = write_own(tmp_path, yaml.safe_dump(own))
    assert find_unknown(manifests.environment) == []
    assert manifests.environment["POLYGIST_OTLP_ENDPOINT"].endswith(":4317")
    for manifest in manifests.all:
        kubernetes_validate.validate(manifest, VERSIONS[-1], strict=True)


def test_only_its_own_deletion_takes_the_namespace_away():
    with_one = [
        folder for folder in FOLDERS if any(each["kind"] == "Namespace" for each in Manifests(KUBERNETES / folder).all)
    ]
    assert with_one == ["namespace"]


def test_every_variable_is_a_setting(manifests, settings):
    assert find_unknown(manifests.environment) == []
    assert str(settings.home) == "/models"


def test_the_job_pulls_to_where_the_replicas_read():
    job = Manifests(KUBERNETES / "models")
    (container,) = job.spec("Job")["template"]["spec"]["containers"]
    replicas = Manifests(KUBERNETES / "overlays" / "models-on-a-volume")
    (mounted,) = (mount for mount in replicas.container["volumeMounts"] if mount["name"] == "models")
    (volume,) = (volume for volume in replicas.pod["volumes"] if volume["name"] == "models")
    assert mounted["readOnly"]
    assert mounted["mountPath"] == replicas.environment["POLYGIST_HOME"] == container["env"][0]["value"]
    assert volume["persistentVolumeClaim"]["claimName"] == job.find("PersistentVolumeClaim")["metadata"]["name"]
    assert replicas.container["image"] == container["image"]


def test_ports_are_those_of_the_server(manifests, settings):
    grpc, metrics = manifests.ports["grpc"], manifests.ports["metrics"]
    assert (settings.address("listen").port, settings.address("metrics_listen").port) == (grpc, metrics)
    assert f"EXPOSE {grpc} {metrics}\n" in (ROOT / "Dockerfile").read_text()
    assert not settings.is_local
    (port,) = manifests.spec("Service")["ports"]
    assert (port["port"], port["targetPort"]) == (DEFAULT_PORT, "grpc")
    assert {manifests.container[name]["grpc"]["port"] for name in PROBES} == {grpc}
    annotations = manifests.spec("Deployment")["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(metrics)


def test_the_network_lets_through_callers_and_prometheus_only(manifests):
    policy = manifests.spec("NetworkPolicy")
    callers, prometheus = policy["ingress"]
    assert callers["from"] == [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"polygist-client": "true"}}}]
    assert [callers["ports"], prometheus["ports"]] == [[{"port": port}] for port in manifests.ports.values()]
    assert (policy["policyTypes"], policy["egress"]) == (["Ingress", "Egress"], [])


def test_selectors_find_the_replicas(manifests):
    deployment = manifests.spec("Deployment")
    labels = deployment["template"]["metadata"]["labels"]
    selectors = [
        deployment["selector"]["matchLabels"],
        manifests.spec("Service")["selector"],
        manifests.spec("PodDisruptionBudget")["selector"]["matchLabels"],
        manifests.spec("NetworkPolicy")["podSelector"]["matchLabels"],
        *(each["labelSelector"]["matchLabels"] for each in manifests.pod["topologySpreadConstraints"]),
    ]
    assert selectors == [labels] * len(selectors)
    target = manifests.spec("HorizontalPodAutoscaler")["scaleTargetRef"]
    assert target["name"] == manifests.find("Deployment")["metadata"]["name"]
    assert manifests.spec("Service")["clusterIP"] == "None"


@pytest.mark.parametrize("folder", WORKLOADS)
def test_pods_may_do_nothing_that_they_need_not(folder):
    (workload,) = (each for each in Manifests(KUBERNETES / folder).all if each["kind"] in ("Deployment", "Job"))
    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (user,) = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    security = pod["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"], security["runAsNonRoot"]) == (*map(int, user), True)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)
    assert {"hostNetwork", "hostPID", "hostIPC"}.isdisjoint(pod)


def test_the_end_fits_in_what_kubernetes_gives_it(manifests, settings):
    given = manifests.pod["terminationGracePeriodSeconds"]
    assert settings.lame_duck > 0
    assert settings.lame_duck + settings.grace + LATE_SECONDS + LAST_LOG_SECONDS < given
    # Replicas leave one after the other, also when there are fewer of them.
    (fewer,) = manifests.spec("HorizontalPodAutoscaler")["behavior"]["scaleDown"]["policies"]
    assert (fewer["type"], fewer["value"]) == ("Pods", 1)
    assert fewer["periodSeconds"] > given
    # A call that was cut off after all has time left to be made again, by its client itself.
    assert given < BASE_SECONDS / 2


def test_the_watchdog_acts_before_the_liveness_probe(manifests, settings):
    probe = manifests.container["livenessProbe"]
    assert probe["timeoutSeconds"] < probe["periodSeconds"]
    # From the first probe that fails, which may be at once, to the one that is one too many.
    soonest = (probe["failureThreshold"] - 1) * probe["periodSeconds"]
    assert soonest > settings.stall_seconds + settings.stall_grace
    # Nothing that stands still comes to its end by itself.
    assert probe["terminationGracePeriodSeconds"] < manifests.pod["terminationGracePeriodSeconds"]


def test_the_readiness_probe_is_slower_than_a_stall(manifests, settings):
    """So that a replica which is only busy is not taken out, with its share of the load going to the others."""
    probe = manifests.container["readinessProbe"]
    assert probe["timeoutSeconds"] < probe["periodSeconds"]
    assert probe["failureThreshold"] * probe["periodSeconds"] > settings.stall_seconds


def test_models_have_time_to_load(manifests):
    probe = manifests.container["startupProbe"]
    seconds = probe["failureThreshold"] * probe["periodSeconds"]
    has_large_models = "cuda" in manifests.environment.values() or len(manifests.pod["volumes"]) > 1
    assert seconds >= (MODELS_SECONDS if has_large_models else MODELS_SECONDS / 3)
    deployment = manifests.spec("Deployment")
    assert deployment["progressDeadlineSeconds"] > seconds + deployment["minReadySeconds"]


def test_probes_ask_what_they_are_for(manifests):
    asked = {name: manifests.container[name]["grpc"]["service"] for name in PROBES}
    assert asked == {"startupProbe": MODELS, "readinessProbe": OVERALL, "livenessProbe": MODELS}


def test_callers_find_a_new_replica_before_an_old_one_leaves(manifests, settings):
    deployment, autoscaler = manifests.spec("Deployment"), manifests.spec("HorizontalPodAutoscaler")
    assert deployment["minReadySeconds"] > NAME_SECONDS
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert NAME_SECONDS < settings.connection_age < autoscaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"]
    assert manifests.spec("PodDisruptionBudget")["maxUnavailable"] < autoscaler["minReplicas"]


def test_a_stream_ends_by_itself_before_its_connection_does(settings):
    """A connection ends up to a tenth sooner than it is told to, and then when its calls have had their time."""
    options = dict(channel_options(settings.limits, connection_age=settings.connection_age))
    milliseconds = 0.9 * options["grpc.max_connection_age_ms"] + options["grpc.max_connection_age_grace_ms"]
    assert milliseconds / 1000 > STREAM_SECONDS


def test_the_autoscaler_acts_before_calls_are_refused(manifests, settings):
    autoscaler = manifests.spec("HorizontalPodAutoscaler")
    queued, *others = autoscaler["metrics"]
    target = float(queued["pods"]["target"]["averageValue"])
    # Replicas whose queues are full ask for all there may be at once, and none at its target misses a deadline.
    assert settings.limits.queue_seconds / target > autoscaler["maxReplicas"] / autoscaler["minReplicas"]
    assert target < BASE_SECONDS / 10
    for each in others:
        assert each["resource"]["target"]["averageUtilization"] < 100 * KNEE


def test_the_adapter_names_a_metric_that_the_server_has(manifests):
    (rule,) = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text())["rules"]
    (series,) = re.findall(r"^\w+", rule["seriesQuery"])
    served = {family.name for family in AdmissionCollector(lambda: AdmissionState(0.0, 0, {})).collect()}
    assert series in served
    assert re.fullmatch(rule["name"]["matches"], series)
    queued = manifests.spec("HorizontalPodAutoscaler")["metrics"][0]["pods"]["metric"]
    assert queued["name"] == rule["name"]["as"]
    assert set(rule["resources"]["overrides"]) == {"namespace", "pod"}


def test_models_and_texts_fit_in_the_memory(manifests, settings):
    resources = manifests.container["resources"]
    limit = parse_bytes(resources["limits"]["memory"])
    assert resources["requests"] == {name: resources["limits"][name] for name in ("cpu", "memory")}
    assert settings.memory_cap
    assert (settings.memory_cap + settings.limits.queue_bytes + PROCESS_BYTES) * SPARE < limit


@pytest.mark.parametrize("folder", [folder for folder in WORKLOADS if folder != "base"])
def test_images_are_of_this_version_and_made_as_the_page_says(folder):
    (image,) = find_images(Manifests(KUBERNETES / folder))
    assert re.fullmatch(rf"localhost/polygist:{re.escape(__version__)}(-[a-z-]+)?", image)
    assert image.endswith(__version__) or f" IMAGE={image}\n" in (KUBERNETES / "README.md").read_text()


def find_images(manifests):
    """The images of all pods."""
    pods = [each["spec"]["template"]["spec"] for each in manifests.all if each["kind"] in ("Deployment", "Job")]
    return {container["image"] for pod in pods for container in pod["containers"]}
