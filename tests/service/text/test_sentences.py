import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist_service.text.segmentation import split_sentences

TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(" .!?…\"'”)\n\r\u2028🙂\u0301\u200dDr")),
    max_size=200,
)


def sentences(text, language="en"):
    return [text[start:end].strip() for start, end in split_sentences(text, language)]


@given(TEXT, st.sampled_from(["en", "pt", "pt-BR", "zh-Hans", "und"]))
@example("🙂 One. 🙂 Two.", "en")
def test_spans_cover_the_text_without_gap_or_overlap(text, language):
    end = 0
    for start, stop in split_sentences(text, language):
        assert start == end < stop
        end = stop
    assert end == len(text)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Mr. Jones met Dr. Ruth A. Hall at No. 7 of the street."),
        ("en", "It opens on Feb. 3 (see p. 12)."),
        ("pt", "O Sr. Costa e a Dra. Lima moram na Av. Brasil."),
        ("pt-BR", "Veja o art. 5 e a pág. 12, p.ex. Aqui."),
        ("fr", "Le texte de J. R. Martin est long."),
        ("en", 'He asked why." '),
    ],
)
def test_an_abbreviation_ends_no_sentence(language, text):
    assert sentences(text, language) == [text.strip()]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "No. It was late.", ["No.", "It was late."]),
        ("en", "So do I. We left.", ["So do I.", "We left."]),
        ("pt", "Gosto do mar. Nado muito.", ["Gosto do mar.", "Nado muito."]),
        ("en", 'He said "Go." ” She went.', ['He said "Go." ”', "She went."]),
        ("en", "The work of Dr.\nJones", ["The work of Dr.", "Jones"]),
        ("ja", "今日は晴れ。明日は雨。", ["今日は晴れ。", "明日は雨。"]),
    ],
)
def test_a_sentence_ends(language, text, expected):
    assert sentences(text, language) == expected


def test_a_lone_surrogate_is_no_text():
    with pytest.raises(UnicodeEncodeError):
        split_sentences("a\ud800b", "en")
