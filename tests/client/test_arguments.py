"""What callers may give by mistake, or for want of knowing better: one error that names argument, value and cure."""

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from polygist_client import AsyncClient, Client, InvalidInput, Item, Translation, options
from polygist_client.connection import ConnectionOptions, connect_to

from tests.fakes.server import MODEL, Fake

NAN = float("nan")
RESULT = Translation("ABC", source="en", target="pt", model="models/en-pt")
FOR_EVER = (math.inf, 1e300, 10**400, 1e9)
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "translate": lambda client, text: client.translate(text, to="pt"),
    "stream_translate": lambda client, text: client.stream_translate(text, to="pt"),
    "summarise": lambda client, text: client.summarise(text),
    "stream_summarise": lambda client, text: client.stream_summarise(text),
    "detect_language": lambda client, text: client.detect_language(text),
    "count_tokens": lambda client, text: client.count_tokens(text, model="en-pt"),
}
# What is no text -> what the error says of it.
NO_TEXTS: list[tuple[Any, str]] = [
    (None, "is None, it must be {}; leave it out, or put '' in its place"),
    (b"abc", "is b'abc' (bytes), it must be {}; decode it, as with .decode('utf-8')"),
    ({"body": "abc"}, "is {{'body': 'abc'}} (dict), it must be {}; give the text in it"),
    (Path("abc.txt"), "(PosixPath), it must be {}; read it, as with .read_text(encoding='utf-8')"),
    (5, "is 5 (int), it must be {}; str() makes one of it"),
    (NAN, "is nan (float), it must be {}; leave it out, or put '' in its place"),
    (Item("abc"), "(Item), it must be {}; give its .text"),
    (RESULT, "(Translation), it must be {}; give its .text"),
    (object(), "(object), it must be {}"),
]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("given", "message"), NO_TEXTS)
def test_what_is_no_text_is_named_with_its_cure(client: Client, fake: Fake, name: str, given: Any, message: str):
    with pytest.raises(TypeError) as caught:
        CALLS[name](client, given)
    assert str(caught.value).startswith("text is ")
    assert message.format("a str, or a list of them") in str(caught.value)
    with pytest.raises(TypeError) as caught:
        CALLS[name](client, ["a", given])
    assert str(caught.value).startswith("contents[1] is ")
    assert message.format("str") in str(caught.value)
    assert fake.asked == []


async def test_the_awaited_client_says_the_same(aclient: AsyncClient):
    with pytest.raises(TypeError, match=r"^text is None, it must be a str"):
        await aclient.translate(None, to="pt")  # type: ignore[call-overload]


@pytest.mark.parametrize("texts", [("a", "b"), (text for text in "ab"), dict.fromkeys("ab").keys()])
def test_any_iterable_of_texts_will_do(client: Client, texts: Any):
    assert [str(each) for each in client.translate(texts, to="pt")] == ["A", "B"]


@pytest.mark.parametrize("items", [{"id": "a"}, Item("a")])
def test_what_is_one_thing_is_no_list_of_texts(client: Client, aclient: AsyncClient, items: Any):
    for kind in (client, aclient):
        with pytest.raises(TypeError, match=r"^items is .*give a list of texts, such as "):
            kind.translate_many(items, to="pt")


WRONG_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"to": None}, "to is None, it must be a language code such as 'pt'"),
    ({"to": b"pt"}, "to is b'pt' (bytes), it must be a language code such as 'pt'"),
    ({"to": ["pt", "es"]}, "to is ['pt', 'es'] (list), it must be a language code such as 'pt'; make a call for each"),
    ({"to": "auto"}, "to: 'auto' is no language; give the language to translate to"),
    ({"source": "auto"}, "source: 'auto' is no language; leave it out, and the language is detected"),
    ({"source": 5}, "source is 5 (int), it must be a language code such as 'pt'"),
    ({"source": ["en"]}, "source is ['en'] (list), it must be a language code"),
    ({"candidates": "en"}, "candidates is 'en' (str), it must be a list of language codes; give ['en', 'pt']"),
    ({"candidates": b"en"}, "candidates is b'en' (bytes), it must be a list of language codes"),
    ({"candidates": 5}, "candidates is 5 (int), it must be a list of language codes"),
    ({"candidates": {"en": 1}}, "candidates is {'en': 1} (dict), it must be a list of language codes"),
    ({"candidates": ["en", None]}, "candidates[1] is None, it must be a language code"),
    ({"candidates": ["auto"]}, "candidates[0]: 'auto' is no language; leave candidates out"),
    ({"model": 5}, "model is 5 (int), it must be the name of a model such as 'en-pt'"),
    ({"model": MODEL}, "it must be the name of a model such as 'en-pt'; give its .name"),
    ({"beam_size": "4"}, "beam_size is '4' (str), it must be a whole number"),
    ({"beam_size": 4.0}, "beam_size is 4.0 (float), it must be a whole number"),
    ({"beam_size": True}, "beam_size is True (bool), it must be a whole number"),
    ({"alternatives": 2**31}, "alternatives is 2147483648 (int), at most 2147483647 is possible"),
    ({"max_output_tokens": 10**400}, "max_output_tokens is "),
    ({"scores": "yes"}, "scores is 'yes' (str), it must be True or False"),
    ({"pivot": []}, "pivot is [] (list), it must be True or False"),
    ({"prefer": 5}, "prefer: 5 is not one of speed, quality"),
    ({"request_id": 7}, "request_id is 7 (int), it must be str; str() makes one of it"),
    ({"on_reply": "print"}, "on_reply is 'print' (str), it must be a function of one argument"),
]


