"""The server's certificate and its key, and whose clients it takes; taken up again when they have been renewed."""

import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import grpc
import structlog
from polygist.pem import Pem, check_certificates, check_pair, load_pair, read_pem

log = structlog.get_logger(__name__)

ED25519 = b"wBQYDK2Vw"  # in base64, what a key of this kind begins with in PKCS#8, its only form
EXPIRED, NOT_YET_VALID = 10, 9  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID


class Contents(NamedTuple):
    """What the files hold, in PEM.

    Attributes:
        key, certificate: of the server.
        client_ca: who has to have signed the certificate of a client; None lets clients without one in.
    """

    key: bytes
    certificate: bytes
    client_ca: bytes | None = None


class Certificates:
    """A certificate chain and its key, read from PEM files, and those of who signs the certificates of clients.

    Args:
        certificate, key: the files.
        client_ca: the file of the certificates that a client's has to be signed by; None asks clients for none.

    Raises:
        PemError: they cannot be read, are something else, or do not belong together; names the setting and the cure.
    """

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None = None) -> None:
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._contents = self._read()

    def credentials(self) -> grpc.ServerCredentials:
        """Return the credentials of one server, which asks at each handshake whether there is something newer.

        A second server needs its own: what has been handed out once is not handed out again.
        """
        given = self._contents

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            if given == self._contents:
                return None
            given = self._contents
            return configure(given)

        return make_credentials(given, fetch)

    def context(self) -> ssl.SSLContext:
        """Return what encrypts the connections of a server that is not gRPC's."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_pair(context, self._contents.certificate, self._contents.key)
        if self._contents.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as gRPC does: FILE may hold the signer alone
            context.load_verify_locations(cadata=self._contents.client_ca.decode())
        return context

    def reload(self) -> bool:
        """Read the files again, for connections from now on; returns whether they have changed.

        Raises:
            PemError: see the class; what was there stays.
        """
        before, self._contents = self._contents, self._read()
        return self._contents != before

    def _read(self) -> Contents:
        is_one = self._key == self._certificate
        certificate = read_pem("tls_cert", self._certificate)
        key = replace(certificate, setting="tls_key") if is_one else read_pem("tls_key", self._key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        check_pair(certificate, key, context)
        client_ca = read_client_ca(self._client_ca) if self._client_ca else None
        contents = Contents(key.content, certificate.content)
        if not is_taken(contents):
            raise certificate.refuse(
                "is nothing that gRPC takes, though OpenSSL does; make a pair of ECDSA (P-256) or RSA"
            )
        if client_ca:
            contents = contents._replace(client_ca=client_ca.content)
            if not is_taken(contents):
                raise client_ca.refuse("is nothing that gRPC takes, though OpenSSL does; make it anew, of ECDSA or RSA")
        if doubt := find_doubt(context, certificate.content):
            log.warning("certificate", file=str(self._certificate), hint=f"tls_cert {doubt}; renew it and send SIGHUP")
        if ED25519 in key.content:
            hint = "tls_key is of Ed25519, which clients on gRPC's core (Python, C++, Ruby, PHP) do not speak"
            log.warning("certificate", file=str(self._key), hint=f"{hint}; make a pair of ECDSA (P-256) or RSA")
        return contents


def read_client_ca(path: Path) -> Pem:
    """Read the certificates that sign those of clients; raises PemError where it cannot be used."""
    client_ca = read_pem("tls_client_ca", path)
    check_certificates(client_ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_verify_locations(cadata=client_ca.content.decode())
    if any(ssl.cert_time_to_seconds(str(each["notAfter"])) < time.time() for each in context.get_ca_certs()):
        hint = "tls_client_ca holds a certificate that has expired: clients are refused whose own it has signed"
        log.warning("certificate", file=str(path), hint=f"{hint}; renew it and send SIGHUP")
    return client_ca


def configure(contents: Contents) -> grpc.ServerCertificateConfiguration:
    """Return what gRPC makes of the files; it takes each such object once."""
    pair = contents.key, contents.certificate
    return grpc.ssl_server_certificate_configuration([pair], root_certificates=contents.client_ca)


def make_credentials(
    contents: Contents, fetch: Callable[[], grpc.ServerCertificateConfiguration | None]
) -> grpc.ServerCredentials:
    """Return the credentials of a server, which asks `fetch` at each handshake for newer files; None is none."""
    needs_certificate = contents.client_ca is not None
    # The stubs do not know that nothing new is None.
    return grpc.dynamic_ssl_server_credentials(configure(contents), fetch, needs_certificate)  # type: ignore[arg-type]


def is_taken(contents: Contents) -> bool:
    """Whether gRPC takes files, which it tells at a port only: here one without number or file, and never open."""
    server = grpc.server(ThreadPoolExecutor(1))
    credentials = make_credentials(contents, lambda: None)
    try:
        server.add_secure_port(f"unix-abstract:{uuid4()}", credentials)
    except RuntimeError:
        with suppress(RuntimeError):  # where this is none either, it is not for the pair
            server.add_insecure_port(f"unix-abstract:{uuid4()}")
            return False
    finally:
        server.stop(None)
    return True


def find_doubt(context: ssl.SSLContext, certificate: bytes) -> str:
    """Why every client that checks would refuse a certificate; empty where the date is no reason to.

    Found by a handshake in memory: the ssl module tells the dates of a certificate to who has verified it only.
    """
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname = False
    asking.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        asking.load_verify_locations(cadata=certificate.decode())
        client = asking.wrap_bio(to_client, to_server)
        server = context.wrap_bio(to_server, to_client, server_side=True)
        for side in (client, server, client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    except ssl.SSLCertVerificationError as error:
        return {EXPIRED: "has expired", NOT_YET_VALID: "is not valid yet"}.get(error.verify_code, "")
    except ssl.SSLError:  # whatever else: a client tells better than this rehearsal
        return ""
    return ""
