import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.text.language_runs import (
    MIN_LETTERS,
    MOST_BLOCKS,
    LanguageRun,
    cut_blocks,
    find_mixture,
    is_within,
)

from tests.service.harness import DETECTOR

ENGLISH = (
    "The council voted on Tuesday to rebuild the old bridge over the river.",
    "Until the work is done, a ferry will carry people across every twenty minutes.",
    "Half of the money will come from the county and the other half from the town.",
)
PORTUGUESE = (
    "A câmara decidiu na terça-feira reconstruir a velha ponte sobre o rio.",
    "Até ao fim das obras, um barco leva as pessoas de uma margem à outra.",
)
GERMAN = "Der Rat stimmte am Dienstag für den Wiederaufbau der alten Brücke über den Fluss."
SHORT = ("Marlow", "João Silva", "12 — 13", "Wir schaffen das.", "* * *", "Bom dia.")


def mix(text):
    """The languages of a text, as the detector tells them."""
    blocks = cut_blocks(text)
    if not blocks:
        return None
    rankings = [DETECTOR.rank(text[block.start : block.end]) for block in blocks]
    return find_mixture(text, blocks, rankings, DETECTOR.rank(text)[0][0])


def runs_of(text):
    """The foreign runs of a text: language and what stands there."""
    mixture = mix(text)
    return [(run.language, text[run.start : run.end]) for run in mixture.foreign] if mixture else []


@pytest.mark.parametrize("separator", ["\n", "\n\n", "\r\n", "\n \n\n"])
def test_a_paragraph_in_another_language_is_a_run(separator):
    text = separator.join([ENGLISH[0], PORTUGUESE[0], ENGLISH[1], GERMAN, ENGLISH[2]])
    assert mix(text).language == "en"
    assert mix(text).confidence > 0.9
    assert runs_of(text) == [("pt", PORTUGUESE[0]), ("de", GERMAN)]


def test_neighbours_in_one_language_are_one_run():
    text = "\n\n".join([*ENGLISH, *PORTUGUESE])
    assert runs_of(text) == [("pt", "\n\n".join(PORTUGUESE))]


def test_most_of_the_letters_tell_the_language_of_the_text():
    """Its start, middle and end, by which the whole is judged, are Portuguese."""
    text = "\n\n".join([PORTUGUESE[0] * 8, *ENGLISH * 20, PORTUGUESE[0] * 8, *ENGLISH * 20, PORTUGUESE[0] * 8])
    assert DETECTOR.rank(text)[0][0] == "pt"
    assert mix(text).language == "en"
    assert {language for language, _ in runs_of(text)} == {"pt"}


@pytest.mark.parametrize("short", SHORT)
def test_what_is_short_goes_with_the_text_around_it(short):
    assert runs_of("\n\n".join([ENGLISH[0], short, ENGLISH[1]])) == []
    around = "\n\n".join([PORTUGUESE[0], short, PORTUGUESE[1]])
    if short != "Wir schaffen das.":
        assert runs_of("\n\n".join([*ENGLISH, around])) == [("pt", around)]


def test_a_headline_goes_with_its_own_language():
    text = "\n".join(["Bridge to be rebuilt", *ENGLISH, "Ponte vai ser reconstruída", *PORTUGUESE])
    assert runs_of(text) == [("pt", "\n".join(["Ponte vai ser reconstruída", *PORTUGUESE]))]


def test_wrapped_lines_are_told_by_paragraph():
    wrapped = (
        "A câmara decidiu na terça-feira\nreconstruir a velha ponte sobre\no rio, que a cheia de há dois\nanos levou."
    )
    english = "The council voted on Tuesday\nto rebuild the old bridge over\nthe river, which a flood\ntook away."
    assert runs_of(f"{english}\n\n{english}\n\n{wrapped}\n") == [("pt", wrapped)]


def test_short_lines_of_a_paragraph_are_read_together():
    poem = "Bom dia, senhora.\nComo está hoje?\nA ponte já abriu.\nAmanhã há feira."
    assert runs_of("\n\n".join([*ENGLISH, poem])) == [("pt", poem)]


def test_lists_of_foreign_names_are_not_in_another_language():
    squad = "Alisson, Fagner, Thiago Silva, Miranda, Marcelo; Casemiro, Paulinho, Philippe Coutinho; Willian, Neymar."
    substitution = "Substitution, Bologna. Vasilis Torosidis replaces Domenico Maietta."
    assert runs_of("\n".join([*ENGLISH, squad, substitution])) == []


@pytest.mark.parametrize("language", [ENGLISH, PORTUGUESE, (GERMAN,)])
@pytest.mark.parametrize("separator", ["\n", "\n\n"])
def test_a_text_in_one_language_is_not_mixed(language, separator):
    assert mix(separator.join(language * 3)) is None


@pytest.mark.parametrize(
    "text", ["", "\n", "One line of text, and nothing else: forty letters and more than that.", "a\n" * 90]
)
def test_a_text_with_nothing_to_compare_is_not_cut(text):
    assert cut_blocks(text) == []


PIECES = st.sampled_from([*ENGLISH, *PORTUGUESE, GERMAN, *SHORT, "\n", "\r\n", "\n\n", " \n\t\n", "\u2029", "  ", "\v"])


@given(st.lists(PIECES, max_size=14).map("".join))
def test_between_blocks_there_is_only_white_space(text):
    end = 0
    for block in cut_blocks(text):
        assert end <= block.start < block.end
        assert not text[end : block.start].strip()
        assert block.letters == sum(map(str.isalpha, text[block.start : block.end]))
        end = block.end
    assert not end or not text[end:].strip()


@given(st.lists(PIECES, max_size=14).map("".join))
def test_runs_stand_in_order_and_are_no_white_space_at_their_ends(text):
    mixture = mix(text)
    end = 0
    for run in mixture.foreign if mixture else ():
        assert end <= run.start < run.end
        assert text[run.start : run.end] == text[run.start : run.end].strip()
        assert run.language != mixture.language
        end = run.end


def test_a_place_is_within_the_run_that_covers_it():
    runs = (LanguageRun(2, 4, "pt"), LanguageRun(6, 7, "de"))
    assert [at for at in range(9) if is_within(at, runs)] == [2, 3, 6]


HOSTILE = {
    "a letter a line": "a\n" * 500_000,
    "a letter a paragraph": "a\n\n" * 333_333,
    "short sentences": f"{'ab ' * (MIN_LETTERS // 2)}.\n" * 16_000,
    "full stops": "." * 1_000_000,
    "line breaks": "\n" * 1_000_000,
    "one word": "a" * 1_000_000,
    "languages in turn": "".join(f"{line}\n\n" for line in (*ENGLISH, *PORTUGUESE, GERMAN) * 2_200),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_million_characters_are_cut_into_few_blocks_quickly(text):
    start = time.process_time()
    blocks = cut_blocks(text)
    rankings = [[("en", 0.6), ("pt", 0.3)], [("pt", 0.9), ("de", 0.1)]]
    find_mixture(text, blocks, [rankings[at % 2] for at in range(len(blocks))], "en") if blocks else None
    assert len(blocks) <= 2 * MOST_BLOCKS
    assert time.process_time() - start < 1
