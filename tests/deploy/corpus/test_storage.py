"""Files of a corpus and of its results, where pyarrow is there; none of these starts Ray."""

import bz2
import gzip
import json

import pyarrow
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pyarrow import parquet

from deploy.ray.corpus.command import command, prepare
from deploy.ray.corpus.documents import Fields
from deploy.ray.corpus.errors import BulkError
from deploy.ray.corpus.parts import make_plan
from deploy.ray.corpus.results import Failure, Result, Tally
from deploy.ray.corpus.source import open_corpus
from deploy.ray.corpus.state import JobState, open_state
from deploy.ray.corpus.storage import UNFINISHED, name_of, open_folder
from deploy.ray.corpus.task import Task

pytestmark = pytest.mark.ray

FIELDS = Fields("text", "id")
TASK = Task(translate_to="pt")
FAILURE = Failure("translate", "INVALID_ARGUMENT", "REQUEST_TOO_LARGE", "contents[0]: is too long")
LINES = [json.dumps({"id": f"d{number}", "text": f"Text {number}."}).encode() + b"\n" for number in range(100)]
CONTENT = b"".join(LINES)


def read_all(folder, part_bytes=300):
    corpus = open_corpus(str(folder), FIELDS)
    plan = make_plan("source", TASK, corpus.measure(), part_bytes)
    return plan, [document for part in plan.parts for document in corpus.read(part)]


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.jsonl", bytes), ("a.ndjson", bytes), ("a.jsonl.gz", gzip.compress), ("a.jsonl.bz2", bz2.compress)],
)
def test_lines_are_read_once(tmp_path, name, pack):
    (tmp_path / name).write_bytes(pack(CONTENT))
    plan, documents = read_all(tmp_path)
    assert [each.id for each in documents] == [f"d{number}" for number in range(100)]
    assert {(each.file, each.problem) for each in documents} == {(name, "")}
    assert len(plan.parts) == (1 if name.endswith(("gz", "bz2")) else round(len(CONTENT) / 300))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some.integers(1, 40), some.integers(1, 2000))
def test_rows_are_read_once(tmp_path, group, part_bytes):
    table = pyarrow.table({"id": range(100), "text": [f"Text {number}." for number in range(100)], "more": range(100)})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=group)
    _, documents = read_all(tmp_path, part_bytes)
    assert [(each.id, each.position, each.text) for each in documents] == [
        (str(number), number, f"Text {number}.") for number in range(100)
    ]


def test_columns_may_be_dictionaries_or_large_and_have_nothing(tmp_path):
    texts = pyarrow.array(["One.", None, "One."])
    columns = {
        "a": texts.dictionary_encode(),
        "b": texts.cast(pyarrow.large_string()),
        "c": texts.cast(pyarrow.string_view()),
    }
    for name, column in columns.items():
        parquet.write_table(pyarrow.table({"text": column}), tmp_path / f"{name}.parquet")
    _, documents = read_all(tmp_path)
    assert [each.text for each in documents] == ["One.", "", "One."] * 3
    assert documents[1].problem == "text: is null, not a text"
    assert documents[4].id == "b.parquet:1"


def make_source(folder, name="a.jsonl", content=CONTENT):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"text", "has no file that is read, but a.txt; give files that end in"),
        ("_a.jsonl", b"{}", "has no file that is read, but nothing"),
        ("a.jsonl", b"\n\n", "has no document"),
        ("a.jsonl", b'{"body": "One."}\nx', "none of the first 2 documents has a text; a.jsonl:0: text: is missing"),
        ("a.parquet", b"PAR1", "a.parquet is no Parquet file"),
        ("a.jsonl.gz", CONTENT, "a.jsonl.gz cannot be read .*; pack it again"),
        ("a.jsonl.gz", gzip.compress(CONTENT)[:100], "a.jsonl.gz cannot be read .*; pack it again"),
    ],
)
def test_a_corpus_that_is_none_is_refused(tmp_path, name, content, message):
    source = make_source(tmp_path / "in", name, content)
    with pytest.raises(BulkError, match=message):
        prepare(str(source), str(tmp_path / "out"), TASK, 100)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("body", "no such column, but body; name one"),
        ("text", "in a.parquet it is of type int64; name a"),
    ],
)
def test_a_table_without_texts_is_refused(tmp_path, column, message):
    parquet.write_table(pyarrow.table({column: [1]}), tmp_path / "a.parquet")
    with pytest.raises(BulkError, match=f"--text-field 'text': .*{message}"):
        read_all(tmp_path)


