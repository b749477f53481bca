"""PEM files that TLS is given: read and checked before anything connects or listens, the same way on both sides.

gRPC's own core tells of a file that it cannot use in its log, or not at all: it takes half of a damaged bundle.
"""

import base64
import codecs
import errno
import os
import re
import shlex
import ssl
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from polygist.files import read_plain

Kind = Literal["certificate", "private key"]

MOST_BYTES = 16 << 20  # fifty times what systems trust
LABEL = re.compile(rb"^-----BEGIN ([A-Z0-9 ]+)-----$", re.MULTILINE)
BLOCK = re.compile(rb"^-----BEGIN ([A-Z0-9 ]+)-----$.*?^-----END \1-----$", re.MULTILINE | re.DOTALL)
ALIAS = re.compile(rb"^(-----BEGIN|-----END) (?:TRUSTED|X509) CERTIFICATE-----$", re.MULTILINE)
KEYS = ("PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
ENCRYPTED_KEY = "ENCRYPTED PRIVATE KEY"
ENCRYPTED_AS_OF_OLD = b"Proc-Type: 4,ENCRYPTED"
# What else there is in PEM, and how to make of it what is wanted.
OTHERS = {
    "CERTIFICATE REQUEST": "a request for a certificate; have it signed and give the answer",
    "NEW CERTIFICATE REQUEST": "a request for a certificate; have it signed and give the answer",
    "PKCS7": "PKCS#7; take the certificates out of it: openssl pkcs7 -print_certs -in {path} -out {path}.pem",
    "PUBLIC KEY": "a public key; give the private one",
    "OPENSSH PRIVATE KEY": "a key of OpenSSH; convert it: ssh-keygen -p -m PKCS8 -f {path}",
}
# The first characters of PEM in what is more than a byte a character, without the mark that says so.
WIDE = {b"-\0\0\0": "UTF-32LE", b"\0\0\0-": "UTF-32BE", b"-\0": "UTF-16LE", b"\0-": "UTF-16BE"}
MARKS = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32", codecs.BOM_LE: "UTF-16", codecs.BOM_BE: "UTF-16"}
BASE64_OF_BEGIN = base64.b64encode(b"-----BEGIN ")[:14]  # as Kubernetes keeps secrets
DER = b"\x30"  # a sequence, which all of them are
DER_LENGTH = rb"(?:\x80|[\x00-\x7f]|\x81.|\x82..|\x83...|\x84....)"
PKCS12 = re.compile(rb"\x30" + DER_LENGTH + rb"\x02\x01\x03", re.DOTALL)
PKCS7 = re.compile(rb"\x30" + DER_LENGTH + rb"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", re.DOTALL)
REASONS = {
    errno.ENOENT: "does not exist; give a PEM file that does",
    errno.EISDIR: "is a folder; give the PEM file in it",
    errno.EACCES: "may not be read by this user; change its owner or mode",
}


class PemError(OSError):
    """A PEM file cannot be used.

    Args:
        setting: what names the file.
        path: of the file.
        problem: what is wrong, and the cure.
    """

    def __init__(self, setting: str, path: str, problem: str) -> None:
        super().__init__(f"{setting}: {path} {problem}")
        self.setting = setting


@dataclass(frozen=True, slots=True, kw_only=True)
class Pem:
    """A PEM file that holds what it should, as far as it alone tells.

    Attributes:
        setting: what names the file.
        path: of the file.
        content: its lines, without byte order marks, spaces and what is no ASCII: what gRPC and the ssl module take.
        labels: what it says that it holds, in order.
    """

    setting: str
    path: str
    content: bytes = field(repr=False)
    labels: tuple[str, ...]

    @property
    def has_certificate(self) -> bool:
        """Whether there is one, and be it damaged."""
        return "CERTIFICATE" in self.labels

    @property
    def has_key(self) -> bool:
        """Whether there is a private key, encrypted or not."""
        return any(label.endswith("PRIVATE KEY") for label in self.labels)

    def refuse(self, problem: str) -> PemError:
        """Make the error about this file."""
        return PemError(self.setting, self.path, problem)


def read_pem(setting: str, path: str | os.PathLike[str], *, takes_pipe: bool = False) -> Pem:
    """Read a file, whatever it holds; see `read_plain`.

    Raises:
        PemError: it cannot be read, or is empty.
    """
    name = os.fspath(path)
    try:
        content = read_plain(name, most=MOST_BYTES, takes_pipe=takes_pipe)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise PemError(setting, name, f"has {error.strerror}; give a PEM file") from error
        if error.errno == errno.EINVAL:
            again = "" if takes_pipe else ", which is read again when it is renewed"
            raise PemError(setting, name, f"is {error.strerror}; give a PEM file{again}") from error
        number = errno.EISDIR if Path(name).is_dir() else error.errno or 0
        reason = REASONS.get(number, f"cannot be read: {error.strerror}; give a PEM file")
        raise PemError(setting, name, reason) from error
    if not content.strip():
        raise PemError(setting, name, "is empty; give a PEM file")
    if b"-----BEGIN " in content:
        ascii_only = content.decode("ascii", "ignore").encode()  # PEM is: the rest are marks, spaces and comments
        content = b"\n".join(line.strip() for line in ascii_only.splitlines()) + b"\n"
        content = ALIAS.sub(rb"\1 CERTIFICATE-----", content)
    labels = tuple(label.decode() for label in LABEL.findall(content))
    return Pem(setting=setting, path=name, content=content, labels=labels)


def check_certificates(pem: Pem) -> None:
    """Check that a file holds certificates and each of them can be read; raises PemError."""
    if not pem.has_certificate:
        wrong = "holds a private key and no certificate; give the certificate's PEM file"
        raise pem.refuse(wrong if pem.has_key else tell_form(pem, "certificate"))
    whole = [block[0] for block in BLOCK.finditer(pem.content) if block[1] == b"CERTIFICATE"]
    count = pem.labels.count("CERTIFICATE")
    for number, block in enumerate(whole, 1):
        if not is_readable(block.decode()):
            which = f" in its certificate {number} of {count}" if count > 1 else ""
            raise pem.refuse(f"is damaged{which}; get it anew")
    if len(whole) < count:
        raise pem.refuse("is cut off: a certificate in it has no -----END CERTIFICATE-----; get it anew")


def check_key(pem: Pem) -> None:
    """Check that a file holds a private key without a password; raises PemError."""
    if ENCRYPTED_KEY in pem.labels or ENCRYPTED_AS_OF_OLD in pem.content:
        path = shlex.quote(pem.path)
        raise pem.refuse(
            f"is encrypted, and nobody is asked for a password; decrypt it: openssl pkey -in {path} -out decrypted.pem,"
            " and let nobody else read that"
        )
    if not any(label in KEYS for label in pem.labels):
        wrong = "holds a certificate and no private key; give the PEM file of its key"
        raise pem.refuse(wrong if pem.has_certificate else tell_form(pem, "private key"))
    if not any(block[1].decode() in KEYS for block in BLOCK.finditer(pem.content)):
        raise pem.refuse("is cut off: the key in it has no -----END PRIVATE KEY-----; get it anew")


def check_pair(certificate: Pem, key: Pem, context: ssl.SSLContext) -> None:
    """Check a certificate and its key, and that they belong together.

    Args:
        certificate, key: the files, which may be one.
        context: takes them, and says by its level of security how short a key may be.

    Raises:
        PemError: one is something else, damaged or too weak, or they do not belong together.
    """
    if not certificate.has_certificate and certificate.has_key and key.has_certificate and not key.has_key:
        raise certificate.refuse(f"holds the key, and {key.path} the certificate; swap them")
    check_certificates(certificate)
    check_key(key)
    try:
        load_pair(context, certificate.content, key.content)
    except ssl.SSLError as error:
        reason = (error.reason or "").lower().replace("_", " ")
        if "mismatch" in reason:
            raise key.refuse(
                f"is not the key of the first certificate in {certificate.path}; give the key of that, or put the"
                " certificate of this key first"
            ) from error
        if "too small" in reason or "too weak" in reason:
            what = "a key that is damaged, or too short" if "key" in reason else "a signature that is too weak"
            raise certificate.refuse(f"has {what} for TLS today; make a new one, such as RSA of 2048 bits") from error
        raise key.refuse(f"is damaged, or the certificate in {certificate.path} is; get them anew") from error


def load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a certificate chain and its key, in PEM, into `context`, which takes them from files only."""
    with lend(certificate) as certificate_path, lend(key) as key_path:
        # A key with a password fails so, and would ask for it otherwise.
        context.load_cert_chain(certificate_path, key_path, password=lambda: "")


@contextmanager
def lend(content: bytes) -> Iterator[str]:
    """Lend `content` as a file; yields its path. Where the system can, it is one in memory: keys are no one else's."""
    if sys.platform == "linux" and Path("/proc/self/fd").exists():
        with open(os.memfd_create("pem"), "wb", buffering=0) as file:
            file.write(content)
            yield f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.TemporaryDirectory() as folder:  # which this user alone may enter
        path = Path(folder) / "pem"
        path.write_bytes(content)
        yield str(path)


def is_readable(certificates: str | bytes) -> bool:
    """Whether OpenSSL reads certificates, in PEM (as text) or DER."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
    except ssl.SSLError:
        return False
    return True


def tell_form(pem: Pem, kind: Kind) -> str:
    """Say what a file holds that is not of the kind that it should be, and the cure."""
    path, content = shlex.quote(pem.path), pem.content
    for label in pem.labels:
        if label in OTHERS:
            return f"holds {OTHERS[label].format(path=path)}"
    for start, encoding in (MARKS | WIDE).items():
        if content.startswith(start):
            return f"is {encoding}, not ASCII; convert it: iconv -f {encoding} -t UTF-8 {path} > {path}.pem"
    if content.startswith(BASE64_OF_BEGIN):
        return f"is base64 of a PEM file; decode it: base64 -d {path} > {path}.pem"
    if PKCS12.match(content):
        part = "-nokeys" if kind == "certificate" else "-nocerts -nodes"
        return f"is PKCS#12, not PEM; convert it: openssl pkcs12 -in {path} {part} -out {path}.pem"
    if PKCS7.match(content):
        return (
            f"is PKCS#7 in DER, not PEM; convert it: openssl pkcs7 -inform der -print_certs -in {path} -out {path}.pem"
        )
    if content.startswith(DER) and not pem.labels:
        if kind == "private key" and is_readable(content):
            return "holds a certificate and no private key, in DER; give the PEM file of its key"
        tool = "x509" if kind == "certificate" else "pkey"
        return f"is DER, not PEM; convert it: openssl {tool} -inform der -in {path} -out {path}.pem"
    return f"holds no {kind} in PEM, which begins with -----BEGIN {kind.upper()}-----; give a file that does"
