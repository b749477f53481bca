import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_service.summarisation.rendering import Rendering, escape_markdown
from polygist_service.summarisation.types import Form


def render(sentences, *, form, markdown, lines=()):
    rendering = Rendering(form=form, markdown=markdown)
    pieces = [rendering.add(sentence, is_line=at in lines) for at, sentence in enumerate(sentences)]
    assert pieces == rendering.pieces
    return "".join(pieces), rendering.spans


@given(st.lists(st.text(min_size=1)), st.sampled_from(Form), st.booleans(), st.sets(st.integers(0, 5)))
def test_spans_are_where_the_sentences_stand(sentences, form, markdown, lines):
    text, spans = render(sentences, form=form, markdown=markdown, lines=lines)
    shown = [escape_markdown(sentence) if markdown else sentence for sentence in sentences]
    assert [text[start:end] for start, end in spans] == shown


def test_a_paragraph_is_one_line_and_key_points_are_one_each():
    sentences = ["One.", "Two."]
    assert render(sentences, form=Form.PARAGRAPH, markdown=False) == ("One. Two.", [(0, 4), (5, 9)])
    assert render(sentences, form=Form.KEY_POINTS, markdown=False) == ("One.\nTwo.", [(0, 4), (5, 9)])
    assert render(sentences, form=Form.KEY_POINTS, markdown=True) == ("- One.\n- Two.", [(2, 6), (9, 13)])
    assert render([], form=Form.KEY_POINTS, markdown=True) == ("", [])


@pytest.mark.parametrize(
    ("sentences", "text"),
    [
        (["桥关闭了。", "“我们等待。”", "好！"], "桥关闭了。“我们等待。”好！"),
        (["橋は閉鎖です。", "「待ちました。」"], "橋は閉鎖です。「待ちました。」"),
        (["桥关闭了。", "BBC says so."], "桥关闭了。 BBC says so."),
        (["สะพานปิด", "เรือมา"], "สะพานปิด เรือมา"),
        (["다리는 닫혔다.", "배가 온다."], "다리는 닫혔다. 배가 온다."),
    ],
)
def test_sentences_are_parted_as_their_script_does(sentences, text):
    assert render(sentences, form=Form.PARAGRAPH, markdown=False)[0] == text


def test_what_is_no_sentence_has_a_line_of_its_own():
    sentences = ["One.", "Two", "Three.", "Four."]
    assert render(sentences, form=Form.PARAGRAPH, markdown=False, lines={1})[0] == "One.\nTwo\nThree. Four."
    assert render(sentences, form=Form.PARAGRAPH, markdown=True, lines={1})[0] == "One.\n\nTwo\n\nThree. Four."
    assert render(sentences, form=Form.KEY_POINTS, markdown=True, lines={1})[0].count("\n") == 3


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("2 * 3 is 6", r"2 \* 3 is 6"),
        ("snake_case [link](url) <b> `code` a|b ~c~", r"snake\_case \[link\](url) \<b\> \`code\` a\|b \~c\~"),
        ("# no heading", r"\# no heading"),
        ("- no list", r"\- no list"),
        ("2024. A year", r"2024\. A year"),
        ("3.5 per cent", "3.5 per cent"),
        ("R&D", r"R\&D"),
        ("Plain words (so); it's fine!", "Plain words (so); it's fine!"),
    ],
)
def test_markdown_shows_a_sentence_as_it_is(text, escaped):
    assert escape_markdown(text) == escaped
