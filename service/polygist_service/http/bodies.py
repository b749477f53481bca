"""The body of a request: read within bounds of size and time, and the caller watched meanwhile and after."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.requests import Request

from polygist_service.errors import InvalidRequest, PolygistError
from polygist_service.http.errors import Failure, HttpRefusal
from polygist_service.wire.failures import CallFailed
from polygist_service.wire.json_messages import BODY

ResultT = TypeVar("ResultT")

# A body has so many seconds, and one more for so many bytes that have come: who sends slower is not waited for.
BODY_SECONDS = 30.0
LEAST_BYTES_PER_SECOND = 4096
# What is inflated at once, before others have their turn.
PIECE_BYTES = 1 << 16
# The same off the event loop.
PART_BYTES = 1 << 20
GZIP_WINDOW = 31  # zlib's word for the format of gzip


class CallerGone(Exception):
    """The caller has closed the connection: nobody is to be told anything."""


class Body:
    """What a caller sends, and whether he is still there.

    Args:
        request: whose body it is.
        most: bytes, after it was inflated; None where a stream has no end.
    """

    def __init__(self, request: Request, most: int | None = None) -> None:
        self._request = request
        self._most = most
        self._is_gone = False
        self._refusal: HttpRefusal | None = None
        self._ended = asyncio.Event()  # all of it has come, or the caller has gone

    def has_come(self) -> bool:
        """Whether all of it has come, or no more will."""
        return self._ended.is_set()

    async def read(self) -> bytes:
        """Return all of it as it came, which `unpack` inflates; raises HttpRefusal where it is too long or too slow."""
        self._check_length()
        self._is_packed()
        content = bytearray()
        async for piece in self._received():
            content += piece
            if self._most is not None and len(content) > self._most:
                raise too_large(len(content), self._most)
        return bytes(content)

    def unpack(self, content: bytes) -> bytes:
        """Return what `read` returned, inflated where it is compressed; raises HttpRefusal.

        Belongs off the event loop, where few are inflated at a time: 16 kB can become 16 MB.
        """
        if not self._is_packed():
            return content
        most, parts, size = self._most or len(content), [], 0
        for part in inflate(content):
            parts.append(part)
            size += len(part)
            if size > most:
                raise too_large(size, most)
        return b"".join(parts)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield it as it comes, inflated where it is compressed; raises HttpRefusal where it cannot be."""
        inflater = Inflater() if self._is_packed() else None
        async for piece in self._received():
            if inflater is None:
                yield piece
                continue
            for part in inflater.inflate(piece, PIECE_BYTES):
                yield part
                await asyncio.sleep(0)
        if inflater:
            inflater.check_end()

    def _is_packed(self) -> bool:
        """Whether it is compressed; raises HttpRefusal where it is in a way that is not known."""
        encoding = self._request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip"):
            raise HttpRefusal(
                "CONTENT_ENCODING_UNSUPPORTED",
                f"Content-Encoding {encoding[:40]!r} is not read; send gzip or nothing",
                headers={"accept-encoding": "gzip"},
            )  # fmt: skip
        return encoding == "gzip"

    async def reading(self, read: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return what `read` makes of it for a call, which ends with InvalidRequest where the body is refused."""
        try:
            return await read()
        except HttpRefusal as refusal:
            self._refusal = refusal
            raise InvalidRequest(BODY, refusal.message) from None
        except PolygistError as error:  # whose traceback would keep the body for as long as the call lasts
            raise error.with_traceback(None) from None

    def explain(self, failure: CallFailed) -> Failure:
        """Return what the caller is told of a call that failed: that its body was refused, if that is why."""
        return self._refusal or failure

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Cancel the block once the caller has gone; raises CallerGone in that case."""
        owner = asyncio.current_task()
        assert owner is not None
        watch = asyncio.ensure_future(self._wait_until_gone())
        watch.add_done_callback(lambda ended: None if ended.cancelled() or is_over else owner.cancel())
        is_over = False
        try:
            yield
        except asyncio.CancelledError:
            if self._is_gone and owner.uncancel() == 0:
                raise CallerGone from None
            raise
        finally:
            is_over = True
            watch.cancel()

    def _check_length(self) -> None:
        """Refuse a body that says itself that it is too large."""
        length = self._request.headers.get("content-length", "")
        if self._most is not None and length.isdecimal() and int(length) > self._most:
            raise too_large(int(length), self._most)

    async def _received(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        began, size = loop.time(), 0
        while not self._ended.is_set():
            until = None if self._most is None else began + BODY_SECONDS + size / LEAST_BYTES_PER_SECOND
            try:
                async with asyncio.timeout_at(until):
                    message = await self._request.receive()
            except TimeoutError:
                raise HttpRefusal(
                    "REQUEST_INCOMPLETE",
                    f"the body did not come in time: {size} bytes in {loop.time() - began:.0f} s; send it faster",
                    headers={"connection": "close"},
                ) from None  # fmt: skip
            if message["type"] == "http.disconnect":
                self._is_gone = True
                self._ended.set()
                if self._most is not None:  # what reads one message is a task that nothing else ends
                    raise asyncio.CancelledError
                await loop.create_future()  # the call is ended by who watches
            piece: bytes = message.get("body", b"")
            size += len(piece)
            if not message.get("more_body", False):
                self._ended.set()
            if piece:
                yield piece

    async def _wait_until_gone(self) -> None:
        await self._ended.wait()
        while not self._is_gone:
            self._is_gone = (await self._request.receive())["type"] == "http.disconnect"


class Inflater:
    """Inflates what was compressed by gzip, piece by piece; files of gzip one after the other are one."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(GZIP_WINDOW)

    def inflate(self, piece: bytes, most: int) -> Iterator[bytes]:
        """Yield what comes of a piece, at most so many bytes at once; raises HttpRefusal where it is no gzip."""
        left = piece
        while left:
            if self._member.eof:
                self._member = zlib.decompressobj(GZIP_WINDOW)
            try:
                yield self._member.decompress(left, most)
            except zlib.error as error:
                raise not_gzip(str(error)) from None
            left = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def check_end(self) -> None:
        """Raise HttpRefusal where it is cut off."""
        if not self._member.eof:
            raise not_gzip("it is cut off")


def inflate(content: bytes) -> Iterator[bytes]:
    """Yield what comes of a whole file, part by part; raises HttpRefusal where it is no gzip."""
    inflater = Inflater()
    yield from inflater.inflate(content, PART_BYTES)
    inflater.check_end()


def not_gzip(why: str) -> HttpRefusal:
    """Return the refusal of what does not inflate."""
    return HttpRefusal("FIELD_INVALID", f"the body is no gzip, as its header says: {why}")


def too_large(size: int, most: int) -> HttpRefusal:
    """Return the refusal of a body of which so much was told, or has come."""
    return HttpRefusal(
        "REQUEST_TOO_LARGE",
        f"the body has {size} bytes or more, the limit is {most}; send less in one request",
        headers={"connection": "close"}, metadata={"field": "body", "requested": str(size), "limit": str(most)},
    )  # fmt: skip
