"""Clusters of Ray on this machine. All of it is run by `make ray-test` only."""

import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest

# Ray is installed by `make ray-test`; without it nothing here can even be imported.
collect_ignore_glob = [] if find_spec("ray") else ["test_*.py"]
if not collect_ignore_glob:
    with warnings.catch_warnings(action="ignore"):  # what it warns of itself is not ours to mend
        import ray.serve  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("ray")
            item.add_marker(pytest.mark.filterwarnings("default"))
