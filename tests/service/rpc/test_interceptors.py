"""What surrounds a call, whichever way it streams."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import pytest
from polygist.v1 import translation_service_pb2
from polygist_service.access.access import Access
from polygist_service.admission import Admission, Bounds
from polygist_service.concurrency import InFlightCalls
from polygist_service.context import CallContext
from polygist_service.errors import UnsupportedLanguagePair
from polygist_service.limits import Limits
from polygist_service.rpc.exchange import Method
from polygist_service.rpc.interceptors import CallInterceptor

from tests.service.echo import EchoEngine
from tests.service.harness import read_failure, serving
from tests.service.rpc.test_translate import make

SERVICE = "polygist.v1.ProbeService"
UNARY, SERVER_STREAM, CLIENT_STREAM, BIDI = "unary_unary", "unary_stream", "stream_unary", "stream_stream"
KINDS = {UNARY: "unary", SERVER_STREAM: "server_stream", CLIENT_STREAM: "client_stream", BIDI: "bidi_stream"}
ANSWER = translation_service_pb2.TranslateResponse()
NO_UTF8 = b"\x0a\x02\xff\xfe"


class Observer:
    """Notes all that it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.methods: set[Method] = set()
        self.ended = asyncio.Event()

    def call_started(self, method):
        self.methods.add(method)
        self.told.append(("started",))

    def call_ended(self, method, code, seconds):
        self.told.append(("ended", code))
        self.ended.set()

    def call_failed(self, method, code, reason, languages):
        self.told.append(("failed", code, reason, *languages))

    def message_received(self, method):
        self.told.append(("received",))

    def message_sent(self, method):
        self.told.append(("sent",))


