"""Packages of documents of Word: what is in them stays, and what is hostile or damaged is refused."""

import io
import time
import zipfile

import pytest
from polygist_service.errors import InvalidDocument
from polygist_service.text.documents.files import read_file
from polygist_service.text.documents.files.base import ReadOptions, TranslatedText
from polygist_service.text.documents.files.kinds import WORD

from tests.service.text.files.word_documents import DECLARATIONS, OFFICE, make_docx, make_zip, part, read_word, write

BODY = "<w:p><w:r><w:t>One old car.</w:t></w:r></w:p>"
MACROS = {"word/vbaProject.bin": b"\xd0\xcf macros", "word/media/image1.png": bytes(range(256)) * 9}


def members(document):
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        return {info: archive.read(info) for info in archive.infolist()}


def test_what_is_not_changed_is_as_it_was():
    source = make_docx(BODY, {**MACROS, "word/comments.xml": part("comments", BODY)})
    written = write(source).document
    before, after = members(source), members(written)
    changed = [info.filename for info, data in zip(before, after.values(), strict=True) if data != before[info]]
    assert changed == ["word/document.xml"]
    for one, other in zip(before, after, strict=True):
        facts = [(each.filename, each.date_time, each.compress_type, each.external_attr) for each in (one, other)]
        assert facts[0] == facts[1]
    assert write(source, lambda page: page).document == source


def test_the_declaration_and_the_encoding_stay():
    for head, encoding in (
        ('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n', "utf-8"),
        ("\ufeff<?xml version='1.0'?>\n<!-- x -->", "utf-8"),
        ('\ufeff<?xml version="1.0" encoding="UTF-16"?>', "utf-16-le"),
    ):
        content = f"{head}<w:document {DECLARATIONS}><w:body>{BODY}</w:body></w:document>"
        written = write(make_docx("", {"word/document.xml": content.encode(encoding)})).document
        (shown,) = (data for info, data in members(written).items() if info.filename == "word/document.xml")
        assert "ONE OLD CAR" in (text := shown.decode("utf-16" if "16" in encoding else "utf-8-sig"))
        assert text.startswith(head.lstrip("\ufeff")) or "16" in encoding


def test_the_strict_standard_is_read_as_well():
    strict = part("document", f"<w:body>{BODY}</w:body>").replace(
        b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        b"http://purl.oclc.org/ooxml/wordprocessingml/main",
    )
    document = make_docx("", {"word/document.xml": strict})
    assert read_word(document).texts[0].text == "<main><p>One old car.</p></main>"
    assert "ONE OLD CAR." in read_word(write(document).document).texts[0].text


def test_a_document_without_words_has_nothing_to_translate():
    document = make_docx("<w:p><w:r><w:tab/><w:t> — </w:t></w:r></w:p>")
    file = read_word(document)
    assert not file.texts
    assert file.write([], "pt").document == document


def change_byte(document, at):
    """The document with another byte at a place."""
    return document[:at] + bytes((document[at] ^ 255,)) + document[at + 1 :]


