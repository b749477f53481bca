"""`summarise_many` of both clients: requests of several articles, and those of one that fails singly."""

import asyncio
import collections
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist.v1 import model_service_pb2, summarisation_service_pb2
from polygist_client import (
    AsyncClient,
    Client,
    FailedPrecondition,
    InvalidArgument,
    InvalidInput,
    Item,
    ModelNotFound,
    PolygistError,
    QuotaExceeded,
    Unauthenticated,
    Unavailable,
)
from polygist_client.batches import ARTICLES, CHARACTERS, Batcher
from polygist_client.items import Answer, parse_limits

from tests.fakes.server import Failing, Fake, summarise

UNDETERMINED = Failing(grpc.StatusCode.FAILED_PRECONDITION, "which?", reason="LANGUAGE_UNDETERMINED")
Many = Callable[..., list[Any]]


@pytest.fixture(params=["blocking", "asynchronous"])
def many(request: pytest.FixtureRequest, fake: Fake) -> Many:
    """`summarise_many` of either client, as a list."""

    async def wait(items: Any, options: dict[str, Any]) -> list[Any]:
        async with AsyncClient(fake.address) as client:
            return [each async for each in client.summarise_many(items, **options)]

    def run(items: Any, **options: Any) -> list[Any]:
        if request.param == "asynchronous":
            return asyncio.run(wait(items, options))
        with Client(fake.address) as client:
            return list(client.summarise_many(items, **options))

    return run


def articles(count: int) -> list[str]:
    return [f"text {number}.\nrest" for number in range(count)]


def seen(results: list[Any]) -> list[tuple[int | None, str]]:
    return [(each.index, each.message if isinstance(each, PolygistError) else each.text) for each in results]


def whole(count: int) -> list[tuple[int, str]]:
    return [(number, f"text {number}.") for number in range(count)]


def fail_for(fake: Fake, text: str, failing: Failing) -> None:
    """Let every request fail that has an article which begins so."""

    def answer(request: Any) -> Any:
        return failing if any(each.startswith(text) for each in request.contents) else summarise(request)

    fake.rules["Summarise"] = answer


def sizes(fake: Fake) -> list[int]:
    return sorted(len(each.contents) for each in fake.requests("Summarise"))


def test_many_articles_are_summarised_in_order(many: Many, fake: Fake):
    assert seen(many(iter(articles(50)), to="pt")) == whole(50)
    assert max(sizes(fake)) == ARTICLES
    assert {each.target_language_code for each in fake.requests("Summarise")} == {"pt"}


def test_or_as_they_come(many: Many, fake: Fake):
    released = threading.Event()

    def hold(request: Any) -> Any:
        if request.contents[0].startswith("text 0."):
            released.wait(30)
        return summarise(request)

    fake.rules["Summarise"] = hold
    found = seen(many(articles(16), ordered=False, in_flight=2, on_reply=lambda reply: released.set()))
    assert found != whole(16)
    assert sorted(found, key=lambda each: each[0] or 0) == whole(16)


def test_items_keep_their_id_and_travel_with_those_of_their_language(many: Many, fake: Fake):
    items = [Item("a", id="x", source="de"), Item("b", source="de"), "c", Item("d", id="x", source="pt")]
    found = many(items, source="en", candidates=["en", "pt"])
    assert [(each.text, each.index, each.id) for each in found] == [
        ("a", 0, "x"), ("b", 1, None), ("c", 2, None), ("d", 3, "x"),
    ]  # fmt: skip
    sent = {tuple(each.contents): each for each in fake.requests("Summarise")}
    assert {texts: each.source_language_code for texts, each in sent.items()} == {
        ("a", "b"): "de", ("c",): "en", ("d",): "pt",
    }  # fmt: skip
    assert [list(sent[texts].candidate_language_codes) for texts in (("a", "b"), ("c",))] == [[], ["en", "pt"]]


