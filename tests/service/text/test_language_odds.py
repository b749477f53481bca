"""What a text says of its language, weighed with what is known before it is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.language_odds import (
    LONG,
    REMEMBERED,
    Company,
    Evidence,
    Expectation,
    add_shares,
    read_shares,
    weigh,
)

from tests.service.harness import DETECTOR

TEXTS = st.text(st.sampled_from("abcdefghijklmnoprstuvz ãçéßøżя"), min_size=1, max_size=60)


def read(text):
    return Evidence.of(text, DETECTOR.rank(text))


@given(TEXTS)
def test_probabilities_fall_and_sum_to_one(text):
    evidence = read(text)
    others = read_shares(weigh(read("The bridge is closed today")))
    for ranking in (
        weigh(evidence),
        weigh(evidence, Expectation(("en",), target="pt", candidates=["en", "de"])),
        weigh(evidence, Expectation(("pt",)), others=others),
    ):
        probabilities = [p for _, p in ranking]
        assert probabilities == sorted(probabilities, reverse=True)
        assert not ranking or sum(probabilities) == pytest.approx(1)


def test_a_text_without_evidence_is_in_no_language():
    assert weigh(Evidence.of("12", [])) == weigh(Evidence.of("12", []), Expectation(("en",))) == []


def test_a_word_without_features_is_in_a_language_that_many_use():
    assert [language for language, _ in weigh(Evidence.of("Q", [("br", 0.2), ("en", 0.2), ("fr", 0.2)]))] == [
        "en", "fr", "br",
    ]  # fmt: skip


def test_an_expected_language_is_taken_in_doubt_and_a_long_text_speaks_for_itself():
    expectation = Expectation(("en",), target="pt")
    ranking = [("de", 0.6), ("en", 0.15)]
    assert weigh(Evidence.of("Haus", ranking), expectation)[0][0] == "en"
    assert weigh(Evidence.of("Haus", ranking))[0][0] == "de"
    long = "Das Museum öffnet am Morgen um neun Uhr, an Feiertagen aber erst um zehn Uhr, und im Winter bleibt es zu."
    assert len(long) > LONG
    assert weigh(Evidence.of(long, ranking), expectation)[0][0] == "de"


def test_one_word_may_be_a_name_and_two_are_less_likely_to_be():
    expectation = Expectation(("en",))
    sure = [("pl", 1.0), ("en", 1e-5)]
    one, two = (dict(weigh(Evidence.of(text, sure), expectation))["pl"] for text in ("Szczecin", "Szczecin Zdrój"))
    assert one < 0.95 < two


def test_other_texts_tell_what_a_word_is_in_and_not_more_for_being_there_twice():
    word = read("final")
    portuguese = read_shares(weigh(read("A ponte está fechada")))
    english = read_shares(weigh(read("The bridge is closed")))
    assert weigh(word, others=portuguese)[0][0] == "pt"
    assert weigh(word, others=english)[0][0] == "en"
    own = read_shares(weigh(word))
    assert dict(weigh(word, others=add_shares([own]), own=own)) == pytest.approx(dict(weigh(word)))
    company = Company()
    for _ in range(5):
        company.add("A ponte", portuguese)
    assert company.shares(but="final") == pytest.approx(portuguese)
    assert company.shares(but="A ponte") == {}


def test_of_a_stream_the_last_texts_are_remembered():
    company = Company()
    company.add("first", {"pt": 1.0})
    for at in range(REMEMBERED):
        company.add(str(at), {"en": 1.0})
    assert company.shares(but="other") == {"en": REMEMBERED}
