"""The budget over the texts of all calls, ``queue.bytes``, against the resident memory that they take, and its end.

The slots stand still at their first batches, so that all that was taken on waits, read and tokenised.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.message import Message
from polygist.v1 import translation_service_pb2
from polygist.v1.translation_service_pb2_grpc import TranslationServiceStub

from tests.chaos.figures import read_resident
from tests.end_to_end.server import ServerProcess
from tests.failpoints import RUN, Failpoints
from tests.service.text.files.word_documents import make_docx

pytestmark = pytest.mark.chaos

BUDGET_BYTES = 96_000_000
# What is asked for is so many times what the budget has room for.
CALLS, CHARACTERS = 24, 100_000
BACK_SECONDS, BACK_SHARE = 10.0, 0.10
# What a server takes beside its texts once it has worked: buffers of the model, and of connections.
BESIDE = 40.0
REFUSED = "UNAVAILABLE"


def paragraphs() -> list[str]:
    """A text of so many characters, in paragraphs, in which no word comes again."""
    words = (f"Wort{number}" for number in range(CHARACTERS))
    found, size = [], 0
    while size < CHARACTERS:
        found.append(" ".join(next(words) for _ in range(8)) + ".")
        size += len(found[-1]) + 1
    return found


def config(contents=(), **more) -> translation_service_pb2.TranslateRequest:
    return translation_service_pb2.TranslateRequest(
        contents=contents, source_language_code="de", target_language_code="en", **more
    )


def plain() -> Message:
    return config([" ".join(paragraphs())])


def many() -> Message:
    return config(paragraphs()[:1000])


def html() -> Message:
    return config(["".join(f"<p>{each[:9]}<b>{each[9:]}</b></p>" for each in paragraphs())], mime_type="text/html")


def document(content: bytes, mime_type: str) -> Message:
    return translation_service_pb2.TranslateDocumentRequest(document=content, mime_type=mime_type, config=config())


def text_file() -> Message:
    return document(" ".join(paragraphs()).encode(), "text/plain")


def word_file() -> Message:
    body = "".join(f"<w:p><w:r><w:t>{each}</w:t></w:r></w:p>" for each in paragraphs())
    return document(make_docx(body), "application/vnd.openxmlformats-officedocument.wordprocessingml.document")


@pytest.fixture
def server(tiny_home, tmp_path):
    """A server with a small budget whose slots are told where to stand still."""
    points = Failpoints(tmp_path / "points")
    flags = (
        "--limit-queue-bytes",
        str(BUDGET_BYTES),
        "--limit-queue-seconds",
        "1000000",
        "--sentence-cache",
        "0",
        "--stall-seconds",
        "0",
    )
    command = (*RUN, str(tmp_path / "points"), "serve")
    with ServerProcess(tiny_home, tmp_path / "log", *flags, command=command) as process:
        process.wait_until_serving()
        yield process, points


async def call(stub: TranslationServiceStub, request: Message, seen: Counter[str]) -> None:
    """Make a call, and add what became of it: it is refused, or held until it is given up."""
    is_file = isinstance(request, translation_service_pb2.TranslateDocumentRequest)
    try:
        await (stub.TranslateDocument if is_file else stub.Translate)(request, timeout=600)
    except grpc.aio.AioRpcError as error:
        seen[error.code().name] += 1


async def settled(server: ServerProcess) -> float:
    """The resident memory, in MB, once it does not grow any more."""
    most, since = 0.0, time.monotonic()
    while time.monotonic() < since + 5:
        await asyncio.sleep(0.1)
        if (now := read_resident(server.process.pid)) > most + 1:
            most, since = now, time.monotonic()
    return most


@dataclass(frozen=True)
class Filled:
    """What one time of as much as there is room for came to: megabytes, seconds, and calls that were held."""

    most: float
    after: float
    seconds: float
    held: int


async def fill(
    server, points: Failpoints, stub: TranslationServiceStub, request: Message, seen: Counter[str]
) -> Filled:
    """Have a server hold as much of a request as it takes on, then give all of it up."""
    before, refused = read_resident(server.process.pid), seen[REFUSED]
    points.switch("engine.batch", "hang")
    calls = [asyncio.create_task(call(stub, request, seen)) for _ in range(CALLS)]
    most = await settled(server)
    held = CALLS - (seen[REFUSED] - refused)
    for each in calls:
        each.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    points.switch("engine.batch")
    began = time.monotonic()
    while (after := read_resident(server.process.pid)) > before * (1 + BACK_SHARE):
        if time.monotonic() > began + BACK_SECONDS:
            break
        await asyncio.sleep(0.2)
    return Filled(most, after, time.monotonic() - began, held)


@pytest.mark.parametrize("make", [plain, many, html, text_file, word_file])
async def test_texts_take_no_more_than_the_budget_and_leave_it(server, figures, make: Callable[[], Message]):
    process, points = server
    request, seen = make(), Counter()
    async with grpc.aio.insecure_channel(process.address, (("grpc.enable_retries", 0),)) as channel:
        stub = TranslationServiceStub(channel)
        await asyncio.gather(*(call(stub, config([each]), seen) for each in paragraphs()[:200]))
        before = await settled(process)
        # What Python's allocator had to get for the first time, it keeps a part of: in pieces that are not all free.
        first, again = [await fill(process, points, stub, request, seen) for _ in range(2)]
    figures.inputs += 2 * CALLS
    figures.recoveries.append(again.seconds)
    figures.growth = again.after - first.after
    figures.notes.append(
        f"{make.__name__}: {first.held} of {CALLS} calls of {request.ByteSize() / 1000:.0f} kB held; {before:.0f} MB"
        f" before, {first.most:.0f} at most ({100 * (first.most - before) * 1e6 / BUDGET_BYTES:.0f} % of the budget),"
        f" {first.after:.0f} after; again {again.most:.0f} at most, {again.after:.0f} after {again.seconds:.1f} s"
    )
    assert set(seen) <= {REFUSED}
    assert max(first.most, again.most) - before <= BUDGET_BYTES / 1e6 + BESIDE
    assert again.after <= first.after * (1 + BACK_SHARE)
    assert process.stop() == 0
