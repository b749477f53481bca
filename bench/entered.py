"""Print, as JSON, the files that one translation and one summary enter, client and server together.

``bench.structure`` runs this file with the Python of the checkout that it measures. It uses nothing of that checkout
but its two commands and ``polygist_client.Client``, so that every layout is measured alike.

A file is entered by a call if a function of it runs, in any thread that Python started: a code object other than that
of the module itself. Each call is made in two ways:

- ``command``: ``polygist translate --to pt --from en ARTICLE`` and ``polygist summarise ARTICLE``, in a process of its
  own, from its start, with no more than ``polygist_client`` imported, to its end,
- ``client``: `Client.translate` of one sentence and `Client.summarise` of the article, between sending and receiving,
  on a connection that is warm.

The server has the starter models, default settings and a process of its own, and is warmed up. Timers run beside the
calls: a file counts that each of several calls in a row enters.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from pathlib import Path
from types import CodeType, FrameType
from typing import IO, Any

SENTENCE = "The library opens at nine."
LANGUAGES = {"to": "pt", "source": "en"}
WARM_UPS = 3
CALLS = 3
START_SECONDS = 120.0
# The server ends its side of a call after the client has the answer.
SETTLE_SECONDS = 0.3


class Tracer:
    """Notes what runs, in this thread and in all that are started later."""

    def __init__(self) -> None:
        self._seen: set[CodeType] = set()
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            self._seen.add(frame.f_code)

    def clear(self) -> None:
        """Forget what ran so far."""
        self._seen = set()

    def files(self) -> list[str]:
        """The files of what ran since."""
        return sorted({code.co_filename for code in self._seen.copy() if code.co_name != "<module>"})


def run_command(name: str, *arguments: str) -> None:
    """Run an installed command in this process."""
    (command,) = entry_points(group="console_scripts", name=name)
    sys.argv = [name, *arguments]
    command.load()()


def serve(*arguments: str) -> None:
    """Run ``polygist-server``; lines on standard input, ``clear`` or ``files``, are answered on standard output."""
    answers = take_standard_output()
    tracer = Tracer()
    threading.Thread(target=answer, args=(tracer, sys.stdin, answers), daemon=True).start()
    run_command("polygist-server", "serve", *arguments)


def call(*arguments: str) -> None:
    """Run ``polygist`` and print the files that it entered."""
    output = take_standard_output()
    # The library is there before the command; what the modules of the command do when they are imported counts.
    import polygist_client  # noqa: F401

    tracer = Tracer()
    try:
        run_command("polygist", *arguments)
    finally:
        print(json.dumps(tracer.files()), file=output, flush=True)


def take_standard_output() -> IO[str]:
    """Standard output, for our own use; what else is printed is thrown away."""
    output = os.fdopen(os.dup(1), "w")
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
    return output


def answer(tracer: Tracer, commands: Iterable[str], answers: IO[str]) -> None:
    """Answer each command with a line of JSON."""
    for command in map(str.strip, commands):
        if command == "clear":
            tracer.clear()
        print(json.dumps(tracer.files() if command == "files" else []), file=answers, flush=True)


class Server:
    """A traced server on a free port of 127.0.0.1; a context manager that ends it."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self._process = subprocess.Popen(
            [sys.executable, "-I", __file__, "serve", "--listen", self.address, "--log-level", "error"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)

    def ask(self, command: str) -> list[str]:
        """The answer to a command."""
        assert self._process.stdin
        assert self._process.stdout
        print(command, file=self._process.stdin, flush=True)
        return list(json.loads(self._process.stdout.readline()))

    def wait_until_serving(self, client: Any) -> None:
        """Wait for the models; raises RuntimeError where the server ends or takes too long."""
        from polygist_client import PolygistError

        end = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < end:
            try:
                if client.health() == "serving":
                    return
            except PolygistError:
                pass
            time.sleep(0.1)
        raise RuntimeError("the server does not serve")

    def trace(self, make_call: Callable[[], list[str]]) -> list[str]:
        """The files that each of several calls enters here or, by its own word, at the client."""
        calls = []
        for _ in range(CALLS):
            time.sleep(SETTLE_SECONDS)
            self.ask("clear")
            calls.append({*make_call(), *self.ask("files")})
        return sorted(set.intersection(*calls))


def measure(article: Path) -> dict[str, dict[str, list[str]]]:
    """Files by task, ``translate`` and ``summarise``, and by way, ``command`` and ``client``."""
    from polygist_client import Client

    text = article.read_text(encoding="utf-8")
    tracer = Tracer()
    with Server() as server, Client(server.address) as client:
        server.wait_until_serving(client)
        tasks: dict[str, tuple[Callable[[], object], list[str]]] = {
            "translate": (lambda: client.translate(SENTENCE, **LANGUAGES), ["--to", "pt", "--from", "en"]),
            "summarise": (lambda: client.summarise(text), []),
        }
        entered = {}
        for task, (make_call, flags) in tasks.items():
            for _ in range(WARM_UPS):
                make_call()
            by_client = server.trace(lambda make_call=make_call: trace_client(tracer, make_call))
            arguments = ["--address", server.address, task, *flags, str(article)]
            entered[task] = {
                "command": server.trace(lambda arguments=arguments: trace_command(arguments)),
                "client": by_client,
            }
    return entered


def trace_client(tracer: Tracer, make_call: Callable[[], object]) -> list[str]:
    """The files that a call enters in this process."""
    tracer.clear()
    make_call()
    return tracer.files()


def trace_command(arguments: list[str]) -> list[str]:
    """The files that ``polygist`` enters, in a process of its own."""
    command = [sys.executable, "-I", __file__, "call", *arguments]
    return list(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    elif sys.argv[1] == "call":
        call(*sys.argv[2:])
    else:
        print(json.dumps(measure(Path(sys.argv[1]))))
