"""Texts for language identification."""

from bench.quality.detection import BUCKETS, NAMES, bucket_of, make_samples, window

SENTENCE = "The library opens at nine in the morning and closes at six."


def test_buckets_end_where_they_say():
    assert [bucket_of("a" * length) for length in (1, 20, 21, 60, 61, 200, 201)] == [
        NAMES[at] for at in (0, 0, 1, 1, 2, 2, 3)
    ]


def test_a_window_is_whole_words_and_fits():
    for most in BUCKETS:
        text = window(SENTENCE, most)
        assert 0 < len(text) <= most
        assert f" {text} " in f" {SENTENCE} "


def test_a_script_without_spaces_has_windows_too():
    assert window("图书馆早上九点开门晚上六点关门图书馆早上九点开门", 20) == "图书馆早上九点开门晚上六点关门图书馆早上"


def test_samples_of_variants_are_samples_of_the_language():
    lines = [
        "a\teng-GB\tThe library opens at nine.",
        "b\tpor_Latn\tA biblioteca abre às nove.",
        "b\tspa\tAbre a las diez.",
    ]
    samples = list(make_samples(lines))
    assert {sample.language for sample in samples} == {"en", "pt", "other"}
    assert all(sample.bucket == bucket_of(sample.text) for sample in samples)


def test_neighbours_are_joined_for_long_texts():
    samples = list(make_samples([f"a\teng\t{SENTENCE} {'Yes. ' * 10}"] * 3))
    assert NAMES[3] in {sample.bucket for sample in samples}


def test_texts_without_letters_are_left_out():
    assert list(make_samples(["a\teng\t12 345 678"])) == []
