"""Whatever stands in a document of Word: its words change their places, and with all else nothing happens."""

import io
import zipfile
from collections import Counter
from xml.etree import ElementTree

import docx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.service.text.files.word_documents import W, make_docx, write
from tests.service.text.test_html import translate

WORDS = st.lists(st.sampled_from(("one", "two", "tree.", "A", "12", "“so”,", "R&amp;D")), min_size=1, max_size=3)
TEXTS = st.one_of(
    WORDS.map(" ".join),
    WORDS.map(lambda words: f" {' '.join(words)} "),
    st.sampled_from((" ", "", "o", "ne", ". ", "a     b", "\u00a0", "\u202f!", "a\u00adb")),
)
PROPERTIES = st.sampled_from(
    (
        *("", "", "", "<w:b/>", "<w:i/>", '<w:b w:val="0"/>', '<w:lang w:val="de-DE"/>', '<w:rStyle w:val="S"/>'),
        *(
            '<w:vertAlign w:val="superscript"/>',
            '<w:vertAlign w:val="subscript"/>',
            "<w:vanish/>",
            '<w:u w:val="single"/>',
        ),
    )
)
MARKS = st.sampled_from(
    (
        *(
            "<w:tab/>",
            "<w:br/>",
            '<w:sym w:char="F0"/>',
            '<w:footnoteReference w:id="2"/>',
            "<w:drawing><x/></w:drawing>",
        ),
        *('<w:fldChar w:fldCharType="begin"/>', '<w:fldChar w:fldCharType="separate"/>'),
        *('<w:fldChar w:fldCharType="end"/>', "<w:instrText>QUOTE x</w:instrText>", "<w:instrText>PAGE</w:instrText>"),
        '<w:commentReference w:id="1"/>',
    )
)
LONE = st.sampled_from(
    (
        *('<w:bookmarkStart w:id="1"/>', '<w:bookmarkEnd w:id="1"/>', '<w:bookmarkStart w:id="2"/>'),
        *('<w:bookmarkEnd w:id="2"/>', '<w:commentRangeStart w:id="1"/>', '<w:commentRangeEnd w:id="1"/>'),
        *('<w:proofErr w:type="spellStart"/>', "<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>", "<!-- x -->"),
        *('<w:del w:id="3"><w:r><w:delText>gone</w:delText></w:r></w:del>', "<w:r/>"),
    )
)
RUNS = st.one_of(
    st.builds("<w:r><w:rPr>{}</w:rPr><w:t>{}</w:t></w:r>".format, PROPERTIES, TEXTS),
    st.builds("<w:r><w:rPr>{}</w:rPr>{}</w:r>".format, PROPERTIES, MARKS),
    st.builds("<w:r><w:t>{}</w:t>{}<w:t>{}</w:t></w:r>".format, TEXTS, MARKS, TEXTS),
)
CONTAINERS = (
    '<w:hyperlink w:anchor="x">{}</w:hyperlink>',
    '<w:ins w:id="9">{}</w:ins>',
    "<w:sdt><w:sdtPr/><w:sdtContent>{}</w:sdtContent></w:sdt>",
    '<w:fldSimple w:instr="QUOTE x">{}</w:fldSimple>',
    '<w:fldSimple w:instr="PAGE">{}</w:fldSimple>',
    "<w:r><w:ruby><w:rubyPr/><w:rt><w:r><w:t>x</w:t></w:r></w:rt><w:rubyBase>{}</w:rubyBase></w:ruby></w:r>",
    "<w:r><w:pict><w:txbxContent><w:p>{}</w:p></w:txbxContent></w:pict></w:r>",
)
INNER = st.recursive(
    st.one_of(RUNS, RUNS, LONE),
    lambda inner: st.builds(
        lambda form, parts: form.format("".join(parts)), st.sampled_from(CONTAINERS), st.lists(inner, max_size=3)
    ),
    max_leaves=5,
)
PARAGRAPHS = st.lists(INNER, max_size=5).map(lambda parts: f"<w:p>{''.join(parts)}</w:p>")
BODIES = st.lists(
    st.one_of(PARAGRAPHS, PARAGRAPHS.map("<w:tbl><w:tblPr/><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>".format)), max_size=3
).map("".join)
RUN, LINK, BOX = "<w:r><w:t>{}</w:t></w:r>", CONTAINERS[0], CONTAINERS[-1]
END = '<w:bookmarkEnd w:id="1"/>'
# Runs are joined and parted; the others are of the programs that made them.
FREE = {f"{{{W}}}{name}" for name in ("r", "rPr", "t", "proofErr", "lang", "noBreakHyphen", "softHyphen")}
PARAGRAPH = f"{{{W}}}p"
FORMATS = {f"{{{W}}}{name}" for name in ("b", "i", "rStyle", "vertAlign", "vanish", "u")}


def body_of(document):
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        return ElementTree.fromstring(archive.read("word/document.xml"))


def facts_of(document):
    """All but the words and their runs: each element with its attributes, and what is written in it."""
    elements = (each for each in body_of(document).iter() if each.tag not in FREE and each.tag not in FORMATS)
    return Counter((each.tag, *sorted(each.attrib.items()), (each.text or "").strip()) for each in elements)


def letters_of(document):
    """The letters and digits of each paragraph, in capitals; boxes may change their order."""
    texts = (
        "".join(each.text or "" for each in found.iter(f"{{{W}}}t")) for found in body_of(document).iter(PARAGRAPH)
    )
    return sorted("".join(sorted(filter(str.isalnum, text.upper()))) for text in texts)


def ranges_of(document):
    """Of each range whether it begins before it ends."""
    first = {}
    for each in body_of(document).iter():
        if each.tag.endswith(("Start", "End")):
            name = each.tag.removesuffix("Start").removesuffix("End")
            first.setdefault((name, each.get(f"{{{W}}}id")), each.tag.endswith("Start"))
    return {key for key, is_start in first.items() if is_start}


@settings(deadline=None, max_examples=60)
@given(BODIES)
@example(f"<w:p>{LINK.format(LINK.format(RUN.format('one two')) + RUN.format(' tree'))}</w:p>")
@example(f'<w:p><w:bookmarkStart w:id="1"/>{LINK.format(RUN.format("one ") + END)}{RUN.format("two tree")}</w:p>')
@example(f"<w:p>{BOX.format(RUN.format('one two'))}{LINK.format(RUN.format('two'))}{RUN.format('tree. A')}</w:p>")
def test_words_change_their_places_and_all_else_is_there_once(body):
    document = make_docx(body)
    written = write(document, translate).document
    assert facts_of(written) == facts_of(document)
    assert letters_of(written) == letters_of(document)
    assert ranges_of(written) >= ranges_of(document)
    before, after = (docx.Document(io.BytesIO(each)) for each in (document, written))
    assert len(after.paragraphs) == len(before.paragraphs)
    assert len(after.tables) == len(before.tables)
