"""What a file is: by its sender's word, its content and its name; and what is said of those that are not read."""

import io
import re
import time
import zipfile
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polygist_service.errors import InvalidDocument, UnsupportedDocument
from polygist_service.text.documents.base import HTML, MARKDOWN, PLAIN
from polygist_service.text.documents.files.kinds import (
    ALIASES,
    ENDINGS,
    GETTEXT,
    NAMES,
    REFUSED_ENDINGS,
    SUBRIP,
    WEBVTT,
    WORD,
    tell_mime_type,
)

TEXT = b"Good morning. How are you?\n"
PAGE = b"<!-- saved -->\n<!DOCTYPE html><html><body><p>Good morning.</p></body></html>"
XHTML = b"<?xml version='1.0'?>\n<html xmlns='http://www.w3.org/1999/xhtml'><body>Good.</body></html>"
SRT = b"1\r\n00:00:01,000 --> 00:00:02,500\r\nGood morning.\r\n"
VTT = b"WEBVTT - a film\n\n00:01.000 --> 00:02.500\nGood morning.\n"
PO = b'# A catalogue\nmsgid ""\nmsgstr ""\n\nmsgid "Good morning"\nmsgstr ""\n'


def pack(*names: str, mimetype: str = "") -> bytes:
    """A ZIP archive with such members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        if mimetype:
            archive.writestr(zipfile.ZipInfo("mimetype"), mimetype)
        for name in names:
            archive.writestr(name, "<x/>")
    return packed.getvalue()


DOCX = pack("[Content_Types].xml", "word/document.xml", "word/embeddings/sheet.xlsx")
XLSX = pack("[Content_Types].xml", "xl/workbook.xml")
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)

# Document, name, and what the sender says -> what it is.
TOLD = [
    *(((TEXT, f"a{ending}", ""), kind) for ending, kind in ENDINGS.items() if kind not in (WORD,)),
    *(((DOCX, f"A{ending.upper()}", ""), WORD) for ending, kind in ENDINGS.items() if kind == WORD),
    *(((TEXT, "", kind), kind) for kind in NAMES if kind != WORD),
    *(((TEXT, "", alias), kind) for alias, kind in ALIASES.items() if kind not in (WORD, "")),
    *(((DOCX, "", alias), WORD) for alias, kind in ALIASES.items() if kind in (WORD, "")),
    ((TEXT, "", ""), PLAIN),
    ((TEXT, "README", "application/octet-stream"), PLAIN),
    (("Olá, tudo bem?".encode("utf-16"), "NOTES", ""), PLAIN),
    # Content that is certain goes before the name, and before a type that says nothing.
    ((PAGE, "a.txt", ""), HTML),
    ((XHTML, "", "application/xml"), HTML),
    ((SRT, "a.txt", ""), SUBRIP),
    ((SRT.decode().encode("utf-16"), "a", ""), SUBRIP),
    ((SRT.removeprefix(b"1\r\n"), "", ""), SUBRIP),
    ((VTT, "a.srt", ""), WEBVTT),
    ((VTT, "", SUBRIP), WEBVTT),
    ((PO, "messages.txt", ""), GETTEXT),
    ((DOCX, "a.txt", PLAIN), WORD),
    ((DOCX, "a.zip", ""), WORD),
    ((DOCX[: len(DOCX) // 2], "a.docx", ""), WORD),  # damaged, as its reader says
    ((pack("main.xml"), "a.docx", ""), WORD),
    # The sender's word goes before the rest, where any text can be read so.
    ((PAGE, "a.html", PLAIN), PLAIN),
    ((PAGE, "a.md", ""), MARKDOWN),
    ((SRT, "a.srt", MARKDOWN), MARKDOWN),
    ((b'{"a": 1}', "a.json", PLAIN), PLAIN),
    # No text is something else for a word that it begins with.
    *(
        ((start + b" is what this text is about.", "", ""), PLAIN)
        for start in (b"WEBVTT", b"%PDF", b"ID3", b"PAR1", b"1")
    ),
]
# The same -> what is said of it.
REFUSED = [
    ((b"%PDF-1.7\n%\xe2\xe3", "a.docx", ""), "'a.docx' is a PDF; .*pdftotext"),
    ((b"%PDF-1.7\n%\xe2\xe3", "a.txt", PLAIN), "is a PDF"),
    ((OLE, "a.doc", "application/msword"), r"older Office.*--convert-to docx"),
    ((pack("content.xml", mimetype="application/vnd.oasis.opendocument.text"), "a.odt", ""), "OpenDocument.*to docx"),
    ((pack("a", mimetype="application/vnd.oasis.opendocument.spreadsheet"), "", ""), "a spreadsheet"),
    ((pack("a", mimetype="application/epub+zip"), "a.epub", ""), "an e-book.*pandoc"),
    ((XLSX, "a.docx", ""), "a spreadsheet"),
    ((pack("ppt/presentation.xml"), "", "application/zip"), "a presentation.*pdftotext"),
    ((pack("a.docx"), "a.zip", ""), "an archive.*unpack it"),
    ((rb"{\rtf1\ansi Good.}", "a.rtf", ""), "RTF; .*to docx"),
    ((b"\x1f\x8b\x08\0", "a.srt.gz", ""), "compressed; unpack"),
    ((b"\x89PNG\r\n\x1a\n", "a.png", "image/png"), "an image; .*OCR"),
    ((b"\0\0\0\x20ftypisom", "", ""), "a recording; transcribe"),
    ((b"\xde\x12\x04\x95\0\0\0\0", "a.mo", ""), "compiled catalogue.*msgunfmt"),
    ((b"[Script Info]\nTitle: x\n", "a.txt", ""), "neither SubRip nor WebVTT; .*ffmpeg"),
    ((b'<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml">', "", ""), "neither SubRip nor WebVTT"),
    ((b'<?xml version="1.0"?><xliff version="1.2">', "a.xlf", ""), "not PO; .*xliff2po"),
    ((b'<?xml version="1.0"?><a/>', "", ""), "is XML"),
    *(((TEXT, f"a{ending}", ""), re.escape(kind.name)) for ending, kind in REFUSED_ENDINGS.items()),
    ((TEXT, "a.rst", ""), "nothing tells what 'a.rst' is; say"),
    ((b"\xff\x01\x02", "", ""), "nothing tells what the file is"),
    ((TEXT, "", "application/pdf"), "'application/pdf' is not supported"),
]


@pytest.mark.parametrize(("file", "kind"), TOLD)
def test_a_file_is_told_by_what_is_certain(file, kind):
    assert tell_mime_type(*file) == kind


@pytest.mark.parametrize(("file", "said"), REFUSED)
def test_other_kinds_are_refused_by_name_with_a_cure(file, said):
    with pytest.raises(UnsupportedDocument, match=said):
        tell_mime_type(*file)


def test_what_is_no_word_document_is_told_of_as_what_it_is():
    for document, found in ((PAGE, "but HTML"), (TEXT, "but plain text"), (b"\xff\0\1", "but no text")):
        with pytest.raises(InvalidDocument, match=found):
            tell_mime_type(document, "a.docx")
    with pytest.raises(InvalidDocument, match="is encrypted; open it with its password"):
        tell_mime_type(OLE + "EncryptedPackage".encode("utf-16-le"), "a.docx")


@given(st.binary(max_size=300), st.sampled_from(["", "a", *(f"a{each}" for each in [*ENDINGS, *REFUSED_ENDINGS])]),
       st.sampled_from(["", "text/rtf", *NAMES, *sorted(ALIASES)]))  # fmt: skip
@example(b"PK\x05\x06", "a.docx", "")
@example(b"PK\x05\x06" + b"\xff" * 18, "", WORD)
def test_any_bytes_are_told_or_refused(document, name, said):
    with suppress(InvalidDocument):
        assert tell_mime_type(document, name, said) in NAMES


@pytest.mark.parametrize("document", [
    b"<!--" * 100_000, b"<?xml " * 100_000, b" " * 1_000_000, b"1" * 1_000_000, b"#\n" * 500_000,
    b"-->" + b" 1" * 400_000, b"1\n" * 500_000 + b"-->",
    b"PK\x03\x04" * 500_000, b"WEBVTT\n" * 100_000, b'msgid "' * 100_000, b"{1}" * 100_000, b"<tt " * 200_000,
], ids=lambda document: repr(document[:8]))  # fmt: skip
def test_hostile_beginnings_take_time_linear_in_their_length(document):
    began = time.process_time()
    with suppress(InvalidDocument):
        tell_mime_type(document)
    assert time.process_time() - began < 5


def test_what_the_sender_says_goes_before_a_name():
    film = b"1\n00:00:01,000 --> 00:00:02,000\nGood morning.\n"
    assert tell_mime_type(film, "a.docx", SUBRIP) == SUBRIP
    with pytest.raises(InvalidDocument, match="is no Word document"):
        tell_mime_type(film, "a.docx")
