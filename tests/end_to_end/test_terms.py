"""Kept phrases, placeholders and terms of a glossary, through the starter models."""

import pytest
from polygist_client import Client

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def client(server):
    with Client(server.address) as client:
        yield client


def test_sentences_go_round_what_is_kept(client):
    text = "Hello {name}, you have %d new messages. Click Save Changes to store them in ${HOME}."
    translation = client.translate(
        text, to="pt", source="en", keep=["Save Changes"], placeholders=["braces", "printf", "shell"]
    )
    assert translation.text == (
        "Olá {name}, você tem %d novas mensagens. Clique em Save Changes para armazená-los em ${HOME}."
    )
    assert not translation.warnings


def test_sentences_agree_with_terms(client):
    def translate(text, target, **options):
        (translation,) = client.translate([text], to=target, **options)
        assert not translation.warnings
        return translation.text

    text = "The agreement was signed by both parties."
    assert translate(text, "pt", source="en") == "O acordo foi assinado por ambas as partes."
    terms = [("agreement", "convenção")]
    assert translate(text, "pt", source="en", terms=terms) == "A convenção foi assinada por ambas as partes."
    shouted = translate(text.upper(), "pt", source="en", terms=terms, ignore_case=True)
    assert shouted == "A CONVENÇÃO FOI ASSINADA POR AMBAS AS PARTES."
    portuguese = "O acordo foi assinado por ambas as partes."
    english = translate(portuguese, "en", source="pt", terms=[("acordo", "covenant")])
    assert english == "The covenant was signed by both parties."


def test_terms_go_through_marks(client):
    translation = client.translate(
        "<p>Use <b>machine</b> learning.</p>",
        to="pt",
        source="en",
        mime_type="text/html",
        terms=[("machine learning", "aprendizagem automática")],
    )
    assert translation.text in (
        "<p>Use <b>aprendizagem</b> automática.</p>",
        "<p>Use aprendizagem <b>automática</b>.</p>",
        "<p>Use <b>aprendizagem automática</b>.</p>",
    )
