"""Many small texts on the command line: ``--lines`` and ``--format jsonl``."""

import json
from pathlib import Path

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polygist.v1 import common_pb2, translation_service_pb2
from polygist_client.cli.inputs import Input
from polygist_client.cli.records import Fields, read_lines

from tests.client.conftest import Polygist
from tests.fakes.server import Failing, Fake

UNDETERMINED = translation_service_pb2.DetectLanguageResponse(
    detections=[
        translation_service_pb2.LanguageDetection(
            languages=[translation_service_pb2.DetectedLanguage(language_code="und", confidence=1.0)]
        )
    ]
)


def test_line_n_of_the_output_is_line_n_of_the_input(polygist: Polygist, fake: Fake, tmp_path: Path):
    lines = [f"line {number}\n" if number % 7 else "\n" for number in range(10_000)]
    (tmp_path / "a.txt").write_text("".join(lines))
    outcome = polygist("translate", tmp_path / "a.txt", "-t", "pt", "--lines", "-o", tmp_path / "b.txt")
    assert outcome.code == 0
    assert (tmp_path / "b.txt").read_text() == "".join(lines).upper()
    assert len(fake.requests("DetectLanguage")) == 1
    assert {each.source_language_code for each in fake.requests("Translate")} == {"en"}


@pytest.mark.parametrize("text", ["a\nb\n", "a\nb", "a\r\n\r\nb\r\n", "\n\n", "", " \n", "a\x0bb\u2028c\rd\ne\x85f\n"])
def test_line_ends_and_blank_lines_are_kept(polygist: Polygist, text: str):
    assert polygist("translate", "-t", "pt", "-s", "en", "--lines", stdin=text).out == text.upper()
    assert polygist("translate", "-t", "pt", "--lines", stdin=text).out == text.upper()


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(st.text())
def test_lines_put_together_are_the_text(text: str):
    read = read_lines(Input("text-1", text=text))
    assert "".join(record.finish(record.text) for record in read) == text


def test_a_translation_of_two_lines_stays_one(polygist: Polygist, fake: Fake):
    fake.script(
        "Translate",
        translation_service_pb2.TranslateResponse(
            translations=[translation_service_pb2.Translation(translated_text=text) for text in ("A\nA", "B")]
        ),
    )
    assert polygist("translate", "-t", "pt", "-s", "en", "--lines", stdin="a\nb\n").out == "A A\nB\n"


def test_a_pivot_is_told_once_for_all_lines(polygist: Polygist, fake: Fake):
    warnings = [
        common_pb2.Warning(code=common_pb2.WARNING_CODE_PIVOTED, message="through en"),
        common_pb2.Warning(code=common_pb2.WARNING_CODE_SAME_LANGUAGE, message="as it is"),
    ]
    translation = translation_service_pb2.Translation(translated_text="A", warnings=warnings)
    fake.script("Translate", translation_service_pb2.TranslateResponse(translations=[translation] * 3))
    told = polygist("translate", "-t", "pt", "-s", "de", "--lines", stdin="a\nb\nc\n").err
    assert (told.count("[pivoted]"), told.count("[same-language]")) == (1, 3)


def test_blank_lines_are_not_sent(polygist: Polygist, fake: Fake):
    assert polygist("translate", "-t", "pt", "--lines", stdin="\n \n").out == "\n \n"
    assert fake.asked == []


def test_a_language_that_cannot_be_told_is_asked_for(polygist: Polygist, fake: Fake):
    fake.script("DetectLanguage", UNDETERMINED)
    outcome = polygist("translate", "-t", "pt", "--lines", stdin="xyz\n")
    assert (outcome.code, outcome.err) == (7, "error: cannot tell the language of stdin (give --from LANG)\n")


def test_a_file_without_letters_needs_no_language(polygist: Polygist, fake: Fake):
    assert polygist("translate", "-t", "pt", "--lines", stdin="123\n4 5\n").out == "123\n4 5\n"
    assert fake.requests("DetectLanguage") == []


