"""Documents of Word: what is translated of them, and what comes back as it was."""

import pytest

from tests.service.text.files.word_documents import (
    DECLARATIONS,
    make_docx,
    page_of,
    part,
    read_bytes,
    read_part,
    read_word,
    rewrite,
    write,
)

SPACE = ' xml:space="preserve"'


def run(text, properties=""):
    space = SPACE if text != text.strip() or "  " in text else ""
    shown = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f"<w:r>{shown}<w:t{space}>{text}</w:t></w:r>"


def bold(text):
    return run(text, "<w:b/>")


def mark(inner, properties=""):
    shown = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f"<w:r>{shown}{inner}</w:r>"


def field(code, result):
    begin, separate, end = (mark(f'<w:fldChar w:fldCharType="{kind}"/>') for kind in ("begin", "separate", "end"))
    return f"{begin}{mark(f'<w:instrText> {code} </w:instrText>')}{separate}{result}{end}"


def begin_field(code):
    return field(code, "").replace(mark('<w:fldChar w:fldCharType="end"/>'), "")


def paragraph(*runs):
    return f"<w:p>{''.join(runs)}</w:p>"


def around(name, inner, attributes=""):
    return f"<w:{name}{attributes}>{inner}</w:{name}>"


def control(kind, inner):
    return f"<w:sdt><w:sdtPr>{kind}</w:sdtPr><w:sdtContent>{inner}</w:sdtContent></w:sdt>"


def rule_of(say):
    """A base with something above it."""
    ruby = f"<w:rubyPr/><w:rt>{run('ka')}</w:rt><w:rubyBase>{run(say('base'))}</w:rubyBase>"
    return run(say("One ")) + mark(f"<w:ruby>{ruby}</w:ruby>") + run(say(" two"))


def comment(number, inner):
    start, end = (f'<w:commentRange{edge} w:id="{number}"/>' for edge in ("Start", "End"))
    return f"{start}{inner}{end}{mark(f'<w:commentReference w:id={chr(34)}{number}{chr(34)}/>')}"


def bookmark(number, edge):
    return f'<w:bookmark{edge} w:id="{number}"/>'


