"""TLS: the PEM files that a client is given, and what gRPC's own log says of handshakes: nothing."""

import os
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING

from polygist_client.errors import InvalidInput

if TYPE_CHECKING:
    import ssl

StrPath = str | PathLike[str]

ANY_LENGTH = "DEFAULT:@SECLEVEL=0"  # whether a key is long enough is for the server to say, as gRPC sees it
LOG_LEVEL = "GRPC_VERBOSITY"
if LOG_LEVEL not in os.environ:
    # Errors only, as its documentation says of the default: without it each handshake that fails has a line on standard
    # error, beside our exception. It is read when gRPC is imported and never again, so that no child gets to see ours.
    os.environ[LOG_LEVEL] = "ERROR"
    import grpc  # noqa: F401

    del os.environ[LOG_LEVEL]


@dataclass(frozen=True, slots=True)
class Certificates:
    """The contents of PEM files, in the order that gRPC takes them; None is what there is none of."""

    ca: bytes | None = None
    key: bytes | None = field(default=None, repr=False)
    cert: bytes | None = None

    def make_context(self) -> "ssl.SSLContext":
        """Make what trusts and shows, through the ssl module, what gRPC is given here."""
        import ssl

        from polygist.pem import load_pair

        context = ssl.create_default_context(cadata=self.ca.decode() if self.ca else None)
        if self.cert and self.key:
            context.set_ciphers(ANY_LENGTH)
            load_pair(context, self.cert, self.key)
        return context


def read_files(ca: StrPath | None, cert: StrPath | None, key: StrPath | None) -> Certificates:
    """Read and check the PEM files that there are.

    Raises:
        InvalidInput: one of them cannot be used; names the option and the cure.
    """
    if not (ca or cert):
        return Certificates()
    # Only here: nearly no client needs it, and it takes its time to import.
    import ssl

    from polygist.pem import PemError, check_certificates, check_pair, read_pem

    try:
        trusted = read_pem("ca", ca, takes_pipe=True) if ca else None
        if trusted:
            check_certificates(trusted)
        own = (read_pem("cert", cert, takes_pipe=True), read_pem("key", key, takes_pipe=True)) if cert and key else None
        if own:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.set_ciphers(ANY_LENGTH)
            check_pair(*own, context)
    except PemError as error:
        raise InvalidInput(str(error), field=error.setting) from error
    return Certificates(
        trusted.content if trusted else None, own[1].content if own else None, own[0].content if own else None
    )
