"""A server process of our own, and what it takes: seconds to start, memory."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polygist_client import Client

from bench.quality.report import Table
from bench.quality.sets import DataFolder

SERVE = (sys.executable, "-c", "import polygist_service; polygist_service.main()", "serve", "--listen", "127.0.0.1:0")
STARTS = 3
START_SECONDS = 60.0
STOP_SECONDS = 30.0
LONG_ARTICLE_WORDS = 50_000


@dataclass(frozen=True, slots=True)
class Server:
    """A running server with default settings.

    Attributes:
        pid: its process.
        address: where it listens.
        start_seconds: from the start of the process until all services were SERVING.
    """

    pid: int
    address: str
    start_seconds: float

    def resident_megabytes(self) -> float:
        """Memory that it holds now."""
        return read_megabytes(Path(f"/proc/{self.pid}/status").read_text(), "VmRSS")

    def peak_megabytes(self) -> float:
        """The most memory that it ever held."""
        return read_megabytes(Path(f"/proc/{self.pid}/status").read_text(), "VmHWM")


def read_megabytes(status: str, name: str) -> float:
    """A figure of ``/proc/PID/status``, which is in kibibytes, in megabytes."""
    value = next(line.split()[1] for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(value) * 1024 / 1e6


@contextmanager
def start_server(home: Path | None, command: Sequence[str] = SERVE) -> Iterator[Server]:
    """A server on a free port, ready to serve; ended with the block.

    Args:
        home: folder of the installed models; by default the server's own.
        command: what starts it.

    Raises:
        RuntimeError: it does not start; the message has its log.
    """
    # Whatever is set for another server must not change what is measured.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")}
    if home := home or (Path(os.environ["POLYGIST_HOME"]) if "POLYGIST_HOME" in os.environ else None):
        kept["POLYGIST_HOME"] = str(home)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        start = time.monotonic()
        with log.open("w") as output:
            process = subprocess.Popen(command, stderr=output, env=kept)
        try:
            address = _wait_until_serving(process, log)
            seconds = time.monotonic() - start
            yield Server(process.pid, address, seconds)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=STOP_SECONDS)
            finally:
                process.kill()


def _wait_until_serving(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """The address, once the log says that all services are SERVING and the health service agrees."""
    end = time.monotonic() + START_SECONDS
    while not (event := _find_event(log.read_text(), "serving")):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with exit code {process.returncode}:\n{log.read_text()}")
        if time.monotonic() > end:
            raise RuntimeError(f"the server was not ready after {START_SECONDS:.0f} s:\n{log.read_text()}")
        time.sleep(0.01)
    address = str(event["address"])
    with Client(address) as client:
        if (health := client.health()) != "serving":
            raise RuntimeError(f"the server's log says that it serves, its health service says {health}")
    return address


def _find_event(log: str, name: str) -> dict[str, Any] | None:
    # The last line may be half written.
    complete = (line for line in log.split("\n")[:-1] if line.startswith("{"))
    return next((event for line in complete if (event := json.loads(line))["event"] == name), None)


def join_articles(articles: Sequence[str], words: int) -> str:
    """One article of at least so many words, made of several; raises ValueError where there are not enough."""
    chosen: list[str] = []
    count = 0
    for article in articles:
        chosen.append(article)
        count += len(article.split())
        if count >= words:
            return "\n\n".join(chosen)
    raise ValueError(f"the articles have {count} words together, {words} are needed")


def measure_starts(home: Path | None) -> list[float]:
    """Seconds from start to SERVING, several times."""
    seconds = []
    for _ in range(STARTS):
        with start_server(home) as server:
            seconds.append(server.start_seconds)
    return seconds


def measure_process(server: Server, data: DataFolder, starts: Sequence[float]) -> Table:
    """Start-up and memory; `server` must not have had any request yet."""
    rows: list[tuple[str, float, str]] = [
        ("start to SERVING, median", statistics.median(starts), "s"),
        ("start to SERVING, slowest", max(starts), "s"),
        ("resident, idle after start", server.resident_megabytes(), "MB"),
    ]
    with Client(server.address) as client:
        client.translate("The library opens at nine.", to="pt", source="en")
        client.translate("A biblioteca abre às nove.", to="en", source="pt")
        client.summarise("The library opens at nine. Children read there. The ferry leaves at ten.", source="en")
        rows.append(("resident, every model used", server.resident_megabytes(), "MB"))
        articles = [record["article"] for record in data.records("articles/bbc_300.jsonl")]
        if articles:
            article = join_articles(articles, LONG_ARTICLE_WORDS)
            start = time.monotonic()
            client.summarise(article, source="en", length="long")
            rows.append(("summary of a 50,000-word article", time.monotonic() - start, "s"))
            rows.append(("resident, after that summary", server.resident_megabytes(), "MB"))
            start = time.monotonic()
            client.translate(article, to="pt", source="en")
            rows.append(("translation of a 50,000-word article", time.monotonic() - start, "s"))
            rows.append(("resident, after that translation", server.resident_megabytes(), "MB"))
    rows.append(("resident, peak so far", server.peak_megabytes(), "MB"))
    notes = (f"{len(starts)} starts. 1 MB = 10^6 bytes; resident memory includes the pages of shared libraries.",)
    return Table("Start and memory", ("what", "value", "unit"), tuple(rows), notes)


def exit_on_signals() -> None:
    """Have SIGTERM and SIGHUP end the program as exceptions do: by itself Python would leave servers behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
