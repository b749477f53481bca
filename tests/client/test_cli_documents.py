"""HTML and Markdown on the command line: known by name or content, and what comes of them is such a document again."""

import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polygist.charsets import find_charset
from polygist.v1 import translation_service_pb2
from polygist_client.cli.inputs import Input, InputError

from tests.client.conftest import Polygist, sent
from tests.client.test_cli_folders import found_in
from tests.fakes.server import Fake

TRANSLATE = ["translate", "-s", "en", "-t", "pt"]
PAGE = "<!DOCTYPE html>\n<html><body><p>The library.</p></body></html>\n"
PAGES = {
    "whole": PAGE,
    "upper": "\n<!-- made by x -->\n<HTML lang='en'><body>The library.</body></HTML>",
    "part": "<p>The library.</p>\n",
    "parts": "<!-- 1 --> <h1 class=a>One</h1>\n\n<i>more</i>" + "x" * 150_000 + "<br>",
    "xhtml": f'<?xml version="1.0"?>\n{PAGE}',
    "late": "Page saved.\n<html><head></head><body>The cat</body></html>\n",
}
GUESSED = "is HTML, and read as such; --format text takes it as it stands"


def kinds(fake: Fake) -> dict[str, str]:
    """Each text that the fake was sent, and what it is said to be."""
    found = {}
    for each in fake.asked:
        request = getattr(each.request, "request", each.request)
        found |= {text: request.mime_type for text in getattr(request, "contents", ())}
        found |= {item.content: item.mime_type or request.mime_type for item in each.items}
    fake.asked.clear()
    return found


def test_a_document_is_known_by_its_name(polygist: Polygist, fake: Fake, tmp_path: Path):
    names = {
        "a.html": "html", "a.htm": "html", "A.XHTML": "html", "a.md": "markdown", "a.markdown": "markdown",
        "a.mdown": "markdown", "a.MKD": "markdown", "a.txt": "", "a.text": "", "a": "", "html": "", "a.html.txt": "",
    }  # fmt: skip
    for name in names:
        (tmp_path / name).write_text(f"<p>{name}</p> [1]: x")  # by itself text
    commands = (TRANSLATE, [*TRANSLATE, "--stream"], ["summarise"], ["detect"], ["tokens", "--model", "m"])
    for command in commands:
        for name, kind in names.items():
            assert polygist(*command, tmp_path / name).err == ""
            assert list(kinds(fake).values()) == [f"text/{kind}" if kind else ""], (command, name)
    for name in names:
        assert polygist(*TRANSLATE, tmp_path / name, "--format", "text").err == ""
        assert list(kinds(fake).values()) == [""]
        polygist(*TRANSLATE, tmp_path / name, "--format", "markdown")
        assert list(kinds(fake).values()) == ["text/markdown"]


def test_a_page_is_known_by_what_it_has(polygist: Polygist, fake: Fake, tmp_path: Path):
    for name, page in PAGES.items():
        for command in (TRANSLATE, ["summarise"], ["detect"], [*TRANSLATE, "--stream"], [*TRANSLATE, "--json"]):
            for kind in ("stdin", f"{name}.txt", name, f"{name}.xml"):
                (tmp_path / name).with_name(kind).write_text(page)
                file = "-" if kind == "stdin" else tmp_path / kind
                outcome = polygist(*command, file, stdin=page)
                assert (outcome.code, outcome.err) == (0, f"note: {kind if file == '-' else file}: {GUESSED}\n")
                assert kinds(fake) == {page: "text/html"}
        assert polygist(*TRANSLATE, "-", "--format", "text", stdin=page).err == ""
        assert polygist(*TRANSLATE, "-", "--format", "auto", "-q", stdin=page).err == ""
        assert kinds(fake) == {page: "text/html"}
        assert polygist(*TRANSLATE, "--text", page).code == 0
        assert kinds(fake) == {page: ""}
    # What begins as a part of a page may be Markdown.
    outcome = polygist(*TRANSLATE, stdin="<p align=center><img></p>\n\n<h1>A</h1>\n\n- One\n")
    message = "begins as HTML, and goes on as something else; say --format text, html, markdown, whichever it is"
    assert (outcome.code, outcome.err, kinds(fake)) == (2, f"error: stdin: {message}\n", {})
    # What has headers is no page, whatever is below them.
    above = "HTTP/2 200\r\ncontent-type: text/html\r\n\r\n", "HTTP/1.1 200 OK\n\n", "From: a@b.c\nMIME-Version: 1.0\n\n"
    for headers in (
        *above,
        "Subject: The dog\nContent-Type: text/html\n\n",
        "X-A: b\n c\nTo: d\r\n\r\n",
        "To: a\n\nHello\n",
    ):
        (tmp_path / "a.eml").write_text(headers + PAGE)
        for outcome in (polygist(*TRANSLATE, stdin=headers + PAGE), polygist(*TRANSLATE, tmp_path / "a.eml")):
            assert (outcome.code, kinds(fake), "is HTML" in outcome.err) == (2, {}, False)
            assert outcome.err.endswith("; or say --format text\n")
    for text in ("Subject: a\n\nHello", "Note: a\n\nHello", "To: a\n\nHello <b>you</b>\n"):
        assert (polygist(*TRANSLATE, stdin=text).err, kinds(fake)) == ("", {text: ""})
    # A name that says something else is believed, and text on standard input is never taken for Markdown.
    (tmp_path / "a.md").write_text(PAGE)
    polygist(*TRANSLATE, tmp_path / "a.md")
    polygist(*TRANSLATE, stdin="# A heading\n\nWith *emphasis* and <p>tags</p>.\n")
    assert list(kinds(fake).values()) == ["text/markdown", ""]


