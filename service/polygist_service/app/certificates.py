"""The server's certificate and its key, taken up again when they have been renewed."""

import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import grpc
import structlog
from polygist.pem import check_pair, load_pair, read_pem

log = structlog.get_logger(__name__)

Pair = tuple[bytes, bytes]

ED25519 = b"wBQYDK2Vw"  # in base64, what a key of this kind begins with in PKCS#8, its only form
EXPIRED, NOT_YET_VALID = 10, 9  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID


class Certificates:
    """A certificate chain and its key, read from PEM files.

    Args:
        certificate, key: the files.

    Raises:
        PemError: they cannot be read, are something else, or do not belong together; names the setting and the cure.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._pair = self._read()

    def credentials(self) -> grpc.ServerCredentials:
        """Return the credentials of one server, which asks at each handshake whether there is a newer pair.

        A second server needs its own: what has been handed out once is not handed out again.
        """
        given = self._pair

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            if given == self._pair:
                return None
            given = self._pair
            return configure(given)

        # The stubs do not know that nothing new is None.
        return grpc.dynamic_ssl_server_credentials(configure(given), fetch)  # type: ignore[arg-type]

    def context(self) -> ssl.SSLContext:
        """Return what encrypts the connections of a server that is not gRPC's."""
        key, certificate = self._pair
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        load_pair(context, certificate, key)
        return context

    def reload(self) -> bool:
        """Read the files again, for connections from now on; returns whether they have changed.

        Raises:
            PemError: see the class; the pair that was there stays.
        """
        before, self._pair = self._pair, self._read()
        return self._pair != before

    def _read(self) -> Pair:
        is_one = self._key == self._certificate
        certificate = read_pem("tls_cert", self._certificate)
        key = replace(certificate, setting="tls_key") if is_one else read_pem("tls_key", self._key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        check_pair(certificate, key, context)
        pair = key.content, certificate.content
        if not is_taken(pair):
            raise certificate.refuse(
                "is nothing that gRPC takes, though OpenSSL does; make a pair of ECDSA (P-256) or RSA"
            )
        if doubt := find_doubt(context, certificate.content):
            log.warning("certificate", file=str(self._certificate), hint=f"tls_cert {doubt}; renew it and send SIGHUP")
        if ED25519 in key.content:
            hint = "tls_key is of Ed25519, which clients on gRPC's core (Python, C++, Ruby, PHP) do not speak"
            log.warning("certificate", file=str(self._key), hint=f"{hint}; make a pair of ECDSA (P-256) or RSA")
        return pair


def configure(pair: Pair) -> grpc.ServerCertificateConfiguration:
    """Return what gRPC makes of a pair; it takes each such object once."""
    return grpc.ssl_server_certificate_configuration([pair])


def is_taken(pair: Pair) -> bool:
    """Whether gRPC takes a pair, which it tells at a port only: here one without number or file, and never open."""
    server = grpc.server(ThreadPoolExecutor(1))
    credentials = grpc.dynamic_ssl_server_credentials(configure(pair), lambda: None)  # type: ignore[arg-type,return-value]
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
