"""Files that are sent as they are: Word, subtitles, catalogues."""

import base64
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from polygist.v1 import translation_service_pb2
from polygist_client.cli import files

from tests.client.conftest import Polygist
from tests.fakes.server import Failing, Fake, translate_document

TRANSLATE = ("translate", "--to", "pt")
FILM = "1\n00:00:01,000 --> 00:00:02,000\nGood morning.\n"
WEB_FILM = "WEBVTT\n\n00:01.000 --> 00:02.000\nGood morning.\n"
CATALOGUE = 'msgid ""\nmsgstr ""\n\nmsgid "Hello"\nmsgstr ""\n'
SNOWY = "1\n00:00:01,000 --> 00:00:02,000\nGood ☃ morning.\n"


def make_word() -> bytes:
    """What looks like a Word document to all but a parser."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("word/document.xml", "<w/>")
    return stream.getvalue()


WORD = make_word()


def refuse(name: str, problem: str) -> Callable[[Any], Any]:
    """A rule by which one file is refused, and the others are translated."""
    refusal = Failing(grpc.StatusCode.INVALID_ARGUMENT, f"document: {problem}", "FIELD_INVALID")
    return lambda request: refusal if request.name == name else translate_document(request)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("report.docx", WORD), ("report.DOCM", WORD), ("report.dotx", WORD), ("film.srt", FILM.encode()),
        ("film.vtt", WEB_FILM.encode()), ("app.po", CATALOGUE.encode()),
    ],
)  # fmt: skip
def test_a_file_comes_back_as_such(polygist: Polygist, fake: Fake, tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    outcome = polygist(*TRANSLATE, tmp_path / name, "-o", f"{tmp_path}/out/")
    (request,) = fake.requests("TranslateDocument")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (request.document, request.name, request.mime_type) == (content, name, "")
    stem, _, suffix = name.rpartition(".")
    expected = content if content == WORD else content.upper()
    assert (tmp_path / "out" / f"{stem}.pt.{suffix}").read_bytes() == expected


@pytest.mark.parametrize(
    ("content", "mime_type", "ending"),
    [
        (WORD, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
        (FILM.encode("utf-8-sig").replace(b"\n", b"\r\n"), "application/x-subrip", ".srt"),
        (WEB_FILM.encode(), "text/vtt", ".vtt"),
        (b"# Ann, 2026\n" + CATALOGUE.encode(), "text/x-gettext-translation", ".po"),
    ],
)
def test_a_file_is_told_by_what_is_in_it(
    polygist: Polygist, fake: Fake, tmp_path: Path, content: bytes, mime_type: str, ending: str
):
    (tmp_path / "film.txt").write_bytes(content)
    (tmp_path / "film").write_bytes(content)
    polygist(*TRANSLATE, tmp_path / "film.txt", "-o", tmp_path / "out")
    outcome = polygist(*TRANSLATE, stdin=content)
    assert outcome.err.startswith("note: stdin: is a ")
    first, second = fake.requests("TranslateDocument")
    assert (first.mime_type, first.name, second.mime_type, second.name) == (mime_type, "film.txt", mime_type, "stdin")
    expected = content if content == WORD else content.decode().upper().encode()
    assert outcome.out.encode(errors="surrogateescape") == expected
    assert (tmp_path / "out").read_bytes() == expected
    polygist(*TRANSLATE, tmp_path / "film", "-o", f"{tmp_path}/named/")
    (named,) = (tmp_path / "named").iterdir()
    assert named.suffix == ending


@pytest.mark.parametrize(
    ("name", "content", "mime_type", "written"),
    [
        ("a.srt", WORD, "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "a.pt.docx"),
        ("a.vtt", CATALOGUE.encode(), "text/x-gettext-translation", "a.pt.po"),
        ("a.docx", FILM.encode(), "application/x-subrip", "a.pt.srt"),
    ],
)
def test_a_file_whose_name_says_another_kind_is_what_is_in_it(
    polygist: Polygist, fake: Fake, tmp_path: Path, name: str, content: bytes, mime_type: str, written: str
):
    (tmp_path / name).write_bytes(content)
    outcome = polygist(*TRANSLATE, tmp_path / name, "-o", f"{tmp_path}/out/")
    assert (outcome.code, outcome.err.startswith(f"note: {tmp_path / name}: is a ")) == (0, True)
    assert [each.mime_type for each in fake.requests("TranslateDocument")] == [mime_type]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [written]


def test_a_result_whose_name_says_another_kind_is_told(polygist: Polygist, tmp_path: Path):
    (tmp_path / "a.docx").write_bytes(WORD)
    (tmp_path / "a.srt").write_text(FILM)
    for source, output, is_told in (
        ("a.docx", "y.txt", True), ("a.docx", "y.odt", True), ("a.docx", "y.docm", False), ("a.docx", "y", False),
        ("a.srt", "y.vtt", True), ("a.srt", "y.txt", False),
    ):  # fmt: skip
        outcome = polygist(*TRANSLATE, tmp_path / source, "-o", tmp_path / output)
        assert (outcome.code, "its name says another kind" in outcome.err) == (0, is_told), (source, output)


def test_what_is_said_goes_before_what_shows(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "film.srt").write_text(FILM)
    assert polygist(*TRANSLATE, "--format", "text", tmp_path / "film.srt").out == FILM.upper()
    assert polygist(*TRANSLATE, "--format", "vtt", tmp_path / "film.srt").code == 0
    assert polygist(*TRANSLATE, "--format", "srt", "-o", "-", stdin="1\nno times\n").out == "1\nNO TIMES\n"
    assert [each.mime_type for each in fake.requests("TranslateDocument")] == ["text/vtt", "application/x-subrip"]
    assert len(fake.requests("Translate")) == 1


def test_what_files_are_encoded_in_is_said(polygist: Polygist, fake: Fake, tmp_path: Path):
    cyrillic = "Добрый день.\n"
    (tmp_path / "film.srt").write_bytes(FILM.replace("Good", "Добрый").encode("cp1251"))
    (tmp_path / "a.txt").write_bytes(cyrillic.encode("cp1251"))
    (tmp_path / "marked.txt").write_bytes(cyrillic.encode("utf-8-sig"))
    (tmp_path / "a.html").write_bytes(f"<p>{cyrillic}".encode("cp1251"))
    fake.rules["TranslateDocument"] = lambda request: translation_service_pb2.TranslateDocumentResponse(document=b"x")
    outcome = polygist(*TRANSLATE, "--charset", "windows-1251", tmp_path, "-o", f"{tmp_path}/out/")
    assert (outcome.code, outcome.err.count("error")) == (0, 0)
    assert [each.mime_type for each in fake.requests("TranslateDocument")] == ["*/*; charset=windows-1251"]
    made = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert made.pop("film.pt.srt") == b"x"
    upper = cyrillic.upper()
    assert made == {
        "a.pt.txt": upper.encode(), "marked.pt.txt": upper.encode("utf-8-sig"),
        "a.pt.html": f"<P>{upper}".encode("cp1251"),
    }  # fmt: skip
    fake.script("TranslateDocument", Failing(
        grpc.StatusCode.INVALID_ARGUMENT, "document: byte 3 (0xe9) is no UTF-8; say what the file is encoded in, as in"
        " mime_type 'application/x-subrip; charset=windows-1252', or convert it", "FIELD_INVALID",
    ))  # fmt: skip
    refused = polygist(*TRANSLATE, tmp_path / "film.srt")
    assert "say what the file is encoded in, as in --charset windows-1252, or convert it" in refused.err
    assert "; or give --charset NAME" in polygist(*TRANSLATE, tmp_path / "a.txt").err
    for flags, problem in (
        (("--charset", "latin-99"), "--charset latin-99: no such encoding is known"),
        (("--charset", "windows-1251", "--lines"), "--charset is for whole files"),
    ):
        wrong = polygist(*TRANSLATE, *flags, tmp_path / "a.txt")
        assert (wrong.code, problem in wrong.err) == (2, True), wrong.err


def test_files_and_texts_go_in_one_run(polygist: Polygist, fake: Fake, tmp_path: Path):
    inputs = tmp_path / "in"
    (inputs / "deep").mkdir(parents=True)
    (inputs / "a.txt").write_text("Good morning.")
    (inputs / "deep" / "b.md").write_text("# Rain\n")
    (inputs / "deep" / "film.srt").write_text(FILM)
    (inputs / "report.docx").write_bytes(WORD)
    (inputs / "app.pot").write_text(CATALOGUE)
    (inputs / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    fake.rules["TranslateDocument"] = refuse("report.docx", "is encrypted; save it without")
    outcome = polygist("translate", "--to", "pt,fr", inputs, "-o", f"{tmp_path}/out/")
    assert outcome.code == 3
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert found == [
        "a.fr.txt", "a.pt.txt", "app.fr.po", "app.pt.po", "deep/b.fr.md", "deep/b.pt.md", "deep/film.fr.srt",
        "deep/film.pt.srt",
    ]  # fmt: skip
    errors = sorted({line for line in outcome.err.splitlines() if line.startswith("error")})
    assert errors[0] == f"error: {inputs}/report.docx: is encrypted; save it without"
    assert "scan.png: is an image" in errors[1]
    assert outcome.err.splitlines()[-1] == "note: 8 done, 4 failed"


def test_a_file_that_fails_leaves_what_is_there(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "report.docx").write_bytes(WORD)
    (tmp_path / "out.docx").write_bytes(b"before")
    fake.script("TranslateDocument", Failing(grpc.StatusCode.INVALID_ARGUMENT, "document: is damaged", "FIELD_INVALID"))
    outcome = polygist(*TRANSLATE, tmp_path / "report.docx", "-o", tmp_path / "out.docx")
    assert (outcome.code, (tmp_path / "out.docx").read_bytes()) == (2, b"before")
    assert outcome.err == f"error: {tmp_path}/report.docx: is damaged\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.docx", "report.docx"]


def test_a_finished_file_is_not_made_again(polygist: Polygist, fake: Fake, tmp_path: Path):
    for name in ("a.srt", "b.srt"):
        (tmp_path / name).write_text(FILM)
        os.utime(tmp_path / name, (1, 1))
    command = (*TRANSLATE, tmp_path / "a.srt", tmp_path / "b.srt", "-o", f"{tmp_path}/out/", "--resume")
    polygist(*command)
    (tmp_path / "out" / "b.pt.srt").unlink()
    outcome = polygist(*command)
    asked = sorted(each.name for each in fake.requests("TranslateDocument"))
    assert (outcome.code, asked) == (0, ["a.srt", "b.srt", "b.srt"])
    assert "1 of 2 finished already" in outcome.err
    polygist(*command, "--jsonl")
    assert len(fake.requests("TranslateDocument")) == 3


def test_warnings_say_in_which_line_of_what_was_read(polygist: Polygist, tmp_path: Path):
    (tmp_path / "film.srt").write_text(SNOWY)
    (tmp_path / "b.srt").write_text(SNOWY)
    said = 'film.srt:3 "☃": no piece for ☃ [unknown-characters]'
    assert polygist(*TRANSLATE, tmp_path / "film.srt").err == f"warning: {tmp_path}/{said}\n"
    outcome = polygist(*TRANSLATE, tmp_path / "film.srt", tmp_path / "b.srt", "-o", f"{tmp_path}/out/")
    assert said in outcome.err
    assert outcome.err.splitlines()[-1] == "note: 2 done, 2 with unknown characters"


def test_json_has_the_file_or_says_all_about_the_one_that_is_written(polygist: Polygist, tmp_path: Path):
    path = tmp_path / "film.srt"
    path.write_text(FILM)
    reply = json.loads(polygist(*TRANSLATE, path, "--json", "--alignment").out)
    assert base64.b64decode(reply["document"]) == FILM.upper().encode()
    assert (reply["mimeType"], reply["sourceText"]) == ("application/x-subrip", FILM)
    assert reply["translation"]["segments"][0]["alignment"]
    written = json.loads(polygist(*TRANSLATE, path, "--json", "-o", tmp_path / "out.srt").out)
    assert written["translatedText"] == FILM.upper()
    assert "document" not in written
    assert (tmp_path / "out.srt").read_text() == FILM.upper()
    line = json.loads(polygist(*TRANSLATE, path, "--jsonl").out)
    assert (line["id"], base64.b64decode(line["document"])) == (str(path), FILM.upper().encode())
    assert (line["translatedText"], line["model"]) == (FILM.upper(), "models/en-pt")


def test_lines_of_json_are_about_files_in_a_folder(polygist: Polygist, fake: Fake, tmp_path: Path):
    for name in ("a.srt", "b.srt"):
        (tmp_path / name).write_text(FILM)
    fake.rules["TranslateDocument"] = refuse("a.srt", "is damaged")
    outcome = polygist(*TRANSLATE, tmp_path, "-o", f"{tmp_path}/out/", "--jsonl")
    first, second = map(json.loads, outcome.out.splitlines())
    assert (outcome.code, first["error"]["message"]) == (3, "document: is damaged")
    assert (second["translatedText"], "document" in second) == (FILM.upper(), False)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.pt.srt"]


def test_a_word_document_is_nothing_for_a_terminal(polygist: Polygist, fake: Fake, tmp_path: Path, monkeypatch):
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    (tmp_path / "report.docx").write_bytes(WORD)
    monkeypatch.setattr(files, "standard_output", Terminal)
    outcome = polygist(*TRANSLATE, tmp_path / "report.docx")
    assert (outcome.code, fake.asked) == (2, [])
    assert "Word is nothing for a terminal; give -o FILE or -o DIR/" in outcome.err
    assert polygist("summarise", tmp_path / "report.docx").code == 0


def test_flags_for_catalogues_arrive(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "app.pot").write_text(CATALOGUE)
    assert polygist(*TRANSLATE, tmp_path / "app.pot", "--mark-fuzzy", "--retranslate").code == 0
    (request,) = fake.requests("TranslateDocument")
    assert request.catalogue_config.mark_fuzzy
    assert request.catalogue_config.retranslate


def test_files_are_summarised(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "film.srt").write_text("The cat sat.\nIt ran.\n")
    (tmp_path / "a.txt").write_text("Rain.\n")
    outcome = polygist("summarise", tmp_path / "film.srt", "--citations", "--max-sentences", "1")
    assert outcome.out == 'The cat sat.\n\n[1] 0-12 "The cat sat."\n'
    assert fake.requests("Summarise")[0].document.name == "film.srt"
    polygist("summarise", tmp_path / "film.srt", tmp_path / "a.txt", "-o", f"{tmp_path}/out/")
    found = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert found == {"film.summary.txt": "The cat sat.", "a.summary.txt": "Rain."}
    line = json.loads(polygist("summarise", "--jsonl", tmp_path / "film.srt").out)
    assert (line["text"], line["sourceText"]) == ("The cat sat.", "The cat sat.\nIt ran.\n")
    assert json.loads(polygist("summarise", "--json", stdin=FILM).out)["summaries"][0]["sourceText"] == FILM
