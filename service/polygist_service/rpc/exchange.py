"""One call and its messages, as far as counts, the log and statuses tell of it."""

import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import grpc
from polygist.v1 import translation_service_pb2

from polygist_service.context import Trace
from polygist_service.rpc.receiving import decoded
from polygist_service.text.languages import BadTag, parse_tag
from polygist_service.wire.translation import RefusedItem

LANGUAGE_FIELDS = ("source_language_code", "target_language_code")
GRPC = "grpc"
BIDI = "bidi_stream"
STATUS_NAMES = {status.value[0]: status.name for status in grpc.StatusCode}

Context = grpc.aio.ServicerContext[Any, Any]


class Method(NamedTuple):
    """A method: its service's full name, its own, how it streams (``unary``…), and which way it is called."""

    service: str
    name: str
    kind: str
    transport: str = GRPC


class CallObserver(Protocol):
    """Is called on the event loop: has to be quick."""

    def call_started(self, method: Method) -> None:
        """A call has begun."""
        ...

    def call_ended(self, method: Method, code: str, seconds: float) -> None:
        """A call has ended with a status code, such as ``OK``."""
        ...

    def call_failed(self, method: Method, code: str, reason: str, languages: tuple[str, str]) -> None:
        """A call of our own ends with an error; `languages` are source and target, as far as it told."""
        ...

    def message_received(self, method: Method) -> None:
        """A message came in."""
        ...

    def message_sent(self, method: Method) -> None:
        """A message goes out."""
        ...


class CallTrace(Trace, Protocol):
    """A call that is traced."""

    def end(self, code: str, attributes: Mapping[str, str | int]) -> None:
        """The call has ended with a status code; `attributes` tell what it was."""
        ...


class CallTracer(Protocol):
    """Is called on the event loop: has to be quick."""

    def begin(self, method: Method, metadata: Iterable[tuple[str, str | bytes]]) -> CallTrace | None:
        """A call has begun; None where it is not traced. The metadata tells what it is part of."""
        ...


class Unobserved:
    """Counts nothing."""

    def call_started(self, method: Method) -> None: ...
    def call_ended(self, method: Method, code: str, seconds: float) -> None: ...
    def call_failed(self, method: Method, code: str, reason: str, languages: tuple[str, str]) -> None: ...
    def message_received(self, method: Method) -> None: ...
    def message_sent(self, method: Method) -> None: ...


