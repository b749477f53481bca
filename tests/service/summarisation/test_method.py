from dataclasses import replace

import pytest
from polygist_service.engine.api import Role
from polygist_service.errors import InvalidRequest, NotFound, UnsupportedCapability
from polygist_service.summarisation.method import choose_model
from polygist_service.summarisation.values import Form, Method, SummaryRequest

from tests.service.echo import EN_PT, ENCODER, EchoEngine

WRITER = replace(ENCODER, name="writer", role=Role.SUMMARISATION, source_languages=("en",), target_languages=("en",))


def choose(*models, source="en", **fields):
    method, model = choose_model(EchoEngine(*models), SummaryRequest(text="A text.", source=source, **fields))
    return method, model.name


def test_auto_writes_where_a_model_for_it_covers_the_language_else_picks():
    assert choose(ENCODER, WRITER) == (Method.ABSTRACTIVE, "writer")
    assert choose(ENCODER, WRITER, source="pt") == (Method.EXTRACTIVE, "minilm")
    assert choose(ENCODER, EN_PT) == (Method.EXTRACTIVE, "minilm")
    assert choose(ENCODER, source="pt-BR") == (Method.EXTRACTIVE, "minilm")


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
        ((EN_PT,), {}, "no installed model picks summaries in en; .*models pull starter"),
        ((ENCODER,), {"source": "de"}, "no installed model picks summaries in de"),
        ((ENCODER,), {"source": "de", "model": "minilm"}, "minilm does not cover de; it covers: en, pt"),
        ((ENCODER,), {"model": "minilm", "method": Method.ABSTRACTIVE}, "picks sentences.*or ask for EXTRACTIVE"),
        ((WRITER,), {"model": "writer", "method": Method.EXTRACTIVE}, "writes summaries.*or ask for ABSTRACTIVE"),
        ((ENCODER,), {"model": "minilm", "form": Form.HEADLINE}, "name another model$"),
    ],
)
def test_what_no_model_does_is_refused_with_the_cure(models, fields, message):
    with pytest.raises(UnsupportedCapability, match=message):
        choose(*models, **fields)


def test_a_model_has_to_be_there_and_for_summaries():
    with pytest.raises(NotFound, match="minilm"):
        choose(ENCODER, model="other")
    with pytest.raises(InvalidRequest, match="model: en-pt is a model for translation"):
        choose(ENCODER, EN_PT, model="en-pt")
