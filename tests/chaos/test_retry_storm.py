"""Clients that try again, of a server that is overloaded and recovers: what they add to its load has a bound.

Attempts are noted between clients and server, by the id of their call.
"""

import itertools
import statistics
import threading
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import grpc
import pytest
from polygist_client import CallFailed, Client, ServerOverloaded
from polygist_client.connection import SERVICE_CONFIG
from polygist_service.admission import Work

from tests.end_to_end.load import ANSWERED, TEXT, Load
from tests.end_to_end.server import ServerProcess, wait_until
from tests.failpoints import RUN, Failpoints
from tests.fakes.server import Failing, Fake, serving, translate

pytestmark = pytest.mark.chaos

# Memory for so many calls with a short text: what comes beside them is refused, to come back after a second.
ROOM = 16
SLOW = "sleep 0.5"
CLIENTS, THREADS = 4, 16
STORM_SECONDS, ITEMS = 15.0, 200
HALF_FAILING_CALLS = 2000
# Of the clients' policy: attempts of a call, and those that gRPC makes again before it has seen that half of them fail.
MOST_ATTEMPTS = SERVICE_CONFIG["methodConfig"][0]["retryPolicy"]["maxAttempts"]
THROTTLING = SERVICE_CONFIG["retryThrottling"]
MOST_AGAIN = THROTTLING["maxTokens"] / 2
LEAST_PUSHBACK = 1.0
AMPLIFICATION = 1.2
# As usual again: so many calls after each other, none of which takes longer than so many usual ones.
IN_TURN, USUAL = 3, 3.0


class OverloadedLoad(Load):
    """Callers of whom some are refused."""

    def ask(self):
        try:
            self._client.translate(TEXT, to="en", source="de", timeout=60)
        except CallFailed as error:
            return type(error).__name__ if isinstance(error, ServerOverloaded) else f"{type(error).__name__}: {error}"
        return ANSWERED


@contextmanager
def overloadable(home, folder):
    """A server with memory for few calls, and what makes it slow."""
    points = Failpoints(folder / "points")
    flags = ("--sentence-cache", "0", "--limit-queue-bytes", str(ROOM * Work((), len(TEXT)).memory))
    command = (*RUN, str(folder / "points"), "serve")
    with ServerProcess(home, folder / "log", *flags, command=command) as process:
        process.wait_until_serving()
        yield process, points


def send_many(address):
    """Translate many texts in one stream; what became of each."""
    texts = [f"Der alte Markt {number}." for number in range(ITEMS)]
    with Client(address) as client:
        return Counter(
            type(answer).__name__ if isinstance(answer, CallFailed) else ANSWERED
            for answer in client.translate_many(texts, to="en", source="de", on_error="return", timeout=600)
        )


class Tap(grpc.GenericRpcHandler):
    """Passes calls on to a server, and notes each attempt; a context manager that serves.

    Args:
        target: address of the server.

    Attributes:
        address: where clients connect to.
        attempts: begin and end of each, in seconds, by the id of its call.
    """

    def __init__(self, target):
        self.attempts = defaultdict(list)
        self._channel = grpc.insecure_channel(target, options=[("grpc.enable_retries", 0)])
        self._server = grpc.server(ThreadPoolExecutor(CLIENTS * THREADS), handlers=[self])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop(0).wait()
        self._channel.close()

    def service(self, details):
        """Return what answers a method; health is not served here, and counts as good."""
        if not details.method.startswith("/polygist.v1.TranslationService/"):
            return None
        method = self._channel.unary_unary(details.method)
        return grpc.unary_unary_rpc_method_handler(lambda request, context: self._pass_on(method, request, context))

    def _pass_on(self, method, request, context):
        name, began = dict(context.invocation_metadata())["x-request-id"], time.monotonic()
        try:
            return method(request, metadata=[("x-request-id", name)], timeout=context.time_remaining())
        except grpc.RpcError as error:
            context.set_trailing_metadata(error.trailing_metadata())
            context.abort(error.code(), error.details())
        finally:
            self.attempts[name].append((began, time.monotonic()))


def recover(client, usual):
    """Call until calls take no longer than usual; the seconds until the first of those."""
    began = first = time.monotonic()
    good = 0
    while good < IN_TURN:
        start = time.monotonic()
        if not good:
            first = start
        try:
            client.translate(TEXT, to="en", source="de", timeout=60)
        except ServerOverloaded:
            good = 0
            continue
        good = good + 1 if time.monotonic() - start < USUAL * usual else 0
    return first - began


