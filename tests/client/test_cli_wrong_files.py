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
    "a.docx": (pack(TYPES, ("word/document.xml", "<w/>")), "a Word document", "leave {way} out, and it is read as"),
    "a.xlsx": (pack(TYPES, ("xl/workbook.xml", "<w/>")), "an Excel workbook", "--format csv"),
    "a.pptx": (pack(TYPES, ("ppt/presentation.xml", "<w/>")), "a PowerPoint presentation", "pdftotext"),
    "a.odt": (pack(("mimetype", "application/vnd.oasis.opendocument.text")), "an OpenDocument text", "to docx {}"),
    "a.epub": (pack(("mimetype", "application/epub+zip")), "an e-book", "pandoc"),
    "a.mo": (bytes.fromhex("de120495000000000100") + bytes(30), "a compiled catalogue", "msgunfmt {}"),
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
RECORDS = "--format jsonl --field NAME"
TEXTS = {
    "ascii.pdf": ("%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nBT (Hello) Tj ET\n", "a PDF", "pdftotext"),
    "a.xml": ('<?xml version="1.0"?>\n<a>The library</a>\n', "XML", "take its text out"),
    "a.asc": ("-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n", "a message in armour", "gpg -d"),
    "a.deb": ("!<arch>\ndebian-binary   1\n", "an archive (ar)", "ar x"),
    "a.rtf": ("{\\rtf1\\ansi The library opens at nine.}\n", "RTF", "pandoc -f rtf"),
    "a.ps": ("%!PS-Adobe-3.0\n(hello) show\n", "PostScript", "ps2ascii"),
    "a.srt": ("1\n00:00:01,000 --> 00:00:02,000\nThe library.\n", "subtitles", "leave {way} out, and it is read"),
    "a.vtt": ("WEBVTT\n\n00:01.000 --> 00:02.000\nThe library.\n", "subtitles", "leave {way} out, and it is read"),
    "a.po": ('msgid ""\nmsgstr ""\n\nmsgid "Hello"\nmsgstr ""\n', "gettext", "leave {way} out, and it is read"),
    "a.ass": ("[Script Info]\nTitle: Rain\n[Events]\nDialogue: 0,0:00:01,It rains.\n", "subtitles", "ffmpeg -i {}"),
    "a.yaml": ("hello: The library\n", "keys and values", "JSON Lines"),
    "a.jsonl": ('{"id": 1, "title": "Rain", "body": "It rains."}\n', "JSON Lines",
                "--format jsonl --field NAME, one of: title, body"),
    "undeclared": ('{"id": 1, "body": "It rains."}\n{"id": 2, "body": "It shines."}\n', "JSON Lines",
                   "--format jsonl --field NAME, one of: body"),
    "a.json": ('[\n {"id": 1, "title": "Rain"}\n]\n', "JSON", "jq -c '.[]'"),
    "b.json": ('{\n "hello": "Hello", "more": {}\n}\n', "JSON", "jq -r .NAME"),
    "a.csv": ("id;title;body\n1;Rain;It rains.\n", "a table", "--format csv --field NAME, one of: id, title, body"),
    "reply.txt": ("HTTP/2 200\r\ncontent-type: text/html\r\n\r\n<p>The cat", "with its headers", "without -i"),
    "mail.txt": ("From: a@b.c\nX-A: b\n c\nMessage-ID: <a@b.c>\n\nThe cat.\n", "an e-mail", "an e-mail program"),
    "texts.json": ('["The cat", "The dog"]\n', "JSON", "jq -r '.[]' {} | polygist … --lines"),
    "texts.jsonl": ('"The cat"\n"The dog"\n', "JSON Lines without names", "jq -r . {} | polygist … --lines"),
    "long.json": (json.dumps(["The cat\nsat", "The dog"]), "JSON", "jq -c '.[] | {text: .}' {} | polygist … --format"),
    "large.json": (json.dumps([{"t": "x" * 50}] * 5000), "JSON", f"jq -c '.[]' {{}} | polygist … {RECORDS}, one of: t"),
    "wrapped.json": ('{"news": [{"body": "Rain"}]}', "JSON", "jq -c '.news[]' {} | polygist … --format"),
    "nested.json": ('{\n "home": {"title": "Rain"}}', "JSON", "jq -r .NAME {} | polygist …, one of: home.title"),
    "quoted.txt": ('name,comment\nJohn,Very good\nMary,"Bad, really"\nPete,Fine\n', "a table",
                   "--format csv --field NAME, one of: name, comment"),
    "tabbed.txt": ('id\tbody\n1\t"It ""sat""."\n2\tIt ran.\n', "a table", "--format tsv --field NAME, one of: id"),
    "a.tex": ("\\documentclass[12pt]{article}\n\\begin{document}Hello\\end{document}\n", "LaTeX", "pandoc"),
    "numbers.txt": ("id|title\n1|The cat\n2|The dog\n", "a table", "--format csv --field NAME, one of: id, title"),
    "many.txt": ("name,comment\n" + "John,Very good\nMary,Bad\n" * 3000, "a table", "one of: name, comment"),
    "a.tsv": ("id\tbody\n1\tIt rains.\n", "a table", "--format tsv --field NAME, one of: id, body"),
}  # fmt: skip
# What is no text, and sent as the file that it is.
FILES = ("a.docx", "a.srt", "a.vtt", "a.po")
ONLY_NAMED = ("a.csv", "a.tsv", "a.yaml", "texts.json", "texts.jsonl", "long.json")
ALL = {**BINARIES, **{name: (text.encode(), what, cure) for name, (text, what, cure) in TEXTS.items()}}


