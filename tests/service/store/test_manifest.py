"""Whatever a manifest holds, it is a model or an error that names the file and the field."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polygist_service.engine.hardware import Placement
from polygist_service.engine.interface import State
from polygist_service.engine.residency.loader import LoadableModel
from polygist_service.errors import StoreError
from polygist_service.store.store import Store

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ANSWER = {"text": "a", "written": "b", "token_count": 1, "score": -0.5}
GOLDEN = {"compute_type": "int8", "instruction_set": "a", "software": "b", "answers": [ANSWER]}


@pytest.fixture
def manifest(tiny_home, tmp_path) -> Path:
    """The manifest of the one model of a store."""
    folder = tmp_path / "models" / "de-en"
    folder.mkdir(parents=True)
    values = json.loads((tiny_home / "models" / "de-en" / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**values, "golden": GOLDEN}))
    return folder / "manifest.json"


def find(manifest: Path) -> None:
    """Look at a model as a server does."""
    LoadableModel(Store(manifest.parents[2]).find("de-en"), Placement()).describe(State.READY)


def places(values: object, at: tuple = ()) -> list[tuple]:
    """The way to each value."""
    inner = values.items() if isinstance(values, Mapping) else enumerate(values) if isinstance(values, list) else ()
    return [at, *(place for key, value in inner for place in places(value, (*at, key)))]


def put(values: object, at: tuple, value: object) -> object:
    """The same values with another one at a place."""
    if not at:
        return value
    pairs = list(values.items() if isinstance(values, Mapping) else enumerate(values))
    changed = {key: put(inner, at[1:], value) if key == at[0] else inner for key, inner in pairs}
    return changed if isinstance(values, Mapping) else list(changed.values())


@pytest.mark.parametrize(
    ("at", "value", "told"),
    [
        (("files", "model.bin", "size"), "x", "files.model.bin.size is 'x', it must be a valid integer"),
        (("files", "model.bin", "size"), -1, "files.model.bin.size is -1, it must be greater than or equal to 0"),
        (("files", "model.bin", "size"), 10**30, "it must be less than or equal to"),
        (("files", "model.bin"), [1], r"files.model.bin is \[1\], it must be an object"),
        (("files",), [], r"files is \[\], it must be an object"),
        (("source",), "hub", "source is 'hub'"),
        (("revision",), None, "revision is None, it must be a valid string"),
        (("format",), "2", "format is '2'"),
        (("format",), 3, "has a manifest of format 3, this version reads 2"),
        ((), [1], "it has no 'format'"),
        (("more",), 1, "more is not known"),
        (("description", "max_input_tokens"), 10**9, "max_input_tokens is 1000000000, it must be less than"),
        (("description", "max_input_tokens"), True, "max_input_tokens is True, it must be a valid integer"),
        (("description", "role"), "judge", "role is 'judge', it must be one of encoder, summarisation, translation"),
        (("description", "target_languages"), "en", "target_languages is 'en', it must be"),
        (("description", "length_penalty"), float("inf"), "length_penalty is inf"),
        (
            ("description", "source_languages"),
            ["de", "en-?"],
            "source_languages.1 is 'en-\\?', it must be a language code",
        ),
        (("description", "license"), "MIT\x1b[2J", r"license is 'MIT\\x1b\[2J', it must be a text on one line"),
        (("golden", "answers"), [], r"answers is \[\], it must"),
        (("golden", "answers"), [ANSWER] * 101, "answers is .*, it must"),
        (("golden", "answers", 0, "score"), "x", "answers.0.score is 'x', it must be a valid number"),
    ],
)
def test_a_value_of_another_type_is_named(manifest, at, value, told):
    values = json.loads(manifest.read_text())
    if at == ("more",):
        values["more"] = value
    manifest.write_text(json.dumps(put(values, at, value)))
    with pytest.raises(StoreError, match=rf"de-en.*{told}.*run: polygist-server models rm de-en"):
        find(manifest)


def test_a_damaged_model_is_called_by_its_folder(manifest):
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"name": ""}))
    (manifest.parent / "stray").touch()
    with pytest.raises(StoreError, match=r"model de-en is damaged: .*run: polygist-server models rm de-en"):
        Store(manifest.parents[2]).verify("de-en")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_any_values_are_a_model_or_an_error(manifest, data):
    whole = manifest.with_name("whole.json")
    if not whole.exists():
        whole.write_text(manifest.read_text())
    values = json.loads(whole.read_text())
    manifest.write_text(json.dumps(put(values, data.draw(st.sampled_from(places(values))), data.draw(JSON))))
    try:
        find(manifest)
        Store(manifest.parents[2]).verify("de-en")
    except StoreError as error:
        told = str(error)
    else:
        told = "de-en"
    assert "de-en" in told
