"""The asynchronous client: what it shares with the blocking one is tested there."""

import asyncio
import inspect

import grpc
import pytest
from polygist_client import (
    AsyncClient,
    Client,
    ServerNotReady,
    ServerUnreachable,
    Unavailable,
)

from tests.fakes.server import REQUEST_ID, Failing, Fake, translate

DOWN = Failing(grpc.StatusCode.UNAVAILABLE, "try again", reason="SERVER_OVERLOADED", retry_after=0.01)


async def test_every_call_works(aclient: AsyncClient):
    assert (await aclient.translate("a", to="pt")).text == "A"
    assert [each.text for each in await aclient.translate(["a", "b"], to="pt")] == ["A", "B"]
    assert (await aclient.summarise("One.\nTwo.")).text == "One."
    assert (await aclient.detect_language("x")).best.code == "en"
    assert (await aclient.count_tokens("abc", model="en-pt")).count == 3
    assert [each.name for each in await aclient.list_models()] == ["models/en-pt"]
    assert (await aclient.get_model("en-pt")).license == "MPL-2.0"
    assert (await aclient.load_model("en-pt")).state == "ready"
    assert (await aclient.unload_model("en-pt")).name == "models/en-pt"
    assert await aclient.reload_configuration() == ["models/en-fi"]
    assert [each.code for each in await aclient.list_languages()] == ["en", "pt"]
    assert (await aclient.server_info()).version == "1.2.3"
    assert await aclient.health() == "serving"


async def test_a_call_that_fails_twice_succeeds(aclient: AsyncClient, fake: Fake):
    fake.script("Translate", DOWN, DOWN)
    assert (await aclient.translate("a", to="pt")).text == "A"
    assert len({each.metadata[REQUEST_ID] for each in fake.asked}) == 1


async def test_a_call_that_the_way_cancelled_is_made_once_more(aclient: AsyncClient, fake: Fake):
    fake.script("Translate", Failing(grpc.StatusCode.CANCELLED))
    assert (await aclient.translate("a", to="pt")).text == "A"
    assert len(fake.asked) == 2


async def test_errors_are_ours(aclient: AsyncClient, fake: Fake):
    async def keep_asking():
        for _ in range(600):  # a channel that is connected hears of health a moment later
            await aclient.translate("a", to="pt")
            await asyncio.sleep(0.1)

    fake.script("Translate", *[DOWN] * 3)
    with pytest.raises(Unavailable) as caught:
        await aclient.translate("a", to="pt", request_id="mine")
    assert (caught.value.retry_after, caught.value.request_id) == (0.01, "mine")
    fake.health.set("", 2)
    with pytest.raises(ServerNotReady):
        await keep_asking()


async def test_no_server_is_one_clear_error():
    async with AsyncClient("localhost:1") as client:
        with pytest.raises(ServerUnreachable):
            await client.translate("a", to="pt")


async def test_cancelling_the_task_cancels_the_call(aclient: AsyncClient, fake: Fake):
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(request):
        loop.call_soon_threadsafe(started.set)
        return translate(request)

    fake.script("Translate", hang)
    task = asyncio.create_task(aclient.translate("a", to="pt"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(fake.asked) == 1


async def test_a_closed_client_says_so(fake: Fake):
    client = AsyncClient(fake.address)
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await client.translate("a", to="pt")


@pytest.mark.parametrize(
    "name", [name for name, value in vars(Client).items() if callable(value) and not name.startswith("_")]
)
def test_both_clients_offer_the_same(name: str):
    blocking, awaited = (inspect.signature(getattr(kind, name)) for kind in (Client, AsyncClient))
    assert list(blocking.parameters) == list(awaited.parameters)
    for parameter in blocking.parameters.values():
        assert awaited.parameters[parameter.name].default == parameter.default
