"""How the commands begin: Ctrl-C at any moment ends them without a traceback."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

SCRIPTS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["scripts"]
# Presses Ctrl-C when a module is looked for, as somebody does who has seen a mistake.
PROGRAM = """
import os, signal, sys

wanted = sys.argv[1]

class Impatient:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Impatient())
from {module} import {function}
sys.argv[1:] = ["--version"]
{function}()
"""


@pytest.mark.parametrize(
    ("command", "loading"),
    [
        ("polygist", "polygist_client"),
        ("polygist", "grpc"),
        ("polygist", "click"),
        ("polygist-server", "click"),
        ("polygist-server", "polygist_service.cli.models"),
    ],
)
def test_who_presses_ctrl_c_while_a_command_is_loaded_sees_no_traceback(command: str, loading: str):
    module, _, function = SCRIPTS[command].partition(":")
    program = PROGRAM.format(module=module, function=function)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program, loading], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    done = subprocess.run(
        [sys.executable, "-c", program, "nothing"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert command in done.stdout
