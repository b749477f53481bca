"""The load generator for web servers: callers that each have one request under way, and the next when it is answered.

Each caller has a connection of its own, kept open. The servers speak LibreTranslate's ``POST /translate``.
"""

import argparse
import http.client
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

from bench.speed.window import Window, read_cpu_seconds, share_within

# After that long a request fails, and the run with it.
REQUEST_SECONDS = 60.0
HEADERS = {"Content-Type": "application/json"}
# Its body, and the words of its text.
Request = tuple[bytes, int]
# When a request was sent and answered, and its words.
Answered = tuple[float, float, int]


def main() -> None:
    """Send the texts again and again, and print a window."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="of the server: HOST:PORT")
    parser.add_argument("--pid", type=int, help="of the server, for its CPU time")
    parser.add_argument("--texts", type=Path, required=True, help="JSON file: a list of texts, one for each request")
    parser.add_argument("--source", required=True, help="language of the texts")
    parser.add_argument("--target", required=True, help="language to translate to")
    parser.add_argument("--callers", type=int, required=True, help="requests at the same time")
    parser.add_argument("--seconds", type=float, default=0.0, help="length of the window")
    parser.add_argument("--warm-up", type=float, default=0.0, help="seconds of the same load before it")
    parser.add_argument("--outputs", type=Path, help="write the translation of each text here, and measure nothing")
    arguments = parser.parse_args()
    texts = json.loads(arguments.texts.read_text(encoding="utf-8"))
    requests = [(pack(text, arguments), len(text.split())) for text in texts]
    if arguments.outputs:
        arguments.outputs.write_text(json.dumps(translate_all(requests, arguments)), encoding="utf-8")
    else:
        print(measure(cycle(requests), arguments).to_json())


def pack(text: str, arguments: argparse.Namespace) -> bytes:
    """The body of a request."""
    fields = {"q": text, "source": arguments.source, "target": arguments.target, "format": "text"}
    return json.dumps(fields).encode()


def measure(requests: Iterator[Request], arguments: argparse.Namespace) -> Window:
    """Let all callers send until the window closes; a request counts with its share within."""
    opened = time.monotonic() + arguments.warm_up
    closed = opened + arguments.seconds
    with ThreadPoolExecutor(arguments.callers) as pool:
        callers = [pool.submit(send, arguments.address, requests, closed) for _ in range(arguments.callers)]
        time.sleep(max(0.0, opened - time.monotonic()))
        server, own = read_cpu_seconds(arguments.pid), time.process_time()
        time.sleep(max(0.0, closed - time.monotonic()))
        server, own = read_cpu_seconds(arguments.pid) - server, time.process_time() - own
        answered = [each for caller in callers for each in caller.result()]
    words = sum(words * share_within((start, end), (opened, closed)) for start, end, words in answered)
    return Window(arguments.seconds, words, 0, server, own)


def send(address: str, requests: Iterator[Request], until: float) -> list[Answered]:
    """One caller: a request after the other; raises OSError or RuntimeError where one fails."""
    connection = http.client.HTTPConnection(address, timeout=REQUEST_SECONDS)
    answered = []
    while (start := time.monotonic()) < until:
        body, words = next(requests)
        ask(connection, body)
        answered.append((start, time.monotonic(), words))
    connection.close()
    return answered


def ask(connection: http.client.HTTPConnection, body: bytes) -> str:
    """The translation of one text; raises RuntimeError where the server refuses it."""
    connection.request("POST", "/translate", body, HEADERS)
    response = connection.getresponse()
    answer = response.read()
    if response.status != http.client.OK:
        raise RuntimeError(f"HTTP status {response.status}: {answer[:200]!r}")
    return str(json.loads(answer)["translatedText"])


def translate_all(requests: Sequence[Request], arguments: argparse.Namespace) -> list[str]:
    """The translation of each text, several at the same time."""

    def translate(request: Request) -> str:
        connection = http.client.HTTPConnection(arguments.address, timeout=REQUEST_SECONDS)
        try:
            return ask(connection, request[0])
        finally:
            connection.close()

    with ThreadPoolExecutor(arguments.callers) as pool:
        return list(pool.map(translate, requests))


if __name__ == "__main__":
    main()
