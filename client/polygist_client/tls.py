"""TLS: what PEM files should hold and what other files are, and what gRPC's own log says of handshakes: nothing."""

import os
import re
from os import PathLike
from typing import Literal

from polygist_client.errors import InvalidInput

LOG_LEVEL = "GRPC_VERBOSITY"
if LOG_LEVEL not in os.environ:
    # Errors only, as its documentation says of the default: without it each handshake that fails has a line on standard
    # error, beside our exception. It is read when gRPC is imported and never again, so that no child gets to see ours.
    os.environ[LOG_LEVEL] = "ERROR"
    import grpc  # noqa: F401

    del os.environ[LOG_LEVEL]

PemKind = Literal["certificate", "private key"]

DER = b"\x30\x82"
PKCS12 = re.compile(rb"\x30(?:\x80|[\x00-\x7f]|\x81.|\x82..|\x83...)\x02\x01\x03", re.DOTALL)
# What editors save before, or instead of, the ASCII that PEM is.
MARKS = {
    b"\xef\xbb\xbf": "begins with a byte order mark; remove it: sed -i '1s/^\\xef\\xbb\\xbf//' {path}",
    b"\xff\xfe": "is UTF-16; convert it: iconv -f UTF-16 -t ASCII {path}",
    b"\xfe\xff": "is UTF-16; convert it: iconv -f UTF-16 -t ASCII {path}",
}


def read_pem(field: str, path: str | PathLike[str], kind: PemKind) -> bytes:
    """Read a PEM file; raises InvalidInput where it cannot be read, or holds nothing of this kind that is whole.

    Args:
        field: the option that names the file.
        path: of the file.
        kind: what it should hold.
    """
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except OSError as error:
        raise InvalidInput(f"{field}: {path}: {error.strerror}; give a PEM file", field=field) from error
    check_pem(field, str(path), content, kind)
    if kind == "certificate" and not is_whole(content):
        problem = "is damaged: between its marks there is no whole certificate; get it anew"
        raise InvalidInput(f"{field}: {path} {problem}", field=field)
    return content


def is_whole(content: bytes) -> bool:
    """Tell whether OpenSSL reads the certificates of a PEM file."""
    import ssl  # only here: whoever uses no TLS need not wait for it

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content.decode("ascii", "ignore"))
    except ssl.SSLError:
        return False
    return True


def check_pair(cert: str | PathLike[str], key: str | PathLike[str]) -> None:
    """Raise InvalidInput where a key is damaged, or another than that of the certificate."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, password=lambda: "")
    except ssl.SSLError as error:
        reason = str(error.reason or error)
        if "MISMATCH" in reason:
            problem = f"is not the key of the certificate in {cert}; give the one that is"
        elif "TOO_SMALL" in reason or "TOO_WEAK" in reason:
            problem = "is too weak for TLS; have a new one made: RSA of 2048 bits or more, or EC, with SHA-256"
        else:
            problem = "is damaged: between its marks there is no whole key; get it anew"
        raise InvalidInput(f"key: {key} {problem}", field="key") from None


def check_pem(field: str, path: str, content: bytes, kind: PemKind) -> None:
    """Raise InvalidInput where a PEM file holds nothing of this kind.

    Args:
        field: the option that names the file.
        path: of the file.
        content: of the file.
        kind: what it should hold.
    """
    for mark, problem in MARKS.items():
        if content.startswith(mark):
            raise InvalidInput(f"{field}: {path} {problem.format(path=path)}", field=field)
    has_key, has_certificate = b"PRIVATE KEY-----" in content, b"-----BEGIN CERTIFICATE-----" in content
    problem = ""
    if kind == "private key" and (b"ENCRYPTED PRIVATE KEY-----" in content or b"Proc-Type: 4,ENCRYPTED" in content):
        problem = f"holds a key that is encrypted; decrypt it: openssl pkey -in {path} -out decrypted.pem"
    elif kind == "private key" and not has_key:
        problem = "holds a certificate and no private key; are the two swapped?" if has_certificate else describe(kind)
    elif kind == "certificate" and not has_certificate:
        problem = "holds a private key and no certificate; are the two swapped?" if has_key else describe(kind)
    if problem and not content.strip():
        problem = f"is empty; it should hold a {kind} in PEM"
    elif problem and PKCS12.match(content):
        part = "-nokeys" if kind == "certificate" else "-nocerts -nodes"
        problem = f"is PKCS#12, not PEM; convert it: openssl pkcs12 -in {path} {part} -out {path}.pem"
    elif problem and content.startswith(DER):
        tool = "x509" if kind == "certificate" else "pkey"
        problem = f"is in DER, not PEM; convert it: openssl {tool} -inform DER -in {path} -out {path}.pem"
    if problem:
        raise InvalidInput(f"{field}: {path} {problem}", field=field)


def describe(kind: PemKind) -> str:
    """Say that there is nothing of this kind."""
    begin = "CERTIFICATE" if kind == "certificate" else "PRIVATE KEY"
    return f"holds no {kind} in PEM, which begins with -----BEGIN {begin}-----"
