"""From requests of HTTP to calls, and from answers to JSON."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from starlette.requests import Request
from starlette.responses import Response

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext, IncomingCall
from polygist_service.errors import InvalidRequest, PolygistError
from polygist_service.http.answers import (
    accepts_gzip,
    encode_answer,
    file_name_of,
    to_file_response,
    to_json_response,
    wants_file,
)
from polygist_service.http.bodies import Body
from polygist_service.http.errors import JSON, HttpRefusal
from polygist_service.http.forms import MULTIPART, add_fields, read_file_request, read_form
from polygist_service.http.routes import COLLECTION, ApiRoute, path_of
from polygist_service.http.streams import EVENTS, LINES, Form, StreamedAnswer, split_lines
from polygist_service.limits import Limits
from polygist_service.wire.bounds import BYTES_PER_CHARACTER
from polygist_service.wire.failures import CallFailed
from polygist_service.wire.json_messages import parse_message, read_message, read_object, to_json
from polygist_service.wire.translation import RefusedItem

ResultT = TypeVar("ResultT")
Read = Callable[[], Awaitable[Message]]

REQUEST_ID = "x-request-id"
TIMEOUT = "x-timeout-seconds"
# Of a line beside its text, in UTF-8.
LINE_BYTES = 1 << 16
LINE_TYPES = (LINES.media_type, "application/jsonl", "application/ndjson")
MOST_NAME_CHARACTERS = 60
# What a call is told of the headers of its request.
PASSED_ON = ("authorization", "user-agent", "traceparent", "tracestate")


class Dispatcher(Protocol):
    """Makes calls; `rpc.dispatch.Dispatcher` does. All raise CallFailed."""

    async def receive(self, read: Callable[[], Awaitable[Any]], incoming: IncomingCall) -> Any:
        """Return what `read` does, in the turn of its caller."""
        ...

    async def call(self, method: str, read: Read, incoming: IncomingCall) -> Any:
        """Make a call with one message, which is read once the caller may call, and one answer."""
        ...

    def stream(self, method: str, read: Read, incoming: IncomingCall) -> AsyncGenerator[Any, None]:
        """Make a call with one message and a stream of answers; to be closed."""
        ...

    def exchange(
        self, method: str, messages: AsyncIterator[Message | RefusedItem], incoming: IncomingCall
    ) -> AsyncGenerator[Any, None]:
        """Make a call with a stream of messages, or what stands for them, and a stream of answers; to be closed."""
        ...


class Gateway:
    """Makes calls for requests of HTTP.

    Args:
        dispatcher: makes them.
        keyless: makes those for which nobody is asked for a key.
        asks_for_keys: whether the others need one.
        limits: on requests.
        pool: where JSON is read and written, off the event loop.
    """

    def __init__(
        self, dispatcher: Dispatcher, *, keyless: Dispatcher, asks_for_keys: bool, limits: Limits, pool: TextPool
    ) -> None:
        self.limits = limits
        self.asks_for_keys = asks_for_keys
        self._dispatcher = dispatcher
        self._keyless = keyless
        self._pool = pool

    async def run(self, request: Request, function: Callable[[], ResultT]) -> ResultT:
        """Call a function off the event loop, in the turn of the caller."""
        return await self._pool.call(CallContext(caller=peer_of(request)), function)

    async def read_body(self, request: Request) -> bytes:
        """Return the body of a request, inflated; raises HttpRefusal, see `Body`."""
        body = self.body_of(request)
        return await self.run(request, partial(body.unpack, await body.read()))

    def body_of(self, request: Request) -> Body:
        """Return the body of a request, which is not longer than a message may be."""
        return Body(request, self.limits.message_bytes)

    async def receive(self, request: Request, body: Body, read: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return what `read` makes of a body that has to be read before it is known what is called.

        It has its turn among all that are received. Raises CallFailed and HttpRefusal.
        """
        try:
            result: ResultT = await self._dispatcher.receive(partial(body.reading, read), incoming_of(request, body))
        except CallFailed as failure:
            raise body.explain(failure) from None
        return result

    async def call(
        self, request: Request, method: MethodDescriptor, message: Message, *, needs_key: bool = True
    ) -> Any:
        """Make a call with a message that is there; raises CallFailed, and HttpRefusal for what headers say.

        Args:
            request: which it is made for.
            method: what is called.
            message: of the call.
            needs_key: whether it needs a key where the server asks for keys.
        """

        async def read() -> Message:
            return message

        dispatcher = self._dispatcher if needs_key else self._keyless
        return await dispatcher.call(path_of(method), read, incoming_of(request))

    def stream(self, request: Request, method: MethodDescriptor, message: Message) -> AsyncGenerator[Any, None]:
        """Make a call with a message that is there, and yield the answers; see `call`. To be closed."""

        async def read() -> Message:
            return message

        return self._dispatcher.stream(path_of(method), read, incoming_of(request))

    async def answer(self, request: Request, route: ApiRoute) -> Response:
        """Answer a request of one message with one message."""
        body = self.body_of(request)
        incoming = incoming_of(request, body)
        async with body.watched():
            read = partial(self._read_message, request, body, route)
            try:
                message = await self._dispatcher.call(path_of(route.method), partial(body.reading, read), incoming)
            except CallFailed as failure:
                raise body.explain(failure) from None
            if wants_file(request, message):
                return to_file_response(message, file_name_of(request), incoming.trailer)
            is_packed = accepts_gzip(request)
            content = await self.run(request, partial(encode_answer, message, is_packed=is_packed))
        return to_json_response(content, incoming.trailer)

    async def answer_stream(self, request: Request, route: ApiRoute) -> Response:
        """Answer a request of one message with server-sent events."""
        body = self.body_of(request)
        incoming = incoming_of(request, body)

        async def read() -> Message:
            return GetMessageClass(route.method.input_type)(request=await self._read_message(request, body, route))

        replies = self._dispatcher.stream(path_of(route.method), partial(body.reading, read), incoming)
        return self._stream(request, replies, EVENTS, body, incoming)

    async def answer_lines(self, request: Request, route: ApiRoute) -> Response:
        """Answer lines, each of them a message, with lines; both ways at the same time."""
        check_type(request, LINE_TYPES)
        check_query(request)
        body, incoming = Body(request), incoming_of(request)
        kind = GetMessageClass(route.method.input_type)

        async def messages() -> AsyncIterator[Message | RefusedItem]:
            lines = split_lines(body.pieces(), BYTES_PER_CHARACTER * self.limits.request_characters + LINE_BYTES)
            while found := await body.reading(lambda: anext(lines, None)):
                number, line = found
                yield await self.run(request, partial(parse_line, line, number, kind, self.limits))

        replies = self._dispatcher.exchange(path_of(route.method), messages(), incoming)
        return self._stream(request, replies, LINES, body, incoming)

    def _stream(
        self,
        request: Request,
        replies: AsyncGenerator[Message, None],
        form: Form,
        body: Body,
        incoming: IncomingCall,
    ) -> Response:
        context = CallContext(caller=peer_of(request))

        async def encode(message: Message) -> bytes:
            return await self._pool.call(context, partial(to_json, message), characters=message.ByteSize())

        return StreamedAnswer(replies, form=form, encode=encode, body=body, trailer=lambda: incoming.trailer)

    async def _read_message(self, request: Request, body: Body, route: ApiRoute) -> Message:
        """Read the message of a request; raises HttpRefusal and InvalidRequest."""
        descriptor = route.message_type
        kind = GetMessageClass(descriptor)
        given: dict[str, Any] = {}
        if route.verb == "GET":
            await body.read()
            pairs = request.query_params.multi_items()
            pairs += [(name, f"{COLLECTION[route.path]}/{value}") for name, value in request.path_params.items()]
            add_fields(given, pairs, descriptor)
            return read_message(given, kind, self.limits)
        check_query(request)
        types = (JSON, MULTIPART) if route.takes_files else (JSON,)
        is_form = check_type(request, types) == MULTIPART
        content = await body.read()
        content_type = request.headers["content-type"]

        def read() -> Message:
            """Read the message that stands in a body, or in the parts of a form."""
            unpacked = body.unpack(content)
            if not is_form:
                return parse_message(unpacked, kind, self.limits)
            return read_message(read_file_request(read_form(unpacked, content_type), descriptor), kind, self.limits)

        message = await self.run(request, read)
        request.state.file_name = getattr(message, "name", "")
        return message


