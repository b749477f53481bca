"""HTML and Markdown in both clients: every call sends what its texts are."""

from typing import Any, get_args

import pytest
from polygist_client import AsyncClient, Client, InvalidInput, Item
from polygist_client.options import MimeType
from polygist_service.text.documents import LAYOUTS

from tests.fakes.server import Fake

METHODS = ("Translate", "StreamTranslate", "BatchTranslate", "Summarise", "StreamSummarise", "DetectLanguage",
           "CountTokens")  # fmt: skip
ITEMS = [Item("a"), Item("b", mime_type="text/plain"), Item("c", mime_type="text/plain"), Item("d", source="de")]


def told(fake: Fake) -> list[tuple[str, str]]:
    """What each request says that its texts are."""
    requests = [(each.method, getattr(each.request, "request", each.request)) for each in fake.asked]
    return [(method, request.mime_type) for method, request in requests if method in METHODS]


def test_the_client_knows_what_the_server_reads():
    assert get_args(MimeType) == tuple(LAYOUTS)


async def test_every_call_says_what_its_texts_are(client: Client, aclient: AsyncClient, fake: Fake):
    html: Any = {"mime_type": "text/html"}
    client.translate("a", to="pt", **html)
    list(client.stream_translate("a", to="pt", **html))
    list(client.translate_many(["a"], to="pt", **html))
    client.summarise("a", **html)
    list(client.stream_summarise("a", **html))
    list(client.summarise_many(["a"], **html))
    client.detect_language("a", **html)
    client.count_tokens("a", model="m", **html)
    by_blocking = told(fake)
    fake.asked.clear()
    await aclient.translate("a", to="pt", **html)
    _ = [each async for each in aclient.stream_translate("a", to="pt", **html)]
    _ = [each async for each in aclient.translate_many(["a"], to="pt", **html)]
    await aclient.summarise("a", **html)
    _ = [each async for each in aclient.stream_summarise("a", **html)]
    _ = [each async for each in aclient.summarise_many(["a"], **html)]
    await aclient.detect_language("a", **html)
    await aclient.count_tokens("a", model="m", **html)
    assert by_blocking == told(fake)
    assert {method for method, _ in by_blocking} == {*METHODS}
    assert {mime_type for _, mime_type in by_blocking} == {"text/html"}


def test_an_item_may_be_another_kind_of_document(client: Client, fake: Fake):
    found = list(client.translate_many(ITEMS, to="pt", mime_type="text/markdown"))
    assert [each.text for each in found] == list("ABCD")
    (asked,) = [each for each in fake.asked if each.method == "BatchTranslate"]
    assert asked.request.mime_type == "text/markdown"
    assert {item.content: item.mime_type for item in asked.items} == {
        "a": "", "b": "text/plain", "c": "text/plain", "d": "",
    }  # fmt: skip
    assert [each.index for each in client.summarise_many(ITEMS, mime_type="text/markdown")] == [0, 1, 2, 3]
    sent = [(list(each.contents), each.mime_type, each.source_language_code) for each in fake.requests("Summarise")]
    assert sorted(sent) == [
        (["a"], "text/markdown", ""), (["b", "c"], "text/plain", ""), (["d"], "text/markdown", "de"),
    ]  # fmt: skip


def test_another_mime_type_is_refused_with_those_that_there_are(client: Client, fake: Fake):
    message = "^mime_type: 'html' is not one of text/plain, text/html, text/markdown$"
    html: Any = "html"
    for call in (
        lambda: client.translate("a", to="pt", mime_type=html),
        lambda: client.summarise("a", mime_type=html),
        lambda: client.detect_language("a", mime_type=html),
        lambda: client.count_tokens("a", model="m", mime_type=html),
        lambda: client.translate_many(["a"], to="pt", mime_type=html),
    ):
        with pytest.raises(InvalidInput, match=message):
            call()
    first, second = client.translate_many([Item("a", mime_type=html), "b"], to="pt", on_error="return")
    assert (str(first), first.index) == (message.strip("^$"), 0)
    assert str(second) == "B"
    assert told(fake) == [("BatchTranslate", "")]