@dataclass
class Probe:
    """A server with one method of each kind, all of which do the same.

    Attributes:
        contexts: what the methods were given.
        closed: is set when a method is done with its work, however that ends.
    """

    channel: grpc.aio.Channel
    observer: Observer
    in_flight: InFlightCalls
    contexts: list[CallContext]
    closed: asyncio.Event

    async def call(self, kind, *messages, **options):
        """Call the method of a kind with messages, as bytes; the call once it has ended well.

        Nothing is sent in a stream of none: for gRPC's client a message that comes after the answer is an error.
        """
        self.observer.ended.clear()
        method = getattr(self.channel, kind)(f"/{SERVICE}/{kind}")
        requests = messages if kind.startswith("unary") else [iter(messages)] if messages else []
        call = method(*requests, **options)
        if kind.endswith("stream"):
            assert [reply async for reply in call] == [b"", b""]
        else:
            assert await call == b""
        await self.observer.ended.wait()
        return call

    async def fail(self, kind, *messages, **options):
        """How a call fails."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.call(kind, *messages, **options)
        await self.observer.ended.wait()
        return read_failure(caught.value)


@asynccontextmanager
async def probing(work=None, *, longest=600.0):
    """Serve methods that await `work`, if any, once they have their requests."""
    contexts, closed, observer, in_flight = [], asyncio.Event(), Observer(), InFlightCalls()

    async def answer(requests, context):
        contexts.append(context)
        try:
            if not isinstance(requests, translation_service_pb2.TranslateRequest):
                assert [type(each) async for each in requests]
            if work:
                await work()
            return ANSWER
        finally:
            closed.set()

    async def stream(requests, context):
        yield await answer(requests, context)
        yield ANSWER

    handlers = {
        kind: getattr(grpc, f"{kind}_rpc_method_handler")(
            stream if kind.endswith("stream") else answer,
            request_deserializer=translation_service_pb2.TranslateRequest.FromString,
            response_serializer=translation_service_pb2.TranslateResponse.SerializeToString,
        )
        for kind in KINDS
    }
    admission = Admission(Bounds(60, 1 << 30), slots=1, clock=time.monotonic)
    interceptor = CallInterceptor(
        in_flight, access=Access(), admission=admission, limits=Limits(), longest=longest, idle=60, observer=observer
    )
    server = grpc.aio.server(interceptors=[interceptor])
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            yield Probe(channel, observer, in_flight, contexts, closed)
    finally:
        await server.stop(0)


def request(*contents, target=""):
    message = translation_service_pb2.TranslateRequest(contents=contents, target_language_code=target)
    return message.SerializeToString()


every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
async def test_a_call_is_counted_logged_and_known_by_its_id(kind, log):
    messages = [request("one", "three"), request("two")] if kind.startswith("stream") else [request("one", "three")]
    async with probing() as probe:
        call = await probe.call(kind, *messages, metadata=[("x-request-id", "mine-1")])
        assert dict(iter(await call.trailing_metadata()))["x-request-id"] == "mine-1"
        assert probe.in_flight.active == 0
    assert probe.observer.methods == {Method(SERVICE, kind, KINDS[kind])}
    sent = 2 if kind.endswith("stream") else 1
    expected = [("started",), *[("received",)] * len(messages), *[("sent",)] * sent, ("ended", "OK")]
    assert probe.observer.told == expected
    (line,) = log
    assert (line["event"], line["method"], line["code"], line["request_id"]) == ("call", kind, "OK", "mine-1")
    assert (line["contents"], line["characters"]) == ((3, 11) if len(messages) == 2 else (2, 8))


@every_kind
@pytest.mark.parametrize("given", ["", "x" * 129, None], ids=["empty", "long", "none"])
async def test_a_call_without_a_usable_id_gets_one(kind, given):
    async with probing() as probe:
        metadata = [] if given is None else [("x-request-id", given)]
        call = await probe.call(kind, request("one"), metadata=metadata)
        assert len(dict(iter(await call.trailing_metadata()))["x-request-id"]) == 32


@every_kind
async def test_an_error_of_the_domain_has_its_status_its_details_and_its_id(kind, log):
    async def work():
        raise UnsupportedLanguagePair("no model for en->fi", metadata={"nearest": "en->pt"})

    async with probing(work) as probe:
        failure = await probe.fail(kind, request("one", target="fi_FI"), metadata=[("x-request-id", "mine-2")])
    assert (failure.code, failure.reason) == ("FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED")
    assert failure.metadata == {"nearest": "en->pt"}
    assert failure.trailer["x-request-id"] == "mine-2"
    assert ("ended", "FAILED_PRECONDITION") in probe.observer.told
    assert ("failed", "FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED", "", "fi-FI") in probe.observer.told
    assert [line["code"] for line in log] == ["FAILED_PRECONDITION"]
    assert (log[0]["reason"], log[0]["target"], "source" in log[0]) == ("LANGUAGE_PAIR_UNSUPPORTED", "fi-FI", False)


@pytest.mark.parametrize(
    ("metadata", "target", "told"),
    [
        ({"source": "en", "target": "fi"}, "fin_Latn", ("en", "fi")),  # what was detected goes before what was asked
        ({}, "a secret text", ("", "other")),
        ({}, "", ("", "")),
    ],
)
async def test_the_languages_of_a_failed_call_are_tags_and_no_text(metadata, target, told, log):
    async def work():
        raise UnsupportedLanguagePair("no", metadata=metadata)

    async with probing(work) as probe:
        await probe.fail(UNARY, request("one", target=target))
    assert ("failed", "FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED", *told) in probe.observer.told
    assert tuple(log[0].get(name, "") for name in ("source", "target")) == told


@every_kind
async def test_what_nobody_expected_stays_in_the_log(kind, log):
    async def work():
        raise ValueError("secret text")

    async with probing(work) as probe:
        failure = await probe.fail(kind, request("one"))
    assert failure.code == "INTERNAL"
    assert "secret" not in failure.message
    assert [line["event"] for line in log] == ["unexpected_error", "call"]
    assert log[1]["reason"] == "INTERNAL"


@every_kind
async def test_a_message_that_does_not_decode_is_an_invalid_argument(kind):
    messages = [request("one"), NO_UTF8] if kind.startswith("stream") else [NO_UTF8]
    async with probing() as probe:
        failure = await probe.fail(kind, *messages)
    assert (failure.code, failure.reason, failure.field) == ("INVALID_ARGUMENT", "FIELD_INVALID", "request")
    assert probe.observer.told.count(("received",)) == len(messages)


@every_kind
async def test_nothing_begins_while_the_server_drains(kind):
    async with probing() as probe:
        assert await probe.in_flight.drain(0.1)
        failure = await probe.fail(kind, *([request("one")] if kind.startswith("unary") else []))
    assert (failure.code, failure.reason) == ("UNAVAILABLE", "SERVER_DRAINING")
    assert "x-request-id" in failure.trailer
    assert probe.contexts == []


@every_kind
async def test_a_drain_waits_for_what_is_in_flight(kind):
    begun, gate = asyncio.Event(), asyncio.Event()

    async def work():
        begun.set()
        await gate.wait()

    async with probing(work) as probe:
        call = asyncio.ensure_future(probe.call(kind, request("one")))
        await begun.wait()
        assert probe.in_flight.active == 1
        assert not await probe.in_flight.drain(0.1)
        gate.set()
        assert await probe.in_flight.drain(10)
        await call


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != BIDI])
async def test_the_longest_deadline_holds_for_who_gives_none(kind):
    async with probing(lambda: asyncio.sleep(60), longest=0.2) as probe:
        failure = await probe.fail(kind, request("one"))
        await asyncio.wait_for(probe.closed.wait(), 10)
    assert (failure.code, failure.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")


@every_kind
async def test_a_call_that_its_caller_gives_up_ends_at_once(kind, log):
    begun = asyncio.Event()

    async def work():
        begun.set()
        await asyncio.sleep(60)

    async with probing(work) as probe:
        call = asyncio.ensure_future(probe.call(kind, request("one")))
        await begun.wait()
        call.cancel()
        await asyncio.wait_for(probe.closed.wait(), 10)
        await asyncio.wait_for(probe.observer.ended.wait(), 10)
        assert probe.in_flight.active == 0
    assert probe.observer.told[-2:] == [("failed", "CANCELLED", "CANCELLED", "", ""), ("ended", "CANCELLED")]
    assert [(line["code"], line["reason"]) for line in log] == [("CANCELLED", "CANCELLED")]


@every_kind
async def test_the_context_tells_who_asks_and_until_when(kind):
    async with probing(longest=100) as probe:
        now = asyncio.get_running_loop().time()
        for timeout in (30, 1000, None):
            await probe.call(kind, request("one"), timeout=timeout, metadata=[("x-request-id", "mine-3")])
    assert {context.caller for context in probe.contexts} == {"ipv4:127.0.0.1"}
    assert {context.request_id for context in probe.contexts} == {"mine-3"}
    given, shortened, none = (context.deadline for context in probe.contexts)
    assert now + 29 < given < now + 40
    assert now + 99 < shortened < now + (1100 if kind == BIDI else 110)
    assert none is None


async def test_a_stream_both_ways_lasts_longer_than_the_longest_deadline():
    async with probing(lambda: asyncio.sleep(0.5), longest=0.1) as probe:
        assert await probe.call(BIDI, request("one"))
        assert await probe.call(BIDI, request("one"), timeout=10)


async def test_the_engine_knows_whose_work_it_does_and_until_when():
    engine = EchoEngine()
    async with serving(engine) as service:
        now = asyncio.get_running_loop().time()
        await service.translation.Translate(make("One."), timeout=30, metadata=[("x-request-id", "mine-5")])
    (context,) = engine.contexts
    assert (context.caller, context.request_id) == ("ipv4:127.0.0.1", "mine-5")
    assert now + 29 < context.deadline < now + 31