# What is in a paragraph, written in some way, and what is read of it. What is kept is written in one way only.
KEPT = {
    "words": (lambda say: run(say("One two.")), "One two."),
    "marks of XML": (lambda say: run(say("A &lt; b")), "A &lt; b"),
    "properties": (lambda say: '<w:pPr><w:keepNext/></w:pPr>' + run(say("One")), "One"),
    "bold": (
        lambda say: run(say("The red ")) + bold(say("car")) + run(say(" is here.")),
        "The red <b id=0>car</b> is here.",
    ),
    "whole in italics": (lambda say: run(say("One "), "<w:i/>") + bold(say("two")), "One <b id=0>two</b>"),
    "underlined": (
        lambda say: run(say("One two ")) + run(say("three"), '<w:u w:val="single"/>'),
        "One two <u id=0>three</u>",
    ),
    "coloured": (
        lambda say: run(say("One two ")) + run(say("three"), '<w:color w:val="FF0000"/>'),
        "One two <font id=0>three</font>",
    ),
    "raised": (
        lambda say: run(say("mc")) + run("2", '<w:vertAlign w:val="superscript"/>') + run(" H")
        + run("2", '<w:position w:val="-2"/><w:sz w:val="10"/>') + run("O"),
        "mc<sup id=0>2</sup> H<sub id=1>2</sub>O",
    ),
    "hidden": (
        lambda say: run(say("One ")) + run(say("secret "), "<w:vanish/>") + run(say("two")),
        "One <font hidden id=0>secret </font>two",
    ),
    "on that a switch turns off": (
        lambda say: run(say("One two ")) + run(say("three"), '<w:rStyle w:val="X"/><w:b w:val="0"/>'),
        "One two <font id=0>three</font>",
    ),
    "tabs and breaks": (
        lambda say: f"<w:r><w:tab/><w:t>{say('One')}</w:t><w:tab/><w:br/><w:t>{say('two')}</w:t></w:r>",
        "<br id=0>One<br id=1>two",
    ),
    "hyphens": (
        lambda say: f"<w:r><w:t>{say('co')}</w:t><w:noBreakHyphen/><w:t>{say('op')}</w:t><w:softHyphen/></w:r>",
        "co\u2011op\u00ad",
    ),
    "spaces that place words": (lambda say: run(say("Name:     Date")), "Name:<br id=0>Date"),
    "link": (
        lambda say: run(say("See ")) + around("hyperlink", run(say("it"), "<w:u/>"), ' w:anchor="x"')
        + run(say(" now.")),
        'See <a href="#" id=0>it</a> now.',
    ),
    "bold in a link": (
        lambda say: around("hyperlink", run(say("See it ")) + bold(say("now")), ' w:anchor="x"'),
        '<a href="#" id=0>See it <b id=1>now</b></a>',
    ),
    "footnote": (
        lambda say: run(say("One")) + mark('<w:footnoteReference w:id="2"/>', '<w:rStyle w:val="F"/>')
        + run(say(" two.")),
        "One<img id=0> two.",
    ),
    "symbol": (lambda say: run(say("One ")) + mark('<w:sym w:char="F0E0"/>') + run(say(" two")), "One <img id=0> two"),
    "signs of a font": (
        lambda say: run(say("One ")) + run("abc", '<w:rFonts w:ascii="Wingdings"/>') + run(say(" two ") + "\uf0b7"),
        "One <img id=0> two <img id=1>",
    ),
    "bookmark": (
        lambda say: run(say("One ")) + bookmark(0, "Start") + run(say("two")) + bookmark(0, "End") + run(say(" three")),
        "One <span id=0>two</span> three",
    ),
    "bookmark of nothing": (
        lambda say: run(say("One ")) + bookmark(0, "Start") + bookmark(0, "End") + run(say("two")),
        "One <img id=0>two",
    ),
    "bookmarks that overlap": (
        lambda say: bookmark(0, "Start") + run(say("One ")) + bookmark(1, "Start") + run(say("two"))
        + bookmark(0, "End") + run(say(" three")) + bookmark(1, "End"),
        "<span id=0>One <img id=1>two</span> three<img id=2>",
    ),
    "comment": (
        lambda say: comment(3, run(say("One ")) + bold(say("two"))) + run(say(" three four")),
        "<span id=0>One <b id=1>two</b></span><img id=2> three four",
    ),
    "range that begins elsewhere": (
        lambda say: run(say("One ")) + '<w:permEnd w:id="1"/>' + run(say("two")) + '<w:permStart w:id="2"/>',
        "One <img id=0>two<img id=1>",
    ),
    "field with a number": (
        lambda say: run(say("Page ")) + field("PAGE", run("1")) + run(say(" of ")) + field("NUMPAGES", run("5")),
        "Page <span translate=no id=0>1</span> of <span translate=no id=1>5</span>",
    ),
    "field without a result": (
        lambda say: run(say("One")) + field("XE x", "").replace(mark('<w:fldChar w:fldCharType="separate"/>'), ""),
        "One<img id=0>",
    ),
    "field that is a link": (
        lambda say: run(say("See ")) + field("HYPERLINK x", run(say("it"), "<w:u/>")) + run(say(" now")),
        "See <span id=0>it</span> now",
    ),
    "field in a field": (
        lambda say: field("QUOTE x", run(say("One ")) + field("DATE", run("1.2.")) + run(say(" two"))),
        "<span id=0>One <span translate=no id=1>1.2.</span> two</span>",
    ),
    "field in a code": (
        lambda say: run(say("One "))
        + field(f"</w:instrText></w:r>{field('MERGEFIELD x', run('2'))}<w:r><w:instrText>", run("3")),
        "One <span translate=no id=0>3</span>",
    ),
    "field that goes on": (
        lambda say: begin_field("TOC") + around("hyperlink", run(say("Intro")) + field("PAGEREF x", run("3"))),
        '<img id=0><a href="#" id=1>Intro<span translate=no id=2>3</span></a>',
    ),
    "field that ends": (lambda say: run(say("One")) + mark('<w:fldChar w:fldCharType="end"/>'), "One<img id=0>"),
    "simple fields": (
        lambda say: run(say("Page ")) + around("fldSimple", run("1"), ' w:instr=" PAGE "')
        + around("fldSimple", run(say(" and")), ' w:instr=" QUOTE x "'),
        "Page <span translate=no id=0>1</span><span id=1> and</span>",
    ),
    "changes": (
        lambda say: run(say("One ")) + around("ins", run(say("new ")), ' w:id="1"')
        + around("del", mark("<w:delText>old</w:delText>"), ' w:id="2"') + run(say("word")),
        "One <ins id=0>new </ins><img id=1>word",
    ),
    "moves": (
        lambda say: around("moveFrom", run("old")) + run(say("One ")) + around("moveTo", run(say("new"))),
        "<img id=0>One <span id=1>new</span>",
    ),
    "changed properties": (
        lambda say: run(say("One two ")) + run(say("three"), '<w:b/><w:rPrChange w:id="1"><w:rPr/></w:rPrChange>'),
        "One two <b id=0>three</b>",
    ),
    "controls": (
        lambda say: run(say("One ")) + control("<w:text/>", run(say("two ")))
        + control("<w:date/>", run("1 May")) + control("<w:dropDownList/>", run("none")),
        "One <span id=0>two </span><span translate=no id=1>1 May</span><span translate=no id=2>none</span>",
    ),
    "box to tick": (
        lambda say: control("<w14:checkbox/>", run("☒")) + run(say("One")),
        "<span translate=no id=0>☒</span>One",
    ),
    "smart tags": (
        lambda say: run(say("In ")) + around("smartTag", "<w:smartTagPr/>" + run(say("London"))) + run(say(" now")),
        "In <span id=0>London</span> now",
    ),
    "directions": (
        lambda say: run(say("One ")) + around("bdo", run(say("two")), ' w:val="ltr"'),
        "One <span id=0>two</span>",
    ),
    "ruby": (rule_of, "One <span id=0>base</span> two"),
    "formula": (
        lambda say: run(say("Let ")) + "<m:oMath><m:r><m:t>x + 1</m:t></m:r></m:oMath>" + run(say(" be.")),
        "Let <span translate=no id=0>x + 1</span> be.",
    ),
    "comment of XML": (lambda say: run(say("One ")) + "<!-- x -->" + run(say("two")), "One <img id=0>two"),
    "something unknown": (
        lambda say: run(say("One ")) + mark("<w14:new/>")
        + '<x:more xmlns:x="urn:x"><w:r><w:t>kept</w:t></w:r></x:more>',
        "One <img id=0><span translate=no id=1>kept</span>",
    ),
}  # fmt: skip
MERGED = {
    "split by a speller": (
        '<w:r w:rsidR="1"><w:rPr><w:lang w:val="en-US"/></w:rPr><w:t>Wor</w:t></w:r><w:proofErr w:type="spellStart"/>'
        '<w:r w:rsidR="2"><w:lastRenderedPageBreak/><w:t>ds</w:t></w:r>',
        "Words",
        '<w:r w:rsidR="1"><w:rPr><w:lang w:val="pt"/></w:rPr><w:t>WORDS</w:t></w:r>',
    ),
    "off what nothing turns on": (run("One ") + run("two", '<w:b w:val="0"/>'), "One two", run("ONE TWO")),
    "space in bold": (run("One") + bold(" ") + run("two"), "One two", run("ONE TWO")),
}


