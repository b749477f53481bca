"""JSON Lines on the command line: results are added, and all else stays byte for byte."""

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_client import Notice, Span, Translation
from polygist_client.cli.inputs import Input
from polygist_client.cli.json_lines import read_json_lines
from polygist_client.cli.records import Answer, Fields, make_fields

from tests.client.conftest import Polygist, sent
from tests.fakes.server import Failing, Fake

JSONL = ["translate", "-t", "pt", "-s", "en", "--format", "jsonl"]
BODY = [*JSONL, "--field", "body"]
SOURCES = {"summary": ["summarise", "--format", "jsonl"], "translation": JSONL}


def fields(*names: str, into: str | None = None) -> Fields:
    return make_fields(names, into, default="{field}_{to}", to="pt")


def upper(text: str, *warnings: Notice) -> Answer:
    return Answer(Translation(text.upper(), source="en", target="pt", model="m", warnings=warnings), None, {})


def finish(text: str, wanted: Fields) -> str:
    """What becomes of a text of lines whose texts are all answered with themselves in upper case."""
    records = read_json_lines(Input("text-1", text=text), wanted)
    return "".join(record.finish([upper(each.text) for each in record.texts]) for record in records)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"body": "a"}', '{"body": "a", "body_pt": "A"}'),
        ('{"body":"a","n":1E400}', '{"body":"a","n":1E400,"body_pt":"A"}'),
        ('{"n": 0.1000, "n": 12345678901234567890.123, "body": "a"}',
         '{"n": 0.1000, "n": 12345678901234567890.123, "body": "a", "body_pt": "A"}'),
        (' \t{ "body" : "a" , "x" : "\\u00e9\\/\\ud800" } ',
         ' \t{ "body" : "a" , "x" : "\\u00e9\\/\\ud800" , "body_pt" : "A" } '),
        ('{"body": "old", "body": "\\u0062"}', '{"body": "old", "body": "\\u0062", "body_pt": "B"}'),
        ('{"body": "é\\n☃"}', '{"body": "é\\n☃", "body_pt": "É\\n☃"}'),
        ('{"n": ' + "9" * 5000 + ', "body": "a"}', '{"n": ' + "9" * 5000 + ', "body": "a", "body_pt": "A"}'),
    ],
)  # fmt: skip
def test_a_result_stands_beside_its_field_and_the_rest_as_it_was(line: str, expected: str):
    assert finish(line, fields("body")) == expected
    assert finish(f"\r\n{line}\r\n", fields("body")) == f"\r\n{expected}\r\n"


@pytest.mark.parametrize(
    ("line", "names", "into", "expected"),
    [
        ('{"a": {"b": "x", "c": 1}, "d": 2}', ["a.b"], None, '{"a": {"b": "x", "c": 1, "b_pt": "X"}, "d": 2}'),
        ('{"a": {"b": "x"}, "a.b": "y"}', ["a.b"], None, '{"a": {"b": "x"}, "a.b": "y", "a.b_pt": "Y"}'),
        ('{"a.b": {"c": "x"}, "a": {"b": {"c": "y"}}}', ["a.b.c"], None,
         '{"a.b": {"c": "x", "c_pt": "X"}, "a": {"b": {"c": "y"}}}'),
        ('{"a.b": 1, "a": {"b": {"c": "y"}}}', ["a.b.c"], None, '{"a.b": 1, "a": {"b": {"c": "y", "c_pt": "Y"}}}'),
        ('{"t": "x", "m": {"t": "y"}}', ["t", "m.t"], None, '{"t": "x", "m": {"t": "y", "t_pt": "Y"}, "t_pt": "X"}'),
        ('{"t": "x", "u": "y"}', ["u", "t"], "{to}:{field}", '{"t": "x", "u": "y", "pt:u": "Y", "pt:t": "X"}'),
        ('{"t": "x", "o": [1]}', ["t"], "o", '{"t": "x", "o": "X"}'),
        ('{"t": "x", "o": [1]}', ["t"], "t", '{"t": "X", "o": [1]}'),
        ('{"t":"x","u":"y"}', ["t", "u"], "{field}", '{"t":"X","u":"Y"}'),
        ('{"{to}": "x"}', ["{to}"], None, '{"{to}": "x", "{to}_pt": "X"}'),
    ],
)  # fmt: skip
def test_fields_are_found_and_results_named(line: str, names: list[str], into: str | None, expected: str):
    assert finish(line, fields(*names, into=into)) == expected


