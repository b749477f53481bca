"""A server process, as an operator starts it."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

SERVE = (sys.executable, "-c", "import polygist_service; polygist_service.main()", "serve")


# Below what Linux gives to whoever asks for any port: nobody gets one of these before it is used.
LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000


def find_free_port() -> int:
    """A port that nobody listens on just now, and that no test of another process is told of."""
    # Of pytest-xdist; even ports are for one of its two processes, odd ones for the other.
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while True:
        port = LOWEST_PORT + 2 * secrets.randbelow((HIGHEST_PORT - LOWEST_PORT) // 2) + process % 2
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for what another process brings about."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a key and a certificate for this machine; return the files."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
    )
    return key, cert


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
        records = [json.loads(line) for line in self.log().splitlines(keepends=True) if line.endswith("}\n")]
        return [record for record in records if record["event"] == name]

    def log(self) -> str:
        """All that it logged."""
        return self._log.read_text()

    def wait_until_serving(self) -> None:
        """Wait for the models."""
        self.wait_for("serving")

    def wait_for(self, event: str, seconds: float = 60, **fields: object) -> dict:
        """Wait until an event is logged, with these fields, and return it.

        Raises AssertionError with the log where it takes too long, or where the server ends.
        """
        end = time.monotonic() + seconds
        while True:
            for record in self.events(event):
                if fields.items() <= record.items():
                    return record
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, where it still runs, and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=30)
