from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.summarisation.map_reduce import cut_sentence, near_query, pack, write_instruction
from polygist_service.summarisation.types import Form
from polygist_service.text.documents import parse

WINDOW = 20


def count(text):
    return len(text.split())


def cut(text, window=WINDOW):
    document = parse(text, language="en")
    sentences = document.prose()
    pieces = [each for one in sentences for each in cut_sentence(document, one, window=window, count=count)]
    return pack(pieces, window)


def chunks_of(text, window=WINDOW):
    return [chunk.text for chunk in cut(text, window)]


SENTENCES = [f"The council voted to rebuild bridge {at}." for at in range(6)]


def test_sentences_stand_together_as_far_as_they_fit():
    assert chunks_of(" ".join(SENTENCES)) == [" ".join(SENTENCES[at : at + 2]) for at in (0, 2, 4)]
    assert chunks_of("") == chunks_of("12 — 13") == []


def test_a_chunk_ends_with_a_paragraph_where_that_is_at_least_half_full():
    text = f"{SENTENCES[0]} {SENTENCES[1]} {SENTENCES[2]}\n\n{SENTENCES[3]} {SENTENCES[4]}\n{SENTENCES[5]}"
    assert chunks_of(text, 34) == [" ".join(SENTENCES[:3]), " ".join(SENTENCES[3:])]
    early = f"{SENTENCES[0]}\n\n{SENTENCES[1]} {SENTENCES[2]} {SENTENCES[3]} {SENTENCES[4]}"
    assert chunks_of(early, 34)[0] == " ".join(SENTENCES[:4])


def test_a_sentence_above_the_window_is_split_and_its_places_are_known():
    text = "word " * 50 + "end."
    chunks = cut(text)
    spans = [span for chunk in chunks for span in chunk.hard_splits]
    assert " ".join(text[start:end] for start, end in spans) == text


def test_a_text_is_counted_once_to_be_cut_and_packed():
    counted = []
    document = parse(" ".join(SENTENCES), language="en")
    for sentence in document.prose():
        cut_sentence(document, sentence, window=WINDOW, count=lambda text: counted.append(text) or count(text))
    assert counted == SENTENCES


def test_a_query_keeps_the_chunks_that_are_near_it():
    chunks = cut(" ".join([*SENTENCES, "A ferry will carry people across every hour."]))
    assert [chunk.text for chunk in near_query(chunks, "ferry across")] == [chunks[-1].text]
    assert near_query(chunks, "penguins") == chunks


@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=5), max_size=12), st.integers(8, 40))
def test_chunks_fit_the_window_and_lose_no_word(paragraphs, window):
    text = "\n\n".join(" ".join(" ".join(["word"] * words) + " end." for words in each) for each in paragraphs)
    chunks = cut(text, window)
    assert " ".join(chunk.text for chunk in chunks).split() == text.split()
    assert all(count(chunk.text) < window for chunk in chunks)


@pytest.mark.parametrize(
    ("form", "words", "sentences", "parts"),
    [
        (Form.PARAGRAPH, 80, 3, ["Summarise the article", "3 sentences", "about 80 words"]),
        (Form.PARAGRAPH, 25, 1, ["1 sentence of"]),
        (Form.PARAGRAPH, 40, 0, ["in about 40 words."]),
        (Form.TLDR, 50, 2, ["Say in 2 sentences"]),
        (Form.KEY_POINTS, 100, 5, ["main points", "5 sentences", "one sentence a line"]),
        (Form.HEADLINE, 12, 1, ["headline", "at most 12 words"]),
    ],
)
def test_form_and_length_are_said(form, words, sentences, parts):
    instruction = write_instruction(form, words=words, sentences=sentences, language="en")
    assert all(part in instruction for part in parts)


def test_the_language_is_named_in_english():
    assert "Write in Portuguese" in write_instruction(Form.TLDR, words=50, sentences=2, language="pt")


def test_no_two_requests_have_the_same_instruction():
    wanted = list(product(Form, (12, 80), (1, 3), ("en", "pt")))
    said = {
        write_instruction(form, words=words, sentences=sentences, language=language)
        for form, words, sentences, language in wanted
    }
    assert len(said) == len(wanted) - 4  # a headline is one sentence whatever is said
