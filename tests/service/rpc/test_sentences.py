"""What a caller sees of the borders of sentences."""

import pytest
from polygist.v1 import summarisation_service_pb2, translation_service_pb2

from tests.service.echo import EchoEngine
from tests.service.harness import serving

POINTS = [
    (
        "The U.S. Senate voted on Tuesday to fund the repair of 400 rural bridges. "
        "U.S. President Harold Brandt said he would sign the bill within days.",
        [
            "The U.S. Senate voted on Tuesday to fund the repair of 400 rural bridges.",
            "U.S. President Harold Brandt said he would sign the bill within days.",
        ],
    ),
    (
        "J.K. Larsson of the engineers' union called the vote long overdue on Monday. "
        "The money can be spent until the end of the year 2031.",
        [
            "J.K. Larsson of the engineers' union called the vote long overdue on Monday.",
            "The money can be spent until the end of the year 2031.",
        ],
    ),
    (
        "“Who decides this?” asked a parent from the back of the hall. "
        "The band Wham! played there in 1984 before a crowd of nine hundred people.",
        [
            "“Who decides this?” asked a parent from the back of the hall.",
            "The band Wham! played there in 1984 before a crowd of nine hundred people.",
        ],
    ),
    (
        "All the answers of the council are published at "
        "https://www.example.gov/faq?topic=pool&lang=en&page=2 and in the town library.",
        [
            "All the answers of the council are published at "
            "https://www.example.gov/faq?topic=pool&lang=en&page=2 and in the town library.",
        ],
    ),
]
SEGMENTS = [
    ("en", "Acme Inc. Chief Executive Dana Cole said so.", ["Acme Inc. Chief Executive Dana Cole said so."]),
    (
        "en",
        'The show Jeopardy! was cancelled. He shouted "Fire!" and ran.',
        ["The show Jeopardy! was cancelled.", 'He shouted "Fire!" and ran.'],
    ),
    (
        "en",
        "Details are at https://www.example.gov/bridges?state=ohio&year=2025 for every county.",
        ["Details are at https://www.example.gov/bridges?state=ohio&year=2025 for every county."],
    ),
    ("en", "He moved to the U.S. She lives in France.", ["He moved to the U.S.", "She lives in France."]),
    ("pt", "Vive nos E.U.A. Ela mora em França.", ["Vive nos E.U.A.", "Ela mora em França."]),
    ("pt", "— Quem paga? — perguntou ele.", ["Quem paga? — perguntou ele."]),
]


@pytest.mark.parametrize(("text", "points"), POINTS)
async def test_key_points_are_whole_sentences(text, points):
    request = summarisation_service_pb2.SummariseRequest(
        contents=[text],
        source_language_code="en",
        type=summarisation_service_pb2.SUMMARY_TYPE_KEY_POINTS,
        max_sentence_count=20,
        output_config={"include_sentences": True},
    )
    async with serving(EchoEngine()) as service:
        reply = await service.summarisation.Summarise(request)
    assert [sentence.text for sentence in reply.summaries[0].sentences] == points


@pytest.mark.parametrize(("language", "text", "expected"), SEGMENTS)
async def test_a_sentence_is_one_segment(language, text, expected):
    request = translation_service_pb2.TranslateRequest(
        contents=[text],
        source_language_code=language,
        target_language_code="en" if language == "pt" else "pt",
        output_config={"include_segments": True},
    )
    async with serving(EchoEngine()) as service:
        reply = await service.translation.Translate(request)
    spans = [segment.source_span for segment in reply.translations[0].segments]
    assert [text[span.start_offset : span.end_offset] for span in spans] == expected
