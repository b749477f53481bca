"""HTTP/2 as bytes: what a client may send that is no gRPC client."""

import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
CANCEL = struct.pack(">I", 8)
PATH = b"/polygist.v1.TranslationService/Translate"


def frame(kind: int, stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    """A frame."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0)


def field(name: bytes, value: bytes) -> bytes:
    """A header field, literal and never indexed; the lengths are below 127."""
    return b"\x10" + bytes([len(name)]) + name + bytes([len(value)]) + value


def fields(path: bytes) -> bytes:
    """The header block of a gRPC request."""
    pairs = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"localhost")]
    pairs += [(b"te", b"trailers"), (b"content-type", b"application/grpc")]
    return b"".join(field(*pair) for pair in pairs)


def headers(stream: int, path: bytes = PATH) -> bytes:
    """The frame that begins a request."""
    return frame(HEADERS, stream, fields(path), END_HEADERS)


def request(stream: int, path: bytes = PATH, message: bytes = b"") -> bytes:
    """A whole request."""
    prefixed = b"\0" + struct.pack(">I", len(message)) + message
    return headers(stream, path) + frame(DATA, stream, prefixed, END_STREAM)


# What ends the main loop of grpc.aio.
POISON = PREFACE + request(1, b"/a/\xff\xfe")


@contextmanager
def connection(address: str) -> Iterator[socket.socket]:
    """A plain connection to HOST:PORT or unix:PATH."""
    if address.startswith("unix:"):
        with socket.socket(socket.AF_UNIX) as opened:
            opened.settimeout(10)
            opened.connect(address.removeprefix("unix:"))
            yield opened
    else:
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=10) as opened:
            yield opened


def flood(address: str, chunks: Iterable[bytes], seconds: float = 60) -> int:
    """Send chunks as fast as the server takes them, and throw away what it answers; returns how many it took.

    Ends where the server hangs up, and after so many seconds.
    """
    end, taken, rest = time.monotonic() + seconds, 0, b""
    with connection(address) as opened:
        opened.setblocking(False)
        source = iter(chunks)
        while time.monotonic() < end:
            readable, writable, _ = select.select([opened], [opened], [], 1)
            try:
                if readable and not opened.recv(1 << 20):
                    return taken
                if writable:
                    rest = rest or next(source, b"")
                    if not rest:
                        return taken
                    rest = rest[opened.send(rest) :]
                    taken += not rest
            except BlockingIOError:
                continue
            except OSError:
                return taken
    return taken
