import pytest

from bench.fidelity.numbers import Sample, find_fault, make_samples, read_samples


def test_there_are_500_sentences_of_templates_and_100_natural_ones_half_of_each_language():
    templates, natural = list(make_samples()), list(read_samples())
    assert len(templates) == 500
    assert len(natural) == 100
    assert sum(sample.source == "en" for sample in natural) == 50
    assert templates == list(make_samples())
    assert all(sample.forms for sample in (*templates, *natural))


def sample_of(group, source):
    return next(each for each in make_samples() if (each.group, each.source) == (group, source))


@pytest.mark.parametrize("group", ["whole numbers", "decimals", "per cent", "below zero", "dollars"])
def test_a_number_left_as_the_source_writes_it_is_no_right_form(group):
    sample = sample_of(group, "en")
    assert find_fault(sample, sample.text)


def test_a_form_within_a_longer_number_is_none():
    sample = Sample("", "en", "", (r"1\.234",))
    assert not find_fault(sample, "São 1.234.")
    assert not find_fault(sample, "São 1.234, ou mais")
    assert find_fault(sample, "São 1.234.567.")
    assert find_fault(sample, "São 11.234.")
    assert find_fault(sample, "São 1.2345.")
