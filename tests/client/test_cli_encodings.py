"""Files in other encodings than UTF-8, with byte order marks and CRLF: read, and written back as they came."""

import os
from pathlib import Path

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_client.cli.inputs import MARKED, UTF8, Input, find_encoding

from tests.client.conftest import Polygist, sent
from tests.fakes.server import Fake

FORMS = [UTF8, *MARKED]
# Gujarati, and letters whose code has a byte 0x0a: in UTF-16 such a byte is no line feed.
TEXT = "olá 😀\r\nઊ \u010a\u0a0a\r\nfim"


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.codec}{'-mark' * bool(form.mark)}")
@pytest.mark.parametrize("flags", [[], ["--lines"]])
@pytest.mark.parametrize("text", [TEXT, TEXT + "\r\n", TEXT.replace("\r", ""), "", "\n"])
def test_a_file_is_written_back_as_it_came(polygist: Polygist, fake: Fake, tmp_path: Path, form, flags, text: str):
    (tmp_path / "a.txt").write_bytes(form.encode(text, at_start=True))
    outcome = polygist("translate", tmp_path / "a.txt", "-s", "gu", "-t", "pt", *flags, "-o", f"{tmp_path}/out/", "-q")
    assert (outcome.code, outcome.err) == (0, "")
    assert (tmp_path / "out" / "a.pt.txt").read_bytes() == form.encode(text.upper(), at_start=True)
    assert all("\ufeff" not in content for content in sent(fake))


def test_fields_of_objects_are_written_back_as_they_came(polygist: Polygist, tmp_path: Path):
    source = tmp_path / "a.jsonl"
    source.write_bytes('{"body": "é"}\r\n\r\n{"body": "ü"}'.encode("utf-16"))
    polygist("translate", source, "-t", "pt", "--format", "jsonl", "--field", "body", "-o", tmp_path / "b.jsonl")
    assert (tmp_path / "b.jsonl").read_bytes() == (
        '{"body": "é", "body_pt": "É"}\r\n\r\n{"body": "ü", "body_pt": "Ü"}'.encode("utf-16")
    )


def test_what_is_laid_out_below_a_result_ends_its_lines_alike(polygist: Polygist, tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(b"One.\r\nTwo.")
    polygist("summarise", tmp_path / "a.txt", "--citations", "-o", tmp_path / "b.txt")
    assert (tmp_path / "b.txt").read_bytes() == b'One.\r\n\r\n[1] 0-5 "One."\r\n'


@pytest.mark.parametrize("flags", [[], ["--lines"]])
def test_standard_output_and_json_are_utf_8(polygist: Polygist, tmp_path: Path, flags):
    (tmp_path / "a.txt").write_bytes("é".encode("utf-16"))
    arguments = ["translate", tmp_path / "a.txt", "-s", "fr", "-t", "pt", *flags]
    assert polygist(*arguments).out.strip() == "É"
    polygist(*arguments, "--jsonl", "-o", tmp_path / "b.json")
    assert "É" in (tmp_path / "b.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"caf\xe9!", "byte 3 (0xe9) is no UTF-8; convert it first"),
        (b"\xef\xbb\xbfcaf\xe9!", "byte 6 (0xe9) is no UTF-8"),
        ("a".encode("utf-16") + b"b", "byte 4 (0x62) is no UTF-16"),
        (b"\xff\xfea\0\x00\xdc", "byte 4 (0x00) is no UTF-16"),
    ],
)
def test_what_is_no_text_is_named_with_file_and_byte(polygist: Polygist, fake: Fake, tmp_path: Path, raw, message):
    (tmp_path / "a.txt").write_bytes(raw)
    outcome = polygist("translate", tmp_path / "a.txt", "-s", "fr", "-t", "pt")
    assert (outcome.code, outcome.out, outcome.err.count("\n"), fake.asked) == (2, "", 1, [])
    assert f"error: {tmp_path}/a.txt: {message}" in outcome.err
    by_line = polygist("translate", tmp_path / "a.txt", "-s", "fr", "-t", "pt", "--lines")
    assert (by_line.code, by_line.out, by_line.err.splitlines()[1:]) == (3, "", ["note: 0 done, 1 failed"])
    assert f"error: {tmp_path}/a.txt:1: {message}" in by_line.err


@given(st.sampled_from(FORMS), st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"])))
def test_lines_of_every_encoding_are_those_of_the_text(tmp_path_factory, form, text: str):
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    path.write_bytes(form.encode(text, at_start=True))
    lines = list(Input("a", path=path).lines())
    assert "".join(line.text + line.end for line in lines) == text
    assert all("\n" not in line.text for line in lines)
    assert find_encoding(path.read_bytes()) == form


def make_files(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / f"{name}.txt").write_text(name)
    return [folder / f"{name}.txt" for name in names]


def test_a_run_goes_on_where_it_stopped(polygist: Polygist, fake: Fake, tmp_path: Path):
    files = make_files(tmp_path, "a", "b", "c")
    arguments = ["translate", *files, "-s", "en", "-t", "pt,fr", "-o", f"{tmp_path}/out/", "--resume"]
    fake.batching.errors["a"] = (grpc.StatusCode.INTERNAL, "")
    assert polygist(*arguments).code == 3
    assert sent(fake) == ["a", "b", "c"] * 2
    del fake.batching.errors["a"]
    outcome = polygist(*arguments)
    assert (outcome.code, outcome.err) == (0, "note: 4 of 6 finished already\nnote: 2 done\n")
    assert sent(fake)[6:] == ["a", "a"]
    assert polygist(*arguments).err == "note: 6 of 6 finished already\n"
    assert len(sent(fake)) == 8
    assert len(list((tmp_path / "out").iterdir())) == 6


@pytest.mark.parametrize("flags", [[], ["--lines"]])
def test_a_file_that_changed_is_not_finished(polygist: Polygist, fake: Fake, tmp_path: Path, flags):
    files = make_files(tmp_path, "a", "b")
    arguments = ["translate", *files, "-s", "en", "-t", "pt", "-o", f"{tmp_path}/out/", "--resume", *flags]
    polygist(*arguments)
    files[0].write_text("new")
    newer = (tmp_path / "out" / "a.pt.txt").stat().st_mtime_ns + 1_000_000
    os.utime(files[0], ns=(newer, newer))
    polygist(*arguments)
    assert (tmp_path / "out" / "a.pt.txt").read_text() == "NEW"
    assert sorted(sent(fake)) == ["a", "b", "new"]
