"""Addresses of servers as users write them, read strictly: what gRPC can take, or an error with its cure."""

import ipaddress
import re
from dataclasses import dataclass

from polygist_client.errors import InvalidInput

DEFAULT_PORT = 50051
DEFAULT_TARGET = f"localhost:{DEFAULT_PORT}"
FORMS = "HOST, HOST:PORT, [IPv6]:PORT, http(s)://HOST:PORT, unix:PATH, dns:HOST:PORT or ipv4:IP:PORT,IP:PORT…"
SCHEMES_OF_URLS = {"http": False, "https": True}
HIGHEST_PORT = 65535
LONGEST_HOST = 253
LONGEST_UNIX_PATH = 107  # bytes, of what a socket has room for

# A trailing dot makes a name absolute; underscores stand in the names of containers.
HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is.

    Attributes:
        text: how to name it in messages: with its port, without what says whether it speaks TLS.
        target: as gRPC wants it.
        tls: whether it speaks TLS; None where the address does not say.
        is_local: whether it is on this machine, where an HTTP proxy from the environment must not get in between.
    """

    text: str
    target: str
    tls: bool | None = None
    is_local: bool = False


def parse_address(text: str) -> Address:
    """Read an address; spaces around it do not count, and a port that is left out is 50051.

    Raises:
        InvalidInput: `text` is no address.
        TypeError: `text` is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"address is {type(text).__name__}, it must be str; give HOST:PORT such as {DEFAULT_TARGET}")
    given = text.strip()
    if not given:
        raise refusal(text, f"is empty; give HOST:PORT such as {DEFAULT_TARGET}")
    scheme, colon, rest = given.partition(":")
    if colon and scheme.lower() == "unix":
        return parse_unix(given, rest)
    check_no_user(given)
    check_characters(given)
    if colon and scheme.lower() in ("dns", "ipv4", "ipv6"):
        return parse_listed(given, scheme.lower(), rest)
    tls = None
    if "://" in given:
        scheme, _, rest = given.partition("://")
        if scheme.lower() not in SCHEMES_OF_URLS:
            raise refusal(given, f"begins with {scheme!r}; write http://, https:// for TLS, or HOST:PORT alone")
        tls, location = SCHEMES_OF_URLS[scheme.lower()], rest.removesuffix("/")
    else:
        location = given
    if re.search(r"[/?#\\]", location):
        raise refusal(given, "has a path behind it, which gRPC has not; give HOST:PORT alone")
    if "," in location:
        raise refusal(given, "has several hosts; give ipv4:IP:PORT,IP:PORT… or one name that stands for all of them")
    host, port = parse_location(given, location)
    name = join(host, port)
    return Address(name, f"dns:///{escape(name)}", tls, is_local_host(host))


def parse_unix(given: str, path: str) -> Address:
    """Read the path of a Unix socket, which may have spaces; gRPC would take a comma for the next path."""
    if path.startswith("//"):
        path = path[2:]
        if not path.startswith("/"):
            raise refusal(given, "has a host before the path; write unix:PATH, or unix:///PATH from the root on")
    if not path:
        raise refusal(given, "has no path; give unix:PATH")
    if "," in path:
        raise refusal(given, "has a comma in its path, which gRPC cannot read; use another path")
    if (size := len(path.encode(errors="surrogateescape"))) > LONGEST_UNIX_PATH:
        raise refusal(
            given, f"has a path of {size} bytes, a socket's has {LONGEST_UNIX_PATH} at most; use a shorter one"
        )
    return Address(f"unix:{path}", f"unix:{path.replace('?', '%3F').replace('#', '%23')}", is_local=True)


def parse_listed(given: str, scheme: str, rest: str) -> Address:
    """Read what gRPC itself writes so: a name, with a name server or without, or a list of IP addresses."""
    before, _, location = rest.rpartition("/")
    if scheme == "dns":
        if before and not re.fullmatch(r"//[^/]*", before):
            raise refusal(given, "has a path; write dns:HOST:PORT, or dns://NAMESERVER/HOST:PORT")
        host, port = parse_location(given, location)
        name = join(host, port)
        return Address(name, f"dns:{before or '//'}/{escape(name)}", is_local=is_local_host(host))
    if before not in ("", "//"):
        raise refusal(given, f"has a path; write {scheme}:IP:PORT,IP:PORT…")
    pairs = [parse_location(given, each) for each in location.split(",")]
    version = ipaddress.IPv4Address if scheme == "ipv4" else ipaddress.IPv6Address
    for host, _ in pairs:
        if not isinstance(parse_ip(host), version):
            raise refusal(
                given, f"has {host!r}, which is no {scheme.replace('ip', 'IP')} address; give a name as HOST:PORT"
            )
    name = f"{scheme}:{','.join(join(host, port) for host, port in pairs)}"
    return Address(name, escape(name), is_local=all(is_local_host(host) for host, _ in pairs))