def test_a_folder_of_all_kinds_is_one_run(polygist: Polygist, fake: Fake, tmp_path: Path):
    texts = {
        "a.html": "<b>a</b>",
        "b.md": "*b*",
        "c.txt": "c",
        "d": PAGE,
        "e.htm": "content: <p>fails",
        "f/g.MD": "# g",
    }
    for name, text in texts.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    expected = {
        "<b>a</b>": "html",
        "*b*": "markdown",
        "c": "plain",
        PAGE: "html",
        "content: <p>fails": "html",
        "# g": "markdown",
    }
    fake.batching.errors["content: <p>fails"] = (grpc.StatusCode.INTERNAL, "")
    arguments = [*TRANSLATE, tmp_path / "in", "-o", f"{tmp_path}/out/"]
    outcome = polygist(*arguments)
    errors = [f"error: {tmp_path}/in/e.htm: <p>fails failed", "note: 5 done, 1 failed"]
    assert (outcome.code, outcome.err.splitlines()[-2:]) == (3, errors)
    (asked,) = [each for each in fake.asked if each.method == "BatchTranslate"]
    assert kinds(fake) == {text: f"text/{kind}" * (kind != "plain") for text, kind in expected.items()}
    written = {"a.pt.html": "<B>A</B>", "b.pt.md": "*B*", "c.pt.txt": "C", "d.pt": PAGE.upper(), "f/g.pt.MD": "# G"}
    assert found_in(tmp_path / "out") == written
    fake.batching.errors.clear()
    assert polygist(*arguments, "--resume").err == "note: 5 of 6 finished already\nnote: 1 done\n"
    assert kinds(fake) == {"content: <p>fails": "text/html"}
    assert found_in(tmp_path / "out") == {**written, "e.pt.htm": "CONTENT: <P>FAILS"}
    lines = polygist(*TRANSLATE, tmp_path / "in", "--jsonl").out.splitlines()
    assert [json.loads(line)["translatedText"] for line in lines] == [text.upper() for text in texts.values()]
    fake.asked.clear()
    assert polygist("summarise", tmp_path / "in", "-o", f"{tmp_path}/short/").code == 0
    assert sorted(found_in(tmp_path / "short")) == [
        "a.summary.txt", "b.summary.txt", "c.summary.txt", "d.summary", "e.summary.txt", "f/g.summary.txt",
    ]  # fmt: skip
    assert kinds(fake) == {text: f"text/{kind}" * (kind != "plain") for text, kind in expected.items()}
    assert polygist("summarise", tmp_path / "in", "-o", f"{tmp_path}/marked/", "--markdown").code == 0
    assert {path.suffix.lower() for path in (tmp_path / "marked").rglob("*.*")} == {".md"}
    fake.asked.clear()
    shown = polygist("detect", tmp_path / "in", "--json")
    assert len(json.loads(shown.out)["detections"]) == 6
    assert [len(each.contents) for each in fake.requests("DetectLanguage")] == [1, 3, 2]
    assert asked.request.mime_type == ""


def test_a_text_or_standard_input_of_a_kind_that_is_said(polygist: Polygist, fake: Fake, tmp_path: Path):
    run = [*TRANSLATE, "--format", "html", "-o", f"{tmp_path}/out/"]
    assert polygist(*run, "--text", "<b>a</b>", "--text", "b").code == polygist(*run, "-", stdin="c").code == 0
    assert kinds(fake) == {"<b>a</b>": "text/html", "b": "text/html", "c": "text/html"}
    assert sorted(found_in(tmp_path / "out")) == ["stdin.pt.html", "text-1.pt.html", "text-2.pt.html"]