SPACE = st.text(" \t", max_size=2)
STRINGS = st.text(st.characters(codec="utf-8"), max_size=6)


@st.composite
def encoded_strings(draw: st.DrawFn, text: str) -> str:
    """Encode a string as JSON in one of the many ways."""
    return "".join(
        json.dumps(char)[1:-1] if draw(st.booleans()) else json.dumps(char, ensure_ascii=False)[1:-1] for char in text
    )


@st.composite
def encoded_values(draw: st.DrawFn, depth: int = 2) -> str:
    """Write a JSON value with spaces, numbers and keys as no library would."""
    scalars = st.sampled_from(["1E400", "-0.0", "0.1000", "1e-7", "true", "false", "null", "12345678901234567890.123"])
    kind = draw(st.integers(0, 3 if depth else 1))
    if kind == 0:
        return draw(scalars)
    if kind == 1:
        return f'"{draw(encoded_strings(draw(STRINGS)))}"'
    parts = draw(st.lists(encoded_values(depth - 1), max_size=3))
    space = draw(SPACE)
    if kind == 2:
        return f"[{space}{f'{space},'.join(parts)}{space}]"
    keyed = [
        f'"{draw(encoded_strings(draw(st.sampled_from(["k", "l", "é", ""]))))}"{space}:{space}{part}' for part in parts
    ]
    return f"{{{space}{f'{space},{space}'.join(keyed)}{space}}}"


@given(st.data())
def test_untouched_bytes_of_generated_objects_are_equal(data: st.DataObject):
    members = [
        f'{data.draw(SPACE)}"{key}"{data.draw(SPACE)}:{data.draw(SPACE)}{data.draw(encoded_values())}{data.draw(SPACE)}'
        for key in data.draw(st.lists(st.sampled_from(["n", "m", "x.y", "error"]), max_size=4))
    ]
    text = data.draw(STRINGS)
    members.insert(data.draw(st.integers(0, len(members))), f'"body":"{data.draw(encoded_strings(text))}"')
    line = f"{data.draw(SPACE)}{{{','.join(members)}}}{data.draw(SPACE)}"
    shown = finish(f"{line}\n", fields("body"))
    assert shown.endswith("\n")
    added = json.dumps(text.upper(), ensure_ascii=False)
    place = shown.rindex(added)
    without = shown[:place].rstrip(" \t").removesuffix(":").rstrip(" \t").removesuffix('"body_pt"').rstrip(" \t,")
    assert line.startswith(without)
    assert line.removeprefix(without).strip(" \t") == shown[place + len(added) :].strip(" \t\n") == "}"
    before, after = json.loads(line), json.loads(shown)
    assert after.pop("body_pt") == text.upper()
    assert repr(after) == repr(before)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a", "n": 1}', "has no field 'body'; fields with text: text"),
        ('{"body": 1}', "field 'body' is a number, not text; fields with text: none"),
        ('{"body": null, "t": ""}', "field 'body' is null, not text; fields with text: t"),
        ('{"body": ["a"]}', "field 'body' is a list, not text"),
        ('{"body": {"a": "b"}}', "field 'body' is an object, not text"),
        ('{"body": "a", "body_pt": 1}', "has a field 'body_pt' already; name another with --into"),
    ],
)
def test_a_record_without_a_text_is_written_as_it_is_with_its_error(polygist: Polygist, line: str, message: str):
    outcome = polygist(*BODY, stdin=f'{{"body": "a"}}\n{line}\n')
    shown = outcome.out.splitlines()
    assert (outcome.code, shown[0]) == (3, '{"body": "a", "body_pt": "A"}')
    assert outcome.err.startswith(f"error: stdin:2: {message}")
    assert shown[1].startswith(line[:-1])
    error = json.loads(shown[1])["error"]
    assert (error["code"], error["reason"]) == ("INVALID_ARGUMENT", "RECORD_INVALID")
    assert error["message"].startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[1]", "is no JSON object but a list"),
        (b'"a"', "is no JSON object but text"),
        (b'{"body": "a"', "is no JSON: "),
        (b'{"body": "a', "is no JSON: unterminated string starting at column 10"),
        (b'{"body": "a"} {}', "is no JSON: "),
        (b'{"body": "\xff\xc3\xa9"}', "byte 10 (0xff) is no UTF-8"),
        (b"[" * 100_000, "is no JSON: "),
        (b'{"body": "\0"}', "byte 10 (0x00) is no text"),
    ],
)
def test_a_line_that_is_no_object_becomes_one(polygist: Polygist, line: bytes, message: str):
    outcome = polygist(*BODY, stdin=line + b'\n{"body": "a"}\n')
    shown = [json.loads(each) for each in outcome.out.splitlines()]
    assert (outcome.code, shown[1]) == (3, {"body": "a", "body_pt": "A"})
    assert list(shown[0]) == ["line", "input", "error"]
    assert (shown[0]["line"], shown[0]["input"]) == (1, line.decode(errors="backslashreplace"))
    assert message in shown[0]["error"]["message"]
    assert f"error: stdin:1: {shown[0]['error']['message']}" == outcome.err.splitlines()[0]


