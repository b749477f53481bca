"""Kept phrases, placeholders and terms in summaries that are in another language than their articles."""

from dataclasses import replace

import pytest
from polygist.v1 import common_pb2
from polygist.v1.summarisation_service_pb2 import StreamSummariseRequest
from polygist_service.engine.interface import Role

from tests.service.echo import EN_PT, ENCODER, EchoEngine
from tests.service.harness import failure_of, serving
from tests.service.rpc.test_glossaries import folder, mount
from tests.service.rpc.test_summarise import ARTICLE, make

__all__ = ["folder"]
WARNING = common_pb2.WarningCode
WRITER = replace(
    ENCODER, name="writer", role=Role.SUMMARISATION, max_input_tokens=500, source_languages=("en",),
    target_languages=("en", "pt"), follows_instructions=True,
)  # fmt: skip
BRIDGE = {"source_term": "bridge", "target_term": "ponte velha"}
FIRST = ARTICLE.splitlines()[0]


async def summarise(request, engine=None, **options):
    async with serving(engine or EchoEngine(), **options) as service:
        reply = await service.summarisation.Summarise(request)
        stream = service.summarisation.StreamSummarise(StreamSummariseRequest(request=request))
        text = "".join([event.text_delta async for event in stream])
    assert text == reply.summaries[0].text
    return reply.summaries[0]


async def test_terms_are_in_the_summary_and_warnings_where_the_article_has_them(folder):
    summary = await summarise(
        make(
            f"{FIRST} The {{name}} heart rate of Marlow.",
            target_language_code="pt",
            max_sentence_count=9,
            glossary_config={"entries": [BRIDGE], "glossary": "glossaries/press"},
            do_not_translate_phrases=["Marlow"],
            placeholder_syntaxes=["PLACEHOLDER_SYNTAX_BRACES"],
        ),
        glossaries=mount(folder),
    )
    assert "the old stone ponte velha over the river" in summary.text
    assert "The {name} pulsação of Marlow." in summary.text
    assert not summary.warnings


async def test_a_model_that_loses_a_term_is_told_where_the_article_has_it():
    def forget(segment):
        return segment.replace("ponte", "").replace("bridge", "").replace("XQ1", "")

    request = make(ARTICLE, target_language_code="pt", glossary_config={"entries": [BRIDGE]}, max_sentence_count=1)
    summary = await summarise(request, EchoEngine(answer=forget))
    told = [each for each in summary.warnings if each.code == WARNING.WARNING_CODE_GLOSSARY_TERM_NOT_APPLIED]
    for each in told:
        assert ARTICLE[each.source_span.start_offset : each.source_span.end_offset] == "bridge"
    assert told or "ponte velha" in summary.text


async def test_a_model_that_could_write_the_language_itself_leaves_terms_to_a_translator():
    request = make(ARTICLE, target_language_code="pt", glossary_config={"entries": [BRIDGE]})
    engine = EchoEngine(WRITER, EN_PT, ENCODER, answer=lambda text: FIRST if len(text) > 200 else f"[{text}]")
    summary = await summarise(request, engine)
    assert "ponte velha" in summary.text
    plain = await summarise(make(ARTICLE, target_language_code="pt"), engine)
    assert plain.text == FIRST


async def test_where_none_translates_what_the_model_wrote_past_it_is_told(folder):
    engine = EchoEngine(WRITER, ENCODER, answer=lambda _: FIRST)
    config = {"entries": [BRIDGE], "glossary": "glossaries/press"}
    request = make(ARTICLE, target_language_code="pt", glossary_config=config, do_not_translate_phrases=["Marlow"])
    summary = await summarise(request, engine, glossaries=mount(folder))
    assert summary.text == FIRST
    (told,) = [each for each in summary.warnings if each.code == WARNING.WARNING_CODE_GLOSSARY_TERM_NOT_APPLIED]
    assert ARTICLE[told.source_span.start_offset : told.source_span.end_offset] == "bridge"
    assert "'ponte velha' not in the language of the summary: the model wrote that itself" in told.message


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"glossary_config": {"ignore_case": True}}, "FIELD_INVALID", "glossary_config"),
        ({"do_not_translate_phrases": ["a"]}, "FIELD_INVALID", "do_not_translate_phrases"),
        ({"placeholder_syntaxes": [1]}, "FIELD_INVALID", "placeholder_syntaxes"),
        ({"target_language_code": "pt", "placeholder_syntaxes": [9]}, "FIELD_INVALID", "placeholder_syntaxes[0]"),
        ({"target_language_code": "pt", "glossary_config": {"glossary": "glossaries/x"}}, "GLOSSARY_NOT_FOUND", ""),
        ({"target_language_code": "en", "glossary_config": {"glossary": "glossaries/x"}}, "GLOSSARY_NOT_FOUND", ""),
        (
            {"target_language_code": "fi", "glossary_config": {"glossary": "glossaries/press"}},
            "FIELD_INVALID",
            "glossary_config.glossary",
        ),
    ],
)
async def test_refusals(folder, fields, reason, field):
    async with serving(EchoEngine(), glossaries=mount(folder)) as service:
        failure = await failure_of(service.summarisation.Summarise(make(**fields)))
    assert (failure.reason, failure.field) == (reason, field)
