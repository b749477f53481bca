"""Streams and calls of many items on real servers: the same answers as one by one, whatever becomes of the server."""

import signal
from contextlib import ExitStack

import pytest
from polygist_client import (
    AsyncClient,
    Client,
    Delta,
    Finished,
    InvalidInput,
    Item,
    LanguageUndetermined,
    Progress,
    RequestTooLarge,
    Summary,
    Translation,
)

from tests.end_to_end.server import ServerProcess

ARTICLE = """The library on Mill Street opens again

The town's library opens at nine on Monday, after 14 months of repairs. It cost £2.4m.

* Children's books are on the first floor.
* "We kept the old desk," said Dana Cole.

More at https://example.org/library?id=7.
"""
NOTE = "A biblioteca abre às nove.\r\n\r\nO ferry parte às 10h30, do cais 4.\r\n"
TEXTS = [ARTICLE, "", "  ", "12", "The ferry leaves at ten.", "\n\nThe market is at number 7.\n"]


@pytest.fixture(scope="module")
def client(server):
    with Client(server.address) as client:
        yield client


@pytest.mark.model
@pytest.mark.parametrize(("texts", "target"), [(TEXTS, "pt"), ([NOTE, ARTICLE, NOTE], "pt"), ([NOTE], "en")])
def test_a_stream_is_the_unary_answer_in_pieces(client, texts, target):
    options = {"to": target, "candidates": ["en", "pt"], "segments": True, "scores": True}
    whole = client.translate(texts, **options)
    events = list(client.stream_translate(texts, **options))
    for index, translation in enumerate(whole):
        pieces = [event.text for event in events if isinstance(event, Delta) and event.index == index]
        assert "".join(pieces) == translation.text
    assert [(event.index, event.result) for event in events if isinstance(event, Finished)] == list(enumerate(whole))
    done = [event.completed for event in events if isinstance(event, Progress)]
    assert done == sorted(done)


@pytest.mark.model
def test_a_long_article_comes_in_many_pieces(client, article):
    text = "\n\n".join([article] * 10)  # long enough for some, however busy the machine is
    whole = client.translate(text, to="pt")
    pieces = [event.text for event in client.stream_translate(text, to="pt") if isinstance(event, Delta)]
    assert "".join(pieces) == whole.text
    assert len([piece for piece in pieces if piece]) > 2


@pytest.mark.model
@pytest.mark.parametrize("ordered", [True, False])
def test_of_many_items_those_that_fail_are_errors_in_their_place(client, ordered):
    items = [
        Item(ARTICLE, id="article"),
        Item("x" * 1_000_001, id="long"),
        Item("ᏣᎳᎩ", id="no language"),
        None,
        "\ud800",
        Item("O ferry parte às dez.", id="other way", source="pt"),
        Item("The ferry leaves at ten.", id="Finnish", source="fi"),
        "",
        "The ferry leaves at ten.",
    ]
    answers = list(client.translate_many(items, to="en", ordered=ordered, on_error="return"))
    indices = [answer.index for answer in answers]
    assert (indices if ordered else sorted(indices)) == list(range(len(items)))
    kinds = {answer.index: type(answer) for answer in answers}
    assert kinds[1] is RequestTooLarge
    assert kinds[2] is LanguageUndetermined
    assert kinds[3] is kinds[4] is InvalidInput
    assert kinds[5] is Translation
    by_id = {answer.id: answer for answer in answers if answer.id}
    assert by_id["other way"].text == client.translate("O ferry parte às dez.", to="en", source="pt").text
    assert "fi" in str(by_id["Finnish"])


@pytest.mark.model
async def test_many_items_are_answered_as_each_alone(server, article):
    texts = [line for line in article.splitlines() if line.strip()][:20] + TEXTS
    async with AsyncClient(server.address) as client:
        singly = [await client.translate(text, to="pt", source="en", segments=True) for text in texts]
        together = client.translate_many((text for text in texts), to="pt", source="en", segments=True)
        assert [translation async for translation in together] == singly


@pytest.mark.model
def test_many_summaries_are_those_of_each_alone(client, article):
    texts = [article, ARTICLE, article.upper()]
    singly = [client.summarise(text, source="en", length="short") for text in texts]
    answers = list(client.summarise_many([*texts, None], source="en", length="short", on_error="return"))
    assert answers[:3] == singly
    assert isinstance(answers[3], InvalidInput)
    assert answers[3].index == 3
    finished = [
        event.result.text for event in client.stream_summarise(texts, source="en", length="short")
        if isinstance(event, Finished) and isinstance(event.result, Summary)
    ]  # fmt: skip
    assert finished == [summary.text for summary in singly]


@pytest.mark.parametrize(("number", "ordered"), [(signal.SIGTERM, True), (signal.SIGKILL, False)])
def test_a_server_that_ends_loses_no_item(tiny_home, tmp_path, number, ordered):
    count = 200
    with ExitStack() as servers:
        first = servers.enter_context(ServerProcess(tiny_home, tmp_path / "first"))
        first.wait_until_serving()
        client = servers.enter_context(Client(first.address, reconnect_timeout=60))
        texts = [f"Der Markt {number}." for number in range(count)]
        indices = []
        for translation in client.translate_many(texts, to="en", source="de", ordered=ordered):
            indices.append(translation.index)
            if len(indices) == count // 3:
                assert first.stop(number) == (0 if number == signal.SIGTERM else -number)
                second = servers.enter_context(ServerProcess(tiny_home, tmp_path / "second", address=first.address))
        assert (indices if ordered else sorted(indices)) == list(range(count))
        assert second.process.poll() is None