def check_query(request: Request) -> None:
    """Raise HttpRefusal where a request with a body has fields in its address too, which nobody would read."""
    for name in request.query_params:
        message = f"{name[:MOST_NAME_CHARACTERS]}: is given in the address; what a POST asks for is in its body"
        metadata = {"field": name[:MOST_NAME_CHARACTERS]}
        raise HttpRefusal(InvalidRequest.reason, message, metadata=metadata)


def check_type(request: Request, taken: Sequence[str]) -> str:
    """Return the media type of a body; raises HttpRefusal where it is not among those taken.

    None of them but that of a form can be sent by a page elsewhere without asking first.
    """
    given = request.headers.get("content-type", "")
    kind, _, rest = given.partition(";")
    kind, charset = kind.strip().lower(), rest.strip().lower().removeprefix("charset=").strip('"')
    if kind in taken and (kind == MULTIPART or charset in ("", "utf-8", "utf8")):
        return kind
    told = f"is {given[:80]!r}" if given else "is missing"
    message = f"Content-Type {told}; send {' or '.join(taken)}, in UTF-8"
    headers = {"accept": ", ".join(taken)}
    raise HttpRefusal("CONTENT_TYPE_UNSUPPORTED", message, headers=headers)


def parse_line(line: bytes, number: int, kind: type[Message], limits: Limits) -> Message | RefusedItem:
    """Read a line as a message; where it is none, return what stands in the place of its item."""
    place, item_id = f"lines[{number}]", ""
    try:
        value = read_object(line, place)
        item_id = find_item_id(value)
        return read_message(value, kind, limits)
    except PolygistError as error:
        field = error.metadata.get("field", place)
        if not item_id and field != place:
            error.rename_field(f"{place}.{field}")
        return RefusedItem(item_id or place, error.with_traceback(None))  # which would keep the line


