"""What an operator meets when a server starts: foreign folders, taken ports, locked keys, too little memory."""

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from polygist_client import Client, LanguagePairUnsupported, ModelNotFound
from polygist_client.cli import app

from tests.end_to_end.server import SERVE, ServerProcess, find_free_port, make_certificate
from tests.service.test_cli import STRAYS, put_strays


@pytest.fixture
def home(tiny_home: Path, tmp_path: Path) -> Path:
    """A folder of models of its own, with one in it."""
    shutil.copytree(tiny_home, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def tiny(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory):
    """A server with one model, from German to English."""
    with ServerProcess(tiny_home, tmp_path_factory.mktemp("start") / "log") as process:
        process.wait_until_serving()
        yield process


def serve(*flags: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``serve`` that has to end by itself, with one line."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")} | environment
    done = subprocess.run([*SERVE, *map(str, flags)], capture_output=True, text=True, timeout=60, check=False, env=own)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done


def test_what_lies_beside_the_models_stops_no_server(home, tmp_path):
    put_strays(home / "models")
    (home / "models" / "broken").mkdir()
    (home / "models" / "broken" / "manifest.json").write_text("{")
    with ServerProcess(home, tmp_path / "log") as process, Client(process.address) as client:
        process.wait_until_serving()
        assert client.health() == "serving"
        assert [model.short_name for model in client.list_models()] == ["de-en"]
        assert [event["name"] for event in process.events("stray_left_out")] == STRAYS
        (left_out,) = process.events("model_left_out")
        assert left_out["model"] == "broken"
        assert "models rm broken" in left_out["reason"]


def test_a_model_to_load_at_start_that_is_broken_is_told(home):
    (home / "models" / "broken").mkdir()
    (home / "models" / "broken" / "manifest.json").write_text("{")
    with ServerProcess(home, home / "log", "--preload", "broken") as process:
        assert process.process.wait(timeout=60) == 1
    last = process.log().splitlines()[-1]
    assert last.startswith("error: preload: ")
    assert last.endswith("run: polygist-server models rm broken, and install it again as it was")


@pytest.mark.model
def test_a_server_without_room_for_any_model_does_not_serve(starter_home, tmp_path):
    with (
        ServerProcess(starter_home, tmp_path / "log", "--memory-cap", "1MB", "--preload", "none") as process,
        Client(process.address) as client,
    ):
        process.wait_for("not_serving")
        assert client.health() == "not-serving"
        assert {model.state for model in client.list_models()} == {"failed"}
        reasons = [line["reason"] for line in process.events("too_large")]
        assert len(reasons) == len(client.list_models())
        assert all("MB, this server may use 1.0 MB; its operator can raise memory_cap" in each for each in reasons)
        assert not process.events("serving")


@pytest.mark.parametrize("setting", ["listen", "admin_listen", "metrics_listen"])
def test_a_taken_port_is_told_with_its_setting_and_the_cure(tiny, tiny_home, setting):
    addresses = {"listen": f"127.0.0.1:{find_free_port()}", setting: tiny.address}
    flags = [word for name, address in addresses.items() for word in (f"--{name.replace('_', '-')}", address)]
    done = serve("--home", tiny_home, *flags)
    assert done.returncode == 1
    assert f"cannot listen on {tiny.address} ({setting}): it is taken" in done.stderr


def test_the_socket_of_a_server_that_runs_is_not_taken_from_it(tiny_home, tmp_path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "a.sock"))
        other.listen()
        done = serve("--home", tiny_home, "--listen", f"unix:{tmp_path}/a.sock")
    assert done.returncode == 1
    assert "it is taken" in done.stderr
    assert (tmp_path / "a.sock").is_socket()


def test_a_key_with_a_password_is_told_before_anything_is_loaded(tmp_path):
    key, cert = make_certificate(tmp_path)
    command = ["openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", tmp_path / "locked.pem"]
    subprocess.run(command, check=True, capture_output=True)
    done = serve("--home", tmp_path / "none", "--tls-cert", cert, "--tls-key", tmp_path / "locked.pem")
    assert done.returncode == 2
    assert f"tls_key: {tmp_path}/locked.pem is encrypted" in done.stderr


def test_an_address_that_is_none_listens_nowhere(tiny_home):
    done = serve("--home", tiny_home, "--listen", "localhost")
    assert (done.returncode, "no port in 'localhost'; give localhost:50051" in done.stderr) == (2, True)


def test_empty_variables_are_as_if_they_were_not_set(tmp_path):
    empty = dict.fromkeys(("POLYGIST_SLOTS", "POLYGIST_INSECURE", "POLYGIST_TLS_CERT", "POLYGIST_LISTEN"), "")
    done = serve("--home", tmp_path, **empty)
    assert "no model is installed" in done.stderr


def test_who_asks_for_a_language_that_could_be_installed_is_told_how(tiny):
    with Client(tiny.address) as client:
        with pytest.raises(
            LanguagePairUnsupported, match="install it: polygist-server models pull opus-mt-en-fr"
        ) as one:
            client.translate("Good morning", to="fr", source="en")
        assert one.value.metadata["pull"] == "opus-mt-en-fr"
        with pytest.raises(LanguagePairUnsupported) as two:  # German to English is there already
            client.translate("Guten Morgen", to="fr", source="de")
        assert two.value.metadata["pull"] == "opus-mt-en-fr"
        with pytest.raises(ModelNotFound) as three:
            client.translate("Good morning", to="fr", source="en", model="opus-mt-en-fr")
        assert three.value.metadata["pull"] == "opus-mt-en-fr"


def test_what_is_loaded_is_told_with_its_memory_and_last_use(tiny):
    with Client(tiny.address) as client:
        client.translate("Guten Morgen", to="en", source="de")
    shown = CliRunner().invoke(app.polygist, ["models", "ps", "-a", tiny.address], obj=app.Session())
    (line,) = shown.stdout.splitlines()
    name, state, memory, _, used = line.split("\t")
    assert (name, state) == ("de-en", "ready")
    assert memory.endswith(" MB")
    assert used != "never"


def test_sizes_that_the_machine_has_not_are_warned_of(home, tmp_path):
    with ServerProcess(home, tmp_path / "log", "--sentence-cache", "999TB", "--memory-cap", "1GB") as process:
        process.wait_until_serving()
    told = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [each["setting"] for each in told if each["event"] == "too_large"] == ["sentence_cache"]
