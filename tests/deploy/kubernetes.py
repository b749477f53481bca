"""The manifests of ``deploy/kubernetes``, as ``kubectl`` renders them."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
KUBECTL = Path(sys.executable).with_name("kubectl")
REPLICAS = ("base", "overlays/cpu", "overlays/gpu", "overlays/models-on-a-volume")
WORKLOADS = (*REPLICAS, "models")
FOLDERS = (*WORKLOADS, "namespace")
# Of the documents that the page on them shows.
YAML = re.compile(r"```yaml\n(.+?)```", re.DOTALL)
# Of the Dockerfile: what the image sets for whatever runs it.
VARIABLE = re.compile(r"\b(POLYGIST_[A-Z_]+)=(\S+)")
UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}

Manifest = dict[str, Any]


class Manifests:
    """What a folder with a kustomization comes to.

    Args:
        folder: below ``deploy/kubernetes``.
    """

    def __init__(self, folder: Path) -> None:
        self.all: list[Manifest] = render(folder)

    def find(self, kind: str) -> Manifest:
        """The only one of a kind; raises ValueError where there is none, or another."""
        (found,) = (each for each in self.all if each["kind"] == kind)
        return found

    def spec(self, kind: str) -> Manifest:
        """What the only one of a kind prescribes."""
        return self.find(kind)["spec"]

    @property
    def pod(self) -> Manifest:
        """What a replica is."""
        return self.spec("Deployment")["template"]["spec"]

    @property
    def container(self) -> Manifest:
        """The server in it."""
        (container,) = self.pod["containers"]
        return container

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the server of a replica has: those of the image, and over them those of its settings."""
        (source,) = self.container["envFrom"]
        settings = self.find("ConfigMap")
        assert source["configMapRef"]["name"] == settings["metadata"]["name"]
        return {**read_image_variables(), **settings["data"]}

    @property
    def ports(self) -> dict[str, int]:
        """The container's, by their names."""
        return {port["name"]: port["containerPort"] for port in self.container["ports"]}


@cache
def render(folder: Path) -> list[Manifest]:
    """What ``kubectl kustomize`` makes of a folder."""
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return list(yaml.safe_load_all(done.stdout))


@cache
def read_image_variables() -> dict[str, str]:
    """The variables of ours that the Dockerfile sets."""
    return dict(VARIABLE.findall((ROOT / "Dockerfile").read_text()))


def parse_bytes(quantity: str) -> int:
    """A quantity of Kubernetes, such as 3Gi."""
    return int(quantity[:-2]) * UNITS[quantity[-2:]]
