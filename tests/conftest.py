"""What the whole test suite shares."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from polygist_service.settings import Settings
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.description import InstalledModel
from polygist_service.store.store import Store

from tests.end_to_end.server import ServerProcess

# Property tests say nothing of time: a busy machine is no failure.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# 10^5 requests, for `make fuzz-requests`.
settings.register_profile("fuzz", settings.get_profile("untimed"), max_examples=34_000)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def starter_home() -> Path:
    """The folder of the installed models, with the starter set in it; pulled if it is not there yet."""
    home = Settings().home
    Store(home).pull(["starter"])
    return home


@pytest.fixture(scope="session")
def tiny_instruct(tmp_path_factory: pytest.TempPathFactory) -> InstalledModel:
    """A tiny instruction model with random weights, installed from its folder."""
    (pulled,) = Store(tmp_path_factory.mktemp("home")).pull(
        [f"path:{Path(__file__).parent / 'parity' / 'causal-lm'}"], options=PullOptions(family="causal-lm")
    )
    return pulled.model


@pytest.fixture(scope="session")
def tiny_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one tiny translation model, de-en, with random weights: a server of it starts and answers quickly."""
    store = Store(tmp_path_factory.mktemp("tiny") / "home")
    options = PullOptions(name="de-en", sources=("de",), targets=("en",))
    store.pull([f"path:{Path(__file__).parent / 'parity' / 'marian'}"], options=options)
    return store.home


@pytest.fixture(scope="session")
def smollm2() -> InstalledModel:
    """The instruction model, in a home of its own beside that of the starter models, whose tests count what it has."""
    home = Settings().home
    store = Store(home.with_name(f"{home.name}-instruct"))
    store.pull(["smollm2-135m"])
    return store.find("smollm2-135m")


@pytest.fixture(scope="session")
def server(starter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the starter models, for the whole session."""
    with ServerProcess(starter_home, tmp_path_factory.mktemp("server") / "log") as process:
        process.wait_until_serving()
        yield process


@pytest.fixture
def article() -> str:
    """The example article."""
    return (Path(__file__).parents[1] / "examples" / "article.txt").read_text(encoding="utf-8")
