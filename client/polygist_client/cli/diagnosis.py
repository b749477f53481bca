"""Why there is no connection: looks at what answers at the address, where gRPC has no words for it.

gRPC tells what went wrong with the last address that it tried, in words for its makers; of a name with two addresses
that may be the wrong one.
"""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from polygist_client import (
    CallFailed,
    ConnectionOptions,
    DeadlineExceeded,
    InvalidInput,
    ServerUnreachable,
    TlsFailed,
    Unavailable,
)
from polygist_client.addresses import parse_address
from polygist_client.connection import read_certificates
from polygist_client.tls import Certificates

if TYPE_CHECKING:
    import ssl

SECONDS = 2.0
# The first words of a client of HTTP/2, and its settings, which say nothing.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
SETTINGS_FRAME = 4
START = "start polygist-server serve there, or give another with -a HOST:PORT"
PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
SELF_SIGNED = frozenset({18, 19, 20, 21})  # as OpenSSL numbers what is wrong with a certificate
OTHER_NAME = frozenset({62, 63, 64})
EXPIRED = 10


class SilenceError(Exception):
    """What answers takes the connection and says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the command line says to reach the server.

    Attributes:
        address: as it was given.
        host: name or IP address; empty for a socket of Unix.
        port: of the host.
        path: of the socket of Unix.
        certificates: what to trust and to show; None without TLS.
        seconds: how long to wait for what answers.
    """

    address: str
    host: str = ""
    port: int = 0
    path: str = ""
    certificates: Certificates | None = None
    seconds: float = SECONDS


def is_of_connection(error: BaseException) -> bool:
    """Tell whether looking at the address may say more than the error does."""
    kinds = (ServerUnreachable, TlsFailed, DeadlineExceeded)
    if not isinstance(error, CallFailed) or error.is_told or error.reason:
        return False
    return isinstance(error, kinds) or type(error) is Unavailable


def find_ways(address: str, options: ConnectionOptions) -> list[Way]:
    """Read an address, which may list several, and its options; empty where a proxy is between."""
    found = parse_address(address)
    try:
        certificates = read_certificates(found, options)
    except InvalidInput:  # what can be read once, such as a pipe of the shell's
        return []
    if found.text.startswith("unix:"):
        return [Way(address=found.text, path=found.text.removeprefix("unix:"), certificates=certificates)]
    if any(map(os.environ.get, PROXIES)) and not found.is_local:
        return []
    places = re.sub("^ipv[46]:", "", found.text).split(",")
    pairs = [(place, *place.rsplit(":", 1)) for place in places]
    return [
        Way(address=place, host=host.strip("[]"), port=int(port), certificates=certificates)
        for place, host, port in pairs
    ]


def diagnose(way: Way) -> str:
    """Say in a sentence with its cure why there is no connection; empty where all is well so far."""
    try:
        found = diagnose_tls(way, way.certificates) if way.certificates else None
        return diagnose_plain(way) if found is None else found
    except socket.gaierror:
        return f"no host is called {way.host!r}; give another address with -a HOST:PORT"
    except SilenceError:
        return f"{way.address} takes connections and says nothing: it hangs, or is no polygist server"
    except TimeoutError:
        return f"no answer from {way.address}: the host is down, or a firewall is between; give another address with -a"
    except FileNotFoundError:
        return f"nothing answers at {way.address} (no such socket); start polygist-server serve there"
    except ConnectionRefusedError:
        return f"nothing answers at {way.address} (connection refused); {START}"
    except OSError as error:
        return f"no connection to {way.address}: {error.strerror or error}; give another address with -a HOST:PORT"


def diagnose_tls(way: Way, certificates: Certificates) -> str | None:
    """Shake hands over TLS; None where what answers does not speak it."""
    import ssl  # only here: it takes its time, and nearly no run needs it

    context = certificates.make_context()
    context.set_alpn_protocols(["h2"])
    try:
        with connect(way) as plain, context.wrap_socket(plain, server_hostname=way.host or "localhost") as secure:
            if not hears(secure):
                cure = "it may not trust that of --cert" if certificates.cert else "give --cert FILE and --key FILE"
                return f"{way.address} wants a certificate of yours, or hangs up for another reason; {cure}"
            if secure.selected_alpn_protocol() != "h2":
                return f"what answers at {way.address} speaks TLS but not HTTP/2: it is no polygist server"
            return ""
    except ssl.SSLCertVerificationError as error:
        return describe_certificate(way, certificates, error)
    except ssl.SSLError as error:
        if "CERTIFICATE_REQUIRED" in str(error) or "HANDSHAKE_FAILURE" in str(error):
            return f"{way.address} wants a certificate of yours; give --cert FILE and --key FILE"
        return None
    except (TimeoutError, ConnectionResetError):
        return None


