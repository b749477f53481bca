"""A stand-in of the Hub on this machine, with commits, checksums, access and faults as real as tests need them."""

import json
import socket
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub_repository import Files, Repository, blob_id, sha256


@dataclass(frozen=True)
class Request:
    """A request as it came; `host` tells the Hub from its storage."""

    method: str
    path: str
    host: str
    range: str | None
    user_agent: str
    authorization: str | None


@dataclass
class Fault:
    """What goes wrong with requests whose path has `path` in it, `times` times or, with None, always.

    Attributes:
        status: answered instead of anything else, with `headers` and `body`.
        cut: bytes of the body after which the connection breaks.
        held: whether it does not break then, but stays open and silent.
        replaced: whether the body is other bytes.
        whole: whether a range that is asked for is ignored.
    """

    path: str = ""
    times: int | None = 1
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None
    held: bool = False
    replaced: bool = False
    whole: bool = False


class Listener(ThreadingHTTPServer):
    """Says nothing of clients that go away in the middle."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass


class HubStandIn:
    """The Hub and, at another port, its storage of large files; a context manager.

    Args:
        prefix: of all paths, as a mirror inside a company may have one.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.repositories: dict[str, Repository] = {}
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.members: set[str] = set()  # tokens that may read what is private, and accepted all terms
        self.strangers: set[str] = set()  # tokens that may not
        self.stored: dict[str, bytes] = {}
        self.ended = threading.Event()
        self._lock = threading.Lock()
        handler = type("Handler", (HubHandler,), {"hub": self})
        self._servers = [Listener(("127.0.0.1", 0), handler) for _ in range(2)]
        self.url, self.storage_url = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)
        self.url += prefix

    def __enter__(self) -> "HubStandIn":
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def add(
        self,
        name: str,
        files: Files,
        *,
        lfs: Iterable[str] = (),
        license: str | list[str] | None = None,
        card: Mapping[str, object] | None = None,
        gated: bool = False,
        private: bool = False,
        pull_requests: Iterable[Files] = (),
    ) -> Repository:
        """Add a repository whose ``main`` has `files`, and ``refs/pr/1`` and so on those of the pull requests."""
        card = ({"license": license} if license else {}) | dict(card or {})
        repository = self.repositories[name] = Repository(card, frozenset(lfs), gated, private)
        repository.commit(files)
        for number, changed in zip(count(1), pull_requests, strict=False):
            repository.commit(changed, f"refs/pr/{number}")
        return repository

    def fail(self, **fault: object) -> Fault:
        """Let something go wrong, as `Fault` says."""
        self.faults.append(Fault(**fault))  # type: ignore[arg-type]
        return self.faults[-1]

    def asked(self, path: str, method: str = "GET") -> list[Request]:
        """The requests whose path has `path` in it."""
        return [request for request in self.requests if path in request.path and request.method == method]

    def take_fault(self, path: str) -> Fault | None:
        """The fault of this request, if it has one."""
        with self._lock:
            for fault in self.faults:
                if fault.path in path and fault.times != 0:
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None


class HubHandler(BaseHTTPRequestHandler):
    """Answers as the Hub does."""

    protocol_version = "HTTP/1.1"
    hub: HubStandIn

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        headers = self.headers
        self.hub.requests.append(
            Request(
                self.command, self.path, headers["Host"], headers["Range"], headers["User-Agent"] or "",
                headers["Authorization"],
            )
        )  # fmt: skip
        self.fault = self.hub.take_fault(unquote(self.path)) or Fault()
        if self.fault.status:
            return self.answer(self.fault.status, self.fault.body, **self.fault.headers)
        address = urlsplit(self.path)
        path = address.path.removeprefix(self.hub.prefix)
        if not address.path.startswith(self.hub.prefix) and not path.startswith("/storage/"):
            return self.refuse(404, "", "no such page")
        parts = path.strip("/").split("/")
        match parts:
            case ["storage", digest]:
                return self.send(self.hub.stored[digest], {"ETag": f'"{digest}"'})
            case ["api", "models", owner, name]:
                return self.list(f"{owner}/{name}", "main", address.query)
            case ["api", "models", owner, name, "revision", revision]:
                return self.list(f"{owner}/{name}", unquote(revision), address.query)
            case [owner, name, "resolve", revision, *rest]:
                return self.send_file(f"{owner}/{name}", unquote(revision), unquote("/".join(rest)))
        return self.refuse(404, "", "no such page")

    do_HEAD = do_GET

    def is_member(self) -> bool:
        return (self.headers["Authorization"] or "").removeprefix("Bearer ") in self.hub.members

    def find(self, name: str, revision: str) -> tuple[Repository, str] | None:
        """The repository and commit; None where that was already answered with an error."""
        token = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        if token and token not in self.hub.members | self.hub.strangers:
            return self.refuse(401, "", "Invalid credentials in Authorization header")
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and not self.is_member()):
            return self.refuse(404 if token else 401, "RepoNotFound", "Repository not found")
        commit = repository.find(revision)
        if commit is None:
            return self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return repository, commit

    def list(self, name: str, revision: str, query: str) -> None:
        if found := self.find(name, revision):
            repository, commit = found
            blobs = parse_qs(query).get("blobs", ["false"])[0].lower() == "true"
            self.answer_json(200, repository.describe(name, commit, blobs))

    def send_file(self, name: str, revision: str, path: str) -> None:
        found = self.find(name, revision)
        if found is None:
            return None
        repository, commit = found
        if repository.gated and not self.is_member():
            status = 403 if self.headers["Authorization"] else 401
            return self.refuse(status, "GatedRepo", f"Access to model {name} is restricted.")
        if path not in repository.commits[commit]:
            return self.refuse(404, "EntryNotFound", "Entry not found")
        content = repository.commits[commit][path]
        if path not in repository.lfs:
            return self.send(content, {"X-Repo-Commit": commit, "ETag": f'"{blob_id(content)}"'})
        digest = sha256(content)
        self.hub.stored[digest] = content
        told = {"X-Repo-Commit": commit, "X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        return self.answer(302, b"", Location=f"{self.hub.storage_url}/storage/{digest}", **told)

    def send(self, content: bytes, headers: Mapping[str, str]) -> None:
        """Send a body, or the range of it that was asked for."""
        if self.fault.replaced:
            content = bytes(len(content))
        told = {"Accept-Ranges": "bytes", **headers}
        asked = self.headers["Range"]
        if asked and not self.fault.whole:
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            if start >= len(content):
                return self.answer(416, b"", **{"Content-Range": f"bytes */{len(content)}"})
            told["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return self.answer(206, content[start:], **told)
        return self.answer(200, content, **told)

    def refuse(self, status: int, code: str, message: str) -> None:
        told = {"X-Error-Code": code} if code else {}
        self.answer_json(status, {"error": message}, **told, **{"X-Error-Message": message})

    def answer_json(self, status: int, value: object, **headers: str) -> None:
        self.answer(status, json.dumps(value).encode(), **{"Content-Type": "application/json"}, **headers)

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.fault.cut is None:
            self.wfile.write(body)
            return
        self.wfile.write(body[: self.fault.cut])
        self.wfile.flush()
        if self.fault.held:
            self.hub.ended.wait()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
