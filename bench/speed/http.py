"""HTTP beside gRPC: the same calls of the same callers, at both doors of one server, one window after the other.

    python -m bench.speed.http [--callers 64] [--seconds 20] [--rounds 3] [--sentences 0]

Prints characters a second and the server's CPU time a call of each window, and the medians of the ratios.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import grpc
from polygist.v1.translation_service_pb2 import TranslateRequest
from polygist.v1.translation_service_pb2_grpc import TranslationServiceStub

from bench.quality.environment import REPOSITORY
from bench.quality.process import SERVE, Server, start_server
from bench.speed.layouts import free_port
from bench.speed.window import read_cpu_seconds

Call = Callable[[str], Awaitable[int]]
LEAST_RATIO = 0.85


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one window.

    Attributes:
        calls: answered in it, however many of them were under way at its end.
        characters: of their texts.
        seconds: of the window.
        cpu_seconds: that the server took.
    """

    calls: int
    characters: int
    seconds: float
    cpu_seconds: float

    @property
    def pace(self) -> float:
        """Characters a second."""
        return self.characters / self.seconds

    @property
    def cost(self) -> float:
        """CPU seconds of a thousand characters."""
        return 1000 * self.cpu_seconds / self.characters


@asynccontextmanager
async def grpc_caller(address: str) -> AsyncIterator[Call]:
    """What calls over gRPC, on a connection of its own."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, options) as channel:
        stub = TranslationServiceStub(channel)

        async def call(text: str) -> int:
            """Translate a text; return how long its translation is."""
            request = TranslateRequest(contents=[text], source_language_code="en", target_language_code="pt")
            return len((await stub.Translate(request)).translations[0].translated_text)

        yield call


@asynccontextmanager
async def http_caller(address: str) -> AsyncIterator[Call]:
    """What calls over HTTP, on a connection of its own. It reads what this server writes, and is no more than that."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def call(text: str) -> int:
        """Translate a text; return how long its translation is."""
        body = json.dumps({"contents": [text], "sourceLanguageCode": "en", "targetLanguageCode": "pt"}).encode()
        head = f"POST /v1/translate HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        answer = json.loads(await reader.readexactly(int(headers["content-length"])))
        if " 200 " not in status:
            raise RuntimeError(f"{status}: {answer}")
        return len(answer["translations"][0]["translatedText"])

    try:
        yield call
    finally:
        writer.close()


async def measure(server: Server, callers: Sequence[Call], texts: Sequence[str], seconds: float) -> Measured:
    """Have all callers call, one call after the other, for so long and as long again before it."""
    feed = itertools.cycle(texts)
    counted: list[int] = []
    is_counting = is_over = False

    async def go_on(call: Call) -> None:
        """Call until it is over."""
        while not is_over:
            text = next(feed)
            await call(text)
            if is_counting and not is_over:
                counted.append(len(text))

    tasks = [asyncio.create_task(go_on(call)) for call in callers]
    await asyncio.sleep(seconds / 2)
    is_counting, began, cpu = True, time.monotonic(), read_cpu_seconds(server.pid)
    await asyncio.sleep(seconds)
    is_over, ended, spent = True, time.monotonic() - began, read_cpu_seconds(server.pid) - cpu
    await asyncio.gather(*tasks)
    return Measured(len(counted), sum(counted), ended, spent)


def read_texts(sentences: int) -> list[str]:
    """Return texts: the example article with its paragraphs in other orders, or so many sentences of it each."""
    paragraphs = (REPOSITORY / "examples/article.txt").read_text(encoding="utf-8").strip().split("\n\n")
    if not sentences:
        return ["\n\n".join(paragraphs[at:] + paragraphs[:at]) for at in range(len(paragraphs))]
    all_sentences = " ".join(paragraphs).replace("\n", " ").split(". ")
    starts = range(0, len(all_sentences) - sentences + 1, sentences)
    return [". ".join(all_sentences[at : at + sentences]) + "." for at in starts]


async def compare(server: Server, http_address: str, arguments: argparse.Namespace) -> float:
    """Measure both doors in turn, print each window, and return the median of the ratios of their paces."""
    texts = read_texts(arguments.sentences)
    doors = {"gRPC": (grpc_caller, server.address), "HTTP": (http_caller, http_address)}
    paces, costs = [], []
    for _ in range(arguments.rounds):
        found: dict[str, Measured] = {}
        for name, (make, address) in doors.items():
            async with AsyncExitStack() as stack:
                callers = [await stack.enter_async_context(make(address)) for _ in range(arguments.callers)]
                found[name] = window = await measure(server, callers, texts, arguments.seconds)
            calls, pace, cost = window.calls, window.pace, window.cost * 1000
            print(
                f"{name}: {calls:6} calls, {pace:8.0f} characters/s, {cost:7.2f} ms of CPU for 1000 characters",
                flush=True,
            )
        paces.append(found["HTTP"].pace / found["gRPC"].pace)
        costs.append(found["gRPC"].cost / found["HTTP"].cost)
    pace = statistics.median(paces)
    spread, cost = f"{min(paces):.3f} to {max(paces):.3f}", statistics.median(costs)
    print(f"HTTP has {pace:.3f} of gRPC's pace ({spread}), by the CPU time that its calls take {cost:.3f}")
    return pace


def main() -> int:
    """Run it; returns 1 where HTTP has less of gRPC's pace than it should."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.http", description=__doc__)
    parser.add_argument("--callers", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sentences", type=int, default=0, help="in each text; 0 is the whole article")
    arguments = parser.parse_args()
    http_address = f"127.0.0.1:{free_port()}"
    with start_server(None, [*SERVE, "--http-listen", http_address]) as server:
        return int(asyncio.run(compare(server, http_address, arguments)) < LEAST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
