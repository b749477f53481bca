from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.server import ServerProcess


@pytest.fixture(scope="session")
def server(starter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the starter models, for the whole session."""
    with ServerProcess(starter_home, tmp_path_factory.mktemp("server") / "log") as process:
        process.wait_until_serving()
        yield process


@pytest.fixture
def article() -> str:
    """The example article."""
    return (Path(__file__).parents[2] / "examples" / "article.txt").read_text(encoding="utf-8")
