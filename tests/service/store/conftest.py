"""A store whose catalogue has a tiny model, and a package index in a folder."""

import hashlib

import pytest
from polygist_service.store.store import Store

from tests.hub import HubStandIn
from tests.service.store.student import describe_student, make_student_files, write_files, write_wheel


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that pip takes wheels from, and from no other place."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


@pytest.fixture(scope="session")
def files():
    """The source files of the model ``tiny``."""
    return make_student_files()


@pytest.fixture
def folder(tmp_path, files):
    """The same on disk."""
    write_files(tmp_path / "source", files)
    return tmp_path / "source"


@pytest.fixture
def store(tmp_path, files, index):
    """An empty store whose catalogue has ``tiny``, in a wheel on the index."""
    wheel = write_wheel(index, {f"tiny/{name}": content for name, content in files.items()})
    text = describe_student(files, hashlib.sha256(wheel.read_bytes()).hexdigest(), prefix="tiny/")
    write_files(tmp_path / "home", {"catalogue.toml": text.encode()})
    return Store(tmp_path / "home")


@pytest.fixture
def hub():
    """A stand-in of the Hub, without repositories."""
    with HubStandIn() as hub:
        yield hub