def test_the_server_s_errors_and_warnings_stand_in_the_record(polygist: Polygist, fake: Fake):
    fake.batching.errors["b"] = (grpc.StatusCode.FAILED_PRECONDITION, "LANGUAGE_UNDETERMINED")
    lines = ['{"id": 7, "body": "a ☃"}', '{"id": "x", "body": "b"}', '{"body":"\\ud800","id":null}', '{"body": " "}']
    outcome = polygist(*BODY, stdin="\n".join(lines))
    shown = [json.loads(each) for each in outcome.out.splitlines()]
    assert shown[0]["warnings"] == [{"code": "unknown-characters", "message": "no piece for ☃", "start": 2, "end": 3}]
    assert shown[1] == {
        "id": "x", "body": "b",
        "error": {"code": "FAILED_PRECONDITION", "reason": "LANGUAGE_UNDETERMINED", "message": "b failed"},
    }  # fmt: skip
    assert shown[2]["error"]["code"] == "INVALID_ARGUMENT"
    assert outcome.out.splitlines()[3] == '{"body": " ", "body_pt": " "}'
    told = outcome.err.splitlines()
    assert told[0] == "error: stdin:2 (id x): b failed (give --from LANG)"
    assert told[1].startswith("error: stdin:3: ")
    assert told[2:] == ["note: 1 done, 1 with unknown characters, 1 blank, 2 failed"]
    assert (outcome.code, sent(fake)) == (3, ["a ☃", "b"])


def test_fields_of_these_names_that_are_there_are_kept(polygist: Polygist, fake: Fake):
    fake.batching.errors["b"] = (grpc.StatusCode.INTERNAL, "")
    lines = ['{"body": "☃", "warnings": 1}', '{"body": "b", "error": 2}', '{"body": "c", "error": 3, "warnings": 4}']
    shown = [json.loads(each) for each in polygist(*BODY, stdin="\n".join(lines)).out.splitlines()]
    assert [list(each) for each in shown] == [
        ["body", "warnings", "body_pt", "body_pt_warnings"],
        ["body", "error", "body_pt_error"],
        ["body", "error", "warnings", "body_pt"],
    ]


@pytest.mark.parametrize(
    ("into", "own", "expected"),
    [
        ("warnings", {}, ["body", "warnings", "warnings_warnings"]),
        ("error", {}, ["body", "error", "warnings"]),
        ("x", {"warnings": 1, "x_warnings": 2}, ["body", "warnings", "x_warnings", "x", "x_warnings_2"]),
    ],
)
def test_results_and_what_is_said_of_them_never_share_a_field(
    polygist: Polygist, fake: Fake, into: str, own: dict[str, int], expected: list[str]
):
    fake.batching.errors["b"] = (grpc.StatusCode.INTERNAL, "")
    records = [json.dumps({"body": text} | own) for text in ("a ☃", "b")] + ["broken"]
    outcome = polygist(*BODY, "--into", into, stdin="\n".join(records))
    good, bad, broken = [json.loads(line, object_pairs_hook=list) for line in outcome.out.splitlines()]
    assert [key for key, _ in good] == expected
    assert dict(good)[into] == "A ☃"
    error = "error_error" if into == "error" else "error"
    assert [key for key, _ in bad] == ["body", *own, error]
    assert [key for key, _ in broken] == ["line", "input", error]


