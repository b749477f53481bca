import pytest

from bench.fidelity.documents.libreoffice import find_unseen
from bench.fidelity.documents.word_making import make_sources, make_with_python
from bench.fidelity.documents.word_structure import find_lost_paragraph, find_structure_fault, read_paragraphs
from tests.service.text.files.word_documents import make_docx, part

BOLD = '<w:r><w:rPr><w:b/><w:lang w:val="en-US"/></w:rPr><w:t>red</w:t></w:r>'
BODY = (
    '<w:p w:rsidR="1"><w:pPr><w:keepNext/></w:pPr><w:r><w:t xml:space="preserve">The </w:t></w:r>'
    f'{BOLD}<w:r><w:tab/><w:t>car</w:t></w:r><w:hyperlink w:anchor="x" w:tooltip="A tip"><w:r><w:t>here</w:t></w:r>'
    "</w:hyperlink><w:r><w:instrText>PAGE</w:instrText></w:r></w:p><w:p/>"
)
SAME = (
    BODY.replace("The ", "O ").replace(">car<", ">carro<").replace("A tip", "Uma dica").replace("en-US", "pt"),
    BODY.replace(BOLD, "").replace("</w:p><w:p/>", f"{BOLD.replace('red', 'vermelho')}</w:p><w:p/>"),
    BODY.replace('<w:t xml:space="preserve">The </w:t></w:r>', '<w:t>The</w:t></w:r><w:proofErr w:type="x"/>'),
)
OTHER = (
    ("<w:b/>", "<w:i/>"),
    (BOLD, ""),
    ("<w:tab/>", ""),
    ("<w:tab/>", "<w:tab/><w:tab/>"),
    ("PAGE", "DATE"),
    ('anchor="x"', 'anchor="y"'),
    ("<w:keepNext/>", ""),
    ("<w:p/>", ""),
    ("<w:hyperlink", '<w:bookmarkStart w:id="1"/><w:hyperlink'),
)


def test_documents_in_which_words_alone_have_changed_are_the_same():
    for body in SAME:
        assert find_structure_fault(make_docx(BODY), make_docx(body)) == ""
        assert find_lost_paragraph(make_docx(BODY), make_docx(body)) == ""


@pytest.mark.parametrize(("right", "wrong"), OTHER)
def test_documents_that_differ_in_anything_else_are_not(right, wrong):
    assert right in BODY
    assert find_structure_fault(make_docx(BODY), make_docx(BODY.replace(right, wrong)))


def test_other_parts_and_lost_words_are_seen():
    parts = {"word/comments.xml": part("comments", "<w:p><w:r><w:t>remark</w:t></w:r></w:p>"), "word/a.png": b"a"}
    before = make_docx(BODY, parts)
    assert "a.png has changed" in find_structure_fault(before, make_docx(BODY, {**parts, "word/a.png": b"b"}))
    assert "members" in find_structure_fault(before, make_docx(BODY))
    assert find_lost_paragraph(before, make_docx("<w:p/><w:p/>")) == "'The redcarhere' became ''"
    assert find_unseen(before, b"<x>The red<p>car here</p></x>") == ""
    assert "'redcarhere'" in find_unseen(before, b"<x>The red</x>")


def test_documents_are_made_of_what_comes_with_the_package():
    for document, made in make_with_python(None, 2):
        assert len([*read_paragraphs(made)]) > 20, document
    sources = [*make_sources(None)]
    assert len(sources) == 10
    assert all("{{" not in document.text for document, _ in sources)
