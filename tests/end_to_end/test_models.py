"""What the real starter models answer, through a server process."""

import asyncio
from itertools import pairwise

import grpc
import pytest
from polygist.v1 import common_pb2, summarisation_service_pb2, translation_service_pb2
from polygist.v1 import summarisation_service_pb2_grpc as summarisation_grpc
from polygist.v1 import translation_service_pb2_grpc as translation_grpc

pytestmark = pytest.mark.model


@pytest.fixture
def translator(server):
    with grpc.insecure_channel(server.address) as channel:
        yield translation_grpc.TranslationServiceStub(channel)


@pytest.fixture
def summariser(server):
    with grpc.insecure_channel(server.address) as channel:
        yield summarisation_grpc.SummarisationServiceStub(channel)


def translate(translator, *contents, target="pt", **fields):
    request = translation_service_pb2.TranslateRequest(contents=contents, target_language_code=target, **fields)
    return list(translator.Translate(request).translations)


def test_an_article_is_translated_whole(translator, article):
    (translation,) = translate(translator, article, output_config={"include_segments": True})
    assert translation.source_language_code == "en"
    source, target = article.split("\n"), translation.translated_text.split("\n")
    assert [bool(line) for line in target] == [bool(line) for line in source]
    assert not set(filter(None, source)) & set(target)
    assert not translation.warnings
    for segment in translation.segments:
        assert segment.target_span.end_offset > segment.target_span.start_offset


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        ("The library opens at nine in the morning.", "pt", ["biblioteca", "manhã"]),
        ("A biblioteca abre às nove da manhã.", "en", ["library", "morning"]),
        ("“The train was late,” she said.", "pt", ["trem", "“", "”"]),
    ],
)
def test_sentences_mean_what_they_meant(translator, text, target, words):
    (translation,) = translate(translator, text, target=target)
    assert all(word in translation.translated_text for word in words), translation.translated_text


def test_numbers_and_lines_keep_their_places(translator):
    lines = [f"The bus number {number} leaves at noon." if number % 7 else "" for number in range(300)]
    translations = translate(translator, *lines, source_language_code="en")
    texts = [translation.translated_text for translation in translations]
    assert [bool(text) for text in texts] == [bool(line) for line in lines]
    # A small model drops a number now and then; one out of place would put many out of place.
    kept = sum(str(number) in text for number, text in enumerate(texts) if text)
    assert kept >= 0.95 * len(list(filter(None, texts)))


@pytest.mark.parametrize("preference", ["UNSPECIFIED", "SPEED", "QUALITY"])
def test_a_sentence_is_translated_the_same_alone_and_among_others(translator, article, preference):
    fields = {
        "performance_preference": f"PERFORMANCE_PREFERENCE_{preference}",
        "sentence_splitting": "SENTENCE_SPLITTING_NONE",
        "source_language_code": "en",
    }
    sentences = [sentence for sentence in article.replace("\n", " ").split(". ") if sentence.strip()]
    together = [each.translated_text for each in translate(translator, *sentences, **fields)]
    alone = [translate(translator, sentence, **fields)[0].translated_text for sentence in sentences]
    same = sum(one == other for one, other in zip(alone, together, strict=True))
    assert same >= len(sentences) * (0.9 if preference == "SPEED" else 0.97)


def test_scores_and_alternatives_are_ranked(translator):
    (translation,) = translate(
        translator, "The weather was good.", alternative_count=3, output_config={"include_score": True}
    )
    scores = [translation.score, *(alternative.score for alternative in translation.alternatives)]
    assert scores == sorted(scores, reverse=True)
    assert all(score <= 0 for score in scores)
    texts = [translation.translated_text, *(each.translated_text for each in translation.alternatives)]
    assert len(set(texts)) == 4


def test_a_sentence_beyond_the_window_loses_nothing(translator, article):
    endless = article.replace("\n\n", " ").replace(". ", ", ").replace("\n", "")
    (whole,) = translate(translator, article, source_language_code="en")
    (split,) = translate(translator, endless, source_language_code="en", output_config={"include_segments": True})
    # Others may tell of "1.15 a.m, The".
    codes = [warning.code for warning in split.warnings]
    assert codes.count(common_pb2.WARNING_CODE_SEGMENT_HARD_SPLIT) == len(split.segments) > 1
    spans = [segment.source_span for segment in split.segments]
    between = [endless[one.end_offset : other.start_offset] for one, other in pairwise(spans)]
    assert set(between) == {" "}
    assert (spans[0].start_offset, spans[-1].end_offset) == (0, len(endless))
    assert len(split.translated_text.split()) > 0.9 * len(whole.translated_text.split())


def test_emoji_and_other_scripts_come_through(translator):
    (translation,) = translate(translator, "We are happy 🙂 today in Москва.", source_language_code="en")
    assert "🙂" in translation.translated_text
    assert "Москва" in translation.translated_text
    assert not translation.warnings


@pytest.mark.parametrize(("source", "target"), [("en", "pt"), ("pt", "en")])
def test_a_summary_cites_the_article_in_its_own_words(summariser, translator, article, source, target):
    if source == "pt":
        article = translate(translator, article, target="pt")[0].translated_text
    request = summarisation_service_pb2.SummariseRequest(
        contents=[article], max_sentence_count=3, output_config={"include_citations": True}
    )
    (summary,) = summariser.Summarise(request).summaries
    assert summary.source_language_code == source
    for sentence in summary.sentences:
        span = sentence.citations[0].source_span
        assert article[span.start_offset : span.end_offset] == sentence.text
    request.target_language_code = target
    (crossed,) = summariser.Summarise(request).summaries
    assert crossed.target_language_code == target
    assert [each.citations for each in crossed.sentences] == [each.citations for each in summary.sentences]
    assert crossed.text != summary.text


def test_a_query_finds_its_passage(summariser, article):
    last = [line for line in article.split("\n") if line][-1]
    request = summarisation_service_pb2.SummariseRequest(contents=[article], max_sentence_count=1, query=last)
    (summary,) = summariser.Summarise(request).summaries
    assert summary.text in last


async def test_callers_get_their_own_answers(server):
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = translation_grpc.TranslationServiceStub(channel)

        async def call(number):
            request = translation_service_pb2.TranslateRequest(
                contents=[f"Room {number} is on the second floor."],
                target_language_code="pt",
                source_language_code="en",
            )
            reply = await stub.Translate(request)
            return str(number) in reply.translations[0].translated_text

        answers = await asyncio.gather(*map(call, range(1000, 1200)))
    assert all(answers)
