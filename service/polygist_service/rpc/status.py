"""The one table from the domain's errors to gRPC statuses and ``google.rpc`` details."""

import uuid
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from urllib.parse import quote

import grpc
import structlog
from google.protobuf import duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from polygist.v1 import common_pb2

from polygist_service import errors

log = structlog.get_logger(__name__)

DOMAIN = "polygist"

# gRPC's callers take 8 kB of metadata by default, and some of it is not ours; where there is more, they see
# RESOURCE_EXHAUSTED in place of the status. The message goes percent-encoded, and with the details in Base64.
MOST_METADATA_BYTES = 6000
LONGEST_TEXTS = (4096, 1024, 512, 128, 64)
# What has no more bytes fits whatever it holds: the message as three characters for each byte, and all of it in Base64.
SHORT_STATUS_BYTES = MOST_METADATA_BYTES * 3 // 13

# The most specific class wins: the first match in the error's own order of classes.
CODES: Mapping[type[BaseException], grpc.StatusCode] = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotServed: grpc.StatusCode.FAILED_PRECONDITION,
    errors.UnsupportedMethod: grpc.StatusCode.UNIMPLEMENTED,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.ScopeMissing: grpc.StatusCode.PERMISSION_DENIED,
    errors.QuotaExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.StreamIdle: grpc.StatusCode.DEADLINE_EXCEEDED,
    TimeoutError: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.PolygistError: grpc.StatusCode.INTERNAL,
}

Trailer = tuple[tuple[str, str | bytes], ...]


def describe(error: BaseException) -> tuple[grpc.StatusCode, str, Trailer]:
    """Return status code, message and trailing metadata for `error`.

    An error that is not of the domain becomes INTERNAL with an id that the log has too: no trace and no text of it
    reach the caller. Texts are cut where a caller would not take so much metadata: they may hold values of the request.
    """
    code = next((CODES[cls] for cls in type(error).__mro__ if cls in CODES), None)
    info = error_details_pb2.ErrorInfo(domain=DOMAIN, reason=find_reason(error))
    if code is None:
        incident = uuid.uuid4().hex[:12]
        log.error("unexpected_error", incident=incident, exc_info=error)
        code, message = grpc.StatusCode.INTERNAL, f"internal error {incident}; the server's log has the details"
        info.metadata["incident"] = incident
    elif isinstance(error, errors.PolygistError):
        message = error.message
        info.metadata.update(error.metadata)
    else:
        message = "the deadline passed before the answer was there; give more time, or send less text"
    status = status_pb2.Status(code=code.value[0], message=message)
    details = [info, *describe_further(error)]
    pack(status, details)
    if status.ByteSize() > SHORT_STATUS_BYTES:
        shorten_status(status, details)
    trailer: Trailer = (("grpc-status-details-bin", status.SerializeToString()),)
    if isinstance(error, errors.Unavailable):
        is_in_vain = isinstance(error, errors.ServerOverloaded) and not error.is_in_time
        # Below nought: not at all. gRPC's callers would wait for their deadline, and not tell why.
        trailer += (("grpc-retry-pushback-ms", "-1" if is_in_vain else str(int(error.retry_after * 1000))),)
    return code, status.message, trailer


def pack(status: status_pb2.Status, details: Sequence[Message]) -> None:
    """Put details into a status."""
    for detail in details:
        status.details.add().Pack(detail)


def shorten_status(status: status_pb2.Status, details: Sequence[Message]) -> None:
    """Cut the texts of a status, and of the details in it, as far as it has to be for a caller to take it."""
    for most in LONGEST_TEXTS:
        del status.details[:]
        for each in (status, *details):
            cut_texts(each, most)
        pack(status, details)
        if len(quote(status.message)) + 4 / 3 * status.ByteSize() <= MOST_METADATA_BYTES:
            break


def to_item_error(error: BaseException) -> common_pb2.ItemError:
    """Return what `describe` does of an item, whose text is the only content of a request that nobody has seen."""
    status, message, _ = describe(error)
    facts = error.metadata if isinstance(error, errors.PolygistError) else {}
    return common_pb2.ItemError(
        code=status.value[0],
        message=message.replace("contents[0]", "content"),
        reason=find_reason(error),
        metadata={name: value.replace("contents[0]", "content") for name, value in facts.items()},
    )


def find_reason(error: BaseException) -> str:
    """Return what ``ErrorInfo``, the log and the metrics call this kind of error."""
    if isinstance(error, errors.PolygistError):
        return error.reason
    return "DEADLINE_EXCEEDED" if isinstance(error, TimeoutError) else "INTERNAL"


def describe_further(error: BaseException) -> Iterator[Message]:
    """Yield the detail that the contract names for this kind of error, beside ErrorInfo."""
    match error:
        case errors.InvalidRequest():
            bad_field = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.message)
            yield error_details_pb2.BadRequest(field_violations=[bad_field])
        case errors.NotServed():
            violation = error_details_pb2.PreconditionFailure.Violation(
                type=error.reason, subject=error.metadata.get("field", ""), description=error.message
            )
            yield error_details_pb2.PreconditionFailure(violations=[violation])
        case errors.NotFound():
            kind, _, _ = error.resource.partition("/")
            yield error_details_pb2.ResourceInfo(
                resource_type=kind, resource_name=error.resource, description=error.message
            )
        case errors.QuotaExceeded():
            subject = error.metadata["quota"]
            exceeded = error_details_pb2.QuotaFailure.Violation(subject=subject, description=error.message)
            yield error_details_pb2.QuotaFailure(violations=[exceeded])
    if isinstance(error, errors.Unavailable | errors.QuotaExceeded) and error.retry_after:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(error.retry_after * 1000))
        yield error_details_pb2.RetryInfo(retry_delay=delay)


def cut_texts(message: Message, most: int) -> None:
    """Cut the middle out of each text in a message that is longer than `most` characters."""
    for field, value in message.ListFields():
        if isinstance(value, str):
            setattr(message, field.name, shorten(value, most))
        elif isinstance(value, MutableMapping):
            value.update({key: shorten(text, most) for key, text in value.items()})
        elif isinstance(value, Sequence):
            for each in value:
                cut_texts(each, most)


def shorten(text: str, most: int) -> str:
    """Return a text of at most `most` characters: begin and end, where a message has what happened and the cure."""
    return text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-most // 2 :]}"
