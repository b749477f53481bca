import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist_service.text import documents
from polygist_service.text.documents.base import BlockKind, Output, Splitting
from polygist_service.text.segmentation import MOST_CHARACTERS

TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("\n\r \t.!?…\"'”)\u2028\u2029\x85\u200d\u0301🙂Dr"),
    ),
    max_size=200,
)
# List markers and options of programmes in tables are in no segment.
MARKER = re.compile(r"[QAPR]:\s|\(?[^\W_]{1,7}[.)]\s|\[[xX]\]|-{1,2}\S+")


def parse(text, splitting=Splitting.PUNCTUATION_AND_NEWLINES, fits=lambda text: True):
    """A document whose segments fit."""
    document = documents.parse(text, language="en", splitting=splitting)
    return document.with_segments([piece for segment in document.segments for piece in document.cut(segment, fits)])


def pieces(document, outputs):
    """What comes of a document as the outputs of its segments come in."""
    rebuilder = document.rebuild()
    for output in outputs:
        yield rebuilder.add(Output(output))
    yield rebuilder.finish()


def rebuild(document, outputs):
    return "".join(pieces(document, outputs))


def texts(text, splitting=Splitting.PUNCTUATION_AND_NEWLINES, **options):
    return [segment.text for segment in parse(text, splitting, **options).segments]


@given(TEXT, st.integers(1, 30))
@example("One.\r\nTwo.\r\n\r\nThree", 5)
def test_a_document_rebuilt_from_its_own_segments_is_the_document(text, window):
    document = parse(text, fits=lambda piece: len(piece) <= window)
    rebuilder = document.rebuild()
    settled = [rebuilder.add(Output(text[segment.start : segment.end])) for segment in document.segments]
    assert "".join(settled) + rebuilder.finish() == text
    assert rebuilder.spans == [segment.span for segment in document.segments]
    assert all(len(segment.text) <= window for segment in document.segments)


@given(TEXT, st.sampled_from(Splitting))
def test_segments_stand_in_order_and_hold_every_letter(text, splitting):
    segments = parse(text, splitting).segments
    ends = [0, *(segment.end for segment in segments)]
    starts = [*(segment.start for segment in segments), len(text)]
    for end, start in zip(ends, starts, strict=True):
        assert end <= start
        assert not any(map(str.isalpha, MARKER.sub("", text[end:start])))


@given(TEXT, st.text(st.sampled_from("ab\n\r\u2028 ")))
def test_an_output_never_adds_a_line(text, output):
    document = parse(text)
    rebuilt = rebuild(document, [output] * len(document.segments))
    assert len(rebuilt.splitlines()) <= len(text.splitlines())


def test_structure_is_kept_to_the_letter():
    text = "  Title\r\n\r\n* One. Two!\t \n\n---\n 12:30 \n🙂\n\nLast"
    document = parse(text)
    assert [segment.text for segment in document.segments] == ["Title", "One.", "Two!", "Last"]
    assert rebuild(document, ["T", "U.", "D!", "Ú"]) == "  T\r\n\r\n* U. D!\t \n\n---\n 12:30 \n🙂\n\nÚ"


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
    assert not document.segments
    assert rebuild(document, []) == text


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
    rebuilt = rebuild(document, [output] * len(document.segments))
    assert len(rebuilt.splitlines()) == len(text.splitlines())


@pytest.mark.parametrize("splitting", list(Splitting))
@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a" + " " * 100_000 + "b", "a" + "\n" * 100_000 + "b", "a \n" * 30_000, "a. " * 30_000]
)
def test_a_huge_text_is_not_tokenised_whole(text, splitting):
    asked = []
    parse(text, splitting, fits=lambda piece: asked.append(len(piece)) or len(piece) <= 200)
    assert max(asked) <= MOST_CHARACTERS
    assert sum(asked) < 20 * len(text)


def test_the_pieces_come_as_the_outputs_do():
    document = parse("One.\n\nTwo.\n")
    settled = pieces(document, iter(["U.", "D."]))
    assert next(settled) == "U."
    assert list(settled) == ["\n\nD.", "\n"]


def test_a_missing_output_is_an_error():
    with pytest.raises(ValueError, match="1 of 2 segments have an output"):
        rebuild(parse("One. Two."), ["U."])


def test_blocks_are_lines_or_paragraphs_and_segments_know_theirs():
    text = "One. Two.\n\n12\nThree."
    document = parse(text)
    assert [text[block.start : block.end] for block in document.blocks] == ["One. Two.\n", "Three."]
    assert [(segment.text, segment.block) for segment in document.segments] == [("One.", 0), ("Two.", 0), ("Three.", 1)]
    assert [block.kind for block in parse("A\nb.\n\nC.", Splitting.PUNCTUATION).blocks] == [BlockKind.PARAGRAPH] * 2


def test_prose_is_the_sentences_of_chosen_blocks():
    document = parse("Title\n\nOne. Two.")
    assert [segment.text for segment in document.prose()] == ["Title", "One.", "Two."]
    assert list(document.prose({BlockKind.CODE})) == []


def test_each_mime_type_has_its_layout():
    assert documents.LAYOUTS.keys() == {"text/plain", "text/html", "text/markdown"}
    assert documents.parse("One. Two.", language="en", mime_type="text/plain").segments
