"""The port that Prometheus scrapes."""

import gzip
import logging
import socket
import sys
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import CollectorRegistry

log = logging.getLogger(__name__)

PATH = "/metrics"
# A caller has so many seconds to ask, and as many to read the answer.
SECONDS = 10.0
MOST_CALLERS = 32


class MetricsServer:
    """Answers ``GET /metrics`` over plain HTTP, on threads of its own; who does not read the answer keeps nobody.

    Args:
        registry: what is exposed.
        listen: HOST:PORT; port 0 picks one.

    Raises:
        OSError: the address cannot be had.
    """

    def __init__(self, registry: CollectorRegistry, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        try:
            self._server = ThreadedServer(registry, host.strip("[]"), int(port))
        except OSError as error:
            raise OSError(f"cannot serve metrics on {listen}: {error}; give another metrics_listen") from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()
        self.address = f"{host}:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop answering, and leave those who still read. Blocks, for half a second at most."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class ThreadedServer(ThreadingMixIn, TCPServer):
    """A thread for each caller; where there are too many, the oldest has to go."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128  # of callers who come at once; with five, others wait for seconds

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        self.address_family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self.registry = registry
        self._callers: dict[Any, None] = {}  # their sockets, as they came
        self._lock = threading.Lock()
        super().__init__((str(address[0]), port), MetricsHandler)
        self.socket.setblocking(False)  # else a caller who is gone before he is answered would be waited for

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a caller on a thread of its own."""
        with self._lock:
            if len(self._callers) >= MOST_CALLERS:
                oldest = next(iter(self._callers))
                del self._callers[oldest]
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
            self._callers[request] = None
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        """Hang up."""
        with self._lock:
            self._callers.pop(request, None)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong, unless the caller has gone."""
        if not isinstance(sys.exc_info()[1], OSError):
            log.exception("a scrape failed")


class MetricsHandler(BaseHTTPRequestHandler):
    """One request."""

    server: ThreadedServer
    timeout = SECONDS

    def do_GET(self) -> None:
        """Answer what the path asks for."""
        path, _, query = self.path.partition("?")
        if path != PATH:
            self.send_error(HTTPStatus.NOT_FOUND, explain=f"the metrics are at {PATH}")
            return
        encode, kind = choose_encoder(self.headers.get("Accept", ""))
        names = parse_qs(query).get("name[]")
        body = encode(self.server.registry.restricted_registry(names) if names else self.server.registry)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            self.send_header("Content-Encoding", "gzip")
            body = gzip.compress(body)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing of a scrape."""