@pytest.mark.parametrize("name", sorted(KEPT))
def test_in_a_paragraph_words_change_and_nothing_else(name):
    source, read = KEPT[name]
    assert page_of(paragraph(source(str))) == f"<main><p>{read}</p></main>"
    assert rewrite(paragraph(source(str))) == paragraph(source(lambda text: text.upper().replace("&LT;", "&lt;")))


@pytest.mark.parametrize("name", sorted(MERGED))
def test_runs_that_look_alike_are_one(name):
    source, read, written = MERGED[name]
    assert page_of(paragraph(source)) == f"<main><p>{read}</p></main>"
    assert rewrite(paragraph(source)) == paragraph(written)


def test_properties_go_with_words_wherever_these_come():
    source = run("The ") + bold("red") + run(" car ") + around("hyperlink", run("of Ann", "<w:u/>"), ' w:anchor="x"')
    page = '<main><p>O carro <a href="#" id=1>da &amp; Ann</a> é<b id=0> vermelho</b></p></main>'
    link = around("hyperlink", run("da &amp; Ann", "<w:u/>"), ' w:anchor="x"')
    assert rewrite(paragraph(source), lambda _: page) == paragraph(run("O carro "), link, run(" é"), bold(" vermelho"))


STYLES = part(
    "styles",
    '<w:docDefaults><w:rPrDefault><w:rPr><w:lang w:val="en-GB" w:eastAsia="zh-CN"/></w:rPr></w:rPrDefault>'
    "</w:docDefaults>"
    '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="U2"><w:name w:val="heading 2"/><w:rPr><w:b/></w:rPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="L"><w:name w:val="X"/><w:basedOn w:val="U2"/>'
    '<w:pPr><w:outlineLvl w:val="2"/></w:pPr><w:rPr><w:lang w:val="en-US"/></w:rPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="C"><w:name w:val="Source Code"/><w:basedOn w:val="C"/></w:style>'
    '<w:style w:type="character" w:styleId="V"><w:name w:val="Verbatim Char"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="B"><w:name w:val="List Bullet"/></w:style>',
)


