"""The page for browsers, and the files that it is made of: read once, and served as they are.

Only what was found at the start is served, by its name, so there is no path that a caller could lead elsewhere.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from polygist_service.http.gateway import Gateway

FOLDER = Path(__file__).parent / "playground"
INDEX = "index.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
# Nothing from elsewhere, nothing inline, and no text that could become code: https://www.w3.org/TR/CSP3/ and
# https://www.w3.org/TR/trusted-types/.
POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
HEADERS = {
    "content-security-policy": "; ".join(POLICY),
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",  # asked for again each time, and answered with 304
    "vary": "accept-encoding",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of a page.

    Attributes:
        content: its bytes.
        packed: the same as gzip.
        media_type: with its charset.
        tag: another one whenever the content is; in quotes, as ETag has it.
    """

    content: bytes
    packed: bytes
    media_type: str
    tag: str


def read_files(folder: Path) -> Mapping[str, PageFile]:
    """Return the files of a folder that browsers are served, by name."""
    kinds = {path: MEDIA_TYPES[path.suffix] for path in sorted(folder.iterdir()) if path.suffix in MEDIA_TYPES}
    return {path.name: make_file(path.read_bytes(), media_type) for path, media_type in kinds.items()}


def make_file(content: bytes, media_type: str) -> PageFile:
    """Return a file of some bytes."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    return PageFile(content, gzip.compress(content, mtime=0), media_type, tag)


def to_response(request: Request, file: PageFile) -> Response:
    """Return the answer with a file: packed where the caller takes that, and empty where he has it."""
    headers = {**HEADERS, "etag": file.tag}
    if file.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(file.content, headers=headers, media_type=file.media_type)
    return Response(file.packed, headers={**headers, "content-encoding": "gzip"}, media_type=file.media_type)


def routes(gateway: Gateway) -> list[BaseRoute]:
    """Return the routes of the page; it makes its calls by those of the contract."""
    files = read_files(FOLDER)

    async def index(request: Request) -> Response:
        return to_response(request, files[INDEX])

    async def asset(request: Request) -> Response:
        file = files.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404)
        return to_response(request, file)

    return [Route("/", index), Route("/assets/{name}", asset)]
