"""Pages as documents: what is read of them, and that nothing else changes."""

import re
import time
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polygist_service.errors import InvalidDocument
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
    """The words of a sentence in capitals, the last one first."""
    return [(span, word.upper()) for span, word in words[::-1]]


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


# Pages, and what they are with the words of each sentence turned round.
TURNED = [
    # Words that only tags part are read apart, and so are links in a row; not a letter or figures of one word.
    ("<a>ab cd</a><a>ef gh</a>", "<a>CD AB</a><a>GH EF</a>"),
    ("<b>ab.</b><i>Ef gh</i><u>5 x</u>", "<b>AB.</b><i>GH EF</i><u>X 5</u>"),
    ("<b>W</b><i>orld</i> is", "IS <b>WORLD</b><i></i>"),
    ("<a href=x>ab cd</a> &middot; <a href=y>ef</a>", "<a href=x>CD AB</a> &middot; <a href=y>EF</a>"),
    ("<a href=x>ab cd</a> &rsaquo; <b>ef gh</b>", "<a href=x>CD AB</a> &rsaquo; <b>GH EF</b>"),
    ("<a href=x>ab</a> of <b>ef</b>", "<b>EF</b> OF <a href=x>AB</a>"),
    # Tags go with their words, nested as they were, also where they cross or are missing.
    ("<p>One <b>two</b> three.</p>", "<p>THREE <b>TWO</b> ONE.</p>"),
    ("<p>One <b>two <i>three</i></b> four.", "<p>FOUR <b><i>THREE</i> TWO</b> ONE."),
    ("<b>one <i>two</b> three</i> four", "FOUR <b>THREE <i>TWO</b> ONE</i>"),
    ("<b>One two.</b> <i>Three four.</i>", "<b>TWO ONE.</b> <i>FOUR THREE.</i>"),
    ("<ul><li>One two<li>Three <em>four</em></ul>", "<ul><li>TWO ONE<li><em>FOUR</em> THREE</ul>"),
    ("a b</p>c d<p>e f</i>", "B A</p>D C<p>F E</i>"),
    ("<td>a <td>b c", "<td>A <td>C B"),
    ("<custom-tag>one two</custom-tag> three", "THREE <custom-tag>TWO ONE</custom-tag>"),
    # Line breaks of the source end nothing, <br> does; comments, images and the like stay next to their words.
    ("One\r\n  two\n\nthree <br>four five<br/>six", "THREE TWO ONE <br>FIVE FOUR<br/>SIX"),
    ("<p>one <!-- two --> three</p>", "<p><!-- two --> THREE ONE</p>"),
    ("One <img src=a alt='A cat'> two three", "THREE <img src=a alt='CAT A'> TWO ONE"),
    ("<ruby>one<rt>uno</rt></ruby> two", "TWO <ruby>ONE<rt>uno</rt></ruby>"),
    ("x y <!-- unclosed", "Y X <!-- unclosed"),
    ("x y <p title='z", "Y X <p title='z"),
    ("<p>a b</>c <i>d</i> <a x='</>'>e</a></p>", "<p><a x='</>'>E</a> <i>D</i> BC</> A</p>"),
    # White space stays on the sides of what has no words and of what is kept, on which it was.
    ("one <!-- a --> two <wbr>three", "<wbr>THREE <!-- a --> TWO ONE"),
    ("a <a href=c>[5]</a> b c", "C <a href=c>[5]</a> B A"),
    ("Press <img src=x>, now go", "GO <img src=x>, NOW PRESS"),
    ("<b>One two:</b>5 x", "<b>TWO ONE:</b>X 5"),
    ("&#84;wo &mdash; &#91;one&#93; [x] <i lang=en-fonipa>&#91;x&#93;</i>",
     "X &mdash; [ONE] [TWO] <i lang=en-fonipa>&#91;x&#93;</i>"),
    ("<img alt=a&#32;b src=x><img alt='a b'><p title=a.b>c", "<img alt=\"B A\" src=x><img alt='B A'><p title=B.A>C"),
    ("<!--[if IE]><p>one two</p><![endif]-->three four", "<!--[if IE]><p>one two</p><![endif]-->FOUR THREE"),
    # References are read, and written as they were; what must be one is.
    ("Tom &amp; Jerry &copy; me&nbsp;too", "TOO &amp; ME &copy; JERRY&nbsp;TOM"),
    ("&lt;b&gt; is <b>bold</b>", "&lt;<b>BOLD</b>&gt; IS B"),
    ("2 < 3 and R & D", "D < R AND 3 & 2"),
    ("AT&T one &lt;", "ONE&T AT &lt;"),
    ("one &#0; two &#0;", "TWO &#0; ONE &#0;"),
    # Some attributes are read, in the quotes that they have.
    ('<a href="?a=1&b=2" title="Say &quot;hi&quot; to Tom">go now</a>',
     '<a href="?a=1&b=2" title="TOM &quot;TO&quot; HI SAY">NOW GO</a>'),
    ("<input placeholder=name value='a b'><img alt='It\"s here'>",
     "<input placeholder=NAME value='a b'><img alt='HERE\"S IT'>"),
    ("<meta name=Description content='a b'><meta name=keywords content='a b'><link title='a b'>",
     "<meta name=Description content='B A'><meta name=keywords content='a b'><link title='a b'>"),
    ("<title>A &amp; B</title><textarea placeholder='a b'>c d</textarea>e f",
     "<title>B &amp; A</title><textarea placeholder='B A'>c d</textarea>F E"),
    # What is not to be translated, and what no one reads.
    ("<p>Press <kbd>Ctrl</kbd>+<kbd>C</kbd> now.</p>", "<p>NOW <kbd>Ctrl</kbd>+<kbd>C</kbd> PRESS.</p>"),
    ("<p translate=no>a b <b translate=yes>c d</b> e</p>f g", "<p translate=no>a b <b translate=yes>D C</b> e</p>G F"),
    ("<p translate=no>a b<p>c <i class='x notranslate'>d e</i> f",
     "<p translate=no>a b<p>F <i class='x notranslate'>d e</i> C"),
    ("<pre>a <b translate=yes>b c</b></pre><code>a b</code> c d",
     "<pre>a <b translate=yes>b c</b></pre><code>a b</code> D C"),
    ("<script>a='b c'</script><style>a b</style>c d<noscript>a <b>b</b></noscript><template>a b</template>",
     "<script>a='b c'</script><style>a b</style>D C<noscript><b>B</b> A</noscript><template>a b</template>"),
    ("cat <% if x > 3 %> sits<br>{{ user.name }} {% end %}", "SITS <% if x > 3 %> CAT<br>{{ user.name }} {% end %}"),
    # Numbers set higher are none of the number before, elements with spaces only keep them, formulas stay.
    ("one<sup><a>b</a></sup> two", "TWO ONE<sup><a>b</a></sup>"),
    ("one<sup>[note 1]</sup> two", "TWO ONE<sup>[note 1]</sup>"),
    ("<p>In 2025.<sup>2</sup> And 10<a href=x><sup>6</sup></a> now",
     "<p>2025 IN.<sup>2</sup> NOW 10<a href=x><sup>6</sup></a> AND"),
    ("H<sub>2</sub>O is CO<sub>2</sub> now", "NOW CO<sub>2</sub> IS H<sub>2</sub>O"),
    ("one <o:p></o:p><i>two<o:p>&nbsp;</o:p></i> three", "THREE <o:p></o:p><i>TWO<o:p>&nbsp;</o:p></i> ONE"),
    ("<svg><title>a b</title><style/><![CDATA[</svg>]]></svg>c d",
     "<svg><title>a b</title><style/><![CDATA[</svg>]]></svg>D C"),
    ("<svg><g>a b<p>c d", "<svg><g>a b<p>D C"),
    ("<math><mi>x</mi></math> is one", "<math><mi>x</mi></math> ONE IS"),
    ("<![CDATA[ x y ]]> z", "<![CDATA[ x y ]]> Z"),
    # Controls, cells and links in a row are read one by one; numbers are known as such.
    ("<select><option>a b<option selected>c d</select><label>e f <input></label> <button>g h</button>",
     "<select><option>B A<option selected>D C</select><label>F E <input></label> <button>H G</button>"),
    ("<nav><a href=1>One two</a> | <a href=2>Three four</a></nav>",
     "<nav><a href=1>TWO ONE</a> | <a href=2>FOUR THREE</a></nav>"),
    ("<span>$5</span><span>Red chair</span><i>In stock</i>", "<span>$5</span><span>CHAIR RED</span><i>STOCK IN</i>"),
    ("<b>The</b><i>re</i> was H<b>ar</b>ry<em>Published</em>",
     "<b>HARRY</b> WAS <b>THERE</b><i></i><em>PUBLISHED</em>"),
    ("<a href=1>Home now</a> &rsaquo; <span>Big chairs</span>",
     "<a href=1>NOW HOME</a> &rsaquo; <span>CHAIRS BIG</span>"),
    ("<table><tr><td>1.1<td>a b<tr><td>1.2<td>c d</table>", "<table><tr><td>1.1<td>B A<tr><td>1.2<td>D C</table>"),
    # What is hidden inside of a sentence is read apart from it.
    ("a <span style='display:none'>b c</span> d e", "E <span style='display:none'>C B</span> D A"),
]  # fmt: skip


