"""Messages that hold too much are refused by their bytes; all others go through as they are."""

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from polygist.v1 import common_pb2, model_service_pb2, summarisation_service_pb2, translation_service_pb2
from polygist_service.errors import RequestTooLarge
from polygist_service.limits import Limits
from polygist_service.wire.bounds import SHORT_MESSAGE, check_bounds

LIMITS = Limits()
TranslateRequest = translation_service_pb2.TranslateRequest
LONG = "x" * 50_000


def check(message: Message, limits: Limits = LIMITS) -> None:
    """Check a message as it stands on the wire."""
    check_bounds(message.SerializeToString(), message.DESCRIPTOR, limits)


def glossary(count: int) -> common_pb2.GlossaryConfig:
    """Return a glossary of so many terms."""
    entry = common_pb2.GlossaryEntry(source_term="a", target_term="b")
    return common_pb2.GlossaryConfig(entries=[entry] * count)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (TranslateRequest(contents=[""] * 1025), "contents"),
        (TranslateRequest(contents=["語" * 400_000] * 4), "contents"),
        (TranslateRequest(candidate_language_codes=["en"] * 1000), "candidate_language_codes"),
        (TranslateRequest(placeholder_syntaxes=[1] * 10_000), "placeholder_syntaxes"),
        (TranslateRequest(glossary_config=glossary(1001)), "glossary_config.entries"),
        (TranslateRequest(do_not_translate_phrases=[LONG]), "do_not_translate_phrases"),
        (TranslateRequest(mime_type=f"text/plain{';a=b' * 9000}"), "mime_type"),
        (translation_service_pb2.StreamTranslateRequest(request=TranslateRequest(model=LONG)), "model"),
        (translation_service_pb2.TranslateDocumentRequest(config=TranslateRequest(model=LONG)), "config.model"),
        (
            translation_service_pb2.BatchTranslateRequest(item=translation_service_pb2.BatchItem(item_id=LONG)),
            "item.item_id",
        ),
        (summarisation_service_pb2.SummariseRequest(contents=[""] * 1025), "contents"),
        (summarisation_service_pb2.SummariseRequest(query=LONG), "query"),
        (model_service_pb2.ListModelsRequest(page_token=LONG), "page_token"),
    ],
)
def test_what_is_too_much_is_refused_by_its_field(message: Message, field: str):
    with pytest.raises(RequestTooLarge) as refusal:
        check(message)
    assert refusal.value.field == field
    assert int(refusal.value.metadata["requested"]) > int(refusal.value.metadata["limit"])


@pytest.mark.parametrize(
    "message",
    [
        TranslateRequest(contents=["x" * 900] * 1024, glossary_config=glossary(1000), model="m" * 4096),
        TranslateRequest(do_not_translate_phrases=["x" * 256] * 1000, candidate_language_codes=["en"] * 500),
        translation_service_pb2.TranslateDocumentRequest(document=b"x" * 1_000_000, name="n" * 4096),
        summarisation_service_pb2.SummariseRequest(contents=[LONG] * 20, query="x" * 1000),
    ],
)
def test_what_is_within_the_limits_goes_through(message: Message):
    check(message)


def test_unknown_fields_and_repeated_parts_are_counted_too():
    unknown = b"\xa0\x06\x01" * 2000  # field 100
    with pytest.raises(RequestTooLarge, match="unknown fields"):
        check_bounds(unknown, TranslateRequest.DESCRIPTOR, LIMITS)
    parts = TranslateRequest(glossary_config=glossary(400)).SerializeToString() * 3
    with pytest.raises(RequestTooLarge, match=r"glossary_config\.entries"):
        check_bounds(parts, TranslateRequest.DESCRIPTOR, LIMITS)


def test_the_limits_are_those_of_the_server():
    message = TranslateRequest(contents=[LONG])
    check(message)
    with pytest.raises(RequestTooLarge, match="contents"):
        check(message, Limits(request_characters=1000))


@given(st.binary(max_size=200))
def test_what_is_no_message_is_left_to_the_decoder(tail: bytes):
    filling = TranslateRequest(contents=["x" * SHORT_MESSAGE]).SerializeToString()
    check_bounds(filling + tail, TranslateRequest.DESCRIPTOR, LIMITS)
