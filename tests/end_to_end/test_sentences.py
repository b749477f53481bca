"""What the real starter models make of sentences with abbreviations, marks and tokens inside."""

import grpc
import pytest
from polygist.v1 import summarisation_service_pb2, translation_service_pb2
from polygist.v1 import summarisation_service_pb2_grpc as summarisation_grpc
from polygist.v1 import translation_service_pb2_grpc as translation_grpc

pytestmark = pytest.mark.model

QUESTION = "“Who decides this?” asked a parent from the back of the hall."
BAND = "The band Wham! played there in 1984 before a crowd of nine hundred people."


@pytest.mark.parametrize(
    ("text", "kept", "count"),
    [
        ("Acme Inc. Chief Executive Dana Cole said so.", "Dana Cole", 1),
        ('The show Jeopardy! was cancelled. He shouted "Fire!" and ran.', "Jeopardy!", 2),
        ("He moved to the U.S. She lives in France.", "França", 2),
        ("U.S. President Harold Brandt said he would sign the bill.", "Harold Brandt", 1),
    ],
)
def test_a_sentence_is_translated_in_one_piece(server, text, kept, count):
    request = translation_service_pb2.TranslateRequest(
        contents=[text],
        source_language_code="en",
        target_language_code="pt",
        output_config={"include_segments": True},
    )
    with grpc.insecure_channel(server.address) as channel:
        (translation,) = translation_grpc.TranslationServiceStub(channel).Translate(request).translations
    assert len(translation.segments) == count
    assert kept in translation.translated_text


def test_a_key_point_is_a_whole_sentence(server):
    request = summarisation_service_pb2.SummariseRequest(
        contents=[f"{QUESTION} {BAND}"],
        source_language_code="en",
        type=summarisation_service_pb2.SUMMARY_TYPE_KEY_POINTS,
        max_sentence_count=20,
    )
    with grpc.insecure_channel(server.address) as channel:
        (summary,) = summarisation_grpc.SummarisationServiceStub(channel).Summarise(request).summaries
    assert summary.text.split("\n") == [QUESTION, BAND]
