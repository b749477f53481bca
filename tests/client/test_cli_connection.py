"""Connections that fail: one line that says what answers at the address, and what to do."""

import shlex
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from polygist_client import Client, InvalidInput, ServerUnreachable, TlsFailed

from tests.client.conftest import COMMAND, Polygist
from tests.fakes.server import Fake, serving

TRANSLATE = ["translate", "--text", "a", "-s", "en", "-t", "pt", "--reconnect-timeout", "0"]


@contextmanager
def saying(words: bytes, *, hangs_up: bool = False) -> Iterator[str]:
    """Something that takes connections and says these words; yields its address."""
    taken: list[socket.socket] = []

    def take(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            taken.append(connection)
            connection.sendall(words)
            if hangs_up:
                connection.close()

    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=take, args=[listening])
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for connection in taken:
            connection.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates that sign themselves, and their keys."""
    folder = tmp_path_factory.mktemp("certificates")
    for name, names in (("here", "DNS:localhost,IP:127.0.0.1"), ("there", "DNS:example.org")):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}",
             "-addext", f"subjectAltName={names}", "-keyout", f"{name}.key", "-out", f"{name}.pem"],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
    convert = ["openssl", "x509", "-in", "here.pem", "-outform", "DER", "-out", "der.pem"]
    subprocess.run(convert, check=True, capture_output=True, cwd=folder)
    encrypt = ["openssl", "pkey", "-aes256", "-passout", "pass:x", "-in", "here.key", "-out", "encrypted.key"]
    subprocess.run(encrypt, check=True, capture_output=True, cwd=folder)
    pack = ["openssl", "pkcs12", "-export", "-in", "here.pem", "-inkey", "here.key", "-passout", "pass:x"]
    subprocess.run([*pack, "-out", "all.p12"], check=True, capture_output=True, cwd=folder)
    (folder / "empty.pem").write_text("")
    for kind in ("pem", "key"):
        whole = (folder / f"here.{kind}").read_text()
        (folder / f"notepad.{kind}").write_text(whole, encoding="utf-8-sig", newline="\r\n")
        (folder / f"utf-16.{kind}").write_text(whole, encoding="utf-16")
        (folder / f"cut-off.{kind}").write_text(whole[:300])
        damaged = whole[:100] + whole[140:]
        (folder / f"damaged.{kind}").write_text(whole + damaged if kind == "pem" else damaged)
    return folder


@contextmanager
def serving_tls(certificates: Path, name: str, *, wants_ours: bool = False) -> Iterator[Fake]:
    key, cert = ((certificates / f"{name}.{suffix}").read_bytes() for suffix in ("key", "pem"))
    credentials = grpc.ssl_server_credentials([(key, cert)], cert if wants_ours else None, wants_ours)
    with serving(Fake(), credentials=credentials) as fake:
        yield fake


def refuse(polygist: Polygist, *arguments: object, code: int = 4) -> str:
    """Run what cannot work; returns the one line that says why."""
    outcome = polygist(*TRANSLATE, *arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (code, "", 1)
    assert outcome.err.startswith("error: ")
    return outcome.err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "an SSH server answers at"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "a web server answers at"),
        (b"<!DOCTYPE HTML>\n<html>", "a web server answers at"),
        (b"220 mail.example.org ESMTP\r\n", "something that says '220 mail.example.org ESMTP' answers at"),
        (b"\xff\xfe\x01", "something answers at"),
    ],
)
@pytest.mark.parametrize("flags", [[], ["--tls"]])
def test_a_port_that_speaks_something_else_is_named(polygist: Polygist, words: bytes, what: str, flags: list[str]):
    with saying(words, hangs_up=not words.startswith(b"SSH")) as address:
        said = refuse(polygist, "-a", address, *flags)
    assert f"{what} {address}, no polygist server; give another address with -a HOST:PORT" in said


def test_a_port_that_hangs_up_is_named(polygist: Polygist):
    with saying(b"", hangs_up=True) as address:
        assert "closes the connection at once" in refuse(polygist, "-a", address)


@pytest.mark.parametrize("flags", [[], ["--tls"]])
def test_a_port_that_says_nothing_is_named_when_the_time_is_up(polygist: Polygist, flags: list[str]):
    with saying(b"") as address:
        said = refuse(polygist, "-a", address, "--timeout", "300ms", *flags, code=5)
    assert f"error: no answer within 0.3 s: {address} takes connections and says nothing" in said


def test_no_server_and_no_host_are_named(polygist: Polygist, tmp_path: Path):
    assert "nothing answers at localhost:1 (connection refused); start polygist-server serve there" in refuse(
        polygist, "-a", "localhost:1"
    )
    assert "no host is called 'nowhere.invalid'" in refuse(polygist, "-a", "nowhere.invalid")
    assert f"nothing answers at unix:{tmp_path}/none (no such socket)" in refuse(
        polygist, "-a", f"unix:{tmp_path}/none"
    )


def test_no_server_at_a_list_of_addresses_is_named_in_the_same_words(polygist: Polygist, fake: Fake):
    words = "(connection refused); start polygist-server serve there, or give another with -a HOST:PORT\n"
    for address, place in (
        ("ipv4:127.0.0.1:1", "127.0.0.1:1"),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", "127.0.0.1:1"),
        ("dns:localhost:1", "localhost:1"),
    ):
        assert refuse(polygist, "-a", address) == f"error: nothing answers at {place} {words}"
    said = refuse(polygist, "-a", "ipv6:[::1]:1")  # which not every machine has
    assert "[::1]:1" in said
    assert said.endswith("give another with -a HOST:PORT\n") or "give another address with -a HOST:PORT\n" in said
    listed = fake.address.replace("127.0.0.1", "ipv4:127.0.0.1")
    assert f"{fake.address} speaks no TLS; leave out --tls" in refuse(polygist, "-a", listed, "--tls")


def test_no_server_behind_a_proxy_has_one_cure(polygist: Polygist, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    said = refuse(polygist, "-a", "polygist.example:1")
    assert said.endswith("; start polygist-server there, or give another address\n")


def test_tls_to_a_server_without_is_named(polygist: Polygist, fake: Fake, certificates: Path):
    address = fake.address.replace("127.0.0.1", "localhost")  # two addresses, of which one answers
    for flags in (["--tls"], ["--ca", certificates / "here.pem"]):
        assert f"{address} speaks no TLS; leave out --tls" in refuse(polygist, "-a", address, *flags)


def test_a_server_with_tls_is_named(polygist: Polygist, certificates: Path):
    with serving_tls(certificates, "here") as fake:
        assert f"{fake.address} speaks TLS; add --tls, or --ca FILE" in refuse(polygist, "-a", fake.address)


def test_a_certificate_that_is_not_trusted_is_named(polygist: Polygist, certificates: Path):
    with serving_tls(certificates, "here") as fake:
        said = refuse(polygist, "-a", fake.address, "--tls")
        assert "signed by none that this machine trusts; give --ca FILE" in said
        said = refuse(polygist, "-a", fake.address, "--ca", certificates / "there.pem")
        assert "signed by another than --ca trusts" in said
        assert polygist(*TRANSLATE, "-a", fake.address, "--ca", certificates / "here.pem").out == "A\n"


def test_a_certificate_for_another_name_is_named_with_that(polygist: Polygist, certificates: Path):
    with serving_tls(certificates, "there") as fake:
        said = refuse(polygist, "-a", fake.address, "--ca", certificates / "there.pem")
        assert "is not for 127.0.0.1; give -a with example.org" in said
        with (
            pytest.raises(TlsFailed, match="is for another name"),
            Client(fake.address, ca=certificates / "there.pem", reconnect_timeout=0) as client,
        ):
            client.translate("a", to="pt")


def test_a_server_that_wants_a_certificate_says_so(polygist: Polygist, certificates: Path):
    with serving_tls(certificates, "here", wants_ours=True) as fake:
        said = refuse(polygist, "-a", fake.address, "--ca", certificates / "here.pem")
    assert "wants a certificate of yours, or hangs up for another reason; give --cert FILE and --key FILE" in said


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--ca", "empty.pem"], "--ca: empty.pem is empty; give a PEM file"),
        (["--ca", "none.pem"], "--ca: none.pem does not exist; give a PEM file that does"),
        (["--ca", "."], "--ca: . is a folder; give the PEM file in it"),
        (["--ca", ""], "--ca: '' names no file; give a PEM file, or leave it out"),
        (["--ca", "der.pem"], "--ca: der.pem is DER, not PEM; convert it: openssl x509 -inform der -in der.pem"),
        (["--ca", "all.p12"], "--ca: all.p12 is PKCS#12, not PEM; convert it: openssl pkcs12 -in all.p12 -nokeys"),
        (["--ca", "utf-16.pem"], "--ca: utf-16.pem is UTF-16, not ASCII; convert it: iconv -f UTF-16"),
        (["--ca", "here.key"], "--ca: here.key holds a private key and no certificate; give the certificate's"),
        (["--ca", "damaged.pem"], "--ca: damaged.pem is damaged in its certificate 2 of 2; get it anew"),
        (["--ca", "cut-off.pem"], "--ca: cut-off.pem is cut off: a certificate in it has no -----END"),
        (
            ["--cert", "here.key", "--key", "here.pem"],
            "--cert: here.key holds the key, and here.pem the certificate; swap",
        ),
        (["--cert", "here.pem", "--key", "here.pem"], "--key: here.pem holds a certificate and no private key"),
        (["--cert", "here.pem", "--key", "encrypted.key"], "--key: encrypted.key is encrypted, "),
        (["--cert", "here.pem", "--key", "none.key"], "--key: none.key does not exist"),
        (["--cert", "damaged.pem", "--key", "here.key"], "--cert: damaged.pem is damaged in its certificate 2 of 2"),
        (["--cert", "here.pem", "--key", "cut-off.key"], "--key: cut-off.key is cut off"),
        (["--cert", "here.pem", "--key", "damaged.key"], "--key: damaged.key is damaged"),
        (
            ["--cert", "here.pem", "--key", "there.key"],
            "--key: there.key is not the key of the first certificate in here.pem; give the key of that",
        ),
    ],
)
def test_files_that_tls_cannot_use_are_named_before_anything_connects(
    polygist: Polygist, fake: Fake, certificates: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], message: str
):
    monkeypatch.chdir(certificates)
    assert f"error: {message}" in refuse(polygist, *flags, code=2)
    assert fake.asked == []
    paths = dict(zip((flag.removeprefix("--") for flag in flags[::2]), flags[1::2], strict=True))
    with pytest.raises(InvalidInput) as caught:
        Client("localhost:1", **paths)
    assert f"--{caught.value}".startswith(message)
    assert caught.value.field == message[2:].partition(":")[0]


def test_files_that_belong_together_are_named_as_flags(polygist: Polygist, certificates: Path):
    assert refuse(polygist, "--key", certificates / "here.key", code=2) == (
        "error: --cert and --key belong together; give both or neither\n"
    )
    said = refuse(polygist, "-a", "http://h:1", "--ca", certificates / "here.pem", code=2)
    assert said == "error: http:// is without TLS, but --ca is given; write https://h:1\n"


def test_a_key_in_place_of_its_path_is_not_repeated(certificates: Path):
    key = (certificates / "here.key").read_text()
    with pytest.raises(InvalidInput, match=r"^key is what is in a PEM file; give the path of the file$"):
        Client("localhost:1", cert=certificates / "here.pem", key=key)


def test_grpc_says_nothing_beside_the_error_about_a_file(certificates: Path):
    flags = ["--ca", certificates / "damaged.pem", "-a", "localhost:1"]
    done = subprocess.run([*COMMAND, *TRANSLATE, *flags], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)


def test_files_from_windows_and_from_a_pipe_are_read(certificates: Path):
    """As Notepad saves them, with a byte order mark; as `--key <(decrypt here.key)` gives them, once."""
    credentials = grpc.ssl_server_credentials(
        [((certificates / "here.key").read_bytes(), (certificates / "here.pem").read_bytes())],
        (certificates / "here.pem").read_bytes(),
        True,
    )
    with serving(Fake(), credentials=credentials) as fake:
        flags = "--ca notepad.pem --cert notepad.pem --key"
        for key in ("notepad.key", "<(cat here.key)"):
            line = f"{shlex.join([*COMMAND, *TRANSLATE])} -a {fake.address} {flags} {key}"
            done = subprocess.run(
                ["bash", "-c", line], capture_output=True, check=False, timeout=60, cwd=certificates, text=True
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, "A\n", "")


def test_why_there_is_no_connection_is_told_with_files_from_windows_too(polygist: Polygist, certificates: Path):
    with serving_tls(certificates, "there") as fake:
        said = refuse(polygist, "-a", fake.address, "--ca", certificates / "notepad.pem")
        assert "signed by another than --ca trusts" in said
    own = ["--cert", certificates / "notepad.pem", "--key", certificates / "notepad.key"]
    with serving_tls(certificates, "here", wants_ours=True) as fake:
        said = refuse(polygist, "-a", fake.address, *own)
        assert "signed by none that this machine trusts; give --ca FILE" in said


def test_grpc_says_nothing_beside_the_error(certificates: Path):
    with serving_tls(certificates, "here") as fake:
        done = subprocess.run(
            [*COMMAND, *TRANSLATE, "-a", fake.address, "--tls"], capture_output=True, check=False, timeout=60
        )
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (4, b"", 1)


def test_what_is_no_polygist_server_has_an_error_for_programs_too():
    with (
        saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", hangs_up=True) as address,
        Client(address, reconnect_timeout=0) as client,
        pytest.raises(ServerUnreachable, match="is no polygist server: it does not speak HTTP/2"),
    ):
        client.translate("a", to="pt")


def test_a_server_that_takes_its_time_is_not_taken_for_another(polygist: Polygist, certificates: Path):
    def wait(request: object) -> None:
        released.wait(timeout=60)

    released = threading.Event()
    with serving(Fake()) as plain, serving_tls(certificates, "here") as fake:
        for server, flags in ((plain, []), (fake, ["--ca", certificates / "here.pem"])):
            server.rules["Translate"] = wait
            said = refuse(polygist, "-a", server.address, "--timeout", "300ms", *flags, code=5)
            assert said == "error: no answer within 0.3 s; give more time (--timeout), or send less text\n"
        released.set()
