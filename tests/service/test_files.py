"""A file that whoever runs a command names is a plain one, or refused: a pipe or a device holds up nothing."""

import os
import re
import stat
from functools import partial
from pathlib import Path

import pytest
from polygist.files import keep_to_owner, read_plain, write_whole
from polygist.pem import PemError, read_pem
from polygist_service.access.keys import changing, read_keys
from polygist_service.errors import GlossaryError, KeyFileError, StoreError
from polygist_service.settings import read_toml
from polygist_service.store.archives import read_archive
from polygist_service.store.catalogue.catalogue import read_catalogue
from polygist_service.store.folders import Folders
from polygist_service.store.manifest import read_manifest
from polygist_service.translation.terms.glossaries import Glossaries
from polygist_service.translation.terms.tables import read_table

from tests.service.test_cli import server  # noqa: F401

READ = {
    "keys": (read_keys, KeyFileError),
    "PEM": (lambda path: read_pem("tls_key", path), PemError),
    "glossary": (read_table, OSError),
    "catalogue": (read_catalogue, StoreError),
    "archive": (lambda path: read_archive(path, path.parent, lambda *_: None), OSError),
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("kind", ["a pipe", "a device"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path, name, kind):
    path = Path("/dev/zero")
    if kind == "a pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    read, error = READ[name]
    with pytest.raises(error, match=f"{kind}, not a plain file"):
        read(path)


@pytest.mark.parametrize("name", ["keys", "PEM"])
def test_what_is_read_again_says_why_it_is_no_pipe(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    read, error = READ[name]
    with pytest.raises(error, match=r"a pipe, not a plain file; give a .+ read.* again"):
        read(tmp_path / "pipe")


def test_settings_may_come_through_a_pipe():
    """As the shell's ``--config <(…)`` is one; they are read once."""
    reading, writing = os.pipe()
    with open(reading, "rb"):
        with open(writing, "w") as pipe:
            pipe.write("slots = 3\n")
        assert read_toml(Path(f"/dev/fd/{reading}")) == {"slots": 3}


def test_settings_are_no_device_and_not_endless(monkeypatch):
    with pytest.raises(OSError, match="a device, not a plain file"):
        read_toml(Path("/dev/zero"))
    monkeypatch.setattr("polygist_service.settings.read_plain", partial(read_plain, most=5))
    reading, writing = os.pipe()
    with open(reading, "rb"), open(writing, "w") as pipe:
        pipe.write("slots = 3\n")
        pipe.flush()
        with pytest.raises(OSError, match="more than 0 MiB"):
            read_toml(Path(f"/dev/fd/{reading}"))


@pytest.fixture
def file(tmp_path) -> Path:
    """A file that everyone may read."""
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    return path


def test_a_file_is_replaced_whole_and_keeps_its_mode(file, tmp_path):
    write_whole(file, b"new")
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"new", 0o644)
    (tmp_path / "work").mkdir()
    write_whole(tmp_path / "another", b"new", workspace=tmp_path / "work")
    assert stat.S_IMODE((tmp_path / "another").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["another", "file", "work"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_file_that_cannot_be_replaced_stays(file, tmp_path, monkeypatch, step):
    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="no space left"):
        write_whole(file, b"new")
    assert (file.read_text(), [path.name for path in tmp_path.iterdir()]) == ("old", ["file"])


def test_rights_of_others_are_taken_away(file, tmp_path):
    (tmp_path / "link").symlink_to(file)
    keep_to_owner(tmp_path / "link")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    keep_to_owner(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    keep_to_owner(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe")
    keep_to_owner(tmp_path / "pipe")  # waits for nobody


def test_locks_of_earlier_versions_are_kept_to_their_owner(tmp_path):
    locks = [tmp_path / "keys.json.lock", tmp_path / "home" / "lock"]
    locks[1].parent.mkdir()
    for lock in locks:
        lock.touch()
        lock.chmod(0o644)
    with changing(tmp_path / "keys.json"), Folders(tmp_path / "home").open_workspace(lambda: None):
        assert [stat.S_IMODE(lock.stat().st_mode) for lock in locks] == [0o600, 0o600]


def test_a_manifest_that_is_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(StoreError, match="a pipe, not a plain file"):
        read_manifest(tmp_path)


def test_a_pipe_among_glossaries_is_none(tmp_path):
    os.mkfifo(tmp_path / "press.tsv")
    with pytest.raises(GlossaryError, match=r"press\.tsv: a pipe, not a plain file"):
        Glossaries(tmp_path).load()


def test_a_file_may_have_as_many_bytes_as_are_allowed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(3 << 20))
    assert len(read_plain(path, most=3 << 20)) == 3 << 20
    with pytest.raises(OSError, match=re.escape("more than 2 MiB")):
        read_plain(path, most=2 << 20)


@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "--access-keys", "/dev/zero", "list"),
        ("serve", "--config", "/dev/zero"),
        ("models", "import", "/dev/zero"),
    ],
)
def test_commands_tell_of_what_is_no_plain_file(server, arguments):  # noqa: F811
    ended = server(*arguments)
    assert ended.code == (2 if "--config" in arguments else 1)
    assert "/dev/zero" in ended.err
    assert "a device, not a plain file" in ended.err
