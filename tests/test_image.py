"""The Dockerfile and the lists that it installs; `make image-test` runs the image itself."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def read_lock(name: str) -> dict[str, tuple[str, int]]:
    """Package to its version and its number of hashes."""
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / "deploy" / name).read_text())
    pins = [re.match(r"([a-z0-9-]+)==(\S+)", entry) for entry in entries]
    return {pin[1]: (pin[2], pin.string.count("--hash=sha256:")) for pin in pins if pin}


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


def test_the_lock_fulfils_what_pyproject_asks_for() -> None:
    lock = read_lock("requirements.lock")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    chosen = (line for name in ("service", "documents", "http", "otel") for line in extras[name])
    for line in [*project["dependencies"], *chosen]:
        asked = Requirement(line)
        version, _ = lock[canonicalize_name(asked.name)]
        assert asked.specifier.contains(version), f"{asked} is locked as {version}: run `make lock`"


def test_every_locked_package_has_a_hash() -> None:
    for name in ("requirements.lock", "build.lock"):
        assert all(hashes for _, hashes in read_lock(name).values())


def test_scripts_are_valid_shell() -> None:
    for script in (ROOT / "deploy").glob("*.sh"):
        assert subprocess.run(["sh", "-n", script]).returncode == 0, script