# Of standard input there is no name to go by, and of texts that are lines each is read by itself.
WAYS = [
    (name, way)
    for name in ALL
    for way in ("file", "stdin", "lines")
    if not (way == "stdin" and name in ONLY_NAMED)
    if not (way != "lines" and name in FILES)
    if not (way == "lines" and name in ("latin.txt", "broken.txt", "a.bin"))
]


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_a_file_that_is_no_plain_text_is_refused_with_a_cure(
    polygist: Polygist, fake: Fake, tmp_path: Path, name: str, way: str
):
    content, what, cure = ALL[name]
    path = tmp_path / name
    path.write_bytes(content)
    given = {"file": [path], "stdin": [], "lines": ["--lines", path]}[way]
    outcome = polygist(*TRANSLATE, *given, stdin=content if way == "stdin" else b"")
    assert (outcome.code, outcome.out, sent(fake), outcome.err.count("\n")) == (2, "", [], 1)
    assert outcome.err.startswith(f"error: {'stdin' if way == 'stdin' else path}: ")
    assert what in outcome.err
    assert cure.replace("{}", "FILE" if way == "stdin" else str(path)).replace("{way}", "--lines") in outcome.err


@pytest.mark.parametrize("name", TEXTS)
def test_who_says_that_it_is_text_is_believed(polygist: Polygist, fake: Fake, tmp_path: Path, name: str):
    (tmp_path / name).write_text(TEXTS[name][0])
    assert polygist(*TRANSLATE, tmp_path / name, "--format", "text").code == 0
    assert sent(fake) == [TEXTS[name][0]]