def test_tags_go_with_their_words_and_all_else_stays():
    assert [(page, translate(page)) for page, _ in TURNED] == TURNED


# Pages in English with what they say of it, and what they say in Portuguese.
SAID = [
    ("<html><body lang=en>a</body>", '<html lang="pt-BR"><body lang=pt-BR>A</body>'),
    ("<html lang='fr' xml:lang='fr'>a", "<html lang='pt-BR' xml:lang='pt-BR'>A"),
    ("<html lang>a", '<html lang="pt-BR">A'),
    ("<div lang=en-GB>a</div>", "<div lang=pt-BR>A</div>"),
    ("<p lang=en></p><p lang=fr></p>a", "<p lang=pt-BR></p><p lang=fr></p>A"),
    # What is said to be in another language stays, but for what word processors say.
    ("He said <i lang=fr>bonjour monde</i> twice", "TWICE SAID <i lang=fr>bonjour monde</i> HE"),
    ("a <span lang=ja>日本</span> <span lang=fr-FR>b</span>", "<span lang=fr-FR>B</span> <span lang=ja>日本</span> A"),
    ("a <i lang=en-fonipa>b</i> c", "C <i lang=en-fonipa>b</i> A"),
    ("<code lang=en>a</code> b c", "<code lang=en>a</code> C B"),
]


