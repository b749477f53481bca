from concurrent.futures import ThreadPoolExecutor

import pytest
from polygist_service.text import language_id
from polygist_service.text.language_id import SAMPLE_CHARACTERS

from tests.service.harness import DETECTOR


@pytest.fixture(scope="module")
def detector():
    return DETECTOR


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


@pytest.mark.parametrize("text", ["Obrigado", "OBRIGADO", "obrigado"])
def test_a_single_word_is_read_as_it_stands_in_a_sentence(detector, text):
    assert detector.rank(text) == detector.rank("obrigado")
    assert detector.rank(text)[0][0] == "pt"


def test_letters_of_no_known_language_are_in_none(detector):
    assert detector.rank("ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ") == []


@pytest.mark.parametrize(
    ("text", "kin"),
    [
        ("Я", {"ru", "uk", "bg", "be", "sr", "mk"}),
        ("日本", {"zh", "ja", "yue"}),
        ("বাংলা", {"bn", "as"}),
        ("ଓଡ଼ିଆ", {"or"}),
    ],
)
def test_a_language_has_the_letters_of_the_text(detector, text, kin):
    found = {tag for tag, _ in detector.rank(text)}
    assert kin <= found
    assert not found & {"en", "pt", "el"}


def test_serbian_and_crimean_tatar_are_found_in_latin_letters_too(detector):
    serbian = "Narodna skupština Republike Srbije usvojila je danas novi zakon o železnici."
    assert "sr" in {tag for tag, _ in detector.rank(serbian)}
    tatar = "Qırımtatar tili Türkiy tiller ailesine kirgen bir tildir, Qırımda ve Özbekistanda laf etile."
    assert detector.rank(tatar)[0][0] == "crh"


def test_the_model_is_read_by_the_first_text_and_once_for_all_threads(monkeypatch):
    opened = []

    class Identifier:
        labels = ("en", "zxx")

        @classmethod
        def from_model_file(cls, path, *, norm_probs):
            opened.append(path)
            return cls()

        def rank(self, text):
            return [("en", 0.9), ("zxx", 0.1)]

    monkeypatch.setattr(language_id, "LanguageIdentifier", Identifier)
    fresh = language_id.LanguageDetector()
    assert fresh.rank("12:30") == []
    assert not opened
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(fresh.rank, ["the river"] * 8)) == [[("en", 0.9)]] * 8
    assert fresh.languages() == ("en",)
    assert len(opened) == 1


def test_without_a_folder_for_temporary_files_nothing_begins(monkeypatch):
    def refuse():
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr("tempfile.gettempdir", refuse)
    with pytest.raises(FileNotFoundError):
        language_id.LanguageDetector()
