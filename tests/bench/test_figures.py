"""The small functions that figures rest on."""

import pytest

from bench.quality.intervals import bootstrap_mean
from bench.quality.invariance import share_identical
from bench.quality.process import join_articles, read_megabytes


def test_an_interval_holds_the_mean_and_narrows_with_more_values():
    few = bootstrap_mean([0.0, 1.0] * 10)
    many = bootstrap_mean([0.0, 1.0] * 1000)
    assert few[0] < many[0] < 0.5 < many[1] < few[1]


def test_an_interval_of_equal_values_is_a_point():
    assert bootstrap_mean([3.0, 3.0, 3.0]) == (3.0, 3.0)


def test_an_interval_is_the_same_each_time():
    assert bootstrap_mean([1.0, 2.0, 4.0]) == bootstrap_mean([1.0, 2.0, 4.0])


def test_no_values_have_no_interval():
    with pytest.raises(ValueError, match="no values"):
        bootstrap_mean([])


def test_the_share_of_identical_pairs_is_in_per_cent():
    assert share_identical(["a", "b", "c", "d"], ["a", "b", "c", "e"]) == 75


@pytest.mark.parametrize("pair", [([], []), (["a"], ["a", "b"])])
def test_what_does_not_pair_has_no_share(pair):
    with pytest.raises(ValueError, match=r"no pairs|shorter|longer"):
        share_identical(*pair)


def test_memory_is_read_in_megabytes():
    status = "Name:\tserver\nVmHWM:\t    2000 kB\nVmRSS:\t    1000 kB\n"
    assert read_megabytes(status, "VmRSS") == pytest.approx(1.024)
    assert read_megabytes(status, "VmHWM") == pytest.approx(2.048)


def test_articles_are_joined_until_there_are_enough_words():
    assert join_articles(["One two.", "Three four.", "Five."], 3) == "One two.\n\nThree four."


def test_too_few_words_are_refused():
    with pytest.raises(ValueError, match="2 words together, 3"):
        join_articles(["One two."], 3)
