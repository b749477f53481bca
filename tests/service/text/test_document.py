import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist_service.text.documents.plain import PlainDocument, Splitting
from polygist_service.text.segmentation import MOST_CHARACTERS

TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("\n\r \t.!?…\"'”)\u2028\u2029\x85\u200d\u0301🙂Dr"),
    ),
    max_size=200,
)


def parse(text, splitting=Splitting.PUNCTUATION_AND_NEWLINES, fits=lambda text: True):
    return PlainDocument.parse(text, language="en", splitting=splitting, fits=fits)


def texts(text, splitting=Splitting.PUNCTUATION_AND_NEWLINES, **options):
    return [segment.text for segment in parse(text, splitting, **options).segments]


@given(TEXT, st.integers(1, 30))
@example("One.\r\nTwo.\r\n\r\nThree", 5)
def test_a_document_rebuilt_from_its_own_segments_is_the_document(text, window):
    document = parse(text, fits=lambda piece: len(piece) <= window)
    rebuilt = document.rebuild([text[segment.start : segment.end] for segment in document.segments])
    assert rebuilt.text == text
    assert rebuilt.spans == tuple((segment.start, segment.end) for segment in document.segments)
    assert all(len(segment.text) <= window for segment in document.segments)


@given(TEXT, st.sampled_from(Splitting))
def test_segments_stand_in_order_and_hold_every_letter(text, splitting):
    segments = parse(text, splitting).segments
    ends = [0, *(segment.end for segment in segments)]
    starts = [*(segment.start for segment in segments), len(text)]
    for end, start in zip(ends, starts, strict=True):
        assert end <= start
        assert not any(map(str.isalpha, text[end:start]))


@given(TEXT, st.text(st.sampled_from("ab\n\r\u2028 ")))
def test_an_output_never_adds_a_line(text, output):
    document = parse(text)
    rebuilt = document.rebuild([output] * len(document.segments))
    assert len(rebuilt.text.splitlines()) <= len(text.splitlines())
    assert "".join(document.deltas([output] * len(document.segments))) == rebuilt.text


def test_structure_is_kept_to_the_letter():
    text = "  Title\r\n\r\n* One. Two!\t \n\n---\n 12:30 \n🙂\n\nLast"
    document = parse(text)
    assert [segment.text for segment in document.segments] == ["Title", "* One.", "Two!", "Last"]
    assert document.rebuild(["T", "* U.", "D!", "Ú"]).text == "  T\r\n\r\n* U. D!\t \n\n---\n 12:30 \n🙂\n\nÚ"


def test_wrapped_lines_are_one_segment_where_only_punctuation_counts():
    text = "A sentence that\nwas wrapped\r\nby hand. Another.\n\nNext paragraph\nhere"
    assert texts(text, Splitting.PUNCTUATION) == [
        "A sentence that was wrapped by hand.",
        "Another.",
        "Next paragraph here",
    ]


def test_without_splitting_a_paragraph_is_a_segment():
    assert texts("One. Two.\nThree.\r\n\r\nFour.", Splitting.NONE) == ["One. Two. Three.", "Four."]


@pytest.mark.parametrize("splitting", list(Splitting))
@pytest.mark.parametrize("text", ["", "   ", "\n\n", "12 — 34", "🙂🙂", "\u200b"])
def test_what_has_no_letters_has_no_segments(text, splitting):
    document = parse(text, splitting)
    assert document.segments == ()
    assert document.rebuild([]).text == text


def test_a_long_sentence_is_cut_at_its_best_places():
    text = "first part of it; second part, with a comma and more words than fit"
    segments = parse(text, fits=lambda piece: len(piece) <= 32).segments
    assert [segment.text for segment in segments] == [
        "first part of it;",
        "second part, with a comma and",
        "more words than fit",
    ]
    assert all(segment.hard_split for segment in segments)


def test_a_long_word_is_cut_but_not_between_a_letter_and_its_accent():
    segments = parse("e\u0301" * 10, fits=lambda piece: len(piece) <= 5).segments
    assert "".join(segment.text for segment in segments) == "e\u0301" * 10
    assert all(segment.text.startswith("e") for segment in segments)


@given(TEXT, st.text(st.sampled_from("ab\n\r\u2028 "), min_size=1))
def test_line_n_stays_line_n(text, output):
    document = parse(text)
    rebuilt = document.rebuild([output] * len(document.segments))
    assert len(rebuilt.text.splitlines()) == len(text.splitlines())


@pytest.mark.parametrize("splitting", list(Splitting))
@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a" + " " * 100_000 + "b", "a" + "\n" * 100_000 + "b", "a \n" * 30_000, "a. " * 30_000]
)
def test_a_huge_text_is_not_tokenised_whole(text, splitting):
    asked = []
    parse(text, splitting, fits=lambda piece: asked.append(len(piece)) or len(piece) <= 200)
    assert max(asked) <= MOST_CHARACTERS
    assert sum(asked) < 20 * len(text)


def test_the_deltas_come_as_the_outputs_do():
    document = parse("One.\n\nTwo.\n")
    deltas = document.deltas(iter(["U.", "D."]))
    assert next(deltas) == "U."
    assert list(deltas) == ["\n\n", "D.", "\n"]


def test_a_missing_output_is_an_error():
    with pytest.raises(ValueError, match="shorter"):
        parse("One. Two.").rebuild(["U."])
