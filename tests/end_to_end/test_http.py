"""`polygist-server http`: HTTP alone, from its start to its end."""

import json
import signal
import subprocess
import urllib.request
from pathlib import Path

from tests.end_to_end.server import SERVE, ServerProcess, find_free_port

HTTP = (*SERVE[:-1], "http")


class HttpProcess(ServerProcess):
    """``polygist-server http`` with its log in a file."""

    def __init__(self, home: Path, log: Path, *flags: str) -> None:
        self.address = f"127.0.0.1:{find_free_port()}"
        self._log = log
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [*HTTP, "--http-listen", self.address, "--home", str(home), *flags], stderr=output
            )

    def ask(self, path: str, body: object = None) -> tuple[int, object]:
        """What is answered to a request: its status, and its JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.address}{path}", data, {"content-type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return answer.status, json.load(answer)


def test_http_is_served_alone_until_it_is_ended(tiny_home, tmp_path):
    with HttpProcess(tiny_home, tmp_path / "log") as server:
        server.wait_until_serving()
        assert server.ask("/readyz")[0] == 200
        status, answer = server.ask("/v1/translate", {"contents": ["Guten Tag."], "targetLanguageCode": "en"})
        assert (status, len(answer["translations"])) == (200, 1)
        (served,) = server.events("http")
        assert served["address"] == server.address
        assert server.wait_for("call", transport="http")["code"] == "OK"
        assert server.stop(signal.SIGTERM) == 0
    assert server.events("stopped")[0]["complete"]
    assert not server.events("unexpected_error")
