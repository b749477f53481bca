"""The addresses of a server: free, or taken, and by what."""

import errno
import ipaddress
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from polygist_service.addresses import Address, check_free, find_places
from polygist_service.app.doctor.findings import Finding, State

# As Linux numbers a TCP socket that takes connections.
LISTENING = "0A"
OURS = ("polygist-server", "polygist_service")
LONGEST_COMMAND = 100
WORD_BYTES = 4  # an address in /proc/net is words in the order of bytes that the machine has


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that listens at an address.

    Attributes:
        process: its number.
        command: its command line, an argument after the other.
    """

    process: int
    command: tuple[str, ...]

    @property
    def is_ours(self) -> bool:
        """Whether it is a server of this product."""
        return any(part.rpartition("/")[2].startswith(OURS) for part in self.command[:4])

    def __str__(self) -> str:
        return f"process {self.process}: {' '.join(self.command)[:LONGEST_COMMAND]}"


def examine_address(address: Address, setting: str, *, root: Path = Path("/")) -> Finding:
    """Tell whether a server could listen at an address, and else what keeps it from that.

    Args:
        address: where.
        setting: what gives it.
        root: where ``proc`` is looked up.
    """
    figures: dict[str, object] = {"address": str(address)}
    try:
        check_free(address, setting)
    except OSError as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno != errno.EADDRINUSE:
            return Finding(State.FAULT, setting, str(error), {**figures, "isFree": False})
        listener = find_listener(address, root)
        figures |= {"isFree": False, "process": listener and listener.process}
        flag = f"--{setting.replace('_', '-')}"
        if listener and listener.is_ours:
            text = f"{address} is taken by a polygist server ({listener}); another one needs another {flag}"
            return Finding(State.WARNING, setting, text, figures)
        who = str(listener) if listener else "a process that this user, or this container, does not see"
        return Finding(State.FAULT, setting, f"{address} is taken by {who}; end that, or give another {flag}", figures)
    free = "is free" if address.path or address.port else "picks a free port"
    return Finding(State.OK, setting, f"{address} {free}", {**figures, "isFree": True})


def find_listener(address: Address, root: Path = Path("/")) -> Listener | None:
    """Return the process that listens at an address; None where that cannot be told.

    Args:
        address: that is taken.
        root: where ``proc`` is looked up.
    """
    with suppress(OSError):
        inodes = set(find_unix_sockets(address.path, root) if address.path else find_tcp_sockets(address, root))
        return next(find_owners(inodes, root), None)
    return None


def find_unix_sockets(path: str, root: Path) -> Iterator[str]:
    """Yield the inodes of the Unix sockets at a path."""
    for line in (root / "proc/net/unix").read_text(errors="replace").splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if len(fields) == 8 and os.path.abspath(fields[7]) == os.path.abspath(path):
            yield fields[6]


def find_tcp_sockets(address: Address, root: Path) -> Iterator[str]:
    """Yield the inodes of the TCP sockets that listen where an address is."""
    wanted = [ipaddress.ip_address(str(place[0]).partition("%")[0]) for _, place in find_places(address)]
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (root / "proc/net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                host, _, port = fields[1].partition(":")
                if fields[3] != LISTENING or int(port, 16) != address.port:
                    continue
                found = read_host(host)
                if found.is_unspecified or found in wanted or any(each.is_unspecified for each in wanted):
                    yield fields[9]


def read_host(digits: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the IP address that stands in ``/proc/net`` as hexadecimal digits; gRPC maps those of IPv4 into IPv6."""
    content = bytes.fromhex(digits)
    words = [content[at : at + WORD_BYTES] for at in range(0, len(content), WORD_BYTES)]
    packed = b"".join(int.from_bytes(word, "little").to_bytes(WORD_BYTES, "big") for word in words)
    found = ipaddress.ip_address(packed)
    return getattr(found, "ipv4_mapped", None) or found


def find_owners(inodes: set[str], root: Path) -> Iterator[Listener]:
    """Yield the processes that have one of some sockets open, as far as this user may look at them."""
    links = {f"socket:[{inode}]" for inode in inodes}
    for folder in (root / "proc").glob("[0-9]*"):
        with suppress(OSError):  # of others, or ended meanwhile
            if any(read_link(each) in links for each in (folder / "fd").iterdir()):
                command = (folder / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
                yield Listener(int(folder.name), tuple(command))


def read_link(path: Path) -> str:
    """Return what a link leads to; empty where it is gone."""
    with suppress(OSError):
        return str(path.readlink())
    return ""
