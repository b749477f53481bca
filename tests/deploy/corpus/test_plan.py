"""How a corpus is cut, what a job remembers of that, and where its actors are."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from deploy.ray.corpus import parts
from deploy.ray.corpus.errors import BulkError
from deploy.ray.corpus.parts import END, Extent, Part, Plan, SourceFile, cut, make_plan
from deploy.ray.corpus.placement import Cluster, Places, place_actors
from deploy.ray.corpus.task import Task

TASK = Task(translate_to="pt")
FILES = (SourceFile("a.jsonl", 100, 5), SourceFile("b.parquet", 300, 6), SourceFile("c.jsonl.gz", 50, 7))
PLAN = make_plan("/news", TASK, [Extent(FILES[0], 100), Extent(FILES[1], 9), Extent(FILES[2], END)], 100)


def test_parts_are_about_as_long_as_asked_for():
    assert PLAN.parts == (
        Part(0, "a.jsonl", 0, 100),
        Part(1, "b.parquet", 0, 3),
        Part(2, "b.parquet", 3, 6),
        Part(3, "b.parquet", 6, 9),
        Part(4, "c.jsonl.gz", 0, END),
    )
    assert PLAN.parts[4].name == "part-000004"


@given(some.integers(0, 10_000), some.integers(0, 10_000), some.integers(1, 5000))
def test_a_file_is_cut_without_a_gap(size, units, part_bytes):
    pieces = list(cut(Extent(SourceFile("a", size), units), part_bytes=part_bytes))
    assert [each for start, stop in pieces for each in range(start, stop)] == list(range(units))
    assert all(start < stop for start, stop in pieces)


def test_a_large_corpus_has_larger_parts(monkeypatch):
    monkeypatch.setattr(parts, "MOST_PARTS", 10)
    assert len(make_plan("/news", TASK, [Extent(SourceFile("a", 100_000), 100_000)], 1).parts) == 10


def test_a_plan_is_read_as_it_was_written():
    assert Plan.from_json(json.loads(json.dumps(PLAN.to_json())), "out") == PLAN
    with pytest.raises(BulkError, match="out was begun by another version"):
        Plan.from_json({"version": 0}, "out")


@pytest.mark.parametrize(
    ("source", "task", "files", "message"),
    [
        ("/old", TASK, FILES, "the results in out are those of /news"),
        ("/news", replace(TASK, translate_to="es"), FILES, "--translate-to is 'es', .* begun with 'pt'"),
        ("/news", replace(TASK, summarise=True), FILES, "--summarise is True, .* begun with False"),
        ("/news", TASK, FILES[1:], "a.jsonl is gone since"),
        ("/news", TASK, (*FILES, SourceFile("d.jsonl", 1)), "d.jsonl is new since"),
        ("/news", TASK, (replace(FILES[0], modified=9), *FILES[1:]), "a.jsonl has changed since"),
    ],
)
def test_another_job_does_not_go_on_with_the_results(source, task, files, message):
    with pytest.raises(BulkError, match=message):
        PLAN.expect_same(source, task, files, "out")


def test_the_same_job_goes_on():
    PLAN.expect_same("/news", TASK, FILES, "out")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nothing is to be done"),
        ({"translate_to": "pt", "summary_length": "short"}, "--summary-length 'short': .* add --summarise"),
        ({"summarise": True, "text_field": ""}, "--text-field ''"),
    ],
)
def test_a_task_that_is_none_is_refused(given, message):
    with pytest.raises(BulkError, match=message):
        Task(**given)


@pytest.mark.parametrize(
    ("asked", "machines", "placed"),
    [
        (Cluster(), [2], (1, 2)),
        (Cluster(), [64, 16, 0], (10, 8)),
        (Cluster(cores=4), [8, 6], (3, 4)),
        (Cluster(cores=4, actors=2), [8, 6], (2, 4)),
    ],
)
def test_each_group_of_cores_has_an_actor(asked, machines, placed):
    assert place_actors(asked, machines) == placed


@pytest.mark.parametrize(
    ("asked", "machines", "message"),
    [
        (Cluster(), [], "no machine with a CPU"),
        (Cluster(cores=16), [8, 8], "--cores 16: no machine has as many; the largest has 8"),
        (Cluster(cores=4, actors=3), [8], "--actors 3: .* room for 2"),
    ],
)
def test_a_cluster_without_room_is_told(asked, machines, message):
    with pytest.raises(BulkError, match=message):
        place_actors(asked, machines)


def test_paths_are_whole_where_the_actors_are(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Places("s3://bucket/news", "out") == Places("s3://bucket/news", str(tmp_path / "out"))
