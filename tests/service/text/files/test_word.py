"""Documents of Word: what is translated of them, and what comes back as it was."""

import pytest

from tests.service.text.files.word_documents import page_of, rewrite

SPACE = ' xml:space="preserve"'
BOLD = "<w:rPr><w:b/></w:rPr>"


def run(text, properties=""):
    space = SPACE if text != text.strip() else ""
    return f"<w:r>{properties}<w:t{space}>{text}</w:t></w:r>"


def paragraph(*runs):
    return f"<w:p>{''.join(runs)}</w:p>"


# What stands in a paragraph, what is read of it, and what stands there when that is shouted.
PARAGRAPHS = {
    "words": (run("One two."), "One two.", run("ONE TWO.")),
    "marks of XML": (run("A &amp; B &lt;b&gt;"), "A &amp; B &lt;b&gt;", run("A &amp; B &lt;B&gt;")),
    "split by a speller": (
        '<w:r w:rsidR="1"><w:rPr><w:lang w:val="en-US"/></w:rPr><w:t>Wor</w:t></w:r><w:proofErr w:type="spellStart"/>'
        '<w:r w:rsidR="2"><w:lastRenderedPageBreak/><w:t>ds</w:t></w:r>',
        "Words",
        '<w:r w:rsidR="1"><w:rPr><w:lang w:val="pt"/></w:rPr><w:t>WORDS</w:t></w:r>',
    ),
    "bold": (
        run("The red ") + run("car", BOLD) + run(" is here."),
        "The red <b id=0>car</b> is here.",
        run("THE RED ") + run("CAR", BOLD) + run(" IS HERE."),
    ),
    "off that nothing turns on": (
        run("One ") + run("two", '<w:rPr><w:b w:val="0"/></w:rPr>'),
        "One two",
        run("ONE TWO"),
    ),
    "tabs and breaks": (
        "<w:r><w:tab/><w:t>One</w:t><w:tab/><w:br/><w:t>two</w:t></w:r>",
        "<br id=0>One<br id=1>two",
        "<w:r><w:tab/><w:t>ONE</w:t><w:tab/><w:br/><w:t>TWO</w:t></w:r>",
    ),
    "hyphens": (
        "<w:r><w:t>co</w:t><w:noBreakHyphen/><w:t>op and so</w:t><w:softHyphen/><w:t>on</w:t></w:r>",
        "co\u2011op and so\u00adon",
        "<w:r><w:t>CO</w:t><w:noBreakHyphen/><w:t>OP AND SO</w:t><w:softHyphen/><w:t>ON</w:t></w:r>",
    ),
    "spaces that place words": (
        run("Name:     Date"),
        "Name:<br id=0>Date",
        f"<w:r><w:t{SPACE}>NAME:     DATE</w:t></w:r>",
    ),
}


@pytest.mark.parametrize("name", sorted(PARAGRAPHS))
def test_a_paragraph_is_read_and_written(name):
    source, read, written = PARAGRAPHS[name]
    assert page_of(paragraph(source)) == f"<main><p>{read}</p></main>"
    assert rewrite(paragraph(source)) == paragraph(written)
