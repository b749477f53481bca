from dataclasses import replace

import pytest
from polygist.v1 import common_pb2, summarisation_service_pb2
from polygist_service.engine.interface import Role
from polygist_service.limits import Limits

from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine
from tests.service.harness import failure_of, serving

ARTICLE = """The town council of Marlow voted on Tuesday to rebuild the old stone bridge over the river.
The bridge was closed two years ago after a flood had damaged three of its five arches.
Engineers told the council that the work will cost four million pounds and take eighteen months.

Shop owners on the south bank say that the closure has cost them a third of their customers.
"We have waited long enough for a decision," said the owner of a bakery near the bridge.
The council will pay half of the cost, and the county has promised to find the other half.
Until the bridge opens again, a ferry will carry people across the river every twenty minutes."""

WARNING = common_pb2.WarningCode


def make(*contents, **fields) -> summarisation_service_pb2.SummariseRequest:
    if not fields.get("candidate_language_codes"):
        fields.setdefault("source_language_code", "en")
    return summarisation_service_pb2.SummariseRequest(contents=contents or [ARTICLE], **fields)


async def summarise(request, engine=None, **options):
    async with serving(engine or EchoEngine(), **options) as service:
        return await service.summarisation.Summarise(request)


async def summarise_one(engine=None, text=ARTICLE, **fields):
    reply = await summarise(make(text, **fields), engine)
    return reply.summaries[0]


async def refused(request, engine=None, **options):
    async with serving(engine or EchoEngine(), **options) as service:
        return await failure_of(service.summarisation.Summarise(request))


async def test_a_summary_is_made_of_the_articles_own_sentences():
    summary = await summarise_one(output_config={"include_citations": True})
    assert len(summary.sentences) == 3
    assert summary.text == " ".join(sentence.text for sentence in summary.sentences)
    assert summary.method == summarisation_service_pb2.SUMMARY_METHOD_EXTRACTIVE
    assert (summary.model, summary.chunk_count) == ("models/minilm", 1)
    for sentence in summary.sentences:
        (citation,) = sentence.citations
        span = citation.source_span
        assert ARTICLE[span.start_offset : span.end_offset] == sentence.text
        assert citation.support_score == 1.0
        span = sentence.summary_span
        assert summary.text[span.start_offset : span.end_offset] == sentence.text
    assert not summary.warnings


async def test_sentences_and_citations_only_when_asked_for():
    assert not (await summarise_one()).sentences
    summary = await summarise_one(output_config={"include_sentences": True})
    assert summary.sentences
    assert not any(sentence.citations for sentence in summary.sentences)


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"length": "SUMMARY_LENGTH_SHORT"}, 1),
        ({"length": "SUMMARY_LENGTH_LONG"}, 3),  # never more than half of the candidates
        ({"max_sentence_count": 2}, 2),
        ({"max_sentence_count": 5}, 5),
        ({"type": "SUMMARY_TYPE_TLDR"}, 1),
        ({"type": "SUMMARY_TYPE_KEY_POINTS"}, 3),
    ],
)
async def test_length(fields, count):
    summary = await summarise_one(output_config={"include_sentences": True}, **fields)
    assert len(summary.sentences) == count


async def test_words_are_a_limit_that_cuts_no_sentence():
    summary = await summarise_one(max_word_count=40)
    assert 0 < len(summary.text.split()) <= 40
    assert not summary.warnings
    summary = await summarise_one(max_word_count=3)
    assert [WARNING.Name(warning.code) for warning in summary.warnings] == ["WARNING_CODE_LENGTH_TARGET_MISSED"]
    assert summary.text in ARTICLE


async def test_key_points_are_lines_and_in_markdown_a_list():
    plain = await summarise_one(type="SUMMARY_TYPE_KEY_POINTS")
    marked = await summarise_one(type="SUMMARY_TYPE_KEY_POINTS", output_mime_type="text/markdown")
    assert all(line in ARTICLE for line in plain.text.split("\n"))
    assert marked.text == "\n".join(f"- {line}" for line in plain.text.split("\n"))


async def test_by_rank_the_best_comes_first():
    by_rank = await summarise_one(
        sentence_order="SENTENCE_ORDER_RANK", length="SUMMARY_LENGTH_LONG", output_config={"include_sentences": True}
    )
    scores = [sentence.rank_score for sentence in by_rank.sentences]
    assert scores[0] == 1.0
    assert scores == sorted(scores, reverse=True)


async def test_a_query_changes_what_is_picked():
    plain = await summarise_one(max_sentence_count=1)
    focused = await summarise_one(max_sentence_count=1, query=ARTICLE.splitlines()[-1])
    assert "ferry" not in plain.text
    assert "ferry" in focused.text


async def test_a_summary_in_another_language_cites_the_article():
    summary = await summarise_one(target_language_code="pt-BR", output_config={"include_citations": True})
    assert (summary.source_language_code, summary.target_language_code) == ("en", "pt")
    for sentence in summary.sentences:
        span = sentence.citations[0].source_span
        assert sentence.text == f"[{ARTICLE[span.start_offset : span.end_offset]}]"


async def test_languages_are_detected_article_by_article():
    portuguese = "A câmara decidiu na terça-feira reconstruir a velha ponte de pedra sobre o rio."
    reply = await summarise(summarisation_service_pb2.SummariseRequest(contents=[ARTICLE, portuguese, ""]))
    assert [summary.source_language_code for summary in reply.summaries] == ["en", "pt", "und"]
    assert reply.summaries[0].detection_confidence > 0.9
    assert reply.summaries[1].text == portuguese
    assert reply.summaries[2].text == ""
    assert reply.usage.character_count == len(ARTICLE) + len(portuguese)
    assert (reply.usage.input_token_count > 100, reply.usage.output_token_count) == (True, 0)