def styled(style, *runs, more=""):
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{more}</w:pPr>{"".join(runs)}</w:p>'


def test_styles_say_what_paragraphs_are_and_in_what_language():
    off = run("two", '<w:b w:val="0"/>')
    body = (
        styled("U2", run("One "), off)
        + styled("L", run("One "), off)
        + styled("C", run("print()"))
        + styled("B", run("Item"))
        + styled("Normal", run("One"), more="<w:numPr/>")
        + styled("Normal", run("Call "), run("f()", '<w:rStyle w:val="V"/>'))
        + styled("Normal", run("One "), off)
    )
    assert page_of(body, {"word/styles.xml": STYLES}) == (
        "<main><h2>One <font id=0>two</font></h2><h3>One <font id=0>two</font></h3><pre>print()</pre><li>Item</li>"
        "<li>One</li><p>Call <code id=0>f()</code></p><p>One two</p></main>"
    )
    written = write(make_docx(body, {"word/styles.xml": STYLES})).document
    assert read_part(written, "word/styles.xml").count('w:val="pt"') == 2
    assert 'w:eastAsia="zh-CN"' in read_part(written, "word/styles.xml")


def test_tables_boxes_and_what_is_drawn_twice():
    def make(say):
        inner = f"<w:tbl><w:tr><w:tc>{paragraph(run(say('inner')))}</w:tc></w:tr></w:tbl><w:p/>"
        rows = f"<w:tr><w:tc>{paragraph(run(say('one')))}{paragraph(run(say('two')))}</w:tc><w:tc>{inner}</w:tc></w:tr>"
        properties = f'<w:tblPr><w:tblCaption w:val="{say("of prices")}"/></w:tblPr>'
        return f"<w:tbl>{properties}{rows}</w:tbl>{paragraph(mark(box(say)), run(say('outside')))}"

    def box(say):
        content = f"<w:txbxContent>{paragraph(run(say('in a box')))}</w:txbxContent>"
        label = f'<wp:docPr id="1" name="Box" descr="{say("a box")}" title="box.png"/>'
        return (
            f'<mc:AlternateContent><mc:Choice Requires="wps"><w:drawing>{label}<wps:txbx>{content}</wps:txbx>'
            f'</w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape alt="{say("a box")}"><v:textbox>{content}'
            "</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent>"
        )

    assert page_of(make(str)) == (
        "<main><table><tr><td>one</td><td>two</td></tr></table><table><tr><td>inner</td></tr></table>"
        '<p><img id=0>outside</p><p>in a box</p><p><img alt="of prices"></p><p><img alt="a box"></p></main>'
    )
    assert rewrite(make(str)) == make(str.upper)


