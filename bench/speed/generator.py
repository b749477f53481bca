"""The load generator, as a process: sends what a plan says and prints what came of it.

It knows the contract and nothing else of the service, so it measures any version of it.
"""

import argparse
import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import grpc
from polygist.v1.summarisation_service_pb2 import SummariseRequest
from polygist.v1.summarisation_service_pb2_grpc import SummarisationServiceStub
from polygist.v1.translation_service_pb2 import StreamTranslateRequest, TranslateRequest
from polygist.v1.translation_service_pb2_grpc import TranslationServiceStub

from bench.speed.figures import poisson_schedule
from bench.speed.plan import OK, STREAM, SUMMARISE, Call, Plan, Recording, Stream
from bench.speed.relay import relay
from bench.speed.window import read_cpu_seconds

# How far a generator with fixed times goes before others, where it may; see ``nice``.
HASTE = 10
# Every caller has a connection of its own, as callers on machines of their own have.
OWN_CONNECTION = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A call that is refused is counted as that, not sent again.
    ("grpc.enable_retries", 0),
)


@dataclass(frozen=True, slots=True)
class Text:
    """One text, and the message that sends it."""

    message: Any
    words: int


def main() -> None:
    """Carry out a plan."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.generator", description=__doc__)
    parser.add_argument("plan", type=Path, help="JSON file, as plan.py describes it")
    plan = Plan.read(parser.parse_args().plan)
    if any(stream.rate for stream in plan.streams):
        # Calls at fixed times are to be sent at these, although the server may have every core at work.
        with suppress(PermissionError):
            os.nice(-HASTE)
    print(asyncio.run(carry_out(plan)).to_json())


async def carry_out(plan: Plan) -> Recording:
    """Let all streams send until the window closes; what is under way then is waited for, and its share counts."""
    sources = {stream.name: Source(plan, stream) for stream in plan.streams}
    opened = time.monotonic() + plan.warm_up
    async with asyncio.TaskGroup() as group:
        sent = {name: group.create_task(source.send(opened)) for name, source in sources.items()}
        await asyncio.sleep(opened - time.monotonic())
        server, own = read_cpu_seconds(plan.pid), time.process_time()
        await asyncio.sleep(opened + plan.seconds - time.monotonic())
        server, own = read_cpu_seconds(plan.pid) - server, time.process_time() - own
    return Recording(plan.seconds, server, own, {name: task.result() for name, task in sent.items()})


class Source:
    """Sends the calls of one stream.

    Args:
        plan: where to, and how long.
        stream: what.
    """

    def __init__(self, plan: Plan, stream: Stream) -> None:
        self._plan = plan
        self._stream = stream
        texts = json.loads(Path(stream.texts).read_text(encoding="utf-8"))
        self._texts = cycle([self._make(text) for text in texts])
        self._random = random.Random(stream.seed)
        self._calls: list[Call] = []

    def _make(self, text: str) -> Text:
        """The message of a text."""
        source = self._stream.source
        if self._stream.method == SUMMARISE:
            return Text(SummariseRequest(contents=[text], source_language_code=source), len(text.split()))
        request = TranslateRequest(contents=[text], target_language_code=self._plan.target, source_language_code=source)
        is_streamed = self._stream.method == STREAM
        return Text(StreamTranslateRequest(request=request) if is_streamed else request, len(text.split()))

    async def send(self, opened: float) -> list[Call]:
        """All calls; their times are counted from `opened`."""
        stream = self._stream
        begin, closed = -self._plan.warm_up, self._plan.seconds
        async with self._connected(stream.connections or stream.callers or 1) as connections:
            clock = Clock(opened)
            async with asyncio.TaskGroup() as group:
                if stream.callers:
                    for at in range(stream.callers):
                        group.create_task(self._send_in_turn(connections[at % len(connections)], clock, closed))
                else:
                    for at, due in enumerate(poisson_schedule(stream.rate, closed - begin, seed=stream.seed)):
                        await clock.wait_until(begin + due)
                        connection = connections[at % len(connections)]
                        group.create_task(self._send_one(connection, clock, begin + due))
        return self._calls

    @asynccontextmanager
    async def _connected(self, count: int) -> AsyncIterator[list[Callable[..., Any]]]:
        """So many connections, each as the method of its stub."""
        async with AsyncExitStack() as stack:
            address = self._plan.address
            if self._stream.client:
                address = await stack.enter_async_context(relay(address, self._stream.client))
            methods: list[Callable[..., Any]] = []
            for _ in range(count):
                channel = await stack.enter_async_context(grpc.aio.insecure_channel(address, options=OWN_CONNECTION))
                translation = TranslationServiceStub(channel)
                streamed = translation.StreamTranslate if self._stream.method == STREAM else translation.Translate
                is_summary = self._stream.method == SUMMARISE
                methods.append(SummarisationServiceStub(channel).Summarise if is_summary else streamed)
                await channel.channel_ready()
            yield methods

    async def _send_in_turn(self, method: Callable[..., Any], clock: "Clock", closed: float) -> None:
        """One caller: a call after the other."""
        while (now := clock.now()) < closed:
            await self._send_one(method, clock, now)

    async def _send_one(self, method: Callable[..., Any], clock: "Clock", due: float) -> None:
        """One call; raises grpc.aio.AioRpcError where it fails and none may."""
        text, sent = next(self._texts), clock.now()
        call = method(text.message, timeout=self._stream.deadline)
        if self._random.random() < self._stream.cancelled:
            after = self._random.random() * self._stream.cancelled_within
            asyncio.get_running_loop().call_later(after, call.cancel)
        first, tokens, code = 0.0, 0, OK
        try:
            if self._stream.method == STREAM:
                async for event in call:
                    if event.HasField("text_delta") and not first:
                        first = clock.now()
                    tokens = event.usage.output_token_count if event.HasField("usage") else tokens
            else:
                usage = (await call).usage
                is_summary = self._stream.method == SUMMARISE
                tokens = usage.input_token_count if is_summary else usage.output_token_count
        except grpc.aio.AioRpcError as error:
            if not self._stream.fails:
                raise
            code = error.code().name
        except asyncio.CancelledError:
            if not call.cancelled():  # the generator itself is ended
                raise
            code = "CANCELLED"
        end = clock.now()
        self._calls.append(Call(due, sent, first or end, end, code, text.words, tokens))


class Clock:
    """Seconds from the opening of the window.

    Args:
        opened: when that is, of the monotonic clock.
    """

    def __init__(self, opened: float) -> None:
        self._opened = opened

    def now(self) -> float:
        """Negative before the window."""
        return time.monotonic() - self._opened

    async def wait_until(self, due: float) -> None:
        """Sleep, but not where it is late already."""
        if (left := due - self.now()) > 0:
            await asyncio.sleep(left)


if __name__ == "__main__":
    main()
