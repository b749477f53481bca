"""Whole models or none, whatever happens while they are installed."""

import errno
import os
import signal
import subprocess
import sys
import threading

import pytest
from filelock import FileLock
from polygist_service.errors import StoreError
from polygist_service.store.store import Outcome, Store

from tests.service.store.changes import builds, use_converter

# Converts into the store and hangs when the files of the build are written, until it is killed.
HANGING_PULL = """
import dataclasses, sys, time
from pathlib import Path
from polygist_service.store.convert import CONVERTERS
from polygist_service.store.store import Store

def hang(files, folder, *, compute_type, int8_limit):
    (folder / "model.bin").write_bytes(b"half a model")
    print("hanging", flush=True)
    time.sleep(600)

CONVERTERS["bergamot"] = dataclasses.replace(CONVERTERS["bergamot"], version=9, convert=hang)
Store(Path(sys.argv[1])).convert("tiny", Path(sys.argv[2]))
"""


def test_a_killed_install_is_invisible_and_cleared_away(store, folder):
    kill_while_converting(store, folder)
    assert store.installed() == ()
    store.convert("tiny", folder)
    store.verify("tiny")
    assert len(builds(store)) == 1


def test_a_killed_renewal_leaves_the_old_model(store, folder):
    before = store.convert("tiny", folder).model
    kill_while_converting(store, folder)
    assert store.installed() == (before,)
    store.verify("tiny")


def kill_while_converting(store, folder):
    command = [sys.executable, "-c", HANGING_PULL, str(store.home), str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as pull:
        assert pull.stdout.readline() == "hanging\n"
        assert any((build / "model.bin").exists() for build in builds(store))
        pull.send_signal(signal.SIGKILL)


def test_a_crash_at_any_step_of_the_renewal_leaves_the_old_model_or_the_new(store, folder, monkeypatch):
    before = store.convert("tiny", folder).model.revision
    use_converter(monkeypatch, convert=write_other)
    steps = 0
    with monkeypatch.context() as patch:
        while not survive(store, folder, patch, steps):
            store.verify("tiny")
            steps += 1
    assert steps >= 4
    assert store.find("tiny").revision != before


def write_other(files, folder, *, compute_type, int8_limit):
    (folder / "model.bin").write_bytes(b"another")


def survive(store, folder, patch, steps):
    """Convert, the operating system failing at flush number `steps`; whether it succeeded."""
    left = [steps]

    def flush(descriptor):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt

    patch.setattr(os, "fsync", flush)
    try:
        store.convert("tiny", folder)
    except KeyboardInterrupt:
        return False
    return True


def test_two_pulls_take_turns(store, folder):
    store.home.mkdir(exist_ok=True)
    waiting, outcomes = threading.Event(), []

    def report(phase, done, total):
        if phase == "waiting for another pull":
            waiting.set()

    with FileLock(store.home / "lock"):
        pull = threading.Thread(target=lambda: outcomes.extend(store.pull(["tiny"], report)))
        pull.start()
        assert waiting.wait(60)
        assert store.installed() == ()
    pull.join(60)
    assert [pulled.outcome for pulled in outcomes] == [Outcome.INSTALLED]


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "change its owner"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_disk_that_refuses_is_one_clear_error_and_leaves_nothing(store, folder, monkeypatch, number, cure):
    def refuse(files, folder, *, compute_type, int8_limit):
        (folder / "model.bin").write_bytes(b"half a model")
        raise OSError(number, os.strerror(number), str(folder / "model.bin"))

    use_converter(monkeypatch, convert=refuse)
    with pytest.raises(StoreError, match=rf"model\.bin: .*{cure}.*POLYGIST_HOME"):
        store.convert("tiny", folder)
    assert store.installed() == ()
    assert builds(store) == []


def test_a_home_that_is_a_file_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot use .*file.*POLYGIST_HOME"):
        Store(tmp_path / "file" / "home").pull(["en-pt"])
