"""What can go wrong, in the words of the domain. Raised anywhere, caught only by `rpc.status`.

PolygistError
├── InvalidRequest          a field is wrong: names the field
│   ├── UnsupportedField    a field of the contract that this version does not honour yet
│   ├── UnsupportedMimeType
│   └── RequestTooLarge
├── InvalidDocument         a text or file is not what its MIME type says
│   └── UnsupportedDocument a file is of a kind that is not read
├── NotServed               right for another deployment, not for this one
│   ├── UnsupportedLanguagePair
│   ├── UndeterminedLanguage
│   └── UnsupportedCapability
├── UnsupportedMethod       a method of the contract that is not served by this version, or not at this address
├── NotFound                an unknown model
│   └── UnknownGlossary
├── Unavailable             try again later
│   ├── ModelLoading
│   ├── ServerDraining
│   └── ServerOverloaded    more work waits than can be done in time
├── Unauthenticated         nobody knows who calls
│   ├── ApiKeyMissing
│   └── ApiKeyInvalid
├── ScopeMissing            the API key is for other services
├── QuotaExceeded           the API key has had what it may take
├── StreamIdle              the caller of a stream neither sends nor reads
├── InferenceFailed
├── StoreError              the model store: only `polygist-server` and start-up see these
│   └── ModelCrash          a file that crashed the process which opened it
├── GlossaryError           a glossary of the operator: only start-up, administrators and the log see these
└── KeyFileError            the file of API keys: only `polygist-server`, start-up and the log see these
"""

from collections.abc import Mapping
from typing import ClassVar


class PolygistError(Exception):
    """The root; `reason` goes over the wire as ``google.rpc.ErrorInfo.reason``.

    Args:
        message: what happened and what to do about it, with the value in it.
        metadata: machine-readable facts of this error, for ``ErrorInfo.metadata``.
    """

    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = dict(metadata or {})

    def rename_field(self, field: str) -> None:
        """Tell of another field than the one that the message begins with: that of a larger request."""
        named = self.metadata["field"]
        self.message = f"{field}{self.message.removeprefix(named)}"
        self.metadata["field"] = field
        self.args = (self.message,)


class InvalidRequest(PolygistError):
    """A field holds what it must not; `field` is its path, such as ``contents[3]``."""

    reason: ClassVar[str] = "FIELD_INVALID"

    def __init__(self, field: str, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{field}: {message}", metadata={"field": field, **(metadata or {})})

    @property
    def field(self) -> str:
        """Its path."""
        return self.metadata["field"]


class UnsupportedField(InvalidRequest):
    reason: ClassVar[str] = "FIELD_UNSUPPORTED"


class UnsupportedMimeType(InvalidRequest):
    reason: ClassVar[str] = "MIME_TYPE_UNSUPPORTED"


class RequestTooLarge(InvalidRequest):
    reason: ClassVar[str] = "REQUEST_TOO_LARGE"

    def __init__(self, field: str, message: str, *, requested: int, limit: int) -> None:
        super().__init__(field, message, metadata={"requested": str(requested), "limit": str(limit)})


class InvalidDocument(PolygistError):
    """A text or file is not what its MIME type says, or hostile; becomes an `InvalidRequest` that names the field."""


class UnsupportedDocument(InvalidDocument):
    """A file is of a kind that is not read, or nothing tells of which; becomes an `UnsupportedMimeType`."""


class NotServed(PolygistError):
    """The request is well formed, but this deployment cannot answer it."""


class UnsupportedLanguagePair(NotServed):
    reason: ClassVar[str] = "LANGUAGE_PAIR_UNSUPPORTED"


class UndeterminedLanguage(NotServed):
    reason: ClassVar[str] = "LANGUAGE_UNDETERMINED"


class UnsupportedCapability(NotServed):
    reason: ClassVar[str] = "CAPABILITY_UNSUPPORTED"


class UnsupportedMethod(PolygistError):
    """A method of the contract is not served by this version, or not at this address."""

    reason: ClassVar[str] = "METHOD_UNSUPPORTED"


class NotFound(PolygistError):
    """A named resource does not exist; `resource` is its name, such as ``models/en-fi``."""

    reason: ClassVar[str] = "MODEL_NOT_FOUND"

    def __init__(self, resource: str, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message, metadata={"resource": resource, **(metadata or {})})
        self.resource = resource


class UnknownGlossary(NotFound):
    """No such glossary is mounted; `resource` is its name, such as ``glossaries/press``."""

    reason: ClassVar[str] = "GLOSSARY_NOT_FOUND"


class Unavailable(PolygistError):
    """Not now; `retry_after` says in how many seconds another try makes sense, 0 where none does."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelLoading(Unavailable):
    reason: ClassVar[str] = "MODEL_LOADING"


class ServerDraining(Unavailable):
    reason: ClassVar[str] = "SERVER_DRAINING"


class ServerOverloaded(Unavailable):
    """More work waits than this server can do in time: nothing of the call was begun.

    Args:
        message: as of all errors.
        retry_after: in how many seconds another call with as much time makes sense; 0: at no time.
        cause: what there is too much of, in one word.
        is_in_time: whether this call may be made again then, its deadline being what it is.
    """

    reason: ClassVar[str] = "SERVER_OVERLOADED"

    def __init__(
        self, message: str, *, retry_after: float = 1.0, cause: str = "queue", is_in_time: bool = True
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.cause = cause
        self.is_in_time = is_in_time


class Unauthenticated(PolygistError):
    """The caller is to give an API key, and gave none that this server knows."""


class ApiKeyMissing(Unauthenticated):
    reason: ClassVar[str] = "API_KEY_MISSING"


class ApiKeyInvalid(Unauthenticated):
    reason: ClassVar[str] = "API_KEY_INVALID"


class ScopeMissing(PolygistError):
    """The API key is valid, but not for this service; `scope` is what it would need."""

    reason: ClassVar[str] = "SCOPE_MISSING"

    def __init__(self, message: str, *, scope: str) -> None:
        super().__init__(message, metadata={"scope": scope})


class QuotaExceeded(PolygistError):
    """The API key has had what it may take; `retry_after` says in how many seconds there is room, None at no time.

    Args:
        message: as of all errors.
        quota: which one, as `access.keys.Quota` names it.
        retry_after: see above.
    """

    reason: ClassVar[str] = "QUOTA_EXCEEDED"

    def __init__(self, message: str, *, quota: str, retry_after: float | None = None) -> None:
        super().__init__(message, metadata={"quota": quota})
        self.retry_after = retry_after


class StreamIdle(PolygistError):
    reason: ClassVar[str] = "STREAM_IDLE"


class InferenceFailed(PolygistError):
    reason: ClassVar[str] = "INFERENCE_FAILED"


class StoreError(PolygistError):
    """The model store cannot do what was asked: wrong hash, disk full, unknown name, damaged model."""

    reason: ClassVar[str] = "STORE_ERROR"


class ModelCrash(StoreError):
    """A file of a model crashes what reads it, or keeps it busy without end."""


class GlossaryError(PolygistError):
    """A glossary that the operator has mounted cannot be read: no such file, a wrong row."""

    reason: ClassVar[str] = "GLOSSARY_ERROR"


class KeyFileError(PolygistError):
    """The file of API keys cannot be read, or holds what is none."""

    reason: ClassVar[str] = "KEY_FILE_ERROR"
