"""The blocking client against a real server that answers from a script."""

import dataclasses
import json
import pickle
from typing import Any

import grpc
import polygist_client
import pytest
from polygist.v1 import common_pb2, model_service_pb2, translation_service_pb2, translation_service_pb2_grpc
from polygist_client import (
    AlignedPair,
    Client,
    DetectedLanguage,
    InternalError,
    InvalidInput,
    LanguagePairUnsupported,
    Notice,
    ServerNotReady,
    ServerUnreachable,
    Span,
    TokenCount,
    Translation,
    Unavailable,
    calls,
)
from polygist_client.connection import connect_to

from tests.fakes.server import MODEL, REQUEST_ID, Failing, Fake, serving

DOWN = Failing(grpc.StatusCode.UNAVAILABLE, "try again", reason="SERVER_OVERLOADED")


def test_a_text_becomes_one_translation(client: Client):
    assert client.translate("hello", to="pt") == Translation(
        "HELLO", source="en", target="pt", model="models/en-pt", detection_confidence=0.75
    )


def test_a_list_is_one_request_and_becomes_a_list(client: Client, fake: Fake):
    assert [str(each) for each in client.translate(["a", "", "b"], to="pt")] == ["A", "", "B"]
    assert len(fake.asked) == 1


def test_what_was_asked_for_comes_back_typed(client: Client):
    got = client.translate("a ☃", to="pt", source="en", scores=True, segments=True, alternatives=2)
    assert got.detection_confidence is None
    assert got.score == -0.5
    assert [each.text for each in got.alternatives] == ["a ☃ #0", "a ☃ #1"]
    assert got.segments[0].source_span.of("a ☃") == "a ☃"
    assert got.alignment == ()
    aligned = client.translate("one two", to="pt", alignment=True)
    assert aligned.alignment == aligned.segments[0].alignment
    assert [pair.target_span.of(str(aligned)) for pair in aligned.alignment] == ["ONE", "TWO"]
    assert aligned.alignment[0] == AlignedPair(Span(0, 3), Span(0, 3), 0.5)
    assert next(client.translate_many(["one two"], to="pt", alignment=True)).alignment == aligned.alignment
    *_, finished = client.stream_translate("one two", to="pt", alignment=True)
    assert finished.result.alignment == aligned.alignment
    assert got.warnings == (Notice("unknown-characters", "no piece for ☃", Span(2, 3)),)


def test_a_pivot_is_told_and_may_be_refused(client: Client, fake: Fake):
    pivoted = translation_service_pb2.Translation(translated_text="A", pivot_language_codes=["en"])
    fake.script("Translate", translation_service_pb2.TranslateResponse(translations=[pivoted]))
    assert client.translate("a", to="pt", source="de").pivots == ("en",)
    client.translate("a", to="pt", source="de", pivot=False)
    client.summarise("a", to="pt", pivot=False)
    allowed, refused = fake.requests("Translate")
    (summarised,) = fake.requests("Summarise")
    assert allowed.pivot_policy == common_pb2.PIVOT_POLICY_UNSPECIFIED
    assert refused.pivot_policy == summarised.pivot_policy == common_pb2.PIVOT_POLICY_DIRECT_ONLY


def test_a_summary_has_sentences_and_citations(client: Client):
    got = client.summarise("One.\nTwo.", citations=True)
    assert (str(got), got.method) == ("One.", "extractive")
    assert got.sentences[0].citations[0].span.of("One.\nTwo.") == "One."


def test_languages_are_detected(client: Client):
    first, second = client.detect_language(["x", "y"])
    assert first.best == DetectedLanguage("en", 0.75, supported=True)
    assert first == second


def test_tokens_are_counted(client: Client):
    assert client.count_tokens("abc", model="en-pt") == TokenCount(3, max_input_tokens=256)


def test_results_become_json_by_way_of_the_standard_library(client: Client):
    found = [
        client.translate("a ☃", to="pt", scores=True, segments=True, alternatives=1),
        client.summarise("One.\nTwo.", citations=True),
        client.detect_language("x"),
        client.count_tokens("abc", model="en-pt"),
        client.server_info(),
        client.list_languages()[0],
    ]
    translation, summary, detection, *_ = json.loads(json.dumps([dataclasses.asdict(each) for each in found]))
    assert (translation["text"], translation["segments"][0]["source_span"]) == ("A ☃", {"start": 0, "end": 3})
    assert summary["sentences"][0]["citations"][0]["span"] == {"start": 0, "end": 4}
    assert detection["languages"][0]["code"] == "en"


