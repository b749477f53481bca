"""A file of an earlier run is finished where it is what comes of the input, and tried again where it is not."""

import json
import os
from pathlib import Path

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygist_client import Translation
from polygist_client.cli.csv_rows import read_csv
from polygist_client.cli.inputs import Input, InputError
from polygist_client.cli.journal import journal_path
from polygist_client.cli.json_lines import read_json_lines
from polygist_client.cli.records import Answer, Read, Record, describe_failure, make_fields, read_lines

from tests.client.conftest import Polygist, sent
from tests.fakes.server import Batching, Failing, Fake

FAILS = (grpc.StatusCode.INTERNAL, "INFERENCE_FAILED")
TRANSLATE = ["translate", "-t", "pt", "-s", "en"]
JSONL = ["--format", "jsonl", "--field", "body"]
CSV = ["--format", "csv", "--field", "body"]
TABLES = {
    "jsonl": (JSONL, '{"id": 1, "body": "a ☃"}\n\n{"body": "b", "error": 1}\n{"body": " "}\n'),
    "csv": (CSV, 'id;body\r\n1;"a ""☃""\r\nb"\r\n\r\n2;b\r\n3;\r\n'),
    "csv of excel": (CSV, "sep=;\n\nid;body\n1;a\n"),
    "tsv": (["--format", "tsv", "--field", "body"], "id\tbody\n1\ta\n2\tb\n"),
    "nested": (["--format", "jsonl", "--field", "a.t", "--field", "t"], '{"t": "x", "a": {"t": "y"}}\n'),
    "replaced": ([*JSONL, "--into", "body"], '{"id": 1, "body": "a"}\n{"id": 2, "body": "b"}\n'),
    "replaced in csv": ([*CSV, "--into", "body"], 'id,body\n1,"a"\n2,b\n'),
    "lines": (["--lines"], "a\n\nb\r\nc"),
    "objects": (["--lines", "--jsonl"], "a\n\nb\r\nc"),
    "objects of two fields": ([*CSV, "--field", "id", "--jsonl"], "id,body\n1,a\n2,b\n"),
}


def run(polygist: Polygist, folder: Path, *flags: str, to: str = "pt") -> list[str]:
    arguments = ["translate", "-t", to, "-s", "en", folder / "a", *flags, "-o", folder / "b", "--resume"]
    outcome = polygist(*arguments)
    assert outcome.code in (0, 3)
    return outcome.err.splitlines()


@pytest.mark.parametrize("table", TABLES)
def test_what_is_finished_is_not_done_again(polygist: Polygist, fake: Fake, tmp_path: Path, table: str):
    flags, text = TABLES[table]
    (tmp_path / "a").write_text(text, newline="")
    run(polygist, tmp_path, *flags)
    asked, shown = len(fake.asked), (tmp_path / "b").read_bytes()
    assert run(polygist, tmp_path, *flags) == ["note: 1 of 1 finished already"]
    assert (len(fake.asked), (tmp_path / "b").read_bytes()) == (asked, shown)


@pytest.mark.parametrize(
    ("before", "text", "after", "changed"),
    [
        (JSONL, '{"body": "a"}\n', [*JSONL, "--into", "x"], None),
        (JSONL, '{"body": "a", "t": "b"}\n', ["--format", "jsonl", "--field", "t"], None),
        (JSONL, '{"body": "a"}\n', JSONL, '{"body": "b"}\n'),
        (JSONL, '{"body": "a"}\n', JSONL, '{"body": "a"}\n{"body": "b"}\n'),
        (JSONL, '{"body": "a"}\n{"body": "b"}\n', JSONL, '{"body": "a"}\n'),
        (JSONL, '{"body": "a", "n": 1.0}\n', JSONL, '{"body": "a", "n": 1.00}\n'),
        ([*JSONL, "--jsonl"], '{"body": "a"}\n', JSONL, None),
        (JSONL, '{"body": "a"}\n', [*JSONL, "--jsonl"], None),
        (CSV, "body,x\na,1\n", [*CSV, "--field", "x"], None),
        (CSV, "body,x\na,1\n", CSV, "body,x\na,2\n"),
        (CSV, "body,x\na,1\n", CSV, "body,y\na,1\n"),
        (CSV, "body,x\na,1\n", CSV, "body;x\na;1\n"),
        (CSV, "body,x\na,1\n", CSV, "body,x\na,1\nb,2\n"),
        (["--lines"], "a\n", ["--lines"], "a\nb\n"),
        (["--lines", "--jsonl"], "a\n", ["--lines", "--jsonl"], "a\nb\n"),
    ],
)
def test_a_file_that_is_not_what_comes_of_the_input_is_made_anew(
    polygist: Polygist, fake: Fake, tmp_path: Path, before: list[str], text: str, after: list[str], changed: str | None
):
    source, out = tmp_path / "a", tmp_path / "b"
    source.write_text(text)
    run(polygist, tmp_path, *before)
    source.write_text(changed or text)
    os.utime(source, ns=(0, 0))  # as cp -p, rsync and git checkout may leave it
    asked = len(sent(fake))
    told = run(polygist, tmp_path, *after)
    assert len(sent(fake)) > asked
    if "--jsonl" not in after:
        assert told[0] == f"note: {out}: is not what comes of {source}, and is made anew"
    shown = out.read_text()
    out.unlink()
    run(polygist, tmp_path, *after)
    assert out.read_text() == shown


