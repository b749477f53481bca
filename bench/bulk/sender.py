"""One caller, as a process: it sends the lines of a file in one of three ways and says on standard output how it went.

Every line that it prints is a JSON object: progress (``done``, ``megabytes``) and at the end ``seconds``,
``cpu_seconds`` and ``done``.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from polygist_client import AsyncClient, Client, Translation

from bench.bulk.findings import SOURCE, TARGET
from bench.bulk.memory import resident_megabytes

CALLERS = 64
# A busy machine takes longer to start a server than a client waits by default.
RECONNECT_SECONDS = 120.0
WARM_UP = "The library opens at nine."


class Progress:
    """Counts answers, tells of every so many, and writes them down where they are wanted.

    Args:
        every: so many answers; 0 tells of none.
        answers: gets a line for each answer: its index and its text.
    """

    def __init__(self, every: int, answers: IO[str] | None) -> None:
        self.done = 0
        self._every = every
        self._answers = answers

    def add(self, index: int | None, text: str) -> None:
        """Count an answer."""
        if self._answers:
            print(json.dumps([index, text]), file=self._answers)
        if self._every and self.done % self._every == 0:
            self.tell()
        self.done += 1

    def tell(self) -> None:
        """Say how far it is."""
        print(json.dumps({"done": self.done, "megabytes": resident_megabytes(os.getpid())}), flush=True)


def main() -> None:
    """Read the command line, send, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.bulk.sender", description=__doc__)
    parser.add_argument("way", choices=("many", "async-many", "unary"), help="what sends")
    parser.add_argument("--address", required=True, help="of the server")
    parser.add_argument("--lines", type=Path, required=True, help="file of the texts, one a line")
    parser.add_argument("--answers", type=Path, help="file for the answers: index and text of each, as they come")
    parser.add_argument("--every", type=int, default=0, help="tell of every so many answers")
    parser.add_argument("--unordered", action="store_true", help="take answers as they come")
    arguments = parser.parse_args()
    with open(arguments.answers or os.devnull, "w", encoding="utf-8") as answers, arguments.lines.open() as lines:
        progress = Progress(arguments.every, answers if arguments.answers else None)
        texts = (line.removesuffix("\n") for line in lines)
        send = {"many": send_many, "async-many": send_many_awaited, "unary": send_singly}[arguments.way]
        seconds, cpu_seconds = send(arguments.address, texts, progress, ordered=not arguments.unordered)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "done": progress.done}), flush=True)


class Watch:
    """Wall and CPU time of this process since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Return both, in seconds."""
        return time.monotonic() - self._wall, time.process_time() - self._cpu


def send_many(address: str, texts: Iterable[str], progress: Progress, *, ordered: bool) -> tuple[float, float]:
    """One `Client.translate_many`; returns wall and CPU seconds."""
    with Client(address, reconnect_timeout=RECONNECT_SECONDS) as client:
        client.translate(WARM_UP, to=TARGET, source=SOURCE)
        watch = Watch()
        for translation in client.translate_many(texts, to=TARGET, source=SOURCE, ordered=ordered):
            progress.add(translation.index, translation.text)
        return watch.read()


def send_many_awaited(address: str, texts: Iterable[str], progress: Progress, *, ordered: bool) -> tuple[float, float]:
    """One `AsyncClient.translate_many`; returns wall and CPU seconds."""

    async def send() -> tuple[float, float]:
        async with AsyncClient(address, reconnect_timeout=RECONNECT_SECONDS) as client:
            await client.translate(WARM_UP, to=TARGET, source=SOURCE)
            watch = Watch()
            async for translation in client.translate_many(texts, to=TARGET, source=SOURCE, ordered=ordered):
                progress.add(translation.index, translation.text)
            return watch.read()

    return asyncio.run(send())


def send_singly(address: str, texts: Iterable[str], progress: Progress, *, ordered: bool) -> tuple[float, float]:
    """Callers of `AsyncClient.translate` on one connection, each with one text under way; returns both seconds."""
    if not ordered:
        raise ValueError("callers of their own have no order; leave --unordered out")

    async def call(client: AsyncClient, numbered: Iterator[tuple[int, str]]) -> None:
        for index, text in numbered:
            translation: Translation = await client.translate(text, to=TARGET, source=SOURCE)
            progress.add(index, translation.text)

    async def send() -> tuple[float, float]:
        numbered = enumerate(texts)
        async with AsyncClient(address, reconnect_timeout=RECONNECT_SECONDS) as client:
            await client.translate(WARM_UP, to=TARGET, source=SOURCE)
            watch = Watch()
            async with asyncio.TaskGroup() as group:
                for _ in range(CALLERS):
                    group.create_task(call(client, numbered))
            return watch.read()

    return asyncio.run(send())


if __name__ == "__main__":
    main()
