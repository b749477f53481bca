"""Connections: uvicorn's, with limits on the time that a caller may take."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# A caller has so many seconds to send the headers of a request, and to go on reading an answer.
HEADER_SECONDS = 10.0
READING_SECONDS = 60.0
# What is still sent of a body that nobody reads any more is thrown away for so long: cut off at once, the connection
# would be reset, and the answer lost with it.
LINGERING_SECONDS = 2.0


class TimedConnection(H11Protocol):
    """Ends a connection whose caller sends no headers, does not read, or goes on sending what was refused."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Expect headers."""
        super().connection_made(transport)
        self._expect("headers", HEADER_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Read on; headers that have begun are to end soon."""
        if self._is_idle and "headers" not in self._timers:
            self._expect("headers", HEADER_SECONDS)
        super().data_received(data)
        if not self._is_idle:
            self._forget("headers")
        if self.conn.their_state is not h11.SEND_BODY:
            self._forget("rest")

    def on_response_complete(self) -> None:
        """Wait for the next request, and not for long for the rest of this one."""
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            self._expect("rest", LINGERING_SECONDS)

    def pause_writing(self) -> None:
        """Expect the caller to read what is waiting for him."""
        super().pause_writing()
        self._expect("reading", READING_SECONDS)

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

    def _expect(self, name: str, seconds: float) -> None:
        """End the connection unless that is forgotten within so many seconds."""
        self._forget(name)
        self._timers[name] = self.loop.call_later(seconds, self.transport.abort)

    def _forget(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