def test_several_fields_fail_and_warn_each_on_its_own(polygist: Polygist, fake: Fake):
    fake.batching.errors["b"] = (grpc.StatusCode.INTERNAL, "INFERENCE_FAILED")
    flags = [*JSONL, "--field", "t", "--field", "m.t"]
    outcome = polygist(*flags, stdin='{"t": "☃", "m": {"t": "b"}}\n{"t": "x", "m": {}}\n')
    first, second = (json.loads(each) for each in outcome.out.splitlines())
    assert first == {
        "t": "☃", "m": {"t": "b"}, "t_pt": "☃",
        "warnings": [
            {"code": "unknown-characters", "message": "no piece for ☃", "start": 0, "end": 1, "field": "t"}
        ],
        "error": {"code": "INTERNAL", "reason": "INFERENCE_FAILED", "message": "b failed", "field": "m.t"},
    }  # fmt: skip
    assert second["t_pt"] == "X"
    assert second["error"]["message"] == "has no field 'm.t'; fields with text: t"
    assert outcome.err.splitlines()[-1] == "note: 0 done, 2 failed"
    assert outcome.code == 3


def test_as_json_every_text_is_an_object(polygist: Polygist, fake: Fake):
    fake.batching.errors["b"] = (grpc.StatusCode.INTERNAL, "INFERENCE_FAILED")
    stdin = '{"t": "a", "u": "b"}\n\nbroken\n{"t": "c", "u": 1}\n'
    outcome = polygist(*JSONL, "--field", "t", "--field", "u", "--jsonl", stdin=stdin)
    shown = [json.loads(each) for each in outcome.out.splitlines()]
    assert [(each["id"], each.get("field"), each.get("translatedText"), "error" in each) for each in shown] == [
        ("stdin:1", "t", "A", False), ("stdin:1", "u", None, True), ("stdin:3", None, None, True),
        ("stdin:4", "t", "C", False), ("stdin:4", None, None, True),
    ]  # fmt: skip


def test_summaries_are_named_after_their_fields(polygist: Polygist, fake: Fake):
    stdin = "".join(f'{{"body": "{number}\\nrest", "title": "t\\nu"}}\n' for number in range(20))
    flags = ["summarise", "--format", "jsonl", "--field", "body"]
    found = [json.loads(line) for line in polygist(*flags, stdin=stdin).out.splitlines()]
    assert [each["summary"] for each in found] == [str(number) for number in range(20)]
    assert list(found[0]) == ["body", "title", "summary"]
    assert max(len(each.contents) for each in fake.requests("Summarise")) <= 32
    found = [json.loads(line) for line in polygist(*flags, "--field", "title", stdin=stdin).out.splitlines()]
    assert list(found[0]) == ["body", "title", "body_summary", "title_summary"]
    outcome = polygist(*flags, "--into", "s{to}", "-t", "de", stdin='{"body": "a"}')
    assert outcome.out == '{"body": "a", "sde": "a"}'


def test_an_error_names_no_place_in_a_request(polygist: Polygist, fake: Fake):
    wrong = Failing(grpc.StatusCode.FAILED_PRECONDITION, "contents[0] is in de", reason="LANGUAGE_PAIR_UNSUPPORTED")
    fake.script("Summarise", wrong)
    outcome = polygist("summarise", "--format", "jsonl", "--field", "body", stdin='{"body": "a"}\n')
    assert json.loads(outcome.out)["error"]["message"] == "content is in de"
    assert outcome.err.startswith("error: stdin:1: content is in de")


def test_files_are_written_as_standard_output_is(polygist: Polygist, fake: Fake, tmp_path: Path):
    fake.batching.errors["b"] = (grpc.StatusCode.INTERNAL, "")
    raw = b'{"body": "a"}\r\n{"body": "b"}\n{"body": "\xff"}\n\n{"body": "c"}'
    (tmp_path / "a.jsonl").write_bytes(raw)
    outcome = polygist(*BODY, tmp_path / "a.jsonl")
    assert polygist(*BODY, tmp_path / "a.jsonl", "-o", tmp_path / "b.jsonl").code == outcome.code == 3
    assert (tmp_path / "b.jsonl").read_bytes().decode() == outcome.out


def test_the_fields_are_told_apart_from_values_in_code_points():
    warning = Notice("unknown-characters", "no", Span(1, 2))
    (record,) = read_json_lines(Input("a", text='{"body": "😀☃"}'), fields("body"))
    value: Any = json.loads(record.finish([upper("😀☃", warning)]))
    assert value["warnings"][0] | {"start": 1, "end": 2} == value["warnings"][0]
