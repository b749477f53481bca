"""Messages of streams: turns at being inflated, and what of them may wait."""

import asyncio
import gzip
from collections.abc import Iterable
from contextlib import aclosing

import grpc
import pytest
from polygist_service.errors import ServerOverloaded
from polygist_service.limits import Limits
from polygist_service.rpc.receiving import Refused
from polygist_service.rpc.stream_receiving import OVERFULL, StreamReceiving

from tests.service.echo import EchoEngine
from tests.service.harness import serving, until
from tests.service.rpc.test_batch_translate import config, item
from tests.service.rpc.test_receiving import settle
from tests.service.rpc.test_translate import make

SIZE = 200_000
# Two messages of this size fill what may be held, and one is inflated meanwhile.
LIMITS = Limits(receiving=1, message_bytes=2 * SIZE)
PACKED = gzip.compress(b"a" * SIZE)


class Streams:
    """Streams that each send one message, and work on it until they are told to go on."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._receiving = StreamReceiving(limits)
        self.received: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, name: str, message: bytes | None, caller: str = "one") -> asyncio.Task[None]:
        """Open one, and let it send; None is nothing, for ever."""
        (task,) = await self.open_at_once([name], message, caller)
        return task

    async def open_at_once(
        self, names: Iterable[str], message: bytes | None, caller: str = "one"
    ) -> list[asyncio.Task[None]]:
        """Open several, all of which have sent before anything of one is inflated."""
        opened = []
        for name in names:
            self._gates[name] = asyncio.Event()
            opened.append(asyncio.create_task(self._work(name, message, caller)))
        self._tasks += opened
        await settle()
        return opened

    async def _work(self, name: str, message: bytes | None, caller: str) -> None:
        async def messages():
            if message is None:
                await asyncio.Event().wait()
            yield message

        async with aclosing(self._receiving.receive_each(caller, messages(), lambda message: message)) as each:
            async for received in each:
                if isinstance(received, Refused):
                    raise received.error
                self.received.append(name)
                await self._gates[name].wait()

    def end(self, name: str) -> None:
        """Have all of a stream's messages in work."""
        self._gates[name].set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def streams():
    opened = Streams()
    yield opened
    await opened.close()


async def test_idle_streams_keep_no_turn(streams):
    for number in range(50):
        await streams.open(f"{number}", None)
    await streams.open("busy", PACKED, "two")
    await until(lambda: streams.received == ["busy"])


async def test_where_too_much_waits_no_more_is_inflated_but_for_who_holds_none(streams):
    await streams.open_at_once("abcde", PACKED)
    await until(lambda: streams.received == ["a", "b", "c"])
    await streams.open("other", PACKED, "two")
    await until(lambda: streams.received == ["a", "b", "c", "other"])
    for name in ("a", "b", "other"):
        streams.end(name)
    await until(lambda: streams.received == ["a", "b", "c", "other", "d", "e"])


async def test_a_stream_that_is_given_up_holds_nothing(streams):
    *working, waiting, _ = await streams.open_at_once("abcde", PACKED)
    await until(lambda: streams.received == ["a", "b", "c"])
    waiting.cancel()
    for task in working:
        task.cancel()
    await until(lambda: streams.received == ["a", "b", "c", "e"])


async def test_what_is_not_compressed_is_refused_where_far_too_much_waits(streams):
    plain = b"a" * SIZE
    tasks = [await streams.open(f"{number}", plain) for number in range(2 * OVERFULL)]
    refused = await streams.open("refused", plain, "two")
    with pytest.raises(ServerOverloaded, match="take 1 MB of memory") as raised:
        await refused
    assert (raised.value.cause, raised.value.retry_after) == ("memory", 1.0)
    assert not any(task.done() for task in tasks)
    streams.end("0")
    await streams.open("again", plain, "two")
    assert streams.received[-1] == "again"


async def test_compressed_items_are_answered_beside_idle_streams_and_a_refusal_says_when_to_come_back():
    text = "One." + " " * (SIZE - 4)
    async with serving(EchoEngine(delay=0.01), limits=Limits(receiving=1, message_bytes=SIZE + 100)) as service:
        idle = [service.translation.BatchTranslate() for _ in range(20)]
        for call in idle:
            await call.write(config())
        stream = service.translation.BatchTranslate(
            iter([config(), item("1", text), item("2", "One.")]), compression=grpc.Compression.Gzip
        )
        assert {answer.item_id async for answer in stream} == {"1", "2"}
        assert await service.translation.Translate(make("One."))
        for call in idle:
            call.cancel()