def measure_usual(client):
    """The seconds of a call where nothing else is done."""
    seconds = []
    for _ in range(20):
        began = time.monotonic()
        client.translate(TEXT, to="en", source="de", timeout=60)
        seconds.append(time.monotonic() - began)
    return statistics.median(seconds)


def test_retries_are_few_obey_what_they_are_told_and_lose_no_call_that_may_wait(tiny_home, tmp_path, figures):
    with overloadable(tiny_home, tmp_path) as (process, points), ExitStack() as stack:
        tap = stack.enter_context(Tap(process.address))
        clients = [stack.enter_context(Client(tap.address)) for _ in range(CLIENTS)]
        usual = measure_usual(clients[0])
        tap.attempts.clear()
        points.switch("engine.batch", SLOW)
        bulk, patient = Counter(), threading.Thread(target=lambda: bulk.update(send_many(process.address)))
        with figures.timed(), ExitStack() as loads:
            patient.start()
            storm = [loads.enter_context(OverloadedLoad(client, THREADS)) for client in clients]
            time.sleep(STORM_SECONDS)
        attempts = list(tap.attempts.values())
        points.switch("engine.batch")
        figures.recoveries.append(recover(clients[1], usual))
        patient.join(timeout=120)
        seen = sum((load.seen for load in storm), Counter())
        assert process.stop() == 0
    again = sum(len(each) - 1 for each in attempts)
    figures.count(seen)
    figures.lost -= seen["ServerOverloaded"]  # told when to come back, and by then their callers know better
    figures.notes.append(
        f"{seen.total()} calls in {sum(map(len, attempts))} attempts, {again} of them again: {dict(seen)};"
        f" {dict(bulk)} items of a stream"
    )
    assert set(seen) == {ANSWERED, "ServerOverloaded"}
    assert bulk == {ANSWERED: bulk.total()}
    assert again
    assert max(map(len, attempts)) <= MOST_ATTEMPTS
    assert again <= CLIENTS * MOST_AGAIN + THROTTLING["tokenRatio"] * seen[ANSWERED] + CLIENTS * THREADS
    assert seen.total() + again <= AMPLIFICATION * seen.total()
    waits = [later[0] - earlier[1] for each in attempts for earlier, later in itertools.pairwise(sorted(each))]
    assert min(waits) >= LEAST_PUSHBACK - 0.05  # an attempt ends here a little later than gRPC begins to wait


def test_a_server_that_fails_every_second_attempt_has_few_more(figures):
    refusal = Failing(grpc.StatusCode.UNAVAILABLE, reason="SERVER_OVERLOADED")
    with serving(Fake()) as fake, ExitStack() as stack:
        fake.script("Translate", *([refusal, translate] * HALF_FAILING_CALLS))
        clients = [stack.enter_context(Client(fake.address)) for _ in range(CLIENTS)]

        def ask(number):
            try:
                clients[number % CLIENTS].translate(TEXT, to="en", source="de")
            except ServerOverloaded as error:
                return type(error).__name__
            return ANSWERED

        with figures.timed(), ThreadPoolExecutor(THREADS) as threads:
            seen = Counter(threads.map(ask, range(HALF_FAILING_CALLS)))
        attempts = len(fake.requests("Translate"))
    figures.count(seen)
    figures.lost -= seen["ServerOverloaded"]
    figures.notes.append(f"every second attempt fails: {seen.total()} calls in {attempts} attempts; {dict(seen)}")
    assert set(seen) == {ANSWERED, "ServerOverloaded"}
    assert seen.total() < attempts <= AMPLIFICATION * seen.total()


def test_a_large_request_is_sent_again_when_it_was_told(tiny_home, tmp_path, figures):
    texts = [f"{number} " + f"{TEXT} " * 6000 for number in range(4)]
    with overloadable(tiny_home, tmp_path) as (process, points), Client(process.address) as client:
        client.translate(TEXT, to="en", source="de")
        points.switch("engine.batch", "hang")
        with ThreadPoolExecutor() as threads:
            first = threads.submit(client.translate, TEXT, to="en", source="de", timeout=60)
            wait_until(lambda: points.count("engine.batch"))
            second = threads.submit(client.detect_language, texts)
            process.wait_for("call", code="UNAVAILABLE")
            points.switch("engine.batch")
            assert first.result().text
            assert len(second.result()) == len(texts)
        assert process.stop() == 0
        codes = [line["code"] for line in process.events("call") if line["method"] == "DetectLanguage"]
    figures.inputs += sum(map(len, texts))
    assert codes == ["UNAVAILABLE", "OK"]