def parse_location(given: str, location: str) -> tuple[str, int]:
    """Read ``HOST``, ``HOST:PORT``, ``[IPv6]:PORT`` or an IPv6 address alone; the host comes without brackets."""
    if isinstance(parse_ip(location), ipaddress.IPv6Address):
        return location, DEFAULT_PORT
    found = re.fullmatch(r"(?P<host>\[[^\]]*\]|[^:]*)(?P<rest>:(?P<port>[^:]*))?", location)
    if found is None:
        cure = "give HOST:PORT, and an IPv6 address in brackets: [::1]:50051"
        raise refusal(given, f"has {location.count(':')} colons; {cure}")
    host = found["host"]
    if not host:
        raise refusal(given, f"has no host; give HOST:PORT such as {DEFAULT_TARGET}")
    check_host(given, host)
    return host.strip("[]"), DEFAULT_PORT if found["rest"] is None else parse_port(given, found["port"])


def parse_port(given: str, port: str) -> int:
    """Read the number of a port."""
    if not port:
        raise refusal(given, f"has no port behind the colon; give HOST:PORT such as {DEFAULT_TARGET}, or HOST alone")
    if not re.fullmatch("[0-9]+", port) or not 1 <= int(port[-9:]) <= HIGHEST_PORT or int(port[:-9] or 0):
        raise refusal(given, f"has the port {port!r}; a port is a number from 1 to {HIGHEST_PORT}: give HOST:PORT")
    return int(port)


def check_host(given: str, host: str) -> None:
    """Refuse what is neither an IP address nor can be the name of a host."""
    if host.startswith("["):
        if not isinstance(parse_ip(host[1:-1]), ipaddress.IPv6Address):
            raise refusal(given, f"has {host!r}, which is no IPv6 address; brackets are for these: [::1]:50051")
        return
    looks_like_ip = host.rstrip(".").rpartition(".")[2].isdecimal()
    if looks_like_ip and parse_ip(host) is None:
        raise refusal(
            given, f"has the host {host!r}, a number that is no IP address; give HOST:PORT such as {DEFAULT_TARGET}"
        )
    if len(host) > LONGEST_HOST or not HOST_NAME.fullmatch(host):
        raise refusal(given, f"has the host {host[:80]!r}, which is no name of one; give {FORMS}")


def check_no_user(given: str) -> None:
    """Refuse a user before the host, without repeating what may be a secret."""
    if "@" in given:
        raise refusal(f"…@{given.rpartition('@')[2]}", "has a user in it; give HOST:PORT, and a key as api_key")


def check_characters(given: str) -> None:
    """Refuse what no address has: white space inside, control characters, and letters beyond ASCII."""
    if wrong := re.search(r"[\s\x00-\x1f\x7f]", given):
        raise refusal(given, f"has {wrong[0]!r} in it; give HOST:PORT such as {DEFAULT_TARGET}")
    if given.isascii():
        return
    try:
        cure = f"write it as {given.encode('idna').decode()!r}"
    except UnicodeError:
        cure = f"give HOST:PORT such as {DEFAULT_TARGET}"
    raise refusal(given, f"has more than ASCII characters; {cure}")


def parse_ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an IP address, without brackets; None where `text` is none."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def is_local_host(host: str) -> bool:
    """Whether a host is this machine."""
    ip = parse_ip(host)
    return host.lower().rstrip(".") == "localhost" if ip is None else ip.is_loopback


def join(host: str, port: int) -> str:
    """Write host and port as one word."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def escape(name: str) -> str:
    """Write a name as part of a URI: the zone of an IPv6 address has a percent sign in it."""
    return name.replace("%", "%25")


def refusal(text: str, what: str) -> InvalidInput:
    """Make the error about an address."""
    return InvalidInput(f"address {text!r} {what}", field="target")
