"""Around every call: counts; and around our own: request id, draining, deadline, error status, one log line."""

import asyncio
import inspect
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, aclosing, asynccontextmanager
from contextvars import ContextVar
from functools import partial
from traceback import clear_frames
from typing import Any, NamedTuple, NoReturn, TypeAlias

import grpc
import structlog

from polygist_service.access.access import AUTHORIZATION, Access
from polygist_service.access.keys import Key
from polygist_service.access.quotas import Demand
from polygist_service.admission import Admission, Work
from polygist_service.concurrency import InFlightCalls
from polygist_service.context import CallContext
from polygist_service.errors import InvalidRequest, PolygistError, StreamIdle
from polygist_service.limits import Limits
from polygist_service.rpc.exchange import BIDI, GRPC, CallObserver, CallTracer, Context, Exchange, Method, Unobserved
from polygist_service.rpc.inflation import Inflation
from polygist_service.rpc.receiving import Receiving, Refused, as_it_came, decoded, decoder, never
from polygist_service.rpc.refusals import RefusalLog
from polygist_service.rpc.status import Trailer, describe, find_reason
from polygist_service.rpc.stream_receiving import StreamReceiving
from polygist_service.rpc.work import describe_work

log = structlog.get_logger("polygist_service.calls")

OWN_SERVICES = "polygist.v1."
HEALTH = "grpc.health.v1.Health"
REQUEST_ID = "x-request-id"
API_KEY_IGNORED = ("x-api-key", "ignored")
MOST_ID_CHARACTERS = 128
# Of a call that its caller gives up gRPC tells the end of its messages first, and that it is cancelled soon after.
GIVEN_UP_SECONDS = 0.1

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
# By how a method streams, requests first: the handler's function, what makes such a handler, and what the
# ``grpc_type`` label of other servers calls it.
KINDS: dict[tuple[bool, bool], tuple[str, Callable[..., Any], str]] = {
    (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler, "unary"),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler, "server_stream"),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler, "client_stream"),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler, BIDI),
}
# What the key of a call, checked before its message is read, has come to. gRPC calls both interceptor and handler from
# one task; a handler that was reached in any other way has no value here, and fails.
AUTHORISED: ContextVar[Key | PolygistError | None] = ContextVar("authorised")


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of all services; those of our own get a `CallContext` in place of gRPC's.

    A method that is not served is not counted: its name is the caller's choice. Nor are checks of health: they are
    what machines ask, and ``Watch``, a stream that is written through its context, lasts as long as its connection. A
    message that does not decode is INVALID_ARGUMENT in all of them.

    Args:
        in_flight: counts the calls of our own services; health and reflection are not counted.
        access: tells who may make them; health and reflection are open to all.
        admission: takes calls of our own services on, or refuses them.
        limits: on messages.
        longest: seconds; a longer deadline is shortened to this, but for calls that stream both ways.
        idle: seconds that the caller of one of those has to read an answer.
        observer: is told of calls and their messages, but for those to health.
        tracer: records where the time of our own calls goes; None where nobody wants to know.
        refusals: tells of calls that were refused; by default a log of its own.
        transport: how these calls come, for who counts them.
    """

    def __init__(
        self,
        in_flight: InFlightCalls,
        *,
        access: Access,
        admission: Admission,
        limits: Limits,
        longest: float,
        idle: float,
        observer: CallObserver,
        tracer: CallTracer | None = None,
        refusals: RefusalLog | None = None,
        transport: str = GRPC,
    ) -> None:
        self._transport = transport
        self._in_flight = in_flight
        self._access = access
        self._admission = admission
        self._limits = limits
        self._longest = longest
        self._idle = idle
        self._observer = observer
        self._tracer = tracer
        self._refusals = refusals or RefusalLog()
        # Health is asked while others send much, and is answered all the same.
        self._receiving = {is_own: Receiving(limits.receiving) for is_own in (True, False)}
        self._streams = StreamReceiving(limits)
        self._surrounded: dict[str, Handler] = {}
        self._refusing: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Return the handler of a method with all that surrounds a call; see `grpc.aio.ServerInterceptor`."""
        path = handler_call_details.method
        if path not in self._surrounded:
            handler = await continuation(handler_call_details)
            if handler is None:  # whatever a caller may have thought of
                return None
            self._surrounded[path] = self._surround(path, handler)
            kind = KINDS[bool(handler.request_streaming), bool(handler.response_streaming)][2]
            self._refusing[path] = self._surround(path, UNREAD, kind=kind)
        service = service_of(path)
        if service.startswith(OWN_SERVICES):
            try:
                AUTHORISED.set(self._access.authorise(service, handler_call_details.invocation_metadata or ()))
            except PolygistError as refusal:
                AUTHORISED.set(refusal)
                return self._refusing[path]
        return self._surrounded[path]

    def _surround(self, path: str, handler: "grpc.RpcMethodHandler[Any, Any]", *, kind: str = "") -> Handler:
        """Return the handler of the method at a path with all that surrounds a call; `kind` is by default its own.

        It is always one of a stream of requests: gRPC would receive a single one before it calls the handler.
        """
        attribute, _, own_kind = KINDS[bool(handler.request_streaming), bool(handler.response_streaming)]
        _, make, _ = KINDS[True, bool(handler.response_streaming)]
        kind = kind or own_kind
        answer = getattr(handler, attribute)
        decode = decoder(handler.request_deserializer, self._limits) if handler.request_deserializer else as_it_came
        surround = partial(make, response_serializer=handler.response_serializer)  # messages come as bytes
        if handler.response_streaming and not inspect.isasyncgenfunction(answer):

            async def write(_: Any, context: Context) -> None:
                async with refusing(context):
                    await answer(decoded(await self.receive(context, decode, is_own=False)), context)

            written: Handler = surround(write)
            return written
        service = service_of(path)
        is_own = service.startswith(OWN_SERVICES)
        method = Method(service, path.rpartition("/")[2], kind, self._transport)
        observer = Unobserved() if service == HEALTH else self._observer
        tracer = self._tracer if is_own else None

        # Replies of a stream are written, not yielded: a call that its caller gives up while a message is on its way is
        # cancelled in here, and what it has under way is closed at once, by the task that opened it.
        async def call(requests: Any, context: Context) -> Any:
            """Answer a call, and tell the observer of it."""
            trace = tracer.begin(method, context.invocation_metadata() or ()) if tracer else None
            exchange = Exchange(method, context, observer, trace)
            with exchange.observed():
                if handler.request_streaming:
                    messages = exchange.receive_each(self._streams.receive_each(find_caller(context), requests, decode))
                else:
                    messages = exchange.receive(await self.receive(context, decode, is_own=is_own))
                around: AbstractAsyncContextManager[Any] = refusing(context)
                if is_own:
                    trailer = self._begin_trailer(exchange)
                    try:
                        around = self._around(exchange, trailer, self._examine(exchange, messages))
                    except Exception as refusal:
                        await self._refuse(exchange, trailer, refusal)
                async with around as given:
                    if not handler.response_streaming:
                        return exchange.send(await answer(decoded(messages), given))
                    async with aclosing(answer(decoded(messages), given)) as replies:
                        async for reply in replies:
                            async with reading_within(self._idle if kind == BIDI else None):
                                await context.write(exchange.send(reply))

        called: Handler = surround(leaving_nothing(call))
        return called

    async def receive(self, context: Context, decode: Callable[[Any], Any], *, is_own: bool) -> Any:
        """Return the only message of a request, or why there is none, when it is its turn."""

        async def read() -> Any:
            inflation = Inflation(await context.read(), self._limits.message_bytes)
            if not inflation.begin():
                await inflation.finish()
            return decode(inflation.take())

        try:
            message = await self._receiving[is_own].receive(
                find_caller(context), read, has_come=getattr(context, "has_come", never)
            )
        except PolygistError as error:
            return Refused(error.with_traceback(None))
        if message is grpc.aio.EOF:
            await asyncio.sleep(GIVEN_UP_SECONDS)
            return Refused(InvalidRequest("request", "is missing; send one message"))
        return message

    def _begin_trailer(self, exchange: Exchange) -> Trailer:
        """Give a call its id; return the trailer that it ends with, however it does."""
        exchange.request_id = find_request_id(exchange.context)
        ignored = () if self._access.asks_for_keys else find_ignored(exchange.context)
        return ((REQUEST_ID, exchange.request_id), *ignored)

    def _examine(self, exchange: Exchange, request: Any) -> "Asked":
        """Return what a call asks for; raises what it is refused with before anything of it begins.

        Where more calls come than can be answered most are refused: so what a call needs is made after that.
        """
        context = exchange.context
        key = authorised()
        exchange.key = key.name if key else ""
        self._in_flight.expect_serving()
        now, remaining = asyncio.get_running_loop().time(), context.time_remaining()
        if exchange.method.kind == BIDI:  # its items have deadlines, demands and work of their own
            return Asked(key, remaining, None if remaining is None else now + remaining, Demand(), None)
        size = exchange.characters + exchange.document_bytes
        seconds = min(CallContext.default_seconds(size) if remaining is None else remaining, self._longest)
        work = describe_work(request, size=size, texts=exchange.contents)
        demand = Demand(size, self._admission.predict(work) if work else 0.0)
        if refusal := self._access.find_refusal(key, demand):
            raise refusal
        if work:
            weight = key.weight if key else 1.0
            self._admission.expect_room(work, find_caller(context), seconds_left=seconds, weight=weight)
        return Asked(key, remaining, now + seconds, demand, work)

    async def _refuse(self, exchange: Exchange, trailer: Trailer, error: Exception) -> NoReturn:
        """End a call of our own that nothing was begun of; raises what gRPC's context does."""
        status, message, details = describe(error)
        reason = find_reason(error)
        exchange.fail(error, status.name, reason)
        if self._refusals.is_first(exchange.kind_of_failure(status.name, reason)):
            log_call(exchange, status.name)
        await exchange.context.abort(status, message, trailing_metadata=(*details, *trailer))
        raise AssertionError("the call has ended")

    @asynccontextmanager
    async def _around(self, exchange: Exchange, trailer: Trailer, asked: "Asked") -> AsyncIterator[CallContext]:
        """Take a call of our own on, give it its context, and end it with the status of what is raised."""
        context, key = exchange.context, asked.key
        context.set_trailing_metadata(trailer)
        code = grpc.StatusCode.OK.name
        refusal: Callable[[], Awaitable[None]] | None = None
        with structlog.contextvars.bound_contextvars(request_id=exchange.request_id, **exchange.trace_ids()):
            try:
                called = CallContext(
                    caller=find_caller(context),
                    deadline=None if asked.remaining is None else asked.end,
                    request_id=exchange.request_id,
                    weight=key.weight if key else 1.0,
                    trace=exchange.trace,
                )
                with ExitStack() as taken_on:
                    taken_on.enter_context(self._in_flight.call())
                    if asked.work:
                        admit = self._admission.call
                        taken_on.enter_context(admit(asked.work, called.caller, called.usage, weight=called.weight))
                    if exchange.method.kind != BIDI:
                        taken_on.enter_context(self._access.call(key, asked.demand))
                    async with asyncio.timeout_at(asked.end):
                        yield called
            # The caller has gone, maybe while a reply was written.
            except (asyncio.CancelledError, grpc.aio.BaseError) as error:
                code = exchange.code(error)
                exchange.fail(error, code, code)
                raise
            except Exception as error:
                status, message, details = describe(error)
                code = status.name
                exchange.fail(error, code, find_reason(error))
                refusal = partial(context.abort, status, message, trailing_metadata=(*details, *trailer))
            finally:
                log_call(exchange, code)
            if refusal:
                try:
                    # Of a caller who does not read, this waits behind the answer that is on its way, maybe as long as
                    # the connection lasts: nothing of the call is kept but that answer.
                    await refusal()
                except grpc.aio.InternalError:  # the connection has ended meanwhile
                    raise asyncio.CancelledError from None