def test_fields_may_hold_documents(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "a.jsonl").write_text('{"title": "t", "body": "<p>b"}\n')
    (tmp_path / "a.csv").write_text("title,body\nt,<p>b\n")
    for form in ("jsonl", "csv"):
        flags = [tmp_path / f"a.{form}", "--format", form, "--field", "title", "--field", "body"]
        for formats, title, body in ((["html"], "text/html", "text/html"), (["text", "markdown"], "", "text/markdown")):
            expected = {"t": title, "<p>b": body}
            said = [part for each in formats for part in ("--field-format", each)]
            outcome = polygist(*TRANSLATE, *flags, *said)
            assert (outcome.code, "<P>B" in outcome.out) == (0, True)
            assert kinds(fake) == expected
            assert polygist("summarise", *flags, *said).code == 0
            assert kinds(fake) == expected
        outcome = polygist(*TRANSLATE, *flags, *(["--field-format", "html"] * 3))
        assert (outcome.code, "one for each --field, of which there are 2" in outcome.err) == (2, True)


@pytest.mark.parametrize("flags", [["--jsonl"], ["--format", "jsonl", "--field", "body"]])
def test_what_is_done_as_text_is_not_done_as_a_document(polygist: Polygist, fake: Fake, tmp_path: Path, flags):
    source, out = tmp_path / "a", tmp_path / "out.jsonl"
    is_of_records = "--field" in flags
    source.write_text('{"body": "good"}\n{"body": "fails"}\n' if is_of_records else "good")
    (tmp_path / "b").write_text("fails")
    fake.batching.errors["fails"] = (grpc.StatusCode.INTERNAL, "")
    files = [source] if is_of_records else [source, tmp_path / "b"]
    said = "--field-format" if is_of_records else "--format"
    arguments = [*TRANSLATE, *files, *flags, "-o", out]
    assert polygist(*arguments).code == 3
    outcome = polygist(*arguments, said, "html", "--resume")
    assert outcome.code == 2
    assert f"of another command ({said.strip('-').replace('-', '_')} was " in outcome.err
    assert polygist(*arguments, "--resume").code == 3
    assert list(kinds(fake)) == ["good", "fails"]
    if not is_of_records:  # what has become a page meanwhile is one
        fake.batching.errors.clear()
        source.rename(tmp_path / "a.html")
        assert polygist(*TRANSLATE, tmp_path / "a.html", tmp_path / "b", *flags, "-o", out, "--resume").code == 0
        assert kinds(fake) == {"good": "text/html", "fails": ""}


def test_what_does_not_go_with_a_document_is_said(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "a.html").write_text(PAGE)
    (tmp_path / "a.md").write_text("# A")

    def refuse(*arguments: object) -> str:
        outcome = polygist(*arguments)
        assert (outcome.code, outcome.out, sent(fake), outcome.err.count("\n")) == (2, "", [], 1)
        return outcome.err

    for kind in ("html", "markdown"):
        message = f"--lines and --format {kind} exclude each other: no line of a document is one itself"
        assert message in refuse(*TRANSLATE, "--lines", "--format", kind, tmp_path / "a.html")
    message = "is HTML; leave --lines out, and it is read as such; or say --format text\n"
    assert message in refuse(*TRANSLATE, "--lines", tmp_path / "a.html")
    assert polygist(*TRANSLATE, "--lines", tmp_path / "a.html", "--format", "text").code == 0
    fake.asked.clear()
    fields = ["--format", "jsonl", "--field", "body"]
    assert "is HTML; leave --format jsonl --field out" in refuse(*TRANSLATE, *fields, tmp_path / "a.html")
    assert "--field-format goes with --format jsonl, csv, tsv" in refuse(*TRANSLATE, "--field-format", "html", "-")
    assert "did you mean 'html'?" in refuse(*TRANSLATE, "--format", "htm", "-")
    (tmp_path / "b.html").write_bytes(b"%PDF-1.4\n1 0 obj\n")
    assert "is a PDF; take its text out" in refuse(*TRANSLATE, tmp_path / "b.html")
    outcome = polygist(*TRANSLATE, "--lines", tmp_path / "a.md")
    assert (outcome.code, outcome.err.startswith(f"warning: {tmp_path}/a.md: marks such as # and * are")) == (0, True)


