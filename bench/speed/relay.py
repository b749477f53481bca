"""Connections from an address of choice: gRPC cannot bind one, and a server tells its callers apart by theirs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

CHUNK = 1 << 16


@asynccontextmanager
async def relay(address: str, client: str) -> AsyncIterator[str]:
    """An address whose connections reach `address`, HOST:PORT, as if they came from the address `client`.

    On Linux the whole of 127.0.0.0/8 is this machine's, so that 127.0.0.2 may be anyone's.
    """
    host, _, port = address.rpartition(":")
    pumps: set[asyncio.Task[None]] = set()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port), local_addr=(client, 0))
        for source, sink in ((reader, back), (there, writer)):
            pumps.add(asyncio.create_task(pump(source, sink)))

    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(join, "127.0.0.1", 0)
        stack.callback(server.close)
        yield "{}:{}".format(*server.sockets[0].getsockname()[:2])
        for task in pumps:
            task.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        await asyncio.sleep(0)  # closed connections are taken down in the loop's next turn


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on all that comes, and the end of it."""
    try:
        with suppress(ConnectionError):
            while data := await source.read(CHUNK):
                sink.write(data)
                await sink.drain()
    finally:
        sink.close()
