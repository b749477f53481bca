import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.numbers.reading import claim_numbers, find_numbers, state_numbers
from polygist_service.text.numbers.values import NumberKind


def read(text, language="en"):
    return [set(number.readings) for number in find_numbers(text, language)]


@pytest.mark.parametrize(
    "spelling", ["1000", "1,000", "1 000", "1\u00a0000", "1\u202f000", "1’000", "１０００", "١٠٠٠"]
)
def test_separators_do_not_matter(spelling):
    assert read(spelling) == [{"1000"}]


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("1,000,000.50", "1000000.5"),
        ("3.50", "3.5"),
        ("0.125", "0.125"),
        ("007", "7"),
        ("50%", "50%"),
        ("50 %", "50%"),
        ("fifty per cent", "50%"),
        ("3 percentage points", "3%"),
        ("3rd", "3"),
        ("third", "3"),
        ("twenty-five", "25"),
        ("Twenty five", "25"),
        ("one hundred", "100"),
        ("two hundred and fifty-three thousand", "253000"),
        ("5 million", "5000000"),
        ("3.2bn", "3200000000"),
        ("0.5 million", "500000"),
        ("two and a half million", "2500000"),
        ("12 lakh", "1200000"),
        ("12,34,567", "1234567"),
        ("-5.5", "-5.5"),
        ("1½", "1.5"),
        ("10⁶", "10^6"),
        ("10^-3", "10^-3"),
        ("5:30 p.m.", "17:30"),
        ("12 a.m.", "0:00"),
    ],
)
def test_english_spellings_have_a_value(spelling, value):
    assert read(spelling) == [{value}]


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("1.000.000,5", "1000000.5"),
        ("1.234", "1234"),
        ("0,125", "0.125"),
        ("12,5 por cento", "12.5%"),
        ("3.º", "3"),
        ("3ª", "3"),
        ("vinte e cinco", "25"),
        ("noventa e nove", "99"),
        ("cem", "100"),
        ("cinco milhões", "5000000"),
        ("5 mil milhões", "5000000000"),
        ("dez mil milhões", "10000000000"),
        ("2,5 bilhões", "2500000000"),
        ("dois biliões", "2000000000000"),
        ("três trilhões", "3000000000000"),
        ("dois milhões e meio", "2500000"),
        ("17h30", "17:30"),
        ("5 da tarde", "17:00"),
        ("três da tarde", "15:00"),
    ],
)
def test_portuguese_spellings_have_a_value(spelling, value):
    assert read(spelling, "pt") == [{value}]


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("fr", "1\u202f234\u202f567,8", "1234567.8"),
        ("fr", "quatre-vingt-dix-neuf mille", "99000"),
        ("fr", "2 milliards", "2000000000"),
        ("de", "1.234,5", "1234.5"),
        ("de", "zweihundertfünfzig", "250"),
        ("de-CH", "1’234.5", "1234.5"),
        ("es", "dos mil millones", "2000000000"),
        ("ru", "3,5 млрд", "3500000000"),
        ("ru", "5 миллионов", "5000000"),
        ("ja", "500万人", "5000000"),
        ("hi", "१२,३४,५६७", "1234567"),
        ("ar", "١٬٢٣٤٫٥", "1234.5"),
    ],
)
def test_other_languages_are_read_as_they_write(language, text, value):
    assert read(text, language) == [{value}]


@pytest.mark.parametrize("word", ["milo", "mila", "cinca", "oita", "trezeo", "cema"])
def test_an_invented_word_of_portuguese_is_no_number(word):
    assert find_numbers(f"Vi a {word} ali.", "pt") == []


def test_an_unknown_language_may_mean_both():
    assert read("1.234", "xx") == read("1.234", "und") == [{"1234", "1.234"}]


def test_what_the_own_separators_cannot_mean_is_read_with_the_others():
    (number,) = find_numbers("2.5", "pt")
    assert number.readings == {"2.5"}
    assert not number.is_native


def test_a_letter_behind_a_number_may_be_millions_or_metres():
    assert read("5m") == [{"5", "5000000"}]


