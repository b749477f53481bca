"""The one table from gRPC statuses, with their ``google.rpc`` details, to the exceptions of this client."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from polygist_client import errors
from polygist_client.calls import Call
from polygist_client.connection import REQUEST_ID, Connection

PUSHBACK = "grpc-retry-pushback-ms"


class Failure(Protocol):
    """What gRPC raises, of blocking and of awaited calls."""

    def code(self) -> Any: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


BY_CODE: Mapping[str, type[errors.CallFailed]] = {
    "INVALID_ARGUMENT": errors.InvalidArgument,
    "FAILED_PRECONDITION": errors.FailedPrecondition,
    "NOT_FOUND": errors.NotFound,
    "UNAUTHENTICATED": errors.Unauthenticated,
    "PERMISSION_DENIED": errors.PermissionDenied,
    "RESOURCE_EXHAUSTED": errors.ResourceExhausted,
    "UNAVAILABLE": errors.Unavailable,
    "DEADLINE_EXCEEDED": errors.DeadlineExceeded,
    "CANCELLED": errors.Cancelled,
    "UNIMPLEMENTED": errors.Unimplemented,
    "INTERNAL": errors.InternalError,
}
# A reason makes the class narrower, never another: an unknown reason falls back to the status.
BY_REASON: Mapping[str, type[errors.CallFailed]] = {
    "FIELD_UNSUPPORTED": errors.FieldUnsupported,
    "MIME_TYPE_UNSUPPORTED": errors.MimeTypeUnsupported,
    "REQUEST_TOO_LARGE": errors.RequestTooLarge,
    "LANGUAGE_PAIR_UNSUPPORTED": errors.LanguagePairUnsupported,
    "LANGUAGE_UNDETERMINED": errors.LanguageUndetermined,
    "CAPABILITY_UNSUPPORTED": errors.CapabilityUnsupported,
    "MODEL_NOT_FOUND": errors.ModelNotFound,
    "GLOSSARY_NOT_FOUND": errors.GlossaryNotFound,
    "QUOTA_EXCEEDED": errors.QuotaExceeded,
    "SERVER_OVERLOADED": errors.ServerOverloaded,
    "MODEL_LOADING": errors.ModelLoading,
    "SERVER_DRAINING": errors.ServerDraining,
    "INFERENCE_FAILED": errors.InferenceFailed,
}
# What gRPC itself says, before or instead of the server: a pattern of its text, our class, our sentence.
BY_DETAILS: tuple[tuple[str, str, type[errors.CallFailed], str], ...] = (
    (
        "RESOURCE_EXHAUSTED",
        r"(?P<what>Sent|Received) message larger than max \((?P<size>\d+) vs\. (?P<most>\d+)\)",
        errors.MessageTooLarge,
        "a message of {size} bytes, at most {most} are allowed; send fewer texts at once, use translate_many, or cut a"
        " file into several",
    ),
    (
        "UNAVAILABLE",
        r"backend unhealthy",
        errors.ServerNotReady,
        "the server at {target} is not ready: it is loading models, has none it can use, or shuts down; try again soon",
    ),
    (
        "UNAVAILABLE",
        r"(?i)hostname verification",
        errors.TlsFailed,
        "the certificate of {target} is for another name; use a name that it has for the address",
    ),
    (
        "UNAVAILABLE",
        r"Failed parsing HTTP/2|Expected SETTINGS frame",
        errors.ServerUnreachable,
        "what answers at {target} is no polygist server: it does not speak HTTP/2; give another address",
    ),
    (
        "UNAVAILABLE",
        r"Received http2 header with status: (?P<status>\d+)",
        errors.ServerUnreachable,
        "a proxy or web server answers at {target}, with HTTP status {status}; the polygist server behind it may be"
        " away, or give another address",
    ),
    (
        "UNIMPLEMENTED",
        r"Received http2 header with status: (?P<status>\d+)",
        errors.Unimplemented,
        "what answers at {target} is no polygist server but a web server, with HTTP status {status}; give another"
        " address",
    ),
    (
        "UNAVAILABLE",
        r"(?i)handshake",
        errors.TlsFailed,
        "no secure connection to {target}: it does not speak TLS, or a certificate is not trusted; check tls, ca, cert"
        " and key",
    ),
    (
        "UNAVAILABLE",
        r"RST_STREAM with error code 7",
        errors.ServerOverloaded,
        "{target} refused the call unseen: too many at once on one connection; make fewer at the same time, or use"
        " another client for some of them",
    ),
    (
        "CANCELLED",
        r"^CANCELLED$",
        errors.Cancelled,
        "{target} dropped the call unseen, as a server does that stops or has too many calls waiting; try again, with"
        " fewer at the same time",
    ),
    (
        "UNAVAILABLE",
        r"(?i)keepalive|ping timeout",
        errors.ServerUnreachable,
        "{target} no longer answers; it hangs, or the way to it is cut",
    ),
    (
        "UNAVAILABLE",
        r"(?i)socket closed",
        errors.Unavailable,
        "{target} closed the connection; {closed_cure}",
    ),
    (
        "UNAVAILABLE",
        r"(?i)(?P<why>connection refused|no such file or directory|connection reset|timed out|timeout"
        r"|name resolution failed|DNS resolution failed|domain name not found)",
        errors.ServerUnreachable,
        "nothing answers at {target} ({why}); start polygist-server there, or give another address",
    ),
    (
        "UNAVAILABLE",
        r"^(?:connections to all backends failing|failed to connect to all addresses); last error: (?P<why>.*)",
        errors.ServerUnreachable,
        "no connection to {target}: {why}",
    ),
    (
        "UNIMPLEMENTED",
        r"^Method not found!$",
        errors.Unimplemented,
        "the server at {target} does not offer this call; it may be the port for administrators (--admin-listen), an"
        " older server, or no polygist server",
    ),
    (
        "DEADLINE_EXCEEDED",
        r"^Deadline Exceeded$",
        errors.DeadlineExceeded,
        "no answer within {timeout:g} s; give more time (timeout), or send less text",
    ),
)


@contextmanager
def own_errors(call: Call[Any, Any], connection: Connection, request_id: str) -> Iterator[None]:
    """Raise gRPC's errors of the block as those of this client."""
    try:
        yield
    except grpc.RpcError as error:
        raise to_exception(cast(Failure, error), call, connection, request_id) from error


