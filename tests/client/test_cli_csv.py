"""CSV on the command line: columns are added, and all else stays byte for byte."""

import csv
import io
from pathlib import Path

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_client import Translation
from polygist_client.cli.csv_rows import read_csv
from polygist_client.cli.inputs import Input
from polygist_client.cli.records import Answer, Fields, make_fields

from tests.client.conftest import Polygist, sent
from tests.fakes.server import Fake

CSV = ["translate", "-t", "pt", "-s", "en", "--format", "csv", "--field", "body"]


def fields(*names: str, into: str | None = None) -> Fields:
    return make_fields(names, into, default="{field}_{to}", to="pt")


def upper(text: str) -> Answer:
    return Answer(Translation(text.upper(), source="en", target="pt", model="m"), None, {})


def finish(text: str, wanted: Fields) -> str:
    """What becomes of a table whose texts are all answered with themselves in upper case."""
    return "".join(
        record.finish(
            [
                Answer(Translation(each.text.upper(), source="en", target="pt", model="m"), None, {})
                for each in record.texts
            ]
        )
        for record in read_csv(Input("text-1", text=text), wanted)
    )


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("id,body\n1,a\n", "id,body,body_pt,warnings,error\n1,a,A,,\n"),
        ("id;body\r\n01;a,b\r\n", "id;body;body_pt;warnings;error\r\n01;a,b;A,B;;\r\n"),
        ("id\tbody\n1\ta\n", "id\tbody\tbody_pt\twarnings\terror\n1\ta\tA\t\t\n"),
        ('"id","body"\n"1","a ""b"", c"', '"id","body",body_pt,warnings,error\n"1","a ""b"", c","A ""B"", C",,'),
        ('id,body\n1,"a\n\nb"\n\n2,c\n', 'id,body,body_pt,warnings,error\n1,"a\n\nb","A\n\nB",,\n\n2,c,C,,\n'),
        ('id,body\n 1 ,"" \n', 'id,body,body_pt,warnings,error\n 1 ,"" ,"""""",,\n'.replace('"""""",', '""""" ",')),
        ("id|body\n1|a, b\n", "id|body|body_pt|warnings|error\n1|a, b|A, B||\n"),
        ("body\na\n", "body,body_pt,warnings,error\na,A,,\n"),
        ("body,warnings\na,w\n", "body,warnings,body_pt,body_pt_warnings,error\na,w,A,,\n"),
        ("body\n", "body,body_pt,warnings,error\n"),
        ("body", "body,body_pt,warnings,error"),
        ("\n \nid,body\n1,a\n", "\n \nid,body,body_pt,warnings,error\n1,a,A,,\n"),
        ("sep=;\r\na,b;body\r\n1;a\r\n", "sep=;\r\na,b;body;body_pt;warnings;error\r\n1;a;A;;\r\n"),
        ("\n", "\n"),
        ("", ""),
    ],
)
def test_columns_are_added_and_the_rest_stays(table: str, expected: str):
    assert finish(table, fields("body")) == expected


@pytest.mark.parametrize(
    ("names", "into", "expected"),
    [
        (["a"], "b", 'a,b,c,warnings,error\nx,X,"z",,\n'),
        (["c"], "c", "a,b,c,warnings,error\nx,y,Z,,\n"),
        (["a", "c"], "{field}", "a,b,c,warnings,error\nX,y,Z,,\n"),
        (["c", "a"], "{to} {field}", 'a,b,c,pt c,pt a,warnings,error\nx,y,"z",Z,X,,\n'),
    ],
)
def test_a_column_is_replaced_where_it_is_named(names: list[str], into: str, expected: str):
    assert finish('a,b,c\nx,y,"z"\n', fields(*names, into=into)) == expected


@pytest.mark.parametrize(
    ("header", "into", "expected"),
    [
        ("body", "warnings", "body,warnings,warnings_warnings,error"),
        ("body", "error", "body,error,warnings,error_error"),
        ("warnings,body,x_warnings", "x", "warnings,body,x_warnings,x,x_warnings_2,error"),
        ("error,body", "error", "error,body,warnings,error_error"),
    ],
)
def test_results_and_what_is_said_of_them_never_share_a_column(
    polygist: Polygist, fake: Fake, header: str, into: str, expected: str
):
    names = header.split(",")
    fake.batching.errors["b"] = (grpc.StatusCode.INTERNAL, "")
    rows = [",".join(text if name == "body" else "own" for name in names) for text in ("a ☃", "b")]
    outcome = polygist(*CSV, "--into", into, stdin="\n".join([header, *rows]))
    assert outcome.out.splitlines()[0] == expected
    good, bad = csv.DictReader(io.StringIO(outcome.out))
    assert (good[into], bad["body"]) == ("A ☃", "b")
    added = expected.removeprefix(header).strip(",").split(",")
    warnings, error = [name for name in added if name != into]
    assert "unknown-characters" in good[warnings]
    assert bad[error] == "b failed [INTERNAL]"
    assert all(good[name] == "own" for name in names if name not in ("body", into))


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5), st.sampled_from(",;\t"), st.sampled_from([0, 1, 2]),
       st.sampled_from(["\n", "\r\n"]), st.booleans())  # fmt: skip
