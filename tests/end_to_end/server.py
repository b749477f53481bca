"""A server process, as an operator starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SERVE = (sys.executable, "-c", "import polygist_service; polygist_service.main()", "serve")


def find_free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServerProcess:
    """``polygist-server serve`` with its log in a file; a context manager that ends it.

    Args:
        home: folder of the installed models.
        log: where its standard error goes.
        flags: more flags of ``serve``.
        address: where it listens; a free port by default.
        command: what is run in place of ``polygist-server serve``.
    """

    def __init__(
        self, home: Path, log: Path, *flags: str, address: str | None = None, command: Sequence[str] = SERVE
    ) -> None:
        self.address = address or f"127.0.0.1:{find_free_port()}"
        self._log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [*command, "--listen", self.address, "--home", str(home), *flags],
                stderr=output,
                env={name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")},
            )

    def __enter__(self) -> "ServerProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def events(self, name: str) -> list[dict]:
        """The log's events of one name."""
        records = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [record for record in records if record["event"] == name]

    def log(self) -> str:
        """All that it logged."""
        return self._log.read_text()

    def wait_until_serving(self) -> None:
        """Wait for the models."""
        self.wait_for("serving")

    def wait_for(self, event: str, seconds: float = 60) -> None:
        """Wait until an event is logged; raises AssertionError with the log where it takes too long or ends."""
        end = time.monotonic() + seconds
        while not self.events(event):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, where it still runs, and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=30)
