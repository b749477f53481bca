"""Functions in processes of their own: whatever happens to these, this one lives and knows."""

import ctypes
import os
import signal
import subprocess
import sys
import time

import pytest
from polygist_service.errors import ModelCrash, StoreError
from polygist_service.store.isolation import Bounds, Isolated
from polygist_service.store.manifest import read_manifest

BOUNDS = Bounds(60, 1 << 28)
OPENS = (
    "import os, pathlib; from polygist_service.store.isolation import opening; os.write(2, b'noise ' * 50_000);"
    "opening(pathlib.Path('x/config.json')); opening(pathlib.Path('x/model.bin')); os.write(2, b'last words\\n');"
    "os.abort()"
)
# Raises what cannot be pickled.
RAISES = "from polygist_service.errors import InvalidRequest; raise InvalidRequest('a', 'b')"
PARENT = """
import time
from tests.service.store.test_isolation import isolated
isolated().run(exec, "import os, time; os.write(2, b''); open('{}', 'w').write(str(os.getpid())); time.sleep(60)")
"""


def isolated(bounds: Bounds = BOUNDS) -> Isolated:
    return Isolated("tiny is damaged", cure="get another", bounds=bounds)


def wait_for(child: int) -> None:
    """Raise ProcessLookupError when a process has ended."""
    while True:
        os.kill(child, 0)
        time.sleep(0.02)


def test_what_a_function_returns_and_raises_comes_back(tmp_path):
    assert isolated().run(os.path.join, "a", "b") == "a/b"
    assert isolated().run(os.write, 1, b"what a library prints is no answer") == 34
    with pytest.raises(StoreError, match=r"has no readable manifest"):
        isolated().run(read_manifest, tmp_path)
    with pytest.raises(RuntimeError, match=r"SystemExit\(3\)"):
        isolated().run(sys.exit, 3)
    with pytest.raises(RuntimeError, match=r"InvalidRequest\('a: b'\)"):
        isolated().run(exec, RAISES)
    with pytest.raises(MemoryError):
        isolated().run(bytes, 1 << 30)


@pytest.mark.parametrize(
    ("function", "argument", "bounds", "end"),
    [
        (ctypes.string_at, 0, BOUNDS, "was ended by SIGSEGV"),
        (os._exit, 3, BOUNDS, "ended with code 3"),
        (time.sleep, 60, Bounds(1, 1 << 28), "was ended after 1 s"),
        (exec, OPENS, BOUNDS, r"opening model.bin, was ended by SIGABRT \(last words\)"),
    ],
)
def test_a_process_that_does_not_answer_is_an_error(function, argument, bounds, end):
    with pytest.raises(ModelCrash, match=rf"^tiny is damaged: the process that tries it,? {end}; get another$"):
        isolated(bounds).run(function, argument)


def test_a_process_ends_with_its_parent(tmp_path):
    process = tmp_path / "process"
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(process)], cwd=os.getcwd())
    while not (process.exists() and process.read_text()):
        time.sleep(0.02)
    child = int(process.read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    with pytest.raises(ProcessLookupError):
        wait_for(child)
