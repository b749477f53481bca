"""Many small texts on the command line: ``--lines``, and what is the same for all records."""

import json
from pathlib import Path

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polygist.v1 import translation_service_pb2
from polygist_client import Notice, Translation
from polygist_client.cli.inputs import Input
from polygist_client.cli.records import Answer, Fields, read_lines

from tests.client.conftest import Polygist, sent
from tests.fakes.server import Failing, Fake

UNDETERMINED = translation_service_pb2.DetectLanguageResponse(
    detections=[
        translation_service_pb2.LanguageDetection(
            languages=[translation_service_pb2.DetectedLanguage(language_code="und", confidence=1.0)]
        )
    ]
)
PLAIN = Translation("", source="en", target="pt", model="m")


def answer(text: str, *warnings: Notice) -> Answer:
    return Answer(Translation(text, source="en", target="pt", model="m", warnings=warnings), None, {})


def test_line_n_of_the_output_is_line_n_of_the_input(polygist: Polygist, fake: Fake, tmp_path: Path):
    lines = [f"line {number}\n" if number % 7 else "\n" for number in range(10_000)]
    (tmp_path / "a.txt").write_text("".join(lines))
    outcome = polygist("translate", tmp_path / "a.txt", "-t", "pt", "--lines", "-o", tmp_path / "b.txt")
    assert outcome.code == 0
    assert (tmp_path / "b.txt").read_text() == "".join(lines).upper()
    assert len(fake.requests("DetectLanguage")) == 1
    assert {each.source_language_code for each in fake.requests("BatchTranslate")} == {"en"}


@pytest.mark.parametrize("text", ["a\nb\n", "a\nb", "a\r\n\r\nb\r\n", "\n\n", "", " \n", "a\x0bb\u2028c\rd\ne\x85f\n"])
def test_line_ends_and_blank_lines_are_kept(polygist: Polygist, text: str):
    assert polygist("translate", "-t", "pt", "-s", "en", "--lines", stdin=text).out == text.upper()
    assert polygist("translate", "-t", "pt", "--lines", stdin=text).out == text.upper()


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(st.text(st.characters(exclude_characters="\0")))
def test_lines_put_together_are_the_text(text: str):
    read = read_lines(Input("text-1", text=text.encode(errors="replace").decode()), Fields())
    shown = "".join(record.finish([answer(each.text) for each in record.texts]) for record in read)
    assert shown == text.encode(errors="replace").decode()


def test_a_translation_of_two_lines_stays_one():
    (record,) = read_lines(Input("text-1", text="a\r\n"), Fields())
    assert record.finish([answer("A\nA")]) == "A A\r\n"


def test_a_line_that_fails_is_empty_and_listed(polygist: Polygist, fake: Fake, tmp_path: Path):
    fake.batching.errors["b"] = (grpc.StatusCode.INTERNAL, "INFERENCE_FAILED")
    (tmp_path / "a.txt").write_bytes(b"a\nb\r\n\xff\nc " + "☃".encode())
    arguments = ["translate", tmp_path / "a.txt", "-t", "pt", "-s", "en", "--lines"]
    outcome = polygist(*arguments)
    assert (outcome.code, outcome.out) == (3, "A\n\r\n\nC ☃")
    assert outcome.err.splitlines() == [
        f"error: {tmp_path}/a.txt:2: b failed",
        f"error: {tmp_path}/a.txt:3: byte 0 (0xff) is no UTF-8; convert it first, with iconv for one",
        f"warning: {tmp_path}/a.txt:4:2-3: no piece for ☃ [unknown-characters]",
        "note: 2 done, 1 with unknown characters, 2 failed",
    ]
    assert polygist(*arguments, "-o", tmp_path / "b.txt").code == 3
    assert (tmp_path / "b.txt").read_bytes().decode() == "A\n\r\n\nC ☃"


def test_blank_lines_are_not_sent(polygist: Polygist, fake: Fake):
    assert polygist("translate", "-t", "pt", "--lines", stdin="\n \n").out == "\n \n"
    assert sent(fake) == []


def test_a_language_that_cannot_be_told_is_asked_for(polygist: Polygist, fake: Fake):
    fake.script("DetectLanguage", UNDETERMINED)
    outcome = polygist("translate", "-t", "pt", "--lines", stdin="xyz\n")
    assert (outcome.code, outcome.err) == (7, "error: cannot tell the language of stdin (give --from LANG)\n")


