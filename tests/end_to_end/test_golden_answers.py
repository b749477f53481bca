"""A model that no longer answers what it did: not taken up by a server that runs, and no start with it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from polygist_client import Client, PolygistError
from polygist_service.cli import app
from polygist_service.store.manifest import FILE, compute_revision, read_manifest, record_files, write_manifest

from tests.end_to_end.server import ServerProcess, find_free_port


@pytest.fixture
def home(tiny_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home whose model has recorded its golden answers, by the command."""
    shutil.copytree(tiny_home, tmp_path / "home", symlinks=True)
    monkeypatch.setenv("CT2_FORCE_CPU_ISA", "")  # which commands set for their own process
    assert app.run(["models", "--home", str(tmp_path / "home"), "record"]) == 0
    monkeypatch.undo()
    return tmp_path / "home"


def exchange_words(home: Path) -> None:
    """Exchange the words of the model's vocabulary, with checksums that are right."""
    folder = home / "models" / "de-en"
    vocabulary = folder / "shared_vocabulary.json"
    pieces = json.loads(vocabulary.read_text())
    vocabulary.write_text(json.dumps([*pieces[:4], *reversed(pieces[4:])]))
    manifest = read_manifest(folder)
    (folder / FILE).unlink()
    files = record_files(folder)
    write_manifest(folder, replace(manifest, files=files, revision=compute_revision(files)))


def test_a_model_that_answers_otherwise_is_not_taken_up_and_its_old_one_goes_on(home, tmp_path):
    admin = f"127.0.0.1:{find_free_port()}"
    with ServerProcess(home, tmp_path / "log", "--admin-listen", admin, "--metrics-listen", "") as server:
        server.wait_until_serving()
        assert server.wait_for("golden_answers_given", model="de-en")["likeness"] == 100
        with Client(server.address) as client, Client(admin) as operator:
            before = client.translate("Das Haus ist alt.", source="de", to="en").text
            exchange_words(home)
            with pytest.raises(PolygistError, match=r"recorded with .*; here with "):
                operator.load_model("de-en")
            assert client.translate("Das Haus ist alt.", source="de", to="en").text == before
        failed = server.wait_for("model_failed", model="de-en")
        assert "model de-en does not answer what it did when it was installed" in failed["reason"]
    with ServerProcess(home, tmp_path / "log", "--metrics-listen", "") as server:
        assert server.process.wait(timeout=60) == 1
        assert "model de-en does not answer what it did when it was installed" in server.log()