def test_a_page_says_what_it_is_in_afterwards():
    assert [(page, translate(page, language="pt-BR")) for page, _ in SAID] == SAID


def test_what_is_read_of_a_page():
    page = (
        "<!DOCTYPE html><html lang=en_us><head><title>A &amp; B</title><meta name=description content='C'></head><body>"
        "<nav><a href=x>Home</a></nav><main><h2>One\n two</h2><div lang=fr>\n<p>Run <code>npm i</code> &lt;now&gt;.<br>"
        "Next<span hidden>no</span></p></div><pre>code</pre><p translate=no>Kept</p>"
        "<ul><li>Item <a href=y>link</a></ul></main>"
        "<td>1,5<img alt=picture><figcaption>Caption</figcaption><p hidden>Hidden</p><img alt='A cat'></body></html>"
    )
    layout = documents.read_layout(page, HTML)
    assert layout.language == "en-US"
    seen = [(each.text, each.kind.name, each.level, each.language) for each in layout.passages]
    assert seen == [
        ("A & B", "HEADING", 0, None), ("C", "OTHER", 0, None), ("Home", "PARAGRAPH", 0, None),
        ("One two", "HEADING", 2, None),
        ("Run npm i <now>.\nNext", "PARAGRAPH", 0, "fr"), ("Kept", "PARAGRAPH", 0, None),
        ("Item link", "LIST_ITEM", 0, None),
        ("1,5", "ROW", 0, None), ("Caption", "CAPTION", 0, None), ("Hidden", "PARAGRAPH", 0, None),
        ("A cat", "OTHER", 0, None),
    ]  # fmt: skip
    assert [each.text for each in layout.passages if each.is_hidden] == ["C", "Hidden", "A cat"]
    assert [each.text for each in layout.passages if each.is_aside] == ["Home"]
    assert [each.text for each in layout.passages if each.is_main] == [seen[at][0] for at in (3, 4, 5, 6)]
    assert [each.link_share for each in layout.passages if each.link_share] == [1.0, 0.5]
    read = layout.passages[4]
    assert page[slice(*layout.source_span(read, (4, 15)))] == "npm i</code> &lt;now&gt;"
    assert page[read.start :].startswith("<div lang=fr>")


