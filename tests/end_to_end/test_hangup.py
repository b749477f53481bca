"""SIGHUP: a server in service takes up renewed models and certificates; what is wrong with them ends nothing."""

import shutil
import signal
import ssl
import subprocess
from pathlib import Path

import pytest
from polygist_client import Client, LanguagePairUnsupported, Unavailable

from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.model

KINDS = ("certificates", "models", "glossaries")
SENTENCE = "The library opens at nine."


def write_certificate(folder: Path) -> None:
    """Write a new self-signed ``cert.pem`` and its ``key.pem``."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )


def hang_up(process: ServerProcess, times: int = 1, *, kinds: int = 2) -> list[dict]:
    """Send SIGHUP; returns what came of it so far, once it is that many times.

    Each time that are so many kinds: certificates, models and, where there are some, glossaries, in this order.
    """
    process.process.send_signal(signal.SIGHUP)
    while len(told := [*process.events("reloaded"), *process.events("not_reloaded")]) < kinds * times:
        process.wait_for("reloaded")
        assert process.process.poll() is None, process.log()
    told.sort(key=lambda event: event["timestamp"])
    each = [[event for event in told if event["what"] == kind] for kind in KINDS[:kinds]]
    return [event for turn in zip(*each, strict=True) for event in turn]


def presented(process: ServerProcess) -> str:
    """The certificate that a new connection is shown."""
    host, _, port = process.address.rpartition(":")
    return ssl.get_server_certificate((host, int(port)))


@pytest.fixture
def home(starter_home, tmp_path):
    """A folder of models with one in it."""
    shutil.copytree(starter_home / "models" / "en-pt", tmp_path / "home" / "models" / "en-pt")
    return tmp_path / "home"


def test_new_certificates_are_for_new_connections_and_a_wrong_pair_leaves_the_old_one(home, tmp_path):
    write_certificate(tmp_path)
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    first = cert.read_text()
    with ServerProcess(home, tmp_path / "log", "--tls-cert", str(cert), "--tls-key", str(key)) as process:
        process.wait_until_serving()
        with Client(process.address, ca=cert) as old:
            assert old.translate(SENTENCE, to="pt", source="en").text
            write_certificate(tmp_path)
            assert presented(process) == first  # nobody has told the server yet
            assert [event["changed"] for event in hang_up(process)] == [True, []]
            assert presented(process) == cert.read_text() != first
            assert old.translate(SENTENCE, to="pt", source="en").text  # on the connection that it has
        with Client(process.address, ca=cert) as new:
            assert new.translate(SENTENCE, to="pt", source="en").text
        second = cert.read_text()
        cert.write_text(first)  # not of this key
        assert "key.pem is not the key of the first certificate in" in hang_up(process, 2)[2]["reason"]
        cert.write_text("nothing")
        assert "cert.pem holds no certificate in PEM" in hang_up(process, 3)[4]["reason"]
        key.unlink()
        assert "key.pem does not exist" in hang_up(process, 4)[6]["reason"]
        assert presented(process) == second
        (tmp_path / "old.pem").write_text(first)
        with Client(process.address, ca=tmp_path / "old.pem") as client, pytest.raises(Unavailable):
            client.health(timeout=5)
        assert process.stop() == 0


def test_a_wrong_pair_at_the_start_is_named(home, tmp_path):
    write_certificate(tmp_path)
    (tmp_path / "cert.pem").write_text("nothing")
    flags = ("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    with ServerProcess(home, tmp_path / "log", *flags) as process:
        assert process.process.wait(timeout=60) == 2
    assert "cert.pem holds no certificate in PEM" in process.log()
    assert "listening" not in process.log()


def test_glossaries_are_read_again_and_a_wrong_one_leaves_the_old_one(home, tmp_path):
    folder = tmp_path / "glossaries"
    folder.mkdir()
    press = folder / "press.tsv"
    press.write_text("en\tpt\nlibrary\tbiblioteca pública\n")
    with (
        ServerProcess(home, tmp_path / "log", "--glossaries", str(folder)) as process,
        Client(process.address) as client,
    ):
        process.wait_until_serving()
        assert "biblioteca pública" in client.translate(SENTENCE, to="pt", source="en", glossary="press").text
        press.write_text("en\tpt\nlibrary\tmidiateca\n")
        assert hang_up(process, kinds=3)[2]["changed"] == ["press"]
        assert "midiateca" in client.translate(SENTENCE, to="pt", source="en", glossary="press").text
        press.write_text("en\n")
        assert "press.tsv:1: the first row names only en" in hang_up(process, 2, kinds=3)[5]["reason"]
        assert "midiateca" in client.translate(SENTENCE, to="pt", source="en", glossary="press").text
        assert process.stop() == 0
    with ServerProcess(home, tmp_path / "second", "--glossaries", str(folder)) as process:
        assert process.process.wait(timeout=60) == 1
    assert "error: " in process.log()
    assert "press.tsv:1: the first row names only en" in process.log()


def test_models_come_and_go_and_damaged_ones_end_nothing(home, starter_home, tmp_path):
    with ServerProcess(home, tmp_path / "log") as process, Client(process.address) as client:
        process.wait_until_serving()
        with pytest.raises(LanguagePairUnsupported):
            client.translate("A biblioteca é antiga.", to="en", source="pt")
        shutil.copytree(starter_home / "models" / "pt-en", home / "models" / "pt-en")
        assert [event["changed"] for event in hang_up(process)] == [False, ["pt-en"]]
        assert "library" in client.translate("A biblioteca é antiga.", to="en", source="pt").text
        manifest = next((home / "models" / "pt-en").glob("manifest*"))
        whole = manifest.read_text()
        manifest.write_text("{")
        assert "pt-en" in hang_up(process, 2)[3]["reason"]
        assert "library" in client.translate("A biblioteca é antiga.", to="en", source="pt").text
        manifest.write_text(whole)
        shutil.rmtree(home / "models" / "pt-en")
        assert hang_up(process, 3)[5]["changed"] == ["pt-en"]
        with pytest.raises(LanguagePairUnsupported):
            client.translate("A biblioteca é antiga.", to="en", source="pt")
        assert client.health() == "serving"
        assert process.stop() == 0


def test_hanging_up_before_it_serves_ends_nothing(home, tmp_path):
    with ServerProcess(home, tmp_path / "log") as process:
        process.wait_for("listening")
        process.process.send_signal(signal.SIGHUP)
        process.wait_until_serving()
        process.wait_for("reloaded")
        assert process.stop() == 0
