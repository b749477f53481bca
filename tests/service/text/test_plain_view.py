"""The plain text of documents, and where in it their parts stand."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist_service.errors import InvalidDocument
from polygist_service.text.documents import LAYOUTS, read_layout
from polygist_service.text.documents.base import HTML, MARKDOWN, PLAIN, Splitting
from polygist_service.text.documents.plain_view import PlainView

PIECES = [
    *(
        "Good <b>mor",
        "ning</b>. ",
        "<p>",
        "</p>",
        "**we** ",
        "`x` ",
        "![a *b*](c) ",
        "&amp; ",
        "\n\n",
        "- ",
        "\\* ",
        "# ",
    ),
    *("<img alt='a lamp'>", "<i title=t>", "| a | b |\n|---|---|\n| c d | e |\n", "caf\u00e9 ", "\U0001f600", "\r\n"),
    *("<input placeholder='name'>", "<!-- no -->", "[a](b 'c')", "<p hidden>", "# ", "[^1]", "\n[^1]: a note\n"),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)


def read(text, mime_type):
    """The layout of a text; one that is too deep is no document."""
    try:
        return read_layout(text, mime_type)
    except InvalidDocument:
        return read_layout("", mime_type)


@given(st.lists(st.tuples(TEXTS, st.sampled_from(sorted(LAYOUTS))), max_size=3), st.integers(0, 60), st.integers(0, 60))
@example([("<p>a<img alt=b>c", HTML), ("", PLAIN), ("a ![b](c) d", MARKDOWN)], 0, 9)
def test_every_character_that_is_read_is_found_where_it_stands(texts, low, length):
    layouts = [read(*each) for each in texts]
    view = PlainView(layouts)
    assert view.text == "\n".join(passage.text for layout in layouts for passage in layout.passages)
    place = 0
    for index, layout in enumerate(layouts):
        start, end = view.span(index, (low, low + length))
        assert 0 <= start <= end <= len(view.text)
        for passage in layout.passages:
            starts = list(layout.starts(passage))[: len(passage.text)]
            assert len(starts) == len(passage.text)
            assert starts == sorted(starts)
            for at, source in enumerate(starts):
                span = view.span(index, (source, source + 1))
                assert span[0] <= place + at < span[1]
            place += len(passage.text) + 1


@pytest.mark.parametrize(("mime_type", "text"), [
    (PLAIN, "Good morning.\r\n\r\n  How are\r\nyou? - I am."),
    (HTML, "<p>Good &amp; <b>early</b> mor<i>ning</i>.</p><p>How <img alt='x y'> are you?</p><td>Cell one<td>Two"),
    (MARKDOWN, "# Good *morning*\n\nHow are `you`, my\n> friend? [We](x) \\* 2.\n\n| a b | c |\n|--|--|\n| d | e f |"),
])  # fmt: skip
def test_each_segment_is_read_there(mime_type, text):
    layout = read_layout(text, mime_type)
    view = PlainView([layout])
    document = layout.split("en", Splitting.AUTOMATIC)
    asides = [each.span for each in document.segments if view.span(0, each.span)[0] == view.span(0, each.span)[1]]
    view = view.with_asides({0: asides})
    for segment in document.segments:
        shown = view.text[slice(*view.span(0, segment.span))]
        assert {*re.findall(r"\w+", segment.text)} <= {*re.findall(r"\w+", shown)}
        assert len(shown) < len(segment.text) + len("you")
    assert [view.text[slice(*view.span(0, each))] for each in asides] == [text[slice(*each)] for each in asides]
    for each in asides:
        start, _ = view.inner_span(0, (each[0] + 1, each[1]), each)
        assert view.text[start] == text[each[0] + 1]


def test_what_is_not_read_is_an_empty_span():
    view = PlainView([read_layout("<hr><p>Good.</p><hr>", HTML), read_layout("", PLAIN), read_layout("<hr>", HTML)])
    assert view.text == "Good.\n"
    assert [view.span(0, span) for span in ((0, 4), (15, 20), (0, 20))] == [(0, 0), (6, 6), (0, 5)]
    assert view.span(1, (0, 0)) == view.span(2, (0, 4)) == (6, 6)