@pytest.mark.parametrize("flags", [JSONL, [*JSONL, "--jsonl"], ["--lines", "--format", "text", "--jsonl"]])
def test_the_results_of_another_language_are_made_anew(
    polygist: Polygist, fake: Fake, tmp_path: Path, flags: list[str]
):
    (tmp_path / "a").write_text('{"body": "a"}\n')
    run(polygist, tmp_path, *flags)
    run(polygist, tmp_path, *flags, to="fr")
    assert [each.target_language_code for each in fake.requests("BatchTranslate")] == ["pt", "fr"]
    if "--jsonl" in flags:  # the server writes the code in its own way
        assert run(polygist, tmp_path, *flags, to="FR") == ["note: 1 of 1 finished already"]


def test_a_file_of_somebody_else_is_made_anew(polygist: Polygist, tmp_path: Path):
    for text in (
        b"",
        b"precious\n",
        b"\xff\xfe\0",
        b"[1]\n",
        b"{}\n",
        b"[" * 100_000 + b"\n",
        b'{"body": "a", "body_pt": 1}\n',
    ):
        (tmp_path / "a").write_text('{"body": "a"}\n')
        (tmp_path / "b").write_bytes(text)
        run(polygist, tmp_path, *JSONL)
        assert (tmp_path / "b").read_text() == '{"body": "a", "body_pt": "A"}\n'


@pytest.mark.parametrize("table", ["jsonl", "csv", "lines"])
@pytest.mark.parametrize("is_all", [True, False])
def test_what_failed_is_tried_again_without_a_journal(
    polygist: Polygist, fake: Fake, tmp_path: Path, table: str, is_all: bool
):
    texts = {
        "jsonl": '{"id": 1, "body": "a", "n": 1.0}\nbroken\n{"id": 2, "body": "fails"}\n{"id": 3, "body": "c"}\n',
        "csv": 'id,body\n1,a\n4,"open\n2,fails\n3,c\n',
        "lines": "a\n\nfails\nc\n",
    }
    flags = TABLES[table][0]
    (tmp_path / "a").write_text(texts[table])
    fake.batching.errors |= dict.fromkeys(["a", "fails", "c"] if is_all else ["fails"], FAILS)
    run(polygist, tmp_path, *flags)
    journal_path(tmp_path / "b").unlink(missing_ok=True)
    fake.batching.errors.clear()
    fake.asked.clear()
    told = run(polygist, tmp_path, *flags)
    assert sorted(sent(fake)) == (["a", "c", "fails"] if is_all else ["fails"])
    assert (f"note: 2 done already, found in {tmp_path / 'b'}" in told) is not is_all
    assert told[-1].startswith("note: 3 done")
    shown = (tmp_path / "b").read_text()
    (tmp_path / "b").unlink()
    journal_path(tmp_path / "b").unlink(missing_ok=True)
    run(polygist, tmp_path, *flags)
    assert (tmp_path / "b").read_text() == shown


def test_a_run_that_ends_early_keeps_what_it_found_in_the_file(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "a").write_text("".join(f'{{"body": "{text}"}}\n' for text in ["fails", *map(str, range(2000))]))
    fake.batching.errors["fails"] = FAILS
    run(polygist, tmp_path, *JSONL)
    journal_path(tmp_path / "b").unlink()
    gone = Failing(grpc.StatusCode.UNAUTHENTICATED, reason="API_KEY_INVALID")
    fake.script("BatchTranslate", Batching(most=0, ending=gone))
    assert polygist(*TRANSLATE, tmp_path / "a", *JSONL, "-o", tmp_path / "b", "--resume").code == 6
    fake.batching.errors.clear()
    fake.asked.clear()
    run(polygist, tmp_path, *JSONL)
    assert sent(fake) == ["fails"]


