import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.summarisation.grounding.support import (
    LEAST_SIMILARITY,
    LEAST_SUPPORT,
    LEAST_WORDING,
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
