"""Messages as they come over the wire, inflated where their callers compress them: here, and not by gRPC.

gRPC inflates each message as soon as it is there, as many at once as come, 16 kB to 15 MB: so it is told not to (see
`app.server.channel_options`), and does not tell which messages are compressed. They tell it themselves. What begins
as gzip does (RFC 1952) is no message of protobuf, which has no such type of a field. What begins as zlib does
(RFC 1950), which gRPC calls deflate, may be one: it is compressed where all of it inflates, its checksum among that.
"""

import asyncio
import zlib
from typing import Any

from polygist_service.errors import InvalidRequest, RequestTooLarge

GZIP, ZLIB = 31, 15  # zlib's words for the formats
GZIP_BEGIN, ZLIB_BEGIN = b"\x1f\x8b\x08", 0x78
# So much is inflated on the event loop, in a fifth of a millisecond; more is on a thread, piece by piece.
AT_ONCE_BYTES, PIECE_BYTES = 1 << 16, 1 << 20


def find_format(message: bytes) -> int:
    """Return how a message is compressed, as zlib calls it; 0 where it is not."""
    if message.startswith(GZIP_BEGIN):
        return GZIP
    is_zlib = len(message) > 2 and message[0] == ZLIB_BEGIN and int.from_bytes(message[:2], "big") % 31 == 0
    return ZLIB if is_zlib else 0


class Inflation:
    """A message that may be compressed, and what it becomes.

    Args:
        message: as it came; what is no bytes was not received by gRPC, and is not compressed.
        most: bytes that it may become.
    """

    def __init__(self, message: Any, most: int) -> None:
        self._message = message
        self._most = most
        self._format = find_format(message) if isinstance(message, bytes) else 0
        self._inflater = zlib.decompressobj(self._format) if self._format else None
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed, as far as that is known yet."""
        return self._inflater is not None

    def begin(self) -> bool:
        """Inflate what is done at once; returns whether that is all. Raises as `finish` does."""
        return self._advance(AT_ONCE_BYTES)

    async def finish(self) -> None:
        """Inflate the rest on a thread; raises InvalidRequest, and RequestTooLarge where it becomes too long."""
        await asyncio.to_thread(self._finish)

    def take(self) -> Any:
        """Return what the message has become, once all of it is inflated; it is kept no longer."""
        message, parts = self._message, self._parts
        self._message, self._parts = None, []
        return b"".join(parts) if self.is_packed else message

    def _finish(self) -> None:
        while not self._advance(PIECE_BYTES):
            pass

    def _advance(self, most: int) -> bool:
        """Inflate the next bytes; returns whether there are no more. What only looked like zlib is left as it is."""
        if self._inflater is None:
            return True
        try:
            part = self._inflater.decompress(self._inflater.unconsumed_tail if self._parts else self._message, most)
            if self._inflater.unused_data or not (part or self._inflater.eof):
                raise zlib.error("it is cut off, or followed by more")
        except zlib.error as error:
            if self._format == GZIP:
                raise InvalidRequest("request", f"cannot be inflated: {error}") from None
            self._inflater = None
            return True
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._most:
            self._parts.clear()
            message = f"inflates to more than {self._most} bytes, which are the most; send less at once"
            raise RequestTooLarge("request", message, requested=self._size, limit=self._most)
        return self._inflater.eof