@pytest.mark.parametrize(("given", "message"), WRONG_ARGUMENTS)
def test_a_wrong_argument_is_named_with_what_it_must_be(
    client: Client, fake: Fake, given: dict[str, Any], message: str
):
    with pytest.raises((TypeError, InvalidInput)) as caught:
        client.translate("a", **{"to": "pt", **given})
    assert message in str(caught.value)
    assert fake.asked == []


@pytest.mark.parametrize("kind", [options.TranslateOptions, options.SummariseOptions, options.DetectOptions])
def test_no_keyword_leaves_it_to_protobuf_to_say_what_is_wrong(client: Client, fake: Fake, kind: Any):
    calls = {
        options.TranslateOptions: lambda **given: client.translate("a", to="pt", **given),
        options.SummariseOptions: lambda **given: client.summarise("a", **given),
        options.DetectOptions: lambda **given: client.detect_language("a", **given),
    }
    for name in kind.__optional_keys__:
        with pytest.raises((TypeError, InvalidInput), match=f"^{name}"):
            calls[kind](**{name: object()})
        calls[kind](**{name: None})
    assert all(not any((each.request.pivot_policy, each.request.output_config.ListFields()))
               for each in fake.asked if each.method == "Translate")  # fmt: skip


@pytest.mark.parametrize("name", sorted(ConnectionOptions.__optional_keys__))
def test_no_keyword_of_a_client_is_taken_unseen(name: str):
    with pytest.raises((TypeError, InvalidInput), match=f"^{name} is "):
        Client("localhost:1", **{name: object()})  # type: ignore[arg-type]
    Client("localhost:1", **{name: None}).close()  # type: ignore[arg-type]


def test_secrets_are_not_repeated():
    wrong: list[dict[str, Any]] = [
        {"api_key": b"s3cret"}, {"metadata": {"x-token": b"s3cret"}}, {"metadata": ["s3cret"]}, {"key": b"s3cret"},
    ]  # fmt: skip
    for given in wrong:
        with pytest.raises(TypeError, match=r" is (bytes|list), it must be ") as caught:
            Client("localhost:1", **given)
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("model", [None, 5, b"en-pt"])
def test_the_name_of_a_model_is_a_text(client: Client, model: Any):
    with pytest.raises(TypeError, match=r"^model is .*, it must be the name of a model"):
        client.count_tokens("a", model=model)
    for method in (client.get_model, client.load_model, client.unload_model):
        with pytest.raises(TypeError, match=r"^name is .*, it must be the name of a model"):
            method(model)


@pytest.mark.parametrize("seconds", FOR_EVER)
def test_for_ever_is_no_deadline(client: Client, fake: Fake, seconds: float):
    assert str(client.translate("a", to="pt", timeout=seconds)) == "A"
    assert [str(each) for each in client.translate_many(["a"], to="pt", timeout=seconds)] == ["A"]
    assert [str(each) for each in client.summarise_many(["a"], timeout=seconds)] == ["a"]
    assert list(client.stream_summarise("a", timeout=seconds))
    with Client(fake.address, timeout=seconds, reconnect_timeout=seconds) as other:
        assert str(other.translate("a", to="pt")) == "A"
    asked = [each.seconds or 0 for each in fake.asked if each.method in ("Translate", "Summarise", "StreamSummarise")]
    assert len(asked) == 4
    assert min(asked) > 10_000_000


async def test_for_ever_is_no_deadline_in_the_awaited_client_too(aclient: AsyncClient):
    assert str(await aclient.translate("a", to="pt", timeout=math.inf)) == "A"
    assert [str(each) async for each in aclient.translate_many(["a"], to="pt", timeout=math.inf)] == ["A"]


@pytest.mark.parametrize("seconds", [30, 30.5, Fraction(61, 2)])
def test_any_real_number_is_a_number_of_seconds(client: Client, fake: Fake, seconds: Any):
    client.translate("a", to="pt", timeout=seconds)
    assert 0 < (fake.asked[-1].seconds or 0) < 40


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        *[(seconds, "it must be above 0 seconds") for seconds in (0, 0.0, -1, -math.inf, NAN, -(10**400))],
        *[(seconds, "it must be a number of seconds") for seconds in (True, "5", "inf", b"5", [5], Decimal(5))],
    ],
)
@pytest.mark.parametrize("name", ["timeout", "keepalive_time", "keepalive_timeout", "reconnect_timeout"])
def test_seconds_that_are_none_are_refused(client: Client, name: str, seconds: Any, message: str):
    if name == "reconnect_timeout":
        message = message.replace("above 0 seconds", "0 seconds or more")
        if seconds == 0:
            return
    with pytest.raises(InvalidInput, match=f"^{name} is .*, {message}") as caught:
        Client("localhost:1", **{name: seconds})
    assert caught.value.field == name
    if name == "timeout":
        with pytest.raises(InvalidInput, match=f"^timeout is .*, {message}"):
            client.server_info(timeout=seconds)


@pytest.mark.parametrize("seconds", [*FOR_EVER, 1e-9])
def test_any_time_between_signs_of_life_is_one_that_grpc_can_keep(seconds: float):
    connection = connect_to("localhost:1", keepalive_time=seconds, keepalive_timeout=seconds)
    knobs = dict(connection.channel_options(needs_healthy_server=True))
    assert {knobs[f"grpc.keepalive_{name}_ms"] for name in ("time", "timeout")} == {1 if seconds < 1 else 2**31 - 1}


@pytest.mark.parametrize(
    ("count", "message"),
    [(0, "at least 1"), (2.5, "a whole number"), ("4", "a whole number"), (None, "a whole number")],
)
def test_how_many_are_in_flight_is_a_whole_number(client: Client, count: Any, message: str):
    with pytest.raises((TypeError, InvalidInput), match=f"^in_flight is .*{message}"):
        client.summarise_many(["a"], in_flight=count)