def hears(secure: "ssl.SSLSocket") -> bool:
    """Tell whether there is an answer behind a handshake: a certificate that is missing is only told there."""
    try:
        secure.sendall(PREFACE)
        return bool(secure.recv(1))
    except TimeoutError:
        return True
    except OSError:
        return False


def describe_certificate(way: Way, certificates: Certificates, error: "ssl.SSLCertVerificationError") -> str:
    """Say what is wrong with the server's certificate."""
    if error.verify_code in SELF_SIGNED:
        other = "another than --ca trusts" if certificates.ca else "none that this machine trusts"
        return (
            f"the certificate of {way.address} is signed by {other}; give --ca FILE: the certificate of its signer,"
            " or its own where that is self-signed"
        )
    if error.verify_code in OTHER_NAME:
        names = read_names(way, certificates)
        cure = f"give -a with {' or '.join(names)}" if names else "give -a with a name that it has"
        return f"the certificate of {way.address} is not for {way.host}; {cure}"
    if error.verify_code == EXPIRED:
        return f"the certificate of {way.address} has expired; the server needs a new one"
    return f"the certificate of {way.address} is not trusted: {error.verify_message}; see --ca"


def read_names(way: Way, certificates: Certificates) -> list[str]:
    """Return the names that the server's certificate is for."""
    context = certificates.make_context()
    context.check_hostname = False
    with suppress(OSError), connect(way) as plain, context.wrap_socket(plain) as secure:
        found = secure.getpeercert() or {}
        return [str(name) for kind, name in found.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]  # type: ignore[str-unpack]
    return []


def diagnose_plain(way: Way) -> str:
    """Greet as HTTP/2 does, and say what the answer is."""
    said = greet(way)
    if len(said) > SETTINGS_FRAME - 1 and said[3] == SETTINGS_FRAME and said[:2] == b"\0\0":
        return (
            f"{way.address} speaks no TLS; leave out --tls, --ca and --cert, or give its TLS port"
            if way.certificates
            else ""
        )
    if not way.certificates and (not said or said[0] == 0x15) and speaks_tls(way):
        return (
            f"{way.address} speaks TLS; add --tls, or --ca FILE where its certificate is not one that this machine"
            " trusts"
        )
    words = said.decode("ascii", "replace").splitlines()[0].strip() if said else ""
    if words.startswith("SSH-"):
        what = "an SSH server"
    elif words.startswith(("HTTP/", "<")):
        what = "a web server"
    elif len(words) > 1 and words.isprintable() and words.isascii():
        what = f"something that says {words[:40]!r}"
    elif said:
        what = "something"
    else:
        return f"{way.address} closes the connection at once: it is no polygist server; give another with -a HOST:PORT"
    return f"{what} answers at {way.address}, no polygist server; give another address with -a HOST:PORT"


def greet(way: Way) -> bytes:
    """Return the first words of what answers; empty where it hangs up."""
    said = b""
    with connect(way) as plain, suppress(ConnectionError):
        plain.sendall(PREFACE)
        while len(said) < 9:
            try:
                more = plain.recv(256)
            except TimeoutError:
                if not said:
                    raise SilenceError from None
                break
            if not more:
                break
            said += more
    return said


def speaks_tls(way: Way) -> bool:
    """Tell whether what answers shakes hands over TLS, with whatever certificate."""
    import ssl

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        with connect(way) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLError as error:
        return "ALERT" in str(error)  # it wants a certificate of ours
    except OSError:
        return False


@contextmanager
def connect(way: Way) -> Iterator[socket.socket]:
    """Connect to the first of the addresses that answers; raises OSError."""
    if way.path:
        with socket.socket(socket.AF_UNIX) as found:
            found.settimeout(way.seconds)
            found.connect(way.path)
            yield found
        return
    with socket.create_connection((way.host, way.port), timeout=way.seconds) as found:
        yield found
