"""Measuring the shape of code, on a tiny package."""

import json
import subprocess
import sys

import pytest

from bench.structure import PACKAGES, REPOSITORY, Package, find_circles, import_depth, measure

FILES = {
    "__init__.py": "from tiny.top import run\n",
    "top.py": """
        from typing import TYPE_CHECKING

        from . import shared
        from .room.left import turn

        if TYPE_CHECKING:
            import tiny.room.right

        def run():
            from tiny.room import right
            return _once() + turn()

        def _once():
            return _Walker()._step()

        class _Walker:
            def __init__(self):
                self._step()

            def _step(self):
                return self._step_by(1) + self._step_by(2)

            def _step_by(self, count):
                return count
        """,
    "shared.py": "LIMIT = 1\n",
    "room/__init__.py": '"""A room."""\n',
    "room/left.py": """
        from tiny.room import right
        import tiny.shared

        def turn():
            '''Turn.

            Left.
            '''
            # Not a statement.
            first = 1
            return first
        """,
    "room/right.py": "from tiny.room import left\nimport json.decoder\n",
    "room/long.py": "def long():\n" + "    pass\n" * 60 + "\n" * 440,
}


@pytest.fixture
def package(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        indent = " " * 8
        path.write_text("\n".join(line.removeprefix(indent) for line in text.lstrip("\n").split("\n")))
    return Package(tmp_path / "tiny")


def names(things):
    return [thing.name for thing in things]


def test_imports_are_those_of_own_modules_wherever_they_stand(package):
    assert package.imports == {
        "tiny": {"tiny.top"},
        "tiny.top": {"tiny.shared", "tiny.room.left", "tiny.room.right"},
        "tiny.shared": set(),
        "tiny.room": set(),
        "tiny.room.left": {"tiny.room.right", "tiny.shared"},
        "tiny.room.right": {"tiny.room.left"},
        "tiny.room.long": set(),
    }


def test_a_circle_of_imports_is_one_link_of_the_chain(package):
    assert import_depth(package.imports) == 4  # tiny, top, left and right, shared
    assert find_circles(package.imports)["tiny.room.left"] == {"tiny.room.left", "tiny.room.right"}
    assert import_depth({"a": {"b"}, "b": {"c"}, "c": set()}) == 3
    assert import_depth({"a": {"b"}, "b": {"a"}}) == 1


def test_init_files_are_not_modules_to_be_counted(package):
    figures = measure(package)
    assert figures.modules == 5
    assert figures.lines == sum(len(module.text.splitlines()) for module in package.files)
    assert figures.modules_per_1000_lines == pytest.approx(5000 / figures.lines)
    assert figures.import_circles == 1


def test_functions_are_measured_with_and_without_docstring(package):
    turn = next(function for function in package.functions if function.name == "turn")
    assert (turn.lines, turn.body) == (8, 2)


def test_private_functions_are_those_with_an_underscore_that_are_no_dunders(package):
    private = [function.name for function in package.functions if function.is_private]
    assert sorted(private) == ["_once", "_step", "_step_by"]
    assert measure(package).private_share == pytest.approx(3 / 7)


def test_private_functions_that_are_used_once_are_found(package):
    assert names(package.private_used_once) == ["_once", "_step"]


def test_what_is_too_long_or_too_short_is_found(package):
    assert names(package.long_files) == ["tiny.room.long"]
    assert names(package.long_functions) == ["long"]
    assert names(package.lone_short_files) == ["tiny.top"]
    del package.imports["tiny.top"]
    assert names(package.lone_short_files) == ["tiny.room.left", "tiny.room.right", "tiny.shared", "tiny.top"]


def test_this_checkout_can_be_measured():
    command = [sys.executable, "-m", "bench.structure", "--static", "--json"]
    output = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    measured = json.loads(output)
    assert measured["entered"] == {}
    assert all(measured[name]["modules"] > 10 for name in PACKAGES)


@pytest.mark.model
def test_one_call_is_traced_through_client_and_server(starter_home):
    command = [sys.executable, "-I", "bench/entered.py", "examples/article.txt"]
    output = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    for ways in json.loads(output).values():
        for files in ways.values():
            for root in PACKAGES.values():
                assert len([file for file in files if f"{root}/" in file]) > 5
        assert any(file.endswith("/polygist_client/client.py") for file in ways["client"])
