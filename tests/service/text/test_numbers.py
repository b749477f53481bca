import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.numbers import claim_numbers, find_numbers, state_numbers


def read(text):
    return [set(number.readings) for number in find_numbers(text)]


@pytest.mark.parametrize(
    "spelling", ["1000", "1,000", "1.000", "1 000", "1\u00a0000", "1\u202f000", "1’000", "mil mil"]
)
def test_separators_do_not_matter(spelling):
    expected = [] if spelling == "mil mil" else [{"1000"}]
    assert read(spelling) == expected


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("1,000,000.50", "1000000.5"),
        ("1.000.000,5", "1000000.5"),
        ("3.50", "3.5"),
        ("0,125", "0.125"),
        ("007", "7"),
        ("50%", "50%"),
        ("50 %", "50%"),
        ("fifty per cent", "50%"),
        ("12,5 por cento", "12.5%"),
        ("3rd", "3"),
        ("3.º", "3"),
        ("third", "3"),
        ("1990s", "1990"),
        ("twenty-five", "25"),
        ("Twenty five", "25"),
        ("vinte e cinco", "25"),
        ("noventa e nove", "99"),
        ("cem", "100"),
        ("one hundred", "100"),
        ("5 million", "5000000"),
        ("3.2bn", "3200000000"),
        ("cinco milhões", "5000000"),
        ("5 mil milhões", "5000000000"),
        ("0.5 million", "500000"),
    ],
)
def test_spellings_have_a_value(spelling, value):
    assert read(spelling) == [{value}]


def test_a_letter_behind_a_number_may_be_millions_or_metres():
    assert read("5m") == [{"5", "5000000"}]


def test_numbers_side_by_side_are_not_one():
    assert read("In 2019 300 people left; 2-1 at 10:30.") == [{"2019"}, {"300"}, {"2"}, {"1"}, {"10"}, {"30"}]
    assert read("twenty. Five came") == [{"20"}, {"5"}]


def test_a_date_is_read_as_it_is_and_states_its_parts():
    (date,) = find_numbers("1.5.2019")
    assert date.readings == {"1.5.2019"}
    assert date.parts == {"1", "5", "2019"}


def test_pronouns_and_weekdays_claim_nothing_and_state_all_the_same():
    text = "One of them came first, segundo a RTP, na quinta-feira."
    assert list(claim_numbers(text)) == []
    assert state_numbers(text) == {"1", "2", "5"}


def test_a_source_states_the_parts_of_a_number():
    assert state_numbers("5 million, 50%") == {"5", "5000000", "50", "50%"}


@given(st.integers(0, 10**15))
def test_groups_of_any_number_are_read_alike(value):
    assert read(f"{value:,}") == read(str(value)) == read(f"{value:,}".replace(",", ".")) == [{str(value)}]


@given(st.integers(0, 99), st.sampled_from(["million", "milhões", "%", "por cento", "bn", ""]))
def test_a_scale_multiplies(value, scale):
    factor = {"million": 10**6, "milhões": 10**6, "bn": 10**9}.get(scale, 1)
    sign = "%" if scale in ("%", "por cento") else ""
    assert read(f"{value} {scale}") == [{f"{value * factor}{sign}"}]


@given(st.text(st.characters() | st.sampled_from("0123456789,. %"), max_size=200))
def test_a_text_states_what_it_claims(text):
    stated = state_numbers(text)
    assert all(number.readings <= stated for number in claim_numbers(text))
