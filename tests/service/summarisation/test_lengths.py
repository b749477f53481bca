from dataclasses import replace

import pytest
from polygist_service.engine.interface import Decoding
from polygist_service.summarisation.lengths import LengthTarget, Room, allot, sentence_limit, word_limit
from polygist_service.summarisation.types import Form, Length, Method, SummaryRequest

from tests.service.echo import ENCODER

PICKED, WRITTEN = Method.EXTRACTIVE, Method.ABSTRACTIVE


@pytest.mark.parametrize(
    ("form", "method", "counts"),
    [
        (Form.PARAGRAPH, PICKED, (1, 3, 6)),
        (Form.KEY_POINTS, PICKED, (3, 5, 7)),
        (Form.TLDR, PICKED, (1, 1, 1)),
        (Form.TLDR, WRITTEN, (1, 2, 4)),
        (Form.HEADLINE, WRITTEN, (1, 1, 1)),
    ],
)
def test_sentences_by_form_and_length(form, method, counts):
    requests = [SummaryRequest(contents=[], source="en", form=form, length=length) for length in Length]
    assert tuple(sentence_limit(request, method) for request in requests) == counts


def test_figures_win_over_the_length():
    def request(**fields):
        return SummaryRequest(contents=[], source="en", length=Length.LONG, **fields)

    assert sentence_limit(request(max_sentences=2), PICKED) == 2
    assert sentence_limit(request(max_words=40), PICKED) == 0
    assert word_limit(request(max_words=40)) == 40
    assert word_limit(request(form=Form.HEADLINE)) == 22
    assert word_limit(request(form=Form.HEADLINE, max_words=5)) == 5


@pytest.mark.parametrize(
    ("count", "max_words", "kept"),
    [(0, 0, 3), (2, 0, 2), (0, 5, 2), (0, 4, 1), (0, 1, 1), (3, 5, 2), (1, 100, 1)],
)
def test_written_sentences_stay_within_both_limits(count, max_words, kept):
    sentences = ["One two.", "Three four five.", "Six."]
    room = Room(count=count, max_words=max_words)
    assert [sentence for sentence in sentences if room.takes(sentence)] == sentences[:kept]


def aim(*, words=1000, sentences=50, **fields):
    found = LengthTarget.at(SummaryRequest(contents=[], source="en", **fields), words=words, sentences=sentences)
    return found.words, found.sentences


@pytest.mark.parametrize(
    ("form", "aims"),
    [
        (Form.PARAGRAPH, [(25, 1), (80, 3), (173, 6)]),
        (Form.TLDR, [(25, 1), (50, 2), (110, 4)]),
        (Form.KEY_POINTS, [(60, 3), (100, 5), (140, 7)]),
        (Form.HEADLINE, [(12, 1), (17, 1), (22, 1)]),
    ],
)
def test_what_is_aimed_at_by_form_and_length(form, aims):
    assert [aim(form=form, length=length) for length in Length] == aims


def test_what_is_aimed_at_by_figures_and_in_short_articles():
    assert aim(max_words=200) == (200, 0)
    assert aim(max_sentences=4) == (108, 4)
    assert aim(form=Form.HEADLINE, max_sentences=4) == (17, 1)
    assert aim(form=Form.HEADLINE, max_words=5) == (5, 1)
    assert aim(words=60, sentences=4, length=Length.LONG) == (30, 2)
    assert aim(words=3, sentences=1) == (10, 1)


@pytest.mark.parametrize(("count", "is_told"), [(9, True), (10, False), (11, False), (12, False)])
def test_a_length_is_met_within_a_tenth(count, is_told):
    assert bool(LengthTarget(words=0, sentences=11).shortfall(["x"] * count)) is is_told
    assert bool(LengthTarget(words=11, sentences=0).shortfall([" ".join(["x"] * count)])) is is_told


WRITER = replace(ENCODER, max_output_tokens=142)


@pytest.mark.parametrize(
    ("words", "rate", "source", "most", "least"),
    [
        (80, 1.3, 900, 142, 48),  # the model's own limit
        (25, 1.3, 900, 64, 16),
        (25, 1.3, 40, 64, 16),
        (25, 1.3, 10, 64, 1),  # never more than half of the source is forced
        (10, 900.0, 900, 80, 16),  # a language without spaces
    ],
)
def test_tokens_for_words(words, rate, source, most, least):
    options = allot(Decoding(), WRITER, words=words, rate=rate, source_tokens=source)
    assert (options.max_output_tokens, options.min_output_tokens) == (most, least)


def test_the_limit_of_the_request_stays_and_instructions_force_nothing():
    options = allot(Decoding(max_output_tokens=500), WRITER, words=80, rate=1.3, source_tokens=900)
    assert options.max_output_tokens == 500
    told = allot(Decoding(), replace(WRITER, follows_instructions=True), words=80, rate=1.3, source_tokens=900)
    assert told.min_output_tokens == 0
