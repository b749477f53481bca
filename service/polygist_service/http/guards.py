"""Which web pages may ask: none elsewhere, unless the operator says so.

A page that somebody visits can send requests to his own machine and network. Browsers say where these come from
(``Origin``, ``Sec-Fetch-Site``); and a page whose name was made to mean this server (DNS rebinding) is told by the name
in ``Host``. What is no browser sends neither.
"""

import ipaddress
import re
from collections.abc import Callable, Collection
from urllib.parse import quote

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from polygist_service.http.errors import HttpRefusal

ANY = "*"
LOCAL = "localhost"
# What pages may send and see beside what every page may.
HEADERS = (
    *("authorization", "content-encoding", "content-type", "x-request-id", "x-timeout-seconds"),
    *("traceparent", "tracestate"),
)
EXPOSED = (
    *("x-request-id", "retry-after", "content-disposition", "content-language"),
    *("x-source-language", "x-warnings", "x-warning-count"),
)
ToResponse = Callable[[Scope, HttpRefusal], Response]
PORT = re.compile(r":[0-9]*$")
# https://www.rfc-editor.org/rfc/rfc9112#name-absolute-form
ABSOLUTE = re.compile(r"https?://([^/]*)(/.*)?", re.IGNORECASE | re.DOTALL)
MOST_HEADERS = 200
MOST_HEADER_BYTES = 32 << 10


class Guards:
    """Refuses what a page elsewhere sends, and lets in those that may.

    Args:
        application: answers.
        to_response: makes the answer to a request that is refused.
        hosts: the names under which it is served, beside those of loopback and addresses; None or ``*`` for any.
        origins: the pages that may ask, such as ``https://example.org``; ``*`` for any.
    """

    def __init__(
        self, application: ASGIApp, to_response: ToResponse, *, hosts: Collection[str] | None, origins: Collection[str]
    ) -> None:
        self._hosts = None if hosts is None or ANY in hosts else {LOCAL, *map(normalise_host, hosts)}
        self._origins = origins
        self._to_response = to_response
        if origins:
            application = CORSMiddleware(
                application,
                allow_origins=tuple(origins),
                allow_methods=("GET", "POST"),
                allow_headers=HEADERS,
                expose_headers=EXPOSED,
                allow_private_network=True,
            )
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        scope = to_origin_form(scope)
        request = Request(scope)
        try:
            check_headers(request)
            self._check_host(request)
            self._check_origin(request)
        except HttpRefusal as refusal:
            await self._to_response(scope, refusal)(scope, receive, send)
            return
        if scope["path"] == "*" and request.method == "OPTIONS":  # of the server as a whole
            await Response(status_code=204, headers={"allow": "GET, HEAD, POST, OPTIONS"})(scope, receive, send)
            return
        await self._application(scope, receive, send)

    def _check_host(self, request: Request) -> None:
        """Raise HttpRefusal where a request is meant for a host of another name."""
        given = request.headers.get("host", "")
        name = normalise_host(given)
        if self._hosts is None or not given or name in self._hosts or is_number(name):
            return
        message = (
            f"this server is not {name[:80]!r}; call it by its address, or have its operator add the name: --http-hosts"
        )
        raise HttpRefusal("HOST_UNKNOWN", message)

    def _check_origin(self, request: Request) -> None:
        """Raise HttpRefusal where a request is of a page elsewhere that may not ask."""
        if ANY in self._origins:
            return
        given = request.headers
        if origin := given.get("origin"):
            is_own = origin.lower().partition("://")[2] == given.get("host", "").lower()
            if is_own or origin in self._origins:
                return
        else:
            # To follow a link to this server is no harm: what is answered is not shown to the page with the link.
            is_link = request.method in ("GET", "HEAD") and given.get("sec-fetch-mode") == "navigate"
            if given.get("sec-fetch-site", "none") in ("none", "same-origin") or is_link:
                return
        page = repr(origin[:80]) if origin else "another site"
        message = f"the page of {page} may not ask this server; its operator can let it: --http-cors-origins"
        headers = {"vary": "Origin"} if self._origins else {}
        raise HttpRefusal("ORIGIN_REFUSED", message, headers=headers)


def to_origin_form(scope: Scope) -> Scope:
    """Return a request whose target is a whole address with that as its path and its ``Host``, which it overrules."""
    found = ABSOLUTE.fullmatch(scope["path"])
    if not found:
        return scope
    host, path = found[1].encode(), found[2] or "/"
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {**scope, "path": path, "raw_path": quote(path).encode(), "headers": [(b"host", host), *headers]}


def check_headers(request: Request) -> None:
    """Raise HttpRefusal where there are too many headers, or one that expects what is not done here."""
    headers = request.headers.raw
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > MOST_HEADERS or size > MOST_HEADER_BYTES:
        message = (
            f"{len(headers)} headers of {size} bytes, the limits are {MOST_HEADERS} and {MOST_HEADER_BYTES}; send fewer"
        )
        raise HttpRefusal("HEADERS_TOO_LARGE", message, headers={"connection": "close"})
    expected = request.headers.get("expect", "100-continue")
    if expected.strip().lower() != "100-continue":
        message = f"Expect {expected[:40]!r} is not known; send 100-continue or nothing"
        raise HttpRefusal("EXPECTATION_UNSUPPORTED", message)


def normalise_host(host: str) -> str:
    """Return the name of a host without its port, in small letters, IPv6 without brackets."""
    return PORT.sub("", host.strip().lower()).strip("[]").rstrip(".")


def is_number(name: str) -> bool:
    """Whether a host is named by its address, which no name server can make to mean another one."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
