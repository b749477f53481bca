"""Pages as documents: what is read of them, and that nothing else changes."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st
from polygist_service.text import documents
from polygist_service.text.alignment import AlignedPair
from polygist_service.text.documents.base import Output, Splitting
from polygist_service.text.documents.html.tokens import TokenKind, read_tokens

HTML = "text/html"
ANY_TEXT = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("<>/=\"'&;!- \r\n\0ab.\U000f0000")), max_size=80
)
PIECES = st.sampled_from(
    [
        *(
            "<p>",
            "</p>",
            "<b>",
            "</b>",
            "<i lang=fr>",
            "</i>",
            "<a href='?a=1&b'>",
            "</a>",
            "<span>",
            "</span>",
            "<br>",
        ),
        *(
            "<div lang='en'>",
            "</div>",
            "<ul><li>",
            "</li></ul>",
            "<table><tr><td>",
            "</td></tr></table>",
            "<h1>",
            "</h1>",
        ),
        *(
            "<code>",
            "</code>",
            "<pre>",
            "</pre>",
            "<span translate=no>",
            "<b translate='yes'>",
            "<p hidden>",
            "<i hidden>",
        ),
        *(
            "<img alt='A cat. It sleeps.'>",
            "<img alt=cat>",
            '<input placeholder="Your &quot;name&quot;">',
            "<!-- One -->",
        ),
        *(
            "<svg><path/></svg>",
            "<svg>",
            "</svg>",
            "<math>x</math>",
            "<script>a<b</script>",
            "<style>",
            "<select><option>",
        ),
        *(
            "<html>",
            "<html lang=en>",
            "<body>",
            "</body></html>",
            "<title>",
            "</title>",
            "<!DOCTYPE html>",
            "<?x?>",
            "<textarea>",
        ),
        *(
            "<meta name=description content='A page'>",
            "<button title=Go>",
            "</button>",
            "<ruby>",
            "<rt>",
            "</ruby>",
            "<wbr>",
        ),
        *(
            "One two. ",
            "Three <four. ",
            "&amp; ",
            "&nbsp;",
            "&eacute;t&eacute; ",
            "1,234.5 ",
            "five\r\nsix ",
            " ",
            ".",
            "é",
            "&copy",
        ),
        *("</", "<", "<a b='", "</>", "&", "<![CDATA[ x ]]>", "\U000f0001"),
    ]
)
PAGES = st.one_of(ANY_TEXT, st.lists(PIECES, max_size=14).map("".join))
WORD = re.compile(r"[^\W_]+")


def parse(page, splitting=Splitting.AUTOMATIC, *, language="en", window=10**9):
    document = documents.parse(page, language=language, splitting=splitting, mime_type=HTML)
    cut = [piece for each in document.segments for piece in document.cut(each, lambda text: len(text) <= window)]
    return document.with_segments(cut)


def rebuild(document, outputs, language=""):
    """What comes of a document; what it settles one by one is what it is as a whole."""
    rebuilder = document.rebuild(language)
    return "".join([rebuilder.add(output) for output in outputs]) + rebuilder.finish(), rebuilder


def write(text, change):
    """An output of a sentence whose words are changed, with the alignment that a model would tell."""
    places = [found.span() for found in WORD.finditer(text)]
    written, pairs, at = "", [], 0
    for place, (source, shown) in zip(places, change([(span, text[slice(*span)]) for span in places]), strict=True):
        written += text[at : place[0]]
        pairs.append(AlignedPair(source, (len(written), len(written) + len(shown))))
        written += shown
        at = place[1]
    return Output(written + text[at:], tuple(pairs))


def turned(words):
    return words[::-1]


def translate(page, change=turned, language="", **options):
    document = parse(page, **options)
    return rebuild(document, [write(each.text, change) for each in document.segments], language)[0]


@settings(max_examples=150)
@given(PAGES, st.sampled_from(Splitting), st.integers(3, 40))
@example("<p>a</>b", Splitting.NONE, 3)
def test_a_page_with_its_own_words_is_the_page(page, splitting, window):
    document = parse(page, splitting, window=window)
    written, rebuilder = rebuild(document, [Output(each.text) for each in document.segments])
    assert written == page
    assert rebuilder.spans == [each.span for each in document.segments]
    assert not rebuilder.doubts
    for segment in document.segments:
        assert document.source_span(segment, (0, len(segment.text))) == segment.span


@settings(max_examples=150)
@given(PAGES, st.sampled_from([Splitting.AUTOMATIC, Splitting.NONE]), st.data())
def test_all_but_the_words_is_kept_whatever_is_written(page, splitting, data):
    document = parse(page, splitting, window=12)
    texts = [
        data.draw(
            st.one_of(
                st.just(each.text), st.sampled_from(["x", "", "y & <z> \"'"]), st.permutations(each.text).map("".join)
            )
        )
        for each in document.segments
    ]
    written, rebuilder = rebuild(document, [Output(each) for each in texts])
    assert len(rebuilder.spans) == len(texts)
    assert tags(written) == tags(page)


def tags(page):
    """The tags, comments and else of a page, in any order, without the values of attributes that are read."""
    tokens = [page[each.start : each.end] for each in read_tokens(page) if each.kind is not TokenKind.TEXT]
    return sorted(READ_VALUE.sub("", each) for each in tokens)


READ_VALUE = re.compile(r"\b(?:alt|title|placeholder|content)=(?:\"[^\"]*\"|'[^']*'|[^\s>]*)")