def test_numbers_side_by_side_are_not_one():
    assert read("In 2019 300 people left; 2-1 at 10:30.") == [{"2019"}, {"300"}, {"2"}, {"1"}, {"10:30", "22:30"}]
    assert read("twenty. Five came") == [{"20"}, {"5"}]


def test_a_date_in_figures_may_begin_with_day_or_month_and_states_its_parts():
    (date,) = find_numbers("3/5/2019", "en")
    assert date.readings == {"2019-03-05", "2019-05-03", "3.5.2019"}
    assert date.parts == {"3", "5", "2019"}
    assert read("2019-05-13") == [{"2019-05-13", "2019.5.13"}]


def test_a_decade_is_one_in_full_and_in_short():
    assert read("the 1990s") == [{"1990", "90"}]
    assert "1990" in read("os anos 90", "pt")[0]


def test_the_first_of_a_range_has_what_stands_behind_the_second():
    assert read("10-12% or 2 to 3 million in 2018-19") == [
        {"10", "10%"},
        {"12%"},
        {"2", "2000000"},
        {"3000000"},
        {"2018"},
        {"19", "2019"},
    ]


def test_currencies_are_known_by_sign_code_and_name():
    text = "$5, US$ 5, R$ 5, £5, 5 euros, 5 USD"
    assert [number.unit for number in find_numbers(text, "en")] == ["$", "USD", "BRL", "GBP", "EUR", "USD"]
    assert {number.kind for number in find_numbers(text, "en")} == {NumberKind.CURRENCY}


def test_codes_and_versions_are_no_quantities():
    assert [number.kind for number in find_numbers("A320, COVID-19, 1.2.3", "en")] == [NumberKind.CODE] * 3


def test_pronouns_and_weekdays_claim_nothing_and_state_all_the_same():
    text = "Um deles foi primeiro, segundo a RTP, na quinta."
    assert list(claim_numbers(text, "pt")) == []
    assert state_numbers(text, "pt") == {"1", "2", "5"}
    assert list(claim_numbers("Sei arrivato? Una di loro.", "it")) == []


def test_a_source_states_the_parts_of_a_number():
    assert state_numbers("5 million, 50%", "en") == {"5", "5000000", "50", "50%"}


@given(st.integers(0, 10**15))
def test_groups_of_any_number_are_read_alike(value):
    grouped = f"{value:,}"
    assert read(grouped) == read(str(value)) == read(grouped.replace(",", "."), "pt") == [{str(value)}]


@given(st.integers(0, 99), st.sampled_from(["million", "%", "per cent", "bn", ""]))
def test_a_scale_multiplies(value, scale):
    factor = {"million": 10**6, "bn": 10**9}.get(scale, 1)
    sign = "%" if scale in ("%", "per cent") else ""
    assert read(f"{value} {scale}") == [{f"{value * factor}{sign}"}]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("0123456789,.:/h-– %$½⁶"), max_size=200)


@given(TEXTS, st.sampled_from(["en", "pt", "de", "ru", "xx"]))
def test_spans_are_where_a_number_stands(text, language):
    numbers = find_numbers(text, language)
    assert [text[slice(*number.span)] for number in numbers] == [number.text for number in numbers]
    assert all(one.end <= two.start for one, two in pairwise(numbers))
    assert all(number.start <= number.digits[0] < number.digits[1] <= number.end for number in numbers if number.digits)


@given(TEXTS)
def test_a_text_states_what_it_claims(text):
    stated = state_numbers(text, "en")
    assert all(number.is_among(stated) for number in claim_numbers(text, "en"))


HOSTILE = (
    "1",
    "1 ",
    "1,",
    "1.1.",
    "1/",
    "1:2",
    "1 000",
    "¹",
    "$",
    "-",
    "a1",
    "one ",
    "vinte e ",
    "million ",
    "1 million ",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_hostile_text_takes_no_more_than_its_length(text, language):
    began = time.process_time()
    find_numbers((text * 100_000)[:100_000], language)
    # Where it took the square of it, it would be minutes.
    assert time.process_time() - began < 5