DECLARED = {
    "cp1252": ('<meta charset="windows-1252">', "É às nove “horas”."),
    "cp1252 ": ("<META HTTP-EQUIV='content-type' CONTENT='text/html; charset=ISO-8859-1'>", "É."),
    "cp932": ("<meta charset=Shift_JIS />", "図書館は九時①"),
    "koi8-r": ('<?xml version="1.0" encoding="koi8-r"?>', "Библиотека"),
}


def test_a_page_stays_in_the_encoding_that_it_declares(polygist: Polygist, fake: Fake, tmp_path: Path):
    for codec, (declaration, words) in DECLARED.items():
        fake.asked.clear()
        text = f"{declaration}\r\n<html><p>{words}</p>\r\n"
        files = [tmp_path / "a.html", tmp_path / "b.htm"]
        for path in files:
            path.write_bytes(text.encode(codec.strip()))
        expected = text.upper().encode(codec.strip())
        for way in ([files[0]], files):
            outcome = polygist(*TRANSLATE, *way, "-o", f"{tmp_path}/out/")
            assert (outcome.code, outcome.err) == (0, "note: 2 done\n" * (way == files))
            assert kinds(fake) == {text: "text/html"}
            assert (tmp_path / "out" / "a.pt.html").read_bytes() == expected
        for way in (["-o", tmp_path / "c.html"], [], ["--stream"]):
            shown = polygist(*TRANSLATE, files[0], *way).out.encode(errors="surrogateescape")
            assert (shown or (tmp_path / "c.html").read_bytes()) == expected
        assert json.loads(polygist(*TRANSLATE, files[0], "--jsonl").out)["translatedText"] == text.upper()
        assert polygist("summarise", *files, "-o", f"{tmp_path}/short/").code == 0
        assert (tmp_path / "short" / "a.summary.txt").read_text().rstrip() == declaration
        assert polygist("detect", files[0]).code == 0


def test_what_an_encoding_has_no_letter_for_is_written_as_its_number(polygist: Polygist, tmp_path: Path):
    """The fake writes capitals, and that of the micro sign is Greek."""
    (tmp_path / "a.html").write_bytes('<meta charset="latin1"><p>é 5 µm'.encode("cp1252"))
    expected = '<META CHARSET="LATIN1"><P>É 5 &#924;M'.encode("cp1252")
    note = f"note: {tmp_path}/a.html: is in latin1, as it declares, and what this has no letters for is written as &#"
    (tmp_path / "b.txt").write_text("b")
    for way in ([], ["--stream"], ["-o", f"{tmp_path}/out/"], [tmp_path / "b.txt", "-o", f"{tmp_path}/out/"]):
        outcome = polygist(*TRANSLATE, tmp_path / "a.html", *way)
        shown = outcome.out.encode(errors="surrogateescape").rstrip() or (tmp_path / "out/a.pt.html").read_bytes()
        assert (outcome.code, shown, outcome.err.startswith(note)) == (0, expected, True)


def test_letters_are_written_as_browsers_do(polygist: Polygist, fake: Fake, tmp_path: Path):
    page = tmp_path / "a.html"
    cases = {
        "gb2312": ("图书馆", "图书馆€", "ãế𠀀", b"\x81\x30\x8a\x30"),
        "big5": ("圖書館", "圖書館", "Êã𠀀", b"\x88\x66"),
        "euc-jp": ("図書館ｱ", "図書館ｱ", "¥‾ã", b"\x8f\xab\xaa"),
        "shift_jis": ("図書館①ｱ", "図書館①ｱ", "\xa0ã¢¥", b"\xa0"),
        "euc-kr": ("도서관", "도서관똠", "ã", b""),
        "koi8-u": ("ґ", "ґ", "╬ã", b"\xbe"),
        "gb18030": ("图书馆ã", "图书馆ế€𠀀", "", b""),
        "windows-1252": ("é“", "ÿ€", "ãã".replace("ã", "ā"), b""),
    }
    for label, (before, letters, others, own) in cases.items():
        start, codec = f"<meta charset={label}>", find_charset(f"<meta charset={label}>".encode())[1]
        fake.rules["Translate"] = lambda request, found=start + letters + others: answer_with(found)
        expected = start + letters + "".join(f"&#{ord(each)};" for each in others)
        page.write_bytes((start + before).encode(codec))
        shown = polygist(*TRANSLATE, page).out.encode(errors="surrogateescape")
        assert shown == f"{expected}\n".encode(codec), label
        # What the page has already stays as it is.
        page.write_bytes((start + before).encode(codec) + own)
        fake.rules["Translate"] = lambda request: answer_with(request.contents[0])
        shown = polygist(*TRANSLATE, page).out.encode(errors="surrogateescape")
        assert shown == page.read_bytes() + b"\n", label


