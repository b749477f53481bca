"""Where clients live: at the top of a module, in several event loops, in threads, in processes that were forked."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from polygist_client import AsyncClient, Client, ServerUnreachable

from tests.fakes.server import Fake, translate

# Warnings are errors here too, and what is left open is told.
PYTHON = [sys.executable, "-X", "dev", "-W", "error", "-c"]
# Python 3.12 and newer warn of any fork beside threads, which gRPC has; gRPC writes notes of its own to standard error.
FORKING = [sys.executable, "-W", "ignore::DeprecationWarning", "-c"]

AT_THE_TOP = """
import asyncio, sys
from polygist_client import AsyncClient
client = AsyncClient(sys.argv[1])
async def main():
    print(await client.translate("a", to="pt"))
    print(*[str(each) async for each in client.translate_many(["b", "c"], to="pt")])
asyncio.run(main())
asyncio.run(main())
"""

FORKED = """
import asyncio, multiprocessing, sys
from polygist_client import AsyncClient, Client

address, uses, asks = sys.argv[1:]
client, awaited = Client(address), AsyncClient(address)

async def ask(asked):
    return await asked.translate("b", to="pt", timeout=20)

async def ask_and_close():
    async with AsyncClient(address) as asked:
        return await ask(asked)

def use(what):
    try:
        if "client" in what:
            print(client.translate("a", to="pt", timeout=20), flush=True)
        if "awaited" in what:
            print(asyncio.run(ask(awaited)), flush=True)
    except RuntimeError as error:
        print(error, flush=True)
    if "closed" in what:
        print(asyncio.run(ask_and_close()), flush=True)

use(uses)
child = multiprocessing.get_context("fork").Process(target=use, args=(asks,))
child.start()
child.join(30)
sys.exit(child.exitcode)
"""


def run(program: str, *arguments: str, python: list[str] = PYTHON) -> str:
    """What a program of its own prints."""
    done = subprocess.run([*python, program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert python is FORKING or not done.stderr
    return done.stdout


def test_a_client_at_the_top_of_a_module_serves_one_loop_after_the_other(fake: Fake):
    assert run(AT_THE_TOP, fake.address) == "A\nB C\n" * 2


def test_a_client_that_is_made_in_one_loop_goes_on_in_the_next(fake: Fake):
    async def make() -> AsyncClient:
        client = AsyncClient(fake.address)
        assert str(await client.translate("a", to="pt")) == "A"
        return client

    async def use(client: AsyncClient) -> str:
        return str(await client.translate("b", to="pt"))

    client = asyncio.run(make())
    assert [asyncio.run(use(client)) for _ in range(3)] == ["B"] * 3
    asyncio.run(client.close())
    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(use(client))


def test_a_client_that_nobody_used_is_closed_in_any_loop():
    asyncio.run(AsyncClient("localhost:1").close())


def test_one_client_serves_loops_in_several_threads_at_once(fake: Fake):
    meeting = threading.Barrier(4)
    client = AsyncClient(fake.address)

    async def use(number: int) -> list[str]:
        meeting.wait(30)
        return [str(await client.translate(f"{number}.{count}", to="pt")) for count in range(20)]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: asyncio.run(use(number)), range(4)))
    assert found == [[f"{number}.{count}" for count in range(20)] for number in range(4)]
    asyncio.run(client.close())


def test_closing_ends_the_calls_of_every_loop(fake: Fake):
    hung, over = threading.Event(), threading.Event()

    def hang(request):
        hung.set()
        over.wait(30)
        return translate(request)

    fake.script("Translate", hang)
    client = AsyncClient(fake.address)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: asyncio.run(client.translate("a", to="pt")))  # type: ignore[arg-type]
        hung.wait(30)
        asyncio.run(client.close())
        with pytest.raises(RuntimeError, match="this client is closed"):
            waiting.result(30)
        over.set()


def test_a_loop_that_was_stopped_midway_leaves_the_client_usable(fake: Fake):
    client = AsyncClient(fake.address)
    loop = asyncio.new_event_loop()
    results = client.translate_many((f"text {count}" for count in range(1000)), to="pt")
    loop.run_until_complete(anext(results))
    assert str(asyncio.run(client.translate("a", to="pt"))) == "A"  # type: ignore[arg-type]
    asyncio.run(client.close())
    loop.run_until_complete(results.aclose())
    loop.close()


def test_no_server_is_the_same_error_in_every_loop():
    client = AsyncClient("localhost:1")
    for _ in range(2):
        with pytest.raises(ServerUnreachable):
            asyncio.run(client.translate("a", to="pt"))  # type: ignore[arg-type]


def test_a_client_serves_several_threads(client: Client):
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: str(client.translate(text, to="pt")), "abcdefgh")) == list("ABCDEFGH")


@pytest.mark.parametrize(
    ("uses", "asks", "printed"),
    [
        ("nothing", "client awaited", "A B"),
        ("client", "client", "A A"),
        ("client closed", "client awaited", "A B A B"),
    ],
)
def test_clients_work_in_a_process_that_was_forked(fake: Fake, uses: str, asks: str, printed: str):
    assert run(FORKED, fake.address, uses, asks, python=FORKING).split() == printed.split()


@pytest.mark.parametrize("asks", ["client", "awaited"])
def test_where_grpc_would_hang_in_a_process_that_was_forked_the_client_says_so(fake: Fake, asks: str):
    before, error = run(FORKED, fake.address, "awaited", asks, python=FORKING).splitlines()
    assert before == "B"
    assert error.startswith("this process was forked while an AsyncClient was connected")
    assert "'spawn' or 'forkserver'" in error
