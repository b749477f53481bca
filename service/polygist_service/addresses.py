"""Addresses: where a server listens, read strictly and once and tried before anything is loaded, and of a collector."""

import errno
import ipaddress
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNIX = "unix:"
MOST_PORT = 65535
MOST_PATH_BYTES = 107  # of the path of a Unix socket; Linux keeps 108 with the zero at its end
# Of a collector: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
ENDPOINT = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[^\s/?#@:\[\]]+)(:\d{1,5})?/?")
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens; ``str()`` of it is what gRPC takes.

    Attributes:
        host: a name or a number, IPv6 without its brackets; empty for a Unix socket.
        port: 0 picks one that is free.
        path: of the Unix socket; empty for a host and a port.
    """

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{UNIX}{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.path:
            return True
        if (number := read_number(self.host)) is None:
            return self.host.lower().rstrip(".") == "localhost"
        mapped = getattr(number, "ipv4_mapped", None)
        return (mapped or number).is_loopback


def parse_address(text: str, *, port: int = 50051, takes_unix: bool = True) -> Address:
    """Read HOST:PORT or unix:PATH, blanks around it left out.

    Args:
        text: what was given.
        port: the usual one, for the cure.
        takes_unix: whether a Unix socket will do.

    Raises:
        ValueError: it is something else; says what, and what to give.
    """
    text = text.strip()
    if text.startswith(UNIX):
        if not takes_unix:
            raise ValueError(f"{text!r} is a Unix socket, and this is served over TCP only; give 127.0.0.1:{port}")
        return Address(path=parse_path(text))
    if "://" in text:
        host = re.split("[/:]", text.partition("://")[2])[0] or "127.0.0.1"
        raise ValueError(f"{text!r} is a URL, no address to listen on; give {host}:{port}")
    if not text:
        raise ValueError(f"'' names no address; give 127.0.0.1:{port}")
    if re.search(r"\s", text):
        raise ValueError(f"{text!r} has a blank in it; give HOST:PORT such as 127.0.0.1:{port}")
    host, number = split_port(text, port)
    return Address(parse_host(host, text, number), number)


def parse_path(text: str) -> str:
    """Return the path of unix:PATH or unix:///PATH; raises ValueError where it is none for a socket."""
    path = text.removeprefix(UNIX)
    if path.startswith("//"):
        if not path.startswith("///"):
            raise ValueError(f"{text!r} has a host where only a path can be; give unix:/run/polygist.sock")
        path = path[2:]
    if not path:
        raise ValueError(f"no path in {text!r}; give unix:/run/polygist.sock")
    if (size := len(os.fsencode(path))) > MOST_PATH_BYTES:
        raise ValueError(
            f"{text!r} has {size} bytes, the path of a Unix socket at most {MOST_PATH_BYTES}; give a shorter one"
        )
    return path


def split_port(text: str, usual: int) -> tuple[str, int]:
    """Return host and port of HOST:PORT; raises ValueError where one of them is missing or is none."""
    if text.isdecimal():
        given = text if int(text) <= MOST_PORT else usual
        raise ValueError(f"no host in {text!r}; give 127.0.0.1:{given}, or 0.0.0.0:{given} for every network")
    host, colon, port = text.rpartition(":")
    if text.count(":") > 1 and not text.startswith("["):
        inner, number = (host, port) if read_number(host) and port.isdecimal() else (text, str(usual))
        if read_number(inner) is None:
            raise ValueError(f"{text!r} is no HOST:PORT; give 127.0.0.1:{usual}")
        raise ValueError(f"{text!r} has an IPv6 address without brackets; give [{inner}]:{number}")
    if text.startswith("[") and not host.endswith("]"):
        host, port = text.partition("]")[0] + "]", ""
    if not colon or not port:
        raise ValueError(f"no port in {text!r}; give {host or text}:{usual}")
    if not (port.isascii() and port.isdecimal() and int(port) <= MOST_PORT):
        raise ValueError(f"no port {port} in {text!r}: a port is 0 to {MOST_PORT}; give {host or '127.0.0.1'}:{usual}")
    if not host:
        raise ValueError(f"no host in {text!r}; give 127.0.0.1{text}, or 0.0.0.0{text} for every network")
    return host, int(port)


def parse_host(host: str, text: str, port: int) -> str:
    """Return a host without brackets; raises ValueError where it is neither a name nor an IP address."""
    if host == "*":
        raise ValueError(f"{text!r} names no host; give 0.0.0.0:{port} for every network, or 127.0.0.1:{port}")
    if host.startswith("[") or host.endswith("]"):
        inner = host.removeprefix("[").removesuffix("]")
        number = read_number(inner)
        if host != f"[{inner}]" or number is None or number.version != 6:
            raise ValueError(f"{host!r} in {text!r} is no IPv6 address in brackets; give [::1]:{port}")
        return inner
    if read_number(host) is None:
        if re.fullmatch(r"[\d.]+", host):
            raise ValueError(f"{host!r} in {text!r} is no IP address; give 127.0.0.1:{port}")
        if len(host) > 253 or not all(LABEL.fullmatch(label) for label in host.removesuffix(".").split(".")):
            raise ValueError(f"{host!r} in {text!r} is no name of a host; give 127.0.0.1:{port}")
    return host


def read_number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def check_free(address: Address, setting: str) -> None:
    """Raise OSError, naming the setting and the cure, where a server could not listen on an address.

    gRPC would say less, take the socket of a server that runs, and listen on one of a name's addresses where another
    server has the other.
    """
    try:
        if address.path:
            check_path(Path(address.path))
            return
        probe(address)
    except socket.gaierror as error:
        cure = f"give 127.0.0.1:{address.port}, or an address of this machine"
        raise OSError(f"cannot listen on {address} ({setting}): no such host, {error.strerror}; {cure}") from error
    except OSError as error:
        raise OSError(f"cannot listen on {address} ({setting}): {explain_bind(error, address, setting)}") from error


def probe(address: Address) -> None:
    """Raise OSError where one of a host's addresses is taken, or none can be had: a name may have some that are off."""
    found = find_places(address)
    failures = []
    for family, place in found:
        try:
            with socket.socket(family) as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                tried.bind(place)
        except OSError as error:
            failures.append(error)
    taken = [error for error in failures if error.errno == errno.EADDRINUSE]
    if taken or len(failures) == len(found):
        raise (taken or failures)[0]


def find_places(address: Address) -> list[tuple[int, Any]]:
    """Return the family and the place of each address that a host has; no resolver is asked about a number."""
    number = read_number(address.host)
    if number and "%" not in address.host:  # which of the machine's networks is meant, the resolver knows
        return [(socket.AF_INET if number.version == 4 else socket.AF_INET6, (address.host, address.port))]
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [(family, place) for family, _, _, _, place in found]


def check_path(path: Path) -> None:
    """Raise OSError where no Unix socket can be at a path; one that nobody listens on any more is no hindrance."""
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no folder", str(path.parent))
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "not writable", str(path.parent))
    if not path.exists():
        return
    if not path.is_socket():
        raise FileExistsError(errno.EEXIST, "no socket", str(path))
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(1)
        try:
            caller.connect(str(path))
        except ConnectionRefusedError:
            return
    raise OSError(errno.EADDRINUSE, "in use", str(path))


def explain_bind(error: OSError, address: Address, setting: str) -> str:
    """Say why an address cannot be listened on, and what to do."""
    flag = f"--{setting.replace('_', '-')}"
    match error.errno:
        case errno.EADDRINUSE:
            other = f"{UNIX}PATH" if address.path else "HOST:PORT"
            return f"it is taken, another server listens there; stop that one, or give another {flag} {other}"
        case errno.EACCES | errno.EPERM if address.path:
            return f"this user may not write to {error.filename}; give a path in another folder, or change its mode"
        case errno.EACCES | errno.EPERM:
            return f"this user may not use port {address.port}; give one above 1023, or grant CAP_NET_BIND_SERVICE"
        case errno.EADDRNOTAVAIL:
            return f"{address.host} is no address of this machine; give one that is, or 0.0.0.0 for every network"
        case errno.EAFNOSUPPORT:
            return "this machine has no such kind of address (IPv6 is off); give 127.0.0.1 or 0.0.0.0"
        case errno.ENOENT:
            return f"there is no folder {error.filename}; make it, or give another path"
        case errno.EEXIST:
            return f"{error.filename} is there and no socket; remove it, or give another path"
    return f"{error.strerror or error}; give another {flag}"
