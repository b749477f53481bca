"""Certificates and keys that a server is given: what cannot be used is named, with its setting and the cure."""

import subprocess
from pathlib import Path

import pytest
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
    "crl2pkcs7 -nocrl -certfile cert.pem -out cert.p7b",
    "genrsa -out weak.pem 512",
    "req -x509 -new -key weak.pem -days 2 -subj /CN=localhost -out weak-cert.pem",
    "req -new -key key.pem -subj /CN=localhost -out request.pem",
    "pkey -in key.pem -pubout -out public.pem",
    "x509 -req -in request.pem -signkey key.pem -days -1 -out expired.pem",
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
    (folder / "cut.pem").write_text((folder / "key.pem").read_text()[:90] + "\n-----END PRIVATE KEY-----\n")
    for name in ("cert", "key"):
        (folder / f"{name}-marked.pem").write_text((folder / f"{name}.pem").read_text(), encoding="utf-8-sig")
        (folder / f"{name}-wide.pem").write_text((folder / f"{name}.pem").read_text(), encoding="utf-16")
    (folder / "said.pem").write_text(f"Zürich\n{(folder / 'cert.pem').read_text()}", encoding="utf-8")
    (folder / "ssh.pem").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    return folder


@pytest.mark.parametrize(
    ("certificate", "key"),
    [("cert.pem", "key.pem"), ("cert.pem", "sec1.pem"), ("both.pem", "both.pem"), ("said.pem", "key.pem")],
)
def test_a_certificate_and_its_key_are_taken(folder, certificate, key):
    with capture_logs() as logs:
        Certificates(folder / certificate, folder / key)
    assert logs == []


@pytest.mark.parametrize(
    ("certificate", "key", "problem"),
    [
        ("key.pem", "cert.pem", "tls_cert: .* holds the key and tls_key: .* the certificate; swap them"),
        ("encrypted.pem", "cert.pem", "swap them"),
        ("cert.pem", "encrypted.pem", "tls_key: .* is encrypted, .*openssl pkey -in .*encrypted.pem -out key.pem"),
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
        ("damaged.pem", "key.pem", "tls_cert: .*/damaged.pem is damaged: .* no whole certificate"),
        ("cert.pem", "cut.pem", "tls_key: .*/cut.pem is damaged: .* no whole key"),
        ("cert-marked.pem", "key.pem", "tls_cert: .* begins with a byte order mark.*; remove it: sed"),
        ("cert.pem", "key-marked.pem", "tls_key: .* begins with a byte order mark.*; remove it: sed"),
        ("cert-wide.pem", "key.pem", "tls_cert: .* is UTF-16; convert it: iconv"),
        ("weak-cert.pem", "weak.pem", "tls_key: .* is too weak for TLS .*; make a new one: RSA of 2048 bits"),
        ("none.pem", "key.pem", "tls_cert: .* does not exist"),
        ("cert.pem", "none.pem", "tls_key: .* does not exist"),
        (".", "key.pem", "tls_cert: .* is a folder"),
        ("cert.pem", ".", "tls_key: .* is a folder"),
        ("cert.pem", "cert.pem", "tls_key: .* holds a certificate and no private key"),
        ("key.pem", "key.pem", "tls_cert: .* holds a private key and no certificate"),
        ("cert.pem", "other.pem", "tls_cert and tls_key do not belong together"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_setting_and_the_cure(folder, certificate, key, problem):
    with pytest.raises(OSError, match=problem) as caught:
        Certificates(folder / certificate, folder / key)
    assert "\n" not in str(caught.value)
    assert "ssl" not in str(caught.value).replace("openssl", "")
    assert ";" in str(caught.value)


def test_a_certificate_that_every_client_refuses_is_warned_about(folder):
    with capture_logs() as logs:
        Certificates(folder / "expired.pem", folder / "key.pem")
    (line,) = logs
    assert (line["log_level"], line["file"]) == ("warning", str(folder / "expired.pem"))
    assert "has expired; renew it" in line["hint"]


def test_a_pair_that_is_wrong_leaves_the_one_that_was_there(folder, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes((folder / "cert.pem").read_bytes())
    key.write_bytes((folder / "key.pem").read_bytes())
    certificates = Certificates(cert, key)
    key.write_bytes((folder / "encrypted.pem").read_bytes())
    with pytest.raises(OSError, match=r"tls_key: .* is encrypted"):
        certificates.reload()
    key.write_bytes((folder / "key.pem").read_bytes())
    assert certificates.reload() is False
