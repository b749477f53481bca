"""Programs of others, unmodified; a test that needs one is skipped where it is missing."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.server import ServerProcess, find_free_port

ROOT = Path(__file__).parents[2]
INSTALL = "sh tests/interop/debian.sh (as root)"
# Where Debian puts the sources of Go packages, and those of them that the generated code and the example import.
GO_SOURCES = Path("/usr/share/gocode/src")
GO_PROGRAMS = ("go", "protoc", "protoc-gen-go", "protoc-gen-go-grpc")
GO_PACKAGES = ("google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/genproto")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polygist-tests"


@pytest.fixture(scope="session")
def buf() -> Path:
    """The ``buf`` of this environment, or of the machine."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if (found := shutil.which("buf", path=path)) is None:
        pytest.skip("buf is not there; get it with: pip install buf-bin")
    return Path(found)


@pytest.fixture(scope="session")
def node_example() -> Path:
    """A copy of ``examples/node`` with its packages, next to a link to the contract; kept outside the clone."""
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        pytest.skip(f"{' and '.join(missing)} not there; get both with: {INSTALL}")
    example = ROOT / "examples" / "node"
    lock = (example / "package-lock.json").read_bytes()
    folder = CACHE / f"node-{hashlib.sha256(lock).hexdigest()[:12]}" / "examples" / "node"
    shutil.copytree(example, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
    contract = folder.parents[1] / "protos"
    if contract.resolve() != ROOT / "protos":  # another process may be reading it
        contract.unlink(missing_ok=True)
        contract.symlink_to(ROOT / "protos")
    _run_npm(folder, "ci")
    return folder


def install_npm_package(package: str) -> Path:
    """Install a package of npm into a folder of its own, once, and return the folder; skips as `node_example` does."""
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        pytest.skip(f"{' and '.join(missing)} not there; get both with: {INSTALL}")
    folder = CACHE / f"npm-{package}"
    folder.mkdir(parents=True, exist_ok=True)
    _run_npm(folder, "install", "--prefix", str(folder), package)
    return folder


def _run_npm(folder: Path, *arguments: str) -> None:
    """Run npm in a folder, unless an earlier one has finished; skips where the registry is out of reach."""
    finished = folder / "node_modules" / ".finished"
    if finished.exists():
        return
    command = ["npm", *arguments, "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if any(f"npm error code {code}" in done.stderr for code in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN")):
        pytest.skip("the npm registry is out of reach; set NPM_CONFIG_REGISTRY to one that you can reach")
    assert done.returncode == 0, done.stderr
    finished.touch()


@pytest.fixture(scope="session")
def go_example() -> Path:
    """The program of ``examples/go``, built with Debian's packages, whose code is generated from the contract."""
    missing = [name for name in GO_PROGRAMS if shutil.which(name) is None]
    missing += [name for name in GO_PACKAGES if not (GO_SOURCES / name).is_dir()]
    if missing:
        pytest.skip(f"{', '.join(missing)} not there; get all with: {INSTALL}")
    folder = CACHE / "go" / "src" / "polygist-example"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "examples" / "go", folder, ignore=shutil.ignore_patterns("polygist"))
    contract = folder.parents[1] / "protos"
    contract.unlink(missing_ok=True)
    contract.symlink_to(ROOT / "protos")
    is_old = not (GO_SOURCES / "google.golang.org/grpc/credentials/insecure").is_dir()
    # Not as a module: the versions of go.mod are on the module proxy, which not every machine may ask.
    environment = {
        **os.environ, "GO111MODULE": "off", "GOPATH": f"{CACHE / 'go'}:{GO_SOURCES.parent}",
        "GOCACHE": str(CACHE / "go" / "cache"), "GOFLAGS": "-tags=debian12" if is_old else "",
    }  # fmt: skip
    for command in (["go", "generate"], ["go", "build", "-o", "example", "."]):
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return folder / "example"


@contextmanager
def serving_http(home: Path, log: Path) -> Iterator[str]:
    """Serve the models of a home, by HTTP too, while the block runs; yields the URL."""
    address = f"127.0.0.1:{find_free_port()}"
    with ServerProcess(home, log, "--http-listen", address) as process:
        process.wait_until_serving()
        yield f"http://{address}"


@pytest.fixture(scope="session")
def http_url(starter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of the starter models."""
    with serving_http(starter_home, tmp_path_factory.mktemp("http") / "log") as url:
        yield url


def install_packages(*requirements: str) -> Path:
    """Install packages of Python into a folder of their own, once; skips where their index is out of reach."""
    return _run_pip("install", *requirements, into="--target")


def fetch_wheel(requirement: str) -> Path:
    """Fetch a wheel without what it needs, once; skips where the index is out of reach."""
    (wheel,) = _run_pip("download", "--no-deps", requirement, into="--dest").glob("*.whl")
    return wheel


def _run_pip(*arguments: str, into: str) -> Path:
    """Run pip with a new folder, unless an earlier one has finished; returns the folder."""
    digest = hashlib.sha256(" ".join([sys.version, *arguments]).encode()).hexdigest()[:12]
    folder = CACHE / f"pip-{digest}"
    if not (folder / ".finished").exists():
        command = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", *arguments, into, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
        if "NewConnectionError" in done.stderr or "No matching distribution" in done.stderr:
            pytest.skip("the index of Python packages is out of reach; set PIP_INDEX_URL to one that you can reach")
        assert done.returncode == 0, done.stderr
        (folder / ".finished").touch()
    return folder