class Asked(NamedTuple):
    """What a call that was not refused asks for.

    Attributes:
        key: that of its caller; None where none is asked for.
        remaining: seconds that its caller gives it; None without a deadline.
        end: when it is ended, on the event loop's clock; None for never.
        demand: what it takes of the quota of its key.
        work: what it asks of the slots; None of one that costs next to nothing.
    """

    key: Key | None
    remaining: float | None
    end: float | None
    demand: Demand
    work: Work | None


@asynccontextmanager
async def reading_within(seconds: float | None) -> AsyncIterator[None]:
    """Raise StreamIdle where the block, which writes an answer, takes longer because nobody reads."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise StreamIdle(f"no answer was read for {seconds:g} s; read answers while you send items") from None


@asynccontextmanager
async def refusing(context: Context) -> AsyncIterator[Context]:
    """Give a call of a service that is not our own its context, and what does not decode its status."""
    try:
        yield context
    except PolygistError as error:
        status, message, details = describe(error)
        await context.abort(status, message, trailing_metadata=details)


def leaving_nothing(call: Callable[[Any, Context], Awaitable[Any]]) -> Callable[[Any, Context], Awaitable[Any]]:
    """Return what answers a call and, where it fails, forgets all that it knew.

    An error knows the frames that it went through, these know tasks and gRPC's context, and these know the error: the
    request and all that was made of it would stay until the collector comes by, which is seldom.
    """

    async def answer(requests: Any, context: Context) -> Any:
        try:
            return await call(requests, context)
        except BaseException as raised:
            del requests, context  # which knows the error, and this frame stands in its trace
            error: BaseException | None = raised
            while error:
                clear_frames(error.__traceback__)
                error = error.__context__
            raise

    return answer


def log_call(exchange: Exchange, code: str) -> None:
    """Log one line of a call that has ended."""
    log.info(
        "call",
        method=exchange.method.name,
        code=code,
        milliseconds=round(exchange.seconds * 1000, 1),
        contents=exchange.contents,
        characters=exchange.characters,
        **exchange.particulars(),
        **exchange.failure,
        request_id=exchange.request_id,
        **exchange.trace_ids(),
    )


def service_of(path: str) -> str:
    """Return the full name of the service whose method is at a path."""
    return path.removeprefix("/").rpartition("/")[0]


def authorised() -> Key | None:
    """Return the key of the call that is being answered; raises what it was refused with."""
    found = AUTHORISED.get()
    if isinstance(found, PolygistError):
        raise found
    return found


async def never_answer(request: Any, context: Context) -> AsyncIterator[Any]:
    """Stand in for the handler of a call that was refused: neither takes nor decodes a message of it."""
    raise AssertionError("a call that was refused is not answered")
    yield


UNREAD: "grpc.RpcMethodHandler[Any, Any]" = grpc.stream_stream_rpc_method_handler(never_answer)


def find_caller(context: Context) -> str:
    """Return whose call it is, for fairness between callers: its API key, else the peer's address without its port."""
    found = AUTHORISED.get(None)
    if isinstance(found, Key):
        return found.caller
    peer = context.peer()
    return peer.rpartition(":")[0] or peer


def find_request_id(context: Context) -> str:
    """Return the caller's id where it is short and printable, else a new one."""
    given = next((value for key, value in context.invocation_metadata() or () if key == REQUEST_ID), "")
    if isinstance(given, str) and 0 < len(given) <= MOST_ID_CHARACTERS and given.isprintable():
        return given
    return f"{random.getrandbits(128):032x}"


def find_ignored(context: Context) -> Iterator[tuple[str, str]]:
    """Yield the header that tells a caller who sent an API key that this server asks for none."""
    if any(key == AUTHORIZATION for key, _ in context.invocation_metadata() or ()):
        yield API_KEY_IGNORED