def test_a_page_that_is_unicode_or_nothing_is_read_so(polygist: Polygist, fake: Fake, tmp_path: Path):
    page, text = tmp_path / "a.html", '<meta charset="windows-1252"><p>é µ'
    for raw in (text.encode(), text.encode("utf-16"), text.encode("utf-8-sig")):
        page.write_bytes(raw)
        assert polygist(*TRANSLATE, page, "-o", f"{tmp_path}/out/").err == ""
        assert kinds(fake) == {text: "text/html"}
        assert (tmp_path / "out" / "a.pt.html").read_bytes()[:4] == raw[:4].upper()
    page.write_text('<meta charset="koi8-r"><p>plain')  # ASCII, but what is written may have other letters
    fake.rules["Translate"] = lambda request: answer_with("ж")
    assert polygist(*TRANSLATE, page).out.encode(errors="surrogateescape") == "ж\n".encode("koi8-r")
    for start in (
        "<p>",
        "<!DOCTYPE html>",
        "<html>",
        "<meta charset=x-no-such>",
        "<!-- 1 --><html>",
        "<?xml version='1.0'?>",
    ):
        page.write_bytes(start.encode() + "é às nove".encode("cp1252"))
        page.with_suffix(".md").write_bytes(page.read_bytes())
        for path, kind in ((page, "html"), (page.with_suffix(".md"), "markdown")):
            refused = polygist(*TRANSLATE, path)
            cure = (
                f"iconv -f WINDOWS-1252 -t UTF-8 {path} | polygist … --format {kind}, or from WINDOWS-1251, SHIFT-JIS"
            )
            message = f"error: {path}: byte {len(start)} (0xe9) is no UTF-8; convert it first: {cure}"
            assert (refused.code, refused.err.startswith(message)) == (2, True), refused.err
    page.write_bytes(b"<meta charset=shift_jis><p>caf\xe9")
    refused = polygist(*TRANSLATE, page)
    assert (refused.code, "byte 30 (0xe9) is no shift_jis, which it should be; convert it first" in refused.err) == (
        2,
        True,
    )


def answer_with(text: str) -> translation_service_pb2.TranslateResponse:
    translation = translation_service_pb2.Translation(translated_text=text, source_language_code="en")
    return translation_service_pb2.TranslateResponse(translations=[translation])


def test_what_a_page_declares_is_read_as_browsers_do():
    said = {
        "<meta charset=utf-8>": "", "<meta charset=utf-16>": "", "<meta charset=nonsense>": "", "": "",
        "<metadata charset=koi8-r>": "", "<!-- <meta charset=koi8-r> -->": "", "<meta charset=idna>": "",
        "<script>'<meta charset=koi8-r>'</script><meta charset=gbk>": "gb18030",
        "<META CharSet = ' BIG5 '>": "big5hkscs",
        "<meta name=description content='charset=koi8-r'><meta charset=euc-kr>": "cp949", "<meta charset=x-sjis": "",
        "<meta http-equiv=Content-Type content='text/html;charset=us-ascii'>": "cp1252",
        "<meta http-equiv=refresh content='0; charset=koi8-r'>": "", "<meta charset=''>": "",
        "<?xml version='1.0' encoding='EUC-JP'?><meta charset=gbk>": "euc_jp",
        "<meta charset=ISO-2022-JP>": "iso2022_jp",
    }  # fmt: skip
    assert {page: find_charset(page.encode())[1] for page in said} == said
    start = time.process_time()
    for part in ("<!--", "<script ", "<meta ", "<?xml ", "<meta a=", "<script></script"):
        assert find_charset((part * 100_000).encode())[1] == ""
    assert find_charset(f"<meta {'a' * 99_000}>".encode())[1] == ""
    assert time.process_time() - start < 2


@given(st.binary(max_size=300), st.sampled_from([b"<meta charset=", b"<?xml encoding=", b"<html><meta charset=gbk>"]))
@settings(max_examples=200)
def test_any_page_that_can_be_read_can_be_written(raw: bytes, before: bytes):
    path = Path(tempfile.gettempdir()) / f"polygist-{os.getpid()}.html"
    path.write_bytes(before + raw)
    with suppress(InputError):
        content = Input("a", path=path, format="html").read()
        written = content.encoding.encode(content.text, at_start=True)
        assert content.encoding.decode(written, at_start=True) == content.text
    path.unlink()
