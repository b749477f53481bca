"""Channels to the server: what gRPC is given, and which of them an event loop and a process may use."""

import asyncio
import os
from contextlib import suppress
from threading import Event
from typing import Any
from weakref import WeakSet

import grpc.aio

from polygist_client.calls import Call
from polygist_client.connection import Connection


def open_channels(kind: Any, connection: Connection) -> dict[bool, Any]:
    """Open two channels; the key says whether they need a healthy server.

    A server that is loading or shutting down gets no work, but still says how it is.

    Args:
        kind: what makes them, `grpc` or `grpc.aio`.
        connection: where to.
    """
    channels = {}
    for needed in (True, False):
        knobs = connection.channel_options(needs_healthy_server=needed)
        if connection.certificates is None:
            channels[needed] = kind.insecure_channel(connection.address.target, knobs)
        else:
            certificates = connection.certificates
            credentials = grpc.ssl_channel_credentials(certificates.ca, certificates.key, certificates.cert)
            channels[needed] = kind.secure_channel(connection.address.target, credentials, knobs)
    return channels


def make_stub(channels: dict[bool, Any], call: Call[Any, Any], kind: str) -> Any:
    """Make what sends the request of `call`; `kind` is "unary_unary", "unary_stream" or "stream_stream"."""
    return getattr(channels[call.needs_healthy_server], kind)(
        call.path,
        request_serializer=type(call.request).SerializeToString,
        response_deserializer=call.reply.FromString,
    )


class LoopChannels:
    """The channels of each event loop that a client is used in; gRPC binds a channel to the loop that it is made in.

    Args:
        connection: where they lead to.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._channels: dict[asyncio.AbstractEventLoop, dict[bool, Any]] = {}

    @property
    def are_open(self) -> bool:
        """Whether there are any, be it of a loop that is closed."""
        return bool(self._channels)

    def open(self) -> dict[bool, Any]:
        """Return the channels of the running loop; see `open_channels`. Raises RuntimeError as `check_process` does."""
        loop = asyncio.get_running_loop()
        check_process()
        if loop not in self._channels:
            CONNECTED.add(self)
            for other in [each for each in self._channels if each.is_closed()]:
                self._channels.pop(other, None)  # gRPC closes what nobody has any more
            self._channels[loop] = open_channels(grpc.aio, self._connection)
        return self._channels[loop]

    async def close(self) -> None:
        """Close them all: those of a loop that runs in another thread by that thread."""
        while self._channels:
            loop, channels = self._channels.popitem()
            if loop is not asyncio.get_running_loop() and loop.is_running():
                with suppress(RuntimeError):  # it was closed meanwhile
                    loop.call_soon_threadsafe(close_soon, loop, channels)
            else:
                await close_all(channels)


# Those of all clients of this process.
CONNECTED: "WeakSet[LoopChannels]" = WeakSet()
# Set in a process that was forked while some of them were open.
FORKED = Event()


def note_fork() -> None:
    """Tell a process that has just been forked whether gRPC is usable in it.

    Where channels of an event loop are open, gRPC has a thread that calls into it, and leaves out what makes a copy of
    the process usable.
    """
    if any(channels.are_open for channels in CONNECTED):
        FORKED.set()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=note_fork)


def check_process() -> None:
    """Raise RuntimeError where gRPC would hang or crash; see `note_fork`."""
    if FORKED.is_set():
        raise RuntimeError(
            "this process was forked while an AsyncClient was connected, and gRPC would hang or crash in it; start"
            " processes by multiprocessing's 'spawn' or 'forkserver', or close the client before"
        )


def close_soon(loop: asyncio.AbstractEventLoop, channels: dict[bool, Any]) -> None:
    """Close channels on their own loop, which runs."""
    loop.create_task(close_all(channels))


async def close_all(channels: dict[bool, Any]) -> None:
    """End connections, and the calls that still use them."""
    for channel in channels.values():
        await channel.close()
