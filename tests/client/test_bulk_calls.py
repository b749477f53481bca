"""`translate_many` of both clients, over real streams of a server that answers from a script."""

import asyncio
import collections
import gc
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from typing import Any

import grpc
import pytest
from polygist.v1 import model_service_pb2
from polygist_client import (
    AsyncClient,
    Client,
    DeadlineExceeded,
    InvalidArgument,
    InvalidInput,
    Item,
    LanguagePairUnsupported,
    MessageTooLarge,
    ModelLoading,
    PolygistError,
    RequestTooLarge,
    ServerUnreachable,
    Translation,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from polygist_client.bulk import MOST_BREAKS, MOST_HELD, WINDOW

from tests.fakes.server import REQUEST_ID, Batching, Failing, Fake

LOST = Failing(grpc.StatusCode.UNAVAILABLE, "Socket closed", is_silent=True)
AWAY = Failing(grpc.StatusCode.UNAVAILABLE, "upstream connect error")
DRAINING = Failing(grpc.StatusCode.UNAVAILABLE, "bye", reason="SERVER_DRAINING")
IDLE = Failing(grpc.StatusCode.DEADLINE_EXCEEDED, "no item for 60 s", reason="STREAM_IDLE")
NO_PAIR = (grpc.StatusCode.FAILED_PRECONDITION, "LANGUAGE_PAIR_UNSUPPORTED")
Many = Callable[..., list[Any]]


@pytest.fixture(params=["blocking", "asynchronous"])
def many(request: pytest.FixtureRequest, fake: Fake) -> Many:
    """`translate_many` of either client, as a list; what was yielded before an error is in its `before`."""

    def block(items: Any, client_options: dict[str, Any], options: dict[str, Any], found: list[Any]) -> None:
        with Client(fake.address, **client_options) as client:
            collections.deque(map(found.append, client.translate_many(items, **options)), maxlen=0)

    async def wait(items: Any, client_options: dict[str, Any], options: dict[str, Any], found: list[Any]) -> None:
        async with AsyncClient(fake.address, **client_options) as client:
            async for each in client.translate_many(items, **options):
                found.append(each)

    def run(items: Any, *, client: dict[str, Any] | None = None, **options: Any) -> list[Any]:
        found: list[Any] = []
        arguments = (items, client or {}, {"to": "pt", **options}, found)
        try:
            block(*arguments) if request.param == "blocking" else asyncio.run(wait(*arguments))
        except Exception as error:
            error.before = found  # type: ignore[attr-defined]
            raise
        return found

    return run


def texts(count: int) -> list[str]:
    return [f"text {number}" for number in range(count)]


def seen(results: list[Any]) -> list[tuple[int | None, str]]:
    """Index and text of each, with the reason of those that failed."""
    return [
        (each.index, each.text if isinstance(each, Translation) else getattr(each, "reason", "")) for each in results
    ]


def whole(count: int) -> list[tuple[int, str]]:
    return [(number, f"TEXT {number}") for number in range(count)]


def test_answers_in_any_order_are_put_into_that_of_the_items(many: Many, fake: Fake):
    assert seen(many(iter(texts(1000)))) == whole(1000)
    assert len(fake.requests("BatchTranslate")) == 1


def test_answers_may_be_taken_as_they_come(many: Many, fake: Fake):
    found = seen(many(texts(500), ordered=False))
    assert found != whole(500)
    assert sorted(found, key=lambda each: each[0] or 0) == whole(500)


def test_nothing_becomes_of_nothing(many: Many):
    assert many([]) == []


def test_an_item_may_have_an_id_and_a_language_of_its_own(many: Many, fake: Fake):
    found = many([Item("a", id="x", source="de"), Item("b", id="x"), "c"], source="en", scores=True)
    assert [(each.text, each.source, each.index, each.id) for each in found] == [
        ("A", "de", 0, "x"),
        ("B", "en", 1, "x"),
        ("C", "en", 2, None),
    ]
    assert all(each.score == -0.5 for each in found)
    (config,) = fake.requests("BatchTranslate")
    assert (config.target_language_code, config.source_language_code, list(config.contents)) == ("pt", "en", [])


def test_the_error_of_an_item_is_raised_in_its_place(many: Many, fake: Fake):
    fake.batching.errors = {"text 3": NO_PAIR}
    with pytest.raises(LanguagePairUnsupported, match="text 3 failed") as caught:
        many([Item(text, id=f"id of {text}") for text in texts(10)], request_id="mine")
    error: Any = caught.value
    assert (error.index, error.id, error.code, error.request_id) == (3, "id of text 3", NO_PAIR[0].name, "mine")
    assert seen(error.before) == whole(3)


def test_the_error_of_one_text_tells_programs_what_to_install(many: Many, fake: Fake):
    fake.batching.errors = {"text 1": NO_PAIR}
    fake.batching.facts = {"source": "de", "target": "pt", "pull": "opus-mt-de-en"}
    (failed,) = many(["text 1"], to="pt", on_error="return")
    assert isinstance(failed, LanguagePairUnsupported)
    assert failed.metadata == fake.batching.facts


def test_the_error_of_an_item_is_returned_in_its_place(many: Many, fake: Fake):
    fake.batching.errors = {"text 3": NO_PAIR}
    found = many(texts(10), on_error="return")
    assert seen(found) == [*whole(3), (3, NO_PAIR[1]), *whole(10)[4:]]
    assert isinstance(found[3], LanguagePairUnsupported)


BAD: list[tuple[Any, type[PolygistError], str]] = [
    (None, InvalidInput, r"^content is None, .*leave it out"),
    (b"bytes", InvalidInput, r"^content is b'bytes' \(bytes\), .*decode it"),
    (Item(None, id="x"), InvalidInput, r"^content is an Item of None,"),  # type: ignore[arg-type]
    (Item("\ud800", id="x"), InvalidInput, r"^content: lone surrogate U\+D800"),
    (Item("a", id="x", source="\udfff"), InvalidInput, r"^source: lone surrogate"),
    (Item("a", id="x", source=7), InvalidInput, r"^source is 7 \(int\), it must be a language code"),  # type: ignore[arg-type]
    (Item("a", id="x", source="Auto"), InvalidInput, r"^source: 'Auto' is no language; leave it out"),
    (float("nan"), InvalidInput, r"^content is nan \(float\), .*leave it out"),
    (Item("a" * 1001, id="x"), RequestTooLarge, "^content has 1001 characters, at most 1000 are allowed"),
    (Item("\N{SNOWMAN}" * 900, id="x"), MessageTooLarge, "^content has 2700 bytes"),
]


@pytest.mark.parametrize(("item", "kind", "message"), BAD)
def test_an_item_that_cannot_be_sent_is_one_items_error(
    many: Many, fake: Fake, item: Any, kind: type[PolygistError], message: str
):
    limits = {"request.characters": 1000, "message.bytes": 2000}
    info = model_service_pb2.GetServerInfoResponse(
        limits=[model_service_pb2.Limit(name=name, value=value) for name, value in limits.items()]
    )
    fake.script("GetServerInfo", info, info)
    good, bad, after = many(["a", item, "b"], on_error="return")
    assert (str(good), str(after)) == ("A", "B")
    assert type(bad) is kind
    assert (bad.index, bad.id) == (1, item.id if isinstance(item, Item) else None)
    with pytest.raises(kind, match=message) as caught:
        many(["a", item, "b"])
    assert seen(caught.value.before) == [(0, "A")]  # type: ignore[attr-defined]
    assert caught.value.__notes__ == ["about item 1" + (f", id {item.id!r}" if isinstance(item, Item) else "")]


@pytest.mark.parametrize("items", ["It is cold.", b"It is cold.", bytearray(b"x"), 7, None])
def test_one_text_is_no_list_of_texts(client: Client, aclient: AsyncClient, items: Any):
    for kind in (client, aclient):
        for method in (kind.translate_many, kind.summarise_many):
            options = {"to": "pt"} if method.__name__ == "translate_many" else {}
            with pytest.raises(TypeError, match=r"give (a list|an iterable) of texts"):
                method(items, **options)


@pytest.mark.parametrize("timeout", ["x", -1, 0, float("nan")])
def test_a_timeout_that_is_none_is_said_at_once(client: Client, aclient: AsyncClient, timeout: Any):
    for kind in (client, aclient):
        with pytest.raises(InvalidInput, match=r"^timeout is "):
            kind.translate_many([], to="pt", timeout=timeout)
        with pytest.raises(InvalidInput, match=r"^timeout is "):
            kind.summarise_many([], timeout=timeout)
    with pytest.raises(InvalidInput, match=r"^timeout is "):
        client.translate("a", to="pt", timeout=timeout)
    with pytest.raises(InvalidInput, match=r"^timeout is "):
        Client(timeout=timeout)


def test_what_is_wrong_for_all_is_said_before_anything_is_read(client: Client):
    def unread() -> Iterator[str]:
        raise AssertionError
        yield ""

    with pytest.raises(InvalidInput, match="prefer"):
        client.translate_many(unread(), to="pt", prefer="fast")  # type: ignore[call-overload]
    with pytest.raises(InvalidInput, match="on_error: 'ignore' is not one of raise, return"):
        client.translate_many(unread(), to="pt", on_error="ignore")  # type: ignore[call-overload]
    with pytest.raises(InvalidInput, match="in_flight is 0"):
        client.summarise_many(unread(), in_flight=0)


@pytest.mark.parametrize("on_error", ["raise", "return"])
@pytest.mark.parametrize(
    ("failing", "kind"),
    [
        (Failing(grpc.StatusCode.UNAUTHENTICATED, "who?", reason="API_KEY_INVALID"), Unauthenticated),
        (Failing(grpc.StatusCode.INVALID_ARGUMENT, "no", reason="FIELD_INVALID"), InvalidArgument),
        (Failing(grpc.StatusCode.UNIMPLEMENTED, "Method not found!"), Unimplemented),
    ],
)
def test_what_concerns_all_is_raised_after_what_is_answered(
    many: Many, fake: Fake, failing: Failing, kind: type[PolygistError], on_error: str
):
    fake.script("BatchTranslate", Batching(most=2, ending=failing, shuffle=lambda items: None))
    with pytest.raises(kind) as caught:
        many(texts(9), on_error=on_error)
    assert seen(caught.value.before) == whole(2)  # type: ignore[attr-defined]
    assert caught.value.index is None


@pytest.mark.parametrize("ending", [LOST, AWAY, DRAINING, IDLE, Failing(grpc.StatusCode.CANCELLED), None])
@pytest.mark.parametrize("ordered", [True, False])
def test_what_a_stream_leaves_unanswered_goes_over_the_next(
    many: Many, fake: Fake, ending: Failing | None, ordered: bool
):
    fake.script("BatchTranslate", *[Batching(most=most, ending=ending) for most in (7, 150, 1)])
    found = seen(many(texts(500), ordered=ordered, client={"reconnect_timeout": 60}))
    assert (found if ordered else sorted(found, key=lambda each: each[0] or 0)) == whole(500)
    streams = [each for each in fake.asked if each.method == "BatchTranslate"]
    assert len(streams) == 4
    assert len({each.metadata[REQUEST_ID] for each in streams}) == 1


def test_a_server_that_stays_away_is_told_after_what_is_answered(many: Many, fake: Fake):
    fake.script("BatchTranslate", Batching(most=5, ending=LOST, shuffle=lambda items: None), *[AWAY] * 99)
    with pytest.raises(Unavailable) as caught:
        many(texts(50), client={"reconnect_timeout": 0.5}, on_error="return")
    assert seen(caught.value.before) == whole(5)  # type: ignore[attr-defined]
    assert len(fake.requests("BatchTranslate")) > 3


def test_no_server_is_one_clear_error():
    with Client("localhost:1") as client, pytest.raises(ServerUnreachable, match="nothing answers at localhost:1"):
        list(client.translate_many(["a"], to="pt"))


def test_an_item_that_breaks_every_stream_fails_and_no_other(many: Many, fake: Fake):
    fake.batching = Batching(lethal="text 70", ending=LOST)
    found = many(texts(200), on_error="return", client={"reconnect_timeout": 60})
    assert [each.index for each in found if isinstance(each, PolygistError)] == [70]
    assert len(fake.requests("BatchTranslate")) > MOST_BREAKS - 1
    assert isinstance(found[70], Unavailable)


def test_a_model_that_is_being_loaded_is_waited_for(many: Many, fake: Fake):
    fake.batching.refusals = {"text 3": 3}
    assert seen(many(texts(10))) == whole(10)
    (stream,) = [each for each in fake.asked if each.method == "BatchTranslate"]
    assert [item.content for item in stream.items].count("text 3") == 4


def test_a_model_that_stays_away_is_the_error_of_the_item(many: Many, fake: Fake):
    fake.batching.refusals = {"text 3": 1000}
    found = many(texts(5), timeout=0.5, on_error="return")
    assert seen(found) == [*whole(3), (3, "MODEL_LOADING"), (4, "TEXT 4")]
    assert isinstance(found[3], ModelLoading)


def test_a_server_that_answers_nothing_is_found_out(many: Many, fake: Fake):
    fake.batching.silent = True
    with pytest.raises(DeadlineExceeded, match=r"within 0\.3 s"):
        many(texts(5), timeout=0.3)


def test_a_stream_has_no_deadline_but_the_waits_between_answers(many: Many, fake: Fake):
    many(texts(3))
    (seconds,) = [each.seconds for each in fake.asked if each.method == "BatchTranslate"]
    assert (seconds or 1e9) > 1e6


def test_replies_come_as_their_results_do(many: Many, fake: Fake):
    fake.batching.errors = {"text 1": NO_PAIR}
    replies: list[dict[str, Any]] = []
    many(["text 0", None, "text 1"], on_error="return", on_reply=replies.append)
    translated, failed = replies
    assert (translated["itemId"], translated["translation"]["translatedText"]) == ("0", "TEXT 0")
    assert translated["usage"] == {"characterCount": 6}
    assert (failed["itemId"], failed["error"]["reason"]) == ("2", NO_PAIR[1])


def test_a_reply_is_shown_just_before_its_result(client: Client):
    replies: list[dict[str, Any]] = []
    for number, _ in enumerate(client.translate_many(texts(300), to="pt", on_reply=replies.append)):
        assert len(replies) == number + 1


def test_items_without_end_are_read_as_results_are_taken(client: Client, fake: Fake):
    read = itertools.count()
    results = client.translate_many((f"text {next(read)}" for _ in itertools.repeat(None)), to="pt")
    with closing(results):
        assert [each.text for each in itertools.islice(results, 2000)] == [f"TEXT {n}" for n in range(2000)]
        assert next(read) <= 2000 + MOST_HELD + 1


async def test_items_without_end_are_read_as_awaited_results_are_taken(aclient: AsyncClient):
    read = 0

    async def endless() -> AsyncIterator[str]:
        nonlocal read
        while True:
            read += 1
            yield f"text {read}"

    async with aclosing(aclient.translate_many(endless(), to="pt")) as results:
        for number in range(1, 500):
            assert (await anext(results)).text == f"TEXT {number}"
        await asyncio.sleep(0.3)
        assert read <= 500 + MOST_HELD


def test_answers_that_are_there_come_before_the_next_item_is_read(client: Client, fake: Fake):
    taken: list[str] = []

    def give() -> Iterator[str]:
        yield "text 0"
        wait_until(lambda: len(fake.asked[-1].items) == 1)
        threading.Event().wait(1)  # the answer is on its way
        yield "text 1"
        assert taken == ["TEXT 0"]
        yield "text 2"

    for each in client.translate_many(give(), to="pt"):
        taken.append(each.text)
    assert taken == ["TEXT 0", "TEXT 1", "TEXT 2"]


async def test_items_that_are_waited_for_hold_up_no_answer(aclient: AsyncClient):
    given: asyncio.Queue[str] = asyncio.Queue()

    async def ask() -> AsyncIterator[str]:
        while text := await given.get():
            yield text

    given.put_nowait("one")
    async with aclosing(aclient.translate_many(ask(), to="pt")) as results:
        for text in ("one", "two", "three"):
            assert (await anext(results)).text == text.upper()
            given.put_nowait({"one": "two", "two": "three"}.get(text, ""))
        assert [each async for each in results] == []


def test_what_the_callers_own_iterable_raises_is_raised(many: Many):
    def breaking() -> Iterator[str]:
        yield "text 0"
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        many(breaking())


@pytest.mark.parametrize("on_error", ["raise", "return"])
@pytest.mark.parametrize("ordered", [True, False])
def test_the_answers_to_what_was_read_come_before_what_the_iterable_raises(many: Many, on_error: str, ordered: bool):
    def breaking() -> Iterator[str]:
        yield from texts(100)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as caught:
        many(breaking(), on_error=on_error, ordered=ordered)
    assert sorted(seen(caught.value.before)) == whole(100)  # type: ignore[attr-defined]


async def drain(results: AsyncIterator[Any], found: list[int | None]) -> None:
    """Take all results; one that never comes is an error."""
    async with asyncio.timeout(60):
        async for each in results:
            found.append(each.index)


@pytest.mark.parametrize("kind", [asyncio.CancelledError, GeneratorExit])
async def test_an_awaited_iterable_may_be_cancelled_itself(aclient: AsyncClient, kind: type[BaseException]):
    class Breaking:
        def __init__(self) -> None:
            self.left = texts(10)

        def __aiter__(self) -> "Breaking":
            return self

        async def __anext__(self) -> str:
            if not self.left:
                raise kind
            return self.left.pop(0)

    for many in (aclient.translate_many(Breaking(), to="pt"), aclient.summarise_many(Breaking())):
        found: list[int | None] = []
        with pytest.raises(kind):
            await drain(many, found)
        assert found == list(range(10))


@pytest.mark.parametrize("kind", ["translate", "summarise"])
async def test_an_asynchronous_client_that_is_closed_meanwhile_says_so(fake: Fake, kind: str):
    client = AsyncClient(fake.address)
    items = (f"text {n}" for n in itertools.count())
    results = client.translate_many(items, to="pt") if kind == "translate" else client.summarise_many(items)
    await anext(results)
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await drain(results, [])


async def test_a_loop_that_was_busy_for_longer_than_the_timeout_reads_what_came(aclient: AsyncClient):
    found = []
    async for each in aclient.translate_many(texts(2000), to="pt", timeout=0.3):
        found.append(each.index)
        if each.index == 10:
            time.sleep(1.5)  # noqa: ASYNC251
    assert found == list(range(2000))


ABANDONED = """
import itertools, sys
from polygist_client import Client
client = Client(sys.argv[1])
results = client.{}((f"text {{n}}" for n in itertools.count()){})
for each in results:
    {}
"""


@pytest.mark.parametrize("method", [("translate_many", ", to='pt'"), ("summarise_many", "")])
@pytest.mark.parametrize("ending", ["break", "raise ValueError('mine')", "sys.exit(1)"])
def test_a_process_ends_with_a_call_under_way(fake: Fake, method: tuple[str, str], ending: str):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(3):
        command = [sys.executable, "-c", ABANDONED.format(*method, ending), fake.address]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
        assert done.returncode == (0 if ending == "break" else 1)
        assert (b"mine" in done.stderr) is ("mine" in ending)


def test_leaving_ends_the_stream_and_its_threads(client: Client, fake: Fake):
    results = client.translate_many((f"text {n}" for n in itertools.count()), to="pt")
    assert next(results).text == "TEXT 0"
    results.close()
    wait_until(lambda: not bulk_threads())
    left = client.translate_many((f"text {n}" for n in itertools.count()), to="pt")
    next(left)
    del left
    gc.collect()
    wait_until(lambda: not bulk_threads())
    assert str(client.translate("a", to="pt")) == "A"


def bulk_threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.startswith("polygist-")]


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(600):
        if is_so():
            return
        threading.Event().wait(0.1)
    raise AssertionError("it never was")