def test_what_a_head_says_holds_in_it_alone():
    for end in ("</head><body>", "<body>", "</head>"):
        layout = documents.read_layout(f"<html lang=en><head lang=de><title>A</title>{end}<p>B</p>", HTML)
        assert [(each.text, each.language) for each in layout.passages] == [("A", "de"), ("B", None)]


def test_references_to_notes_are_not_read_and_a_line_break_ends_no_sentence():
    page = "<p>Old<sup><a href=x>[12]</a></sup> towns, 5 km<sup>2</sup><br>wide.<br>New<sup>&#91;3&#93;</sup> ones"
    (passage,) = documents.read_layout(page, HTML).passages
    assert passage.text == "Old towns, 5 km² wide.\nNew ones"


@settings(max_examples=50)
@given(PAGES)
@example('<a lang="de" href=x><div>Hund</div>\n</a> The dog sleeps.')
def test_a_page_may_be_parted_before_each_passage(page):
    layout = documents.read_layout(page, HTML)
    cuts = sorted({0, *(each.start for each in layout.passages), len(page)})
    parts = [layout.part(start, end) for start, end in pairwise(cuts)]
    assert "".join(part.text for part in parts) == page
    assert [each.text for part in parts for each in part.passages] == [each.text for each in layout.passages]
    whole = layout.split("en", Splitting.AUTOMATIC)
    found = []
    for start, part in zip(cuts, parts, strict=False):
        document = part.split("en", Splitting.AUTOMATIC)
        found += [(each.start + start, each.end + start, each.text) for each in document.segments]
        outputs = [write(each.text, turned) for each in document.segments]
        assert rebuild(document, outputs)[0]
    assert [each[:2] for each in found] == [each.span for each in whole.segments]


def test_words_are_found_where_they_are_written():
    page = '<p title="a &amp; b">One <b>tw&eacute;o</b> <code>x</code> three. Four <i>five</i></p>'
    document = parse(page)
    outputs = [write(each.text, turned) for each in document.segments[:-1]] + [Output(document.segments[-1].text)]
    written, rebuilder = rebuild(document, outputs)
    assert written == '<p title="B &amp; A">THREE <b>TW\u00c9O</b> <code>x</code> ONE. Four <i>five</i></p>'
    for index, (segment, output) in enumerate(zip(document.segments, outputs, strict=True)):
        for pair in output.alignment:
            source, target = document.source_span(segment, pair.source), rebuilder.target_span(index, pair.target)
            read, shown = (unescape(text[slice(*span)]) for text, span in ((page, source), (written, target)))
            assert read.upper() == shown
    five = rebuilder.target_span(2, (5, 9))
    assert written[slice(*five)] == "five"


