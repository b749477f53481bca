import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.summarisation.tfidf import BLOCK, TfidfVectors

SENTENCES = st.lists(
    st.lists(st.sampled_from(["river", "town", "Bridge", "old", "é", "4"]), min_size=1).map(" ".join), min_size=1
)


@given(SENTENCES)
def test_similarities_are_cosines(sentences):
    similarities = TfidfVectors.of(sentences).similarities()
    assert similarities.shape == (len(sentences), len(sentences))
    assert np.allclose(similarities, similarities.T)
    assert np.allclose(np.diag(similarities), 1, atol=1e-5)
    assert similarities.min() >= 0


def test_weights_are_those_of_the_formula():
    vectors = TfidfVectors.of(["a b b", "a c"])
    weights = np.array([np.log(3 / 2.5), (1 + np.log(2)) * np.log(3 / 1.5)])
    assert vectors.values[:2] == pytest.approx(weights / np.linalg.norm(weights), rel=1e-5)


@given(SENTENCES)
def test_projection_on_the_centroid_is_the_sum_of_the_similarities(sentences):
    vectors = TfidfVectors.of(sentences)
    assert vectors.project(vectors.centroid()) == pytest.approx(vectors.similarities().sum(axis=1), rel=1e-4)


def test_more_terms_than_a_block():
    sentences = [" ".join(f"w{at}" for at in range(start, start + BLOCK)) for start in (0, BLOCK // 2, 2 * BLOCK)]
    similarities = TfidfVectors.of(sentences).similarities()
    assert 0 < similarities[0, 1] < 0.5
    assert similarities[0, 2] == 0
    assert np.allclose(np.diag(similarities), 1, atol=1e-4)


def test_a_query_without_known_terms_has_no_direction():
    vectors = TfidfVectors.of(["the old bridge", "the river"])
    assert not vectors.direction("Something else?").any()
    assert np.linalg.norm(vectors.direction("Old bridges, old river")) == pytest.approx(1)


@pytest.mark.parametrize("sentences", [[], ["..."], ["—", "🙂"]])
def test_sentences_without_terms(sentences):
    vectors = TfidfVectors.of(sentences)
    assert not vectors.similarities().any()
    assert not vectors.project(vectors.centroid()).any()
