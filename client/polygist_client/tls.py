"""TLS: what PEM files should hold and what other files are, and what gRPC's own log says of handshakes: nothing."""

import os
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


def check_pem(field: str, path: str, content: bytes, kind: PemKind) -> bytes:
    """Return the content of a PEM file; raises InvalidInput where it holds nothing of this kind.

    Args:
        field: the option that names the file.
        path: of the file.
        content: of the file.
        kind: what it should hold.
    """
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
    elif problem and content.startswith(DER):
        tool = "x509" if kind == "certificate" else "pkey"
        problem = f"is in DER, not PEM; convert it: openssl {tool} -inform DER -in {path} -out {path}.pem"
    if problem:
        raise InvalidInput(f"{field}: {path} {problem}", field=field)
    return content


def describe(kind: PemKind) -> str:
    """Say that there is nothing of this kind."""
    begin = "CERTIFICATE" if kind == "certificate" else "PRIVATE KEY"
    return f"holds no {kind} in PEM, which begins with -----BEGIN {begin}-----"
