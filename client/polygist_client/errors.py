"""What can go wrong. Stdlib only; `error_mapping` has the table from gRPC statuses to these.

PolygistError
├── InvalidInput                    (also a ValueError) found before anything was sent
└── CallFailed                      what the server, or the way to it, answered
    ├── InvalidArgument
    │   ├── FieldUnsupported
    │   ├── MimeTypeUnsupported
    │   └── RequestTooLarge
    ├── FailedPrecondition          right for another deployment, not for this one
    │   ├── LanguagePairUnsupported
    │   ├── LanguageUndetermined
    │   └── CapabilityUnsupported
    ├── NotFound
    │   ├── ModelNotFound
    │   └── GlossaryNotFound
    ├── Unauthenticated
    ├── PermissionDenied
    ├── ResourceExhausted
    │   ├── QuotaExceeded
    │   └── MessageTooLarge
    ├── Unavailable                 try again later
    │   ├── ServerUnreachable
    │   ├── TlsFailed
    │   ├── ServerNotReady
    │   ├── ServerOverloaded
    │   ├── ModelLoading
    │   ├── ServerDraining
    │   └── StreamBroken            with the text so far
    ├── DeadlineExceeded
    ├── Cancelled
    ├── Unimplemented
    └── InternalError
        └── InferenceFailed
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """Which field of the request is wrong, such as ``contents[3]``, and how."""

    field: str
    description: str


class ApiKeyWarning(UserWarning):
    """What to know about the API key of a client."""


class ApiKeyExposed(ApiKeyWarning):
    """The API key goes to another machine without TLS: whoever reads along can use it."""


class ApiKeyIgnored(ApiKeyWarning):
    """The server asks for no API key and does not look at the one that this client sends."""


class PolygistError(Exception):
    """The root of every error of this client.

    Attributes:
        message: one sentence with its cure.
        index: which item of a ``*_many`` call it is about, or which content of a stream, counted from 0; None where
            it is about the whole call.
        id: that item's own id, where it has one.
    """

    def __init__(self, message: str, *, index: int | None = None, id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.index = index
        self.id = id


class InvalidInput(PolygistError, ValueError):
    """What was asked for cannot be sent; `field` names it."""

    def __init__(self, message: str, *, field: str = "", index: int | None = None, id: str | None = None) -> None:
        super().__init__(message, index=index, id=id)
        self.field = field


class CallFailed(PolygistError):
    """A call that ended without an answer.

    Attributes:
        code: name of the gRPC status, such as "UNAVAILABLE".
        reason: the server's machine-readable reason, such as "LANGUAGE_PAIR_UNSUPPORTED"; empty where it gave none.
        metadata: facts that belong to the reason.
        retry_after: seconds after which another try makes sense; None where the server did not say.
        field_violations: the fields that are wrong.
        request_id: id of the call, also in the server's log.
        text: of a stream: what had come of the text at `index`; valid as far as it goes.
        is_told: whether the server, or something before it, said so; False where the connection went without a word.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "UNKNOWN",
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
        field_violations: tuple[FieldViolation, ...] = (),
        request_id: str = "",
        index: int | None = None,
        id: str | None = None,
        text: str = "",
        is_told: bool = False,
    ) -> None:
        super().__init__(message, index=index, id=id)
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after
        self.field_violations = field_violations
        self.request_id = request_id
        self.text = text
        self.is_told = is_told


class InvalidArgument(CallFailed):
    """A field of the request is wrong: see `field_violations`."""


class FieldUnsupported(InvalidArgument):
    """The server does not honour this field yet."""


class MimeTypeUnsupported(InvalidArgument):
    """The server does not take this kind of text."""


class RequestTooLarge(InvalidArgument):
    """Too many texts or characters in one request; trying again never helps, smaller requests do."""


class FailedPrecondition(CallFailed):
    """This deployment cannot answer the request; another may."""


class LanguagePairUnsupported(FailedPrecondition):
    """No model of this server translates between these languages."""


class LanguageUndetermined(FailedPrecondition):
    """The language was not given and cannot be told from the text."""


class CapabilityUnsupported(FailedPrecondition):
    """The model cannot do what was asked for."""


class NotFound(CallFailed):
    """There is no resource of this name."""


class ModelNotFound(NotFound):
    """The server has no model of this name."""


class GlossaryNotFound(NotFound):
    """The server has no glossary of this name."""


class Unauthenticated(CallFailed):
    """The API key is missing or wrong."""


class PermissionDenied(CallFailed):
    """The API key does not allow this."""


class ResourceExhausted(CallFailed):
    """Something is used up."""


class QuotaExceeded(ResourceExhausted):
    """The quota of the API key is used up until `retry_after`."""


class MessageTooLarge(ResourceExhausted):
    """Request or reply is larger than one gRPC message may be."""


class Unavailable(CallFailed):
    """Not now; the client has tried again already."""


class ServerUnreachable(Unavailable):
    """Nothing answers at the address."""


class TlsFailed(Unavailable):
    """There is no secure connection: one side does not speak TLS, or does not trust the other's certificate."""


class ServerNotReady(Unavailable):
    """The server answers, and its health says that it does not serve: it is loading or shutting down."""


class ServerOverloaded(Unavailable):
    """The server has more to do than it can in time."""


class ModelLoading(Unavailable):
    """The model is being loaded."""


class ServerDraining(Unavailable):
    """The server is shutting down."""


class StreamBroken(Unavailable):
    """The connection went inside the content at `index`; `text` is what had come of it, and all before it is whole."""


class DeadlineExceeded(CallFailed):
    """No answer in time."""


class Cancelled(CallFailed):
    """The call was cancelled on its way, not by the caller."""


class Unimplemented(CallFailed):
    """This server does not offer the call."""


class InternalError(CallFailed):
    """A fault of the server; its log has the details under `request_id`."""


class InferenceFailed(InternalError):
    """The model failed."""
