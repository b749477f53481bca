"""The seams of models: found once under the same conditions, and kept beside the models."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from polygist_service.engine.golden_texts import record_answers
from polygist_service.engine.hardware import read_processor, resolve
from polygist_service.engine.residency import loader
from polygist_service.engine.residency.loader import LoadableModel, Loader, open_model
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.seams import FoundSeams, KeptSeams
from polygist_service.store.store import Store
from structlog.testing import capture_logs

MARIAN = Path(__file__).parents[2] / "parity" / "marian"
HERE = {"model": "one", "processor": "two"}


@pytest.fixture(scope="module")
def pulled(tmp_path_factory) -> Store:
    """A store with a tiny model."""
    store = Store(tmp_path_factory.mktemp("home"), record=record_answers)
    store.pull([f"path:{MARIAN}"], options=PullOptions(name="de-en", sources=("de",), targets=("en",)))
    return store


@pytest.fixture
def store(pulled, tmp_path) -> Store:
    """The same, to be changed."""
    shutil.copytree(pulled.home, tmp_path / "home", symlinks=True)
    return Store(tmp_path / "home", record=record_answers)


def place(installed):
    return resolve("cpu", (0,), "", installed.description.compute_type)


def load(store: Store) -> tuple[bool, tuple[int, ...]]:
    """Load the model as a server does; returns whether its seams were looked for, and which they are."""
    loads = Loader(lambda: store, slots=1, place=place, open_model=open_model)
    with capture_logs() as logs:
        model, _ = loads.open(loads.examine("de-en"))
    return any(line["event"] == "batches_probed" for line in logs), model.seams


def conditions(store: Store) -> dict[str, str]:
    installed = store.find("de-en")
    return dict(LoadableModel(installed, place(installed)).conditions)


def test_a_model_that_was_pulled_here_is_not_probed_when_it_is_loaded(pulled):
    assert load(pulled) == (False, pulled.seams.read("de-en", conditions(pulled)))


def test_seams_that_were_not_kept_are_found_once(store):
    kept = load(store)[1]
    shutil.rmtree(store.home / "seams")
    assert load(store) == (True, kept)
    assert load(store) == (False, kept)


@pytest.mark.parametrize("name", ["model", "processor", "compute_type", "instruction_set", "software"])
def test_under_other_conditions_they_are_found_anew(store, name):
    other = conditions(store) | {name: "other"}
    store.seams.keep("de-en", FoundSeams(other, (7, 9)))
    is_probed, seams = load(store)
    assert is_probed
    assert seams != (7, 9)
    assert store.seams.read("de-en", other) is None


def test_what_there_was_no_time_for_is_not_kept_by_a_server(store, monkeypatch):
    store.seams.forget("de-en")
    monkeypatch.setattr(loader, "find_seams", lambda *_, **__: None)
    assert load(store) == (True, ())
    assert load(store) == (True, ())


def test_on_a_processor_that_is_not_known_nothing_is_kept(store, monkeypatch):
    unknown = replace(loader.describe_calculation(place(store.find("de-en"))), instruction_set="")
    monkeypatch.setattr(loader, "describe_calculation", lambda placement: unknown)
    assert load(store)[0]
    assert load(store)[0]


def test_a_store_that_cannot_be_written_is_served_without(store):
    shutil.rmtree(store.home / "seams")
    (store.home / "seams").write_text("in the way, as rights would be")
    assert load(store)[0]
    assert load(store)[0]
    assert not store.seams.keep("de-en", FoundSeams(HERE, ()))


def test_a_model_that_is_removed_takes_its_seams_along(store):
    store.remove("de-en")
    assert not list((store.home / "seams").iterdir())


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", "null", '{"seams": [1]}', '{"seams": 3}', "[" * 100_000]
    + [json.dumps({"conditions": HERE, "seams": seams}) for seams in ([3, 2], [2, 2], ["a"], [True], [None], 7, None)],
)
def test_a_damaged_file_counts_as_none(tmp_path, content):
    kept = KeptSeams(tmp_path)
    assert kept.keep("one", FoundSeams(HERE, (15, 96)))
    assert kept.read("one", HERE) == (15, 96)
    (tmp_path / "seams" / "one.json").write_text(content)
    assert kept.read("one", HERE) is None
    assert kept.keep("one", FoundSeams(HERE, ()))
    assert kept.read("one", HERE) == ()
    assert [path.name for path in (tmp_path / "seams").iterdir()] == ["one.json"]


def test_the_processor_is_told_by_its_name_and_its_model(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "cpuinfo").write_text("model name\t: One\ncpu family\t: 6\nflags\t: a\n\nmodel name\t: Two\n")
    assert read_processor(tmp_path) == "model name One, cpu family 6"
    assert read_processor(tmp_path / "nowhere") == ""
