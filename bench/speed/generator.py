"""The load generator, as a process: callers that each have one call under way, and the next when it is answered.

It knows the contract and nothing else of the service, so it measures any version of it.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import grpc
from polygist.v1.translation_service_pb2 import TranslateRequest
from polygist.v1.translation_service_pb2_grpc import TranslationServiceStub

from bench.speed.window import Window, read_cpu_seconds, share_within

# After that long a call fails, and the run with it.
CALL_SECONDS = 60.0
# Every caller has a connection of its own, as callers on machines of their own have.
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)


@dataclass(frozen=True, slots=True)
class Call:
    """One answered call: when it was sent and answered, and what it was."""

    start: float
    end: float
    words: int
    tokens: int


def main() -> None:
    """Send the texts again and again, and print a window."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.generator", description=__doc__)
    parser.add_argument("--address", required=True, help="of the server")
    parser.add_argument("--pid", type=int, required=True, help="of the server, for its CPU time")
    parser.add_argument("--texts", type=Path, required=True, help="JSON file: a list of texts, one for each call")
    parser.add_argument("--source", default="", help="language of the texts; none lets the server detect it")
    parser.add_argument("--target", required=True, help="language to translate to")
    parser.add_argument("--callers", type=int, required=True, help="calls at the same time")
    parser.add_argument("--seconds", type=float, required=True, help="length of the window")
    parser.add_argument("--warm-up", type=float, required=True, help="seconds of the same load before it")
    arguments = parser.parse_args()
    requests = [
        TranslateRequest(contents=[text], source_language_code=arguments.source, target_language_code=arguments.target)
        for text in json.loads(arguments.texts.read_text(encoding="utf-8"))
    ]
    print(asyncio.run(measure(requests, arguments)).to_json())


async def measure(requests: Sequence[TranslateRequest], arguments: argparse.Namespace) -> Window:
    """Let all callers send until the window closes; what is under way then is waited for, and its share counts."""
    opened = time.monotonic() + arguments.warm_up
    closed = opened + arguments.seconds
    endless = cycle(requests)
    async with asyncio.TaskGroup() as group:
        callers = [group.create_task(send(arguments.address, endless, closed)) for _ in range(arguments.callers)]
        await asyncio.sleep(opened - time.monotonic())
        server, own = read_cpu_seconds(arguments.pid), time.process_time()
        await asyncio.sleep(closed - time.monotonic())
        server, own = read_cpu_seconds(arguments.pid) - server, time.process_time() - own
    calls = [call for caller in callers for call in caller.result()]
    shares = [share_within((call.start, call.end), (opened, closed)) for call in calls]
    return Window(
        seconds=arguments.seconds,
        words=sum(call.words * share for call, share in zip(calls, shares, strict=True)),
        tokens=sum(call.tokens * share for call, share in zip(calls, shares, strict=True)),
        cpu_seconds=server,
        generator_cpu_seconds=own,
    )


async def send(address: str, requests: Iterator[TranslateRequest], until: float) -> list[Call]:
    """One caller: a call after the other; raises grpc.aio.AioRpcError where one fails."""
    calls = []
    async with grpc.aio.insecure_channel(address, options=OWN_CONNECTION) as channel:
        stub = TranslationServiceStub(channel)
        while (start := time.monotonic()) < until:
            request = next(requests)
            reply = await stub.Translate(request, timeout=CALL_SECONDS)
            words = len(request.contents[0].split())
            calls.append(Call(start, time.monotonic(), words, reply.usage.output_token_count))
    return calls


if __name__ == "__main__":
    main()
