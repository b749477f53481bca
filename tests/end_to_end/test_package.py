"""The package as the index would get it: built, checked, installed, and resolved beside other packages."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from polygist import __version__

ROOT = Path(__file__).parents[2]
UNREACHABLE = re.compile(r"dns error|error sending request|tcp connect error|timed out|Network is unreachable", re.I)
# What Windows lacks. A module that is None here cannot be imported.
POSIX_ONLY = {
    "modules": ["fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"],
    "signal": [
        "SIGALRM",
        "SIGHUP",
        "SIGKILL",
        "SIGPIPE",
        "SIGQUIT",
        "SIGTSTP",
        "SIGUSR1",
        "SIGWINCH",
        "pthread_sigmask",
    ],
    "os": [
        "fchmod",
        "fork",
        "geteuid",
        "getuid",
        "killpg",
        "mkfifo",
        "openpty",
        "register_at_fork",
        "uname",
        "O_DIRECTORY",
    ],
    "socket": ["AF_UNIX", "socketpair"],
    "select": ["epoll", "poll"],
}
# The libraries are imported first: each is installed there in a build of its own.
ON_ANOTHER_SYSTEM = f"""
import importlib, pkgutil, sys
import click, google.protobuf.json_format, google.rpc.error_details_pb2, grpc.aio, grpc_health.v1.health_pb2
import grpc_status, rich.console, rich.live, rich.progress, rich.table
absent = {POSIX_ONLY!r}
sys.modules |= dict.fromkeys(absent.pop("modules"))
for name, attributes in absent.items():
    for attribute in attributes:
        vars(importlib.import_module(name)).pop(attribute, None)
import polygist_client
for module in pkgutil.walk_packages(polygist_client.__path__, "polygist_client."):
    importlib.import_module(module.name)
    print(module.name)
"""


def run_uv(*arguments: str | Path) -> str:
    """What uv prints; a test that needs an index which cannot be reached is skipped, and says so."""
    command = [sys.executable, "-m", "uv", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode and UNREACHABLE.search(done.stderr):
        pytest.skip(f"the package index cannot be reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def resolve(*arguments: str | Path) -> str:
    """The packages that an installation of polygist brings, with the oldest Python there may be."""
    return run_uv("pip", "compile", "--quiet", "--python-version", "3.11", "pyproject.toml", *arguments)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory) -> Path:
    """The folder of the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    run_uv("build", "--quiet", "--out-dir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions) -> Path:
    (found,) = distributions.glob("*.whl")
    return found


def test_the_index_takes_both_files(distributions):
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, distributions.glob("polygist-*"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.count("PASSED")) == (0, 2), done.stdout + done.stderr


def test_another_build_writes_the_same_bytes(distributions, tmp_path):
    """From another folder, at another time, by another user's mask."""
    others = shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".hypothesis", ".ci", "bench", "tests", "dist")
    copy = shutil.copytree(ROOT, tmp_path / "copy", ignore=others)
    for path in copy.rglob("*"):
        os.utime(path, (1e9, 1e9))
        path.chmod(path.stat().st_mode & 0o700)
    run_uv("build", "--quiet", "--out-dir", tmp_path / "dist", copy)
    for path in distributions.glob("polygist-*"):
        assert path.read_bytes() == (tmp_path / "dist" / path.name).read_bytes(), path.name


def test_uvx_runs_the_command_line_out_of_the_wheel(wheel):
    assert run_uv("tool", "run", "--quiet", "--from", wheel, "polygist", "--version").split()[-1] == __version__


def test_the_wheel_is_small_and_says_for_whom_it_is(wheel):
    with ZipFile(wheel) as archive:
        metadata = archive.read(f"polygist-{__version__}.dist-info/METADATA").decode().partition("\n\n")[0]
    assert wheel.stat().st_size < 6_000_000
    assert {"Author", "Project-URL", "License-Expression", "Requires-Python"} <= {
        line.partition(":")[0] for line in metadata.splitlines()
    }
    for version in ("3.11", "3.12", "3.13"):
        assert f"Classifier: Programming Language :: Python :: {version}" in metadata


def test_what_only_developers_need_is_no_extra(wheel):
    with ZipFile(wheel) as archive:
        metadata = archive.read(f"polygist-{__version__}.dist-info/METADATA").decode()
    assert set(re.findall(r"^Provides-Extra: (\S+)", metadata, re.M)) == {
        "service",
        "documents",
        "gguf",
        "convert",
        "http",
        "otel",
        "ray",
    }
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"].keys() == {
        "dev", "bench", "fuzz", "protos", "replicas", "training", "web",
    }  # fmt: skip


@pytest.mark.outside
@pytest.mark.parametrize("platform", ["windows", "macos", "aarch64-apple-darwin", "aarch64-unknown-linux-gnu"])
def test_the_client_can_be_installed_on(platform):
    resolved = resolve("--only-binary", ":all:", "--python-platform", platform)
    assert "grpcio==" in resolved


def test_the_client_imports_nothing_that_only_posix_has(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", ON_ANOTHER_SYSTEM], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {"polygist_client.aio", "polygist_client.cli.app", "polygist_client.cli.journal"} <= {*done.stdout.split()}


@pytest.mark.outside
@pytest.mark.parametrize("other", ["tritonclient[grpc]", "mlflow", "kserve"])
def test_the_server_can_live_in_one_environment_with(other, tmp_path):
    (tmp_path / "other.in").write_text(f"{other}\n")
    resolved = resolve("--extra", "service", "--extra", "documents", tmp_path / "other.in")
    (version,) = re.findall(rf"^{other.partition('[')[0]}==(\d+)\.", resolved, re.M)
    assert int(version) >= {"tritonclient[grpc]": 2, "mlflow": 3, "kserve": 0}[other], "an old one, to make room for us"


def test_no_link_of_the_readme_is_dead_on_the_index():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    titles = re.findall(r"^#+ (.*)$", readme, re.M)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    links = re.findall(r"\]\(([^)]+)\)", readme)
    dead = [link for link in links if not link.startswith("https://") and link.removeprefix("#") not in anchors]
    assert not dead
