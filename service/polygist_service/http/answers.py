"""Answers: JSON, packed where the caller takes that, and translated files as they are."""

import gzip
import json
from collections.abc import Mapping
from pathlib import PurePath
from urllib.parse import quote

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from polygist.v1 import translation_service_pb2
from starlette.requests import Request
from starlette.responses import Response

from polygist_service.http.errors import JSON
from polygist_service.wire.json_messages import to_json

# Shorter ones are no shorter packed.
LEAST_PACKED_BYTES = 1024
PACKING_LEVEL = 4
# Warnings beside a file are cut where a header would be longer than clients and proxies take.
MOST_HEADER_BYTES = 4000


def accepts_gzip(request: Request) -> bool:
    """Whether the caller takes answers that are packed."""
    for each in request.headers.get("accept-encoding", "").lower().split(","):
        name, _, weight = each.strip().partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def encode_answer(message: Message, *, is_packed: bool) -> tuple[bytes, bool]:
    """Return a message as JSON, and whether it is packed, which short ones never are."""
    content = to_json(message)
    if is_packed and len(content) >= LEAST_PACKED_BYTES:
        return gzip.compress(content, PACKING_LEVEL, mtime=0), True
    return content, False


def to_json_response(encoded: tuple[bytes, bool], trailer: Mapping[str, str]) -> Response:
    """Return an answer of what `encode_answer` returned."""
    content, is_packed = encoded
    headers = {**trailer, "cache-control": "no-store", "vary": "accept-encoding"}
    if is_packed:
        headers["content-encoding"] = "gzip"
    return Response(content, headers=headers, media_type=JSON)


def wants_file(request: Request, message: Message) -> bool:
    """Whether an answer is to be the translated file itself: to a file sent as such, unless JSON is asked for."""
    if not isinstance(message, translation_service_pb2.TranslateDocumentResponse):
        return False
    is_json = request.headers.get("content-type", "").lower().startswith(JSON)
    return not is_json and JSON not in request.headers.get("accept", "").lower()


def to_file_response(message: Message, name: str, trailer: Mapping[str, str]) -> Response:
    """Return a translated file, with what is to be known of it in headers.

    Args:
        message: what the call answered.
        name: of the file that was sent.
        trailer: headers of the call.
    """
    assert isinstance(message, translation_service_pb2.TranslateDocumentResponse)
    translation, language = message.translation, message.translation.target_language_code
    warnings = [MessageToDict(each) for each in translation.warnings]
    told = warnings[:]
    while len(header := json.dumps(told, separators=(",", ":"))) > MOST_HEADER_BYTES:
        del told[len(told) // 2 :]
    headers = {
        **trailer,
        "cache-control": "no-store",
        "content-type": message.mime_type,
        "content-language": language,
        "content-disposition": f"attachment; filename*=UTF-8''{quote(translated_name(name, language), safe='')}",
        "x-source-language": translation.source_language_code,
        "x-warning-count": str(len(warnings)),
        "x-warnings": header,
    }
    return Response(message.document, headers=headers)


def translated_name(name: str, language: str) -> str:
    """Return the name of a translated file: that of the file, with its language before the ending."""
    path = PurePath(name.replace("\\", "/") or "document")
    return f"{path.stem}.{language}{path.suffix}"


def file_name_of(request: Request) -> str:
    """Return the name of the file that a request brought; empty where it had none."""
    name: str = getattr(request.state, "file_name", "")
    return name
