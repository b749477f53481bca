import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.repetition import is_loop

PROSE = (
    "The old bridge over the river fell on Tuesday night after two days of heavy rain. Nobody was hurt, but the road "
    "to the north of the valley will stay closed until spring, and the school bus has to take the long way round by "
    "the dam. The mayor promised a ferry for the winter; engineers of the capital look at the pillars next week, "
    "and only then decide whether they can carry a new deck or have to be pulled down."
)
RUN = "the mayor said that the bridge was old"


def test_prose_is_no_loop():
    assert not is_loop(PROSE)
    assert not is_loop("")


@pytest.mark.parametrize("language", ["é", "мост", "橋"])
def test_prose_beyond_ascii_is_no_loop(language):
    assert not is_loop(PROSE.replace("e", language))


def test_a_run_of_eight_words_may_come_twice():
    assert not is_loop(f"{RUN}. Then {RUN}.")
    assert is_loop(f"{RUN}. Then {RUN}. So {RUN}.")


def test_a_run_without_words_is_told_by_its_compression():
    assert is_loop("橋が落ちた" * 60)
    assert is_loop("ha" * 150)


def test_a_loop_is_found_behind_prose():
    assert is_loop(f"{PROSE} {'and so on ' * 400}")


def test_a_short_text_may_repeat_itself():
    assert not is_loop("no " * 7)


@given(st.text(max_size=300))
def test_any_text_three_times_is_a_loop_where_it_is_long(text):
    words = f"one two three four five six seven eight {text} "
    assert is_loop(words * 3)
