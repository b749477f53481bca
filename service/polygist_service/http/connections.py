"""Connections: uvicorn's, with bounds on how many there are and on the time that a caller may take."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from polygist_service.http.errors import JSON, HttpRefusal, to_error_object
from polygist_service.wire.json_messages import write_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionBounds:
    """How many connections there are, and how long their callers may take; times are in seconds.

    Attributes:
        connections: at the same time.
        header_seconds: that a caller has to shake hands over TLS, and to send the headers of a request.
        reading_seconds: that a caller has to take a part of what waits for him.
        lingering_seconds: that what is still sent of a body which nobody reads any more is thrown away: cut off at
            once, the connection would be reset, and the answer lost with it.
    """

    connections: int = 2048
    header_seconds: float = 10.0
    reading_seconds: float = 60.0
    lingering_seconds: float = 2.0


class BoundedConnection(H11Protocol):
    """Ends a connection that is one too many, or whose caller sends no headers, does not read, or sends on and on.

    Args:
        bounds: when.
        more: see uvicorn's.
    """

    def __init__(self, bounds: ConnectionBounds, **more: Any) -> None:
        super().__init__(**more)
        self._bounds = bounds
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Expect headers."""
        super().connection_made(transport)
        # So that it is told of whatever waits to be read. Not 0: over TLS, asyncio would count nothing as too much.
        transport.set_write_buffer_limits(1)
        if len(self.connections) > self._bounds.connections:
            transport.abort()
        self._expect("headers", self._bounds.header_seconds, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Read on; headers that have begun are to end soon."""
        if self._is_idle and "headers" not in self._timers:
            self._expect("headers", self._bounds.header_seconds, self.transport.abort)
        super().data_received(data)
        if not self._is_idle:
            self._forget("headers")
        if self.conn.their_state is not h11.SEND_BODY:
            self._forget("rest")

    def on_response_complete(self) -> None:
        """Wait for the next request, and not for long for the rest of this one."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._expect("rest", self._bounds.lingering_seconds, self.transport.abort)
        elif self._is_idle and self.conn.trailing_data[0]:  # the begin of the next one is here already
            self._expect("headers", self._bounds.header_seconds, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        """Tell that what came is no HTTP, unless an answer is under way already."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        refusal = HttpRefusal("REQUEST_MALFORMED", "the request is no HTTP/1.1, or too long")
        body = write_json(to_error_object(refusal))
        headers = {"content-type": JSON, "content-length": str(len(body)), "connection": "close"}
        response = h11.Response(status_code=refusal.http_code, headers=[*headers.items()], reason=b"Bad Request")
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def pause_writing(self) -> None:
        """Expect the caller to read what waits for him."""
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        """Write on."""
        super().resume_writing()
        self._forget("reading")

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        super().connection_lost(exc)
        for name in list(self._timers):
            self._forget(name)

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _expect_reading(self) -> None:
        waiting = self.transport.get_write_buffer_size()

        def look() -> None:
            """End the connection where nothing was read since."""
            if self.transport.get_write_buffer_size() < waiting:
                self._expect_reading()
            else:
                self.transport.abort()

        self._expect("reading", self._bounds.reading_seconds, look)

    def _expect(self, name: str, seconds: float, otherwise: Callable[[], None]) -> None:
        """Call `otherwise` unless that is forgotten within so many seconds."""
        self._forget(name)
        self._timers[name] = self.loop.call_later(seconds, otherwise)

    def _forget(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
