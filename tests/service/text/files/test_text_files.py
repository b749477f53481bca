"""Text files: what they are encoded in, and that they are written in that again."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist.charsets import find_encoding
from polygist_service.errors import InvalidDocument
from polygist_service.notices import NoticeKind
from polygist_service.text.documents.base import HTML, MARKDOWN, PLAIN
from polygist_service.text.documents.files import read_file
from polygist_service.text.documents.files.base import ReadOptions, TranslatedText
from polygist_service.text.documents.files.encodings import MARKS
from polygist_service.text.documents.files.kinds import GETTEXT, SUBRIP, WEBVTT
from polygist_service.text.documents.files.text_file import TextFile

LATIN = "Olá, café à noite.\r\n"
META = '<meta charset="windows-1251"><p>Доброе утро</p>'


def read(document, mime_type=PLAIN, charset=""):
    return TextFile.read(document, ReadOptions(unpacked_bytes=1, members=1, charset=charset), mime_type=mime_type)


def write(file, text):
    return file.write([TranslatedText(text)], "pt")


@pytest.mark.parametrize(("document", "charset", "text"), [
    (LATIN.encode(), "", LATIN),
    (LATIN.encode("cp1252"), "windows-1252", LATIN),
    (LATIN.encode("cp1252"), "iso-8859-1", LATIN),
    (LATIN.encode("utf-16-le"), "utf-16le", LATIN),
    (LATIN.encode("utf-16-be"), "UTF-16BE", LATIN),
    ("おはよう".encode("cp932"), "shift_jis", "おはよう"),
    ("你好".encode("gb18030"), "gb2312", "你好"),
    (b"Good.", "us-ascii", "Good."),
    *((mark + LATIN.encode(codec), charset, LATIN) for mark, codec in MARKS.items() for charset in ("", "koi8-r")),
])  # fmt: skip
def test_a_text_is_written_as_it_was_encoded(document, charset, text):
    file = read(document, charset=charset)
    assert [each.text for each in file.texts] == [text]
    written = write(file, text)
    assert written.document == document
    assert not written.notices


@pytest.mark.parametrize(("page", "codec", "charset", "letters"), [
    (META, "cp1251", "", "&#225;"),
    (META, "cp1251", "windows-1251", "&#225;"),
    (META.replace("<p>", "<!-- <meta charset=utf-8> --><p>"), "cp1251", "", "&#225;"),
    (META, "utf-8", "", "á"),  # so many pages declare what their program was set to
    ("<p>Доброе утро</p>", "utf-8", "", "á"),
    ("<p>Доброе утро</p>", "koi8-r", "koi8-r", "&#225;"),
    ('<?xml version="1.0" encoding="iso-8859-2"?><html><p>Dzień</p>', "iso8859-2", "", "á"),
])  # fmt: skip
def test_a_page_is_in_what_it_or_its_sender_declares(page, codec, charset, letters):
    file = read(page.encode(codec), HTML, charset)
    assert file.text == page
    written = write(file, f"{page}<p>á")
    assert written.document == page.encode(codec) + f"<p>{letters}".encode(codec)
    assert not written.notices


@pytest.mark.parametrize("mime_type", [PLAIN, MARKDOWN])
def test_a_text_whose_encoding_lacks_a_letter_becomes_utf_8_and_says_so(mime_type):
    file = read("Доброе утро".encode("cp1251"), mime_type, "windows-1251")
    written = write(file, "Olá, você")
    assert written.document == "Olá, você".encode()
    (notice,) = (each.notice for each in written.notices)
    assert (notice.kind, notice.message) == (
        NoticeKind.DOCUMENT_ALTERED, "the file is UTF-8 now, as windows-1251 has no: á ê"
    )  # fmt: skip


@pytest.mark.parametrize(("document", "charset", "said"), [
    (b"caf\xe9", "", r"byte 3 \(0xe9\) is no UTF-8; say what .*charset=windows-1252"),
    (b"\xef\xbb\xbfcaf\xe9", "", r"byte 6 \(0xe9\) is no UTF-8"),
    (b"caf\x81", "windows-1252", r"byte 3 \(0x81\) is no windows-1252"),
    ("Olá".encode("utf-16-le"), "", r"byte 4 \(0xe1\) is no UTF-8; .*charset=utf-16le"),
    ("Good".encode("utf-16-le"), "", r"byte 1 \(0x00\) is no text; .*charset=utf-16le"),
    ("Good".encode("utf-16-be"), "", r"byte 0 \(0x00\)"),
    (b"\xff\xfeG", "", "is no UTF-16-LE"),
    (b"\xff\xfe\x00\xd8", "", "is no UTF-16-LE"),
])  # fmt: skip
def test_what_is_in_another_encoding_is_refused_with_the_place_and_a_cure(document, charset, said):
    with pytest.raises(InvalidDocument, match=said):
        read(document, charset=charset)


@pytest.mark.parametrize(("document", "mime_type"), [
    (b"1\n00:00:01,000 --> 00:00:02,000\ncaf\xe9", SUBRIP),
    (b"WEBVTT\n\n00:01.000 --> 00:02.000\ncaf\xe9", WEBVTT),
    (b'msgid "caf\xe9"\nmsgstr ""\n', GETTEXT),
    (b"caf\xe9", MARKDOWN),
])  # fmt: skip
def test_the_cure_names_the_files_own_type_and_is_one(document, mime_type):
    for charset in ("", "utf-8"):
        with pytest.raises(InvalidDocument, match=f"mime_type '{re.escape(mime_type)}; charset=windows-1252'"):
            read_file(document, mime_type, ReadOptions(unpacked_bytes=1, members=1, charset=charset))
    file = read_file(document, mime_type, ReadOptions(unpacked_bytes=1, members=1, charset="windows-1252"))
    assert "café" in file.texts[0].text


@pytest.mark.parametrize("label", ["", "x", "rot13", "base64", "hex", "unicode_escape", "utf-7", "mbcs", "a\0b"])
def test_what_no_text_is_written_in_is_no_encoding(label):
    assert not find_encoding(label)


@given(st.text(), st.sampled_from(["utf-8", "utf-16", "windows-1252", "shift_jis", "euc-jp", "gb18030", "koi8-u"]),
       st.sampled_from([PLAIN, HTML, MARKDOWN]))  # fmt: skip
@example("\ufeff\ufeff", "utf-8", PLAIN)
@example("\u20ac", "windows-1252", HTML)
def test_any_text_comes_back_byte_for_byte(text, charset, mime_type):
    document = text.encode(find_encoding(charset), "ignore")
    try:
        file = read(document, mime_type, charset)
    except InvalidDocument:
        return
    assert write(file, file.text).document == document
