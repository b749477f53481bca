"""The port that Prometheus scrapes."""

from prometheus_client import CollectorRegistry, start_http_server


class Exposition:
    """Answers ``GET /metrics`` over plain HTTP, on a thread of its own.

    Args:
        registry: what is exposed.
        listen: HOST:PORT; port 0 picks one.

    Raises:
        OSError: the address cannot be had.
    """

    def __init__(self, registry: CollectorRegistry, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        try:
            self._server, self._thread = start_http_server(int(port), host.strip("[]"), registry=registry)
        except OSError as error:
            raise OSError(f"cannot serve metrics on {listen}: {error}; give another metrics_listen") from error
        self.address = f"{host}:{self._server.server_port}"

    def close(self) -> None:
        """Stop answering. Blocks, for half a second at most."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
