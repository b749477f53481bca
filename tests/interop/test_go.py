"""Go, with code that ``protoc`` generates from the ``.proto`` files and nothing else of ours."""

import os
import subprocess

import pytest

from tests.interop.conftest import ROOT

pytestmark = pytest.mark.outside


@pytest.fixture
def run(go_example):
    """Run the example with its arguments."""

    def run(*arguments, **environment):
        command = [go_example, *arguments]
        given = {name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")}
        return subprocess.run(
            command, env={**given, **environment}, capture_output=True, text=True, timeout=90, check=False
        )

    return run


@pytest.mark.model
@pytest.mark.parametrize("is_named", [True, False])
def test_the_example_runs(run, server, is_named):
    file = ROOT / "examples" / "article.txt"
    done = run(file, server.address) if is_named else run(file, POLYGIST_ADDRESS=server.address)
    assert done.returncode == 0, done.stderr
    summary, translation = done.stdout.splitlines()
    assert "ferry" in summary
    assert "balsa" in translation


def test_it_says_that_nothing_answers(run):
    done = run(ROOT / "examples" / "article.txt", "127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("error: Unavailable: ")
