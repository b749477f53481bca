"""`stream_summarise` and `stream_translate` of both clients, and ``summarise --stream``."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing
from typing import Any

import grpc
import pytest
from polygist.v1 import common_pb2, summarisation_service_pb2, translation_service_pb2
from polygist_client import (
    AsyncClient,
    Client,
    Delta,
    Finished,
    InferenceFailed,
    InvalidInput,
    Progress,
    StreamBroken,
    Unavailable,
)

from tests.client.conftest import Polygist
from tests.fakes.server import Failing, Fake

ARTICLE = "The bridge is open again.\nIt was closed for two years."
LOST = Failing(grpc.StatusCode.UNAVAILABLE, "Socket closed")
EXPECTED = [
    Progress(0, 1, 2), Progress(0, 2, 2),
    Delta(0, "The"), Delta(0, " bridge"), Delta(0, " is"), Delta(0, " open"), Delta(0, " again."),
]  # fmt: skip


def fail_midway(request):
    yield summarisation_service_pb2.StreamSummariseResponse(text_delta="The bridge")
    raise RuntimeError("it broke")


def test_events_come_in_order_and_the_summary_has_the_whole_text(client: Client) -> None:
    *events, last = client.stream_summarise(ARTICLE, citations=True)
    assert events == EXPECTED
    assert last == Finished(0, client.summarise(ARTICLE, citations=True))


def test_every_part_of_the_reply_is_shown_to_who_wants_it(client: Client) -> None:
    parts: list[dict[str, Any]] = []
    events = list(client.stream_summarise(ARTICLE, on_reply=parts.append))
    assert len(parts) == len(events) + 1
    assert "usage" in parts[-1]


def test_several_articles(client: Client) -> None:
    finished = [event for event in client.stream_summarise([ARTICLE, "Rain."]) if isinstance(event, Finished)]
    assert [(event.index, event.result.text) for event in finished] == [
        (0, "The bridge is open again."),
        (1, "Rain."),
    ]


def test_options_travel_as_those_of_summarise_do(client: Client, fake: Fake) -> None:
    options = {"to": "pt", "type": "key-points", "max_sentences": 3, "query": "bridge", "method": "abstractive"}
    list(client.stream_summarise(ARTICLE, **options, request_id="mine"))
    client.summarise(ARTICLE, **options)
    assert fake.requests("StreamSummarise")[0].request == fake.requests("Summarise")[0]
    assert fake.asked[0].metadata["x-request-id"] == "mine"
    assert fake.asked[0].seconds == pytest.approx(120, abs=5)


def test_a_stream_that_is_left_is_cancelled(client: Client, fake: Fake) -> None:
    gone = []

    def answer(request):
        try:
            while True:
                yield summarisation_service_pb2.StreamSummariseResponse(progress=common_pb2.Progress(total_count=1))
        finally:
            gone.append(True)

    fake.script("StreamSummarise", answer)
    with closing(client.stream_summarise(ARTICLE)) as events:
        assert isinstance(next(events), Progress)
    assert client.summarise(ARTICLE).text  # the client goes on


def test_failures_are_those_of_other_calls(client: Client, fake: Fake) -> None:
    fake.script(
        "StreamSummarise",
        Failing(grpc.StatusCode.INTERNAL, reason="INFERENCE_FAILED"),
        *[Failing(grpc.StatusCode.UNAVAILABLE)] * 3,
    )
    with pytest.raises(InferenceFailed):
        list(client.stream_summarise(ARTICLE))
    with pytest.raises(Unavailable):
        list(client.stream_summarise(ARTICLE))
    with pytest.raises(InvalidInput):
        list(client.stream_summarise(ARTICLE, length="endless"))  # type: ignore[arg-type]
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        list(client.stream_summarise(ARTICLE))


def pieces(index: int, text: str) -> list[Any]:
    """The deltas of a text and its end, as `stream_translate` has them."""
    deltas = [
        translation_service_pb2.StreamTranslateResponse(content_index=index, text_delta=word)
        for word in re.findall(r"\s*\S+", text)
    ]
    progress = common_pb2.Progress(completed_count=index + 1, total_count=3)
    end = translation_service_pb2.Translation(target_language_code="pt")
    return [
        *deltas,
        translation_service_pb2.StreamTranslateResponse(content_index=index, progress=progress),
        translation_service_pb2.StreamTranslateResponse(content_index=index, translation=end),
    ]


Stream = Callable[..., list[Any]]


@pytest.fixture(params=["blocking", "asynchronous"])
def stream(request: pytest.FixtureRequest, fake: Fake) -> Stream:
    """`stream_translate` of either client, as a list; what was yielded before an error is in `found`."""

    async def wait(texts: Any, found: list[Any], client_options: dict[str, Any], options: dict[str, Any]) -> None:
        async with AsyncClient(fake.address, **client_options) as client:
            async for event in client.stream_translate(texts, to="pt", **options):
                found.append(event)

    def run(
        texts: Any, found: list[Any] | None = None, *, client: dict[str, Any] | None = None, **options: Any
    ) -> list[Any]:
        found = [] if found is None else found
        if request.param == "asynchronous":
            asyncio.run(wait(texts, found, client or {}, options))
        else:
            with Client(fake.address, **(client or {})) as blocking:
                found += blocking.stream_translate(texts, to="pt", **options)
        return found

    return run


def test_a_translation_streams_as_a_summary_does(stream: Stream, client: Client):
    events = stream(["One two.", "Three."], source="en", scores=True)
    assert [event.text for event in events if isinstance(event, Delta)] == ["ONE", " TWO.", "THREE."]
    assert [event for event in events if isinstance(event, Progress)] == [Progress(0, 1, 2), Progress(1, 2, 2)]
    whole = client.translate(["One two.", "Three."], to="pt", source="en", scores=True)
    assert [event for event in events if isinstance(event, Finished)] == [Finished(0, whole[0]), Finished(1, whole[1])]


def test_what_breaks_between_two_texts_goes_on_with_the_next(stream: Stream, fake: Fake):
    def answer(request: Any) -> Iterator[Any]:
        yield from [*pieces(0, "ONE TWO."), *pieces(1, "THREE.")]
        yield LOST

    replies: list[dict[str, Any]] = []
    fake.script("StreamTranslate", answer)
    events = stream(["One two.", "Three.", "Four."], on_reply=replies.append)
    assert [(event.index, event.result.text) for event in events if isinstance(event, Finished)] == [
        (0, "ONE TWO."), (1, "THREE."), (2, "FOUR."),
    ]  # fmt: skip
    assert [list(each.request.contents) for each in fake.requests("StreamTranslate")] == [
        ["One two.", "Three.", "Four."], ["Four."],
    ]  # fmt: skip
    assert [event for event in events if isinstance(event, Progress)] == [
        Progress(0, 1, 3), Progress(1, 2, 3), Progress(2, 3, 3),
    ]  # fmt: skip
    assert [each.get("contentIndex", 0) for each in replies if "translation" in each] == [0, 1, 2]
    assert "usage" in replies[-1]
    assert len({each.metadata["x-request-id"] for each in fake.asked}) == 1


def test_what_breaks_inside_a_text_says_what_had_come(stream: Stream, fake: Fake):
    def answer(request: Any) -> Iterator[Any]:
        yield from [*pieces(0, "ONE TWO."), *pieces(1, "THREE FOUR.")[:1]]
        yield LOST

    fake.script("StreamTranslate", answer)
    found: list[Any] = []
    with pytest.raises(StreamBroken, match=r"inside contents\[1\] after 5 characters") as caught:
        stream(["One two.", "Three four."], found, request_id="mine")
    assert (caught.value.index, caught.value.text, caught.value.request_id) == (1, "THREE", "mine")
    assert isinstance(found[-1], Delta)
    assert [event.result.text for event in found if isinstance(event, Finished)] == ["ONE TWO."]
    assert len(fake.requests("StreamTranslate")) == 1


def test_a_summary_that_breaks_off_says_so_too(client: Client, fake: Fake):
    def answer(request: Any) -> Iterator[Any]:
        yield summarisation_service_pb2.StreamSummariseResponse(text_delta="The bridge")
        yield LOST

    fake.script("StreamSummarise", answer)
    with pytest.raises(StreamBroken) as caught:
        list(client.stream_summarise(ARTICLE))
    assert (caught.value.index, caught.value.text) == (0, "The bridge")


def test_every_failure_of_a_stream_says_how_far_it_came(stream: Stream, fake: Fake):
    def answer(request: Any) -> Iterator[Any]:
        yield from [*pieces(0, "ONE TWO."), *pieces(1, "THREE FOUR.")[:1]]
        yield Failing(grpc.StatusCode.INTERNAL, "the model", reason="INFERENCE_FAILED")

    fake.script("StreamTranslate", answer)
    with pytest.raises(InferenceFailed) as caught:
        stream(["One two.", "Three four."])
    assert (caught.value.index, caught.value.text) == (1, "THREE")


def test_a_stream_that_breaks_after_its_last_text_is_whole(stream: Stream, fake: Fake):
    def answer(request: Any) -> Iterator[Any]:
        yield from pieces(0, "ONE.")
        yield LOST

    fake.script("StreamTranslate", answer)
    assert stream("One.")[-1].result.text == "ONE."
    assert len(fake.requests("StreamTranslate")) == 1


def test_a_stream_that_keeps_breaking_fails(stream: Stream, fake: Fake):
    def answer(request: Any) -> Iterator[Any]:
        yield from pieces(0, "ONE.")
        yield LOST

    fake.script("StreamTranslate", answer, *[Failing(grpc.StatusCode.UNAVAILABLE, "gone")] * 99)
    with pytest.raises(Unavailable) as caught:
        stream(["One.", "Two."], client={"reconnect_timeout": 0.5})
    assert (caught.value.index, caught.value.text) == (1, "")


async def test_the_asynchronous_client_streams_alike(aclient: AsyncClient, fake: Fake) -> None:
    events = [event async for event in aclient.stream_summarise(ARTICLE)]
    assert events[:-1] == EXPECTED
    assert events[-1] == Finished(0, await aclient.summarise(ARTICLE))
    fake.script("StreamSummarise", Failing(grpc.StatusCode.INTERNAL, reason="INFERENCE_FAILED"))
    with pytest.raises(InferenceFailed):
        await anext(aclient.stream_summarise(ARTICLE))
    async with aclosing(aclient.stream_summarise(ARTICLE)) as stream:
        assert await anext(stream) == EXPECTED[0]


def test_the_command_prints_the_text_as_it_comes(polygist: Polygist) -> None:
    outcome = polygist("summarise", "--stream", "--text", ARTICLE, "--text", "Rain.")
    assert (outcome.code, outcome.out) == (0, "The bridge is open again.\nRain.\n")


def test_the_command_says_beside_it_what_it_always_says(polygist: Polygist) -> None:
    streamed = polygist("summarise", "--stream", "--citations", "-v", "--text", ARTICLE)
    whole = polygist("summarise", "--citations", "-v", "--text", ARTICLE)
    assert (streamed.out, streamed.err) == (whole.out, whole.err)


def test_events_as_json_lines(polygist: Polygist) -> None:
    outcome = polygist("summarise", "--stream", "--jsonl", "--text", ARTICLE)
    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert {event["id"] for event in events} == {"text-1"}
    assert "".join(event.get("textDelta", "") for event in events) == "The bridge is open again."
    assert "usage" in events[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "out.txt"), "leave -o out"),
        (("--json",), "use --jsonl"),
        (("--format", "jsonl", "--field", "a"), "whole articles"),
    ],
)
def test_what_cannot_be_a_stream_is_refused(polygist: Polygist, arguments: tuple[str, ...], message: str) -> None:
    outcome = polygist("summarise", "--stream", "--text", ARTICLE, *arguments)
    assert outcome.code == 2
    assert message in outcome.err


def test_one_of_several_files_may_fail(polygist: Polygist, fake: Fake) -> None:
    fake.script("StreamSummarise", fail_midway)
    outcome = polygist("summarise", "--stream", "--text", ARTICLE, "--text", "Rain.")
    assert (outcome.code, outcome.out) == (3, "The bridge\nRain.\n")
    assert "error: text-1" in outcome.err
