import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.summarisation.grounding.support import (
    LEAST_SIMILARITY,
    LEAST_SUPPORT,
    LEAST_WORDING,
    Citer,
    Support,
    Wording,
)


def test_the_share_of_word_pairs_is_of_the_sentence():
    wording = Wording("The old bridge fell. It rained.")
    assert wording.found_share("The OLD bridge sank") == pytest.approx(2 / 3)
    assert wording.found_share("bridge") == 1
    assert wording.found_share("ferry") == 0
    assert wording.found_share("…") == 0


@given(st.text(), st.integers(0, 50), st.integers(0, 50))
def test_a_piece_of_an_article_has_all_its_pairs_there(text, start, length):
    words = text.split()
    piece = " ".join(words[start : start + length])
    assert Wording(" ".join(words)).found_share(piece) in (0, 1)


def test_the_score_is_of_the_measures_that_there_are():
    assert Support(0.8, 0.4).score == pytest.approx(0.6)
    assert Support(None, 0.4).score == 0.4
    assert Support(0.8, None).score == 0.8
    assert Support(-0.1, 0.4).score == 0.2
    assert Support(None, None).score == 0


@pytest.mark.parametrize(
    ("similarity", "wording", "least"),
    [(1.0, 1.0, LEAST_SUPPORT), (None, 1.0, LEAST_WORDING), (1.0, None, LEAST_SIMILARITY)],
)
def test_each_measure_has_its_threshold(similarity, wording, least):
    assert Support(similarity, wording).threshold == least
    scaled = [None if value is None else value * (least - 0.01) for value in (similarity, wording)]
    assert Support(similarity, wording).is_enough
    assert not Support(*scaled).is_enough


def test_without_any_measure_nothing_is_enough():
    assert not Support(None, None).is_enough


SENTENCES = ["The old bridge fell into the river.", "A ferry will run all year.", "The school opens in May."]
SPANS = [(0, 35), (36, 62), (63, 87)]


def test_a_sentence_of_the_article_is_supported_in_full():
    assert [(c.source_span, c.support) for c in Citer(SENTENCES, SPANS).cite(SENTENCES[1])] == [((36, 62), 1.0)]


def test_a_sentence_merged_from_two_cites_both_best_first():
    citations = Citer(SENTENCES, SPANS).cite("The old bridge fell into the river and a ferry will run all year.")
    assert [citation.source_span for citation in citations] == [(0, 35), (36, 62)]
    assert 1 > citations[0].support >= citations[1].support > 0


def test_an_invented_sentence_has_no_or_little_support():
    citer = Citer(SENTENCES, SPANS)
    assert citer.cite("Penguins won.") == ()
    (citation,) = citer.cite("The mayor opens a school for forty young penguins.")
    assert citation.support < 0.3


def test_nothing_to_cite():
    assert Citer([], []).cite("The bridge.") == ()
    assert Citer(SENTENCES, SPANS).cite("…") == ()
