import pytest
from polygist_service.text.language_id import SAMPLE_CHARACTERS, LanguageDetector


@pytest.fixture(scope="module")
def detector():
    return LanguageDetector()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The council voted to rebuild the bridge over the river.", "en"),
        ("A câmara votou a favor da reconstrução da ponte sobre o rio.", "pt"),
        ("THE COUNCIL VOTED TO REBUILD THE BRIDGE.", "en"),
        ("Der Rat stimmte für den Wiederaufbau der Brücke über den Fluss.", "de"),
    ],
)
def test_the_likeliest_language_comes_first(detector, text, language):
    ranking = detector.rank(text)
    assert ranking[0][0] == language
    assert ranking[0][1] > 0.5
    assert [p for _, p in ranking] == sorted((p for _, p in ranking), reverse=True)


@pytest.mark.parametrize("text", ["", "  \n", "12:30 — 45", "🙂🙂", "---"])
def test_a_text_without_letters_has_no_language(detector, text):
    assert detector.rank(text) == []


def test_candidates_limit_the_answer_but_do_not_make_it_surer(detector):
    text = "Der Rat stimmte für den Wiederaufbau der Brücke."
    everything = dict(detector.rank(text))
    limited = detector.rank(text, candidates=["en", "pt-BR"])
    assert {tag for tag, _ in limited} == {"en", "pt"}
    assert all(p == everything[tag] < 0.1 for tag, p in limited)


def test_labels_are_language_tags_and_nothing_else(detector):
    tags = [tag for tag, _ in detector.rank("a text")]
    assert len(tags) == len(set(tags))
    assert "zxx" not in tags


def test_a_long_text_is_sampled_over_its_length(detector):
    english, portuguese = "The river rose again. ", "O rio voltou a subir e a ponte fechou. "
    text = english * 20 + portuguese * SAMPLE_CHARACTERS
    assert detector.rank(text)[0][0] == "pt"
