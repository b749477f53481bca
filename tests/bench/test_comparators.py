"""What is compared with the service: how batches form, what windows count, how ratios are made."""

import asyncio
import importlib
import json
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from types import ModuleType
from typing import Any

import pytest

from bench.speed.comparators.__main__ import Measured, make_table
from bench.speed.comparators.candidates import PROGRAMS
from bench.speed.comparators.environments import as_here, describe
from bench.speed.window import Window


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Imports programs as they import each other: by their names alone."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(PROGRAMS))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield load
    for name in {path.stem for path in PROGRAMS.glob("*.py")} - before:
        sys.modules.pop(name, None)


@pytest.fixture
def web_server() -> Iterator[str]:
    """The address of a server that answers in capitals, and refuses an empty text."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["q"]
            answer = json.dumps({"translatedText": text.upper()}).encode()
            self.send_response(200 if text else 400)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing is logged."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def asked(address: str) -> Namespace:
    return Namespace(address=address, source="en", target="pt", callers=3)


async def test_a_batch_is_full_or_has_what_came_in_time(programs: Any) -> None:
    batcher = programs("batcher")
    waiting: asyncio.Queue[Any] = asyncio.Queue()
    for number in range(batcher.MAX_BATCH_SIZE + 2):
        waiting.put_nowait((str(number), asyncio.get_running_loop().create_future()))
    assert len(await batcher.collect(waiting)) == batcher.MAX_BATCH_SIZE
    assert [text for text, _ in await batcher.collect(waiting)] == ["10", "11"]


def test_a_window_of_a_library_has_whole_stretches(programs: Any) -> None:
    library, given = programs("library"), []

    def translate(texts: list[str]) -> list[str]:
        given.append(texts)
        return texts

    window = library.measure(translate, cycle([["one two", "three"]]), seconds=0.001, warm_up=0.0)
    assert window.words == 3 * len(given) > 0
    assert window.seconds >= 0.001


def test_outputs_of_a_web_server_keep_their_order(programs: Any, web_server: str) -> None:
    generator, arguments = programs("http_generator"), asked(web_server)
    texts = [f"text {number}" for number in range(20)]
    requests = [(generator.pack(text, arguments), 2) for text in texts]
    assert generator.translate_all(requests, arguments) == [text.upper() for text in texts]


def test_a_refusal_is_not_counted_as_an_answer(programs: Any, web_server: str) -> None:
    generator, arguments = programs("http_generator"), asked(web_server)
    with pytest.raises(RuntimeError, match="HTTP status 400"):
        generator.translate_all([(generator.pack("", arguments), 0)], arguments)


def test_an_environment_is_made_again_when_a_version_changes() -> None:
    assert describe(("slimt==0.1.0",)) != describe(("slimt==0.1.1",))
    assert all("==" in requirement for requirement in as_here("grpcio", "protobuf"))


def test_a_ratio_is_of_windows_of_the_same_round() -> None:
    def windows(*words: float) -> Measured:
        return Measured([Window(1.0, each, 0, 0.5) for each in words], bleu=30.0)

    measured = {
        "service": windows(200, 100, 300),
        "service, SPEED": windows(400, 200, 600),
        "service, HTTP": windows(150, 100, 150),
        "other": windows(100, 50, 100),
    }
    table = make_table(measured, words=20)
    other = dict(zip(table.columns, table.rows[-1], strict=True))
    assert (other["sentences/s"], other["service / it"], other["SPEED / it"]) == (5, 2.0, 4.0)
    assert other["HTTP / it"] == 1.5
    assert other["ratio, least"], other["ratio, greatest"] == (2.0, 3.0)
    assert other["BLEU"] == 30.0