def to_exception(failure: Failure, call: Call[Any, Any], connection: Connection, request_id: str) -> errors.CallFailed:
    """Make the exception for a failed call; the server's own id of the request wins over the one that was sent."""
    code, message = failure.code().name, failure.details() or failure.code().name
    status = read_status(failure)
    info = first_detail(status, error_details_pb2.ErrorInfo)
    kind = class_of(code, info.reason)
    if not info.reason:
        kind, message = explain(kind, message, code, connection, timeout=connection.seconds(call))
    trailer = {str(key): value for key, value in failure.trailing_metadata() or ()}
    violations = tuple(
        errors.FieldViolation(each.field, each.description)
        for each in first_detail(status, error_details_pb2.BadRequest).field_violations
    )
    return kind(
        message,
        code=code,
        reason=info.reason,
        metadata=dict(info.metadata),
        retry_after=read_retry_delay(status, trailer),
        field_violations=violations,
        request_id=str(trailer.get(REQUEST_ID, request_id)),
        is_told=bool(trailer),
    )


def to_item_error(reply: Any, *, request_id: str) -> errors.CallFailed | None:
    """Make the exception for a reply of a bulk translation; None where it has no error.

    Args:
        reply: a BatchTranslateResponse.
        request_id: of the stream.
    """
    if reply.WhichOneof("result") != "error":
        return None
    error = reply.error
    code = code_pb2.Code.Name(error.code) if error.code in code_pb2.Code.values() else "UNKNOWN"
    kind = class_of(code, error.reason)
    return kind(
        error.message or code, code=code, reason=error.reason, metadata=dict(error.metadata), request_id=request_id,
        is_told=True,
    )  # fmt: skip


def class_of(code: str, reason: str) -> type[errors.CallFailed]:
    """Return the class for the name of a status and a reason, which is not there where the server is none of ours."""
    kind, narrower = BY_CODE.get(code, errors.CallFailed), BY_REASON.get(reason)
    return narrower if narrower and issubclass(narrower, kind) else kind


def read_status(failure: Failure) -> status_pb2.Status:
    """Read the rich status, empty where there is none, or none that agrees with the plain one."""
    try:
        return rpc_status.from_call(failure) or status_pb2.Status()
    except (ValueError, DecodeError):
        return status_pb2.Status()


def first_detail(status: status_pb2.Status, kind: Any) -> Any:
    """Return the first detail of this kind, empty where there is none."""
    detail = kind()
    for packed in status.details:
        if packed.Unpack(detail):
            break
    return detail


def explain(
    kind: type[errors.CallFailed], details: str, code: str, connection: Connection, *, timeout: float
) -> tuple[type[errors.CallFailed], str]:
    """Find class and sentence for an error that gRPC itself made; others stay as they are."""
    for its_code, pattern, its_kind, sentence in BY_DETAILS:
        found = re.search(pattern, details)
        if code == its_code and found:
            facts = {name: text.lower() for name, text in found.groupdict().items()}
            facts |= {"target": connection.address.text, "closed_cure": cure_of_closed(connection)}
            return its_kind, sentence.format(timeout=timeout, **facts)
    return kind, details


def cure_of_closed(connection: Connection) -> str:
    """Say what may help where a server closes a connection without a word, as gRPC's does after a wrong handshake."""
    certificates = connection.certificates
    if certificates is None:
        return "if it speaks TLS, give tls or ca"
    if certificates.cert:
        return "it may not trust the certificate of cert; give one that its authority has signed, with its key"
    return "it may want a certificate of yours; give cert and key"


def read_retry_delay(status: status_pb2.Status, trailer: Mapping[str, str | bytes]) -> float | None:
    """Read after how many seconds another try makes sense, in the details or gRPC's own header."""
    delay = first_detail(status, error_details_pb2.RetryInfo)
    if delay.HasField("retry_delay"):
        return float(delay.retry_delay.ToMilliseconds() / 1000)
    pushback = str(trailer.get(PUSHBACK, ""))
    return int(pushback) / 1000 if pushback.isdigit() else None
