"""The server's certificate and its key, taken up again when they have been renewed."""

import ssl
from pathlib import Path

import grpc

Pair = tuple[bytes, bytes]


class Certificates:
    """A certificate chain and its key, read from PEM files.

    Args:
        certificate, key: the files.

    Raises:
        OSError: they cannot be read, or do not belong together.
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

    def reload(self) -> bool:
        """Read the files again, for connections from now on; returns whether they have changed.

        Raises:
            OSError: see the class; the pair that was there stays.
        """
        before, self._pair = self._pair, self._read()
        return self._pair != before

    def _read(self) -> Pair:
        pair = (self._key.read_bytes(), self._certificate.read_bytes())
        try:
            # OpenSSL's own check; a key with a password fails here, and would ask for it otherwise.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._certificate, self._key, password=lambda: "")
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).lower().replace("_", " ")
            raise OSError(f"{self._certificate} and {self._key} are no certificate and its key: {reason}") from error
        return pair


def configure(pair: Pair) -> grpc.ServerCertificateConfiguration:
    """Return what gRPC makes of a pair; it takes each such object once."""
    return grpc.ssl_server_certificate_configuration([pair])
