import unicodedata

import pytest
from polygist_client.results import Notice, Translation

from bench.fidelity.expectations import Expectation, count_any, count_token, read_expectations
from bench.fidelity.loops import find_loops


def translated(text, *codes):
    return Translation(text, "en", "pt", "models/en-pt", warnings=tuple(Notice(code, "") for code in codes))


def test_a_name_is_right_only_with_its_own_letters_and_once():
    expectation = Expectation("names", "en", "I met Jürgen.", kept=("Jürgen",), words=("conheci|encontrei",))
    assert expectation.find_faults("Conheci Jürgen.") == []
    assert expectation.find_faults("Conheci Ju\u0308rgen.") == []
    assert expectation.find_faults("Conheci Jurgen.") == ["Jürgen"]
    assert expectation.find_faults("Conheci Jürgen Jürgen.") == ["Jürgen"]
    assert expectation.find_faults("Jürgen.") == ["conheci|encontrei"]


def test_an_address_is_wrong_where_something_has_grown_onto_it():
    expectation = Expectation("paths", "en", "See https://a.example/b.", tokens=("https://a.example/b",))
    assert expectation.find_faults("Veja https://a.example/b.") == []
    assert expectation.find_faults("Veja (https://a.example/b), sim") == []
    assert expectation.find_faults("Veja https://a.example/b/c.") == ["https://a.example/b"]
    assert expectation.find_faults("Veja xhttps://a.example/b.") == ["https://a.example/b"]


def test_signs_are_asked_for_where_they_stood():
    expectation = Expectation("emoji", "en", "🎉 We won ☕", start="🎉", end="☕", absent=("-",))
    assert expectation.find_faults("🎉 Vencemos ☕") == []
    assert expectation.find_faults("Vencemos - 🎉☕") == ["not -", "🎉 at its start"]
    assert expectation.find_faults("🎉 Vencemos ☕ ⁇") == ["not ⁇", "☕ at its end"]


def test_a_repetition_of_the_source_has_to_be_kept():
    expectation = Expectation("kept", "en", "very, very cold", repeated={"muito": 2})
    assert expectation.find_faults("muito, muito frio") == []
    assert expectation.find_faults("muito frio") == ["2 x muito"]


def test_what_must_be_untouched_needs_its_warning_and_what_is_certain_none():
    untouched = Expectation("wholly", "en", "Москва", is_untouched=True)
    assert not untouched.judge(translated("Москва", "untranslated")).fault
    assert untouched.judge(translated("Москва")).fault == "'Москва': no warning"
    certain = Expectation("certain", "en", "Zoë", is_certain=True)
    assert not certain.judge(translated("Zoë")).fault
    assert certain.judge(translated("Zoë", "unknown-characters")).fault == "'Zoë': a warning"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("dog cat dog cat", "cão gato cão gato"),
        ("ha " * 20, "ha " * 22),
        ("Go", "Vá embora"),
        ("a b c a b c a b c a b c", "a b c a b c a b c a b c"),
        ("....................", "...................."),
    ],
)
def test_as_much_repetition_as_the_source_has_is_no_loop(source, text):
    assert find_loops(source, text) == []


@pytest.mark.parametrize(
    ("source", "text", "fault"),
    [
        ("The end.", " ", "empty"),
        ("It is.", "É isso mesmo, com certeza.", "26 characters for 6"),
        ("The cat sat on the mat and slept.", "o gato e o gato e o gato e o gato e o gato", "the same 3 words 4 times"),
        ("The cat sat on it and slept well.", "gato gato gato gato gato gato gato", "a word over and over"),
        ("Stop it now, whoever you may be!!", "Pare!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!", "characters over and over"),
    ],
)
def test_a_loop_is_found(source, text, fault):
    assert fault in find_loops(source, text)


@pytest.mark.parametrize("name", ["characters", "addresses", "loops"])
def test_what_a_case_asks_for_stands_in_its_source_where_it_is_to_be_kept(name):
    for expectation in read_expectations(name):
        source = unicodedata.normalize("NFC", expectation.source)
        assert all(count_any(choice, source) for choice in expectation.kept), expectation
        assert all(count_token(token, source) == 1 for token in expectation.tokens), expectation
        assert (
            expectation.words or expectation.kept or expectation.phrases or expectation.is_untouched or name == "loops"
        )