@pytest.mark.parametrize(
    ("source", "output", "message"),
    [
        ("nowhere", "out", "source .*nowhere' is not there"),
        ("in", "in/out", "lies in source"),
        ("in", "in/a.jsonl", "lies in source"),
        ("in", "other/a.jsonl", "is a file; give a folder"),
        ("in", "other", "has other files, such as a.jsonl"),
        ("nothing://in", "out", "source 'nothing://in' cannot be opened"),
    ],
)
def test_a_folder_that_cannot_be_is_refused(tmp_path, source, output, message):
    make_source(tmp_path / "in")
    make_source(tmp_path / "other")
    given = source if "://" in source else str(tmp_path / source)
    with pytest.raises(BulkError, match=message):
        prepare(given, str(tmp_path / output), TASK, 100)


def write_first(state):
    part, tally = state.plan.parts[0], Tally(documents=2)
    first = Result(id="d0", file="a.jsonl", position=0, translation="Texto.", warnings=("PIVOTED",))
    state.write_part(part, [first, Result(id="d1", file="a.jsonl", position=9, errors=(FAILURE,))], tally)
    return part, tally


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("place", ["{}/out", "file://{}/out", "memory://{}/out"])
def test_parts_are_written_whole_and_remembered(tmp_path, kind, place):
    output = place.format(tmp_path)
    state = prepare(str(make_source(tmp_path / "in")), output, Task(translate_to="pt", output_format=kind), 1000)
    assert state.find_done() == {}
    part, tally = write_first(state)
    again = open_state(output, state.plan.digest)
    assert again == JobState(again.folder, state.plan)
    assert again.find_done() == {part.name: tally}
    with again.folder.open(f"{part.name}.{kind}") as stream:
        rows = (
            parquet.read_table(stream).to_pylist()
            if kind == "parquet"
            else [json.loads(each) for each in stream.read().splitlines()]
        )
    assert [row["translation"] for row in rows] == ["Texto.", None]
    assert rows[1]["errors"][0]["reason"] == "REQUEST_TOO_LARGE"
    again.folder.drop_unfinished()
    assert not list(again.folder.find(UNFINISHED))


def test_a_plan_that_led_to_nothing_may_be_taken_back(tmp_path):
    source, output = str(make_source(tmp_path / "in")), str(tmp_path / "out")
    prepare(source, output, TASK, 1000).withdraw()
    state = prepare(source, output, Task(translate_to="es"), 300)
    write_first(state)
    state.withdraw()
    with pytest.raises(BulkError, match="--translate-to is 'pt'"):
        prepare(source, output, TASK, 300)
    # How it is cut is what it was.
    assert prepare(source, output, Task(translate_to="es"), 5000) == state


def test_jobs_do_not_share_an_output(tmp_path):
    source, output = str(make_source(tmp_path / "in")), str(tmp_path / "out")
    first = prepare(source, output, TASK, 1000)
    JobState(first.folder, make_plan(source, TASK, [], 1)).write_plan()  # by a job that began at the same moment
    with pytest.raises(BulkError, match="another job was begun in output"):
        open_state(output, first.plan.digest)
    with pytest.raises(BulkError, match="has no job here"):
        open_state(str(tmp_path / "elsewhere"), first.plan.digest)


def test_all_tables_without_texts_are_named_at_once(tmp_path):
    for number in range(12):
        parquet.write_table(pyarrow.table({"body": ["One."]}), tmp_path / f"{number:02}.parquet")
    with pytest.raises(BulkError) as raised:
        read_all(tmp_path)
    *files, last = str(raised.value).splitlines()
    assert (len(files), last) == (10, "… and 2 more files")
    assert files[9].startswith("--text-field 'text': 09.parquet has no such column, but body; name one")


def test_a_name_has_no_password():
    assert name_of("s3://key:secret@bucket/news/?endpoint_override=localhost:9000") == "s3://bucket/news"
    assert open_folder("memory://x/y", "output").url == "memory://x/y"


def test_a_folder_that_may_not_be_written_is_told_in_a_line(tmp_path):
    (tmp_path / "file").touch()
    done = CliRunner().invoke(command, [str(make_source(tmp_path / "in")), str(tmp_path / "file/out"), "--summarise"])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: ")


def test_options_that_cannot_be_are_refused_with_a_line(tmp_path):
    done = CliRunner().invoke(command, [str(tmp_path), str(tmp_path / "out")])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "error: nothing is to be done; give --translate-to LANGUAGE, --summarise or both\n"