def test_tables_of_the_csv_module_come_back_byte_for_byte(rows, delimiter: str, quoting: int, end: str, is_ended: bool):
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    rows = [row for row in rows if "".join(row).strip()]
    writer.writerows([("id", "body", "x"), *rows])
    table = written.getvalue() if is_ended else written.getvalue().removesuffix(end)
    shown = finish(table, fields("body"))
    found = list(csv.reader(io.StringIO(shown, newline=""), delimiter=delimiter))
    assert [row[:3] for row in found[1:]] == [list(row) for row in rows]
    assert [row[3:] for row in found[1:]] == [[body.upper(), "", ""] for _, body, _ in rows]
    # What was there before is there now, in this order, the added cells taken out.
    records = list(read_csv(Input("text-1", text=table), fields("body")))
    lines = [record.raw.decode() for record in records[:1]] + [
        record.raw.decode().removeprefix(records[0].raw.decode()) for record in records[1:]
    ]
    assert "".join(lines) == table
    assert len(records) == len(rows) + 1


def test_rows_that_are_none_fail_alone(polygist: Polygist, fake: Fake):
    fake.batching.errors["fails"] = (grpc.StatusCode.INTERNAL, "INFERENCE_FAILED")
    lines = ["id,body,x", "1,a,", "2,b", "3,c,d,e", '4,"open,y', '5,"f ☃",', "6,fails,", "7,,", '8,"g\nh",', '9,"i']
    outcome = polygist(*CSV, stdin="\n".join(lines) + "\n")
    assert outcome.code == 3
    assert outcome.err.splitlines() == [
        "error: stdin:3 (id 2): has 2 cells, the header 3",
        "error: stdin:4 (id 3): has 4 cells, the header 3",
        "error: stdin:5: has a quote that is not closed",
        "error: stdin:7 (id 6): fails failed",
        "error: stdin:11: has a quote that is not closed",
        "note: 3 done, 1 with unknown characters, 1 blank, 5 failed",
    ]
    assert sent(fake) == ["a", "f ☃", "fails", "g\nh"]
    found = list(csv.reader(io.StringIO(outcome.out, newline="")))
    assert [len(row) for row in found] == [6] * 10
    assert found[0] == ["id", "body", "x", "body_pt", "warnings", "error"]
    assert found[2][5] == "has 2 cells, the header 3 [RECORD_INVALID]"
    assert found[3][0] == "3,c,d,e"
    assert found[4][0] == '4,"open,y'
    assert found[5][1:5] == ["f ☃", "", "F ☃", "no piece for ☃ at 2-3 [unknown-characters]"]
    assert found[6] == ["6", "fails", "", "", "", "fails failed [INFERENCE_FAILED]"]
    assert found[8][3] == "G\nH"
    assert outcome.out.splitlines()[1] == "1,a,,A,,"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("id,text\n1,a\n", "stdin: has no column 'body'; columns: 'id', 'text'"),
        ("id, body\n1,a\n", "stdin: has no column 'body'; columns: 'id', ' body'"),
        (
            "id,body\r1,a\r",
            "stdin: has no column 'body'; columns: 'id', 'body\\r1', 'a\\r'; end its lines by line feeds",
        ),
        ("body,body\n1,a\n", "stdin: has 2 columns 'body'"),
        ("body,body_pt\n1,a\n", "stdin: has a column 'body_pt' already; name another with --into"),
    ],
)
def test_a_header_that_cannot_be_right_is_told_before_any_call(
    polygist: Polygist, fake: Fake, table: str, message: str
):
    outcome = polygist(*CSV, stdin=table)
    assert (outcome.code, outcome.out, sent(fake)) == (2, "", [])
    assert outcome.err.startswith(f"error: {message}")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_written_back_in_its_encoding(polygist: Polygist, tmp_path: Path, codec: str):
    (tmp_path / "a.csv").write_bytes('id;body\r\n1;"é\r\nü"\r\n'.encode(codec))
    assert polygist(*CSV, tmp_path / "a.csv", "-o", f"{tmp_path}/out/").code == 0
    expected = 'id;body;body_pt;warnings;error\r\n1;"é\r\nü";"É\r\nÜ";;\r\n'.encode(codec)
    assert (tmp_path / "out" / "a.pt.csv").read_bytes() == expected


def test_bytes_that_are_no_text_fail_alone_and_stay(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(b"id,body\n1,a\n2,caf\xe9\n3,c\n")
    outcome = polygist(*CSV, tmp_path / "a.csv", "-o", tmp_path / "b.csv")
    assert outcome.code == 3
    assert f"error: {tmp_path}/a.csv:3 (id 2): byte 5 (0xe9) is no UTF-8" in outcome.err
    lines = (tmp_path / "b.csv").read_bytes().splitlines()
    assert lines[2].startswith(b"2,caf\xe9,,,")
    assert (lines[1], lines[3]) == (b"1,a,A,,", b"3,c,C,,")


def test_a_quote_that_is_never_closed_costs_one_row_of_many(polygist: Polygist, fake: Fake):
    rows = [f"{number},text {number}\n" for number in range(3000)]
    rows[1] = '1,"never closed\n'
    outcome = polygist(*CSV, stdin="id,body\n" + "".join(rows))
    assert outcome.code == 3
    assert outcome.err.splitlines()[-1] == "note: 2999 done, 1 failed"
    assert len(sent(fake)) == 2999


def test_tabs_part_the_cells_of_tsv(polygist: Polygist):
    flags = ["translate", "-t", "pt", "-s", "en", "--format", "tsv", "--field", "body,x"]
    assert (
        polygist(*flags, stdin="id,a,b\tbody,x\n1\ta\n").out
        == "id,a,b\tbody,x\tbody,x_pt\twarnings\terror\n1\ta\tA\t\t\n"
    )