class Exchange:
    """One call: its messages as they come and go, each of which the observer is told of.

    Attributes:
        contents, characters: how many texts have come in, and how long they are together.
        document_bytes: the size of a file that has come in.
        document_type: what it was read as, where the answer says.
        key: the name of the caller's API key; empty where none is asked for.
        failed_items: how many items of a stream were answered with an error of their own.
        failure: what the log tells of a call that failed: its reason and the languages asked for.
        request_id: what the log and the caller know it by.
    """

    def __init__(
        self, method: Method, context: Context, observer: CallObserver, trace: CallTrace | None = None
    ) -> None:
        self.method = method
        self.context = context
        self.trace = trace
        self.request_id = ""
        self.contents = self.characters = self.document_bytes = self.failed_items = 0
        self.document_type = self.key = ""
        self.failure: dict[str, str] = {}
        self._languages: tuple[str, ...] = ("", "")
        self._observer = observer
        self._began = time.monotonic()

    @contextmanager
    def observed(self) -> Iterator[None]:
        """Tell of the call's begin and end."""
        self._observer.call_started(self.method)
        error: BaseException | None = None
        try:
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            code = self.code(error)
            self._observer.call_ended(self.method, code, self.seconds)
            if self.trace:
                self.trace.end(code, self._describe())

    def receive(self, message: Any) -> Any:
        """Take the only message of a request."""
        self._observer.message_received(self.method)
        if self.trace and self.method.kind != BIDI:
            self.trace.record("receive", self._began)
        if isinstance(message, RefusedItem):
            return message
        request = getattr(message, "request", message)  # a stream's request has the unary one in it
        contents: Sequence[str] = getattr(request, "contents", ())
        if isinstance(message, translation_service_pb2.BatchTranslateRequest):
            request, contents = (None, [message.item.content]) if message.HasField("item") else (message.config, ())
        if request is not None:
            options = getattr(request, "config", request)  # those of a file
            self._languages = tuple(getattr(options, field, "") for field in LANGUAGE_FIELDS)
            document = getattr(request, "document", b"")
            self.document_bytes = len(getattr(document, "content", document))
        self.contents += len(contents)
        self.characters += sum(map(len, contents))
        return message

    async def receive_each(self, messages: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """Take the messages of a request stream; raises InvalidRequest at one that does not decode."""
        async for message in messages:
            yield decoded(self.receive(message))

    def send(self, message: Any) -> Any:
        """Let a message of the answer go."""
        self._observer.message_sent(self.method)
        if isinstance(message, translation_service_pb2.TranslateDocumentResponse):
            self.document_type = message.mime_type
        if isinstance(message, translation_service_pb2.BatchTranslateResponse) and message.HasField("error"):
            self.failed_items += 1
            code, reason = STATUS_NAMES[message.error.code], message.error.reason
            self._observer.call_failed(self.method, code, reason, self._parsed_languages())
        return message

    def fail(self, error: BaseException, code: str, reason: str) -> None:
        """Tell of an error that the call ends with."""
        source, target = self._parsed_languages(getattr(error, "metadata", {}))
        told = {"reason": reason, "source": source, "target": target}
        self.failure = {name: value for name, value in told.items() if value}
        self._observer.call_failed(self.method, code, reason, (source, target))

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began

    def kind_of_failure(self, code: str, reason: str) -> dict[str, str]:
        """Return what refused calls have in common that the log tells of together."""
        method = self.method
        told = {"method": method.name, "code": code, "reason": reason, "key": self.key}
        told["transport"] = method.transport if method.transport != GRPC else ""
        return {name: value for name, value in told.items() if value}

    def particulars(self) -> dict[str, int | str]:
        """Return what the log tells of some calls only."""
        told: dict[str, int | str] = {
            "transport": self.method.transport if self.method.transport != GRPC else "",
            "key": self.key,
            "document_bytes": self.document_bytes,
            "document_type": self.document_type,
            "failed_items": self.failed_items,
        }
        return {name: value for name, value in told.items() if value}

    def trace_ids(self) -> dict[str, str]:
        """Return what leads from each line of the log to the trace of the call."""
        return {"trace_id": self.trace.trace_id, "span_id": self.trace.span_id} if self.trace else {}

    def _describe(self) -> dict[str, str | int]:
        """Return what a trace tells of the call: sizes, and no name of a key."""
        told = {**self.particulars(), **self.failure, "request_id": self.request_id}
        told.pop("key", None)
        return {**told, "contents": self.contents, "characters": self.characters}

    def _parsed_languages(self, found: Mapping[str, str] = MappingProxyType({})) -> tuple[str, str]:
        """Return source and target: those that an error names, else what the caller asked for."""
        given, wanted = self._languages
        return parse_or_other(found.get("source") or given), parse_or_other(found.get("target") or wanted)

    def code(self, error: BaseException | None) -> str:
        """Return the status that the call ends with: what was set, or aborted with, else what gRPC makes of `error`."""
        code = self.context.code()
        if code:
            return code.name if isinstance(code, grpc.StatusCode) else STATUS_NAMES[int(code)]
        if error is None:
            return grpc.StatusCode.OK.name
        if isinstance(error, Exception) and not isinstance(error, grpc.aio.BaseError):
            return grpc.StatusCode.UNKNOWN.name
        remaining = self.context.time_remaining()  # cancelled by the caller, or because it is too late
        is_late = remaining is not None and remaining <= 0
        return grpc.StatusCode.DEADLINE_EXCEEDED.name if is_late else grpc.StatusCode.CANCELLED.name


def parse_or_other(language: str) -> str:
    """Return the canonical tag of a language, "" for none: what is no tag may be any text, and is not shown."""
    try:
        return parse_tag(language) if language else ""
    except BadTag:
        return "other"
