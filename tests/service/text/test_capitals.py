"""Lines in capitals and in title case, read as sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.capitals import Capitals, to_capitals, to_sentence

# What a vocabulary knows as one piece; anything else is as unlikely as it is long.
KNOWN = {"the": -4, "president": -8, "visits": -9, "Paris": -9, "NATO": -9, "nato": -14, "us": -8, "US": -9, "The": -6}


def likelihood(word):
    return KNOWN.get(word, -6.0 * len(word))


@pytest.mark.parametrize(
    ("text", "capitals"),
    [
        ("THE PRESIDENT VISITS PARIS", Capitals.ALL),
        ("WARNING!", Capitals.ALL),
        ("NATO", Capitals.SENTENCE),
        ("A", Capitals.SENTENCE),
        ("12", Capitals.SENTENCE),
        ("The President Visits the City", Capitals.TITLE),
        ("Como Instalar o Programa", Capitals.TITLE),
        ("The President visits Paris", Capitals.SENTENCE),
        ("Chris Leslie is MP for Nottingham East", Capitals.SENTENCE),
        ("Opening Hours", Capitals.TITLE),
        ("Anna Lee Paris.", Capitals.SENTENCE),
        ("", Capitals.SENTENCE),
    ],
)
def test_how_a_line_is_written(text, capitals):
    assert Capitals.of(text) is capitals


def test_words_are_read_as_the_vocabulary_knows_them_best():
    assert to_sentence("THE PRESIDENT VISITS PARIS", Capitals.ALL, likelihood) == "The president visits Paris"
    assert to_sentence("THE NATO PRESIDENT VISITS US", Capitals.ALL, likelihood) == "The NATO president visits us"
    assert to_sentence("THE B2B PRESIDENT", Capitals.ALL, likelihood) == "The B2B president"
    assert to_sentence("The President Visits Paris", Capitals.TITLE, likelihood) == "The president visits Paris"


def test_a_name_of_two_words_is_no_title():
    assert to_sentence("Paris Green", Capitals.TITLE, likelihood) == "Paris Green"
    assert to_sentence("President Visits", Capitals.TITLE, likelihood) == "President visits"


def test_an_acronym_without_vowels_stays_one():
    assert to_sentence("THE BBC VISITS PARIS", Capitals.ALL, likelihood) == "The BBC visits Paris"


def test_what_was_written_is_put_into_the_capitals_of_its_source():
    assert to_capitals("O presidente em Paris", Capitals.ALL, "pt") == "O PRESIDENTE EM PARIS"
    assert to_capitals("o presidente em Paris", Capitals.TITLE, "pt-BR") == "O Presidente em Paris"
    assert to_capitals("der Präsident in Paris", Capitals.TITLE, "de") == "der Präsident in Paris"
    assert to_capitals("o presidente", Capitals.SENTENCE, "pt") == "o presidente"


@given(st.text())
def test_only_capitals_change(text):
    read = to_sentence(text, Capitals.of(text), likelihood)
    assert read.casefold() == text.casefold() or len(read) != len(text)
