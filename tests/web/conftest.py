"""A browser, axe, and servers to send it to. All of it is run by `make web-test` only."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.server import ServerProcess, find_free_port
from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine, pair

# What drives the browser is installed by `make web-test`; without it nothing here can even be imported.
collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]

AXE = "axe-core@4.14.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polygist-tests"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("web")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, without a window."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    assert program, "chromium is not there; get it with: sh tests/web/debian.sh (as root)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> Path:
    """The script of axe, from npm."""
    folder = CACHE / AXE
    script = folder / "package" / "axe.min.js"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", AXE], cwd=folder, check=True, capture_output=True, timeout=120)
        shutil.unpack_archive(next(folder.glob("*.tgz")), folder, filter="data")
    return script


@pytest.fixture(scope="session")
def starter_address(starter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page of a server with the starter models."""
    address = f"127.0.0.1:{find_free_port()}"
    log = tmp_path_factory.mktemp("web") / "log"
    with ServerProcess(starter_home, log, "--http-listen", address) as server:
        server.wait_until_serving()
        yield f"http://{address}/"


@pytest.fixture(scope="session")
def echo_address() -> Iterator[str]:
    """The address of the page of a server without models, which writes texts between brackets; en, pt, de, ar, he."""
    from tests.web.served import serving_echo

    models = (EN_PT, PT_EN, ENCODER, pair("en", "ar"), pair("he", "en"))
    with serving_echo(EchoEngine(*models)) as address:
        yield address


@pytest.fixture
def open_desk(browser: Any, echo_address: str) -> Callable[..., Any]:
    """Open the page of the server without models; see `Desk`."""
    from tests.web.desk import Desk

    return lambda fragment="to=pt", **options: Desk(browser, echo_address, fragment, **options)
