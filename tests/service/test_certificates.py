"""Certificates and keys that a server is given: what cannot be used is named, with its setting and the cure."""

import base64
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from polygist.pem import PemError
from polygist_service.app.certificates import Certificates
from structlog.testing import capture_logs

# The files, by the command lines of openssl that make them.
COMMANDS = (
    "ecparam -name prime256v1 -genkey -noout -out sec1.pem",
    "pkey -in sec1.pem -out key.pem",
    "req -x509 -new -key key.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -out cert.pem",
    "ecparam -name prime256v1 -genkey -noout -out other.pem",
    "pkey -in key.pem -aes256 -passout pass:x -out encrypted.pem",
    "ec -in key.pem -aes256 -passout pass:x -out encrypted-as-of-old.pem",
    "pkey -in key.pem -outform der -out key.der",
    "x509 -in cert.pem -outform der -out cert.der",
    "pkcs12 -export -in cert.pem -inkey key.pem -passout pass:x -out both.p12",
    "crl2pkcs7 -nocrl -certfile cert.pem -outform der -out cert.p7c",
    "req -x509 -newkey ed25519 -nodes -days 2 -subj /CN=localhost -keyout ed25519-key.pem -out ed25519.pem",
    "req -x509 -newkey ed448 -nodes -days 2 -subj /CN=localhost -keyout ed448-key.pem -out ed448.pem",
    "genrsa -out weak-key.pem 1024",
    "req -x509 -new -key weak-key.pem -days 2 -subj /CN=localhost -out weak.pem",
    "crl2pkcs7 -nocrl -certfile cert.pem -out cert.p7b",
    "req -new -key key.pem -subj /CN=localhost -out request.pem",
    "pkey -in key.pem -pubout -out public.pem",
    "x509 -req -in request.pem -signkey key.pem -days -1 -out expired.pem",
    "x509 -in cert.pem -signkey key.pem -days -1 -out expired-ca.pem",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Keys and certificates of every kind."""
    folder = tmp_path_factory.mktemp("tls")
    for command in COMMANDS:
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    (folder / "both.pem").write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    (folder / "empty.pem").write_text("\n")
    (folder / "words.pem").write_text("the certificate is in the other file")
    cut = (folder / "cert.pem").read_text()
    (folder / "damaged.pem").write_text(cut[:100] + cut[140:])
    (folder / "chain.pem").write_text(cut + cut[:100] + cut[140:])
    changed = bytearray(ssl.PEM_cert_to_DER_cert(cut))
    changed[changed.index(b"\xa0\x03\x02\x01\x02") + 4] = 5  # the version, of which there are three
    (folder / "odd.pem").write_text(ssl.DER_cert_to_PEM_cert(bytes(changed)))
    (folder / "cut-off.pem").write_text(cut[:300])
    (folder / "utf-16.pem").write_text(cut, encoding="utf-16")
    (folder / "secret.pem").write_bytes(base64.b64encode(cut.encode()))
    key = (folder / "key.pem").read_text()
    (folder / "damaged-key.pem").write_text(key[:60] + key[90:])
    (folder / "cut-off-key.pem").write_text(key[:100])
    (folder / "utf-16-key.pem").write_text(key, encoding="utf-16-le")
    # As Notepad saves them, from Windows, and as they are pasted out of YAML.
    (folder / "notepad.pem").write_text(cut + cut, encoding="utf-8-sig", newline="\r\n")
    (folder / "notepad-key.pem").write_text(key, encoding="utf-8-sig", newline="\r\n")
    (folder / "joined.pem").write_bytes(
        (folder / "notepad.pem").read_bytes() + (folder / "notepad-key.pem").read_bytes()
    )
    (folder / "said.pem").write_text(f"Zürich\n{cut}", encoding="utf-8")
    (folder / "indented.pem").write_text("".join(f"  {line}\n" for line in cut.splitlines()))
    (folder / "ssh.pem").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    return folder


@pytest.mark.parametrize(
    ("certificate", "key"),
    [
        ("cert.pem", "key.pem"),
        ("cert.pem", "sec1.pem"),
        ("both.pem", "both.pem"),
        ("notepad.pem", "key.pem"),
        ("cert.pem", "notepad-key.pem"),
        ("joined.pem", "joined.pem"),
        ("indented.pem", "key.pem"),
        ("said.pem", "key.pem"),
    ],
)
def test_a_certificate_and_its_key_are_taken_and_served(folder, certificate, key):
    with capture_logs() as logs:
        credentials = Certificates(folder / certificate, folder / key).credentials()
    assert logs == []
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_secure_port("localhost:0", credentials)
    server.start()
    try:
        served = ssl.get_server_certificate(("localhost", port))
    finally:
        server.stop(None).wait()
    assert served == (folder / "cert.pem").read_text()


@pytest.mark.parametrize(
    ("certificate", "key", "problem"),
    [
        ("key.pem", "cert.pem", "tls_cert: .* holds the key, and .* the certificate; swap them"),
        ("encrypted.pem", "cert.pem", "swap them"),
        (
            "cert.pem",
            "encrypted.pem",
            "tls_key: .* is encrypted, .*openssl pkey -in .*encrypted.pem -out decrypted.pem",
        ),
        ("cert.pem", "encrypted-as-of-old.pem", "tls_key: .* is encrypted"),
        ("cert.der", "key.pem", "tls_cert: .* is DER, not PEM; convert it: openssl x509 -inform der"),
        ("cert.pem", "key.der", "tls_key: .* is DER, not PEM; convert it: openssl pkey -inform der"),
        ("both.p12", "key.pem", r"tls_cert: .* is PKCS#12, not PEM; convert it: openssl pkcs12 .* -nokeys"),
        ("cert.pem", "both.p12", r"tls_key: .* is PKCS#12, not PEM; convert it: openssl pkcs12 .* -nocerts"),
        ("cert.p7b", "key.pem", "tls_cert: .* holds PKCS#7; .*openssl pkcs7 -print_certs"),
        ("request.pem", "key.pem", "tls_cert: .* holds a request for a certificate"),
        ("cert.pem", "public.pem", "tls_key: .* holds a public key; give the private one"),
        ("cert.pem", "ssh.pem", "tls_key: .* holds a key of OpenSSH; convert it: ssh-keygen"),
        ("empty.pem", "key.pem", "tls_cert: .* is empty"),
        ("cert.pem", "empty.pem", "tls_key: .* is empty"),
        ("words.pem", "key.pem", "tls_cert: .* holds no certificate in PEM"),
        ("cert.pem", "words.pem", "tls_key: .* holds no private key in PEM"),
        ("damaged.pem", "key.pem", "tls_cert: .*damaged.pem is damaged; get it anew"),
        ("chain.pem", "key.pem", "tls_cert: .*chain.pem is damaged in its certificate 2 of 2; get it anew"),
        (
            "odd.pem",
            "key.pem",
            "tls_cert: .*odd.pem is nothing that gRPC takes, though OpenSSL does; make a pair of ECDSA",
        ),
        ("ed448.pem", "ed448-key.pem", "tls_cert: .*ed448.pem is nothing that gRPC takes, .*; make a pair of ECDSA"),
        ("cut-off.pem", "key.pem", "tls_cert: .*cut-off.pem is cut off: .* no -----END CERTIFICATE-----"),
        ("cert.pem", "damaged-key.pem", "tls_key: .*damaged-key.pem is damaged"),
        ("cert.pem", "cut-off-key.pem", "tls_key: .*cut-off-key.pem is cut off"),
        (
            "weak.pem",
            "weak-key.pem",
            "tls_cert: .*weak.pem has a key that is damaged, or too short for TLS today; make a new one",
        ),
        ("utf-16.pem", "key.pem", "tls_cert: .* is UTF-16, not ASCII; convert it: iconv -f UTF-16 -t UTF-8"),
        ("cert.pem", "utf-16-key.pem", "tls_key: .* is UTF-16LE, not ASCII; convert it: iconv -f UTF-16LE"),
        ("secret.pem", "key.pem", "tls_cert: .* is base64 of a PEM file; decode it: base64 -d"),
        ("cert.p7c", "key.pem", r"tls_cert: .* is PKCS#7 in DER, not PEM; .*openssl pkcs7 -inform der -print_certs"),
        ("cert.pem", "cert.der", "tls_key: .* holds a certificate and no private key, in DER"),
        ("none.pem", "key.pem", "tls_cert: .* does not exist"),
        ("cert.pem", "none.pem", "tls_key: .* does not exist"),
        (".", "key.pem", "tls_cert: .* is a folder"),
        ("cert.pem", ".", "tls_key: .* is a folder"),
        ("cert.pem", "cert.pem", "tls_key: .* holds a certificate and no private key"),
        ("key.pem", "key.pem", "tls_cert: .* holds a private key and no certificate"),
        ("cert.pem", "other.pem", "tls_key: .*other.pem is not the key of the first certificate in .*cert.pem; give"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_setting_and_the_cure(folder, certificate, key, problem):
    with pytest.raises(PemError, match=problem) as caught:
        Certificates(folder / certificate, folder / key)
    assert "\n" not in str(caught.value)
    assert "ssl" not in str(caught.value).replace("openssl", "")
    assert ";" in str(caught.value)


@pytest.mark.parametrize(
    ("client_ca", "problem"),
    [
        ("none.pem", "does not exist; give a PEM file that does"),
        ("empty.pem", "is empty; give a PEM file"),
        ("key.pem", "holds a private key and no certificate"),
        ("words.pem", "holds no certificate in PEM"),
        ("chain.pem", "is damaged in its certificate 2 of 2; get it anew"),
        ("cert.der", "is DER, not PEM; convert it: openssl x509 -inform der"),
        ("odd.pem", "is nothing that gRPC takes, though OpenSSL does"),
    ],
)
def test_a_file_of_authorities_that_cannot_be_used_is_named_with_the_cure(folder, client_ca, problem):
    with pytest.raises(PemError, match=f"tls_client_ca: .*{client_ca} {problem}"):
        Certificates(folder / "cert.pem", folder / "key.pem", folder / client_ca)


def test_an_authority_that_has_expired_is_warned_about(folder):
    with capture_logs() as logs:
        Certificates(folder / "cert.pem", folder / "key.pem", folder / "expired-ca.pem")
    (line,) = logs
    assert (line["log_level"], line["file"]) == ("warning", str(folder / "expired-ca.pem"))
    assert "clients are refused whose own it has signed; renew it" in line["hint"]


def test_a_certificate_that_every_client_refuses_is_warned_about(folder):
    with capture_logs() as logs:
        Certificates(folder / "expired.pem", folder / "key.pem")
    (line,) = logs
    assert (line["log_level"], line["file"]) == ("warning", str(folder / "expired.pem"))
    assert "has expired; renew it" in line["hint"]


def test_a_key_that_clients_of_grpc_do_not_speak_is_warned_about(folder):
    with capture_logs() as logs:
        Certificates(folder / "ed25519.pem", folder / "ed25519-key.pem")
    (line,) = logs
    assert (line["log_level"], line["file"]) == ("warning", str(folder / "ed25519-key.pem"))
    assert "make a pair of ECDSA" in line["hint"]


def test_a_pair_that_is_wrong_leaves_the_one_that_was_there(folder, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes((folder / "cert.pem").read_bytes())
    key.write_bytes((folder / "key.pem").read_bytes())
    certificates = Certificates(cert, key)
    key.write_bytes((folder / "encrypted.pem").read_bytes())
    with pytest.raises(PemError, match=r"tls_key: .* is encrypted"):
        certificates.reload()
    key.write_bytes((folder / "key.pem").read_bytes())
    assert certificates.reload() is False
