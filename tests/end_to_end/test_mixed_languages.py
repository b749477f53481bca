"""Articles in more than one language, through the real starter models."""

import pytest
from polygist_client import Client, LanguagePairUnsupported

pytestmark = pytest.mark.model

ENGLISH = (
    "The council voted on Tuesday to rebuild the old bridge over the river.",
    "Until the work is done, a ferry will carry people across every twenty minutes.",
    "Half of the money will come from the county and the other half from the town.",
)
PORTUGUESE = (
    "A câmara decidiu na terça-feira reconstruir a velha ponte sobre o rio.",
    "Até ao fim das obras, um barco leva as pessoas de uma margem à outra.",
)
GERMAN = "Der Rat stimmte am Dienstag für den Wiederaufbau der alten Brücke über den Fluss."


@pytest.fixture(scope="module")
def client(server):
    with Client(server.address) as client:
        yield client


def lines_of(text):
    return text.split("\n\n")


def spans_of(done, text, code):
    return [warning.span.of(text) for warning in done.warnings if warning.code == code]


def test_only_the_english_parts_are_translated_to_portuguese(client):
    text = "\n\n".join([ENGLISH[0], PORTUGUESE[0], ENGLISH[1], PORTUGUESE[1], ENGLISH[2]])
    done = client.translate(text, to="pt")
    alone = [client.translate(line, to="pt", source="en").text for line in ENGLISH]
    assert lines_of(done.text) == [alone[0], PORTUGUESE[0], alone[1], PORTUGUESE[1], alone[2]]
    assert (done.source, done.model) == ("en", "models/en-pt")
    assert spans_of(done, text, "mixed-languages") == list(PORTUGUESE)


def test_only_the_portuguese_parts_are_translated_to_english(client):
    text = "\n\n".join([ENGLISH[0], PORTUGUESE[0], ENGLISH[1], PORTUGUESE[1], ENGLISH[2]])
    done = client.translate(text, to="en")
    alone = [client.translate(line, to="en", source="pt").text for line in PORTUGUESE]
    assert lines_of(done.text) == [ENGLISH[0], alone[0], ENGLISH[1], alone[1], ENGLISH[2]]
    assert (done.source, done.model) == ("en", "models/pt-en")


def test_a_part_that_no_model_reads_stays_with_a_warning(client):
    text = "\n\n".join([ENGLISH[0], GERMAN, ENGLISH[1]])
    done = client.translate(text, to="pt")
    first, second, third = lines_of(done.text)
    assert (second, first == ENGLISH[0], third == ENGLISH[1]) == (GERMAN, False, False)
    assert spans_of(done, text, "mixed-languages") == spans_of(done, text, "untranslated") == [GERMAN]
    with pytest.raises(LanguagePairUnsupported):
        client.translate(f"{GERMAN}\n\n{GERMAN}", to="pt")


def test_a_summary_is_made_of_what_is_in_the_language_of_the_article(client):
    text = "\n\n".join([PORTUGUESE[0], *ENGLISH, PORTUGUESE[1]])
    done = client.summarise(text, max_sentences=10, sentences=True)
    assert done.source == "en"
    assert [sentence.text for sentence in done.sentences] == list(ENGLISH)
    assert spans_of(done, text, "mixed-languages") == list(PORTUGUESE)