def declare_less(document):
    """The document with a first member that says that it is smaller than it is."""
    at = document.index(b"PK\x01\x02") + 24
    return document[:at] + (1).to_bytes(4, "little") + document[at + 4 :]


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
)
DEEP = f"<w:document {DECLARATIONS}><w:body>{'<w:tbl>' * 5000}{'</w:tbl>' * 5000}</w:body></w:document>".encode()
HOSTILE = {
    "no zip": (b"Hello", "is no document of Word, or is damaged"),
    "cut off": (make_docx(BODY)[:-300], "is no document of Word, or is damaged"),
    "another byte": (change_byte(make_docx(BODY), 80), "damaged"),
    "no types": (make_zip({"a.txt": b"x"}), "has no .Content_Types..xml"),
    "no body": (make_zip({"[Content_Types].xml": b"<Types/>"}), "no part with a body"),
    "another body": (
        make_docx(BODY, types={"word/document.xml": f"{OFFICE}spreadsheetml.sheet.main+xml"}),
        "no part with a body",
    ),
    "XML cut off": (make_docx("", {"word/document.xml": b"<w:document"}), "is damaged: word/document.xml is no XML"),
    "entities": (make_docx("", {"word/document.xml": ENTITIES + b"<w/>"}), "document type in word/document.xml"),
    "entities in UTF-16": (
        make_docx("", {"word/document.xml": (ENTITIES + b"<w/>").decode().encode("utf-16")}),
        "document type in word/document.xml",
    ),
    "entities in a style": (
        make_docx(BODY, {"word/styles.xml": ENTITIES + b"<w>&x;</w>"}),
        "document type in word/styles.xml",
    ),
    "deep": (make_docx("", {"word/document.xml": DEEP}), "nested too deep"),
    "boxes in boxes": (make_docx("<w:p><w:r><w:pict>" * 10 + BODY + "</w:pict></w:r></w:p>" * 10), "boxes nested more"),
    "much of a look": (
        make_docx(BODY.replace("<w:t>", f'<w:rPr><w:color w:val="{"a" * 20_000}"/></w:rPr><w:t>')),
        "clear its formatting",
    ),
    "outside": (make_docx(BODY, {"../../etc/x": b"1"}), "lies outside"),
    "from the root": (make_docx(BODY, {"/etc/x": b"1"}), "lies outside"),
    "twice": (make_docx(BODY, {"WORD/document.xml": b"1"}), "two files"),
    "many members": (make_docx(BODY, {f"m/{at}": b"" for at in range(100)}), "103 files .* the limit is 100"),
    "a bomb": (make_docx(BODY, {"word/media/a.bin": b"\0" * (1 << 25)}), "unpacks to 33,5.* the limit is 16,777,216"),
    "much XML": (make_docx(f"<w:p>{' ' * (5 << 20)}</w:p>"), "bytes of text with its marks, the limit is 4,194,304"),
    "a bomb that says less": (declare_less(make_docx(BODY)), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_what_is_hostile_or_damaged_is_refused_with_a_cure(name):
    document, message = HOSTILE[name]
    with pytest.raises(InvalidDocument, match=message):
        read_word(document)


def test_a_member_with_a_password_or_of_an_unknown_method_is_refused():
    source = make_docx(BODY)
    at = source.index(b"PK\x01\x02")
    locked = source[: at + 8] + b"\1" + source[at + 9 :]
    packed = source[: at + 10] + b"\x0c" + source[at + 11 :]
    for document, message in ((locked, "encrypted"), (packed, "packed in a way")):
        with pytest.raises(InvalidDocument, match=message):
            read_word(document)


def begin_fields(count, code):
    """So many fields in one another, or one behind the other, that do not end."""
    begin, separate = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate"))
    return f"{begin}<w:r><w:instrText>{code}</w:instrText></w:r>{separate}" * count


MANY = {
    "fields without an end": lambda count: begin_fields(count, "PAGE"),
    "kept fields": lambda count: begin_fields(count, "PAGE") + '<w:r><w:fldChar w:fldCharType="end"/></w:r>' * count,
    "marks in one run": lambda count: f"<w:r><w:rPr>{LOOK}</w:rPr>{'<w:t>a </w:t><w:sym/>' * count}</w:r>",
    "looks": lambda count: "".join(
        f'<w:r><w:rPr><w:sz w:val="{at}"/></w:rPr><w:t>a </w:t></w:r>' for at in range(count)
    ),
    "ranges": lambda count: "".join(f'<w:bookmarkStart w:id="{at}"/>' for at in range(count))
    + "".join(f'<w:r><w:t>a </w:t></w:r><w:bookmarkEnd w:id="{at}"/>' for at in range(count)),
    "spaces": lambda count: f"<w:r><w:t>{'a    ' * count}</w:t></w:r>",
}  # fmt: skip
LOOK = "".join(f'<w:x{at} w:val="1"/>' for at in range(50))


@pytest.mark.parametrize("name", sorted(MANY))
def test_many_of_something_take_time_in_proportion(name):
    document = make_docx(f"<w:p><w:r><w:t>Begin </w:t></w:r>{MANY[name](3000)}</w:p>")
    start = time.process_time()
    file = read_file(document, WORD, ReadOptions(unpacked_bytes=1 << 26, members=100))
    file.write([TranslatedText(each.text.replace("a ", "b ").replace("Begin", "x")) for each in file.texts], "pt")
    assert time.process_time() - start < 5
