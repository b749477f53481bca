"""Lines and rows become documents, each once, however a file is cut."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from deploy.ray.corpus import documents
from deploy.ray.corpus.documents import Fields, read_json_documents, read_lines, read_row_documents
from deploy.ray.corpus.parts import END, Extent, SourceFile, cut

FIELDS = Fields("text", "id")


def read(*lines: bytes):
    content = b"\n".join(lines)
    return list(read_json_documents(read_lines(io.BytesIO(content), 0, END), "a.jsonl", FIELDS))


@given(some.lists(some.binary(max_size=12)), some.integers(1, 20))
def test_every_line_is_in_one_part(lines, part_bytes):
    content = b"\n".join(line.replace(b"\n", b"") for line in lines)
    whole = list(read_lines(io.BytesIO(content), 0, END))
    stretches = cut(Extent(SourceFile("a", len(content)), len(content)), part_bytes=part_bytes)
    parts = [each for start, stop in stretches for each in read_lines(io.BytesIO(content), start, stop)]
    assert parts == whole
    assert [content[at : at + len(line)] for at, line in whole] == [line for _, line in whole]


def test_a_line_that_would_fill_the_memory_is_passed_over(monkeypatch):
    monkeypatch.setattr(documents, "MOST_LINE_BYTES", 10)
    content = b"short\n" + 35 * b"x" + b"\nlast"
    assert list(read_lines(io.BytesIO(content), 0, END)) == [(0, b"short\n"), (6, None), (42, b"last")]
    (document,) = read_json_documents([(6, None)], "a.jsonl", FIELDS)
    assert (document.id, document.problem[:23]) == ("a.jsonl:6", "the line is longer than")


def test_documents_have_an_id_and_a_place():
    first, second, third = read(
        b'{"id": "x", "text": "One."}', b"", b'{"id": 7, "text": "Two."}', b' {"text": "Three."} '
    )
    assert [(each.id, each.position, each.text, each.problem) for each in (first, second, third)] == [
        ("x", 0, "One.", ""),
        ("7", 29, "Two.", ""),
        ("a.jsonl:55", 55, "Three.", ""),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"text": "The ferry le', "the line is no JSON: Unterminated string"),
        (b"\xff\xfe{}", "the line is no UTF-8 at its byte 0"),
        (b'["text"]', "the line is JSON, but no object"),
        (b'{"body": "One.", "title": 1}', "text: is missing; the document has 'body', 'title'"),
        (b"{}", "text: is missing; the document has nothing"),
        (b'{"text": null}', "text: is null, not a text"),
        (b'{"text": ["One."]}', 'text: is ["One."], not a text'),
        (b'{"text": "\\ud800"}', "text: has half of a surrogate pair"),
        (b"[" * 100_000, "the line is no JSON"),
        (b'{"text": ' + b"9" * 5000 + b"}", "the line is no JSON that can be read"),
    ],
)
def test_what_is_no_document_says_why(line, problem):
    (document,) = read(line)
    assert document.problem.startswith(problem)
    assert (document.id, document.text) == ("a.jsonl:0", "")


@pytest.mark.parametrize("value", [None, True, [1], "\ud800"])
def test_what_is_no_id_is_none(value):
    assert read(json.dumps({"id": value, "text": "One."}).encode())[0].id == "a.jsonl:0"


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    assert read(b'\xef\xbb\xbf{"id": "x", "text": "One."}')[0].text == "One."


def test_rows_are_counted_from_the_first():
    rows = [{"id": "x", "text": "One."}, {"id": None, "text": None}]
    first, second = read_row_documents(rows, 40, "a.parquet", FIELDS)
    assert (first.id, first.position, first.text) == ("x", 40, "One.")
    assert (second.id, second.position, second.problem) == ("a.parquet:41", 41, "text: is null, not a text")
