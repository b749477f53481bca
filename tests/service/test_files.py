"""A file that whoever runs a command names is a plain one, or refused: a pipe or a device holds up nothing."""

import os
import re
from pathlib import Path

import pytest
from polygist.files import read_plain
from polygist.pem import PemError, read_pem
from polygist_service.access.keys import read_keys
from polygist_service.errors import GlossaryError, KeyFileError, StoreError
from polygist_service.settings import read_toml
from polygist_service.store.archives import read_archive
from polygist_service.store.catalogue.catalogue import read_catalogue
from polygist_service.store.manifest import read_manifest
from polygist_service.translation.terms.glossaries import Glossaries
from polygist_service.translation.terms.tables import read_table

from tests.service.test_cli import server  # noqa: F401

READ = {
    "keys": (read_keys, KeyFileError),
    "PEM": (lambda path: read_pem("tls_key", path), PemError),
    "settings": (read_toml, OSError),
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
