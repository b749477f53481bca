"""Windows of a few words, and how what comes of them is counted."""

import random

from bench.quality.sets import DataFolder
from bench.quality.short_texts import Outcome, count, cut_windows, make_samples

SENTENCE = "“The library opens at 9 in the morning, and closes at six.”"


def test_windows_are_words_in_a_row_without_the_marks_around_them():
    for words in (1, 2, 3, 5):
        windows = cut_windows([SENTENCE], words, 4, random.Random(1))
        assert len(set(windows)) == len(windows) > 0
        for text in windows:
            assert len(text.split()) == words
            assert text in SENTENCE
            assert text[0].isalnum()
            assert text[-1].isalnum()
            assert "9" not in text


def test_a_corpus_without_such_windows_has_none():
    assert cut_windows(["One.", "12 34 56"], 2, 3, random.Random(1)) == []


def test_samples_are_of_the_served_languages_and_their_neighbours_only(tmp_path):
    (tmp_path / "langid").mkdir()
    lines = ["a\teng-GB\t", "b\tdeu_Latn\t", "b\trus\t", "b\tengx\t"]
    (tmp_path / "langid/langid.public.tsv").write_text("".join(f"{line}{SENTENCE}\n" for line in lines))
    samples = list(make_samples(DataFolder(tmp_path)))
    assert {(sample.language, sample.group) for sample in samples} == {("en", "en"), ("de", "neighbours")}
    assert {sample.words for sample in samples} == {0, 1, 2, 3, 5}


def test_answers_are_right_wrong_or_refused():
    outcomes = [
        (True, Outcome("en")),
        (True, Outcome("en", is_warned=True)),
        (False, Outcome("pt", is_warned=True)),
        (False, Outcome("pt")),
        (False, Outcome(None)),
    ]
    assert count(outcomes) == (5, 40.0, 20.0, 40.0, 20.0, 20.0)
