"""A program for a network namespace of its own, without a way out: serves, and tells what was tried to be sent.

The kernel counts what has nowhere to go, whoever sends it: Python, gRPC's own code, a library of C++.
"""

import fcntl
import json
import socket
import struct
import sys
from pathlib import Path

from polygist_client import Client

from tests.end_to_end.server import ServerProcess

SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 1, 64
ARTICLE = Path(__file__).parents[2] / "examples" / "article.txt"


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))


def count_sent() -> dict[str, int]:
    """Packets without a route, and datagrams (questions for a name are some) to anywhere, loopback included."""
    lines = Path("/proc/net/snmp").read_text().splitlines()
    tables = {
        names.split()[0] + name: int(number)
        for names, numbers in zip(lines[::2], lines[1::2], strict=True)
        for name, number in zip(names.split()[1:], numbers.split()[1:], strict=True)
    }
    newer = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return {
        "packets": tables["Ip:OutNoRoutes"] + int(newer["Ip6OutNoRoutes"]),
        "datagrams": tables["Udp:OutDatagrams"] + int(newer["Udp6OutDatagrams"]),
    }


def serve(home: Path, log: Path) -> dict[str, object]:
    """Start a server, have an article translated and summarised, stop it; returns the answers."""
    with ServerProcess(home, log) as process:
        process.wait_until_serving()
        with Client(process.address) as client:
            article = ARTICLE.read_text(encoding="utf-8")
            summary = client.summarise(article, to="pt").text
            translation = client.translate(article, to="pt").text
        code = process.stop()
    return {"translation": translation, "summary": summary, "code": code}


def reach_out() -> dict[str, object]:
    """What serving must not do: connect to an address, and ask for a name."""
    failures = []
    for address in (("192.0.2.1", 80), ("2001:db8::1", 80)):  # of documentation
        try:
            socket.create_connection(address, timeout=5)
        except OSError as error:
            failures.append(str(error))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.sendto(b"name?", ("127.0.0.53", 53))
    return {"failures": failures}


def main(home: str, log: str, what: str) -> None:
    raise_loopback()
    answers = serve(Path(home), Path(log)) if what == "serve" else reach_out()
    print(json.dumps({**answers, "sent": count_sent()}))


main(*sys.argv[1:])