def test_lists_come_whole_whatever_their_pages(client: Client, fake: Fake):
    fake.script(
        "ListModels",
        model_service_pb2.ListModelsResponse(models=[MODEL], next_page_token="2"),
        model_service_pb2.ListModelsResponse(models=[MODEL, MODEL], next_page_token="3"),
        model_service_pb2.ListModelsResponse(models=[MODEL]),
    )
    assert len(client.list_models(task="translate")) == 4
    asked = fake.requests("ListModels")
    assert [each.page_token for each in asked] == ["", "2", "3"]
    assert all(each.task == model_service_pb2.TASK_TRANSLATE for each in asked)


def test_the_server_tells_of_itself(client: Client):
    assert client.server_info().limits == {"translate.contents": 1024}
    assert client.get_model("en-pt").name == "models/en-pt"
    assert [each.code for each in client.list_languages()] == ["en", "pt"]


def test_a_call_that_fails_twice_succeeds(client: Client, fake: Fake):
    fake.script("Translate", DOWN, DOWN)
    assert str(client.translate("a", to="pt")) == "A"
    ids = {each.metadata[REQUEST_ID] for each in fake.asked}
    assert (len(fake.asked), len(ids)) == (3, 1)


def test_a_stock_channel_with_the_service_config_succeeds_too(fake: Fake):
    fake.script("Translate", DOWN, DOWN)
    knobs = connect_to(fake.address).channel_options(needs_healthy_server=True)
    with grpc.insecure_channel(fake.address, [knob for knob in knobs if knob[0] == "grpc.service_config"]) as channel:
        stub = translation_service_pb2_grpc.TranslationServiceStub(channel)
        request = translation_service_pb2.TranslateRequest(contents=["a"], target_language_code="pt")
        reply, call = stub.Translate.with_call(request, metadata=((REQUEST_ID, "mine"),), timeout=30)
    assert reply.translations[0].translated_text == "A"
    assert (REQUEST_ID, "mine") in [(key, value) for key, value in call.trailing_metadata()]


def test_a_call_that_keeps_failing_ends(client: Client, fake: Fake):
    fake.script("Translate", *[DOWN] * 9)
    with pytest.raises(Unavailable) as caught:
        client.translate("a", to="pt", request_id="mine")
    assert len(fake.asked) == 3
    assert caught.value.request_id == "mine"


def test_a_call_that_the_way_cancelled_is_made_once_more(client: Client, fake: Fake):
    fake.script("Translate", Failing(grpc.StatusCode.CANCELLED))
    assert str(client.translate("a", to="pt")) == "A"
    assert len(fake.asked) == 2


@pytest.mark.parametrize("code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL])
def test_other_errors_are_not_tried_again(client: Client, fake: Fake, code: grpc.StatusCode):
    fake.script("Translate", Failing(code))
    with pytest.raises(polygist_client.CallFailed):
        client.translate("a", to="pt")
    assert len(fake.asked) == 1


def test_a_large_request_is_tried_again(client: Client, fake: Fake):
    fake.script("Translate", DOWN)
    assert len(str(client.translate("a" * 1_000_000, to="pt"))) == 1_000_000


def test_no_server_is_one_clear_error():
    with Client("localhost:1") as client, pytest.raises(ServerUnreachable, match="nothing answers at localhost:1"):
        client.translate("a", to="pt")


def test_a_server_without_health_counts_as_healthy():
    with serving(Fake(), with_health=False) as fake, Client(fake.address) as client:
        assert str(client.translate("a", to="pt")) == "A"


def test_a_server_that_is_not_ready_gets_no_work_and_says_how_it_is(client: Client, fake: Fake):
    fake.health.set("", 2)
    fake.health.set("polygist.v1.TranslationService", 1)
    with pytest.raises(ServerNotReady, match="not ready"):
        client.translate("a", to="pt")
    assert client.health() == "not-serving"
    assert client.health("polygist.v1.TranslationService") == "serving"
    assert client.server_info().version == "1.2.3"
    fake.health.set("", 1)
    assert str(client.translate("a", to="pt", wait_for_ready=True)) == "A"


@pytest.mark.parametrize(
    ("characters", "options", "seconds"),
    [(1, {}, 120.0005), (200_000, {}, 220), (1_000_000, {}, 600), (1, {"timeout": 7}, 7), (1, {"timeout": 900}, 900)],
)
def test_the_deadline_grows_with_the_text_up_to_a_limit(characters: int, options, seconds: float):
    call = calls.translate("a" * characters, to="pt", **options)
    assert connect_to("localhost:1").seconds(call) == seconds
    assert connect_to("localhost:1", timeout=5).seconds(call) == options.get("timeout", 5)


def test_the_deadline_travels(client: Client, fake: Fake):
    client.translate("a", to="pt", timeout=70)
    assert 0 < (fake.asked[0].seconds or 0) < 100


def test_key_metadata_and_request_id_travel(fake: Fake):
    with Client(fake.address, api_key="secret", metadata={"X-Team": "news"}) as client:
        client.translate("a", to="pt", request_id="r-1")
        assert "secret" not in repr(client._connection)
    sent = fake.asked[0].metadata
    assert (sent["authorization"], sent["x-team"], sent[REQUEST_ID]) == ("Bearer secret", "news", "r-1")


def test_unix_sockets_work(tmp_path):
    address = f"unix:{tmp_path}/s"
    with serving(Fake(), address=address), Client(address) as client:
        assert str(client.translate("a", to="pt")) == "A"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"cert": "x"}, "key"),
        ({"timeout": 0}, "timeout"),
        ({"metadata": {"grpc-x": "1"}}, "grpc-x"),
        ({"metadata": {"a b": "1"}}, "a b"),
        ({"metadata": {"a": "é"}}, "a"),
    ],
)
def test_wrong_options_are_named(options, field: str):
    with pytest.raises(InvalidInput, match=field):
        Client("localhost:1", **options)


