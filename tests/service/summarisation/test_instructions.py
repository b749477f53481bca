from itertools import product

import pytest
from polygist_service.summarisation.map_reduce import write_instruction
from polygist_service.summarisation.types import Form


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


def test_no_two_wishes_have_the_same_instruction():
    wishes = list(product(Form, (12, 80), (1, 3), ("en", "pt")))
    said = {
        write_instruction(form, words=words, sentences=sentences, language=language)
        for form, words, sentences, language in wishes
    }
    assert len(said) == len(wishes) - 4  # a headline is one sentence whatever is said
