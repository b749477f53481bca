import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist_service.summarisation.composition import LOOKAHEAD, Composition
from polygist_service.summarisation.types import Form, SummaryRequest

SENTENCES = [
    "The council of Marlow voted.",
    "A ferry runs until May.",
    "Dr. Rivera paid 3.5 million.",
    "Nobody was hurt!",
]
TEXT = " ".join(SENTENCES)


def compose(language="en", **fields):
    return Composition(SummaryRequest(contents=[], **{"max_sentences": 9, **fields}), language)


def grow(text, cuts):
    """Starts of a text, each longer than the one before."""
    return [text[:cut].strip() for cut in sorted(cuts) if cut < len(text)]


written = st.lists(
    st.sampled_from(
        [
            *SENTENCES,
            "Here is a summary:",
            "- A point. ",
            "\n2. Another point",
            "\n\n",
            "# Title\n",
            "e.g. the U.S. ",
            '"Who pays?" he asked. ',
            "1984. ",
            "…",
            "A. B. Smith ",
            "word ",
        ]
    )
    | st.text(max_size=20),
    max_size=14,
).map(" ".join)


@example(f"{SENTENCES[0]} Here is a summary: e.g. the U.S.  A  {SENTENCES[0]}", {75}, Form.PARAGRAPH, "en")
@given(written, st.sets(st.integers(0, 300)), st.sampled_from(Form), st.sampled_from(["en", "pt"]))
def test_sentences_are_the_same_in_whatever_pieces_the_text_comes(text, cuts, form, language):
    text = text.strip()
    wanted = compose(language, form=form).finish([text])
    growing = compose(language, form=form)
    early = [sentence for start in grow(text, cuts) for sentence in growing.add(start)]
    assert [*early, *growing.finish([text])] == wanted


def test_a_sentence_is_certain_a_few_characters_behind_its_end():
    composition, end = compose(), len(SENTENCES[0])
    assert composition.add(TEXT[: end + LOOKAHEAD - 1]) == []
    assert composition.add(TEXT[: end + LOOKAHEAD]) == [SENTENCES[0]]
    assert composition.add(TEXT[: end + LOOKAHEAD]) == []
    assert composition.finish([TEXT]) == SENTENCES[1:]


def test_an_abbreviation_ends_no_sentence_however_the_text_comes():
    composition, found = compose(), []
    for end in range(len(TEXT)):
        found += composition.add(TEXT[:end])
    assert [*found, *composition.finish([TEXT])] == SENTENCES
    assert found == SENTENCES[:3]


def test_what_was_certain_stays_where_another_text_is_written_instead():
    """It goes on after as many sentences as were certain."""
    composition = compose()
    assert composition.add(" ".join([*SENTENCES[:2], "And so on and on and on and on."])) == SENTENCES[:2]
    rewritten = ["The council voted.", "A ferry runs.", *SENTENCES[2:]]
    assert composition.finish([" ".join(rewritten)]) == SENTENCES[2:]


def test_a_longer_end_of_the_same_text_is_no_other_text():
    composition = compose()
    assert composition.add(f"{SENTENCES[0]} {SENTENCES[1]}") == SENTENCES[:1]
    assert composition.finish([" ".join([SENTENCES[0], SENTENCES[3]])]) == [SENTENCES[3]]


def test_several_texts_are_one_summary_without_what_they_repeat():
    assert compose().finish([" ".join(SENTENCES[:2]), " ".join(SENTENCES[1:])]) == SENTENCES
    assert compose().finish([]) == []


@pytest.mark.parametrize("text", ["Here it is:\n- One is here.\n- Two is there.", "One is here. Two is there."])
def test_what_announces_a_summary_is_none(text):
    composition, found = compose(), []
    for end in range(len(text)):
        found += composition.add(text[:end])
    assert [*found, *composition.finish([text])] == ["One is here.", "Two is there."]


def test_an_announcement_that_nothing_follows_is_what_there_is():
    assert compose().finish(["Here it is:"]) == ["Here it is:"]


def test_there_are_as_many_as_there_is_room_for_however_long_the_text_grows():
    composition, found = compose(max_sentences=2), []
    for end in range(len(TEXT)):
        found += composition.add(TEXT[:end])
    assert [*found, *composition.finish([TEXT])] == SENTENCES[:2]