def find_item_id(value: Mapping[str, Any]) -> str:
    """Return the id of the item that stands in a line, however wrong the rest is; empty where it has none."""
    item = value.get("item")
    ids = [item.get(name) for name in ("itemId", "item_id")] if isinstance(item, dict) else []
    return next((each for each in ids if isinstance(each, str) and is_unicode(each)), "")


def is_unicode(text: str) -> bool:
    """Whether a text has no half of a surrogate pair."""
    return not any("\ud800" <= each <= "\udfff" for each in text)


def peer_of(request: Request) -> str:
    """Return who calls, as gRPC writes it."""
    if request.client is None:
        return "unix:"
    host, port = request.client
    return f"ipv6:%5B{host}%5D:{port}" if ":" in host else f"ipv4:{host}:{port}"


def incoming_of(request: Request, body: Body | None = None) -> IncomingCall:
    """Return what a request brings with its call; raises HttpRefusal where its deadline is none.

    Args:
        request: the request.
        body: where the call's only message stands; None where that is there already, or there are many.
    """
    headers = request.headers
    passed = [(name, headers[name]) for name in PASSED_ON if name in headers]
    request_id = (REQUEST_ID, request.state.request_id)
    incoming = IncomingCall(metadata=(request_id, *passed), peer=peer_of(request), seconds=read_timeout(request))
    if body:
        incoming.has_come = body.has_come
    return incoming


def read_timeout(request: Request) -> float | None:
    """Return the seconds of the deadline header; None without one."""
    given = request.headers.get(TIMEOUT)
    if given is None:
        return None
    try:
        seconds = float(given)
        if not (math.isfinite(seconds) and seconds > 0):
            raise ValueError
    except ValueError:
        raise HttpRefusal(
            InvalidRequest.reason,
            f"{TIMEOUT} is {given[:40]!r}; give seconds, such as 2.5", metadata={"field": TIMEOUT},
        ) from None  # fmt: skip
    return seconds