def test_one_bad_article_fails_alone(many: Many, fake: Fake):
    fail_for(fake, "text 5.", UNDETERMINED)
    found = many([Item(text, id=f"id {at}") for at, text in enumerate(articles(20))], on_error="return")
    assert seen(found) == [*whole(5), (5, "which?"), *whole(20)[6:]]
    assert isinstance(found[5], FailedPrecondition)
    assert found[5].id == "id 5"
    assert sizes(fake) == [*[1] * 8, 4, 8, 8]


def test_or_is_raised(many: Many, fake: Fake):
    fail_for(fake, "text 5.", UNDETERMINED)
    with pytest.raises(FailedPrecondition) as caught:
        many(articles(20))
    assert caught.value.index == 5


@pytest.mark.parametrize("bad", [None, "\ud800", Item(3, id="x")])  # type: ignore[arg-type]
def test_what_cannot_be_sent_is_the_error_of_one_item(many: Many, bad: Any):
    found = many(["a", bad, "b"], on_error="return")
    assert [each.index for each in found] == [0, 1, 2]
    assert isinstance(found[1], InvalidInput)
    with pytest.raises(InvalidInput):
        many(["a", bad, "b"])


@pytest.mark.parametrize(
    ("failing", "kind"),
    [
        (Failing(grpc.StatusCode.UNAUTHENTICATED, "who?"), Unauthenticated),
        (Failing(grpc.StatusCode.NOT_FOUND, "which?", reason="MODEL_NOT_FOUND"), ModelNotFound),
        (Failing(grpc.StatusCode.RESOURCE_EXHAUSTED, "enough", reason="QUOTA_EXCEEDED"), QuotaExceeded),
        (Failing(grpc.StatusCode.UNAVAILABLE, "gone"), Unavailable),
        (
            Failing(grpc.StatusCode.INVALID_ARGUMENT, "no", reason="FIELD_INVALID", fields=("max_word_count",)),
            InvalidArgument,
        ),
    ],
)
def test_what_concerns_all_is_not_tried_singly(many: Many, fake: Fake, failing: Failing, kind: type[PolygistError]):
    fail_for(fake, "", failing)
    with pytest.raises(kind) as caught:
        many(articles(8), on_error="return")
    assert caught.value.index is None
    assert set(sizes(fake)) == {8}


def test_the_article_that_the_server_names_is_found(many: Many, fake: Fake):
    fail_for(fake, "text 1.", Failing(grpc.StatusCode.INVALID_ARGUMENT, "no", "FIELD_INVALID", fields=("contents[0]",)))
    assert seen(many(articles(3), on_error="return")) == [(0, "text 0."), (1, "no"), (2, "text 2.")]


def test_a_busy_server_is_asked_again(many: Many, fake: Fake):
    busy = Failing(grpc.StatusCode.UNAVAILABLE, "loading", reason="MODEL_LOADING")
    fake.script("Summarise", *[busy] * 5)
    assert seen(many(articles(3))) == whole(3)


def test_a_server_with_lower_limits_gets_smaller_requests(many: Many, fake: Fake):
    limits = [
        model_service_pb2.Limit(name="summarise.contents", value=2),
        model_service_pb2.Limit(name="request.characters", value=100),
    ]
    fake.script("GetServerInfo", model_service_pb2.GetServerInfoResponse(limits=limits))
    found = many([*articles(5), "x" * 101, "y" * 60, "z" * 60], on_error="return")
    assert [each.index for each in found] == list(range(8))
    assert "at most 100 are allowed" in str(found[5])
    assert max(sizes(fake)) == 2
    assert all(sum(map(len, each.contents)) <= 100 for each in fake.requests("Summarise"))


def test_an_answer_that_is_too_short_is_the_error_of_each(many: Many, fake: Fake):
    fake.script("Summarise", *[summarisation_service_pb2.SummariseResponse()] * 3)
    found = many(["a", "b"], on_error="return")
    assert ["0 results for 1 texts" in str(each) for each in found] == [True, True]