def test_what_did_not_come_back_is_still_there_once():
    page = "<p>Run <code>a</code> or <b translate=no>b</b> <a href=x>now</a>.</p>"
    document = parse(page)
    first, second = (each for each in document.segments[0].text if ord(each) >= 0xF0000)
    for text in ("Nothing.", f"{first}{first} x {second}{second}", f"{second} y"):
        written, rebuilder = rebuild(document, [Output(text)])
        assert tags(written) == tags(page)
        assert written.count(">a<") == written.count(">b<") == 1
        assert rebuilder.doubts == [document.segments[0].span]


def test_no_break_spaces_stay_between_numbers_and_units():
    document = parse("<p>About 12&nbsp;km and <b>1.5&nbsp;km</b> far")
    written, _ = rebuild(document, [Output("Cerca de 12 km e 1,5 km longe")])
    assert written.startswith("<p>Cerca de 12&nbsp;km e ")
    assert "1,5&nbsp;km" in written
    written, _ = rebuild(parse("<p>5 apples, 20&nbsp;cl"), [Output("20 cl e 5 maçãs ou 7 x")])
    assert written == "<p>20&nbsp;cl e 5 maçãs ou 7 x"


def test_white_space_beside_what_is_kept_is_as_it_was():
    for page, change, shown in (
        ("<p>Use <code>x</code>(not y).", lambda text: text.replace("(", " ("), "<p>Use <code>x</code>(not y)."),
        ("<p>Use <code>x</code> or y.", lambda text: text.replace(" or", "ou"), "<p>Use <code>x</code> ou y."),
        (
            "<p>Hold it <svg></svg>, go.",
            lambda _: "Segure e, em seguida, vá.",
            "<p>Segure e, em seguida <svg></svg>, vá.",
        ),
    ):
        document = parse(page)
        assert rebuild(document, [Output(change(document.segments[0].text))])[0] == shown


def test_where_sentences_end_is_said_by_the_caller():
    page = "<p>One two. Three<br>four <b>more</b><br><br>five</p>"
    texts = {each: [segment.text for segment in parse(page, each).segments] for each in Splitting}
    lines = ["One two.", "Three", "four more", "five"]
    assert texts[Splitting.AUTOMATIC] == texts[Splitting.PUNCTUATION_AND_NEWLINES] == lines
    assert texts[Splitting.PUNCTUATION] == ["One two.", "Three four more", "five"]
    assert texts[Splitting.NONE] == ["One two. Three four more", "five"]
    shown = "<p><b>MORE</b> FOUR. THREE<br>TWO ONE<br><br>FIVE</p>"
    assert translate(page, splitting=Splitting.NONE) == shown


BOMBS = [
    ("<div>" * 100_000, "nested more than 512 deep"),
    ("".join(f"<b a={at}>" for at in range(1000)), "nested more than 512 deep"),
    ("<ul><li>" * 50_000, "nested more than 512 deep"),
    ("<table><tr><td>" * 50_000, "nested more than 512 deep"),
    ("<p " + "a=1 " * 1_000_000 + ">", "more than 1,000 attributes"),
    ("<p>" * 300_000, "more than 150,000 tags"),
    ("</b>" * 250_000, "more than 150,000 tags"),
]


def test_hostile_pages_are_refused_at_once():
    begun = time.process_time()
    for page, message in BOMBS:
        with pytest.raises(InvalidDocument, match=message):
            documents.read_layout(page, HTML)
    assert time.process_time() - begun < 2 * len(BOMBS)


@pytest.mark.parametrize(
    "unit", ["<b>One ", "&", "<svg><![CDATA[", "<code>a</code>", "x</a><a href=y>", "<i lang=fr>x</i> ", "<"]
)
def test_odd_pages_are_read_in_linear_time(unit):
    page = "<p>" + unit * 4000
    begun = time.process_time()
    assert rebuild(document := parse(page), [Output(each.text) for each in document.segments])[0] == page
    assert time.process_time() - begun < 5
