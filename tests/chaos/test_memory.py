"""How much memory large requests take, and how soon it is back; callers are no gRPC clients."""

import gzip
import os
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest
from google.protobuf.message import Message
from polygist.v1 import translation_service_pb2

from tests.chaos import wire
from tests.chaos.wire import connection, frame
from tests.end_to_end.server import ServerProcess

pytestmark = pytest.mark.chaos
TRANSLATE = b"/polygist.v1.TranslationService/Translate"
BATCH = b"/polygist.v1.TranslationService/BatchTranslate"
CONNECTIONS = 4
# Eight messages of 15 MB at a time, some of them twice: as they came, and inflated or decoded.
MOST_GROWTH = 250.0
OPEN_SECONDS = 2.0  # until all streams wait for what is next
BACK_SECONDS = 10.0
BACK_SHARE = 0.10
CONFIG = translation_service_pb2.TranslateRequest(source_language_code="de", target_language_code="en")
TEXT = "a" * 15_000_000


@pytest.fixture(scope="module")
def server(tiny_home, tmp_path_factory) -> Iterator[ServerProcess]:
    with ServerProcess(tiny_home, tmp_path_factory.mktemp("memory") / "log") as process:
        process.wait_until_serving()
        burst(process, TRANSLATE, [whole(translation_service_pb2.TranslateRequest(contents=["Der alte Markt."]))], 64)
        time.sleep(BACK_SECONDS)
        yield process


def memory(server: ServerProcess, name: str) -> float:
    """Megabytes, as the system calls them: ``VmRSS`` now, ``VmHWM`` at most."""
    with open(f"/proc/{server.process.pid}/status") as status:
        return next(int(line.split()[1]) / 1000 for line in status if line.startswith(f"{name}:"))


def whole(message: Message) -> bytes:
    """A message as it stands in a call."""
    content = message.SerializeToString()
    return b"\0" + struct.pack(">I", len(content)) + content


def zipped(content: bytes) -> bytes:
    """The same, compressed: 15 MB become 15 kB."""
    packed = gzip.compress(content)
    return b"\1" + struct.pack(">I", len(packed)) + packed


def call(stream: int, path: bytes, messages: Sequence[bytes]) -> Iterator[bytes]:
    """The frames of a call."""
    fields = wire.fields(path) + wire.field(b"grpc-encoding", b"gzip")
    yield frame(wire.HEADERS, stream, fields, wire.END_HEADERS)
    for message in messages:
        for at in range(0, len(message), 16_000):
            is_last = message is messages[-1] and at + 16_000 >= len(message)
            yield frame(wire.DATA, stream, message[at : at + 16_000], wire.END_STREAM if is_last else 0)


def burst(server: ServerProcess, path: bytes, messages: Sequence[bytes], count: int) -> None:
    """Make so many calls at once, those of streams after all are open, and read what comes for some seconds."""

    def send() -> None:
        with connection(server.address) as opened, suppress(OSError):
            calls = [list(call(each, path, messages)) for each in range(1, 2 * count // CONNECTIONS, 2)]
            opened.sendall(wire.PREFACE + b"".join(part for each in calls for part in each[: len(messages)]))
            time.sleep(OPEN_SECONDS if len(messages) > 1 else 0)
            opened.sendall(b"".join(part for each in calls for part in each[len(messages) :]))
            end = time.monotonic() + 8
            opened.settimeout(1)
            while time.monotonic() < end:
                with suppress(TimeoutError):
                    if not opened.recv(1 << 20):
                        return

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def bomb() -> list[bytes]:
    """The message of a call that inflates to 15 MB."""
    return [zipped(translation_service_pb2.TranslateRequest(contents=[TEXT]).SerializeToString())]


def item_bomb() -> list[bytes]:
    """The messages of a stream, of which the second inflates to 15 MB."""
    config = translation_service_pb2.BatchTranslateRequest(config=CONFIG)
    item = translation_service_pb2.BatchTranslateRequest(
        item=translation_service_pb2.BatchItem(item_id="1", content=TEXT)
    )
    return [whole(config), zipped(item.SerializeToString())]


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="only Linux tells of the most memory")
@pytest.mark.parametrize("count", [50, 200])
@pytest.mark.parametrize(("path", "messages"), [(TRANSLATE, bomb), (BATCH, item_bomb)], ids=["calls", "streams"])
def test_memory_of_calls_that_inflate(server, figures, path, messages, count):
    with open(f"/proc/{server.process.pid}/clear_refs", "w") as reset:
        reset.write("5")
    before, sent = memory(server, "VmRSS"), messages()
    burst(server, path, sent, count)
    most, began = memory(server, "VmHWM"), time.monotonic()
    while (after := memory(server, "VmRSS")) > before * (1 + BACK_SHARE) and time.monotonic() < began + BACK_SECONDS:
        time.sleep(0.5)
    figures.inputs += count
    figures.recoveries.append(time.monotonic() - began)
    figures.growth = after - before
    print(f"\n{before:.0f} MB before, {most:.0f} at most, {after:.0f} after {time.monotonic() - began:.1f} s")
    assert most - before < MOST_GROWTH
    assert after <= before * (1 + BACK_SHARE)
    assert server.process.poll() is None