def test_each_reply_comes_with_its_result(many: Many):
    replies: list[dict[str, Any]] = []
    many(["a", None, "b"], on_error="return", on_reply=replies.append)
    assert [list(each) for each in replies] == [["summary"], ["summary"]]
    assert [each["summary"]["text"] for each in replies] == ["a", "b"]


def test_articles_without_end_are_read_as_summaries_are_taken(client: Client):
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield f"text {read}"

    with closing(client.summarise_many(endless(), in_flight=2)) as results:
        assert read == 0
        assert next(results).text == "text 1"
        assert read <= 2 * ARTICLES + 1


def test_several_requests_are_in_flight(many: Many, fake: Fake):
    together = threading.Barrier(3)

    def meet(request: Any) -> Any:
        together.wait(timeout=30)
        return summarise(request)

    fake.script("Summarise", meet, meet, meet)
    assert len(many(["x"] * 3 * ARTICLES, in_flight=3)) == 3 * ARTICLES


def test_leaving_gives_up_what_is_under_way(client: Client, fake: Fake):
    gone = threading.Event()

    def hang(request: Any) -> Any:
        if not request.contents[0].startswith("text 0."):
            gone.wait(60)
        return summarise(request)

    fake.rules["Summarise"] = hang
    results = client.summarise_many(articles(100))
    assert str(next(results)) == "text 0."
    results.close()
    for _ in range(300):
        if not [each for each in threading.enumerate() if each.name.startswith("polygist-many")]:
            break
        threading.Event().wait(0.1)
    else:
        raise AssertionError("threads are left")
    gone.set()


@pytest.mark.parametrize("ordered", [True, False])
def test_the_summaries_of_what_was_read_come_before_what_the_iterable_raises(fake: Fake, many: Many, ordered: bool):
    def breaking() -> Iterator[str]:
        yield from articles(101)
        raise KeyError("mine")

    found: list[str] = []
    with pytest.raises(KeyError, match="mine"):
        many(breaking(), ordered=ordered, on_reply=lambda reply: found.append(reply["summary"]["text"]))
    assert sorted(found) == sorted(f"text {number}." for number in range(101))


async def test_a_summary_is_not_held_back_for_articles_that_wait_for_it(fake: Fake):
    given: asyncio.Queue[str] = asyncio.Queue()

    async def ask() -> AsyncIterator[str]:
        while text := await given.get():
            yield text

    async with AsyncClient(fake.address) as client, asyncio.timeout(60), aclosing(client.summarise_many(ask())) as many:
        for number in range(3):
            given.put_nowait(f"text {number}.\nrest")
            assert (await anext(many)).text == f"text {number}."


texts = st.lists(st.tuples(st.integers(0, 30_000), st.sampled_from([None, "en", "de"])), max_size=60)


@given(texts)
def test_batches_hold_every_item_once_and_are_no_larger_than_they_may(given_items):
    batcher = Batcher(parse_limits({}))
    cut = [batch for size, source in given_items for batch in batcher.add(Item("x" * size, source=source))]
    cut += batcher.rest()
    assert all(not isinstance(batch, Answer) for batch in cut)
    items = [item for batch in cut for item in batch]  # type: ignore[union-attr]
    assert [(len(item.text), item.source) for item in items] == given_items
    assert [item.index for item in items] == list(range(len(items)))
    for batch in cut:
        assert 1 <= len(batch) <= ARTICLES  # type: ignore[arg-type]
        assert len({item.source for item in batch}) == 1  # type: ignore[union-attr]
        assert sum(len(item.text) for item in batch) <= CHARACTERS  # type: ignore[union-attr]


def test_a_batch_is_given_as_soon_as_it_is_full():
    batcher = Batcher(parse_limits({"summarise.contents": 2}))
    given_batches = collections.Counter(len(list(batcher.add(text))) for text in "abcd")
    assert given_batches == {0: 2, 1: 2}
