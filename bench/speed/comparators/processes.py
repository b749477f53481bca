"""Servers of comparators as processes: started, waited for, ended with the block."""

import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.speed.layouts import on_cores
from bench.speed.sides import NATIVE, Setting

START_SECONDS = 60.0
STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    """A server that was started; what it logs goes to a file."""

    handle: "subprocess.Popen[str]"
    log: Path

    @property
    def pid(self) -> int:
        """Of the process whose CPU time counts."""
        return self.handle.pid

    def read_line(self) -> str:
        """The first line that it prints; raises RuntimeError, with its log, where there is none in time."""
        assert self.handle.stdout is not None
        ready, _, _ = select.select([self.handle.stdout], [], [], START_SECONDS)
        if not ready or not (line := self.handle.stdout.readline().strip()):
            raise RuntimeError(f"a server did not start:\n{self.log.read_text(encoding='utf-8')[-2000:]}")
        return line


@contextmanager
def start(
    command: Sequence[str], setting: Setting, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[Process]:
    """A server on all cores of the layout, with one thread for each call of its engine; ended with the block.

    Args:
        command: the program and what it is told.
        setting: which cores.
        environment: variables, in addition to those of this process.
        folder: where it runs and logs; by default its log is lost.
    """
    cores = tuple(sorted({*setting.layout.engine, *setting.layout.rest}))
    variables = {**os.environ, **NATIVE, **(environment or {})}
    log = (folder / "server.log") if folder else Path(os.devnull)
    with log.open("a", encoding="utf-8") as errors:
        handle = subprocess.Popen(
            [*on_cores(cores), *command], stdout=subprocess.PIPE, stderr=errors, env=variables, text=True, cwd=folder
        )
    try:
        yield Process(handle, log)
    finally:
        handle.terminate()
        try:
            handle.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            handle.kill()
            handle.wait()
        if handle.stdout:
            handle.stdout.close()


def find_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def wait_until_open(process: Process, port: int) -> None:
    """Wait until a server listens on a port; raises RuntimeError, with its log, where it does not."""
    end = time.monotonic() + START_SECONDS
    while process.handle.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"a server did not start:\n{process.log.read_text(encoding='utf-8')[-2000:]}")
