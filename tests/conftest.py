"""What the whole test suite shares."""

from pathlib import Path

import pytest
from polygist_service.settings import Settings
from polygist_service.store.home import Store


@pytest.fixture(scope="session")
def starter_home() -> Path:
    """The folder of the installed models, with the starter set in it; pulled if it is not there yet."""
    home = Settings().home
    Store(home).pull(["starter"])
    return home
