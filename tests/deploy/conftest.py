"""Where the programs are that `make deploy-test` brings."""

import os
import shutil
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polygist-tests"


@pytest.fixture(scope="session")
def prometheus_programs() -> dict[str, str]:
    """Prometheus and promtool: those that are installed, else what `debian.sh` has unpacked."""
    path = os.pathsep.join([os.environ["PATH"], str(CACHE / "prometheus" / "usr" / "bin")])
    programs = {name: shutil.which(name, path=path) for name in ("prometheus", "promtool")}
    found = {name: program for name, program in programs.items() if program}
    assert found.keys() == programs.keys(), "Prometheus is not there; get it with: sh tests/deploy/debian.sh"
    return found
