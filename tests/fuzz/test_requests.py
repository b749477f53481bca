"""Any request, sent to a server that listens: it is answered, or refused as the contract says, and the server lives on.

`make test` tries a few of each method; `make fuzz-requests` tries 10^5.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from threading import Thread

import grpc
import pytest
import structlog
from google.protobuf import message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from hypothesis import given, settings
from polygist.v1 import translation_service_pb2
from polygist_service.translation.terms.glossaries import Glossaries

from tests.fuzz.requests import METHODS, calls, codes, documented_statuses
from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine, pair
from tests.service.harness import read_failure, serving
from tests.service.rpc.test_admin import administered
from tests.service.shelf import Shelf

# Seconds that a call has. None takes a hundredth; on a machine that is busy with other things it may.
DEADLINE = 60
ADMIN = "polygist.v1.ModelAdminService."


@dataclass
class Running:
    """Servers in a loop of their own.

    Attributes:
        everyone, administrators: channels to their ports.
        escaped: what happened in the loop that nobody waited for.
        seen: how often each status came.
    """

    everyone: grpc.Channel
    administrators: grpc.Channel
    escaped: list[dict]
    seen: Counter = field(default_factory=Counter)

    def call(self, method: str, sent: list[bytes]) -> Iterator[bytes]:
        """Send the messages of a call; yield what is answered."""
        described = METHODS[method]
        channel = self.administrators if method.startswith(ADMIN) else self.everyone
        path = f"/{described.containing_service.full_name}/{described.name}"
        if described.client_streaming:
            yield from channel.stream_stream(path)(iter(sent), timeout=DEADLINE)
        elif described.server_streaming:
            yield from channel.unary_stream(path)(sent[0], timeout=DEADLINE)
        else:
            yield channel.unary_unary(path)(sent[0], timeout=DEADLINE)

    def is_alive(self) -> bool:
        """Whether it says that it serves, and nothing went wrong unseen."""
        health = health_pb2_grpc.HealthStub(self.everyone).Check(health_pb2.HealthCheckRequest(), timeout=DEADLINE)
        return health.status == health_pb2.HealthCheckResponse.SERVING and not self.escaped


@pytest.fixture(scope="module")
def running(tmp_path_factory, request) -> Iterator[Running]:
    """Servers with an engine that echoes; what they have answered is told in the end where a run is verbose."""
    folder = tmp_path_factory.mktemp("glossaries")
    socket = f"unix:{folder}/administrators"
    (folder / "press.tsv").write_text("en\tpt\tde\nferry\tbarco\tFähre\nold town\tcidade velha\t\n")
    glossaries = Glossaries(folder)
    glossaries.load()
    begun: Future[Running] = Future()
    ended = asyncio.Event()

    async def serve() -> None:
        escaped: list[dict] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: escaped.append(context))
        engine = EchoEngine(EN_PT, PT_EN, ENCODER, pair("de", "en"))
        async with AsyncExitStack() as stack:
            service = await stack.enter_async_context(serving(engine, glossaries=glossaries))
            await stack.enter_async_context(administered(Shelf(en_pt=1, pt_en=1), socket))
            everyone = stack.enter_context(grpc.insecure_channel(service.address))
            administrators = stack.enter_context(grpc.insecure_channel(socket))
            begun.set_result(Running(everyone, administrators, escaped))
            await ended.wait()

    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield (running := begun.result(30))
    structlog.configure(**before)
    if request.config.get_verbosity() > 0:
        table = "".join(f"\n{count:8}  {code} {reason}" for (code, reason), count in running.seen.most_common())
        with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
            print(f"{table}\n{len(running.escaped)} escaped")
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


def statuses(running: Running, method: str, sent: list[bytes]) -> Iterator[tuple[str, str]]:
    """What came of a call: code and reason of its failure, and of each item that failed."""
    reply = message_factory.GetMessageClass(METHODS[method].output_type)
    try:
        for each in running.call(method, sent):
            answer = reply.FromString(each)
            if isinstance(answer, translation_service_pb2.BatchTranslateResponse) and answer.HasField("error"):
                yield grpc.StatusCode(grpc_code(answer.error.code)).name, answer.error.reason
    except grpc.RpcError as error:
        failure = read_failure(error)
        yield failure.code, failure.reason


def grpc_code(number: int) -> tuple[int, str]:
    """The value of a `grpc.StatusCode`."""
    return next(code.value for code in grpc.StatusCode if code.value[0] == number)


@pytest.mark.parametrize("method", METHODS)
def test_every_request_is_answered_or_refused_as_the_contract_says(running, method):
    # Whatever the method, a message may be none of its kind; and this engine never fails.
    documented = documented_statuses(method) | {("INVALID_ARGUMENT", "FIELD_INVALID")}
    documented -= {("INTERNAL", "INFERENCE_FAILED")}

    # As many as of three other properties, for all methods together.
    @settings(max_examples=settings().max_examples * 3 // len(METHODS))
    @given(calls(METHODS[method]))
    def try_one(sent: list[bytes]) -> None:
        found = set(statuses(running, method, sent))
        running.seen.update(found or {("OK", "")})
        assert found <= documented

    try_one()
    assert running.is_alive()


def test_the_contract_names_a_code_for_every_reason():
    assert {code for code, _ in documented_statuses("polygist.v1.TranslationService.TranslateDocument")} == {
        "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "INTERNAL",
    }  # fmt: skip
    assert codes()["SERVER_OVERLOADED"] == "UNAVAILABLE"