def test_a_client_that_is_closed_meanwhile_says_so(fake: Fake):
    client = Client(fake.address)
    results = client.translate_many((f"text {n}" for n in itertools.count()), to="pt")
    next(results)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        collections.deque(results, maxlen=0)


def test_a_reader_who_pauses_until_the_stream_is_idle_loses_nothing(client: Client, fake: Fake):
    """The server ends such a stream; the next item goes over another."""
    fake.script("BatchTranslate", Batching(most=WINDOW, ending=IDLE, shuffle=lambda items: None))
    found, stopped = [], threading.Event()

    def give() -> Iterator[str]:
        for number in range(2 * WINDOW):
            if number == WINDOW:
                stopped.wait(1)
            yield f"text {number}"

    for each in client.translate_many(give(), to="pt"):
        found.append((each.index, each.text))
    assert found == whole(2 * WINDOW)
    assert len(fake.requests("BatchTranslate")) == 2


def test_many_calls_at_the_same_time_stay_apart(client: Client):
    def run(number: int, found: list[list[str]]) -> None:
        found.append([each.text for each in client.translate_many([f"{number} {n}" for n in range(300)], to="pt")])

    found: list[list[str]] = []
    threads = [threading.Thread(target=run, args=(number, found)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [[f"{number} {n}" for n in range(300)] for number in range(4)]
