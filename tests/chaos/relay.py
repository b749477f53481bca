"""A link between a client and a server that is slow, lossy, silent or cut, as a test says."""

import asyncio
import random
import socket
import struct
import threading
from contextlib import suppress

CHUNK_BYTES = 16_384
# A lost packet comes after so many seconds, and is as likely to be lost again: as TCP sees a lossy link.
RETRANSMISSION_SECONDS = 0.2
# Closes a connection at once and throws away what is on its way: the other side sees a reset.
ABORT = struct.pack("ii", 1, 0)


class Relay:
    """Passes on what two sides send each other; a context manager, with an event loop and thread of its own.

    Args:
        target: HOST:PORT of the server.
        seed: of what is left to chance.

    Attributes:
        address: where clients connect to.
        delay: seconds that each chunk takes longer, either way.
        bytes_a_second: how much a connection carries either way; 0 is as much as it can.
        loss: how many of the chunks are lost once, from 0 to 1.
        connections: how many there have been.
    """

    def __init__(self, target: str, *, seed: int = 1) -> None:
        self._host, _, self._port = target.rpartition(":")
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay")
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._carries = asyncio.Event()
        self._carries.set()
        self.address = ""
        self.delay = 0.0
        self.bytes_a_second = 0
        self.loss = 0.0
        self.connections = 0

    def __enter__(self) -> "Relay":
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset all connections; new ones are taken."""
        self._run(self._cut())

    def silence(self) -> None:
        """Pass nothing on and end no connection, until it heals."""
        self._loop.call_soon_threadsafe(self._carries.clear)

    def heal(self) -> None:
        """Pass on all as it comes, what was held back first."""
        self.delay, self.bytes_a_second, self.loss = 0.0, 0, 0.0
        self._loop.call_soon_threadsafe(self._carries.set)

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _cut(self) -> None:
        for writer in list(self._open):
            with suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            writer.transport.abort()

    async def _close(self) -> None:
        self._server.close()
        await self._cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            other_reader, other_writer = await asyncio.open_connection(self._host, int(self._port))
        except OSError:  # the server is away
            writer.transport.abort()
            return
        ends = {writer, other_writer}
        self._open |= ends
        pumps = {asyncio.create_task(self._pump(*way)) for way in ((reader, other_writer), (other_reader, writer))}
        self._tasks |= pumps
        try:
            await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            self._tasks -= pumps
            self._open -= ends
            for end in ends:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await self._carry(len(chunk))
                writer.write(chunk)
                await writer.drain()
            await self._carries.wait()
        writer.close()

    async def _carry(self, size: int) -> None:
        """Wait as long as it takes for so many bytes to come through."""
        seconds = self.delay + (size / self.bytes_a_second if self.bytes_a_second else 0.0)
        lost = RETRANSMISSION_SECONDS
        while self._chance.random() < self.loss:
            seconds, lost = seconds + lost, 2 * lost
        if seconds:
            await asyncio.sleep(seconds)
        await self._carries.wait()