async def test_a_summary_in_another_language_costs_what_is_written_of_it():
    reply = await summarise(make(ARTICLE, target_language_code="pt", max_sentence_count=2))
    written = reply.summaries[0].text.split()
    assert reply.usage.output_token_count == len(written)
    assert reply.usage.input_token_count > len(ARTICLE.split())


async def test_an_article_without_letters_needs_no_model_for_the_target_language():
    reply = await summarise(make("", "12:30 \u2014 \U0001f642", ARTICLE, target_language_code="pt"))
    assert [summary.text for summary in reply.summaries[:2]] == ["", "12:30 \u2014 \U0001f642"]
    assert [summary.source_language_code for summary in reply.summaries] == ["und", "und", "en"]
    assert {summary.target_language_code for summary in reply.summaries} == {"pt"}


async def test_a_writer_is_preferred_where_there_is_one():
    writer = replace(EN_PT, name="writer", role=Role.SUMMARISATION, source_languages=("en",), target_languages=("en",))
    engine = EchoEngine(ENCODER, writer, EN_PT)
    written = await summarise_one(engine)
    assert written.method == summarisation_service_pb2.SUMMARY_METHOD_ABSTRACTIVE
    picked = await summarise_one(engine, method="SUMMARY_METHOD_EXTRACTIVE")
    assert picked.method == summarisation_service_pb2.SUMMARY_METHOD_EXTRACTIVE


ONLY_ENGLISH = EchoEngine(replace(ENCODER, source_languages=("en",)), EN_PT, PT_EN)


@pytest.mark.parametrize(
    ("fields", "code", "reason", "field"),
    [
        ({"type": 9}, "INVALID_ARGUMENT", "FIELD_INVALID", "type"),
        ({"method": 9}, "INVALID_ARGUMENT", "FIELD_INVALID", "method"),
        ({"length": 9}, "INVALID_ARGUMENT", "FIELD_INVALID", "length"),
        ({"sentence_order": 9}, "INVALID_ARGUMENT", "FIELD_INVALID", "sentence_order"),
        ({"max_sentence_count": 0}, "INVALID_ARGUMENT", "FIELD_INVALID", "max_sentence_count"),
        ({"max_sentence_count": -1}, "INVALID_ARGUMENT", "FIELD_INVALID", "max_sentence_count"),
        ({"max_word_count": 0}, "INVALID_ARGUMENT", "FIELD_INVALID", "max_word_count"),
        ({"query": "q" * 1001}, "INVALID_ARGUMENT", "FIELD_INVALID", "query"),
        ({"mime_type": "text/rtf"}, "INVALID_ARGUMENT", "MIME_TYPE_UNSUPPORTED", "mime_type"),
        ({"output_mime_type": "text/html"}, "INVALID_ARGUMENT", "MIME_TYPE_UNSUPPORTED", "output_mime_type"),
        ({"model": "minilm"}, "INVALID_ARGUMENT", "FIELD_INVALID", "model"),
        ({"model": "models/en-pt"}, "INVALID_ARGUMENT", "FIELD_INVALID", "model"),
        ({"model": "models/none"}, "NOT_FOUND", "MODEL_NOT_FOUND", ""),
        ({"method": "SUMMARY_METHOD_ABSTRACTIVE"}, "FAILED_PRECONDITION", "CAPABILITY_UNSUPPORTED", ""),
        ({"type": "SUMMARY_TYPE_HEADLINE"}, "FAILED_PRECONDITION", "CAPABILITY_UNSUPPORTED", ""),
        (
            {"method": "SUMMARY_METHOD_ABSTRACTIVE", "sentence_order": "SENTENCE_ORDER_RANK"},
            "INVALID_ARGUMENT",
            "FIELD_INVALID",
            "sentence_order",
        ),
        ({"decoding_config": {"beam_size": 2}}, "INVALID_ARGUMENT", "FIELD_INVALID", "decoding_config"),
        (
            {"performance_preference": "PERFORMANCE_PREFERENCE_SPEED"},
            "INVALID_ARGUMENT",
            "FIELD_INVALID",
            "performance_preference",
        ),
        ({"target_language_code": "fi"}, "FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED", ""),
        ({"glossary_config": {"ignore_case": True}}, "INVALID_ARGUMENT", "FIELD_INVALID", "glossary_config"),
        (
            {"candidate_language_codes": ["en"], "source_language_code": "en"},
            "INVALID_ARGUMENT",
            "FIELD_INVALID",
            "candidate_language_codes",
        ),
    ],
    ids=str,
)  # fmt: skip
async def test_what_cannot_be_done_is_refused(fields, code, reason, field):
    failure = await refused(make(**fields))
    assert (failure.code, failure.reason, failure.field) == (code, reason, field)


async def test_no_more_articles_than_the_limit():
    failure = await refused(make("a", "b"), limits=Limits(summarise_contents=1))
    assert (failure.reason, failure.field) == ("REQUEST_TOO_LARGE", "contents")


async def test_a_language_that_the_named_model_does_not_cover_is_refused():
    failure = await refused(make(source_language_code="pt", model="models/minilm"), ONLY_ENGLISH)
    assert failure.reason == "CAPABILITY_UNSUPPORTED"