@pytest.mark.parametrize("name", BINARIES)
def test_what_is_no_text_is_none_whatever_is_said(polygist: Polygist, tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(BINARIES[name][0])
    outcome = polygist(*TRANSLATE, tmp_path / name, "--format", "text")
    assert outcome.code == 2
    cure = BINARIES[name][2].replace("{}", str(tmp_path / name))
    assert cure.replace("{way}", "--format text") in outcome.err


def test_a_command_that_takes_no_word_documents_says_how_to_get_at_their_text(polygist: Polygist, tmp_path: Path):
    for name, cure in (("a.docx", "pandoc -t plain"), ("a.odt", "pandoc -t plain"), ("a.doc", "txt:Text")):
        (tmp_path / name).write_bytes(BINARIES[name][0])
        assert cure in polygist("detect", tmp_path / name).err


def test_an_old_workbook_is_told_from_an_old_document_by_its_name(polygist: Polygist, tmp_path: Path):
    for name, cure in (("a.xls", "csv"), ("a.ppt", "pdf"), ("a.doc", "docx")):
        (tmp_path / name).write_bytes(BINARIES["a.doc"][0])
        assert f"--convert-to {cure} {tmp_path / name}" in polygist(*TRANSLATE, tmp_path / name).err


def test_a_wrong_file_among_many_is_one_error(polygist: Polygist, tmp_path: Path):
    for name in ("a.odt", "a.pdf"):
        (tmp_path / name).write_bytes(ALL[name][0])
    (tmp_path / "right.txt").write_text(PROSE)
    outcome = polygist(*TRANSLATE, tmp_path, "-o", f"{tmp_path}/out/")
    assert (outcome.code, [each.name for each in (tmp_path / "out").iterdir()]) == (3, ["right.pt.txt"])
    errors = sorted(line for line in outcome.err.splitlines() if line.startswith("error"))
    assert [each.split(": ")[1] for each in errors] == [f"{tmp_path}/a.odt", f"{tmp_path}/a.pdf"]
    assert outcome.err.splitlines()[-1] == "note: 1 done, 2 failed"


JSONL, ARRAY, OBJECT = (
    '{"id": 1, "body": "It rains."}\n' * 2,
    '[\n {"body": "Rain"},\n {"body": "Sun"}\n]',
    '{\n "body": "Rain"\n}\n',
)
TO_JSONL = f"FILE | polygist … {RECORDS}, one of: body"
DECLARED = {
    ("jsonl", ARRAY): ("is JSON, not JSON Lines", f"jq -c '.[]' {TO_JSONL}"),
    ("jsonl", '[{"body": "Rain"}, {"body": "Sun"}]'): ("is JSON, not JSON Lines", "jq -c '.[]' FILE"),
    ("jsonl", OBJECT): ("is JSON, not JSON Lines", f"jq -c . {TO_JSONL}"),
    ("jsonl", '"Rain"\n"Sun"\n'): ("is JSON Lines without names", "jq -r . FILE | polygist … --lines"),
    ("jsonl", "id,body\n1,Rain\n2,Sun\n"): ("is CSV, not JSON Lines", "--format csv --field NAME, one of: id, body"),
    ("jsonl", 'id\tbody\n1\t"a ""b"""\n2\tc\n'): ("is TSV, not JSON Lines", "give --format tsv"),
    ("csv", JSONL): ("is JSON Lines, not CSV", f"give {RECORDS}, one of: body"),
    ("csv", ARRAY): ("is JSON, not CSV", f"jq -c '.[]' {TO_JSONL}"),
    ("csv", OBJECT): ("is JSON, not CSV", f"jq -c . {TO_JSONL}"),
    ("tsv", JSONL): ("is JSON Lines, not TSV", f"give {RECORDS}, one of: body"),
    ("tsv", "id,body\n1,Rain\n"): ("is CSV, not TSV", "give --format csv"),
    ("csv", "<!DOCTYPE html>\n<html><body><p>The library.</p></body></html>"):
        ("is HTML", "leave --format csv --field out"),
    ("jsonl", TEXTS["a.vtt"][0]): ("is a file of subtitles", "leave --format jsonl --field out"),
}  # fmt: skip


@pytest.mark.parametrize(("form", "content"), DECLARED)
def test_who_names_the_wrong_format_is_told_the_right_one(
    polygist: Polygist, fake: Fake, tmp_path: Path, form: str, content: str
):
    (tmp_path / "a").write_text(content)
    outcome = polygist(*TRANSLATE, tmp_path / "a", "--format", form, "--field", "body")
    what, cure = DECLARED[form, content]
    assert (outcome.code, outcome.out, sent(fake), outcome.err.count("\n")) == (2, "", [], 1)
    assert outcome.err.startswith(f"error: {tmp_path}/a: {what}")
    assert cure.replace("FILE", f"{tmp_path}/a") in outcome.err


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize(
    ("content", "cure"), [(ARRAY, "jq -c '.[]'"), (OBJECT, "jq -c ."), ('[{"a": 1},\n{', "jq -c '.[]'")]
)
def test_the_first_line_of_a_pipe_is_enough_to_tell_json(polygist: Polygist, form: str, content: str, cure: str):
    outcome = polygist(*TRANSLATE, "--format", form, "--field", "body", stdin=content)
    assert (outcome.code, outcome.out, cure in outcome.err) == (2, "", True)


@pytest.mark.parametrize(
    "content", ['{"body": "a"}\n{"body": \n{"body": "c"}', '"text"\n{"body": "a"}', '[1]\n{"body": "a"}']
)
def test_a_record_that_is_broken_does_not_make_a_file_another(polygist: Polygist, tmp_path: Path, content: str):
    (tmp_path / "a.jsonl").write_text(content)
    outcome = polygist(*TRANSLATE, tmp_path / "a.jsonl", "--format", "jsonl", "--field", "body")
    assert (outcome.code, '"body_pt": "A"' in outcome.out) == (3, True)


@pytest.mark.parametrize("before", ["", "\n", "sep=,\n"])
def test_a_table_whose_names_are_in_another_encoding_is_told_so(polygist: Polygist, tmp_path: Path, before: str):
    (tmp_path / "a.csv").write_bytes(f"{before}id,título\n1,O café\n".encode("latin-1"))
    outcome = polygist(*TRANSLATE, tmp_path / "a.csv", "--format", "csv", "--field", "título")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "byte 4 (0xed) is no UTF-8; convert it first" in outcome.err


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
def test_the_language_of_subtitles_can_be_told_and_that_of_a_document_not(
    polygist: Polygist, tmp_path: Path, command: list[str]
):
    for name in ("a.srt", "ascii.pdf"):
        (tmp_path / name).write_bytes(ALL[name][0])
    assert polygist(*command, tmp_path / "a.srt").code == 0
    outcome = polygist(*command, tmp_path / "ascii.pdf")
    assert (outcome.code, "pdftotext" in outcome.err, "--format" in outcome.err) == (2, True, False)
    several = polygist(*command, tmp_path / "ascii.pdf", tmp_path / "a.srt")
    assert (several.code, "pdftotext" in several.err) == (3, True)
    assert several.out.startswith(f"{tmp_path}/a.srt\t")


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
        '{"a": 1}\nis an object.', '{"a": 1} is an object in JSON.', '["a", "b"] is a list.', '"Hello"\n"Good morning"',
        "%PDF-1.4 is an old version.", "<!DOCTYPE html> is the first line.\nWrite it first.", "<html> begins a page.",
        "\\documentclass{article} is the first line.", "{\\rtf1 is how RTF starts.", "%!PS is how PostScript starts.",
        "WEBVTT\nis a format.", "HTTP/1.1 200 OK is an answer.", "From: Ann\nTo: Bob\nSubject: Lunch\n\nAt noon?",
        "The lesson begins.\n<html><head></head><body></body></html>\nis an empty page, and it is valid.",
        "Chapter one\t1\nChapter two\t9\nChapter three\t30", "He came; she left\nThey ate; we slept\nIt is; so",
        "<p> begins a paragraph, and </p> ends it.", '<?xml version="1.0"?> is the first line.',
        "Name\tAge\nAnna\t34\nJohn\t28\n" * 10, "Sugar, white\nFlour, sifted\n" * 10, "a, b\n1, 2\n3, 4",
        "Paris,London\nRome,Berlin\nMadrid,Lisbon", "The sun,the moon\nThe day,the noon\n" * 10,
        "JOHN,Hello\nMARY,Hi there\n" * 10, "春眠,不觉晓\n处处,闻啼鸟\n夜来,风雨声\n" * 10,
        "<!-- a -->" * 60 + "It rains.", " \n" * 3000 + "It rains.",
        "# A heading\n\n{\\rtf is how RTF begins.", "id,title,body\nare three words.", "--- a.txt\n+++ b.txt",
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["file", "stdin", "lines"])
def test_prose_is_not_refused_for_what_it_begins_with(polygist: Polygist, tmp_path: Path, text: str, way: str):
    (tmp_path / "a.txt").write_text(text)
    given = {"file": [tmp_path / "a.txt"], "stdin": [], "lines": ["--lines", tmp_path / "a.txt"]}[way]
    outcome = polygist(*TRANSLATE, *given, stdin=text if way == "stdin" else b"")
    assert (outcome.code, "error" in outcome.err) == (0, False)


def test_markup_is_translated_with_a_warning(polygist: Polygist, tmp_path: Path):
    for name in ("a.rst", "b.rst", "c.txt"):
        (tmp_path / name).write_text("# A heading\n")
    arguments = [*TRANSLATE, *sorted(tmp_path.iterdir()), "-o", f"{tmp_path}/out/"]
    outcome = polygist(*arguments)
    assert (outcome.code, outcome.err.splitlines()[0].startswith(f"warning: {tmp_path}/a.rst and 1 more: ")) == (
        0,
        True,
    )
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
