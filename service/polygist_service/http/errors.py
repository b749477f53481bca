"""Errors as HTTP tells them: Google's JSON, and the number of each status."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from polygist_service.wire.failures import CallFailed
from polygist_service.wire.json_messages import write_json

# https://cloud.google.com/apis/design/errors#handling_errors
HTTP_CODES: Mapping[str, int] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
# What requests are refused with of which no call is made: the HTTP status, and the name of the status, by the reason.
# The comments of common.proto tell of them.
REFUSALS: Mapping[str, tuple[int, str]] = {
    "REQUEST_MALFORMED": (400, "INVALID_ARGUMENT"),
    "FIELD_INVALID": (400, "INVALID_ARGUMENT"),
    "ORIGIN_REFUSED": (403, "PERMISSION_DENIED"),
    "SUGGESTIONS_DISABLED": (403, "PERMISSION_DENIED"),
    "PATH_NOT_FOUND": (404, "NOT_FOUND"),
    "SERVICE_NOT_FOUND": (404, "NOT_FOUND"),
    "METHOD_UNSUPPORTED": (405, "UNIMPLEMENTED"),
    "REQUEST_INCOMPLETE": (408, "DEADLINE_EXCEEDED"),
    "REQUEST_TOO_LARGE": (413, "INVALID_ARGUMENT"),
    "CONTENT_TYPE_UNSUPPORTED": (415, "INVALID_ARGUMENT"),
    "CONTENT_ENCODING_UNSUPPORTED": (415, "INVALID_ARGUMENT"),
    "EXPECTATION_UNSUPPORTED": (417, "INVALID_ARGUMENT"),
    "HOST_UNKNOWN": (421, "PERMISSION_DENIED"),
    "HEADERS_TOO_LARGE": (431, "INVALID_ARGUMENT"),
    "INTERNAL": (500, "INTERNAL"),
    "SERVER_DRAINING": (503, "UNAVAILABLE"),
}
DOMAIN = "polygist"
DRAINING = "SERVER_DRAINING"
JSON = "application/json"


class HttpRefusal(Exception):
    """A request that no call is made of.

    Args:
        reason: what ``ErrorInfo`` calls it, of `REFUSALS`.
        message: what happened, and what to do about it.
        headers: what the answer has beside.
        metadata: facts of the error.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.http_code, self.code = REFUSALS[reason]
        self.reason = reason
        self.message = message
        self.headers = dict(headers or {})
        self.metadata = dict(metadata or {})
        self.retry_after: float | None = None

    def details(self) -> list[dict[str, Any]]:
        """Return the details in the JSON mapping, each with its type."""
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": self.reason, "domain": DOMAIN}
        return [{**info, **({"metadata": self.metadata} if self.metadata else {})}]


Failure = CallFailed | HttpRefusal


def http_code_of(failure: Failure) -> int:
    """Return the number of the HTTP status of a failure."""
    return failure.http_code if isinstance(failure, HttpRefusal) else HTTP_CODES[failure.code]


def to_error_object(failure: Failure) -> dict[str, Any]:
    """Return a failure as Google's JSON error."""
    told = {"code": http_code_of(failure), "message": failure.message, "status": failure.code}
    return {"error": {**told, "details": failure.details()}}


def error_headers(failure: Failure) -> dict[str, str]:
    """Return the headers that an answer with a failure has beside its type."""
    headers = dict(failure.headers) if isinstance(failure, HttpRefusal) else {}
    if failure.code == "UNAUTHENTICATED":
        headers["www-authenticate"] = "Bearer"
    if failure.reason == DRAINING:
        headers["connection"] = "close"  # the next call is for another replica
    if failure.retry_after is not None:
        headers["retry-after"] = str(max(1, round(failure.retry_after + 0.499)))  # whole seconds, and none too early
    return headers


def to_error_response(failure: Failure) -> Response:
    """Return the answer to a request that failed."""
    body = write_json(to_error_object(failure))
    return Response(body, http_code_of(failure), headers=error_headers(failure), media_type=JSON)