def test_a_keyword_that_does_not_exist_is_refused(client: Client):
    with pytest.raises(TypeError, match=r"'form'.*source"):
        client.translate("a", to="pt", form="en")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="'verify'"):
        Client("localhost:1", verify=False)  # type: ignore[call-arg]


def test_a_word_that_does_not_exist_is_refused_with_those_that_do(client: Client, fake: Fake):
    with pytest.raises(InvalidInput, match="prefer: 'fast' is not one of speed, quality"):
        client.translate("a", to="pt", prefer="fast")  # type: ignore[call-overload]
    with pytest.raises(InvalidInput, match="exclude each other"):
        client.summarise("a", max_words=9, length="short")
    assert fake.asked == []


@pytest.mark.parametrize("text", ["\ud800", "ok \udfff!"])
def test_a_lone_surrogate_is_named_before_anything_is_sent(client: Client, fake: Fake, text: str):
    with pytest.raises(InvalidInput, match=r"contents\[1\]: lone surrogate U\+D"):
        client.translate(["fine", text], to="pt")
    with pytest.raises(InvalidInput, match="query"):
        client.summarise("fine", query=text)
    assert all(text not in each.request.contents for each in fake.asked)


def test_a_text_of_another_type_is_named(client: Client):
    with pytest.raises(TypeError, match=r"contents\[0\] is 1 \(int\), it must be str"):
        client.translate([1], to="pt")  # type: ignore[list-item]


def test_who_wants_it_gets_the_reply_as_it_came(client: Client, fake: Fake):
    replies: list[dict[str, Any]] = []
    assert client.translate("á", to="pt", source="en", on_reply=replies.append).text == "Á"
    fake.script(
        "ListModels",
        model_service_pb2.ListModelsResponse(models=[MODEL], next_page_token="2"),
        model_service_pb2.ListModelsResponse(models=[MODEL]),
    )
    client.list_models(on_reply=replies.append)
    translated, models = replies
    assert translated["translations"][0]["translatedText"] == "Á"
    assert translated["usage"] == {"characterCount": 1}
    assert [each["name"] for each in models["models"]] == ["models/en-pt"] * 2


def test_a_server_that_answers_too_little_is_found_out(client: Client, fake: Fake):
    fake.script("Translate", translation_service_pb2.TranslateResponse())
    with pytest.raises(InternalError, match="0 results for 1"):
        client.translate("a", to="pt")


def test_a_closed_client_says_so(fake: Fake):
    client = Client(fake.address)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.translate("a", to="pt")


def test_everything_public_is_listed_and_sorted():
    public = {name for name, value in vars(polygist_client).items() if not name.startswith("_") and is_ours(value)}
    assert polygist_client.__all__ == sorted(public)


def is_ours(value: object) -> bool:
    return isinstance(value, type) and value.__module__.startswith("polygist_client")


def test_errors_survive_pickling():
    error = LanguagePairUnsupported("no", reason="LANGUAGE_PAIR_UNSUPPORTED", index=3, id="three", text="so far")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.message, copy.reason) == (type(error), "no", error.reason)
    assert (copy.index, copy.id, copy.text) == (3, "three", "so far")
