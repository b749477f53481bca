from dataclasses import replace

import pytest
from polygist_service.engine.interface import Role
from polygist_service.errors import InvalidRequest, NotFound, UnsupportedCapability
from polygist_service.summarisation.planning import choose_model, written_language
from polygist_service.summarisation.types import Form, Method, SummaryRequest

from tests.service.echo import EN_PT, ENCODER, EchoEngine
from tests.service.shelf import Shop

WRITER = replace(ENCODER, name="writer", role=Role.SUMMARISATION, source_languages=("en",), target_languages=("en",))


def choose(*models, source="en", **fields):
    method, model = choose_model(EchoEngine(*models), SummaryRequest(contents=["A text."], **fields), source)
    return method, model and model.name


def test_auto_writes_where_a_model_for_it_covers_the_language_else_picks():
    assert choose(ENCODER, WRITER) == (Method.ABSTRACTIVE, "writer")
    assert choose(ENCODER, WRITER, source="pt") == (Method.EXTRACTIVE, "minilm")
    assert choose(ENCODER, EN_PT) == (Method.EXTRACTIVE, "minilm")
    assert choose(ENCODER, source="pt-BR") == (Method.EXTRACTIVE, "minilm")


def test_sentences_are_picked_without_a_model_where_none_covers_the_language():
    for models in ((EN_PT,), (ENCODER, WRITER)):
        assert choose(*models, source="de") == (Method.EXTRACTIVE, None)
        assert choose(*models, source="de", method=Method.EXTRACTIVE, form=Form.TLDR) == (Method.EXTRACTIVE, None)


def test_what_is_asked_for_is_done():
    assert choose(ENCODER, WRITER, method=Method.EXTRACTIVE) == (Method.EXTRACTIVE, "minilm")
    assert choose(ENCODER, WRITER, method=Method.ABSTRACTIVE) == (Method.ABSTRACTIVE, "writer")
    assert choose(ENCODER, WRITER, form=Form.HEADLINE) == (Method.ABSTRACTIVE, "writer")
    assert choose(ENCODER, WRITER, model="minilm") == (Method.EXTRACTIVE, "minilm")
    assert choose(ENCODER, WRITER, model="writer") == (Method.ABSTRACTIVE, "writer")


@pytest.mark.parametrize(
    ("models", "fields", "message"),
    [
        ((ENCODER,), {"method": Method.ABSTRACTIVE}, r"writes summaries in en; install .* or ask for EXTRACTIVE"),
        (
            (ENCODER, WRITER),
            {"method": Method.ABSTRACTIVE, "source": "pt"},
            "no installed model writes summaries in pt",
        ),
        ((ENCODER,), {"form": Form.HEADLINE}, r"writes headlines in en; install .* or ask for TLDR"),
        ((ENCODER, WRITER), {"form": Form.HEADLINE, "method": Method.EXTRACTIVE}, "has no headlines; ask for TLDR"),
        ((ENCODER,), {"source": "de", "model": "minilm"}, "minilm does not cover de; it covers: en, pt"),
        ((ENCODER,), {"model": "minilm", "method": Method.ABSTRACTIVE}, "picks sentences.*or ask for EXTRACTIVE"),
        ((WRITER,), {"model": "writer", "method": Method.EXTRACTIVE}, "writes summaries.*or ask for ABSTRACTIVE"),
        ((ENCODER,), {"model": "minilm", "form": Form.HEADLINE}, "name another model$"),
    ],
)
def test_what_no_model_does_is_refused_with_the_cure(models, fields, message):
    with pytest.raises(UnsupportedCapability, match=message):
        choose(*models, **fields)


@pytest.mark.parametrize(
    ("fields", "end"), [({"method": Method.ABSTRACTIVE}, "EXTRACTIVE"), ({"form": Form.HEADLINE}, "TLDR")]
)
def test_a_writer_that_could_be_installed_is_named(fields, end):
    engine = EchoEngine(ENCODER, offers=Shop(readers={("summarisation", "en"): "bart-large-cnn"}))
    request = SummaryRequest(contents=["A text."], **fields)
    message = rf"in en; install one: polygist-server models pull bart-large-cnn, or ask for {end}$"
    with pytest.raises(UnsupportedCapability, match=message) as caught:
        choose_model(engine, request, "en")
    assert caught.value.metadata["pull"] == "bart-large-cnn"
    with pytest.raises(UnsupportedCapability) as caught:
        choose_model(engine, request, "fi")
    assert "pull" not in caught.value.metadata


def test_a_model_has_to_be_there_and_for_summaries():
    with pytest.raises(NotFound, match="minilm"):
        choose(ENCODER, model="other")
    with pytest.raises(InvalidRequest, match="model: en-pt is a model for translation"):
        choose(ENCODER, EN_PT, model="en-pt")


EXPERIMENTAL = replace(WRITER, name="daring", is_experimental=True)


def test_an_experimental_model_is_chosen_by_name_only():
    assert choose(ENCODER, EXPERIMENTAL) == (Method.EXTRACTIVE, "minilm")
    assert choose(EXPERIMENTAL, WRITER) == (Method.ABSTRACTIVE, "writer")
    assert choose(ENCODER, EXPERIMENTAL, model="daring") == (Method.ABSTRACTIVE, "daring")
    for fields in ({"method": Method.ABSTRACTIVE}, {"form": Form.HEADLINE}):
        with pytest.raises(UnsupportedCapability, match=r"install a model .*daring is experimental.* names it"):
            choose(ENCODER, EXPERIMENTAL, **fields)


INSTRUCTED = replace(WRITER, name="told", target_languages=("en", "pt"), follows_instructions=True)
CROSSING = replace(WRITER, name="crossing", target_languages=("pt",))
BOTH = replace(WRITER, name="both", target_languages=("en", "pt"))


@pytest.mark.parametrize(
    ("model", "target", "written"),
    [
        (INSTRUCTED, "pt-BR", "pt"),
        (INSTRUCTED, "fi", "en"),
        (INSTRUCTED, None, "en"),
        (INSTRUCTED, "en-GB", "en"),
        (CROSSING, "pt", "pt"),
        (BOTH, "pt", "en"),  # it keeps to the article's language
    ],
)
def test_the_language_that_a_model_writes(model, target, written):
    assert written_language(model, "en", target) == written


def test_a_model_that_writes_neither_language_is_not_chosen_and_one_that_needs_no_translation_first():
    assert choose(ENCODER, CROSSING) == (Method.EXTRACTIVE, "minilm")
    assert choose(ENCODER, BOTH, CROSSING, target="pt") == (Method.ABSTRACTIVE, "crossing")
    with pytest.raises(UnsupportedCapability):
        choose(CROSSING, model="crossing", target="fi")
