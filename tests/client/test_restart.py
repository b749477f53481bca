"""Both clients while a server goes away and comes back."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import grpc
import pytest
from polygist.v1 import summarisation_service_pb2
from polygist_client import (
    AsyncClient,
    CallFailed,
    Client,
    InvalidInput,
    ServerUnreachable,
    Unavailable,
)
from polygist_client.connection import connect_to

from tests.client.conftest import Polygist
from tests.end_to_end.server import find_free_port
from tests.fakes.server import REQUEST_ID, Failing, Fake, serving, translate

# As of gRPC itself or of a proxy: from a server that is there, a reason would come with it.
GONE = Failing(grpc.StatusCode.UNAVAILABLE, "upstream connect error")
DRAINING = Failing(grpc.StatusCode.UNAVAILABLE, "bye", reason="SERVER_DRAINING", retry_after=0.01)
MORE_THAN_GRPC_TRIES = 4
OUTAGE_SECONDS = 0.5


class Restarting:
    """A fake on one address that can be stopped and started."""

    def __init__(self) -> None:
        self.fake = Fake()
        self._stack = ExitStack()
        self.start(f"127.0.0.1:{find_free_port()}")
        self.address = self.fake.address

    def start(self, address: str) -> None:
        self._stack.enter_context(serving(self.fake, address=address))

    def stop(self) -> None:
        self._stack.close()

    def restart(self) -> None:
        """Be away for a moment."""
        self.stop()
        time.sleep(OUTAGE_SECONDS)
        self.start(self.address)


@pytest.fixture
def restarting() -> Iterator[Restarting]:
    server = Restarting()
    yield server
    server.stop()


@pytest.mark.parametrize("failing", [GONE, DRAINING])
def test_a_call_waits_for_a_server_that_was_there(client: Client, fake: Fake, failing: Failing):
    fake.script("Translate", translate, *[failing] * MORE_THAN_GRPC_TRIES)
    assert [str(client.translate(text, to="pt")) for text in "ab"] == ["A", "B"]
    assert len({each.metadata[REQUEST_ID] for each in fake.asked}) == 2
    assert len(fake.asked) == 2 + MORE_THAN_GRPC_TRIES


async def test_the_asynchronous_client_waits_alike(aclient: AsyncClient, fake: Fake):
    fake.script("Translate", translate, *[GONE] * MORE_THAN_GRPC_TRIES)
    assert [str(await aclient.translate(text, to="pt")) for text in "ab"] == ["A", "B"]
    assert len(fake.asked) == 2 + MORE_THAN_GRPC_TRIES


def test_a_stream_waits_until_its_first_message(client: Client, fake: Fake):
    client.summarise("One.")
    fake.script("StreamSummarise", *[GONE] * MORE_THAN_GRPC_TRIES)
    assert len(list(client.stream_summarise("One."))) == 4
    assert len(fake.requests("StreamSummarise")) == 1 + MORE_THAN_GRPC_TRIES


async def test_a_stream_of_the_asynchronous_client_waits_alike(aclient: AsyncClient, fake: Fake):
    await aclient.summarise("One.")
    fake.script("StreamSummarise", *[GONE] * MORE_THAN_GRPC_TRIES)
    assert len([event async for event in aclient.stream_summarise("One.")]) == 4


def test_a_first_call_does_not_wait(client: Client, fake: Fake):
    fake.script("Translate", *[GONE] * 9)
    with pytest.raises(Unavailable, match="upstream connect error"):
        client.translate("a", to="pt")
    assert len(fake.asked) == MORE_THAN_GRPC_TRIES - 1


def test_a_client_may_be_told_not_to_wait(fake: Fake):
    fake.script("Translate", translate, *[GONE] * 9)
    with Client(fake.address, reconnect_timeout=0) as client:
        client.translate("a", to="pt")
        with pytest.raises(Unavailable):
            client.translate("b", to="pt")
    assert len(fake.asked) == MORE_THAN_GRPC_TRIES


def test_the_command_line_waits_in_a_run_that_has_begun(polygist: Polygist, fake: Fake):
    flags = ["translate", "-t", "pt,de", "--text", "a", "--json"]
    fake.script("Translate", translate, *[GONE] * MORE_THAN_GRPC_TRIES)
    assert polygist(*flags).code == 0
    fake.script("Translate", translate, *[GONE] * (MORE_THAN_GRPC_TRIES - 1))
    assert polygist(*flags, "--reconnect-timeout", "0").code == 4


def test_the_environment_says_how_long_too(polygist: Polygist, fake: Fake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("POLYGIST_RECONNECT_TIMEOUT", "0s")
    fake.script("Translate", translate, *[GONE] * (MORE_THAN_GRPC_TRIES - 1))
    assert polygist("translate", "-t", "pt,de", "--text", "a", "--json").code == 4


def test_no_call_of_many_fails_over_a_restart(restarting: Restarting):
    with Client(restarting.address, reconnect_timeout=60) as client, ThreadPoolExecutor(64) as pool:
        client.translate("a", to="pt")
        restart = threading.Thread(target=restarting.restart)
        restart.start()
        texts = [f"text {number}" for number in range(300)]
        assert list(pool.map(lambda text: str(client.translate(text, to="pt")), texts)) == [
            text.upper() for text in texts
        ]
        restart.join()


async def test_no_awaited_call_of_many_fails_over_a_restart(restarting: Restarting):
    async with AsyncClient(restarting.address, reconnect_timeout=60) as client:
        await client.translate("a", to="pt")
        restart = asyncio.create_task(asyncio.to_thread(restarting.restart))
        for _ in range(3):
            await asyncio.gather(*(client.translate("b", to="pt") for _ in range(100)))
            await asyncio.sleep(OUTAGE_SECONDS / 2)
        await restart
        assert str(await client.translate("c", to="pt")) == "C"


TEXTS = [f"text {number}" for number in range(1000)]
RESTARTED_AT = (100, 600)


def test_no_item_of_many_is_lost_or_doubled_over_restarts(restarting: Restarting):
    found = []
    with Client(restarting.address, reconnect_timeout=60) as client:
        for each in client.translate_many(TEXTS, to="pt"):
            found.append(each.text)
            if each.index in RESTARTED_AT:
                restarting.restart()
    assert found == [text.upper() for text in TEXTS]


async def test_no_item_of_many_that_are_awaited_is_lost_or_doubled_over_restarts(restarting: Restarting):
    found = []
    async with AsyncClient(restarting.address, reconnect_timeout=60) as client:
        async for each in client.translate_many(TEXTS, to="pt", ordered=False):
            found.append(each.text)
            if len(found) in RESTARTED_AT:
                await asyncio.to_thread(restarting.restart)
    assert sorted(found) == sorted(text.upper() for text in TEXTS)


def test_no_article_of_many_is_lost_or_doubled_over_a_restart(restarting: Restarting):
    found = []
    with Client(restarting.address, reconnect_timeout=60) as client:
        for each in client.summarise_many(TEXTS):
            found.append(each.text)
            if each.index == 100:
                restarting.restart()
    assert found == TEXTS


def test_a_server_that_stays_away_is_told_as_ever(restarting: Restarting):
    with Client(restarting.address, reconnect_timeout=0.5) as client:
        client.translate("a", to="pt")
        restarting.stop()
        with pytest.raises(ServerUnreachable):
            client.translate("b", to="pt")
        assert len(restarting.fake.asked) == 1


def test_what_has_begun_is_not_repeated(restarting: Restarting):
    gone = threading.Event()

    def begin(request: summarisation_service_pb2.StreamSummariseRequest) -> Iterator[object]:
        yield summarisation_service_pb2.StreamSummariseResponse(text_delta="The bridge")
        gone.wait(timeout=30)

    restarting.fake.script("StreamSummarise", begin)
    with Client(restarting.address, reconnect_timeout=60) as client:
        client.summarise("One.")
        events = client.stream_summarise("The bridge is open.")
        next(events)
        restarting.restart()
        with pytest.raises(CallFailed):
            list(events)
        gone.set()
        assert str(client.summarise("Two.")) == "Two."
    assert len(restarting.fake.requests("StreamSummarise")) == 1


def test_a_call_under_way_is_made_again_when_its_connection_breaks(restarting: Restarting):
    started, gone = threading.Event(), threading.Event()

    def hang(request: object) -> object:
        started.set()
        gone.wait(timeout=30)
        return translate(request)  # type: ignore[arg-type]  # for a caller that has gone

    with Client(restarting.address, reconnect_timeout=60) as client, ThreadPoolExecutor(1) as pool:
        client.translate("a", to="pt")
        restarting.fake.script("Translate", hang)
        answer = pool.submit(client.translate, "b", to="pt")
        assert started.wait(timeout=30)
        restarting.restart()
        gone.set()
        assert str(answer.result(timeout=60)) == "B"


def test_closing_ends_the_wait(restarting: Restarting):
    with ThreadPoolExecutor(1) as pool:
        client = Client(restarting.address, reconnect_timeout=600)
        client.translate("a", to="pt")
        restarting.stop()
        answer = pool.submit(client.translate, "b", to="pt")
        time.sleep(0.2)
        client.close()
        with pytest.raises(RuntimeError, match="closed"):
            answer.result(timeout=60)


async def test_cancelling_ends_the_wait(restarting: Restarting):
    async with AsyncClient(restarting.address, reconnect_timeout=600) as client:
        await client.translate("a", to="pt")
        await asyncio.to_thread(restarting.stop)
        waiting = asyncio.create_task(client.translate("b", to="pt"))
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.3)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


def test_several_addresses_take_turns_and_one_may_go():
    with serving(Fake()) as first, ExitStack() as second_stack:
        second = second_stack.enter_context(serving(Fake()))
        with Client(f"ipv4:{first.address},{second.address}") as client:
            ask(client, until=lambda: bool(first.asked and second.asked))
            second_stack.close()
            before = len(first.asked)
            for _ in range(20):
                client.translate("a", to="pt")
            assert len(first.asked) == before + 20


def ask(client: Client, *, until: Callable[[], bool]) -> None:
    """Make calls until something holds, at most for half a minute."""
    end = time.monotonic() + 30
    while not until():
        assert time.monotonic() < end
        client.translate("a", to="pt")


def test_a_server_that_hangs_is_noticed_as_soon_as_was_said():
    knobs = dict(
        connect_to("localhost:1", keepalive_time=5, keepalive_timeout=4.5).channel_options(needs_healthy_server=True)
    )
    assert knobs["grpc.keepalive_time_ms"] == 5000
    assert knobs["grpc.keepalive_timeout_ms"] == knobs["grpc.http2.ping_timeout_ms"] == 4500


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"reconnect_timeout": -1}, "reconnect_timeout"),
        ({"keepalive_time": 0}, "keepalive_time"),
        ({"keepalive_timeout": -1}, "keepalive_timeout"),
    ],
)
def test_seconds_that_are_none_are_named(options: dict[str, float], field: str):
    with pytest.raises(InvalidInput, match=field) as caught:
        Client("localhost:1", **options)  # type: ignore[arg-type]
    assert caught.value.field == field
