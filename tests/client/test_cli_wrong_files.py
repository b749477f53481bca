"""Files that are no plain text: each is refused in one line that says what it is and how to get at its text."""

import bz2
import gzip
import io
import json
import lzma
import shlex
import shutil
import struct
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from tests.client.conftest import Polygist, sent
from tests.fakes.server import Fake

PROSE = "The library opens at nine."
TRANSLATE = ["translate", "-s", "en", "-t", "pt"]


def pack(*members: tuple[str, str]) -> bytes:
    """Make a ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, content in members:
            packed.writestr(name, content)
    return stream.getvalue()


def pack_tar() -> bytes:
    """Make a tar archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        packed.addfile(tarfile.TarInfo("a.txt"))
    return stream.getvalue()


def draw() -> bytes:
    """Make an image of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0\0\0")) + chunk(b"IEND", b"")


TYPES = ("[Content_Types].xml", "<Types/>")
BINARIES = {
    "a.docx": (pack(TYPES, ("word/document.xml", "<w/>")), "a Word document", "pandoc -t plain"),
    "a.xlsx": (pack(TYPES, ("xl/workbook.xml", "<w/>")), "an Excel workbook", "--format csv"),
    "a.pptx": (pack(TYPES, ("ppt/presentation.xml", "<w/>")), "a PowerPoint presentation", "pdftotext"),
    "a.odt": (pack(("mimetype", "application/vnd.oasis.opendocument.text")), "an OpenDocument text", "pandoc"),
    "a.epub": (pack(("mimetype", "application/epub+zip")), "an e-book", "pandoc"),
    "a.zip": (pack(("a.txt", PROSE)), "a ZIP archive", "unzip -p"),
    "a.txt.gz": (gzip.compress(PROSE.encode()), "gzip", "zcat"),
    "a.bz2": (bz2.compress(PROSE.encode()), "bzip2", "bzcat"),
    "a.xz": (lzma.compress(PROSE.encode()), "xz", "xzcat"),
    "a.zst": (bytes.fromhex("28b52ffd0458590000") + PROSE.encode(), "zstd", "zstdcat"),
    "a.tar": (pack_tar(), "a tar archive", "tar -xf"),
    "a.doc": (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "an older Office", "soffice"),
    "a.pdf": (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "a PDF", "pdftotext"),
    "a.png": (draw(), "an image", "tesseract"),
    "a.jpg": (bytes.fromhex("ffd8ffe000104a46494600010101006000600000ffd9"), "an image", "tesseract"),
    "a.mp3": (b"ID3\x03\0\0\0\0\0\x21" + bytes(40) + b"\xff\xfb\x90\x64" + bytes(400), "a recording", "transcribe"),
    "a.mp4": (b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(50), "a recording", "transcribe"),
    "a.sqlite": (b"SQLite format 3\0" + bytes(100), "a database", "sqlite3"),
    "a.bin": (bytes(range(256)) * 4, "data that only programs read", ""),
    "wide.txt": (PROSE.encode("utf-16-le"), "UTF-16LE", "iconv -f UTF-16LE -t UTF-8"),
    "wide-be.txt": (PROSE.encode("utf-16-be"), "UTF-16BE", "iconv -f UTF-16BE -t UTF-8"),
    "wide-ru.txt": ("Библиотека открыта.\nИдёт дождь.\n".encode("utf-16-le"), "UTF-16LE", "iconv -f UTF-16LE"),
    "wider.txt": (PROSE.encode("utf-32-le"), "UTF-32LE", "iconv -f UTF-32LE"),
    "latin.txt": ("Não é às nove.".encode("latin-1"), "byte 1 (0xe3) is no UTF-8", "iconv -f WINDOWS-1252 -t UTF-8"),
    "broken.txt": ("Não é às nove; é às dez".encode() + b"\xc3", "most is", "iconv -c"),
}  # fmt: skip
TEXTS = {
    "ascii.pdf": ("%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nBT (Hello) Tj ET\n", "a PDF", "pdftotext"),
    "page.html": ("<!DOCTYPE html>\n<html><body><p>The library.</p></body></html>", "an HTML page", "pandoc"),
    "page.txt": ("\n<!-- made by x -->\n<HTML lang='en'><body>The library.</body></HTML>", "an HTML page", "pandoc"),
    "part.txt": ("<p>The library.</p>\n", "an HTML page", "pandoc"),
    "a.xml": ('<?xml version="1.0"?>\n<a>The library</a>\n', "XML", "take its text out"),
    "a.rtf": ("{\\rtf1\\ansi The library opens at nine.}\n", "RTF", "pandoc -f rtf"),
    "a.ps": ("%!PS-Adobe-3.0\n(hello) show\n", "PostScript", "ps2ascii"),
    "a.srt": ("1\n00:00:01,000 --> 00:00:02,000\nThe library.\n", "subtitles", "spoken"),
    "a.vtt": ("WEBVTT\n\n00:01.000 --> 00:02.000\nThe library.\n", "subtitles", "spoken"),
    "a.po": ('msgid ""\nmsgstr ""\n\nmsgid "Hello"\nmsgstr ""\n', "gettext", "JSON Lines"),
    "a.yaml": ("hello: The library\n", "keys and values", "JSON Lines"),
    "a.jsonl": ('{"id": 1, "title": "Rain", "body": "It rains."}\n', "JSON Lines",
                "--format jsonl --field NAME, one of: title, body"),
    "undeclared": ('{"id": 1, "body": "It rains."}\n{"id": 2, "body": "It shines."}\n', "JSON Lines",
                   "--format jsonl --field NAME, one of: body"),
    "a.json": ('[\n {"id": 1, "title": "Rain"}\n]\n', "JSON", "jq -c '.[]'"),
    "b.json": ('{\n "hello": "Hello", "more": {}\n}\n', "JSON", "jq -r .NAME"),
    "texts.json": ('["The cat", "The dog"]\n', "JSON", "jq -r '.[]'"),
    "texts.jsonl": ('"The cat"\n"The dog"\n', "JSON Lines", "jq -r . "),
    "long.json": ('[\n' + '{"id": 1, "title": "Rain"},\n' * 4000 + '{}]', "JSON",
                  "--format jsonl --field NAME, one of: title"),
    "table.txt": ('name,comment\nJohn,Very good\nMary,"Bad, really"\nPete,Fine\n', "a table",
                  "--format csv --field NAME, one of: name, comment"),
    "wide-table": ("id\tTitle\tBody text\n1\tRain\tIt rains.\n2\tSun\tIt shines.\n", "a table", "--format tsv"),
    "late.txt": ("Page saved.\n<html lang='en'><head></head><body><p>The cat</p></body></html>\n", "HTML", "pandoc"),
    "curl.txt": ("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n<!doctype html>\n<html><head></head></html>", "HTML", "pandoc"),
    "a.tex": ("\\documentclass[12pt]{article}\n\\begin{document}Hello\\end{document}\n", "LaTeX", "pandoc"),
    "a.csv": ("id;title;body\n1;Rain;It rains.\n", "a table", "--format csv --field NAME, one of: id, title, body"),
    "a.tsv": ("id\tbody\n1\tIt rains.\n", "a table", "--format tsv --field NAME, one of: id, body"),
}  # fmt: skip
ALL = {**BINARIES, **{name: (text.encode(), what, cure) for name, (text, what, cure) in TEXTS.items()}}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("way", ["file", "stdin", "lines"])
def test_a_file_that_is_no_plain_text_is_refused_with_a_cure(
    polygist: Polygist, fake: Fake, tmp_path: Path, name: str, way: str
):
    content, what, cure = ALL[name]
    path = tmp_path / name
    path.write_bytes(content)
    is_only_named = name in ("a.csv", "a.tsv", "a.yaml", "texts.json", "texts.jsonl")
    if way == "stdin" and is_only_named:
        pytest.skip("nothing tells it but the name")
    if way == "lines" and name in ("latin.txt", "broken.txt", "a.bin"):
        pytest.skip("a line is read by itself")
    given = {"file": [path], "stdin": [], "lines": ["--lines", path]}[way]
    outcome = polygist(*TRANSLATE, *given, stdin=content if way == "stdin" else b"")
    assert (outcome.code, outcome.out, sent(fake), outcome.err.count("\n")) == (2, "", [], 1)
    assert outcome.err.startswith(f"error: {'stdin' if way == 'stdin' else path}: ")
    assert what in outcome.err
    assert cure in outcome.err


@pytest.mark.parametrize("name", TEXTS)
def test_who_says_that_it_is_text_is_believed(polygist: Polygist, fake: Fake, tmp_path: Path, name: str):
    (tmp_path / name).write_text(TEXTS[name][0])
    assert polygist(*TRANSLATE, tmp_path / name, "--format", "text").code == 0
    assert sent(fake) == [TEXTS[name][0]]


@pytest.mark.parametrize("name", BINARIES)
def test_what_is_no_text_is_none_whatever_is_said(polygist: Polygist, tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(BINARIES[name][0])
    assert polygist(*TRANSLATE, tmp_path / name, "--format", "text").code == 2


def test_a_wrong_file_among_many_is_one_error(polygist: Polygist, tmp_path: Path):
    for name in ("a.docx", "page.html"):
        (tmp_path / name).write_bytes(ALL[name][0])
    (tmp_path / "right.txt").write_text(PROSE)
    outcome = polygist(*TRANSLATE, tmp_path, "-o", f"{tmp_path}/out/")
    assert (outcome.code, [each.name for each in (tmp_path / "out").iterdir()]) == (3, ["right.pt.txt"])
    errors = sorted(line for line in outcome.err.splitlines() if line.startswith("error"))
    assert [each.split(": ")[1] for each in errors] == [f"{tmp_path}/a.docx", f"{tmp_path}/page.html"]
    assert outcome.err.splitlines()[-1] == "note: 1 done, 2 failed"


@pytest.mark.parametrize(
    ("form", "content", "what", "cure"),
    [
        ("csv", '{"id": 1, "text": "The cat"}\n', "is no CSV but JSON Lines", "jsonl --field NAME, one of: text"),
        ("tsv", "id,text\n1,Rain\n", "is no TSV but CSV", "give --format csv --field NAME, one of: id, text"),
        ("csv", '[\n {"text": "The cat"}\n]\n', "is no CSV but JSON", "jq -c '.[]'"),
        ("jsonl", '[\n {"text": "The cat"},\n {"text": "Rain"}\n]\n', "is no JSON Lines but JSON", "jq -c '.[]'"),
        ("jsonl", '[{"text": "The cat"}]', "is no JSON Lines but JSON", "jq -c '.[]'"),
        ("jsonl", "id,text\n1,Rain\n2,Sun\n", "is no JSON Lines but a table (CSV or TSV)", "give --format csv"),
        ("jsonl", '"The cat"\n"Rain"\n', "is no JSON Lines but JSON Lines of texts", "jq -r . "),
        ("jsonl", '["The cat", "Rain"]', "is no JSON Lines but JSON", "jq -r '.[]'"),
        ("csv", "<html><body>The cat</body></html>\n", "is no CSV but an HTML page", "pandoc"),
    ],
)  # fmt: skip
def test_a_file_of_another_format_than_was_said_is_told_once(
    polygist: Polygist, fake: Fake, tmp_path: Path, form: str, content: str, what: str, cure: str
):
    path, result = tmp_path / "a", tmp_path / "out"
    path.write_text(content)
    outcome = polygist(*TRANSLATE, path, "--format", form, "--field", "text", "-o", result)
    assert (outcome.code, sent(fake), result.exists(), outcome.err.count("\n")) == (2, [], False, 1)
    assert outcome.err.startswith(f"error: {path}: {what}; ")
    assert cure in outcome.err


def test_records_among_which_some_are_broken_are_still_records(polygist: Polygist, tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"body": "a"\nRain\n{"body": "b"}\n')
    outcome = polygist(*TRANSLATE, tmp_path / "a.jsonl", "--format", "jsonl", "--field", "body")
    assert (outcome.code, outcome.err.splitlines()[-1]) == (3, "note: 1 done, 2 failed")


def test_a_table_in_another_encoding_is_told_by_its_header(polygist: Polygist, tmp_path: Path):
    (tmp_path / "a.csv").write_bytes("id,título\n1,café\n".encode("latin-1"))
    outcome = polygist(*TRANSLATE, tmp_path / "a.csv", "--format", "csv", "--field", "título")
    assert outcome.code == 2
    assert "byte 4 (0xed) is no UTF-8; convert it first: iconv -f WINDOWS-1252" in outcome.err
    (tmp_path / "a.csv").write_bytes("sep=;\nid;título\n".encode("latin-1"))
    outcome = polygist(*TRANSLATE, tmp_path / "a.csv", "--format", "csv", "--field", "título")
    assert "the header: byte 4 (0xed) is no UTF-8" in outcome.err


def test_cells_may_have_bars_between_them(polygist: Polygist, tmp_path: Path):
    (tmp_path / "a.csv").write_text("id|title\n1|Rain, wind\n")
    outcome = polygist(*TRANSLATE, tmp_path / "a.csv", "--format", "csv", "--field", "title")
    assert outcome.out.splitlines()[1].startswith("1|Rain, wind|RAIN, WIND|")


@pytest.mark.parametrize("form", ["jsonl", "csv", "tsv"])
def test_a_file_of_records_that_is_packed_is_told_once(polygist: Polygist, fake: Fake, tmp_path: Path, form: str):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b'{"body": "a"}\n' * 1000))
    outcome = polygist(*TRANSLATE, tmp_path / "a.gz", "--format", form, "--field", "body")
    assert (outcome.code, outcome.out, sent(fake), outcome.err.count("\n")) == (2, "", [], 1)
    assert "zcat" in outcome.err


def test_a_record_in_another_encoding_does_not_stop_the_others(polygist: Polygist, tmp_path: Path):
    (tmp_path / "a.jsonl").write_bytes('{"body": "é"}\n'.encode("latin-1") + b'{"body": "a"}\n')
    outcome = polygist(*TRANSLATE, tmp_path / "a.jsonl", "--format", "jsonl", "--field", "body")
    assert (outcome.code, json.loads(outcome.out.splitlines()[1])["body_pt"]) == (3, "A")


@pytest.mark.parametrize("command", [["detect"], ["tokens", "--model", "m"]])
def test_the_language_of_a_page_can_be_told_and_that_of_a_document_not(
    polygist: Polygist, tmp_path: Path, command: list[str]
):
    for name in ("page.html", "ascii.pdf"):
        (tmp_path / name).write_bytes(ALL[name][0])
    assert polygist(*command, tmp_path / "page.html").code == 0
    outcome = polygist(*command, tmp_path / "ascii.pdf")
    assert (outcome.code, "pdftotext" in outcome.err, "--format" in outcome.err) == (2, True, False)


@pytest.mark.parametrize("flags", [[], ["--json"], ["--jsonl"], ["--stream"]])
def test_a_wrong_file_is_refused_whatever_form_the_result_has(polygist: Polygist, tmp_path: Path, flags: list[str]):
    (tmp_path / "a.png").write_bytes(BINARIES["a.png"][0])
    assert "tesseract" in polygist(*TRANSLATE, tmp_path / "a.png", *flags).err


@pytest.mark.parametrize(
    "text",
    [
        "<3 is a heart, and < is less.", "<b>Bold</b> is how it begins.", "<p is a letter in a bracket.",
        "{Editor's note} It rains.", "{}", "[1] As Smith says, it rains.", "[1, 2] are numbers.", '{"quoted"} it is.',
        "BM is a company, MZ and PK too.", "%PDF is how a PDF begins.", "1\nIt rains.", "msgid is a word.",
        "WEBVTTs are subtitles.", "<!-- a comment --> It rains.", "GIF89a; RIFF; II* are words.", "", "\n\n",
        "# A heading\n\n{\\rtf is how RTF begins.", "id,title,body\nare three words.", "--- a.txt\n+++ b.txt",
        '{"a": 1}\nis an object.', '{"a": 1} is an object in JSON.\n[1, 2] is a list.', "%PDF-1.4 is an old version.",
        "<!DOCTYPE html> is the first line.\nOf every page.", "{\\rtf1 is how RTF begins.", "%!PS is how it begins.",
        "\\documentclass{article} is the first line.", "2 eggs, beaten\n1 cup sugar, white\n2 cups flour, sifted",
        "the sun, the moon\nthe day, the noon\nthe dark, the light", "He came; she left\nThey ate; we slept\nIt is; so",
        "Monday\topen\nTuesday\tclosed\nWednesday\topen", "Chapter one\t1\nChapter two\t9\nChapter three\t30",
        "The lesson begins.\n<html><head></head><body></body></html>\nis an empty page, and it is valid.",
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["file", "stdin", "lines"])
def test_prose_is_not_refused_for_what_it_begins_with(polygist: Polygist, tmp_path: Path, text: str, way: str):
    (tmp_path / "a.txt").write_text(text)
    given = {"file": [tmp_path / "a.txt"], "stdin": [], "lines": ["--lines", tmp_path / "a.txt"]}[way]
    outcome = polygist(*TRANSLATE, *given, stdin=text if way == "stdin" else b"")
    assert (outcome.code, "error" in outcome.err) == (0, False)


def test_markup_is_translated_with_a_warning(polygist: Polygist, tmp_path: Path):
    for name in ("a.md", "b.md", "c.txt"):
        (tmp_path / name).write_text("# A heading\n")
    arguments = [*TRANSLATE, *sorted(tmp_path.iterdir()), "-o", f"{tmp_path}/out/"]
    outcome = polygist(*arguments)
    assert (outcome.code, outcome.err.splitlines()[0].startswith(f"warning: {tmp_path}/a.md and 1 more: ")) == (0, True)
    assert polygist(*arguments, "--format", "text").err == "note: 3 done\n"
    assert polygist(*arguments, "--quiet").err == ""


@pytest.mark.parametrize(("name", "what"), [("a.eml", "headers are taken"), ("a.py", "code is taken")])
def test_what_is_hardly_prose_is_translated_with_a_warning(polygist: Polygist, tmp_path: Path, name: str, what: str):
    (tmp_path / name).write_text("From: a@b.c\n\nHello\n")
    outcome = polygist(*TRANSLATE, tmp_path / name)
    assert (outcome.code, outcome.err.startswith(f"warning: {tmp_path / name}: {what} for text")) == (0, True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("wide.txt", PROSE), ("wide-be.txt", PROSE), ("wider.txt", PROSE), ("a.txt.gz", PROSE), ("a.bz2", PROSE),
        ("a.xz", PROSE), ("latin.txt", "Não é às nove."), ("broken.txt", "Não é às nove; é às dez"),
    ],
)  # fmt: skip
def test_the_cure_works(polygist: Polygist, tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_bytes(BINARIES[name][0])
    cure = shlex.split(polygist(*TRANSLATE, tmp_path / name).err.rpartition(": ")[2].partition(" |")[0])
    if shutil.which(cure[0]) is None:
        pytest.skip(f"no {cure[0]} here")
    assert subprocess.run(cure, capture_output=True, check=False).stdout.decode() == text
