"""Answers that come bit by bit: server-sent events, and lines of JSON."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

from google.protobuf.message import Message
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from polygist_service.errors import InvalidRequest
from polygist_service.http.bodies import Body
from polygist_service.http.errors import to_error_object
from polygist_service.wire.failures import CallFailed
from polygist_service.wire.json_messages import write_json

# A stream that says nothing for so long may be cut off by a proxy, so that it says something.
SILENT_SECONDS = 15.0


class Form(NamedTuple):
    """How a stream is written.

    Attributes:
        media_type: what it is called.
        message, failure: a message, and what the stream ends with where it fails, of their JSON.
        end: what it ends with otherwise.
        silence: what is no message.
        patience: seconds that the first message is waited for before the answer begins, which can tell an error by its
            status until then; None where the caller has nothing to send any more.
    """

    media_type: str
    message: Callable[[bytes], bytes]
    failure: Callable[[bytes], bytes]
    end: bytes
    silence: bytes
    patience: float | None


# https://html.spec.whatwg.org/multipage/server-sent-events.html
EVENTS = Form(
    "text/event-stream",
    lambda text: b"data: %s\n\n" % text,
    lambda text: b"event: error\ndata: %s\n\n" % text,
    b"event: end\ndata: {}\n\n",
    b":\n\n",
    None,
)
LINES = Form("application/x-ndjson", lambda text: text + b"\n", lambda text: text + b"\n", b"", b"", 1.0)


class StreamedAnswer(Response):
    """The messages of a stream, each as soon as it is there.

    Args:
        replies: the messages; closed once nobody wants them any more.
        form: how they are written.
        encode: makes JSON of a message.
        body: of the request, by which it is seen that the caller has gone.
        trailer: headers, which are there with the first message.
    """

    def __init__(
        self,
        replies: AsyncGenerator[Message, None],
        *,
        form: Form,
        encode: Callable[[Message], Awaitable[bytes]],
        body: Body,
        trailer: Callable[[], Mapping[str, str]],
    ) -> None:
        super().__init__()
        self._replies = replies
        self._form = form
        self._encode = encode
        self._body = body
        self._trailer = trailer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the stream; raises CallFailed where it fails before it has begun."""
        async with self._body.watched(), aclosing(self._replies), aclosing(self._pieces()) as pieces:
            first = await anext(pieces)
            told = {
                "content-type": self._form.media_type,
                "cache-control": "no-store",
                "x-accel-buffering": "no",  # a proxy that keeps pieces back would make one answer of them
                **self._trailer(),
            }
            headers = [(name.encode(), value.encode("latin-1")) for name, value in told.items()]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": first, "more_body": True})
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield what is written; the first piece, which may be empty, once the answer can begin."""
        has_begun = False
        seconds = self._form.patience
        waiting: asyncio.Future[Any] | None = None
        try:
            while True:
                waiting = asyncio.ensure_future(anext(self._replies, None))
                while not (await asyncio.wait([waiting], timeout=seconds))[0]:
                    yield self._form.silence
                    has_begun, seconds = True, SILENT_SECONDS
                try:
                    reply = waiting.result()
                except CallFailed as failed:
                    failure = self._body.explain(failed)
                    if not has_begun:
                        raise failure from None
                    yield self._form.failure(write_json(to_error_object(failure)))
                    return
                if reply is None:
                    break
                yield self._form.message(await self._encode(reply))
                has_begun, seconds = True, SILENT_SECONDS
            yield self._form.end
        finally:
            if waiting:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)


async def split_lines(pieces: AsyncIterator[bytes], most: int) -> AsyncIterator[tuple[int, bytes]]:
    """Yield each line that is not blank, with its number from 0; raises InvalidRequest at one that is too long.

    Args:
        pieces: of the text.
        most: bytes of a line.
    """
    number, rest = 0, bytearray()
    async for piece in pieces:
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            rest += piece[start:end]
            start = end + 1
            if rest.strip():
                yield number, bytes(rest)
            number += 1
            rest.clear()
        rest += piece[start:]
        if len(rest) > most:
            raise InvalidRequest(f"lines[{number}]", f"has more than {most} bytes; send less in one line")
    if rest.strip():
        yield number, bytes(rest)
