"""Readers that stop reading: what they cost the server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import grpc
from polygist.v1.translation_service_pb2 import (
    BatchItem,
    BatchTranslateRequest,
    StreamTranslateRequest,
    TranslateRequest,
)
from polygist.v1.translation_service_pb2_grpc import TranslationServiceStub
from polygist_client import Client

from bench.bulk.findings import SOURCE, TARGET, Extent, Finding
from bench.bulk.memory import MemoryWatch, Samples
from bench.bulk.texts import read_sentences
from bench.fidelity.kinds import Requirement
from bench.quality.process import start_server
from bench.quality.report import say

CHARACTERS = 1_000_000
CHARACTERS_OF_AN_ITEM = 1000
AT_ONCE = (1, 32)
# What each may cost: the text, its segments as they are read, and what has been written of them.
MOST_MEGABYTES = 80.0
SETTLE_SECONDS = 5.0
# Of a batch that was not ended, so many answers come when they are read again.
LATER_ANSWERS = 20
CALL_SECONDS = 1200.0
# The sentences are some 80 characters long.
SENTENCES = 16_000
WARM_UP = 256

# Every reader has a connection of its own, as readers on machines of their own have.
OWN_CONNECTION = (("grpc.use_local_subchannel_pool", 1),)


@dataclass(frozen=True, slots=True)
class Sleep:
    """What became of readers that slept.

    Attributes:
        ends: how their streams ended, and how many messages came in all.
    """

    method: str
    readers: int
    samples: Samples
    ends: str


def measure(extent: Extent) -> Iterator[Finding]:
    """Each on a server of its own, whose memory nothing else has touched."""
    sentences = read_sentences(extent.data, SENTENCES)
    slept = []
    for method, sleep in (("StreamTranslate", sleep_in_stream), ("BatchTranslate", sleep_in_batch)):
        for readers in AT_ONCE:
            with start_server(extent.home) as server, Client(server.address) as client:
                client.translate(sentences[:WARM_UP], to=TARGET, source=SOURCE)
                with MemoryWatch(server.pid) as watch:
                    ends = asyncio.run(sleep_together(sleep, server.address, sentences, readers, extent.sleep))
                    samples = watch.samples(settle=SETTLE_SECONDS)
                slept.append(Sleep(method, readers, samples, ends))
            say(f"sleepers: {slept[-1]}")
    yield make_finding(slept, extent.sleep)


def make_finding(slept: Sequence[Sleep], seconds: float) -> Finding:
    """What the server held before, at most meanwhile, and after the calls had ended."""
    rows = [
        (each.method, each.readers, *(round(value) for value in (each.samples.before, each.samples.most)),
         round(each.samples.after), round(each.samples.rise / each.readers, 1), each.ends)
        for each in slept
    ]  # fmt: skip
    requirements = [
        Requirement(
            f"{each.readers} of {each.method} cost at most {MOST_MEGABYTES:g} MB each",
            each.samples.rise <= MOST_MEGABYTES * each.readers,
        )
        for each in slept
    ]
    columns = ("call", "readers", "before, MB", "at most", "after", "rise for each", "how they ended")
    notes = (
        f"Each sends {CHARACTERS:,} characters, BatchTranslate in items of {CHARACTERS_OF_AN_ITEM:,}, and reads nothing"
        f" for {seconds:g} s; then it is cancelled, a batch after {LATER_ANSWERS} answers more."
        f" After: {SETTLE_SECONDS:g} s later.",
    )
    return Finding("Readers that sleep", columns, rows, requirements, notes)


Sleeping = Callable[[TranslationServiceStub, Sequence[str], float], Awaitable[str]]


async def sleep_together(sleep: Sleeping, address: str, sentences: Sequence[str], readers: int, seconds: float) -> str:
    """Let so many readers sleep; returns how their calls ended."""
    channels = [grpc.aio.insecure_channel(address, options=OWN_CONNECTION) for _ in range(readers)]
    try:
        stubs = map(TranslationServiceStub, channels)
        ends = await asyncio.gather(*(sleep(stub, sentences, seconds) for stub in stubs))
    finally:
        for channel in channels:
            await channel.close()
    return ", ".join(f"{ends.count(end)} x {end}" for end in dict.fromkeys(sorted(ends)))


async def sleep_in_stream(stub: TranslationServiceStub, sentences: Sequence[str], seconds: float) -> str:
    """Begin a stream, sleep, cancel it."""
    text = " ".join(sentences)[:CHARACTERS]
    wanted = TranslateRequest(contents=[text], source_language_code=SOURCE, target_language_code=TARGET)
    call = stub.StreamTranslate(StreamTranslateRequest(request=wanted), timeout=CALL_SECONDS)
    await asyncio.sleep(seconds)
    is_over = call.done()
    call.cancel()
    return (await call.code()).name if is_over else "cancelled in work"


async def sleep_in_batch(stub: TranslationServiceStub, sentences: Sequence[str], seconds: float) -> str:
    """Send all items, sleep, read what has come meanwhile, cancel what is still in work."""
    text = " ".join(sentences)[:CHARACTERS]
    parts = [text[at : at + CHARACTERS_OF_AN_ITEM] for at in range(0, len(text), CHARACTERS_OF_AN_ITEM)]

    async def send() -> AsyncIterator[BatchTranslateRequest]:
        config = TranslateRequest(source_language_code=SOURCE, target_language_code=TARGET)
        yield BatchTranslateRequest(config=config)
        for number, part in enumerate(parts):
            yield BatchTranslateRequest(item=BatchItem(item_id=str(number), content=part))

    call = stub.BatchTranslate(send(), timeout=CALL_SECONDS)
    await asyncio.sleep(seconds)
    try:
        for _ in range(LATER_ANSWERS):
            if await call.read() is grpc.aio.EOF:
                return "OK"
    except grpc.aio.AioRpcError as error:
        return f"{error.code().name} ({error.details()})"
    call.cancel()
    return "cancelled in work"