def test_a_file_without_letters_needs_no_language(polygist: Polygist, fake: Fake):
    assert polygist("translate", "-t", "pt", "--lines", stdin="123\n4 5\n").out == "123\n4 5\n"
    assert fake.requests("DetectLanguage") == []


def test_warnings_name_the_line(polygist: Polygist):
    outcome = polygist("translate", "-t", "pt", "-s", "en", "--lines", stdin="a\nb ☃\n")
    assert outcome.err.splitlines() == [
        "warning: stdin:2:2-3: no piece for ☃ [unknown-characters]",
        "note: 2 done, 1 with unknown characters",
    ]


def test_lines_as_json_name_the_line(polygist: Polygist, fake: Fake):
    fake.batching.errors["c"] = (grpc.StatusCode.INTERNAL, "INFERENCE_FAILED")
    outcome = polygist("translate", "-t", "pt", "-s", "en", "--lines", "--jsonl", stdin="a\n\nb\nc\n")
    found = [json.loads(line) for line in outcome.out.splitlines()]
    assert [each["id"] for each in found] == ["stdin:1", "stdin:2", "stdin:3", "stdin:4"]
    assert [each.get("translatedText") for each in found] == ["A", None, "B", None]
    assert found[3]["error"] == {"code": "INTERNAL", "reason": "INFERENCE_FAILED", "message": "c failed"}
    assert outcome.code == 3


def test_records_that_all_fail_are_written_too(polygist: Polygist, fake: Fake, tmp_path: Path):
    fake.batching.errors |= {
        "a": (grpc.StatusCode.FAILED_PRECONDITION, "LANGUAGE_UNDETERMINED"),
        "b": (grpc.StatusCode.INTERNAL, "INFERENCE_FAILED"),
    }
    arguments = ["translate", "-t", "pt", "-s", "en", "--format", "jsonl", "--field", "body"]
    records = '{"body": "a"}\n\n{"body": null}\n{"body": "b"}\n'
    outcome = polygist(*arguments, stdin=records)
    assert (outcome.code, outcome.err.splitlines()[-1]) == (3, "note: 0 done, 3 failed")
    out = tmp_path / "out.jsonl"
    out.write_text("before")
    assert polygist(*arguments, "-o", out, stdin=records).code == 3
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("out.jsonl", outcome.out)]
    assert outcome.out.count('"error"') == 3


def test_lines_of_several_files_go_to_a_folder(polygist: Polygist, tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"{name}\n")
    polygist("translate", tmp_path / "a.txt", tmp_path / "b.txt", "-t", "pt", "--lines", "-o", f"{tmp_path}/out/")
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {
        "a.pt.txt": "A\n",
        "b.pt.txt": "B\n",
    }


def test_what_concerns_all_ends_the_run_and_leaves_no_half_a_file(polygist: Polygist, fake: Fake, tmp_path: Path):
    fake.script("BatchTranslate", Failing(grpc.StatusCode.UNAUTHENTICATED, reason="API_KEY_MISSING"))
    out = tmp_path / "out.txt"
    assert polygist("translate", "-t", "pt", "-s", "en", "--lines", "-o", out, stdin="a\n").code == 6
    assert list(tmp_path.iterdir()) == []


def test_standard_input_is_read_for_every_language(polygist: Polygist, tmp_path: Path):
    polygist("translate", "-t", "pt,fr", "--lines", "-s", "en", "-o", f"{tmp_path}/", stdin="a\n")
    polygist("translate", "-t", "de,es", "-s", "en", "-o", f"{tmp_path}/", stdin="é".encode("utf-16"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "stdin.pt.txt": b"A\n", "stdin.fr.txt": b"A\n",
        "stdin.de.txt": "É".encode("utf-16"), "stdin.es.txt": "É".encode("utf-16"),
    }  # fmt: skip


def test_languages_of_the_server_are_asked_for_once(polygist: Polygist, fake: Fake):
    texts = [f"text {number}" for number in range(50)]
    fake.batching.errors |= dict.fromkeys(texts, (grpc.StatusCode.FAILED_PRECONDITION, "LANGUAGE_PAIR_UNSUPPORTED"))
    outcome = polygist("translate", "-t", "portugese", "--lines", "-s", "en", stdin="\n".join(texts))
    assert outcome.err.count("did you mean 'pt'?") == 50
    assert len(fake.requests("ListLanguages")) == 1