def test_warnings_name_the_line(polygist: Polygist):
    outcome = polygist("translate", "-t", "pt", "-s", "en", "--lines", stdin="a\nb ☃\n")
    assert outcome.err == "warning: stdin:2:2-3: no piece for ☃ [unknown-characters]\n"


def test_lines_as_json_name_the_line(polygist: Polygist):
    outcome = polygist("translate", "-t", "pt", "-s", "en", "--lines", "--jsonl", "--scores", stdin="a\n\nb\n")
    found = [json.loads(line) for line in outcome.out.splitlines()]
    assert [each["id"] for each in found] == ["stdin:1", "stdin:2", "stdin:3"]
    assert [each.get("translatedText") for each in found] == ["A", None, "B"]
    assert found[0]["score"] == -0.5


def test_a_byte_that_is_no_text_is_named(polygist: Polygist):
    outcome = polygist("translate", "-t", "pt", "-s", "en", "--lines", stdin=b"a\nb\xff\n")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "stdin:2: byte 1 (0xff) is no UTF-8" in outcome.err


def test_a_field_of_each_object_is_translated(polygist: Polygist, fake: Fake):
    stdin = '{"id": 7, "body": "a", "é": [1.5, null]}\n\n{"body": "b"}\r\n{"body": ""}'
    outcome = polygist("translate", "-t", "pt", "--format", "jsonl", "--field", "body", stdin=stdin)
    assert outcome.out == '{"id": 7, "body": "A", "é": [1.5, null]}\n\n{"body": "B"}\r\n{"body": ""}'
    assert fake.requests("DetectLanguage") == []


def test_a_summary_is_added_to_each_object(polygist: Polygist, fake: Fake):
    stdin = "".join(f'{{"body": "{number}\\nrest", "n": {number}}}\n' for number in range(20))
    outcome = polygist("summarise", "--format", "jsonl", "--field", "body", stdin=stdin)
    found = [json.loads(line) for line in outcome.out.splitlines()]
    assert [each["summary"] for each in found] == [str(number) for number in range(20)]
    assert list(found[0]) == ["body", "n", "summary"]
    assert max(len(each.contents) for each in fake.requests("Summarise")) <= 32


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a", "n": 1}', "has no text in field 'body'; fields with text: text"),
        ('{"body": 1}', "has no text in field 'body'; fields with text: none"),
        ("[1]", "is no JSON object but list"),
        ("{", "is no JSON:"),
        ('{"body": "a", "summary": "b"}', "rename it first"),
    ],
)
def test_what_is_no_object_with_the_field_is_named(polygist: Polygist, line: str, message: str):
    outcome = polygist("summarise", "--format", "jsonl", "--field", "body", stdin=f'{{"body": "a"}}\n{line}\n')
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "stdin:2" in outcome.err
    assert message in outcome.err


def test_lines_of_several_files_go_to_a_folder(polygist: Polygist, tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"{name}\n")
    polygist("translate", tmp_path / "a.txt", tmp_path / "b.txt", "-t", "pt", "--lines", "-o", f"{tmp_path}/out/")
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {
        "a.pt.txt": "A\n",
        "b.pt.txt": "B\n",
    }


def test_a_failure_within_a_file_leaves_no_half_a_file(polygist: Polygist, fake: Fake, tmp_path: Path):
    fake.script("Translate", Failing(grpc.StatusCode.INTERNAL))
    out = tmp_path / "out.txt"
    assert polygist("translate", "-t", "pt", "-s", "en", "--lines", "-o", out, stdin="a\n").code == 1
    assert list(tmp_path.iterdir()) == []


def test_lone_surrogates_in_other_fields_are_kept(polygist: Polygist):
    stdin = '{"body": "a", "x": "\\ud800"}\n'
    outcome = polygist("translate", "-t", "pt", "--format", "jsonl", "--field", "body", stdin=stdin)
    assert outcome.out == '{"body": "A", "x": "\\ud800"}\n'