def test_other_parts_are_translated_and_comments_are_not():
    def make(say):
        note = f'<w:footnote w:id="2">{paragraph(mark("<w:footnoteRef/>"), run(say(" a note")))}</w:footnote>'
        drawn = (
            f'<a:p><a:pPr/><a:r><a:rPr lang="{{}}" b="1"/><a:t>{say("prices")}</a:t></a:r><a:br/><a:endParaRPr/></a:p>'
        )
        drawn = drawn.format("en-US" if say is str else "pt")
        return {
            "word/header1.xml": part("hdr", paragraph(run(say("head")))),
            "word/footnotes.xml": part("footnotes", note),
            "word/footer1.xml": part("ftr", paragraph(run(say("foot ")), field("PAGE", run("1")))),
            "word/comments.xml": part("comments", paragraph(run("remark"))),
            "word/charts/chart1.xml": part("chart", f"<c:title>{drawn}</c:title><c:v>kept</c:v>"),
        }

    sources, written = make(str), write(make_docx(paragraph(run("body")), make(str))).document
    assert page_of(paragraph(run("body")), sources) == (
        "<aside><p>head</p></aside><main><p>body</p></main><aside><p><img id=0> a note</p></aside>"
        "<aside><p>prices<br id=0></p></aside><aside><p>foot <span translate=no id=0>1</span></p></aside>"
    )
    for name, expected in make(str.upper).items():
        assert read_bytes(written, name) == expected
    assert read_part(written) == paragraph(run("BODY"))


def test_text_goes_the_way_of_its_language():
    properties = '<w:pPr><w:pStyle w:val="X"/>{}<w:jc w:val="left"/></w:pPr>'
    plain, turned = '<w:b/><w:sz w:val="20"/>', '<w:b/><w:bCs/><w:sz w:val="20"/><w:szCs w:val="20"/><w:rtl/>'

    def make(direction, look, *words):
        return paragraph(properties.format(direction), run(words[0], look), mark("<w:tab/>"), run(words[1], look))

    latin, arabic = ("One", "two"), ("واحد", "اثنان")
    body, other = make("", plain, *latin), make("<w:bidi/>", turned, *arabic)
    assert (
        rewrite(body, lambda shown: shown.replace("One", arabic[0]).replace("two", arabic[1]), language="ar") == other
    )
    back = rewrite(other, lambda shown: shown.replace(arabic[0], "One").replace(arabic[1], "two"), language="en")
    assert back == make("", turned.replace("<w:rtl/>", ""), *latin)
    again = rewrite(other, lambda shown: shown.replace(arabic[0], "یک"), language="fa")
    assert again == make("<w:bidi/>", turned, "یک", arabic[1])


def test_a_diagram_is_translated_once_and_written_in_both_of_its_parts():
    def make(say):
        text = f"<a:p><a:r><a:t>{say('a step')}</a:t></a:r></a:p>"
        drawing = '<dsp:drawing xmlns:dsp="http://schemas.microsoft.com/office/drawing/2008/diagram"'
        return {
            "word/diagrams/data1.xml": f"<dgm:dataModel {DECLARATIONS}>{text}</dgm:dataModel>".encode(),
            "word/diagrams/drawing1.xml": f"{drawing} {DECLARATIONS}>{text}</dsp:drawing>".encode(),
        }

    types = {"word/diagrams/drawing1.xml": "application/vnd.ms-office.drawingml.diagramDrawing+xml"}
    document = make_docx(paragraph(run("body")), make(str), types=types)
    (text,) = read_word(document).texts
    assert text.text == "<main><p>body</p></main><aside><p>a step</p></aside>"
    written = write(document).document
    assert {name: read_bytes(written, name) for name in make(str)} == make(str.upper)