def test_each_file_in_a_folder_is_looked_at(polygist: Polygist, fake: Fake, tmp_path: Path):
    for name in "abc":
        (tmp_path / f"{name}.jsonl").write_text(f'{{"body": "{name}"}}\n')
    arguments = [*TRANSLATE, *sorted(tmp_path.glob("*.jsonl")), *JSONL, "-o", f"{tmp_path}/out/", "--resume"]
    assert polygist(*arguments).code == 0
    (tmp_path / "b.jsonl").write_text('{"body": "new"}\n')
    os.utime(tmp_path / "b.jsonl", ns=(0, 0))
    fake.asked.clear()
    assert polygist(*arguments).err.splitlines()[1:] == ["note: 2 of 3 finished already", "note: 1 done"]
    assert sent(fake) == ["new"]


def test_objects_with_errors_are_not_finished(polygist: Polygist, fake: Fake, tmp_path: Path):
    for name in "ab":
        (tmp_path / name).write_text(name)
    fake.batching.errors |= dict.fromkeys("ab", FAILS)
    arguments = [*TRANSLATE, tmp_path / "a", tmp_path / "b", "--jsonl", "-o", tmp_path / "out", "--resume"]
    assert polygist(*arguments).code == 1
    fake.batching.errors.clear()
    assert polygist(*arguments).code == 0
    assert [json.loads(line)["translatedText"] for line in (tmp_path / "out").read_text().splitlines()] == ["A", "B"]
    assert polygist(*arguments).err == "note: 2 of 2 finished already\n"


def test_standard_input_is_not_read_to_see_what_is_finished(polygist: Polygist, tmp_path: Path):
    for _ in range(2):
        outcome = polygist(*TRANSLATE, *JSONL, "-o", tmp_path / "b", "--resume", stdin='{"body": "a"}\n')
        assert outcome.err.splitlines()[-1] == "note: 1 done"
        assert (tmp_path / "b").read_text() == '{"body": "a", "body_pt": "A"}\n'


READERS: dict[str, Read] = {"jsonl": read_json_lines, "csv": read_csv, "lines": read_lines}
CELLS = st.text(st.sampled_from(' ab"\\,;{}:[]é☃\u2028'), max_size=6)


def answer(text: str, fails: bool) -> Answer:
    if fails:
        error = InputError("no")
        return Answer(None, error, {"error": describe_failure(error)})
    return Answer(Translation(text.upper() or "x", source="en", target="pt", model="m"), None, {})


@given(st.data(), st.sampled_from(["jsonl", "csv", "lines"]), st.sampled_from([None, "body", "warnings", "x"]))
def test_every_output_is_recognised_and_no_other(data: st.DataObject, kind: str, into: str | None):
    cells = data.draw(st.lists(st.tuples(CELLS, CELLS), max_size=4))
    if kind == "jsonl":
        is_ascii = data.draw(st.booleans())
        text = "".join(json.dumps({"x": x, "body": body}, ensure_ascii=is_ascii) + "\n" for x, body in cells)
    elif kind == "csv":
        quoted = [[cell.replace('"', '""') for cell in row] for row in cells]
        text = "x,body\n" + "".join(f'"{x}","{body}"\n' for x, body in quoted)
    else:
        text = "".join(f"{x}{body}\n" for x, body in cells)
    fields = make_fields(["body"], into, default="{field}_{to}", to="pt")
    records: list[Record] = list(READERS[kind](Input("text-1", text=text), fields))
    for record in records:
        fails = bool(record.texts) and data.draw(st.booleans())
        shown = record.finish([answer(each.text, fails) for each in record.texts])
        is_blank = bool(record.texts) and all(each.is_blank for each in record.texts)
        wanted = "failed" if fails else "blank" if is_blank else "done" if record.texts else "kept"
        assert record.recognise is not None
        if kind == "lines" and is_blank:
            continue  # comes back as it is, whatever a server would say
        assert record.recognise(shown) == wanted
        if kind != "lines" and into != "body":
            assert record.recognise(shown.replace("body", "soul") + "x") is None
