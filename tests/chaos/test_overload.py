"""More calls than can be answered: what is refused is refused by the service, at once and with a time to come back.

How fast it all was is told, not asserted: the machine that runs this may be busy.
"""

import asyncio
import itertools
import statistics
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from polygist.v1.translation_service_pb2 import TranslateRequest
from polygist.v1.translation_service_pb2_grpc import TranslationServiceStub
from polygist_service.settings import Settings

from bench.speed.figures import percentile, poisson_schedule
from tests.chaos.figures import read_resident
from tests.end_to_end.server import ServerProcess

pytestmark = [pytest.mark.chaos, pytest.mark.model]

OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0))
# So many that this process can send five times as many calls as the starter model's server answers.
SENTENCES = 8
CALLERS = 16
CAPACITY_SECONDS, LOAD_SECONDS, DEADLINE = 5.0, 8.0, 2.0
ANSWERED, REFUSED, LATE = "answered", "refused", "late"
# As usual: three calls after each other, none of which takes longer than three usual ones.
USUAL, IN_TURN = 3.0, 3


@dataclass
class Seen:
    """What became of calls, the seconds that each of a kind took, and when those ended that were answered."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    ends: list[float] = field(default_factory=list)

    def add(self, outcome: str, seconds: float) -> None:
        self.outcomes[outcome] += 1
        self.seconds.setdefault(outcome, []).append(seconds)
        if outcome == ANSWERED:
            self.ends.append(time.monotonic())

    def rate(self, began: float, ended: float) -> float:
        """Answers a second between two times."""
        return sum(began <= end < ended for end in self.ends) / (ended - began)

    def milliseconds(self, outcome: str, share: float) -> float:
        """A percentile; 0 where there are none."""
        return 1000 * percentile(self.seconds[outcome], share) if outcome in self.seconds else 0.0


class Callers:
    """Calls of one server, no two texts alike; an async context manager that has the connections."""

    def __init__(self, address: str, connections: int) -> None:
        self._address, self._connections = address, connections
        self._stack = AsyncExitStack()
        self._numbers = itertools.count()

    async def __aenter__(self) -> "Callers":
        channels = [
            await self._stack.enter_async_context(grpc.aio.insecure_channel(self._address, OPTIONS))
            for _ in range(self._connections)
        ]
        await asyncio.gather(*(channel.channel_ready() for channel in channels))
        self._stubs = itertools.cycle([TranslationServiceStub(channel) for channel in channels])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def call(self, seen: Seen, deadline: float = 60.0) -> float:
        """Make one, and add what became of it; the seconds that it took."""
        number = next(self._numbers)
        text = " ".join(f"The old market has {number} houses and {at} bridges." for at in range(SENTENCES))
        request = TranslateRequest(contents=[text], source_language_code="en", target_language_code="pt")
        began, outcome = time.monotonic(), ANSWERED
        try:
            await next(self._stubs).Translate(request, timeout=deadline)
        except grpc.aio.AioRpcError as error:
            outcome = tell(error)
        took = time.monotonic() - began
        seen.add(outcome, took)
        return took

    async def measure_capacity(self) -> float:
        """Calls that are answered in a second, of callers who wait for their answers."""
        seen, end = Seen(), time.monotonic() + CAPACITY_SECONDS

        async def call_on() -> None:
            while time.monotonic() < end:
                await self.call(seen)

        began = time.monotonic()
        await asyncio.gather(*(call_on() for _ in range(CALLERS)))
        assert seen.outcomes == {ANSWERED: seen.outcomes.total()}
        return seen.outcomes.total() / (time.monotonic() - began)

    async def overload(self, rate: float) -> Seen:
        """Make so many calls a second whether they are answered or not."""
        seen, began = Seen(), time.monotonic()
        async with asyncio.TaskGroup() as group:
            for due in poisson_schedule(rate, LOAD_SECONDS, seed=12):
                await asyncio.sleep(max(0.0, began + due - time.monotonic()))
                group.create_task(self.call(seen, DEADLINE))
        return seen

    async def recover(self, usual: float) -> float:
        """Call until calls take no longer than usual; the seconds until the first of those was made."""
        began = first = time.monotonic()
        good = 0
        while good < IN_TURN:
            if not good:
                first = time.monotonic()
            good = good + 1 if await self.call(Seen()) < USUAL * usual else 0
        return first - began


def tell(error: grpc.aio.AioRpcError) -> str:
    """What became of a call that failed; of refusals, only those that the service itself has sent as it says."""
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return LATE
    trailer = dict(iter(error.trailing_metadata() or ()))
    status = status_pb2.Status.FromString(trailer.get("grpc-status-details-bin", b""))
    info = error_details_pb2.ErrorInfo()
    tells_when = False
    for detail in status.details:
        detail.Unpack(info)
        tells_when |= detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR)
    pushback = int(trailer.get("grpc-retry-pushback-ms", 0))
    # Negative is not at all: no wait mends what takes longer alone than its deadline allows.
    if info.reason == "SERVER_OVERLOADED" and ((tells_when and pushback > 0) or pushback < 0):
        return REFUSED
    return f"{error.code().name} {info.reason} {error.details()}"


async def watch_health(address: str, seconds: list[float]) -> None:
    """Ask for the health on a connection of its own, on and on, and note how long each answer took."""
    async with grpc.aio.insecure_channel(address, OPTIONS) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while True:
            began = time.monotonic()
            reply = await stub.Check(health_pb2.HealthCheckRequest(), timeout=60, wait_for_ready=True)
            assert reply.status == reply.SERVING
            seconds.append(time.monotonic() - began)
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of the starter models that remembers no sentence: each has to be translated."""
    folder = tmp_path_factory.mktemp("overload")
    with ServerProcess(Settings().home, folder / "log", "--sentence-cache", "0") as process:
        process.wait_until_serving()
        yield process


@pytest.mark.parametrize("connections", [4, 64])
@pytest.mark.parametrize("factor", [2, 5])
async def test_it_refuses_what_it_cannot_do_and_does_the_rest(server, figures, factor, connections):
    async with Callers(server.address, connections) as callers:
        alone = Seen()
        for _ in range(10):
            await callers.call(alone)
        usual = statistics.median(alone.seconds[ANSWERED])
        capacity = await callers.measure_capacity()
        before, answers = read_resident(server.process.pid), []
        watching = asyncio.create_task(watch_health(server.address, answers))
        began = time.monotonic()
        with figures.timed():
            seen = await callers.overload(factor * capacity)
        watching.cancel()
        back = await callers.recover(usual)
    figures.growth = read_resident(server.process.pid) - before
    figures.count(seen.outcomes)
    figures.lost -= seen.outcomes[REFUSED] + seen.outcomes[LATE]
    figures.recoveries.append(back)
    good = seen.rate(began + DEADLINE, began + LOAD_SECONDS) / capacity
    figures.notes.append(
        f"{factor} x {capacity:.0f} calls a second on {connections} connections: goodput {good:.2f} of the most, "
        f"{seen.outcomes[REFUSED]} refused in {seen.milliseconds(REFUSED, 0.99):.0f} ms (p99), "
        f"{seen.outcomes[LATE]} late, health in {1000 * percentile(answers, 0.99):.0f} ms (p99), "
        f"as usual ({1000 * usual:.0f} ms) after {back:.1f} s"
    )
    assert set(seen.outcomes) <= {ANSWERED, REFUSED, LATE}
    assert seen.outcomes[ANSWERED]
    assert seen.outcomes[REFUSED]
