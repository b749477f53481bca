"""The server's certificate and its key, taken up again when they have been renewed."""

import errno
import re
import ssl
from pathlib import Path

import grpc
import structlog

log = structlog.get_logger(__name__)

Pair = tuple[bytes, bytes]

LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")
KEYS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
# What else there is in PEM, and how to make of it what is wanted.
OTHERS = {
    "CERTIFICATE REQUEST": "a request for a certificate; have it signed and give the answer",
    "NEW CERTIFICATE REQUEST": "a request for a certificate; have it signed and give the answer",
    "PKCS7": "PKCS#7; take the certificates out of it: openssl pkcs7 -print_certs -in {path} -out cert.pem",
    "PUBLIC KEY": "a public key; give the private one",
    "OPENSSH PRIVATE KEY": "a key of OpenSSH; convert it: ssh-keygen -p -m PKCS8 -f {path}",
}
# What editors save before, or instead of, the ASCII that OpenSSL reads.
MARKS = {
    b"\xef\xbb\xbf": "begins with a byte order mark; remove it: sed -i '1s/^\\xef\\xbb\\xbf//' {path}",
    b"\xff\xfe": "is UTF-16; convert it: iconv -f UTF-16 -t ASCII {path}",
    b"\xfe\xff": "is UTF-16; convert it: iconv -f UTF-16 -t ASCII {path}",
}
DER = b"\x30"  # a sequence, which all of them are
PKCS12 = re.compile(rb"\x30(?:\x80|[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", re.DOTALL)
CONVERSIONS = {"tls_cert": "x509", "tls_key": "pkey"}
EXPIRED, NOT_YET_VALID = 10, 9  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID


class Certificates:
    """A certificate chain and its key, read from PEM files.

    Args:
        certificate, key: the files.

    Raises:
        OSError: they cannot be read, are something else, or do not belong together; names the setting and the cure.
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
        certificate = read_file("tls_cert", self._certificate)
        key = certificate if self._key == self._certificate else read_file("tls_key", self._key)
        labels, key_labels = find_labels(certificate), find_labels(key)
        if "CERTIFICATE" not in labels and holds_key(labels) and "CERTIFICATE" in key_labels:
            raise OSError(
                f"tls_cert: {self._certificate} holds the key and tls_key: {self._key} the certificate; swap them"
            )
        check_certificate(self._certificate, certificate, labels)
        check_key(self._key, key, key_labels)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # OpenSSL's own check; a key with a password fails here, and would ask for it otherwise.
            context.load_cert_chain(self._certificate, self._key, password=lambda: "")
        except ssl.SSLError as error:
            raise OSError(explain(error, self._certificate, self._key, certificate)) from error
        if doubt := find_doubt(context, certificate):
            log.warning("certificate", file=str(self._certificate), hint=f"tls_cert {doubt}; renew it and send SIGHUP")
        return key, certificate


def configure(pair: Pair) -> grpc.ServerCertificateConfiguration:
    """Return what gRPC makes of a pair; it takes each such object once."""
    return grpc.ssl_server_certificate_configuration([pair])


def read_file(setting: str, path: Path) -> bytes:
    """Return what is in a file; raises OSError, naming the setting, where that cannot be read or is nothing."""
    try:
        content = path.read_bytes()
    except OSError as error:
        reasons = {
            errno.ENOENT: "does not exist; give a PEM file that does",
            errno.EISDIR: "is a folder; give the PEM file in it",
            errno.EACCES: "may not be read by this user; change its owner or mode",
        }
        reason = reasons.get(error.errno or 0, f"cannot be read: {error.strerror}")
        raise OSError(f"{setting}: {path} {reason}") from error
    if not content.strip():
        raise OSError(f"{setting}: {path} is empty; give a PEM file")
    for mark, problem in MARKS.items():
        if content.startswith(mark):
            raise OSError(f"{setting}: {path} {problem.format(path=path)}")
    return content


def find_labels(content: bytes) -> list[str]:
    """Return what a PEM file says that it holds, in order."""
    return [label.decode() for label in LABEL.findall(content)]


def holds_key(labels: list[str]) -> bool:
    """Whether one of these is a private key, encrypted or not."""
    return any(label.endswith("PRIVATE KEY") for label in labels)


def check_certificate(path: Path, content: bytes, labels: list[str]) -> None:
    """Raise OSError where a file holds no certificate in PEM."""
    if "CERTIFICATE" in labels or "TRUSTED CERTIFICATE" in labels:
        return
    if holds_key(labels):
        raise OSError(f"tls_cert: {path} holds a private key and no certificate; give the certificate's PEM file")
    raise OSError(f"tls_cert: {path} {tell_form('tls_cert', path, content, labels)}")


def check_key(path: Path, content: bytes, labels: list[str]) -> None:
    """Raise OSError where a file holds no private key in PEM, or one with a password."""
    if "ENCRYPTED PRIVATE KEY" in labels or b"Proc-Type: 4,ENCRYPTED" in content:
        raise OSError(
            f"tls_key: {path} is encrypted, and the server asks for no password; decrypt it: "
            f"openssl pkey -in {path} -out key.pem, and let only the server's user read that"
        )
    if any(label in KEYS for label in labels):
        return
    if "CERTIFICATE" in labels:
        raise OSError(f"tls_key: {path} holds a certificate and no private key; give the PEM file of its key")
    raise OSError(f"tls_key: {path} {tell_form('tls_key', path, content, labels)}")


def tell_form(setting: str, path: Path, content: bytes, labels: list[str]) -> str:
    """Say what a file holds that is not what it should, and the cure."""
    for label in labels:
        if label in OTHERS:
            return f"holds {OTHERS[label].format(path=path)}"
    if PKCS12.match(content):
        part = "-nokeys" if setting == "tls_cert" else "-nocerts -nodes"
        return f"is PKCS#12, not PEM; convert it: openssl pkcs12 -in {path} {part} -out {setting[4:]}.pem"
    if content.startswith(DER) and not labels:
        command = f"openssl {CONVERSIONS[setting]} -inform der -in {path} -out {setting[4:]}.pem"
        return f"is DER, not PEM; convert it: {command}"
    what = "certificate" if setting == "tls_cert" else "private key"
    return f"holds no {what} in PEM, which begins with -----BEGIN; give one that does"


def explain(error: ssl.SSLError, certificate: Path, key: Path, content: bytes) -> str:
    """Say why OpenSSL does not take a certificate, with this content, and a key that look like ones."""
    reason = (error.reason or str(error)).lower().replace("_", " ")
    if "mismatch" in reason:
        return (
            f"tls_cert and tls_key do not belong together: {key} is not the key of the first certificate in "
            f"{certificate}; give the key of that, or put the server's own certificate first"
        )
    if "too small" in reason or "too weak" in reason:
        weak = f"tls_key: {key} is too weak" if "key" in reason else f"tls_cert: {certificate} is signed too weakly"
        return f"{weak} for TLS ({reason}); make a new one: RSA of 2048 bits or more, or EC, with SHA-256"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content.decode("ascii", "ignore"))
    except ssl.SSLError:
        return f"tls_cert: {certificate} is damaged: between its marks there is no whole certificate; get it anew"
    return f"tls_key: {key} is damaged: between its marks there is no whole key; get it anew"


def find_doubt(context: ssl.SSLContext, certificate: bytes) -> str:
    """Why every client that checks would refuse a certificate; empty where the date is no reason to.

    Found by a handshake in memory: the ssl module tells the dates of a certificate to who has verified it only.
    """
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname = False
    asking.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        asking.load_verify_locations(cadata=certificate.decode("ascii", "ignore"))
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
